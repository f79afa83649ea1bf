//! Coefficients first, then the fitted order, then the work.

use super::*;

/// Butcher tableau `(A, b)` of a scheme with one more row, `b` itself, for `F(t+h, y_new)`.
fn tableau(scheme: &Scheme) -> Vec<Vec<f64>> {
    let (m, s) = (scheme.recurrence.len(), scheme.stages());
    let mut rows = vec![vec![0.0; s + 1]];
    for (j, &[mu, kappa]) in scheme.recurrence.iter().enumerate() {
        let mut row: Vec<f64> = rows[j].iter().map(|a| (1.0 + kappa) * a).collect();
        row[j] += mu;
        if j > 0 {
            for i in 0..=s {
                row[i] -= kappa * rows[j - 1][i];
            }
        }
        rows.push(row);
    }
    let [a21, a31, a32, a41, a42, a43] = scheme.a;
    for extra in [&[a21][..], &[a31, a32], &[a41, a42, a43], &scheme.b] {
        let mut row = rows[m].clone();
        for (q, a) in extra.iter().enumerate() {
            row[m + q] += a;
        }
        rows.push(row);
    }
    rows
}

fn times(a: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    a.iter().map(|row| dot(row, v)).collect()
}
fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(p, q)| p * q).sum()
}
fn product(u: &[f64], v: &[f64]) -> Vec<f64> {
    u.iter().zip(v).map(|(p, q)| p * q).collect()
}

/// `(order, γ(τ), Σ weights·Φ(τ))` for the eight trees of order ≤ 4.
fn elementary(a: &[Vec<f64>], weights: &[f64]) -> [(u32, f64, f64); 8] {
    let one = vec![1.0; a.len()];
    let c = times(a, &one);
    let (c2, ac) = (product(&c, &c), times(a, &c));
    let c3 = product(&c2, &c);
    [
        (1, 1.0, dot(weights, &one)),
        (2, 2.0, dot(weights, &c)),
        (3, 3.0, dot(weights, &c2)),
        (3, 6.0, dot(weights, &ac)),
        (4, 4.0, dot(weights, &c3)),
        (4, 8.0, dot(weights, &product(&c, &ac))),
        (4, 12.0, dot(weights, &times(a, &c2))),
        (4, 24.0, dot(weights, &times(a, &ac))),
    ]
}

// Sums of at most 60 products of numbers ≤ 2, each rounded to 1e-16: 1e-14 leaves a margin.
const ROUNDING: f64 = 1e-14;

#[test]
fn all_eight_order_conditions_hold() {
    for scheme in &SCHEMES {
        let a = tableau(scheme);
        let b = &a[a.len() - 1];
        for (order, gamma, phi) in elementary(&a, b) {
            let defect = phi - 1.0 / gamma;
            assert!(defect.abs() < ROUNDING, "s={} order {order} γ={gamma}: {defect:e}", a.len());
        }
    }
}

#[test]
fn the_estimate_has_order_three_and_not_four() {
    for scheme in &SCHEMES {
        let a = tableau(scheme);
        let mut e = vec![0.0; a.len()];
        let m = scheme.recurrence.len();
        e[m..].copy_from_slice(&scheme.error);
        let mut leading: f64 = 0.0;
        for (order, _, phi) in elementary(&a, &e) {
            if order <= 3 {
                assert!(phi.abs() < ROUNDING, "{phi:e}");
            } else {
                leading = leading.max(phi.abs());
            }
        }
        assert!(leading > 1e-4, "s={}: {leading:e}", a.len() - 1);
    }
}

/// `(R(z), E(z))`: growth of the step and of its estimate on `y' = λy`, `z = hλ`.
fn growth(scheme: &Scheme, z: f64) -> (f64, f64) {
    let (mut older, mut p) = (0.0, 1.0);
    for &[mu, kappa] in scheme.recurrence {
        (older, p) = (p, (z * mu + 1.0 + kappa) * p - kappa * older);
    }
    let [a21, a31, a32, a41, a42, a43] = scheme.a;
    let [b1, b2, b3, b4] = scheme.b;
    let k1 = z * p;
    let k2 = z * (p + a21 * k1);
    let k3 = z * (p + a31 * k1 + a32 * k2);
    let k4 = z * (p + a41 * k1 + a42 * k2 + a43 * k3);
    let r = p + b1 * k1 + b2 * k2 + b3 * k3 + b4 * k4;
    let [e1, e2, e3, e4, e5] = scheme.error;
    (r, e1 * k1 + e2 * k2 + e3 * k3 + e4 * k4 + e5 * z * r)
}

#[test]
fn the_interval_of_stability_is_damped_and_as_long_as_claimed() {
    for scheme in &SCHEMES {
        let s = scheme.stages() as f64;
        assert!(scheme.reach > 0.239 * s * s, "s={s}: {}", scheme.reach);
        for k in 1..=20_000 {
            let z = -scheme.reach * f64::from(k) / 20_000.0;
            let (r, _) = growth(scheme, z);
            // Damped where e^z itself is below the amplitude.
            let bound = if z < -0.2 { 0.9501 } else { 1.0 };
            assert!(r.abs() <= bound, "s={s} z={z}: R = {r}");
        }
        // And not longer: just beyond, the polynomial takes off.
        assert!(growth(scheme, -1.05 * scheme.reach).0.abs() > 1.0, "s={s}");
    }
    assert!(SCHEMES.windows(2).all(|w| w[0].reach < w[1].reach));
}

#[test]
fn no_stage_leaves_the_step() {
    for scheme in &SCHEMES {
        let a = tableau(scheme);
        for c in times(&a, &vec![1.0; a.len()]) {
            assert!((-1e-15..=1.0 + 1e-14).contains(&c), "s={} c={c}", scheme.stages());
        }
    }
}

/// Non-autonomous, nonlinear, coupled: `u' = −k cos t · u v eᵗ`, `v' = −v − k cos t · u v` with
/// the exact solution `u = 1/(1 + k sin t)`, `v = e^{−t} u`.
struct Coupled(f64);
impl Flow for Coupled {
    fn dim(&self) -> usize {
        2
    }
    fn features(&self) -> usize {
        2
    }
    fn initial(&self, state: &mut [f64]) {
        state.copy_from_slice(&[1.0, 1.0]);
    }
    fn field(&self, t: f64, s: &[f64], out: &mut [f64]) {
        let (u, v, k) = (s[0], s[1], self.0);
        out[0] = -k * t.cos() * u * v * t.exp();
        out[1] = -v - k * t.cos() * u * v;
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out.copy_from_slice(state);
    }
    fn loss(&self, _x: &[f64]) -> f64 {
        1.0
    }
}
fn exact(k: f64, t: f64) -> [f64; 2] {
    let u = 1.0 / (1.0 + k * t.sin());
    [u, (-t).exp() * u]
}

/// Error at t = 1 after `steps` equal steps with a scheme long enough for `z`, and the largest
/// error of the dense output.
fn fixed_steps(steps: u32, z: f64) -> (f64, f64) {
    let flow = Coupled(0.8);
    let mut method = Stabilized::new(2);
    let h = 1.0 / f64::from(steps);
    let (mut y, mut f) = (vec![0.0; 2], vec![0.0; 2]);
    flow.initial(&mut y);
    flow.field(0.0, &y, &mut f);
    let (mut yn, mut fneu, mut e) = (vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]);
    let mut work = Work::default();
    let mut dense: f64 = 0.0;
    for k in 0..steps {
        let t = f64::from(k) * h;
        method.radius.set(z / h);
        let step = Step { flow: &flow, t, y: &y, f: &f, h };
        let trial = Trial { y: &mut yn, f: &mut fneu, err: &mut e };
        let done = method.attempt(step, trial, &mut work);
        assert_eq!(done, Attempt::Done);
        let mut mid = [0.0; 2];
        method.interpolate(0.4, &mut mid);
        let want = exact(0.8, t + 0.4 * h);
        if k > 0 {
            dense = dense.max((mid[0] - want[0]).abs()).max((mid[1] - want[1]).abs());
        }
        std::mem::swap(&mut y, &mut yn);
        std::mem::swap(&mut f, &mut fneu);
    }
    let want = exact(0.8, 1.0);
    ((y[0] - want[0]).abs().max((y[1] - want[1]).abs()), dense)
}

#[test]
fn the_order_is_four_for_every_number_of_stages() {
    for scheme in &SCHEMES {
        let z = scheme.reach * 0.99;
        let steps = [16, 24, 32, 48, 64];
        let points: Vec<(f64, f64)> =
            steps.iter().map(|&n| (f64::from(n).ln(), fixed_steps(n, z).0.ln())).collect();
        let slope = -fit(&points);
        assert!((slope - 4.0).abs() < 0.15, "s={}: order {slope}", scheme.stages());
    }
}

#[test]
fn the_dense_output_is_no_worse_than_the_step() {
    for z in [5.0, 30.0, 200.0] {
        let (end, dense) = fixed_steps(32, z);
        assert!(dense < 3.0 * end, "z={z}: {dense:e} against {end:e}");
    }
}

/// Slope of the least-squares line.
fn fit(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) =
        (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let top: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    top / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>()
}

#[test]
fn an_overflow_is_reported() {
    struct Blowing;
    impl Flow for Blowing {
        fn dim(&self) -> usize {
            1
        }
        fn features(&self) -> usize {
            1
        }
        fn initial(&self, state: &mut [f64]) {
            state[0] = 0.0;
        }
        fn field(&self, _t: f64, s: &[f64], out: &mut [f64]) {
            out[0] = (1000.0 * s[0]).exp();
        }
        fn x(&self, _t: f64, s: &[f64], out: &mut [f64]) {
            out[0] = s[0];
        }
        fn loss(&self, _x: &[f64]) -> f64 {
            1.0
        }
    }
    let mut method = Stabilized::new(1);
    let (mut a, mut b, mut c) = ([0.0], [0.0], [0.0]);
    let mut work = Work::default();
    let step = Step { flow: &Blowing, t: 0.0, y: &[0.0], f: &[1.0], h: 10.0 };
    let trial = Trial { y: &mut a, f: &mut b, err: &mut c };
    let done = method.attempt(step, trial, &mut work);
    assert_eq!(done, Attempt::NotFinite);
}
