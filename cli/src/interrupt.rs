//! Ctrl-C and SIGTERM: within a second the command ends with one line and the code 128 + signal.
//!
//! A command that can keep what it reached takes [`cancel`]: it is asked to stop, and has [`GRACE`]
//! to write. All others, and one whose single step takes longer, end at once. Either way no
//! temporary file is left.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::Duration,
};

use mirrorflow::{Cancel, io::abandon_temporaries};

use crate::output;

/// What a command gets to write what it reached.
const GRACE: Duration = Duration::from_millis(750);

/// The signal that came, 0 before.
static SIGNAL: AtomicU8 = AtomicU8::new(0);
/// Whether the last line was said.
static SAID: AtomicBool = AtomicBool::new(false);
static PLAN: Mutex<Plan> =
    Mutex::new(Plan { cancel: None, left: String::new(), begun: Vec::new() });

/// What happens when a signal comes.
struct Plan {
    /// Asked to stop first.
    cancel: Option<Cancel>,
    /// What is left behind, for the last line.
    left: String,
    /// Files one of which is there once anything is left behind; none where that is so anyway.
    begun: Vec<PathBuf>,
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
    leaves_beside(Vec::new(), what);
}

/// The same, where one of these files is there by then; else nothing was written.
pub(crate) fn leaves_beside(begun: Vec<PathBuf>, what: impl Into<String>) {
    plan(|plan| (plan.left, plan.begun) = (what.into(), begun));
}

/// The exit code of a command that was told to stop, once it has come to its end; `None` where it
/// was not.
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
    let left = plan(|plan| {
        let there = plan.begun.is_empty() || plan.begun.iter().any(|file| file.exists());
        if there { plan.left.clone() } else { String::new() }
    });
    let left = match error {
        Some(error) => error,
        None if left.is_empty() => "nothing was written",
        None => &left,
    };
    output::last_line(&format!("interrupted by {name}: {left}"));
}

/// Listens for the signals from here on. To be called before any other thread begins: those inherit
/// that the signals wait for the one that listens.
#[cfg(unix)]
pub(crate) fn listen() {
    // SAFETY: the set is initialised by sigemptyset before it is read; none of these calls keeps a
    // pointer.
    let signals = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        // A file that grows beyond its limit is then an error of the write, as on a full disk.
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        if libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            // The system ends the command then, as without a listener.
            return;
        }
        set
    };
    std::thread::spawn(move || {
        let mut number = 0;
        // SAFETY: both pointers are to values of this thread.
        while unsafe { libc::sigwait(&raw const signals, &raw mut number) } != 0 {}
        let signal = u8::try_from(number).unwrap_or(2);
        SIGNAL.store(signal, Ordering::SeqCst);
        if let Some(cancel) = plan(|plan| plan.cancel.clone()) {
            cancel.request();
            std::thread::sleep(GRACE);
            leaves("a single step takes longer than that, nothing was written");
        }
        abandon_temporaries();
        say(signal, None);
        // SAFETY: ends the process without its exit handlers, which other threads may be in the way
        // of.
        unsafe { libc::_exit(128 + i32::from(signal)) }
    });
}

/// Elsewhere the system ends the command.
#[cfg(not(unix))]
pub(crate) fn listen() {}
