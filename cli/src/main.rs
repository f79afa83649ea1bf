//! The command `mirrorflow`: parses arguments, validates them into a configuration, calls the
//! library, prints and writes. No mathematics lives here.
//!
//! Exit codes: 0 all good; 1 a check failed or a solve did not converge; 2 bad input or usage, with
//! one line on stderr that says what, where, and what would be right; 130 and 143 interrupted by
//! Ctrl-C and SIGTERM.

mod args;
mod commands;
mod failure;
mod input;
mod interrupt;
mod output;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    interrupt::listen();
    let done = match Cli::try_parse() {
        Ok(cli) => match &cli.command {
            Command::Verify(args) => commands::verify::run(args),
            Command::Solve(args) => commands::solve::run(args),
            Command::Path(args) => commands::path::run(args),
            Command::Flow(args) => commands::flow::run(args),
            Command::Descend(args) => commands::descend::run(args),
            Command::Figures(args) => commands::figures::run(args),
            Command::Devices(args) => commands::devices::run(args),
            Command::Train(args) => commands::train::run(args),
        },
        Err(error) => failure::of_usage(&error),
    };
    let error = match &done {
        Err(Failure::Input(line)) => Some(line.as_str()),
        _ => None,
    };
    if let Some(code) = interrupt::ended(error) {
        return ExitCode::from(code);
    }
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Input(line)) => {
            output::error_line(&line);
            ExitCode::from(2)
        }
        // The reader of a pipe has left (`| head`): nobody is there to be told.
        Err(Failure::Closed) => ExitCode::SUCCESS,
    }
}
