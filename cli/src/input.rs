//! From arguments to what the library takes: the problem, its start, the schedule.

use std::path::Path;

use mirrorflow::io::npz::Writer;
use mirrorflow::parameterization::Start;
use mirrorflow::potential::HyperbolicEntropy;
use mirrorflow::problem::{Problem, ProblemFile};
use mirrorflow::schedule::Schedule;
use serde_json::{Value, json};

use crate::args::StartArgs;
use crate::failure::{Failure, usage};
use crate::output;

/// A problem with the start and the weight decay of its flow.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) problem: Problem,
    pub(crate) start: Start,
    pub(crate) schedule: Schedule,
}

impl Run {
    /// The potential of the start, which is in the file where it can be wrong.
    pub(crate) fn entropy(&self, file: &Path) -> Result<HyperbolicEntropy, Failure> {
        self.start.entropy().map_err(|e| usage(format!("{}: {e}", file.display())))
    }
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
            let (m0, w0) = (m0.unwrap_or_else(|| vec![1.0; n]), w0.unwrap_or_else(|| vec![0.0; n]));
            Start::new(m0, w0).map_err(|e| usage(format!("{}: {e}", file.display())))?
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
    let read = ProblemFile::read(file)?;
    read.notes.iter().for_each(|note| output::note(&format!("{}: {note}", file.display())));
    Ok(read)
}

/// Begins an output file, before anything long is computed; it appears when it is finished. It must
/// not be the input, under whatever name.
pub(crate) fn create(input: &Path, out: &Path) -> Result<Writer, Failure> {
    if same_file(input, out) {
        return Err(usage(format!(
            "--out {} is the problem file {} itself: choose another name",
            out.display(),
            input.display()
        )));
    }
    Ok(Writer::create(out)?)
}

/// Whether two names lead to one file: through `.`, `..`, links or the case of letters, or as hard
/// links.
fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if let (Ok(a), Ok(b)) = (a.metadata(), b.metadata()) {
            return (a.dev(), a.ino()) == (b.dev(), b.ino());
        }
    }
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// What every output carries: version, command, seed and configuration.
pub(crate) fn meta(command: &str, seed: Option<u64>, config: Value) -> Value {
    json!({ "version": mirrorflow::VERSION, "command": command, "seed": seed, "config": config })
}
