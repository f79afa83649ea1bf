//! `mirrorflow descend`: gradient descent or SGD on m and w.

use mirrorflow::flow::{Descent, Objective, descend};
use mirrorflow::problem::Loss;
use serde_json::json;

use super::trajectory;
use crate::args::DescendArgs;
use crate::failure::Done;
use crate::{input, output};

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
        ..Descent::new(args.step, args.steps)
    };
    let writer = input::create(&args.out)?;
    let working = output::working(format!("{} steps", args.steps));
    let trajectory = descend(&run.problem, Loss::Squared, &run.schedule, &objective, &how);
    working.finish_and_clear();
    let trajectory = trajectory?;
    let meta = input::meta(
        "descend",
        Some(args.seed),
        json!({
            "file": args.file.display().to_string(), "schedule": run.schedule.to_string(),
            "beta": args.start.beta, "step": args.step, "steps": args.steps, "batch": args.batch,
            "record_every": record_every,
        }),
    );
    trajectory::finish(&trajectory, writer, &args.out, meta, args.json)
}
