//! The link back to theory: a diagonal linear network, trained as any network of this crate with
//! `x = m⊙w`, goes where the library's own descent goes, `s_{k+1} = s_k − η∇F(s_k)` with
//! `s = (m, w)`, `F = f(m⊙w) + α(‖m‖² + ‖w‖²)` (or `+ α‖m‖₁`) and `f(x) = (1/d) ‖Zx − y‖²/2`, step
//! by step.
//!
//! *How far apart rounding may take them.* Let u be the unit roundoff, `g = Zᵀ(Zx − y)/d`, E_k the
//! distance of the two states. A computed gradient errs by at most
//! `Γ = (3√(n + d) + 8)u·|Z|ᵀ(|Z||x| + |y|)/d` an entry (sums of n and of d terms, whose roundings
//! add up like a random walk, Higham & Mary 2019; the roundings of Z, y, x and of the quotient),
//! the new m by `η Γ|w| + 4u(|m| + η|g w| + 2ηα|m|)`, w likewise: call the norm of that δ_k. The
//! step is a map with Jacobian `(1 − 2ηα)I − η(JᵀAJ + [0 D(g); D(g) 0])`, `A = ZᵀZ/d`,
//! `J = [D(w) D(m)]`. Where `η λ_max(A) max(m² + w²) ≤ 1`, which is checked, it stretches no
//! distance by more than `1 + η‖g‖_∞`, so `E_{k+1} ≤ (1 + η‖g_k‖_∞)E_k + δ_k`, and x differs by at
//! most `max √(m² + w²)·E_k`. (E² is left out: 1e-8 of E.)

use mirrorflow::{
    Result,
    flow::{Clock, Descent, Objective, Trajectory, descend},
    kernels::mask_weight::{Optimizer, Sgd},
    problem::{Generator, Loss, Problem},
    schedule::Schedule,
};
use mirrorflow_deep::{
    engine::{Mode, Model},
    method::{Factors, Kind, Method, Number, Step, Variable, slots},
    network::{Shape, named},
};

const STEPS: u64 = 80;
const RATE: f64 = 0.02;
const BETA: f64 = 1.0;

/// x and the loss after 0, 1, …, K steps of the network.
fn network<T: Number>(
    problem: &Problem,
    kind: Kind,
    alpha: impl Fn(u64) -> f64,
) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let (d, n) = (problem.samples(), problem.features());
    let network = named("diagonal", Shape { height: 1, width: 1, channels: n }, 1)?;
    let cast = |numbers: &[f64]| numbers.iter().map(|a| T::of(*a)).collect::<Vec<T>>();
    let (z, y) = (cast(problem.z_rows()), cast(problem.y()));
    let optimizer = Optimizer::Sgd(Sgd { rate: RATE, momentum: 0.0, nesterov: false });
    let (weights, rest) = slots(&network);
    assert!(rest.is_empty());
    let variable = || Variable::<T>::new(n, &optimizer);
    let mut method = Factors::new(kind, BETA, variable(), variable());
    let mut model = Model::<T>::new(&network, d)?;
    let (mut x, mut gradient) = (vec![T::ZERO; n], vec![T::ZERO; n]);
    // From x = 0: m = √β, w = 0.
    method.start(&weights, (&mut x).into())?;
    let (mut path, mut losses) = (Vec::new(), Vec::new());
    for k in 0..=STEPS {
        path.push(x.iter().map(|x| x.f64()).collect());
        model.forward(&z, &x, Mode::Train)?;
        losses.push(model.backward_squared(&y, &x, &mut gradient)?);
        let strength = alpha(k);
        let progress = k as f64 / STEPS as f64;
        let step = Step {
            optimizer,
            step: k + 1,
            weight_decay: 0.0,
            strength,
            factor_strength: 0.0,
            progress,
            weights: &weights,
            keep: None,
        };
        assert_eq!(method.update(&step, (&mut gradient).into(), (&mut x).into())?, None);
    }
    Ok((path, losses))
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|a| a * a).sum::<f64>().sqrt()
}

/// How far x may be off after each step, by the derivation above, with both sides' roundings; and
/// the same for the loss.
fn bounds(
    problem: &Problem,
    run: &Trajectory,
    schedule: &Schedule,
    u: f64,
) -> (Vec<f64>, Vec<f64>) {
    let (d, n) = (problem.samples(), problem.features());
    let share = 1.0 / d as f64;
    let largest = problem.singular_values().map_or(0.0, |s| s[0]);
    let gamma = (3.0 * ((n + d) as f64).sqrt() + 8.0) * (u + f64::EPSILON / 2.0);
    let unit = 4.0 * (u + f64::EPSILON / 2.0);
    let (mut off, mut xs, mut losses) = (0.0, Vec::new(), Vec::new());
    for (k, (state, x)) in run.state.outer_iter().zip(run.x.outer_iter()).enumerate() {
        let (m, w) = state.view().split_at(ndarray::Axis(0), n);
        let size = m.iter().zip(&w).map(|(m, w)| m * m + w * w).fold(0.0, f64::max);
        assert!(RATE * largest * largest * share * size <= 1.0, "the step is short enough");
        if k == 0 {
            off = unit * norm(state.as_slice().unwrap_or(&[]));
        }
        xs.push(size.sqrt() * off + unit * x.iter().fold(0.0, |a: f64, x| a.max(x.abs())));
        let rows = || problem.z_rows().chunks_exact(n).zip(problem.y());
        let (mut g, mut error, mut residuals, mut slack) = (vec![0.0; n], vec![0.0; n], 0.0, 0.0);
        for (row, y) in rows() {
            let (mut r, mut all) = (-y, y.abs());
            for (z, x) in row.iter().zip(&x) {
                r += z * x;
                all += (z * x).abs();
            }
            for ((g, e), z) in g.iter_mut().zip(&mut error).zip(row) {
                *g += share * z * r;
                *e += gamma * share * z.abs() * all;
            }
            residuals += r * r;
            slack += (gamma * all).powi(2);
        }
        // |Δf| ≤ ‖r‖‖Δr‖/d + ‖Δr‖²/2d, Δr = ZΔx and rounding.
        let moved = largest * (n as f64).sqrt() * xs[k] + slack.sqrt();
        losses.push(
            share * (residuals.sqrt() * moved + 0.5 * moved * moved) + unit * share * residuals,
        );
        let decay = 2.0 * RATE * schedule.alpha(k as f64);
        let delta = |a: &f64, b: &f64, g: f64, e: f64| {
            RATE * e * b.abs() + unit * (a.abs() + RATE * (g * b).abs() + decay * a.abs())
        };
        let pairs = || m.iter().zip(&w).zip(g.iter().zip(&error));
        let new: Vec<f64> = pairs()
            .flat_map(|((m, w), (g, e))| [delta(m, w, *g, *e), delta(w, m, *g, *e)])
            .collect();
        let steepest = g.iter().fold(0.0, |a: f64, g| a.max(g.abs()));
        off = (1.0 + RATE * steepest) * off + norm(&new);
    }
    (xs, losses)
}

fn worst(path: &[Vec<f64>], run: &Trajectory, bounds: &[f64]) -> f64 {
    let apart = |(x, y): (&Vec<f64>, ndarray::ArrayView1<'_, f64>)| {
        x.iter().zip(y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    let ratios = path.iter().zip(run.x.outer_iter()).map(apart).zip(bounds);
    ratios.map(|(apart, bound)| apart / bound).fold(0.0, f64::max)
}

/// The network against the library for one penalty and schedule. Returns the bounds at the end, f64
/// and f32.
fn compare(kind: Kind, schedule: &Schedule) -> Result<[f64; 2]> {
    let problem = Generator::gaussian(12, 30, 3, 5).problem()?;
    let n = problem.features();
    let (m, w) = (vec![BETA.sqrt(); n], vec![0.0; n]);
    let objective = match kind {
        Kind::MaskL1 => Objective::MaskL1 { m, w },
        _ => Objective::MaskWeight { m, w },
    };
    let how = Descent { record_every: 1, clock: Clock::Step, ..Descent::new(RATE, STEPS) };
    let run = descend(&problem, Loss::Squared, schedule, &objective, &how)?;
    if kind == Kind::MaskL1 {
        // Away from the kink of |m|, so that the map is smooth.
        assert!(run.state.outer_iter().all(|s| s.iter().take(n).all(|m| *m > 0.1)));
    }
    let alpha = |k| schedule.alpha(k as f64);
    let mut ends = [0.0; 2];
    for (single, end) in [false, true].into_iter().zip(&mut ends) {
        let u = if single { f32::EPSILON.into() } else { f64::EPSILON } / 2.0;
        let (path, losses) = if single {
            network::<f32>(&problem, kind, alpha)?
        } else {
            network::<f64>(&problem, kind, alpha)?
        };
        let (bounds, slack) = bounds(&problem, &run, schedule, u);
        let ratio = worst(&path, &run, &bounds);
        assert!(ratio <= 1.0, "x is off by {ratio} of the bound (f32: {single})");
        for (k, (found, expected)) in losses.iter().zip(&run.loss).enumerate() {
            assert!(
                (found - expected).abs() <= slack[k],
                "loss {k}: {found} {expected}, {}",
                slack[k]
            );
        }
        *end = bounds[STEPS as usize];
        // The descent has gone somewhere.
        assert!(losses[STEPS as usize] < 0.2 * losses[0]);
        if single {
            continue;
        }
        // A strength off by 1e-6 of itself is seen.
        if schedule.alpha(0.0) > 0.0 {
            let (path, _) = network::<f64>(&problem, kind, |k| (1.0 + 1e-6) * alpha(k))?;
            assert!(worst(&path, &run, &bounds) > 10.0);
        }
    }
    Ok(ends)
}

#[test]
fn a_diagonal_network_is_the_library_s_descent() -> Result<()> {
    for (kind, schedule) in [
        (Kind::Decay, Schedule::None),
        (Kind::Decay, Schedule::Constant { c: 0.02 }),
        (Kind::Decay, Schedule::Harmonic { c: 1.0 }),
        (Kind::MaskL1, Schedule::Constant { c: 0.02 }),
    ] {
        let [double, single] = compare(kind, &schedule)?;
        assert!(double < 1e-12, "{double:e}");
        assert!(single < 3e-4, "{single:e}");
    }
    Ok(())
}
