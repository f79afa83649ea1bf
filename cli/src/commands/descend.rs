//! `mirrorflow descend`: gradient descent or SGD on m and w.

use mirrorflow::Cancel;
use mirrorflow::flow::{Descent, Objective, Outcome, Trajectory, Work, descend};
use mirrorflow::kernels::{
    batch::{
        self,
        descent::{self, descend_in_time_on},
    },
    device::{Device, Machine},
};
use mirrorflow::problem::Loss;
use ndarray::Array2;
use serde_json::json;

use super::trajectory;
use crate::args::DescendArgs;
use crate::failure::{Done, Failure};
use crate::input::Run;
use crate::{input, interrupt, output};

/// Descends and writes.
pub(crate) fn run(args: &DescendArgs) -> Done {
    let run = input::load(&args.file, &args.start)?;
    let objective =
        Objective::MaskWeight { m: run.start.m0().to_vec(), w: run.start.w0().to_vec() };
    let record_every = args.record_every.unwrap_or((args.steps / 100).max(1));
    let how = Descent {
        batch: args.batch,
        seed: args.seed,
        record_every,
        cancel: Some(interrupt::cancel()),
        ..Descent::new(args.step, args.steps)
    };
    let place = match args.device.device {
        // One run does not fill a GPU.
        Device::Auto | Device::Cpu => Device::Cpu,
        Device::Cuda(_) => args.device.device,
    }
    .open()?;
    let writer = input::create(&args.file, &args.out)?;
    let working = output::working(format!("{} steps on {place}", args.steps));
    let machines = place.list();
    let trajectory = if machines.is_empty() {
        let done = descend(&run.problem, Loss::Squared, &run.schedule, &objective, &how);
        done.map_err(Failure::from)
    } else {
        on_device(&run, &how, &machines)
    };
    working.finish_and_clear();
    let trajectory = trajectory?;
    let meta = input::meta(
        "descend",
        Some(args.seed),
        json!({
            "file": args.file.display().to_string(), "schedule": run.schedule.to_string(),
            "beta": args.start.beta, "step": args.step, "steps": args.steps, "batch": args.batch,
            "record_every": record_every, "device": place.to_string(),
        }),
    );
    trajectory::finish(&trajectory, writer, &args.out, meta, args.json)
}

/// The same descent as a batch of one run.
fn on_device(run: &Run, how: &Descent, machines: &[&dyn Machine]) -> Result<Trajectory, Failure> {
    let n = run.problem.features();
    // 0 is a multiple of every number, and of 0 only 0 is.
    let record = |k: &u64| *k == how.steps || k.is_multiple_of(how.record_every);
    let options = descent::Options {
        step: how.step,
        steps: how.steps,
        batch: how.batch,
        record: (0..=how.steps).filter(record).collect(),
    };
    let one = descent::Run {
        first: run.start.m0().to_vec(),
        second: run.start.w0().to_vec(),
        schedule: run.schedule.clone(),
        seed: how.seed,
    };
    let objective = descent::Objective::MaskWeight;
    let cancel = how.cancel.as_ref().map(Cancel::flag);
    let problem = &run.problem;
    let done =
        descend_in_time_on(machines, problem, objective, &[one], &options, how.step, cancel)?;
    let time = |k: u64| k as f64 * how.step;
    let (outcome, steps) = match done.outcome.first() {
        Some(batch::Outcome::Diverged { step }) => {
            (Outcome::Diverged { step: *step, t: time(*step) }, step - 1)
        }
        Some(batch::Outcome::Cancelled { step }) => (Outcome::Cancelled { t: time(*step) }, *step),
        _ => (Outcome::ReachedTime { t: time(how.steps) }, how.steps),
    };
    let reached = options.record.iter().take_while(|k| **k <= steps).count();
    let rows: Vec<&[f64]> = done.x.chunks_exact(n).take(reached).collect();
    let loss: Vec<f64> = rows.iter().map(|x| Loss::Squared.value(&run.problem, x)).collect();
    let outcome = match loss.last() {
        Some(last) => outcome.with_loss(time(steps), *last),
        None => outcome,
    };
    Ok(Trajectory {
        t: options.record[..reached].iter().map(|k| time(*k)).collect(),
        state: Array2::zeros((reached, 0)),
        x: Array2::from_shape_vec((reached, n), rows.concat()).unwrap_or_default(),
        loss,
        l1: rows.iter().map(|x| x.iter().map(|v| v.abs()).sum()).collect(),
        log_a: None,
        work: Work { fields: steps, steps, ..Work::default() },
        outcome,
        method: if how.batch.is_some() { "sgd, philox" } else { "gd" }.into(),
    })
}
