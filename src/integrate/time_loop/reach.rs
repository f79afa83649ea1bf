//! Whether the end is within reach of the steps that are allowed.
//!
//! Where stability or the rounding of the state limits the step, a run to a far end takes all its
//! steps and has come nowhere. Every [`WINDOW`] steps the pace, time per step, is compared with
//! that of the window before. Were it to grow from now on by the largest factor g ≥ 1 of the last
//! [`WINDOWS`] comparisons in every window, k windows would cover at most `k gᵏ` of the present
//! one; the end is out of reach where [`SPARE`] times what all the steps of a run would cover so is
//! less than what is left. A run that gathers pace, as one does whose solution settles, is never
//! taken for one.

/// Steps, rejected ones included, between two looks.
const WINDOW: u64 = 500;
/// Comparisons that are remembered.
const WINDOWS: usize = 4;
/// How far beyond reach the end must be.
const SPARE: f64 = 1e3;

/// The pace of a run up to a time at which the field may jump.
pub(super) struct Reach {
    t: f64,
    steps: u64,
    pace: f64,
    growth: [f64; WINDOWS],
}

impl Reach {
    pub(super) fn from(t: f64, steps: u64) -> Self {
        Self { t, steps, pace: 0.0, growth: [f64::INFINITY; WINDOWS] }
    }

    /// At t after `steps`, where a run may take `most`: the steps that the way to `stop` would take
    /// at this pace, if that is out of reach.
    pub(super) fn beyond(&mut self, t: f64, stop: f64, steps: u64, most: u64) -> Option<f64> {
        if steps < self.steps + WINDOW {
            return None;
        }
        let pace = (t - self.t) / (steps - self.steps) as f64;
        // A window without progress says nothing of how long the rest takes.
        if pace <= 0.0 {
            return None;
        }
        self.growth.rotate_right(1);
        self.growth[0] = if self.pace > 0.0 { pace / self.pace } else { f64::INFINITY };
        (self.t, self.steps, self.pace) = (t, steps, pace);
        let growth = self.growth.iter().fold(1.0_f64, |m, g| m.max(*g));
        let windows = most as f64 / WINDOW as f64;
        let within = windows * growth.powf(windows) * pace * WINDOW as f64;
        (SPARE * within < stop - t).then_some((stop - t) / pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The step at which a run is given up whose pace follows `h`, if it is.
    fn given_up(h: impl Fn(f64) -> f64, stop: f64, most: u64) -> Option<u64> {
        let (mut t, mut reach) = (0.0, Reach::from(0.0, 0));
        for steps in 1..=most {
            t += h(t);
            if t >= stop {
                return None;
            }
            if reach.beyond(t, stop, steps, most).is_some() {
                return Some(steps);
            }
        }
        None
    }

    #[test]
    fn a_step_that_does_not_grow_is_given_up_early() {
        assert_eq!(given_up(|_| 0.1, 1e308, 1_000_000), Some(2500));
        assert_eq!(given_up(|_| 0.1, 1e9, 1_000_000), Some(2500));
        // Steps that would not suffice, but not by far, are taken.
        assert_eq!(given_up(|_| 0.1, 1e6, 100_000), None);
    }

    #[test]
    fn a_step_that_grows_is_not() {
        // By 1 % a step it comes to any end; with time, t ∝ k², it might.
        assert_eq!(given_up(|t| 0.1 + 0.01 * t, 1e308, 1_000_000), None);
        assert_eq!(given_up(|t| 0.1 * (1.0 + t).sqrt(), 1e9, 1_000_000), None);
    }
}
