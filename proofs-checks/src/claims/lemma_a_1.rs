//! Lemma A.1: the closed form of the trajectory in terms of `L_t = ∫₀ᵗ ∇f(x_s) ds`.
//!
//! *As printed (v1)*: `x_t = u₀² e^{−2L−4A} − v₀² e^{2L−4A}` with `u₀ = (m₀+w₀)/√2`,
//! `v₀ = (m₀−w₀)/√2`.
//!
//! *As it holds*: half of it. `(m±w)' = (∓∇f − 2α)(m±w)`, hence `m_t ± w_t = (m₀ ± w₀) e^{∓L−2A}`;
//! and `m w = ¼[(m+w)² − (m−w)²] = ½[u₀² e^{−2L−4A} − v₀² e^{2L−4A}]`, since `(m₀±w₀)²/4` is
//! `u₀²/2` and `v₀²/2`. Assumption: none but the flow itself.

use mirrorflow::{numerics::exact::interval::Interval, schedule::Schedule};

use crate::{
    Case, Claim, Context, Law, Proof, Theory,
    samples::{RULE, Sample, identity, sampled},
};

/// `x_t − c [u₀² e^{−2L−4A} − v₀² e^{2L−4A}]` with the size of its terms; `rate` is the 4 in −4A.
fn residual(case: &Case, sample: &Sample, c: f64, rate: f64) -> (Vec<f64>, f64) {
    let decay = rate * case.schedule.integral(sample.t);
    let (m0, w0) = (case.instance.start.m0(), case.instance.start.w0());
    let mut size = 0.0_f64;
    let values = sample
        .x()
        .iter()
        .enumerate()
        .map(|(i, x)| {
            let (u, v) = ((m0[i] + w0[i]).powi(2) / 2.0, (m0[i] - w0[i]).powi(2) / 2.0);
            let plus = u * (-2.0 * sample.l[i] - decay).exp();
            let minus = v * (2.0 * sample.l[i] - decay).exp();
            size = size.max(plus).max(minus);
            x - c * (plus - minus)
        })
        .collect();
    (values, size)
}

/// Refutes `x₀ = u₀² − v₀² = ½(m₀+w₀)² − ½(m₀−w₀)²`, in the coordinate where it is furthest off.
fn at_start(case: &Case) -> Option<Proof> {
    let start = &case.instance.start;
    let of = |(m, w): (&f64, &f64)| {
        let (m, w) = (Interval::point(*m), Interval::point(*w));
        (m * w, ((m + w).sqr() - (m - w).sqr()) * 0.5)
    };
    let off = |p: &(Interval, Interval)| (p.0.mid() - p.1.mid()).abs();
    let pairs = start.m0().iter().zip(start.w0()).map(of);
    let (lhs, rhs) = pairs.max_by(|p, q| off(p).total_cmp(&off(q)))?;
    Some(Proof::new(("x₀ = m₀w₀", lhs), ("u₀² − v₀²", rhs), "interval arithmetic at t = 0"))
}

pub(super) fn claim() -> Claim {
    Theory::new(
        "lemma-a.1",
        "closed form of the trajectory",
        "Lemma A.1, arXiv 2408.09966v1",
        Context::cases,
        sampled,
    )
    .assume("α(t) ≥ 0", |case: &Case| case.schedule.check().is_ok())
    .drawn_by(Case::draw)
    .law(
        Law::as_printed("x_t = u₀² e^{−2L_t−4A} − v₀² e^{2L_t−4A}, u₀, v₀ = (m₀ ± w₀)/√2")
            .fails()
            .comparing("distance of the printed form to x_t", "what it must be")
            .equal(RULE, identity(|case, s| residual(case, s, 1.0, 4.0)))
            .known(|| Case::by_hand(&[0.0], &[0.0], &[1.0], &[0.5], Schedule::None))
            .proven_by(|case| Ok(at_start(case)))
            .explained(|case, _| {
                let start = &case.instance.start;
                let (m0, w0) = (start.m0()[0], start.w0()[0]);
                format!(
                    "at t = 0 (L = A = 0) the printed form gives ½(m₀+w₀)² − ½(m₀−w₀)² = 2m₀w₀ = \
                     {}, but x₀ = m₀w₀ = {}",
                    2.0 * m0 * w0,
                    m0 * w0
                )
            }),
    )
    .law(
        Law::as_it_holds("x_t = ½ [u₀² e^{−2L_t−4A} − v₀² e^{2L_t−4A}]")
            .equal(RULE, identity(|case, s| residual(case, s, 0.5, 4.0)))
            .control(
                "weight decay: the factor e^{−4A} left out",
                identity(|case, s| residual(case, s, 0.5, 0.0)),
            )
            .mutant("½ → 0.505", identity(|case, s| residual(case, s, 0.505, 4.0))),
    )
    .claim()
}
