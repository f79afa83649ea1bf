//! How fast the loss falls (proof of Lemma A.3).
//!
//! *As printed (v1)*: `df/dt = −(∇fᵀ diag√(x²+a²) ∇f + 2α ∇fᵀx)`.
//!
//! *As it holds*: twice that. `df/dt = ∇fᵀx'` with `x' = m'w + mw' = −(m²+w²)∇f − 4αx` and
//! `m² + w² = 2√(x²+a²)`. Every state is the start of a flow, so it is checked there, where both
//! sides are sums of known numbers: left from the fields of m and w, right from x and a.

use mirrorflow::{
    numerics::exact::interval::{Interval, dot},
    schedule::Schedule,
};

use super::potential_defined;
use crate::{Case, Claim, Context, Gap, Law, Prepared, Proof, Theory};

/// `∇fᵀ(m'w + mw')`, `∇fᵀ diag√(x²+a²) ∇f`, `2α ∇fᵀx`, and the size of the terms.
struct Rates {
    left: f64,
    squares: f64,
    decay: f64,
    size: f64,
}

fn prepare(case: &Case, _: &Context) -> mirrorflow::Result<Prepared<Rates>> {
    let start = &case.instance.start;
    let (m, w, x, log_a) = (start.m0(), start.w0(), start.x0(), start.log_a0());
    let (g, alpha) = (case.loss.gradient(&case.instance.problem, &x), case.schedule.alpha(0.0));
    let mut rates = Rates { left: 0.0, squares: 0.0, decay: 0.0, size: 0.0 };
    for i in 0..x.len() {
        let m_slope = -g[i] * w[i] - 2.0 * alpha * m[i];
        let w_slope = -g[i] * m[i] - 2.0 * alpha * w[i];
        rates.left += g[i] * (m_slope * w[i] + m[i] * w_slope);
        rates.squares += g[i] * g[i] * x[i].hypot(log_a[i].exp());
        rates.decay += 2.0 * alpha * g[i] * x[i];
        rates.size += g[i] * g[i] * (m[i] * m[i] + w[i] * w[i]);
        rates.size += 4.0 * alpha * (g[i] * m[i] * w[i]).abs();
    }
    Ok(Prepared::Ready(rates))
}

/// `df/dt = −(c ∇fᵀ diag√(x²+a²) ∇f + k 2α ∇fᵀx)`.
fn rate(c: f64, k: f64) -> impl Fn(&Case, &Rates) -> Vec<Gap> + Send + Sync + 'static {
    move |case, r| {
        let n = case.instance.problem.features() as f64;
        let tolerance = (16.0 + n) * f64::EPSILON * r.size;
        vec![Gap::new(r.left, -(c * r.squares + k * r.decay), tolerance)]
    }
}

/// Encloses both sides, `∇fᵀx'` and the printed right side, where `√(x²+a²) = ½(m²+w²)`.
fn refuted(case: &Case) -> Option<Proof> {
    let (problem, start) = (&case.instance.problem, &case.instance.start);
    let (d, n) = (problem.samples() as f64, problem.features());
    let alpha = Interval::around(case.schedule.alpha(0.0), 0.0);
    let x = start.x0();
    // Where x₀ = m₀w₀ is a float, as it is for round numbers; else nothing is proven.
    let exact = |i: usize| Interval::point(start.m0()[i]) * start.w0()[i];
    if (0..n).any(|i| exact(i).width() > 0.0) {
        return None;
    }
    let mut gradient = vec![Interval::ZERO; n];
    for (row, y) in problem.z_rows().chunks(n).zip(problem.y()) {
        let r = dot(row, &x) - *y;
        gradient.iter_mut().zip(row).for_each(|(g, z)| *g = *g + r * *z / Interval::point(d));
    }
    let (mut lhs, mut rhs) = (Interval::ZERO, Interval::ZERO);
    for i in 0..n {
        let (m, w, g) =
            (Interval::point(start.m0()[i]), Interval::point(start.w0()[i]), gradient[i]);
        let squares = m.sqr() + w.sqr();
        lhs = lhs - g * (squares * g + alpha * m * w * 4.0);
        rhs = rhs - g * (squares * g * 0.5 + alpha * m * w * 2.0);
    }
    Some(Proof::new(("df/dt", lhs), (PRINTED, rhs), "interval arithmetic at t = 0"))
}

/// The other side of its counterexample.
const PRINTED: &str = "the printed right side";

pub(super) fn claim() -> Claim {
    Theory::new(
        "lemma-a.3-df-dt",
        "how fast the loss falls",
        "proof of Lemma A.3, arXiv 2408.09966v1",
        Context::cases,
        prepare,
    )
    .assume("|w₀| < m₀ elementwise", potential_defined)
    .drawn_by(Case::draw)
    .law(
        Law::as_printed("df/dt = −(∇fᵀ diag√(x²+a²) ∇f + 2α ∇fᵀx)")
            .fails()
            .comparing("df/dt", PRINTED)
            .equal("(16 + n) ε of the terms", rate(1.0, 1.0))
            .known(|| Case::by_hand(&[1.0], &[1.0], &[1.0], &[0.0], Schedule::None))
            .proven_by(|case| Ok(refuted(case)))
            .explained(|_, gap| {
                format!(
                    "∇fᵀ(m'w + mw') = {:.6} at the start, the printed right side is {:.6}",
                    gap.lhs, gap.rhs
                )
            }),
    )
    .law(
        Law::as_it_holds("df/dt = −2(∇fᵀ diag√(x²+a²) ∇f + 2α ∇fᵀx)")
            .equal("(16 + n) ε of the terms", rate(2.0, 2.0))
            .control("the term of the decay", rate(2.0, 0.0))
            .mutant("2 → 2.02", rate(2.02, 2.02)),
    )
    .claim()
}
