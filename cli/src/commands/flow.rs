//! `mirrorflow flow`: one trajectory.

use mirrorflow::flow::{Dual, Flow, Primal};
use mirrorflow::integrate::{Options, integrate};
use mirrorflow::problem::Loss;
use serde_json::json;

use super::trajectory;
use crate::args::{FlowArgs, Form};
use crate::failure::{Done, usage};
use crate::output::{self, short, whole};
use crate::{input, interrupt};

/// Integrates and writes.
pub(crate) fn run(args: &FlowArgs) -> Done {
    if let Some(k) = args.times.windows(2).position(|w| w[1] <= w[0]) {
        return Err(usage(format!(
            "--times: {} follows {}, expected increasing times",
            whole(args.times[k + 1]),
            whole(args.times[k])
        )));
    }
    let last = args.times.last().copied();
    let t_end = args.t_end.or(last.filter(|t| *t > 0.0)).unwrap_or(100.0);
    if let Some(last) = last.filter(|t| *t > t_end) {
        return Err(usage(format!(
            "--times: {} is after --t-end {}, expected at most that",
            whole(last),
            whole(t_end)
        )));
    }
    let times = if args.times.is_empty() { spread(t_end) } else { args.times.clone() };
    let run = input::load(&args.file, &args.start)?;
    let mut options = Options::until(t_end)
        .with_times(&times)
        .with_tolerances(args.rtol, args.atol)
        .with_method(args.method);
    options.max_steps = args.max_steps;
    options.loss_at_most = args.until_loss;
    options.kkt_at_most = args.until_kkt;
    options.cancel = Some(interrupt::cancel());
    let (problem, start, schedule) = (&run.problem, &run.start, run.schedule.clone());
    let flow: Box<dyn Flow + '_> = match args.form {
        Form::Primal => Box::new(Primal::from_start(problem, Loss::Squared, schedule, start)?),
        Form::Dual => {
            Box::new(Dual::new(problem, Loss::Squared, schedule, &run.entropy(&args.file)?)?)
        }
    };
    let writer = input::create(&args.file, &args.out)?;
    let working = output::working(format!("flow to t = {}", short(t_end)));
    let trajectory = integrate(flow.as_ref(), &options);
    working.finish_and_clear();
    let trajectory = trajectory?;
    let meta = input::meta(
        "flow",
        None,
        json!({
            "file": args.file.display().to_string(), "schedule": run.schedule.to_string(),
            "beta": args.start.beta, "t_end": t_end, "times": times,
            "form": if args.form == Form::Dual { "dual" } else { "primal" },
            "method": trajectory.method, "rtol": args.rtol, "atol": args.atol,
            "until_loss": args.until_loss, "until_kkt": args.until_kkt, "max_steps": args.max_steps,
        }),
    );
    trajectory::finish(&trajectory, writer, &args.out, meta, args.json)
}

/// The times recorded where none are asked for: 0, then 50 evenly spaced in log t over four
/// decades.
fn spread(t_end: f64) -> Vec<f64> {
    let decades = (0..50).map(|k| t_end * 10_f64.powf(4.0 * (f64::from(k) / 49.0 - 1.0)));
    std::iter::once(0.0).chain(decades).map(|t| t.min(t_end)).collect()
}
