//! Lines, JSON and colour. Nothing here panics when a pipe closes.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mirrorflow::numerics::written::written;
use serde_json::Value;

use crate::failure::Failure;

/// Prints a text and a newline on stdout.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Prints aligned `name  value` lines.
pub(crate) fn pairs(rows: &[(&str, String)]) -> Result<(), Failure> {
    let width = rows.iter().map(|row| row.0.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = rows.iter().map(|(k, v)| format!("{k:<width$}  {v}")).collect();
    say(&lines.join("\n"))
}

/// Prints one JSON object on stdout.
pub(crate) fn json(value: &Value) -> Result<(), Failure> {
    say(&value.to_string())
}

/// One line on stderr; line breaks inside it become spaces.
pub(crate) fn error_line(line: &str) {
    let flat = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let label = if colour(&io::stderr()) { "\x1b[31merror:\x1b[0m" } else { "error:" };
    // Nobody is left to be told when stderr is closed.
    let _ = writeln!(io::stderr(), "{label} {flat}");
}

/// A line on stderr about what goes on all the same.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr(), "note: {line}");
}

/// The line of a command that ends now, in the place of a progress bar.
pub(crate) fn last_line(line: &str) {
    let clear = if io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    let flat = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "{clear}{flat}");
}

/// Colour only on a terminal and unless `NO_COLOR` is set to something.
pub(crate) fn colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// A number for people: all its digits matter to none.
pub(crate) fn short(value: f64) -> String {
    written(value, 4)
}

/// A result in as many digits as are compared: twelve.
pub(crate) fn long(value: f64) -> String {
    written(value, 12)
}

/// A proved bound: the shortest text that reads back to the same number.
pub(crate) fn whole(value: f64) -> String {
    let (plain, scientific) = (value.to_string(), format!("{value:e}"));
    if plain.len() <= scientific.len() + 4 { plain } else { scientific }
}

/// A number JSON can hold: infinities and NaN become null.
pub(crate) fn finite(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// A progress bar on stderr, hidden unless stderr is a terminal.
pub(crate) fn progress(length: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar
}

/// Says on stderr that something runs, and for how long already; hidden unless stderr is a
/// terminal.
pub(crate) fn working(message: impl Into<String>) -> ProgressBar {
    let bar = progress(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(message.into());
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// A progress bar that says what runs and how long the rest will take; hidden unless stderr is a
/// terminal.
pub(crate) fn estimate() -> ProgressBar {
    let bar = progress(0);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {percent}% {msg} ({elapsed}, {eta} left)")
    {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
