//! What ends a command early, as one line.

use std::io;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::output;

/// Why a command could not run.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Bad input or usage: what, where, what would be right.
    Input(String),
    /// The reader of stdout has gone.
    Closed,
}

/// `true`: every check held and every solve converged.
pub(crate) type Done = Result<bool, Failure>;

impl From<mirrorflow::Error> for Failure {
    fn from(error: mirrorflow::Error) -> Self {
        Self::Input(plain(&error.to_string()))
    }
}

/// Without what the system adds for programmers: `(os error 2)`, and the temporary file that could
/// not be made.
fn plain(text: &str) -> String {
    let mut out = text.to_owned();
    while let Some((before, after)) = out.split_once(" (os error ") {
        let Some((_, after)) = after.split_once(')') else { break };
        out = format!("{before}{after}");
    }
    match out.split_once(" at path \"") {
        Some((before, path)) if path.ends_with(".partial\"") => before.to_owned(),
        _ => out,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Input(format!(
                "cannot write to standard output: {}",
                plain(&error.to_string())
            )),
        }
    }
}

/// A usage error of our own.
pub(crate) fn usage(line: impl Into<String>) -> Failure {
    Failure::Input(plain(&line.into()))
}

/// Help and version go to stdout; everything else becomes one line.
pub(crate) fn of_usage(error: &clap::Error) -> Done {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        output::say(error.render().to_string().trim_end())?;
        return Ok(true);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Err(usage(
            "no command given: use verify, solve, path, flow, descend, figures, train or devices (mirrorflow --help)",
        ));
    }
    Err(usage(one_line(error)))
}

fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    // The first paragraph says what is wrong; the usage and help that follow are cut.
    let paragraph: Vec<&str> =
        text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let mut line = paragraph.join(" ");
    if let Some(rest) = line.strip_prefix("error: ") {
        line = rest.to_string();
    }
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand] {
        let near = match error.get(kind) {
            Some(ContextValue::String(near)) => near.clone(),
            Some(ContextValue::Strings(near)) if !near.is_empty() => near.join(", "),
            _ => continue,
        };
        line.push_str(&format!("; did you mean {near}?"));
    }
    line.push_str(" (see --help)");
    line
}
