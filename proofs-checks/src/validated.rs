//! Rigorous enclosures: of the flow of a small case, and of the quantities a counterexample is about.
//!
//! *The flow*: over a step [t, t+h] a box B with `S + [0, h] F([t, t+h], B) ⊆ B` contains every solution
//! that starts in S (Picard, with Schauder's theorem), so at t + h it lies in `S + h F([t, t+h], B)`. First
//! order, but a proof, with nothing but interval arithmetic; α is enclosed by its ends, as it does not
//! increase between its jumps. Enough for violations that are not small.

use mirrorflow::{numerics::exact::interval::Interval, problem::Loss, schedule::Schedule};

use crate::{Case, Proof};

/// Steps of one enclosure.
const STEPS: usize = 2000;

/// Boxes of m and w.
pub(crate) struct Enclosed {
    m: Vec<Interval>,
    w: Vec<Interval>,
}

/// What is known of m and w at time `t`; `None` for other losses than the squared one, schedules that
/// may increase, or where the boxes blow up.
pub(crate) fn enclose(case: &Case, t: f64) -> Option<Enclosed> {
    if case.loss != Loss::Squared || matches!(case.schedule, Schedule::Piecewise { .. }) {
        return None;
    }
    let start = &case.instance.start;
    let points = |v: &[f64]| v.iter().map(|x| Interval::point(*x)).collect::<Vec<_>>();
    let mut state = [points(start.m0()), points(start.w0())].concat();
    let h = t / STEPS as f64;
    for k in 0..STEPS {
        // Times that bracket the step whatever their rounding.
        let (from, to) = (k as f64 * h * (1.0 - 1e-15), (k + 1) as f64 * h * (1.0 + 1e-15));
        let alpha = alpha(&case.schedule, from, to)?;
        state = step(case, &state, alpha, Interval::new(from, to).ok()?, h)?;
    }
    let w = state.split_off(state.len() / 2);
    Some(Enclosed { m: state, w })
}

/// α over [from, to]: it does not increase, and is known to a few ulps.
fn alpha(schedule: &Schedule, from: f64, to: f64) -> Option<Interval> {
    let (low, high) = (schedule.alpha(to), schedule.alpha(from));
    Interval::new(low * (1.0 - 1e-14), high * (1.0 + 1e-14)).ok()
}

fn step(
    case: &Case,
    state: &[Interval],
    alpha: Interval,
    time: Interval,
    h: f64,
) -> Option<Vec<Interval>> {
    let moved = |field: &[Interval], by: Interval| -> Vec<Interval> {
        state.iter().zip(field).map(|(s, f)| *s + by * *f).collect()
    };
    let length = Interval::new(0.0, h).ok()?;
    let mut guess = moved(&field(case, state, alpha), length);
    for _ in 0..20 {
        let inflated: Vec<Interval> = guess
            .iter()
            .map(|b| *b + Interval::around(0.0, 0.5 * b.width() + 1e-12 * (1.0 + b.mag())))
            .collect();
        let image = moved(&field(case, &inflated, alpha), length);
        if image.iter().zip(&inflated).all(|(i, b)| i.is_finite() && i.is_subset_of(*b)) {
            // h itself is rounded: the true length of the step lies within this.
            let width = Interval::around(h, 4e-15 * time.hi());
            // The solution stays in the image, which is smaller than the box that proved it.
            return Some(moved(&field(case, &image, alpha), width));
        }
        guess = image;
    }
    None
}

/// `m' = −g w − 2αm`, `w' = −g m − 2αw`, `g = Zᵀ(Z(m w) − y)/d`.
fn field(case: &Case, state: &[Interval], alpha: Interval) -> Vec<Interval> {
    let problem = &case.instance.problem;
    let (d, n) = (problem.samples(), problem.features());
    let (m, w) = state.split_at(n);
    let x: Vec<Interval> = m.iter().zip(w).map(|(m, w)| *m * *w).collect();
    let mut gradient = vec![Interval::ZERO; n];
    for (row, y) in problem.z_rows().chunks(n).zip(problem.y()) {
        let r = residual(row, &x, *y);
        for (g, z) in gradient.iter_mut().zip(row) {
            *g = *g + r * *z / Interval::point(d as f64);
        }
    }
    let decay = alpha * 2.0;
    let slope =
        |own: &[Interval], other: &[Interval], i: usize| -(gradient[i] * other[i]) - decay * own[i];
    (0..n).map(|i| slope(m, w, i)).chain((0..n).map(|i| slope(w, m, i))).collect()
}

/// Encloses `row·x − y`, exactly where no operation rounds.
pub(crate) fn residual(row: &[f64], x: &[Interval], y: f64) -> Interval {
    let product = row.iter().zip(x).fold(Interval::ZERO, |sum, (z, x)| sum + *x * *z);
    product - y
}

impl Enclosed {
    /// `f = (1/2d) Σ r²`.
    pub(crate) fn loss(&self, case: &Case) -> Interval {
        let problem = &case.instance.problem;
        let x: Vec<Interval> = self.m.iter().zip(&self.w).map(|(m, w)| *m * *w).collect();
        let rows = problem.z_rows().chunks(problem.features()).zip(problem.y());
        let sum = rows.fold(Interval::ZERO, |sum, (row, y)| sum + residual(row, &x, *y).sqr());
        sum / Interval::point(2.0 * problem.samples() as f64)
    }
}

/// Refutes `½(asinh(x₀/a) − θ₀) = −L₀ = 0` for `a = 2u₀v₀ = m₀² − w₀²` at the start, in the coordinate
/// where it is furthest off: what Theorems 2.1 and 3.1 and Lemma A.2 print.
pub(crate) fn doubled_scale_at_start(case: &Case) -> Option<Proof> {
    let start = &case.instance.start;
    let of = |(m, w): (&f64, &f64)| {
        let (m, w) = (Interval::point(*m), Interval::point(*w));
        let lhs = (m * w / (m.sqr() - w.sqr())).asinh()?;
        let rhs = ((m + w) / (m - w)).ln()?;
        Some((lhs, rhs))
    };
    let pairs = start.m0().iter().zip(start.w0()).filter_map(of);
    let (lhs, rhs) = pairs.max_by(|p, q| {
        let off = |(l, r): &(Interval, Interval)| (l.mid() - r.mid()).abs();
        off(p).total_cmp(&off(q))
    })?;
    let how = "interval arithmetic at t = 0, where L = A = 0";
    Some(Proof::new(("asinh(x₀/(2u₀v₀))", lhs), ("θ₀ = log(u₀/v₀)", rhs), how))
}

#[cfg(test)]
mod tests {
    use mirrorflow::{
        flow::Primal,
        integrate::{Options, integrate},
        problem::Loss,
        schedule::Schedule,
    };

    use super::{doubled_scale_at_start, enclose};
    use crate::Case;

    #[test]
    fn the_flow_lies_in_its_enclosure() -> mirrorflow::Result<()> {
        for schedule in [Schedule::None, Schedule::Geometric { c: 1.0, r: 1.0 }] {
            let case =
                Case::by_hand(&[1.0, 2.0], &[1.0], &[1.0, 0.8], &[0.5, -0.2], schedule.clone())?;
            let start = &case.instance.start;
            let flow = Primal::new(
                &case.instance.problem,
                Loss::Squared,
                schedule,
                start.m0(),
                start.w0(),
            )?;
            let run = integrate(&flow, &Options::until(0.5).with_tolerances(1e-12, 1e-14))?;
            let (m, w) = flow.factors(&run.state_end());
            let boxes = enclose(&case, 0.5).expect("a smooth case");
            for (value, inside) in m.iter().chain(&w).zip(boxes.m.iter().chain(&boxes.w)) {
                let room = crate::validated::tests::wider(*inside);
                assert!(room.contains(*value), "{value} outside {inside}");
                assert!(inside.width() < 1e-2, "{inside} says nothing");
            }
            let f = Loss::Squared.value(&case.instance.problem, &run.x_end());
            assert!(wider(boxes.loss(&case)).contains(f));
        }
        Ok(())
    }

    /// The integrator's own error.
    fn wider(
        inside: mirrorflow::numerics::exact::interval::Interval,
    ) -> mirrorflow::numerics::exact::interval::Interval {
        inside + mirrorflow::numerics::exact::interval::Interval::around(0.0, 1e-10)
    }

    #[test]
    fn the_doubled_scale_is_refuted_but_not_at_zero() -> mirrorflow::Result<()> {
        let case = |w0: f64| Case::by_hand(&[0.0], &[0.0], &[1.0], &[w0], Schedule::None);
        let proof = doubled_scale_at_start(&case(0.5)?).expect("β > 0");
        assert!(proof.refutes(crate::Relation::Equal));
        let none = doubled_scale_at_start(&case(0.0)?).expect("β > 0");
        assert!(!none.refutes(crate::Relation::Equal));
        Ok(())
    }
}
