use proptest::prelude::*;

use super::*;
use crate::flow::Primal;

fn problem(seed: &[f64], d: usize, n: usize) -> Problem {
    let z = ndarray::Array2::from_shape_fn((d, n), |(i, j)| seed[(i * n + j) % seed.len()]);
    let y = ndarray::Array1::from_shape_fn(d, |i| seed[(7 * i + 3) % seed.len()]);
    Problem::new(z, y).unwrap()
}

proptest! {
    /// The two fields describe one flow: `x' = −2√(x²+a²)⊙∇f − 4αx` from either, at any ν.
    #[test]
    fn both_fields_move_x_alike(
        seed in prop::collection::vec(-2.0f64..2.0, 31),
        nu in prop::collection::vec(-0.5f64..0.5, 3),
        theta in prop::collection::vec(-1.0f64..1.0, 5),
        t in 0.0f64..3.0,
    ) {
        let p = problem(&seed, 3, 5);
        let schedule = Schedule::Quadratic { c: 0.5 };
        let potential = HyperbolicEntropy::new(vec![-0.3, 0.2, -2.0, 0.0, -1.0], theta).unwrap();
        for loss in [Loss::Squared, Loss::LogCosh] {
            let dual = Dual::new(&p, loss, schedule.clone(), &potential).unwrap();
            let mut x = [0.0; 5];
            dual.x(t, &nu, &mut x);
            // (m, w) from x and a: m ± w = √(2a) e^{±z/2}.
            let mut log_a = [0.0; 5];
            dual.log_a(t, &nu, &mut log_a);
            let mut state = [0.0; 10];
            for i in 0..5 {
                let z = (x[i] / log_a[i].exp()).asinh();
                let (s, q) = ((0.5 * (log_a[i] + 2f64.ln() + z)).exp(), (0.5 * (log_a[i] + 2f64.ln() - z)).exp());
                (state[i], state[5 + i]) = (0.5 * (s + q), 0.5 * (s - q));
            }
            let primal = Primal::new(&p, loss, schedule.clone(), &state[..5], &state[5..]).unwrap();
            let mut slope = [0.0; 10];
            primal.field(t, &[0.0; 10], &mut slope);
            // x' of the dual by central differences along its own field.
            let mut nu_slope = [0.0; 3];
            dual.field(t, &nu, &mut nu_slope);
            let h = 1e-5;
            let at = |s: f64| {
                let moved: Vec<f64> = nu.iter().zip(&nu_slope).map(|(v, f)| v + s * f).collect();
                let mut x = [0.0; 5];
                dual.x(t + s, &moved, &mut x);
                x
            };
            let (ahead, behind) = (at(h), at(-h));
            for i in 0..5 {
                let dual_slope = (ahead[i] - behind[i]) / (2.0 * h);
                let (u, v) = (state[i] + state[5 + i], state[i] - state[5 + i]);
                let primal_slope = 0.5 * (u * u * slope[i] - v * v * slope[5 + i]);
                // Central differences: h²x'''/6 + ε|x|/h, with rates up to 1e2.
                let size = 1.0 + dual_slope.abs();
                prop_assert!((dual_slope - primal_slope).abs() < 1e-5 * size * size);
            }
        }
    }

    /// Jacobian and ∂F/∂t against differences.
    #[test]
    fn derivatives_are_those_of_the_field(
        seed in prop::collection::vec(-2.0f64..2.0, 31),
        nu in prop::collection::vec(-0.5f64..0.5, 3),
        t in 0.1f64..3.0,
    ) {
        let p = problem(&seed, 3, 5);
        let potential = HyperbolicEntropy::uniform(5, -0.5).unwrap();
        for loss in [Loss::Squared, Loss::Cauchy { scale: 1.0 }] {
            let dual = Dual::new(&p, loss, Schedule::Harmonic { c: 0.5 }, &potential).unwrap();
            let mut jacobian = [0.0; 9];
            let structure = dual.jacobian(t, &nu, &mut jacobian).unwrap();
            prop_assert_eq!(structure == Structure::SymmetricNegative, loss == Loss::Squared);
            let h = 1e-5;
            let field = |t: f64, nu: &[f64]| {
                let mut out = [0.0; 3];
                dual.field(t, nu, &mut out);
                out
            };
            for j in 0..3 {
                let (mut up, mut down) = (nu.clone(), nu.clone());
                up[j] += h;
                down[j] -= h;
                let (up, down) = (field(t, &up), field(t, &down));
                for i in 0..3 {
                    let slope = (up[i] - down[i]) / (2.0 * h);
                    let found = jacobian[3 * i + j];
                    prop_assert!((slope - found).abs() < 1e-5 * (1.0 + slope * slope), "{slope} {found}");
                }
            }
            let mut rate = [0.0; 3];
            dual.time_derivative(t, &nu, &mut rate);
            let (up, down) = (field(t + h, &nu), field(t - h, &nu));
            for i in 0..3 {
                let slope = (up[i] - down[i]) / (2.0 * h);
                prop_assert!((slope - rate[i]).abs() < 1e-5 * (1.0 + slope * slope));
            }
        }
    }
}

#[test]
fn a_potential_of_the_wrong_dimension_is_refused() {
    let p = problem(&[1.0, 2.0], 1, 2);
    let potential = HyperbolicEntropy::uniform(3, 0.0).unwrap();
    let error = Dual::new(&p, Loss::Squared, Schedule::None, &potential).unwrap_err();
    assert!(error.to_string().contains("(3)"), "{error}");
    assert!(
        Dual::new(&p, Loss::Logistic, Schedule::None, &HyperbolicEntropy::uniform(2, 0.0).unwrap())
            .is_err()
    );
}

proptest! {
    /// The pass without logarithms and the one in the log domain are one field, where either
    /// serves.
    #[test]
    fn both_ways_to_evaluate_the_field_agree(
        seed in prop::collection::vec(-2.0f64..2.0, 31),
        shape in (1usize..12, 1usize..40),
        nu in prop::collection::vec(-3.0f64..3.0, 12),
        theta in -1.0f64..1.0,
        log_a in -40.0f64..3.0,
        t in 0.0f64..3.0,
    ) {
        let (d, n) = shape;
        let p = problem(&seed, d, n);
        let potential = HyperbolicEntropy::new(vec![log_a; n], vec![theta; n]).unwrap();
        let schedule = Schedule::Constant { c: 0.5 };
        let fast = Dual::new(&p, Loss::Squared, schedule, &potential).unwrap();
        let slow = Dual { a: None, ..fast.clone() };
        let (mut with, mut without) = (vec![0.0; d], vec![0.0; d]);
        fast.field(t, &nu[..d], &mut with);
        slow.field(t, &nu[..d], &mut without);
        // Each term z_ji x_i of Zx is off by the rounding of its exponent, |θ − 2Zᵀν| + |log a|
        // ulps.
        let mut x = vec![0.0; n];
        fast.x(t, &nu[..d], &mut x);
        let exponent = 2.0 + log_a.abs() + 4.0 * 1.5 + 2.0 * 12.0 * 2.0 * 3.0;
        let size: f64 = x.iter().map(|x| 2.0 * x.abs()).sum::<f64>() + 2.0;
        for (a, b) in with.iter().zip(&without) {
            prop_assert!((a - b).abs() <= 4.0 * exponent * f64::EPSILON * size, "{a:e} {b:e}");
        }
    }
}
