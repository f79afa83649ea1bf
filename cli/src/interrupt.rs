//! Ctrl-C and SIGTERM: within a second the command ends with one line and the code 128 + signal.
//!
//! A command that can keep what it reached takes [`cancel`]: it is asked to stop, and has [`GRACE`] to
//! write. All others, and one whose single step takes longer, end at once. Either way no temporary
//! file is left.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use mirrorflow::{Cancel, problem::abandon_temporaries};

use crate::output;

/// What a command gets to write what it reached.
const GRACE: Duration = Duration::from_millis(750);

/// The signal that came, 0 before.
static SIGNAL: AtomicU8 = AtomicU8::new(0);
/// Whether the last line was said.
static SAID: AtomicBool = AtomicBool::new(false);
static PLAN: Mutex<Plan> = Mutex::new(Plan { cancel: None, left: String::new() });

/// What happens when a signal comes.
struct Plan {
    /// Asked to stop first.
    cancel: Option<Cancel>,
    /// What is left behind, for the last line.
    left: String,
}

fn plan<T>(act: impl FnOnce(&mut Plan) -> T) -> T {
    act(&mut PLAN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A wish that a signal makes: whoever takes it looks at it, stops and writes what it has.
pub(crate) fn cancel() -> Cancel {
    plan(|plan| plan.cancel.get_or_insert_with(Cancel::new).clone())
}

/// What the last line says is left behind.
pub(crate) fn leaves(what: impl Into<String>) {
    plan(|plan| plan.left = what.into());
}

/// The exit code of a command that was told to stop, once it has come to its end; `None` where it was not.
pub(crate) fn ended(error: Option<&str>) -> Option<u8> {
    let signal = SIGNAL.load(Ordering::SeqCst);
    if signal == 0 {
        return None;
    }
    say(signal, error);
    Some(128 + signal)
}

/// The last line, once.
fn say(signal: u8, error: Option<&str>) {
    if SAID.swap(true, Ordering::SeqCst) {
        return;
    }
    let name = if signal == 15 { "SIGTERM" } else { "Ctrl-C" };
    let left = plan(|plan| plan.left.clone());
    let left = match error {
        Some(error) => error,
        None if left.is_empty() => "nothing was written",
        None => &left,
    };
    output::last_line(&format!("interrupted by {name}: {left}"));
}

/// Listens for the signals from here on.
#[cfg(unix)]
pub(crate) fn listen() {
    use signal_hook::{
        consts::{SIGINT, SIGTERM, SIGXFSZ},
        iterator::Signals,
        low_level::exit,
    };
    // A file that grows beyond its limit is then an error of the write, as on a full disk.
    let _ = signal_hook::flag::register(SIGXFSZ, Default::default());
    // Where no handler can be had the system ends the command, as without one.
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let signal = u8::try_from(signal).unwrap_or(2);
            SIGNAL.store(signal, Ordering::SeqCst);
            if let Some(cancel) = plan(|plan| plan.cancel.clone()) {
                cancel.request();
                std::thread::sleep(GRACE);
                leaves("a single step takes longer than that, nothing was written");
            }
            abandon_temporaries();
            say(signal, None);
            exit(128 + i32::from(signal));
        }
    });
}

/// Elsewhere the system ends the command.
#[cfg(not(unix))]
pub(crate) fn listen() {}
