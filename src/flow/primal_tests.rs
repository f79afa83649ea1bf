use proptest::prelude::*;

use super::*;

proptest! {
    /// Jacobian and ∂F/∂t against differences of the field.
    #[test]
    fn derivatives_are_those_of_the_field(
        z in prop::collection::vec(-2.0f64..2.0, 6),
        state in prop::collection::vec(-1.0f64..1.0, 6),
        t in 0.1f64..3.0,
    ) {
        let z = ndarray::Array2::from_shape_vec((2, 3), z).unwrap();
        let p = Problem::new(z, ndarray::array![0.3, -0.8]).unwrap();
        let flow =
            Primal::new(&p, Loss::Squared, Schedule::Harmonic { c: 0.5 }, &state[..3], &state[3..])
                .unwrap();
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
                prop_assert!((slope - jacobian[6 * i + j]).abs() < 1e-7 * (1.0 + slope.abs()));
            }
        }
        let mut rate = [0.0; 6];
        flow.time_derivative(t, &state, &mut rate);
        let (up, down) = (field(t + h, &state), field(t - h, &state));
        for i in 0..6 {
            prop_assert!(((up[i] - down[i]) / (2.0 * h) - rate[i]).abs() < 1e-5);
        }
    }
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
