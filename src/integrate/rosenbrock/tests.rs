//! Coefficients first, then the fitted order, stiff decay and overflow.

use super::*;

type Matrix = Vec<Vec<f64>>;

fn times(a: &Matrix, v: &[f64]) -> Vec<f64> {
    a.iter().map(|row| dot(row, v)).collect()
}
fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(p, q)| p * q).sum()
}
fn product(u: &[f64], v: &[f64]) -> Vec<f64> {
    u.iter().zip(v).map(|(p, q)| p * q).collect()
}

/// Rows of `a` (strict lower, in the u variables) of all stages and of the step.
fn argument_rows() -> Matrix {
    let mut rows: Matrix = A.iter().map(|r| r.to_vec()).collect();
    for _ in 6..=STAGES {
        let mut next = rows[rows.len() - 1].clone();
        next.push(1.0);
        rows.push(next);
    }
    rows.iter_mut().for_each(|r| r.resize(STAGES, 0.0));
    rows
}

/// `Γ = (I/γ − C)⁻¹` by forward substitution.
fn gamma_matrix() -> Matrix {
    let mut gamma = vec![vec![0.0; STAGES]; STAGES];
    for j in 0..STAGES {
        for i in j..STAGES {
            let unit = if i == j { 1.0 } else { 0.0 };
            let sum: f64 = (j..i).map(|k| C[i][k] * gamma[k][j]).sum();
            gamma[i][j] = GAMMA * (unit + sum);
        }
    }
    gamma
}

/// A row in u variables as weights on the slopes k: `row · Γ`.
fn on_slopes(row: &[f64], gamma: &Matrix) -> Vec<f64> {
    (0..STAGES).map(|j| (0..STAGES).map(|i| row[i] * gamma[i][j]).sum()).collect()
}

/// `(order, γ(τ), Σ b_i Φ_i(τ))`: vertices with one child carry `β = α + Γ`, others α.
fn elementary(b: &[f64]) -> Vec<(u32, f64, f64)> {
    let gamma = gamma_matrix();
    let alpha: Matrix = argument_rows()[..STAGES].iter().map(|r| on_slopes(r, &gamma)).collect();
    let beta: Matrix =
        (0..STAGES).map(|i| (0..STAGES).map(|j| alpha[i][j] + gamma[i][j]).collect()).collect();
    let one = vec![1.0; STAGES];
    let (a, s) = (times(&alpha, &one), times(&beta, &one));
    let a2 = product(&a, &a);
    let a3 = product(&a2, &a);
    let (alpha_s, alpha_a2) = (times(&alpha, &s), times(&alpha, &a2));
    let (beta_s, beta_a2) = (times(&beta, &s), times(&beta, &a2));
    vec![
        (1, 1.0, dot(b, &one)),
        (2, 2.0, dot(b, &s)),
        (3, 3.0, dot(b, &a2)),
        (3, 6.0, dot(b, &beta_s)),
        (4, 4.0, dot(b, &a3)),
        (4, 8.0, dot(b, &product(&a, &alpha_s))),
        (4, 12.0, dot(b, &beta_a2)),
        (4, 24.0, dot(b, &times(&beta, &beta_s))),
        (5, 5.0, dot(b, &product(&a2, &a2))),
        (5, 10.0, dot(b, &product(&a2, &alpha_s))),
        (5, 15.0, dot(b, &product(&a, &alpha_a2))),
        (5, 30.0, dot(b, &product(&a, &times(&alpha, &beta_s)))),
        (5, 20.0, dot(b, &product(&alpha_s, &alpha_s))),
        (5, 20.0, dot(b, &times(&beta, &a3))),
        (5, 40.0, dot(b, &times(&beta, &product(&a, &alpha_s)))),
        (5, 60.0, dot(b, &times(&beta, &beta_a2))),
        (5, 120.0, dot(b, &times(&beta, &times(&beta, &beta_s)))),
    ]
}

// Sums of 8 products of numbers up to 170 (entries of C) rounded to 1e-16 each, on a result of
// order one: 8 · 170 · 1e-16 ≈ 1.4e-13.
const ROUNDING: f64 = 1.5e-13;

#[test]
fn the_seventeen_conditions_of_order_five_hold() {
    let step = on_slopes(&argument_rows()[STAGES], &gamma_matrix());
    for (order, density, phi) in elementary(&step) {
        let defect = phi - 1.0 / density;
        assert!(defect.abs() < ROUNDING, "order {order}, γ={density}: {defect:e}");
    }
}

#[test]
fn the_embedded_method_has_order_four_and_not_five() {
    let mut row = argument_rows()[STAGES].clone();
    row[STAGES - 1] = 0.0;
    let mut worst: f64 = 0.0;
    for (order, density, phi) in elementary(&on_slopes(&row, &gamma_matrix())) {
        let defect = (phi - 1.0 / density).abs();
        if order <= 4 {
            assert!(defect < ROUNDING, "order {order}, γ={density}: {defect:e}");
        } else {
            worst = worst.max(defect);
        }
    }
    assert!(worst > 1e-4);
}

#[test]
fn the_dense_output_has_order_four_everywhere_in_the_step() {
    let end = &argument_rows()[STAGES];
    for theta in [0.1, 0.37, 0.5, 0.81, 1.0] {
        let row: Vec<f64> = (0..STAGES)
            .map(|j| {
                let q = DENSE[0][j] + theta * (DENSE[1][j] + theta * DENSE[2][j]);
                theta * (end[j] + (1.0 - theta) * q)
            })
            .collect();
        for (order, density, phi) in elementary(&on_slopes(&row, &gamma_matrix())) {
            if order <= 4 {
                let defect = phi - f64::powi(theta, order as i32) / density;
                assert!(defect.abs() < ROUNDING, "θ={theta} γ={density}: {defect:e}");
            }
        }
    }
}

#[test]
fn nodes_and_time_weights_are_row_sums() {
    // What makes the method as accurate for F(t, s) as for autonomous fields.
    let gamma = gamma_matrix();
    let rows = argument_rows();
    for i in 0..STAGES {
        let node: f64 = on_slopes(&rows[i], &gamma).iter().sum();
        let time: f64 = gamma[i].iter().sum();
        assert!((node - NODES[i]).abs() < ROUNDING, "α_{i}: {node}");
        assert!((time - TIME[i]).abs() < ROUNDING, "γ_{i}: {time}");
    }
}

/// `u' = −λ(u − g(t)) + g'(t)` plus a nonlinear partner, exact `u = g = cos t`,
/// `v = 1/(1 + t)` from `v' = −v² + (u − g)`; general Jacobian with exact time derivative.
struct Stiff {
    lambda: f64,
    with_jacobian: bool,
}
impl Flow for Stiff {
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
        out[0] = -self.lambda * (s[0] - t.cos()) * s[1] - t.sin();
        out[1] = -s[1] * s[1] + (s[0] - t.cos()) * s[0];
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out.copy_from_slice(state);
    }
    fn loss(&self, _x: &[f64]) -> f64 {
        1.0
    }
    fn jacobian(&self, t: f64, s: &[f64], out: &mut [f64]) -> Option<Structure> {
        let gap = s[0] - t.cos();
        out.copy_from_slice(&[-self.lambda * s[1], -self.lambda * gap, gap + s[0], -2.0 * s[1]]);
        self.with_jacobian.then_some(Structure::General)
    }
    fn time_derivative(&self, t: f64, s: &[f64], out: &mut [f64]) {
        out[0] = -self.lambda * t.sin() * s[1] - t.cos();
        out[1] = t.sin() * s[0];
    }
}

/// Largest error at t = 1 and inside steps with equal steps.
fn fixed_steps(flow: &Stiff, steps: u32) -> (f64, f64) {
    let mut method = Rosenbrock::new(2);
    let h = 1.0 / f64::from(steps);
    let (mut y, mut f) = (vec![0.0; 2], vec![0.0; 2]);
    flow.initial(&mut y);
    flow.field(0.0, &y, &mut f);
    let (mut yn, mut fneu, mut e) = (vec![0.0; 2], vec![0.0; 2], vec![0.0; 2]);
    let mut work = Work::default();
    let exact = |t: f64| [t.cos(), 1.0 / (1.0 + t)];
    let mut dense: f64 = 0.0;
    for k in 0..steps {
        let t = f64::from(k) * h;
        method.prepare(flow, t, &y, &f, &mut work);
        let step = Step { flow, t, y: &y, f: &f, h };
        let trial = Trial { y: &mut yn, f: &mut fneu, err: &mut e };
        let done = method.attempt(step, trial, &mut work);
        assert_eq!(done, Attempt::Done);
        let mut mid = [0.0; 2];
        method.interpolate(0.4, &mut mid);
        let want = exact(t + 0.4 * h);
        dense = dense.max((mid[0] - want[0]).abs()).max((mid[1] - want[1]).abs());
        std::mem::swap(&mut y, &mut yn);
        std::mem::swap(&mut f, &mut fneu);
    }
    let want = exact(1.0);
    ((y[0] - want[0]).abs().max((y[1] - want[1]).abs()), dense)
}

#[test]
fn the_fitted_order_is_five() {
    let flow = Stiff { lambda: 2.0, with_jacobian: true };
    let points: Vec<(f64, f64)> = [6u32, 8, 12, 16, 24]
        .iter()
        .map(|&n| (f64::from(n).ln(), fixed_steps(&flow, n).0.ln()))
        .collect();
    let n = points.len() as f64;
    let mx = points.iter().map(|p| p.0).sum::<f64>() / n;
    let my = points.iter().map(|p| p.1).sum::<f64>() / n;
    let top: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    let slope = -top / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
    assert!((slope - 5.0).abs() < 0.15, "{slope} {points:?}");
}

#[test]
fn stiffness_costs_no_steps_and_differences_replace_a_jacobian() {
    for with_jacobian in [true, false] {
        let flow = Stiff { lambda: 1e8, with_jacobian };
        let (end, dense) = fixed_steps(&flow, 20);
        // λ → ∞ leaves a differential-algebraic problem of index one, on which step and dense
        // output keep their orders: h⁵ and h⁴ for h = 1/20.
        assert!(end < 3.2e-7 && dense < 6.3e-6, "{end:e} {dense:e}");
    }
}

/// `s' = 1 − e^{s}` with a symmetric negative Jacobian: a long climb from s = −700 (plateau), then
/// an equilibrium at 0 reached on scale 1.
struct Plateau(f64);
impl Flow for Plateau {
    fn dim(&self) -> usize {
        1
    }
    fn features(&self) -> usize {
        1
    }
    fn initial(&self, state: &mut [f64]) {
        state[0] = self.0;
    }
    fn field(&self, _t: f64, s: &[f64], out: &mut [f64]) {
        out[0] = 1.0 - s[0].exp();
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0].exp();
    }
    fn loss(&self, x: &[f64]) -> f64 {
        (x[0] - 1.0).powi(2)
    }
    fn jacobian(&self, _t: f64, s: &[f64], out: &mut [f64]) -> Option<Structure> {
        out[0] = -s[0].exp();
        Some(Structure::SymmetricNegative)
    }
    fn time_derivative(&self, _t: f64, _s: &[f64], out: &mut [f64]) {
        out[0] = 0.0;
    }
}

#[test]
fn an_overflowing_trial_is_reported_and_a_plateau_of_a_million_is_crossed() {
    let flow = Plateau(-1e6);
    let mut method = Rosenbrock::new(1);
    let mut work = Work::default();
    let (mut y, mut f) = ([0.0], [0.0]);
    flow.initial(&mut y);
    flow.field(0.0, &y, &mut f);
    let (mut yn, mut fneu, mut e) = ([0.0], [0.0], [0.0]);
    let (mut t, mut h) = (0.0, 1.0);
    let (mut overflows, mut steps) = (0, 0);
    while t < 1e6 + 50.0 {
        steps += 1;
        assert!(steps < 400, "t = {t}, h = {h}");
        method.prepare(&flow, t, &y, &f, &mut work);
        let step = Step { flow: &flow, t, y: &y, f: &f, h };
        let trial = Trial { y: &mut yn, f: &mut fneu, err: &mut e };
        match method.attempt(step, trial, &mut work) {
            Attempt::NotFinite => {
                overflows += 1;
                h *= 0.25;
            }
            Attempt::Done => {
                let error = e[0].abs() / 1e-6;
                if error <= 1.0 {
                    t += h;
                    (y, f) = (yn, fneu);
                }
                h *= (0.9 * error.max(1e-10).powf(-0.2)).clamp(0.2, 6.0);
            }
        }
    }
    assert!(overflows > 0);
    assert!(y[0].abs() < 1e-9, "{}", y[0]);
}
