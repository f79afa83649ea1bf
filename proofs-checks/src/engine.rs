//! Runs checks and gathers their findings.

use std::time::Instant;

use crate::{Budget, Claim, Context, Report, report::ClaimReport};

/// What the engine is doing, for a progress bar.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A claim's check starts: its place, how many there are, its id.
    Started {
        /// Counting from 0.
        index: usize,
        /// How many claims were selected.
        total: usize,
        /// The claim.
        id: &'static str,
    },
    /// It has ended after so many seconds.
    Finished {
        /// The claim.
        id: &'static str,
        /// Wall-clock time.
        seconds: f64,
    },
}

/// Checks `claims` in order. A check that cannot run is reported as such; the others still run.
///
/// ```
/// use mirrorflow_proofs_checks::{Budget, Effort, Event, run, select};
/// let claims = select(&["lemma-a.2".to_owned()])?;
/// let mut names = Vec::new();
/// let budget = Budget { effort: Effort::Quick, seed: 0 };
/// let report = run(&claims, budget, &mut |event| {
///     if let Event::Started { id, .. } = event {
///         names.push(id);
///     }
/// });
/// assert_eq!(names, ["lemma-a.2"]);
/// assert!(report.in_order());
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn run(claims: &[&Claim], budget: Budget, progress: &mut dyn FnMut(Event)) -> Report {
    let context = Context::new(budget);
    let started = Instant::now();
    let mut done = Vec::with_capacity(claims.len());
    for (index, claim) in claims.iter().enumerate() {
        progress(Event::Started { index, total: claims.len(), id: claim.id });
        let clock = Instant::now();
        let findings = claim.check(&context);
        let seconds = clock.elapsed().as_secs_f64();
        progress(Event::Finished { id: claim.id, seconds });
        done.push(ClaimReport::new(claim, findings, seconds));
    }
    Report::new(budget, done, started.elapsed().as_secs_f64())
}
