//! What `flow` and `descend` leave behind: the same arrays, the same summary.

use mirrorflow::flow::Trajectory;
use mirrorflow::io::npz::Writer;
use serde_json::{Value, json};

use crate::failure::Done;
use crate::interrupt;
use crate::output::{self, finite, long, short};

/// Writes `t`, `x`, `loss`, `l1`, `log_a`, `status` and `meta`, then prints how the run ended.
pub(crate) fn finish(
    run: &Trajectory,
    mut writer: Writer,
    out: &std::path::Path,
    mut meta: Value,
    as_json: bool,
) -> Done {
    let (rows, n) = run.x.dim();
    let flat = |table: &ndarray::Array2<f64>| table.iter().copied().collect::<Vec<f64>>();
    if let Some(object) = meta.as_object_mut() {
        object.insert("outcome".into(), json!(run.outcome.to_string()));
        object.insert("complete".into(), json!(run.outcome.is_complete()));
    }
    writer.f64("t", &[rows], &run.t)?;
    writer.f64("x", &[rows, n], &flat(&run.x))?;
    writer.f64("loss", &[rows], &run.loss)?;
    writer.f64("l1", &[rows], &run.l1)?;
    if let Some(log_a) = &run.log_a {
        writer.f64("log_a", &[rows, n], &flat(log_a))?;
    }
    writer.text("status", &run.outcome.to_string())?;
    writer.meta(&meta)?;
    writer.finish()?;
    interrupt::leaves(format!("{} holds what was reached, t = {}", out.display(), run.t_end()));
    let last = |v: &[f64]| v.last().copied().unwrap_or(f64::NAN);
    let (loss, l1) = (last(&run.loss), last(&run.l1));
    if as_json {
        output::json(&json!({
            "meta": meta, "method": run.method, "t": run.t_end(), "loss": finite(loss),
            "l1": finite(l1), "rows": rows, "steps": run.work.steps,
            "rejections": run.work.rejections, "out": out.display().to_string(),
        }))?;
    } else {
        output::pairs(&[
            ("outcome", run.outcome.to_string()),
            ("method", format!("{}, {} steps", run.method, run.work.steps)),
            ("loss", short(loss)),
            ("‖x‖₁", long(l1)),
            ("written", format!("{} ({rows} times, {n} features)", out.display())),
        ])?;
    }
    Ok(run.outcome.is_complete())
}
