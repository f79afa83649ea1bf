//! Batches of gradient descents and SGD runs on one Z, squared loss:
//!
//! | objective | step, with `g = ∇f(x)` on the batch of the step |
//! |---|---|
//! | `f(m⊙w) + α(‖m‖²+‖w‖²)` | `m −= η(g⊙w + 2αm)`, `w −= η(g⊙m + 2αw)` |
//! | `f(m⊙w) + α‖m‖₁` | `m −= η(g⊙w + α sign m)`, `w −= η g⊙m` |
//! | `f(x) + α‖x‖₁` | `x −= η(g + α sign x)` |
//!
//! At 0 the subgradient of least norm is taken. A full gradient is two matrix products over a block,
//! `R = ZX − Y` and `G = ZᵀR/d`: 4dn flops for a run and step, with 2dn numbers of Z read for a block of
//! 16. SGD takes its rows run by run: `4bn` flops for batches of b.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::{LANES, Outcome, philox::Stream};
use crate::{
    Error, Result,
    numerics::{
        dense::dot,
        dispatch::dispatch,
        simd::{Isa, LANES as WIDTH, kernel},
    },
    problem::Problem,
    schedule::Schedule,
};

/// What each run minimises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// `f(m⊙w) + α(‖m‖² + ‖w‖²)`.
    MaskWeight,
    /// `f(m⊙w) + α‖m‖₁`.
    MaskL1,
    /// `f(x) + α‖x‖₁`.
    PlainL1,
}

/// One run: where it starts and how it is regularised.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// m₀ (or x₀), length n.
    pub first: Vec<f64>,
    /// w₀, length n; empty for [`Objective::PlainL1`].
    pub second: Vec<f64>,
    /// α, a function of the number of the step (not of time): `harmonic:c` gives c/(k+1).
    pub schedule: Schedule,
    /// Seed of its batches.
    pub seed: u64,
}

/// How to descend.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Step size η > 0.
    pub step: f64,
    /// Number of steps.
    pub steps: u64,
    /// Samples of a batch, drawn without replacement: each pass uses every sample once. `None` is
    /// gradient descent.
    pub batch: Option<usize>,
    /// The steps after which x is recorded, increasing; 0 is the start.
    pub record: Vec<u64>,
}

/// What a batch of runs came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Descents {
    /// x at the recorded steps, R×B×n.
    pub x: Vec<f64>,
    /// How each run ended, length B.
    pub outcome: Vec<Outcome>,
}

/// Runs `runs` on `problem`. `cancel` is looked at every 256 steps.
///
/// ```
/// use mirrorflow::kernels::descent::{Objective, Options, Run, descend};
/// use mirrorflow::problem::Problem;
/// use mirrorflow::schedule::Schedule;
///
/// let problem = Problem::from_rows(vec![1.0, 2.0], vec![1.0])?;
/// let run = Run { first: vec![1.0; 2], second: vec![0.0; 2], schedule: Schedule::None, seed: 0 };
/// let options = Options { step: 0.05, steps: 400, batch: None, record: vec![0, 400] };
/// let done = descend(&problem, Objective::MaskWeight, &[run.clone(), run], &options, None)?;
/// let x = &done.x[4..6]; // record 1, run 0
/// assert!((x[0] + 2.0 * x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a start has the wrong length, the step, a schedule or the batch size is out of range, or the
/// recorded steps do not increase to `steps`. A start that is not finite is its run's outcome.
pub fn descend(
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Descents> {
    check(problem, objective, runs, options)?;
    let n = problem.features();
    let blocks: Vec<Block> = runs
        .par_chunks(LANES)
        .map(|runs| {
            let mut block = Block::new(problem, objective, runs, options);
            block.go(cancel);
            block
        })
        .collect();
    let mut x = vec![f64::NAN; options.record.len() * runs.len() * n];
    for (b, block) in blocks.iter().enumerate() {
        for (r, recorded) in block.records.iter().enumerate() {
            for lane in 0..block.runs.len() {
                let at = (r * runs.len() + b * LANES + lane) * n;
                for i in 0..n {
                    x[at + i] = recorded[i * LANES + lane];
                }
            }
        }
    }
    let outcome = blocks.iter().flat_map(|b| b.outcome[..b.runs.len()].iter().copied()).collect();
    Ok(Descents { x, outcome })
}

pub(super) fn check(
    problem: &Problem,
    objective: Objective,
    runs: &[Run],
    options: &Options,
) -> Result<()> {
    let (d, n) = (problem.samples(), problem.features());
    let domain = |what: String, expected: &str, found: String| Error::Domain {
        what,
        expected: expected.into(),
        found,
    };
    if !(options.step > 0.0 && options.step.is_finite()) {
        let found = options.step.to_string();
        return Err(domain("the step size".into(), "a positive finite number", found));
    }
    if let Some(b) = options.batch
        && (b == 0 || b > d)
    {
        let expected = format!("1 to the number of samples, {d}");
        return Err(domain("the batch size".into(), &expected, b.to_string()));
    }
    let increases = options.record.windows(2).all(|p| p[0] < p[1]);
    if !increases || options.record.last().is_some_and(|last| *last > options.steps) {
        let expected = format!("increasing, at most the {} steps taken", options.steps);
        return Err(domain(
            "the recorded steps".into(),
            &expected,
            format!("{:?}", options.record),
        ));
    }
    for (k, run) in runs.iter().enumerate() {
        run.schedule.check()?;
        let second = if objective == Objective::PlainL1 { 0 } else { n };
        for (name, values, length) in [("first", &run.first, n), ("second", &run.second, second)] {
            if values.len() != length {
                return Err(Error::Shape {
                    what: format!("runs[{k}].{name}"),
                    expected: format!("({length})"),
                    found: format!("({})", values.len()),
                });
            }
        }
    }
    Ok(())
}

/// The entry of a start that is not a finite number, which ends its run before the first step.
pub(super) fn not_finite(run: &Run) -> Option<Outcome> {
    [("first", &run.first), ("second", &run.second)].into_iter().find_map(|(array, values)| {
        let index = values.iter().position(|v| !v.is_finite())?;
        Some(Outcome::NotFinite { array, index })
    })
}

/// Up to [`LANES`] runs; every buffer but `records` is feature-major, lane-minor.
struct Block<'a> {
    problem: &'a Problem,
    objective: Objective,
    runs: &'a [Run],
    options: &'a Options,
    /// m (or x) and w, n×LANES.
    first: Vec<f64>,
    second: Vec<f64>,
    /// x and ∇f, n×LANES.
    x: Vec<f64>,
    gradient: Vec<f64>,
    /// y in every lane, and r, d×LANES.
    targets: Vec<f64>,
    residual: Vec<f64>,
    /// The samples of the current pass of each lane, LANES×d, for SGD.
    order: Vec<u32>,
    /// x at the recorded steps that were reached.
    records: Vec<Vec<f64>>,
    outcome: [Outcome; LANES],
}

impl<'a> Block<'a> {
    fn new(
        problem: &'a Problem,
        objective: Objective,
        runs: &'a [Run],
        options: &'a Options,
    ) -> Self {
        let (d, n) = (problem.samples(), problem.features());
        // Lanes without a run repeat the first one: their numbers are as tame as its.
        let lane_of = |of: fn(&Run) -> &[f64]| {
            let mut out = vec![0.0; n * LANES];
            for lane in 0..LANES {
                let values = of(runs.get(lane).unwrap_or(&runs[0]));
                for (i, v) in values.iter().enumerate() {
                    out[i * LANES + lane] = *v;
                }
            }
            out
        };
        let mut block = Self {
            problem,
            objective,
            runs,
            options,
            first: lane_of(|r| &r.first),
            second: lane_of(|r| &r.second),
            x: vec![0.0; n * LANES],
            gradient: vec![0.0; n * LANES],
            targets: problem.y().iter().flat_map(|y| [*y; LANES]).collect(),
            residual: vec![0.0; d * LANES],
            order: vec![0; if options.batch.is_some() { LANES * d } else { 0 }],
            records: Vec::with_capacity(options.record.len()),
            outcome: std::array::from_fn(|lane| {
                runs.get(lane).and_then(not_finite).unwrap_or(Outcome::Complete)
            }),
        };
        if objective == Objective::PlainL1 {
            block.x.copy_from_slice(&block.first);
        } else {
            for ((x, m), w) in block.x.iter_mut().zip(&block.first).zip(&block.second) {
                *x = m * w;
            }
        }
        block
    }

    fn go(&mut self, cancel: Option<&AtomicBool>) {
        let options = self.options;
        // Lanes with the same schedule share its evaluation.
        let mut schedules: Vec<&Schedule> = Vec::new();
        let which: [usize; LANES] = std::array::from_fn(|lane| {
            let schedule = &self.runs.get(lane).unwrap_or(&self.runs[0]).schedule;
            schedules.iter().position(|s| *s == schedule).unwrap_or_else(|| {
                schedules.push(schedule);
                schedules.len() - 1
            })
        });
        let mut alphas = vec![0.0; schedules.len()];
        if options.record.first() == Some(&0) {
            self.record();
        }
        for k in 0..options.steps {
            if k % 256 == 0 && cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
                for outcome in self.outcome.iter_mut().filter(|o| **o == Outcome::Complete) {
                    *outcome = Outcome::Cancelled { step: k };
                }
                return;
            }
            for (alpha, schedule) in alphas.iter_mut().zip(&schedules) {
                *alpha = schedule.alpha(k as f64);
            }
            let alpha: [f64; LANES] = std::array::from_fn(|lane| alphas[which[lane]]);
            match options.batch {
                None => self.full_gradient(),
                Some(batch) => self.batch_gradient(batch, k),
            }
            let mut poison = [0.0; LANES];
            let (first, second) = (&mut self.first[..], &mut self.second[..]);
            let (x, g) = (&mut self.x[..], &self.gradient[..]);
            match self.objective {
                Objective::MaskWeight => {
                    mask_weight(first, second, x, g, options.step, &alpha, &mut poison)
                }
                Objective::MaskL1 => {
                    mask_l1(first, second, x, g, options.step, &alpha, &mut poison)
                }
                Objective::PlainL1 => plain_l1(first, x, g, options.step, &alpha, &mut poison),
            }
            for (outcome, poison) in self.outcome.iter_mut().zip(&poison) {
                if poison.is_nan() && *outcome == Outcome::Complete {
                    *outcome = Outcome::Diverged { step: k + 1 };
                }
            }
            if options.record.get(self.records.len()) == Some(&(k + 1)) {
                self.record();
            }
        }
    }

    fn record(&mut self) {
        let mut x = self.x.clone();
        for (lane, outcome) in self.outcome.iter().enumerate() {
            if *outcome != Outcome::Complete {
                x.iter_mut().skip(lane).step_by(LANES).for_each(|v| *v = f64::NAN);
            }
        }
        self.records.push(x);
    }

    fn full_gradient(&mut self) {
        let (z, d) = (self.problem.z_rows(), self.problem.samples());
        product(z, &self.x, &self.targets, &mut self.residual);
        transposed(z, &self.residual, 1.0 / d as f64, &mut self.gradient);
    }

    /// The mean gradient over the samples of step k, for each run its own.
    fn batch_gradient(&mut self, batch: usize, k: u64) {
        let (d, n) = (self.problem.samples(), self.problem.features());
        let steps = d.div_ceil(batch) as u64;
        let (pass, start) = (k / steps, (k % steps) as usize * batch);
        let (mut x, mut g) = (vec![0.0; n], vec![0.0; n]);
        for (lane, run) in self.runs.iter().enumerate() {
            let order = &mut self.order[lane * d..(lane + 1) * d];
            if start == 0 {
                shuffle(order, Stream::new(run.seed), pass);
            }
            for (x, v) in x.iter_mut().zip(self.x.iter().skip(lane).step_by(LANES)) {
                *x = *v;
            }
            g.fill(0.0);
            let samples = &order[start..(start + batch).min(d)];
            for &j in samples {
                let row = &self.problem.z_rows()[j as usize * n..(j as usize + 1) * n];
                let r = (dot(row, &x) - self.problem.y()[j as usize]) / samples.len() as f64;
                g.iter_mut().zip(row).for_each(|(g, z)| *g += r * z);
            }
            for (out, g) in self.gradient.iter_mut().skip(lane).step_by(LANES).zip(&g) {
                *out = *g;
            }
        }
    }
}

/// The order of the samples in a pass: Fisher and Yates' shuffle of 0, 1, …, d − 1.
fn shuffle(order: &mut [u32], stream: Stream, pass: u64) {
    for (j, slot) in order.iter_mut().enumerate() {
        *slot = j as u32;
    }
    for i in (1..order.len()).rev() {
        let j = stream.below(pass, i as u32, i as u32 + 1);
        order.swap(i, j as usize);
    }
}

/// `R = ZX − Y`: `x` n×LANES, `y` and `r` d×LANES.
#[inline(always)]
fn product_body<I: Isa>(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) {
    // As many rows of Z as have their running sums in registers.
    if I::MANY_REGISTERS {
        product_tiles::<I, 4>(z, x, y, r);
    } else {
        product_tiles::<I, 2>(z, x, y, r);
    }
}

#[inline(always)]
fn product_tiles<I: Isa, const TILE: usize>(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) {
    let n = x.len() / LANES;
    for (t, (r, y)) in r.chunks_mut(TILE * LANES).zip(y.chunks(TILE * LANES)).enumerate() {
        let rows = &z[t * TILE * n..];
        let minus = I::splat(-1.0);
        let height = r.len() / LANES;
        // A row that is not there repeats the last that is: its sums are thrown away.
        let row: [&[f64]; TILE] = std::array::from_fn(|j| {
            let j = j.min(height - 1);
            &rows[j * n..(j + 1) * n]
        });
        let mut sums = [[I::splat(0.0); 2]; TILE];
        for (i, x) in x.chunks_exact(LANES).enumerate() {
            let (low, high) = (I::load(x), I::load(&x[WIDTH..]));
            for j in 0..TILE {
                let z = I::splat(row[j][i]);
                sums[j] = [I::mul_add(z, low, sums[j][0]), I::mul_add(z, high, sums[j][1])];
            }
        }
        for (j, (r, y)) in r.chunks_exact_mut(LANES).zip(y.chunks_exact(LANES)).enumerate() {
            I::store(I::mul_add(minus, I::load(y), sums[j][0]), r);
            I::store(I::mul_add(minus, I::load(&y[WIDTH..]), sums[j][1]), &mut r[WIDTH..]);
        }
    }
}

kernel!(fn product(z: &[f64], x: &[f64], y: &[f64], r: &mut [f64]) = product_body);

/// `G = scale ZᵀR`: `r` d×LANES, `g` n×LANES.
#[inline(always)]
fn transposed_body<I: Isa>(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) {
    if I::MANY_REGISTERS {
        transposed_tiles::<I, 4>(z, r, scale, g);
    } else {
        transposed_tiles::<I, 2>(z, r, scale, g);
    }
}

#[inline(always)]
fn transposed_tiles<I: Isa, const TILE: usize>(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) {
    let n = g.len() / LANES;
    for (t, g) in g.chunks_mut(TILE * LANES).enumerate() {
        let (first, width) = (t * TILE, g.len() / LANES);
        let mut sums = [[I::splat(0.0); 2]; TILE];
        for (row, r) in z.chunks_exact(n).zip(r.chunks_exact(LANES)) {
            let (low, high) = (I::load(r), I::load(&r[WIDTH..]));
            for i in 0..TILE {
                let z = I::splat(row[first + i.min(width - 1)]);
                sums[i] = [I::mul_add(z, low, sums[i][0]), I::mul_add(z, high, sums[i][1])];
            }
        }
        let scale = I::splat(scale);
        for (i, g) in g.chunks_exact_mut(LANES).enumerate() {
            I::store(I::mul(scale, sums[i][0]), g);
            I::store(I::mul(scale, sums[i][1]), &mut g[WIDTH..]);
        }
    }
}

kernel!(fn transposed(z: &[f64], r: &[f64], scale: f64, g: &mut [f64]) = transposed_body);

/// Applies `step(first, second, g, alpha) → (first, second)` to every entry; `x = first·second`, and
/// `poison` becomes NaN in the lanes where an entry is not finite (0 · ∞ and 0 · NaN are NaN).
macro_rules! factors {
    ($name:ident, $body:ident, $step:expr) => {
        #[inline(always)]
        fn $body<const FUSED: bool>(
            first: &mut [f64],
            second: &mut [f64],
            x: &mut [f64],
            g: &[f64],
            eta: f64,
            alpha: &[f64; LANES],
            poison: &mut [f64; LANES],
        ) {
            let chunks = first.chunks_exact_mut(LANES).zip(second.chunks_exact_mut(LANES));
            for (((m, w), x), g) in
                chunks.zip(x.chunks_exact_mut(LANES)).zip(g.chunks_exact(LANES))
            {
                for l in 0..LANES {
                    let (next_m, next_w) = $step(m[l], w[l], g[l], eta, alpha[l]);
                    (m[l], w[l]) = (next_m, next_w);
                    x[l] = next_m * next_w;
                    poison[l] += 0.0 * (x[l] + next_m + next_w);
                }
            }
        }
        dispatch!(
            fn $name(
                first: &mut [f64],
                second: &mut [f64],
                x: &mut [f64],
                g: &[f64],
                eta: f64,
                alpha: &[f64; LANES],
                poison: &mut [f64; LANES],
            ) = $body
        );
    };
}

/// `g + α sign(v)` with the element of least norm at v = 0.
#[inline(always)]
fn with_l1(g: f64, v: f64, alpha: f64) -> f64 {
    let at_zero = g - g.max(-alpha).min(alpha);
    let away = g + alpha.copysign(v);
    if v == 0.0 { at_zero } else { away }
}

factors!(mask_weight, mask_weight_body, |m: f64, w: f64, g: f64, eta: f64, alpha: f64| {
    let (keep, push) = (1.0 - 2.0 * eta * alpha, eta * g);
    (keep * m - push * w, keep * w - push * m)
});
factors!(mask_l1, mask_l1_body, |m: f64, w: f64, g: f64, eta: f64, alpha: f64| {
    (m - eta * with_l1(g * w, m, alpha), w - eta * g * m)
});

#[inline(always)]
fn plain_l1_body<const FUSED: bool>(
    first: &mut [f64],
    x: &mut [f64],
    g: &[f64],
    eta: f64,
    alpha: &[f64; LANES],
    poison: &mut [f64; LANES],
) {
    let chunks = first.chunks_exact_mut(LANES).zip(x.chunks_exact_mut(LANES));
    for ((v, x), g) in chunks.zip(g.chunks_exact(LANES)) {
        for l in 0..LANES {
            v[l] -= eta * with_l1(g[l], v[l], alpha[l]);
            poison[l] += 0.0 * v[l];
        }
        x.copy_from_slice(v);
    }
}

dispatch!(
    fn plain_l1(
        first: &mut [f64],
        x: &mut [f64],
        g: &[f64],
        eta: f64,
        alpha: &[f64; LANES],
        poison: &mut [f64; LANES],
    ) = plain_l1_body
);

#[cfg(test)]
#[path = "descent_tests.rs"]
mod tests;
