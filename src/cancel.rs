//! A wish to stop, which long computations look at between their steps.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// A wish to stop. Its clones share it: one is given to a computation, another requests.
///
/// ```
/// use mirrorflow::{Cancel, flow::{Descent, Objective, Outcome, descend}};
/// use mirrorflow::{problem::{Loss, Problem}, schedule::Schedule};
///
/// let problem = Problem::from_rows(vec![1.0, 2.0], vec![1.0])?;
/// let start = Objective::MaskWeight { m: vec![1.0; 2], w: vec![0.0; 2] };
/// let cancel = Cancel::new();
/// let how = Descent { cancel: Some(cancel.clone()), ..Descent::new(0.05, 1_000_000) };
/// cancel.request();
/// let run = descend(&problem, Loss::Squared, &Schedule::None, &start, &how)?;
/// assert_eq!(run.outcome, Outcome::Cancelled { t: 0.0 });
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Nothing requested yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Asks every computation that has this to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Whether to stop.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
    /// The flag itself, as the batch kernels take it.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }
}

/// The same wish, not the same state.
impl PartialEq for Cancel {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Whether one was given and asks to stop.
pub(crate) fn requested(cancel: &Option<Cancel>) -> bool {
    cancel.as_ref().is_some_and(Cancel::is_requested)
}
