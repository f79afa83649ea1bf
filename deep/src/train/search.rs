//! The strength that ends at a wanted sparsity, sought over whole runs where feedback within the
//! first one ([`Control`](crate::method::Control)) missed it.
//!
//! The unknown is u = log Σαη, the total of the strength over all steps, under the method's own
//! schedule: it means the same for any rate and length. A run that missed says on which side and
//! how far,
//! ```text
//! e = log(lost/5 %) > 0    too dense: the last cut takes `lost` of ‖x‖₁
//! e = log(n/(9/10 n*)) < 0 too sparse: n weights are left of the n* wanted
//! ```
//! Too strong (e = −1) is also a run that diverged, one whose network answers no better than twice
//! chance on its training images, and one that is denser than a run with less strength was, by more
//! than chance makes of it (1/2 in e): past the best strength the weights that count suffer as the
//! others do. HAM's decay, the same for all, comes to that soon, and L1 where the network dies and
//! its weights go to and fro about 0.
//!
//! Assumption: below that point e falls as u grows. Until both sides are known u moves by 1/4, by
//! twice as much each time it has to go on the same way; between two sides it goes to the zero of
//! the line through them, the error of an end that stays counting half each time (the Illinois
//! variant of regula falsi), and within the middle eight tenths. The first u is what the first run
//! spent. After `runs` runs, or where both sides are within 0.2 %, the nearest miss is what is
//! left.
//!
//! `continuous` and `ham` do without feedback in the first run, which is under a constant α as the
//! others are: the mask of Continuous Sparsification, s ≤ 0, shows nothing until most s cross 0
//! within a few epochs, and cannot come back when b has grown; HAM's rising decay ends in a dead
//! network. On the digits (60 epochs, targets of 80, 90, 95 and 98 %, three seeds) feedback reached
//! 0 of 12 with each.
//!
//! In the output folder: `search/1`, `search/2`, … hold the runs, each resumable by itself,
//! `search.csv` what they reached; the run that counts is copied to the folder itself when all is
//! over, its `summary.json` last.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mirrorflow::{Error, Result, io::write_atomically};

use super::{
    Outcome, Setup,
    report::folder,
    run::{Ended, once},
};
use crate::method::CUT;

/// The share of the wanted weights that must be there.
pub(super) const LEFT: f64 = 0.9;

/// The first move of u.
const MOVE: f64 = 0.25;
/// How much e has to grow with u for it to be past its least: chance makes runs differ.
const TURN: f64 = 0.5;
/// The narrowest bracket: nothing between its ends is new.
const NARROW: f64 = 2e-3;
/// What counts as far too strong.
const STRONG: f64 = -1.0;

/// A bracket of u by its two ends with their errors.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    dense: Option<[f64; 2]>,
    sparse: Option<[f64; 2]>,
    /// How often it moved one way, and which.
    moves: i32,
}

impl Search {
    /// The u to try after one with an error e ≠ 0; nothing where none is left.
    pub(super) fn next(&mut self, u: f64, e: f64) -> Option<f64> {
        let turned = self.dense.is_some_and(|[less, below]| u > less && e > below + TURN);
        let e = if turned { STRONG } else { e };
        let way = if e > 0.0 { 1 } else { -1 };
        self.moves = if self.moves.signum() == way { self.moves + way } else { way };
        let (this, other) = if e > 0.0 {
            (&mut self.dense, &mut self.sparse)
        } else {
            (&mut self.sparse, &mut self.dense)
        };
        *this = Some([u, e]);
        if self.moves.abs() > 1
            && let Some([_, error]) = other
        {
            *error /= 2.0;
        }
        if let (Some([low, above]), Some([high, below])) = (self.dense, self.sparse)
            && low < high
        {
            let part = (above / (above - below)).clamp(0.1, 0.9);
            return (high - low > NARROW).then_some(low + part * (high - low));
        }
        Some(u + f64::from(way) * MOVE * 2.0_f64.powi(self.moves.abs() - 1))
    }
}

/// How far a run is from what was wanted; nothing where it is there.
fn error(run: &Ended, classes: usize) -> Option<f64> {
    match &run.outcome {
        Outcome::Diverged { .. } => Some(STRONG),
        _ if run.accuracy * classes as f64 <= 2.0 => Some(STRONG),
        Outcome::Done { .. } => None,
        Outcome::Missed { lost, .. } if *lost > CUT => Some((lost / CUT).ln()),
        Outcome::Missed { target, sparsity, .. } => {
            let left = (1.0 - sparsity) / (LEFT * (1.0 - target));
            // A network without weights: as far as can be told.
            Some(left.max(1e-9).ln().min(-f64::EPSILON))
        }
    }
}

/// Runs until one reaches the target.
pub(super) fn train(
    setup: &Setup,
    out: &Path,
    resume: bool,
    say: &mut dyn FnMut(&str),
) -> Result<Outcome> {
    let all = out.join("search");
    let file = |path: &Path, why: &str| Err(Error::File { path: path.into(), why: why.into() });
    match (resume, all.exists()) {
        (false, _) if all.exists() || out.join("metrics.csv").exists() => {
            return file(
                out,
                "holds a run already: resume it (--resume) or choose another folder (--out)",
            );
        }
        (true, false) => return file(&all, "is missing: there is no search to resume"),
        _ => folder(&all)?,
    }
    let runs = setup.config.runs;
    let (mut search, mut table) =
        (Search::default(), "run,total_strength,sparsity,cut,test_accuracy,reached\n".to_owned());
    let (mut now, mut asked) = (setup.clone(), None);
    let classes = setup.network.classes();
    // A dead network at the sparsity wanted is better than none there, and any run better than one
    // that diverged.
    let rank = |outcome: &Outcome, e: Option<f64>| match (outcome, e) {
        (Outcome::Done { .. }, None) => [0.0, 0.0],
        (Outcome::Done { .. }, Some(_)) => [1.0, 0.0],
        (Outcome::Missed { .. }, e) => [2.0, e.map_or(0.0, f64::abs)],
        (Outcome::Diverged { .. }, _) => [3.0, 0.0],
    };
    let mut nearest: Option<([f64; 2], PathBuf, Outcome)> = None;
    for number in 1..=runs {
        let to = all.join(number.to_string());
        let begun = to.join("metrics.csv").exists();
        let run = once(&now, &to, begun, say)?;
        // A run that diverged has not spent all of it.
        let total = asked.unwrap_or(run.spent);
        let (outcome, e) = (run.outcome.clone(), error(&run, classes));
        table += &line(number, total, &outcome);
        write_atomically(out.join("search.csv"), table.as_bytes())?;
        let place = rank(&outcome, e);
        if nearest.as_ref().is_none_or(|(best, ..)| place < *best) {
            nearest = Some((place, to, outcome.clone()));
        }
        let Some(e) = e else { break };
        if number < runs
            && total > 0.0
            && let Some(next) = search.next(total.ln(), e).map(f64::exp)
        {
            say(&format!("run {number} of at most {runs}: {outcome}; next Σαη = {next:.3e}"));
            (now, asked) = (setup.with_total(next)?, Some(next));
        } else {
            break;
        }
    }
    let Some((_, from, outcome)) = nearest else { return file(&all, "has no run") };
    copy(&from, out)?;
    Ok(outcome)
}

fn line(number: u64, total: f64, outcome: &Outcome) -> String {
    let (sparsity, lost, test, reached) = match outcome {
        Outcome::Done { test, sparsity, .. } => (*sparsity, f64::NAN, *test, true),
        Outcome::Missed { sparsity, lost, test, .. } => (*sparsity, *lost, *test, false),
        Outcome::Diverged { .. } => (f64::NAN, f64::NAN, f64::NAN, false),
    };
    format!("{number},{total},{sparsity},{lost},{test},{reached}\n")
}

/// Copies a run's files over those of a folder, each at once, `summary.json` last.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let wrong =
        |path: &Path, e: std::io::Error| Error::File { path: path.into(), why: e.to_string() };
    let (mut files, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(inner) = open.pop() {
        let here = from.join(&inner);
        for entry in fs::read_dir(&here).map_err(|e| wrong(&here, e))? {
            let entry = entry.map_err(|e| wrong(&here, e))?;
            let path = inner.join(entry.file_name());
            if entry.path().is_dir() { open.push(path) } else { files.push(path) }
        }
    }
    files.sort_by_key(|path| path == Path::new("summary.json"));
    for path in files {
        let (old, new) = (from.join(&path), to.join(&path));
        if let Some(parent) = new.parent() {
            folder(parent)?;
        }
        let bytes = fs::read(&old).map_err(|e| wrong(&old, e))?;
        write_atomically(&new, &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Search;

    /// After how many runs e(u) was 0.
    fn runs(first: f64, error: impl Fn(usize, f64) -> f64) -> Option<usize> {
        let (mut search, mut u) = (Search::default(), first);
        (1..=10).find(|run| {
            let e = error(*run, u);
            if e != 0.0 {
                u = search.next(u, e).unwrap_or(u);
            }
            e == 0.0
        })
    }

    proptest! {
        /// A first strength right within a factor of four, a steep plant that saturates on the
        /// dense side, runs that differ by chance, and a band of densities as narrow as that of a
        /// mask that is exact. Where e does not fall with u, it is not found.
        #[test]
        fn a_narrow_band_is_found_within_the_runs_there_are(
            distance in -1.4..1.4_f64,
            slope in 1.0..6.0_f64,
            noise in prop::collection::vec(-0.02..0.02_f64, 11),
        ) {
            let plant = |falls: f64| {
                let noise = noise.clone();
                move |run: usize, u: f64| {
                    let y = falls * slope * (distance - u) + noise[run];
                    if y.abs() <= 0.1 { 0.0 } else { (y - 0.1 * y.signum()).clamp(-4.0, 2.3) }
                }
            };
            prop_assert!(runs(0.0, plant(1.0)).is_some());
            if distance.abs() > 0.5 {
                prop_assert!(runs(0.0, plant(-1.0)).is_none());
            }
        }

        /// As HAM: the network is sparse enough about one strength only, and dies beyond it. A
        /// valley narrower than the moves may be passed over.
        #[test]
        fn a_valley_is_found_from_its_weak_side(start in 0.3..0.9_f64, width in 0.3..0.5_f64) {
            let valley = |_: usize, u: f64| {
                let away = (u - start).abs() - width;
                if away < 0.0 { 0.0 } else { away.min(2.0) }
            };
            prop_assert!(runs(0.0, valley).is_some());
        }
    }
}
