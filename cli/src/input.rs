//! From arguments to what the library takes: the problem, its start, the schedule.

use std::path::Path;

use mirrorflow::parameterization::Start;
use mirrorflow::problem::npz::Writer;
use mirrorflow::problem::{Problem, ProblemFile};
use mirrorflow::schedule::Schedule;
use serde_json::{Value, json};

use crate::args::StartArgs;
use crate::failure::{Failure, usage};

/// A problem with the start and the weight decay of its flow.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) problem: Problem,
    pub(crate) start: Start,
    pub(crate) schedule: Schedule,
}

/// Reads the file and settles the start: `--beta`, else the file's m0 and w0, else β = 1.
pub(crate) fn load(file: &Path, args: &StartArgs) -> Result<Run, Failure> {
    let read = read(file)?;
    let n = read.problem.features();
    let start = match (args.beta, read.m0, read.w0) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            let path = file.display();
            return Err(usage(format!(
                "--beta contradicts the start in {path}, which has m0 or w0: leave one of them out"
            )));
        }
        (beta, None, None) => Start::centered(n, beta.unwrap_or(1.0))?,
        (None, m0, w0) => {
            Start::new(m0.unwrap_or_else(|| vec![1.0; n]), w0.unwrap_or_else(|| vec![0.0; n]))?
        }
    };
    let schedule = args.schedule.clone().unwrap_or(Schedule::None);
    Ok(Run { problem: read.problem, start, schedule })
}

/// Reads a problem file.
pub(crate) fn read(file: &Path) -> Result<ProblemFile, Failure> {
    if file.is_dir() {
        let path = file.display();
        return Err(usage(format!("{path}: is a folder, expected a .npz or .csv file")));
    }
    Ok(ProblemFile::read(file)?)
}

/// Begins an output file, before anything long is computed; it appears when it is finished.
pub(crate) fn create(out: &Path) -> Result<Writer, Failure> {
    Ok(Writer::create(out)?)
}

/// What every output carries: version, command, seed and configuration.
pub(crate) fn meta(command: &str, seed: Option<u64>, config: Value) -> Value {
    json!({ "version": mirrorflow::VERSION, "command": command, "seed": seed, "config": config })
}
