use super::*;

/// Full A as rows of length s.
fn matrix(tableau: &Tableau) -> Vec<Vec<f64>> {
    let s = tableau.b.len();
    let mut a = vec![vec![0.0; s]; s];
    for (i, row) in tableau.a.iter().enumerate() {
        a[i + 1][..row.len()].copy_from_slice(row);
    }
    a
}

fn apply(a: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    a.iter().map(|row| row.iter().zip(v).map(|(a, v)| a * v).sum()).collect()
}

fn times(u: &[f64], v: &[f64]) -> Vec<f64> {
    u.iter().zip(v).map(|(u, v)| u * v).collect()
}

const ALL: [&Tableau; 3] = [&DOPRI5, &TSIT5, &DOP853];

#[test]
fn tableaus_satisfy_every_order_condition_up_to_five() {
    for tableau in ALL {
        let (a, b, c) = (matrix(tableau), tableau.b, tableau.c);
        let ones = vec![1.0; c.len()];
        for (sum, c) in apply(&a, &ones).iter().zip(c) {
            assert!((sum - c).abs() < 1e-13, "{}: A·1 = c", tableau.name);
        }
        let ac = apply(&a, c);
        let c2 = times(c, c);
        let (ac2, aac) = (apply(&a, &c2), apply(&a, &ac));
        // The 17 rooted trees of order at most 5: Φ(t) = 1/γ(t).
        let trees: [(Vec<f64>, f64); 17] = [
            (ones, 1.0),
            (c.to_vec(), 2.0),
            (c2.clone(), 3.0),
            (ac.clone(), 6.0),
            (times(&c2, c), 4.0),
            (times(c, &ac), 8.0),
            (ac2.clone(), 12.0),
            (aac.clone(), 24.0),
            (times(&c2, &c2), 5.0),
            (times(&c2, &ac), 10.0),
            (times(&ac, &ac), 20.0),
            (times(c, &ac2), 15.0),
            (times(c, &aac), 30.0),
            (apply(&a, &times(&c2, c)), 20.0),
            (apply(&a, &times(c, &ac)), 40.0),
            (apply(&a, &ac2), 60.0),
            (apply(&a, &aac), 120.0),
        ];
        for (k, (phi, gamma)) in trees.iter().enumerate() {
            let sum: f64 = b.iter().zip(phi).map(|(b, p)| b * p).sum();
            assert!((sum - 1.0 / gamma).abs() < 1e-13, "{}: tree {k}", tableau.name);
        }
        // Quadrature up to the order of the method.
        for k in 1..=tableau.order {
            let sum: f64 = b.iter().zip(c).map(|(b, c)| b * c.powi(k as i32 - 1)).sum();
            assert!((sum - 1.0 / f64::from(k)).abs() < 1e-13, "{}: Σ b c^{}", tableau.name, k - 1);
        }
        let weights = match tableau.error {
            Estimate::One(e) => vec![e],
            Estimate::Two(e5, e3) => vec![e5, e3],
        };
        for e in weights {
            assert!(e.iter().sum::<f64>().abs() < 1e-13, "{}: Σ e = 0", tableau.name);
        }
    }
}

/// `y' = y cos t`, `y = e^{sin t}`.
struct Swing;
impl Flow for Swing {
    fn dim(&self) -> usize {
        1
    }
    fn features(&self) -> usize {
        1
    }
    fn initial(&self, state: &mut [f64]) {
        state[0] = 1.0;
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0] * t.cos();
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0];
    }
    fn loss(&self, x: &[f64]) -> f64 {
        x[0]
    }
}

/// Largest error over [0, 2] with N equal steps, and the largest estimate.
fn run(tableau: &'static Tableau, steps: u32) -> (f64, f64) {
    let mut method = Explicit::new(tableau, 1);
    let mut work = Work::default();
    let h = 2.0 / f64::from(steps);
    let (mut y, mut f, mut y_new, mut f_new, mut err) = ([1.0], [1.0], [0.0], [0.0], [0.0]);
    let (mut first, mut global) = (0.0f64, 0.0f64);
    for k in 0..steps {
        let t = f64::from(k) * h;
        let step = Step { flow: &Swing, t, y: &y, f: &f, h };
        let trial = Trial { y: &mut y_new, f: &mut f_new, err: &mut err };
        let done = method.attempt(step, trial, &mut work);
        assert_eq!(done, Attempt::Done);
        first = first.max(err[0].abs());
        global = global.max((y_new[0] - (t + h).sin().exp()).abs());
        (y, f) = (y_new, f_new);
    }
    assert_eq!(work.fields, u64::from(steps) * tableau.b.len() as u64);
    (global, first)
}

#[test]
fn errors_and_estimates_have_the_order_they_claim() {
    for (tableau, coarse) in [(&DOPRI5, 40), (&TSIT5, 90), (&DOP853, 8)] {
        let slope = |pick: fn((f64, f64)) -> f64, n: u32| {
            (pick(run(tableau, n)) / pick(run(tableau, 2 * n))).log2()
        };
        let global = slope(|r| r.0, coarse);
        let order = f64::from(tableau.order);
        assert!((global - order).abs() < 0.15, "{}: global order {global}", tableau.name);
        let local = slope(|r| r.1, 2 * coarse);
        let claimed = f64::from(tableau.error_order);
        // DOP853's estimate goes from the order of e₅, 6, to 8 as e₃ comes to dominate e₅.
        let least = if tableau.order == 8 { 6.0 } else { claimed };
        let fits = (least - 0.15..claimed + 0.15).contains(&local);
        assert!(fits, "{}: estimate order {local}", tableau.name);
    }
}
