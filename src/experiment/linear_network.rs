//! The paper's diagonal linear network (v1, Fig. 1, 4 and 5): gradient descent on
//!
//! | setting | objective | start |
//! |---|---|---|
//! | PILoT | `f(m⊙w) + α_k(‖m‖²+‖w‖²)` | `m₀⊙w₀ = x₀`, `m₀² − w₀² = β` |
//! | spred | the same | the same x₀, β = 0 |
//! | L1 on m | `f(m⊙w) + α_k‖m‖₁` | PILoT's |
//! | L1 on x | `f(x) + α_k‖x‖₁` | x₀ |
//!
//! with `f(x) = ‖Zx − y‖²/(2d)`, `y = Zx*`, for seven schedules and five starts each.
//!
//! *From the paper*: d = 40, n = 100, `Z_ij ~ N(0, 1)`, ‖x*‖₀ = 5, `x₀ ~ N(0, I/√n)` (a variance of
//! 1/√n, a length of √(√n) ≈ 3.2), η = 10⁻⁴, β = 1, batches of 5, five starts, five seeds of batches;
//! the schedules' forms: constants, 1/k, 1/k² and pᵏ with p = 0.95.
//!
//! *Left open by the paper, chosen here*: the non-zero entries of x* are ±1 (small entries take longer
//! than any number of steps); 2.5·10⁵ steps (time 25: the strongest decay, A = 3, makes a_∞ ≈ 3·10⁻⁶, from which an
//! entry needs a time of `log(1/a)/(2|∇f|) ≈ 12` to grow); the strengths in [`schedules`]: constants from
//! hardly felt to 30 % of the one that ends at 0, decays as strong as `2ηα_1 < 1` allows.
//! The quick size takes fewer, larger steps over the same time.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::Serialize;

use super::{Curve, Event, Size};
use crate::{
    Error, Result,
    kernels::{
        batch::{
            LANES, Outcome,
            descent::{Objective, Options, Run, descend_on},
        },
        device::Machine,
    },
    parameterization::Start,
    problem::{Design, Generator, Problem, Targets, Values},
    schedule::Schedule,
};

/// Rough seconds of the gradient descents at full size on two cores, and of Fig. 5's.
pub const WORK: f64 = 20.0;
pub(super) const SGD_WORK: f64 = 15.0;

/// What is minimised, and from where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Setting {
    /// m⊙w with weight decay, β = 1.
    #[serde(rename = "PILoT")]
    Pilot,
    /// m⊙w with weight decay, β = 0.
    #[serde(rename = "spred")]
    Spred,
    /// m⊙w with L1 on m.
    #[serde(rename = "L1 on m")]
    MaskL1,
    /// x with L1.
    #[serde(rename = "L1 on x")]
    PlainL1,
}

impl Setting {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Pilot, Self::Spred, Self::MaskL1, Self::PlainL1];

    /// As the figures call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pilot => "PILoT",
            Self::Spred => "spred",
            Self::MaskL1 => "L1 on m",
            Self::PlainL1 => "L1 on x",
        }
    }

    fn objective(self) -> Objective {
        match self {
            Self::Pilot | Self::Spred => Objective::MaskWeight,
            Self::MaskL1 => Objective::MaskL1,
            Self::PlainL1 => Objective::PlainL1,
        }
    }

    fn start(self, x0: &[f64], beta: f64) -> Result<(Vec<f64>, Vec<f64>)> {
        let start = match self {
            Self::PlainL1 => return Ok((x0.to_vec(), Vec::new())),
            Self::Spred => Start::spred(x0)?,
            Self::Pilot | Self::MaskL1 => Start::pilot(x0, beta)?,
        };
        Ok((start.m0().to_vec(), start.w0().to_vec()))
    }
}

/// p of the geometric schedule.
const P: f64 = 0.95;

/// The seven schedules for steps of size η as functions of k = 0, 1, …, four constants and then three decays,
/// whose `ηα_1` is 0.2, 0.4 and 0.15: with η = 10⁻⁴ they are 2000/k, 4000/k² and 1500·0.95ᵏ.
pub fn schedules(step: f64) -> [Schedule; 7] {
    // Rounded to whole numbers, as a reader sees them.
    let strength = |product: f64| (product / step).round();
    [
        Schedule::Constant { c: 0.01 },
        Schedule::Constant { c: 0.03 },
        Schedule::Constant { c: 0.1 },
        Schedule::Constant { c: 0.3 },
        Schedule::Harmonic { c: strength(0.2) },
        Schedule::Quadratic { c: strength(0.4) },
        Schedule::Geometric { c: strength(0.15), r: -P.ln() },
    ]
}

/// The number of constants among [`schedules`].
pub const CONSTANTS: usize = 4;

/// A schedule as the figures call it.
pub fn schedule_name(schedule: &Schedule) -> String {
    match schedule {
        Schedule::Constant { c } => format!("constant {c}"),
        Schedule::Harmonic { c } => format!("harmonic {c}/k"),
        Schedule::Quadratic { c } => format!("quadratic {c}/k²"),
        Schedule::Geometric { c, r } => format!("geometric {c}·{:.2}^k", (-r).exp()),
        other => other.to_string(),
    }
}

/// The constants.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Config {
    /// Samples d.
    pub samples: usize,
    /// Features n.
    pub features: usize,
    /// ‖x*‖₀.
    pub sparsity: usize,
    /// η.
    pub step: f64,
    /// Steps of a run.
    pub steps: u64,
    /// β of PILoT's start.
    pub beta: f64,
    /// Starts.
    pub starts: usize,
    /// Samples of a batch, for Fig. 5.
    pub batch: usize,
    /// Seeds of batches for each start, for Fig. 5.
    pub batch_seeds: usize,
    /// Recorded steps.
    pub records: usize,
    /// Seed of everything.
    pub seed: u64,
}

impl Config {
    /// The constants of a size.
    pub fn new(size: Size, seed: u64) -> Self {
        let full = Self {
            samples: 40,
            features: 100,
            sparsity: 5,
            step: 1e-4,
            steps: 250_000,
            beta: 1.0,
            starts: 5,
            batch: 5,
            batch_seeds: 5,
            records: 200,
            seed,
        };
        match size {
            Size::Full => full,
            Size::Quick => {
                Self { step: 2e-3, steps: 12_500, starts: 2, batch_seeds: 2, records: 40, ..full }
            }
        }
    }

    /// y = Zx* with entries ±1 in x*.
    pub(super) fn problem(&self) -> Result<Problem> {
        let targets =
            Targets::Planted { sparsity: self.sparsity, values: Values::Signs, noise: 0.0 };
        let (samples, features, seed) = (self.samples, self.features, self.seed);
        Generator { samples, features, design: Design::Gaussian, targets, seed }.problem()
    }

    /// `x₀ ~ N(0, I/√n)`, one for each start.
    pub(super) fn starts(&self) -> Vec<Vec<f64>> {
        let deviation = (self.features as f64).powf(-0.25);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Streams 0 to 2 draw the problem.
        rng.set_stream(3);
        let mut entry = || deviation * rng.sample::<f64, _>(StandardNormal);
        (0..self.starts).map(|_| (0..self.features).map(|_| entry()).collect()).collect()
    }

    /// `√Σ x*_i²` over the i whose x₀ has not the sign of x*_i: with β = 0, `w = ±m` in every step of gradient descent
    /// and of SGD, so that `x_i = ±m_i²` keeps its sign and no step is nearer to x* than this.
    pub(super) fn out_of_reach(x0: &[f64], truth: &[f64]) -> f64 {
        let wrong = x0.iter().zip(truth).filter(|(x, t)| *x * *t <= 0.0);
        wrong.map(|(_, t)| t * t).sum::<f64>().sqrt()
    }

    /// About evenly spaced in log k, without repetition, from 1 to the last step.
    fn recorded(&self) -> Vec<u64> {
        let last = self.steps as f64;
        let at = |k: usize| last.powf(k as f64 / (self.records - 1) as f64).round() as u64;
        let mut steps: Vec<u64> = (0..self.records).map(at).collect();
        steps.dedup();
        steps
    }
}

/// The errors `‖x_k − x*‖₂` of one setting under one schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Runs {
    /// The setting.
    pub setting: Setting,
    /// The place of the schedule in [`schedules`].
    pub schedule: usize,
    /// One run after the other, each as long as the recorded steps.
    pub errors: Vec<Vec<f64>>,
}

impl Runs {
    /// The mean over the runs, with the least and the largest as its band.
    pub(super) fn curve(&self, steps: &[u64], series: String) -> Curve {
        let over = |fold: fn(f64, f64) -> f64, from: f64| -> Vec<f64> {
            let at = |r: usize| self.errors.iter().map(|e| e[r]).fold(from, fold);
            (0..steps.len()).map(at).collect()
        };
        let count = self.errors.len() as f64;
        let mean = over(|p, q| p + q, 0.0).into_iter().map(|s| s / count).collect();
        let band = Some((over(f64::min, f64::INFINITY), over(f64::max, 0.0)));
        Curve { band, ..Curve::new(series, steps.iter().map(|k| *k as f64).collect(), mean) }
    }

    /// The mean error at the end.
    pub(super) fn end(&self) -> f64 {
        let last = |e: &Vec<f64>| e.last().copied().unwrap_or(f64::NAN);
        self.errors.iter().map(last).sum::<f64>() / self.errors.len() as f64
    }
}

/// What [`Network::descend`] is to run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descent<'a> {
    /// Places in [`schedules`].
    pub(super) chosen: &'a [usize],
    /// Runs from each start.
    pub(super) repeats: usize,
    /// Samples of a batch; `None` is gradient descent.
    pub(super) batch: Option<usize>,
    /// What it reports as its work.
    pub(super) work: f64,
}

/// All gradient descents: four settings under seven schedules.
pub struct Network {
    pub(super) config: Config,
    pub(super) problem: Problem,
    pub(super) starts: Vec<Vec<f64>>,
    /// The recorded steps.
    pub(super) steps: Vec<u64>,
    pub(super) runs: Vec<Runs>,
}

impl Network {
    /// Simulates, on these machines; on this processor where there are none.
    ///
    /// # Errors
    /// When a run diverges or a machine fails.
    pub fn simulate(
        config: Config,
        machines: &[&dyn Machine],
        watch: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Self> {
        let (problem, starts, steps) = (config.problem()?, config.starts(), config.recorded());
        let mut network = Self { config, problem, starts, steps, runs: Vec::new() };
        let chosen: Vec<usize> = (0..schedules(network.config.step).len()).collect();
        let run = |setting: &Setting| {
            watch(Event::Begin("linear network"));
            let how = Descent { chosen: &chosen, repeats: 1, batch: None, work: WORK / 4.0 };
            network.descend(*setting, how, |_, _| 0, machines, watch)
        };
        // Side by side on the processor: the blocks of one setting alone do not fill its threads evenly. Devices share out a
        // batch themselves, on threads that may need this pool: none of its own may wait for them.
        let runs: Vec<Result<Vec<Runs>>> = if machines.is_empty() {
            Setting::ALL.par_iter().map(run).collect()
        } else {
            Setting::ALL.iter().map(run).collect()
        };
        for runs in runs {
            network.runs.extend(runs?);
        }
        Ok(network)
    }

    /// The runs, setting by setting, schedule by schedule.
    pub fn runs(&self) -> &[Runs] {
        &self.runs
    }

    /// Runs every start under the schedules, with a seed for each start and repeat.
    pub(super) fn descend(
        &self,
        setting: Setting,
        how: Descent<'_>,
        seed: impl Fn(usize, usize) -> u64,
        machines: &[&dyn Machine],
        watch: &(dyn Fn(Event<'_>) + Sync),
    ) -> Result<Vec<Runs>> {
        let Descent { chosen, repeats, batch, work } = how;
        let schedules = schedules(self.config.step);
        let mut runs = Vec::new();
        for &schedule in chosen {
            for (i, x0) in self.starts.iter().enumerate() {
                let (first, second) = setting.start(x0, self.config.beta)?;
                for repeat in 0..repeats {
                    runs.push(Run {
                        first: first.clone(),
                        second: second.clone(),
                        schedule: schedules[schedule].clone(),
                        seed: seed(i, repeat),
                    });
                }
            }
        }
        let options = Options {
            step: self.config.step,
            steps: self.config.steps,
            batch,
            record: self.steps.clone(),
        };
        let (n, truth) = (self.config.features, self.problem.x_true().unwrap_or_default());
        let mut errors: Vec<Vec<f64>> = Vec::new();
        // Two blocks of lanes at a time on the processor, so that the bar moves; a device takes all at once.
        let size = if machines.is_empty() { 2 * LANES } else { runs.len().max(1) };
        for part in runs.chunks(size) {
            let objective = setting.objective();
            let done = descend_on(machines, &self.problem, objective, part, &options, None)?;
            if let Some(k) = done.outcome.iter().position(|o| *o != Outcome::Complete) {
                return Err(Error::Domain {
                    what: format!("run {} of {}", errors.len() + k, setting.name()),
                    expected: "to take all its steps".into(),
                    found: done.outcome[k].to_string(),
                });
            }
            errors.extend((0..part.len()).map(|k| {
                let distance = |r: usize| {
                    let x = &done.x[(r * part.len() + k) * n..][..n];
                    x.iter().zip(truth).map(|(x, t)| (x - t).powi(2)).sum::<f64>().sqrt()
                };
                (0..self.steps.len()).map(distance).collect()
            }));
            watch(Event::Done(work * part.len() as f64 / runs.len() as f64));
        }
        let each = self.starts.len() * repeats;
        let groups = chosen.iter().zip(errors.chunks(each));
        Ok(groups
            .map(|(&schedule, errors)| Runs { setting, schedule, errors: errors.to_vec() })
            .collect())
    }
}
