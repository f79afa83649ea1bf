use proptest::prelude::*;

use super::*;

fn problem(z: &[f64]) -> Problem {
    let z = ndarray::Array2::from_shape_vec((2, 3), z.to_vec()).unwrap();
    Problem::new(z, ndarray::array![0.3, -0.8]).unwrap()
}

/// `x = ¼(u² − v²)`, m and w from u and v as they stand, for moderate numbers.
fn plain(start: &[f64], state: &[f64]) -> Vec<[f64; 3]> {
    (0..3)
        .map(|i| {
            let u = (start[i] + start[3 + i]) * state[i].exp();
            let v = (start[i] - start[3 + i]) * state[3 + i].exp();
            [0.25 * (u * u - v * v), 0.5 * (u + v), 0.5 * (u - v)]
        })
        .collect()
}

/// Starts of every sign and order of the two factors, and with one or both of m ± w zero.
fn starts() -> impl Strategy<Value = Vec<f64>> {
    let pair = prop_oneof![
        (-1.0f64..1.0, -1.0f64..1.0),
        (-1.0f64..1.0).prop_map(|m| (m, m)),
        (-1.0f64..1.0).prop_map(|m| (m, -m)),
        Just((0.0, 0.0)),
        (-1.0f64..1.0).prop_map(|m| (m, 0.0)),
    ];
    prop::collection::vec(pair, 3).prop_map(|pairs| {
        let (m, w): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        [m, w].concat()
    })
}

proptest! {
    /// x, m and w against their definitions, whatever the signs.
    #[test]
    fn the_point_is_a_quarter_of_the_difference_of_squares(
        start in starts(),
        state in prop::collection::vec(-2.0f64..2.0, 6),
    ) {
        let p = problem(&[1.0; 6]);
        let flow = Primal::new(&p, Loss::Squared, Schedule::None, &start[..3], &start[3..]).unwrap();
        let mut x = [0.0; 3];
        flow.x(0.0, &state, &mut x);
        let (m, w) = flow.factors(&state);
        for (i, [want, m_want, w_want]) in plain(&start, &state).into_iter().enumerate() {
            // u and v are at most 2e², each a few ulps off, and so are the exponents.
            prop_assert!((x[i] - want).abs() < 1e-13, "x {} {want}", x[i]);
            prop_assert!((m[i] - m_want).abs() < 1e-13, "m {} {m_want}", m[i]);
            prop_assert!((w[i] - w_want).abs() < 1e-13, "w {} {w_want}", w[i]);
        }
    }

    /// Jacobian, its products and ∂F/∂t against differences of the field.
    #[test]
    fn derivatives_are_those_of_the_field(
        z in prop::collection::vec(-2.0f64..2.0, 6),
        start in starts(),
        state in prop::collection::vec(-1.0f64..1.0, 6),
        v in prop::collection::vec(-1.0f64..1.0, 6),
        t in 0.1f64..3.0,
    ) {
        let p = problem(&z);
        for loss in [Loss::Squared, Loss::LogCosh] {
            let schedule = Schedule::Harmonic { c: 0.5 };
            let flow = Primal::new(&p, loss, schedule, &start[..3], &start[3..]).unwrap();
            let mut jacobian = [0.0; 36];
            flow.jacobian(t, &state, &mut jacobian).unwrap();
            let field = |t: f64, s: &[f64]| {
                let mut out = [0.0; 6];
                flow.field(t, s, &mut out);
                out
            };
            let h = 1e-5;
            for j in 0..6 {
                let (mut up, mut down) = (state.clone(), state.clone());
                up[j] += h;
                down[j] -= h;
                let (up, down) = (field(t, &up), field(t, &down));
                for i in 0..6 {
                    let slope = (up[i] - down[i]) / (2.0 * h);
                    // Third derivatives of 2e² · 4 · 8 at most, times h²/6.
                    prop_assert!((slope - jacobian[6 * i + j]).abs() < 1e-7 * (1.0 + slope.abs()));
                }
            }
            let mut product = [0.0; 6];
            prop_assert!(flow.jacobian_product(t, &state, &v, &mut product));
            for i in 0..6 {
                let sum: f64 = (0..6).map(|j| jacobian[6 * i + j] * v[j]).sum();
                prop_assert!((sum - product[i]).abs() < 1e-12 * (1.0 + sum.abs()));
            }
            let mut rate = [0.0; 6];
            flow.time_derivative(t, &state, &mut rate);
            let (up, down) = (field(t + h, &state), field(t - h, &state));
            for i in 0..6 {
                prop_assert!(((up[i] - down[i]) / (2.0 * h) - rate[i]).abs() < 1e-5);
            }
        }
    }
}

/// m₀ and w₀ of a start far from 0 with a tiny β are one number up to rounding; its logarithms are
/// not.
#[test]
fn a_start_keeps_the_beta_that_its_factors_have_lost() {
    let p = problem(&[1.0; 6]);
    let start = Start::pilot(&[0.5, -2.0, 0.0], 1e-40).unwrap();
    let (m, w) = (start.m0()[0], start.w0()[0]);
    assert!(((m - w) * (m + w) / 1e-40 - 1.0).abs() > 0.5, "rounding of m and w: {m} {w}");
    let flow = Primal::from_start(&p, Loss::Squared, Schedule::None, &start).unwrap();
    let (mut x, mut log_a) = ([0.0; 3], [0.0; 3]);
    flow.x(0.0, &[0.0; 6], &mut x);
    for (x, want) in x.iter().zip([0.5, -2.0, 0.0]) {
        // 92 = log(1/a) is rounded to 1e-14.
        assert!((x - want).abs() < 1e-13, "{x} {want}");
    }
    assert!(flow.log_a(0.0, &[0.0; 6], &mut log_a));
    assert!(log_a.iter().all(|l| (l - (0.5e-40f64).ln()).abs() < 1e-13));
    // P = −100 and Q = 100: the sign has flipped, to x = −½ v² e^{200}/2, v² = β²/4x.
    let state = [-100.0, -100.0, -100.0, 100.0, 100.0, 100.0];
    flow.x(0.0, &state, &mut x);
    let want = -0.25 * (1e-80 / (4.0 * 0.5)) * 200f64.exp();
    assert!((x[0] / want - 1.0).abs() < 1e-12, "{} {want}", x[0]);
}

/// `log a` is the one of the schedule, a number however far the decay has gone.
#[test]
fn log_a_is_a_number_unless_beta_is_zero() {
    let p = problem(&[1.0; 6]);
    let schedule = Schedule::Constant { c: 1e3 };
    let (m, w) = ([1e-20, 1.0, 5e-324], [0.0, 1.0, 0.0]);
    let flow = Primal::new(&p, Loss::Squared, schedule, &m, &w).unwrap();
    let mut log_a = [0.0; 3];
    assert!(flow.log_a(1e3, &[-2e6; 6], &mut log_a));
    assert!((log_a[0] - ((0.5e-40f64).ln() - 4e6)).abs() < 1e-9, "{}", log_a[0]);
    assert_eq!(log_a[1], f64::NEG_INFINITY);
    assert!((log_a[2] - (2.0 * 5e-324f64.ln() - LN_2 - 4e6)).abs() < 1e-9, "{}", log_a[2]);
}

#[test]
fn starts_are_checked_by_name_and_index() {
    let p = Problem::new(ndarray::array![[1.0, 2.0]], ndarray::array![1.0]).unwrap();
    let build = |m: &[f64], w: &[f64]| {
        Primal::new(&p, Loss::Squared, Schedule::None, m, w).map(|_| ()).unwrap_err().to_string()
    };
    assert!(build(&[1.0], &[0.0, 0.0]).starts_with("m0 has shape (1)"));
    assert!(build(&[1.0, 1.0], &[0.0, f64::NAN]).starts_with("w0[1] is NaN"));
}
