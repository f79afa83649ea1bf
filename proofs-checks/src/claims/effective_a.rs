//! Discrete steps shrink a: gradient descent, and more so SGD.
//!
//! *As printed* (Even, Pesme, Gunasekar & Flammarion 2023, "(S)GD over diagonal linear networks", theorem 1;
//! Pesme, Pillaud-Vivien & Flammarion 2021 for stochastic flow): (S)GD ends where a mirror flow with a
//! smaller, step-dependent a and a perturbed tilt would end.
//!
//! *As it holds*, exactly, for `m ⊙ w` without decay and batch gradients g_k: a step multiplies `m ± w` by
//! `1 ∓ ηg_k`. So `β_K = β₀ Π (1 − η²g_k²)`, and
//! `log((m_K+w_K)/(m_K−w_K)) = θ₀ − 2Σ atanh(ηg_k)` while `η|g_k| < 1`: x_K satisfies
//! `½(asinh(x_K/a_K) − θ̃) = −ηΣg_k`, which is in the range of Zᵀ, with `a_K = β_K/2` and
//! `θ̃ = θ₀ − 2Σ(atanh(ηg_k) − ηg_k)`. Hence `x_K = argmin R_{a_K, θ̃}` subject to `Zx = Zx_K`. To first
//! order in η the shrinkage of log a over a time T is `η∫g²`, larger for larger steps and noisier g.

use mirrorflow::{
    Result,
    limit::newton,
    numerics::{dense, exact::sums::norm_inf},
    potential::HyperbolicEntropy,
    problem::Problem,
    schedule::Schedule,
};
use ndarray::Array1;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    cases_without_decay, draw_without_decay, full_row_rank, limit_of_flow::distance,
    potential_defined,
};
use crate::{Case, Claim, Context, Gap, Grade, Law, Prepared, Theory};

/// Steps of the descents with the full step; those with half of it take twice as many.
const STEPS: usize = 400;

/// Over how many orders of the samples SGD is averaged.
const SEEDS: u64 = 16;

/// Step size in units of the time scale of the flow.
const STEP: f64 = 0.3;

/// A descent followed from its definition.
struct Walk {
    m: Vec<f64>,
    w: Vec<f64>,
    /// `Σ log(1 − η²g²)` and `Σ (atanh(ηg) − ηg)`, elementwise.
    log_shrinkage: Vec<f64>,
    tilt: Vec<f64>,
    steps: usize,
    /// `η|g| < 1/2` all the way.
    stable: bool,
}

/// Gradient descent on the loss of `problem`, or SGD with one sample each drawn from `seed`.
fn walk(case: &Case, step: f64, steps: usize, seed: Option<u64>) -> Walk {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let (d, n) = (problem.samples(), problem.features());
    let mut rng = ChaCha8Rng::seed_from_u64(seed.unwrap_or(0));
    let mut walk = Walk {
        m: start.m0().to_vec(),
        w: start.w0().to_vec(),
        log_shrinkage: vec![0.0; n],
        tilt: vec![0.0; n],
        steps,
        stable: true,
    };
    for _ in 0..steps {
        let x: Vec<f64> = walk.m.iter().zip(&walk.w).map(|(m, w)| m * w).collect();
        let gradient = match seed {
            None => case.loss.gradient(problem, &x),
            Some(_) => {
                let j = rng.random_range(0..d);
                let row = &problem.z_rows()[j * n..(j + 1) * n];
                let r = dense::dot(row, &x) - problem.y()[j];
                row.iter().map(|z| r * z).collect()
            }
        };
        for (i, g) in gradient.iter().enumerate() {
            let s = step * g;
            walk.stable &= s.abs() < 0.5;
            walk.log_shrinkage[i] += (-s * s).ln_1p();
            walk.tilt[i] += s.atanh() - s;
            let (m, w) = (walk.m[i], walk.w[i]);
            walk.m[i] = m - s * w;
            walk.w[i] = w - s * m;
        }
    }
    walk
}

struct Walks {
    gd: Walk,
    /// Twice as many steps of half the size.
    finer: Walk,
    /// SGD of d times smaller steps than gradient descent could take, one for each seed, and GD with
    /// the same steps.
    sgd: Vec<Walk>,
    small: Walk,
}

fn prepare(case: &Case, _: &Context) -> Result<Prepared<Walks>> {
    let step = STEP * case.instance.time_scale();
    let small = step / case.instance.problem.samples() as f64;
    let walks = Walks {
        gd: walk(case, step, STEPS, None),
        finer: walk(case, 0.5 * step, 2 * STEPS, None),
        sgd: (0..SEEDS).map(|seed| walk(case, small, STEPS, Some(seed))).collect(),
        small: walk(case, small, STEPS, None),
    };
    let all = [&walks.gd, &walks.finer, &walks.small];
    Ok(if all.into_iter().chain(&walks.sgd).all(|w| w.stable) {
        Prepared::Ready(walks)
    } else {
        Prepared::Undecided("a step of η|∂f| ≥ ½".into())
    })
}

/// `β_K = β₀ e^{c Σ log(1 − η²g²)}`.
fn balance(
    c: f64,
    of: fn(&Walks) -> &Walk,
) -> impl Fn(&Case, &Walks) -> Vec<Gap> + Send + Sync + 'static {
    move |case, walks| {
        let (walk, beta) = (of(walks), case.instance.start.beta());
        let gap = |i: usize| {
            let (m, w) = (walk.m[i], walk.w[i]);
            let rounding = 8.0 * f64::EPSILON * (walk.steps as f64 + 1.0) * (m * m + w * w);
            Gap::new(m * m - w * w, beta[i] * (c * walk.log_shrinkage[i]).exp(), rounding)
                .at(format!("coordinate {i}"))
        };
        (0..beta.len()).map(gap).collect()
    }
}

/// x_K against the minimiser of `R_{a_K, θ̃}` among its equals; both corrections can be left out.
fn end(
    shrink: f64,
    tilt: f64,
    of: fn(&Walks) -> &Walk,
) -> impl Fn(&Case, &Walks) -> Vec<Gap> + Send + Sync + 'static {
    move |case, walks| minimiser(case, of(walks), shrink, tilt).ok().flatten().into_iter().collect()
}

fn minimiser(case: &Case, walk: &Walk, shrink: f64, tilt: f64) -> Result<Option<Gap>> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let (theta, log_a) = (start.theta0(), start.log_a0());
    let n = problem.features();
    let log_a = (0..n).map(|i| log_a[i] + shrink * walk.log_shrinkage[i]).collect();
    let theta = (0..n).map(|i| theta[i] - 2.0 * tilt * walk.tilt[i]).collect();
    let potential = HyperbolicEntropy::new(log_a, theta)?;
    let x: Vec<f64> = walk.m.iter().zip(&walk.w).map(|(m, w)| m * w).collect();
    let mut reached = vec![0.0; problem.samples()];
    dense::mul(problem.z_rows(), &x, &mut reached);
    let same = Problem::new(problem.z().to_owned(), Array1::from(reached))?;
    let limit = newton::minimize(&same, &potential, &newton::Options::default())?;
    if !limit.status.is_converged() {
        return Ok(None);
    }
    let gap = Gap::residual(distance(&limit.x, &x), 1e-9 * norm_inf(&x).max(1e-3));
    Ok(Some(gap))
}

/// How far `Σ_i log a` fell.
fn total(walk: &Walk) -> f64 {
    walk.log_shrinkage.iter().sum()
}

/// `more ≤ less`, where either is visible beside rounding.
fn shrinks(more: f64, less: f64) -> Vec<Gap> {
    let visible = more.abs().max(less.abs()) > 1e-9;
    if visible { vec![Gap::new(more, less, 1e-12 * less.abs())] } else { Vec::new() }
}

/// `Σ_i log a` of SGD, on average, and of GD with its steps; none for one sample.
fn noisy(case: &Case, walks: &Walks) -> Option<(f64, f64)> {
    let mean = walks.sgd.iter().map(total).sum::<f64>() / SEEDS as f64;
    (case.instance.problem.samples() > 1).then(|| (mean, total(&walks.small)))
}

/// One step from the start: the mean over the samples of `Σ_i log(1 − η²g_ij²)` against that of the mean
/// gradient; `−log(1 − s²)` is convex (Jensen). For sign −1 the other way around.
fn one_step(case: &Case, sign: f64) -> Vec<Gap> {
    let (problem, x) = (&case.instance.problem, case.instance.start.x0());
    let (d, n) = (problem.samples(), problem.features());
    let step = STEP * case.instance.time_scale() / d as f64;
    let shrinkage = |g: f64| (-(step * g).powi(2)).ln_1p();
    let mut mean = 0.0;
    for (row, y) in problem.z_rows().chunks(n).zip(problem.y()) {
        let r = dense::dot(row, &x) - y;
        mean += row.iter().map(|z| shrinkage(r * z)).sum::<f64>() / d as f64;
    }
    let full: f64 = case.loss.gradient(problem, &x).into_iter().map(shrinkage).sum();
    shrinks(sign * mean, sign * full)
}

fn cases(context: &Context) -> Result<Vec<Case>> {
    let small = |c: &Case| c.instance.problem.features() <= 50;
    Ok(cases_without_decay(context)?.into_iter().filter(small).collect())
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "effective-a",
        "discrete steps and noise shrink a",
        "Even et al. 2023, theorem 1; Pesme et al. 2021",
        cases,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .assume("α = 0", |case: &Case| case.schedule.total() == 0.0)
    .assume("Z has full row rank", full_row_rank)
    .assume_of_outcome("η|∂_i f| < ½ at every step")
    .drawn_by(draw_without_decay)
    .law(
        Law::as_printed("GD: β_K = β₀ Π (1 − η²g_k²)")
            .equal("8 ε (K + 1) of m² + w²", balance(1.0, |w| &w.gd))
            .control("the shrinkage: β₀ kept", balance(0.0, |w| &w.gd))
            .mutant("Π → its power 1.01", balance(1.01, |w| &w.gd)),
    )
    .law(
        Law::as_printed("SGD: β_K = β₀ Π (1 − η²g_k²), g_k the gradient on its batch")
            .equal("8 ε (K + 1) of m² + w²", balance(1.0, |w| &w.sgd[0]))
            .control("the shrinkage: β₀ kept", balance(0.0, |w| &w.sgd[0]))
            .mutant("Π → its power 1.01", balance(1.01, |w| &w.sgd[0])),
    )
    .law(
        Law::as_printed("GD: x_K = argmin R_{a_K, θ̃} subject to Zx = Zx_K")
            .equal("1e-9 of x_K", end(1.0, 1.0, |w| &w.gd))
            .control("the shrinkage: a₀ in its place", end(0.0, 1.0, |w| &w.gd))
            .control("the tilt: θ₀ in its place", end(1.0, 0.0, |w| &w.gd)),
    )
    .law(
        Law::as_it_holds("GD over one time: Σ log a falls at least as far with twice the step")
            .graded(Grade::Empirical)
            .at_most("1e-12", |_: &Case, w: &Walks| shrinks(total(&w.gd), total(&w.finer)))
            .control("the order: half the step", |_, w| shrinks(total(&w.finer), total(&w.gd))),
    )
    .law(
        Law::as_it_holds("one step: E Σ log(1 − η²g_batch²) ≤ Σ log(1 − η²g²)")
            .at_most("1e-12", |case: &Case, _: &Walks| one_step(case, 1.0))
            .control("the noise: its mean in place of each gradient", |case, _| one_step(case, -1.0)),
    )
    .law(
        Law::not_in_general("d > 1: Σ log a falls at least as far for SGD, on average, as for GD")
            .comparing("Σ log(a_K/a₀), SGD", "Σ log(a_K/a₀), GD")
            .graded(Grade::Empirical)
            .at_most("1e-12", |case, walks| {
                noisy(case, walks).map_or_else(Vec::new, |(sgd, gd)| shrinks(sgd, gd))
            })
            .known(|| {
                let z = [1.0, 1.63, 1.0, 1.65];
                Case::by_hand(&z, &[5.84, 5.9], &[1.0; 2], &[0.0; 2], Schedule::None)
            })
            .explained(|_, gap| {
                format!(
                    "Σ log(a_K/a₀) is {:.6} for SGD, averaged over {SEEDS} orders of the samples, and \
                     {:.6} for gradient descent with the same steps: the rows agree so well that \
                     the noise does less than the change of the path",
                    gap.lhs, gap.rhs
                )
            }),
    )
    .claim()
}
