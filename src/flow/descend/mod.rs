//! Gradient descent and SGD on the objectives of the flows: `s_{k+1} = s_k − η G_k(s_k)`.
//!
//! With the gradient g of the loss on the batch of step k and `α_k` from the schedule:
//! | objective | step |
//! |---|---|
//! | `f(m⊙w) + α(‖m‖²+‖w‖²)` | `m −= η(g⊙w + 2αm)`, `w −= η(g⊙m + 2αw)` |
//! | `f(u²−v²) + α(‖u‖²+‖v‖²)` | `u −= η(2g⊙u + 2αu)`, `v −= η(−2g⊙v + 2αv)` |
//! | `f(m⊙w) + α‖m‖₁` | `m −= η(g⊙w + α sign m)`, `w −= η g⊙m` |
//! | `f(x) + α‖x‖₁` | `x −= η(g + α sign x)` |
//! | `f(x) + α‖x‖²` | `x −= η(g + 2αx)` |
//!
//! At 0 the subgradient of least norm is taken: a coordinate at 0 stays while `|g_i| ≤ α` (for the
//! mask `|g_i w_i| ≤ α`) and else moves by `−η(g_i − α sign g_i)`.

use rand::Rng;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::primal::{check_point, pack, with_gradient};
use super::{Outcome, Recorder, Trajectory, Work};
use crate::cancel::requested;
use crate::numerics::dense::dot;
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;
use crate::{Cancel, Error, Result};

/// What is minimised, and from where. Vectors have length n.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Objective {
    /// `f(m⊙w) + α(‖m‖² + ‖w‖²)`.
    MaskWeight {
        /// m₀.
        m: Vec<f64>,
        /// w₀.
        w: Vec<f64>,
    },
    /// `f(u²−v²) + α(‖u‖² + ‖v‖²)`.
    SquareDifference {
        /// u₀.
        u: Vec<f64>,
        /// v₀.
        v: Vec<f64>,
    },
    /// `f(m⊙w) + α‖m‖₁`.
    MaskL1 {
        /// m₀.
        m: Vec<f64>,
        /// w₀.
        w: Vec<f64>,
    },
    /// `f(x) + α‖x‖₁`.
    PlainL1 {
        /// x₀.
        x: Vec<f64>,
    },
    /// `f(x) + α‖x‖²`.
    PlainL2 {
        /// x₀.
        x: Vec<f64>,
    },
}

/// The argument of the schedule at step k = 0, 1, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clock {
    /// `α_k = α(kη)`: the discretisation of the flow.
    #[default]
    Time,
    /// `α_k = α(k)`: `harmonic:c` gives c/(k+1), `quadratic:c` gives c/(k+1)², and
    /// `geometric:c,r` gives c·pᵏ with p = e^{−r}.
    Step,
}

/// How to descend.
#[derive(Debug, Clone, PartialEq)]
pub struct Descent {
    /// Step size η > 0.
    pub step: f64,
    /// Number of steps.
    pub steps: u64,
    /// Samples of a batch; `None` is gradient descent on all d.
    pub batch: Option<usize>,
    /// Draw each batch with replacement; without, each pass uses every sample once in a fresh
    /// random order (its last batch may be smaller).
    pub replacement: bool,
    /// Seed of the batches.
    pub seed: u64,
    /// Record at every multiple of this many steps, and at the end; 0 records only start and end.
    pub record_every: u64,
    /// The argument of the schedule.
    pub clock: Clock,
    /// Looked at before every step.
    pub cancel: Option<Cancel>,
}

impl Descent {
    /// Gradient descent with `steps` steps of size `step`, recorded at its start and end.
    pub fn new(step: f64, steps: u64) -> Self {
        Self {
            step,
            steps,
            batch: None,
            replacement: false,
            seed: 0,
            record_every: 0,
            clock: Clock::Time,
            cancel: None,
        }
    }

    fn check(&self, samples: usize) -> Result<()> {
        if !(self.step > 0.0 && self.step.is_finite()) {
            return Err(Error::Domain {
                what: "the step size".into(),
                expected: "a positive finite number".into(),
                found: self.step.to_string(),
            });
        }
        match self.batch {
            Some(b) if b == 0 || (b > samples && !self.replacement) => Err(Error::Domain {
                what: "the batch size".into(),
                expected: format!("1 to the number of samples, {samples}"),
                found: b.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// The samples of each step.
struct Batches {
    rng: ChaCha8Rng,
    samples: usize,
    /// The current pass, or with replacement the current batch.
    order: Vec<usize>,
    /// Where the next batch of the pass starts.
    at: usize,
    size: usize,
    replacement: bool,
}

impl Batches {
    fn new(samples: usize, size: usize, replacement: bool, seed: u64) -> Self {
        let order = if replacement { vec![0; size] } else { (0..samples).collect() };
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rng, samples, order, at: samples, size, replacement }
    }

    fn next(&mut self) -> &[usize] {
        if self.replacement {
            for j in &mut self.order {
                *j = self.rng.random_range(0..self.samples);
            }
            return &self.order;
        }
        if self.at >= self.samples {
            self.order.shuffle(&mut self.rng);
            self.at = 0;
        }
        let start = self.at;
        self.at = (start + self.size).min(self.samples);
        &self.order[start..self.at]
    }
}

/// Mean gradient over a batch.
fn batch_gradient(problem: &Problem, loss: Loss, x: &[f64], batch: &[usize], g: &mut [f64]) {
    let n = problem.features();
    g.fill(0.0);
    for &j in batch {
        let row = &problem.z_rows()[j * n..(j + 1) * n];
        let slope = loss.ell_prime(dot(row, x), problem.y()[j]) / batch.len() as f64;
        for (g, z) in g.iter_mut().zip(row) {
            *g += slope * z;
        }
    }
}

/// `g + α sign(v)` with the element of least norm at v = 0.
fn with_l1(g: f64, v: f64, alpha: f64) -> f64 {
    if v == 0.0 { g - g.clamp(-alpha, alpha) } else { g + alpha * v.signum() }
}

/// The two halves of the state and the map of one step.
struct State {
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Objective {
    fn start(&self, n: usize) -> Result<State> {
        let (first, second): (_, &[f64]) = match self {
            Self::MaskWeight { m, w } | Self::MaskL1 { m, w } => {
                check_point("m0", m, n)?;
                check_point("w0", w, n)?;
                (m, w)
            }
            Self::SquareDifference { u, v } => {
                check_point("u0", u, n)?;
                check_point("v0", v, n)?;
                (u, v)
            }
            Self::PlainL1 { x } | Self::PlainL2 { x } => {
                check_point("x0", x, n)?;
                (x, &[])
            }
        };
        Ok(State { first: first.clone(), second: second.to_vec() })
    }

    fn point(&self, s: &State, x: &mut [f64]) {
        let (a, b) = (&s.first, &s.second);
        match self {
            Self::MaskWeight { .. } | Self::MaskL1 { .. } => {
                for i in 0..x.len() {
                    x[i] = a[i] * b[i];
                }
            }
            Self::SquareDifference { .. } => {
                for i in 0..x.len() {
                    x[i] = a[i] * a[i] - b[i] * b[i];
                }
            }
            Self::PlainL1 { .. } | Self::PlainL2 { .. } => x.copy_from_slice(a),
        }
    }

    fn step(&self, s: &mut State, g: &[f64], eta: f64, alpha: f64) {
        let (a, b) = (&mut s.first, &mut s.second);
        let keep = 1.0 - 2.0 * eta * alpha;
        match self {
            Self::MaskWeight { .. } => {
                for ((a, b), g) in a.iter_mut().zip(b).zip(g) {
                    let push = eta * g;
                    (*a, *b) = (keep * *a - push * *b, keep * *b - push * *a);
                }
            }
            Self::SquareDifference { .. } => {
                for ((a, b), g) in a.iter_mut().zip(b).zip(g) {
                    let push = 2.0 * eta * g;
                    *a *= keep - push;
                    *b *= keep + push;
                }
            }
            Self::MaskL1 { .. } => {
                for ((a, b), g) in a.iter_mut().zip(b).zip(g) {
                    let mask = with_l1(g * *b, *a, alpha);
                    *b -= eta * g * *a;
                    *a -= eta * mask;
                }
            }
            Self::PlainL1 { .. } => {
                for (a, g) in a.iter_mut().zip(g) {
                    *a -= eta * with_l1(*g, *a, alpha);
                }
            }
            Self::PlainL2 { .. } => {
                for (a, g) in a.iter_mut().zip(g) {
                    *a = keep * *a - eta * g;
                }
            }
        }
    }

    /// `log a` of the factors, where the parameterization has one.
    fn log_a(&self, s: &State) -> Option<Vec<f64>> {
        let pairs = s.first.iter().zip(&s.second);
        match self {
            // ½|m² − w²|
            Self::MaskWeight { .. } => {
                Some(pairs.map(|(m, w)| (0.5 * (m + w).abs()).ln() + (m - w).abs().ln()).collect())
            }
            // 2|uv|
            Self::SquareDifference { .. } => {
                Some(pairs.map(|(u, v)| (2.0 * u.abs()).ln() + v.abs().ln()).collect())
            }
            _ => None,
        }
    }
}

/// Runs gradient descent or SGD. The states of the trajectory are (m, w), (u, v) or x, its times
/// kη.
///
/// The batches come from one ChaCha stream, so that a seed gives the same bits everywhere.
///
/// ```
/// use mirrorflow::flow::{Descent, Objective, descend};
/// use mirrorflow::problem::{Loss, Problem};
/// use mirrorflow::schedule::Schedule;
/// use ndarray::array;
///
/// let problem = Problem::new(array![[1.0, 2.0]], array![1.0])?;
/// let start = Objective::MaskWeight { m: vec![1.0; 2], w: vec![0.0; 2] };
/// let run = descend(&problem, Loss::Squared, &Schedule::None, &start, &Descent::new(0.05, 400))?;
/// let x = run.x_end();
/// assert!((x[0] + 2.0 * x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a start has the wrong length or an entry that is not finite, the step or the batch size is
/// out of range, the schedule is invalid or the targets do not suit the loss.
pub fn descend(
    problem: &Problem,
    loss: Loss,
    schedule: &Schedule,
    objective: &Objective,
    how: &Descent,
) -> Result<Trajectory> {
    let (d, n) = (problem.samples(), problem.features());
    how.check(d)?;
    schedule.check()?;
    loss.check_targets(problem.y())?;
    let mut state = objective.start(n)?;
    let mut batches = how.batch.map(|b| Batches::new(d, b, how.replacement, how.seed));
    let (mut x, mut g, z) = (vec![0.0; n], vec![0.0; n], pack(problem));
    let mut recorder = Recorder::new();
    let record = |recorder: &mut Recorder, k: u64, state: &State, x: &mut [f64]| {
        objective.point(state, x);
        let flat = [state.first.as_slice(), &state.second].concat();
        recorder.push(k as f64 * how.step, &flat, x, loss.value(problem, x));
        if let Some(log_a) = objective.log_a(state) {
            recorder.push_log_a(&log_a);
        }
    };
    record(&mut recorder, 0, &state, &mut x);
    let mut outcome = Outcome::ReachedTime { t: how.steps as f64 * how.step };
    let mut done = how.steps;
    for k in 0..how.steps {
        if requested(&how.cancel) {
            let t = k as f64 * how.step;
            (outcome, done) = (Outcome::Cancelled { t }, k);
            // Every step is a point of the trajectory: the last one reached is kept.
            if recorder.last_time() != Some(t) {
                record(&mut recorder, k, &state, &mut x);
            }
            break;
        }
        match &mut batches {
            None => with_gradient(problem, &z, loss, &x, |full| g.copy_from_slice(full)),
            Some(batches) => batch_gradient(problem, loss, &x, batches.next(), &mut g),
        }
        let alpha = schedule.alpha(match how.clock {
            Clock::Time => k as f64 * how.step,
            Clock::Step => k as f64,
        });
        objective.step(&mut state, &g, how.step, alpha);
        // Written as a fold so that it is one pass over registers.
        let finite = |v: &[f64]| v.iter().fold(true, |ok, v| ok & v.is_finite());
        objective.point(&state, &mut x);
        if !(finite(&state.first) && finite(&state.second) && finite(&x)) {
            outcome = Outcome::Diverged { step: k + 1, t: (k + 1) as f64 * how.step };
            done = k;
            break;
        }
        let at = k + 1;
        if at == how.steps || (how.record_every > 0 && at % how.record_every == 0) {
            record(&mut recorder, at, &state, &mut x);
        }
    }
    let work = Work { fields: done, steps: done, ..Work::default() };
    let name = if how.batch.is_some() { "sgd" } else { "gd" };
    Ok(recorder.finish(name, work, outcome))
}

#[cfg(test)]
mod tests;
