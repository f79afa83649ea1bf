use crate::flow::{Flow, MaskL1, Outcome, PlainL1, Primal};
use crate::integrate::{Method, Options, integrate};
use crate::problem::{Loss, Problem};
use crate::schedule::Schedule;

/// `s' = rate(t, s)` in one dimension from s = 1, with loss ½s².
struct Scalar(fn(f64, f64) -> f64);
impl Flow for Scalar {
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
        out[0] = (self.0)(t, state[0]);
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        out[0] = state[0];
    }
    fn loss(&self, x: &[f64]) -> f64 {
        0.5 * x[0] * x[0]
    }
}

const OURS: [Method; 5] =
    [Method::Dopri5, Method::Tsit5, Method::Dop853, Method::Stabilized, Method::Rosenbrock];

fn problem(z: &[f64], d: usize, y: &[f64]) -> Problem {
    let z = ndarray::Array2::from_shape_vec((d, z.len() / d), z.to_vec()).unwrap();
    Problem::new(z, ndarray::Array1::from_vec(y.to_vec())).unwrap()
}

/// Each step adds a relative error of at most rtol = 1e-9, and the decay keeps relative errors: the
/// time of a given s, `−log s`, is off by at most rtol times the steps.
#[test]
fn a_loss_is_reached_where_it_is() {
    for method in OURS {
        let options = Options::until(50.0)
            .with_tolerances(1e-9, 1e-12)
            .with_method(method)
            .stop_at_loss(1e-4);
        let run = integrate(&Scalar(|_, s| -s), &options).unwrap();
        let want = -0.5 * 2e-4f64.ln();
        let bound = 1e-9 * run.work.steps as f64;
        assert!((run.t_end() - want).abs() < bound, "{method}: {} {want}", run.t_end());
        assert!(matches!(run.outcome, Outcome::ReachedLoss { .. }), "{method}");
        assert!(run.outcome.is_complete());
    }
    let options = Options::until(50.0).with_method(Method::Bdf).stop_at_loss(1e-4);
    let run = integrate(&Scalar(|_, s| -s), &options).unwrap();
    assert!((run.t_end() + 0.5 * 2e-4f64.ln()).abs() < 1e-5, "{}", run.t_end());
}

#[test]
fn requested_times_are_hit_with_the_accuracy_of_the_method() {
    let times = [0.0, 0.1, 0.1 + 1e-14, 1.0, 2.5];
    for method in [OURS.as_slice(), &[Method::Bdf, Method::TrBdf2]].concat() {
        let options = Options::until(3.0).with_times(&times).with_method(method);
        let run = integrate(&Scalar(|t, s| s * t.cos()), &options).unwrap();
        assert_eq!(run.t, [0.0, 0.1, 0.1 + 1e-14, 1.0, 2.5, 3.0], "{method}");
        let bound = if method == Method::TrBdf2 { 1e-5 } else { 5e-7 };
        for (t, x) in run.t.iter().zip(run.x.column(0)) {
            assert!((x - t.sin().exp()).abs() < bound, "{method} at {t}: {x}");
        }
    }
}

/// `m = m₀ e^{−2A}` for y = 0, w = 0: a stage that saw α on the wrong side of the jump would be off
/// by h·Δα ~ 1e-2.
#[test]
fn a_jump_of_the_schedule_is_not_stepped_over() {
    let problem = problem(&[1.0], 1, &[0.0]);
    let schedule = Schedule::Switch { c: 3.0, at: 0.7 };
    let flow = Primal::new(&problem, Loss::Squared, schedule, &[1.0], &[0.0]).unwrap();
    for method in [OURS.as_slice(), &[Method::Bdf]].concat() {
        let options = Options::until(2.0).with_tolerances(1e-9, 1e-12).with_method(method);
        let run = integrate(&flow, &options).unwrap();
        let (m, want) = (flow.factors(&run.state_end()).0[0], (-4.2f64).exp());
        // x = 0 throughout, so that P and Q are integrals of a constant.
        assert!((m / want - 1.0).abs() < 1e-9, "{method}: {m} {want}");
    }
}

#[test]
fn a_run_that_cannot_go_on_says_so() {
    for method in OURS {
        let blow_up = Options::until(2.0).with_method(method);
        let run = integrate(&Scalar(|_, s| s * s), &blow_up).unwrap();
        // The solution 1/(1−t) ends at t = 1.
        assert!(!run.outcome.is_complete(), "{method}: {}", run.outcome);
        assert!((run.t_end() - 1.0).abs() < 1e-3, "{method}: {}", run.outcome);
        assert!(run.x.iter().all(|v| v.is_finite()));
    }
    let run = integrate(&Scalar(|_, _| f64::NAN), &Options::until(1.0)).unwrap();
    assert_eq!(run.outcome, Outcome::NotFinite { t: 0.0 });
    let few = Options { max_steps: 3, ..Options::until(1e6) };
    let run = integrate(&Scalar(|t, s| s * t.cos()), &few).unwrap();
    assert_eq!(run.outcome, Outcome::TooManySteps { t: run.t_end(), steps: 3 });
    let kkt = Options::until(1.0).stop_at_kkt(1e-3);
    assert!(integrate(&Scalar(|_, s| -s), &kkt).is_err());
}

/// Z = √2·I, d = 2: `f = ½‖x − y/√2‖²`; the flow of each coordinate is linear between kinks.
#[test]
fn the_l1_flow_sticks_at_zero_and_crosses_it() {
    let root = 2f64.sqrt();
    let problem = problem(&[root, 0.0, 0.0, root], 2, &[3.0 * root, 0.5 * root]);
    let schedule = Schedule::Constant { c: 1.0 };
    let flow = PlainL1::new(&problem, Loss::Squared, schedule, &[-1.0, 2.0]).unwrap();
    for method in OURS {
        let options = Options::until(3.0)
            .with_times(&[0.1, 2.0])
            .with_tolerances(1e-10, 1e-13)
            .with_method(method);
        let run = integrate(&flow, &options).unwrap();
        assert!(run.outcome.is_complete(), "{method}: {}", run.outcome);
        // x₁' = 4 − x₁ from −1 to 0 at t* = log(5/4); then 2 − x₁.
        let crossing = 1.25f64.ln();
        let early = 4.0 - 5.0 * (-0.1f64).exp();
        let late = 2.0 - 2.0 * (crossing - 2.0).exp();
        assert!((run.x[[0, 0]] - early).abs() < 1e-8, "{method}");
        assert!((run.x[[1, 0]] - late).abs() < 1e-8, "{method}");
        // x₂' = −½ − x₂ from 2 reaches 0 at log 5 = 1.6 and stays.
        assert!((run.x[[0, 1]] - (2.5 * (-0.1f64).exp() - 0.5)).abs() < 1e-8, "{method}");
        assert_eq!(run.x[[1, 1]], 0.0, "{method}");
    }
}

/// A mask at 0 stays while |∂f·w| ≤ α: with y = 0.1 the drive never exceeds α = 1.
#[test]
fn a_mask_that_reaches_zero_stays() {
    let problem = problem(&[1.0], 1, &[0.1]);
    let flow = MaskL1::new(&problem, Loss::Squared, Schedule::Constant { c: 1.0 }, &[1.0], &[0.5])
        .unwrap();
    for method in OURS {
        let run = integrate(&flow, &Options::until(20.0).with_method(method)).unwrap();
        assert!(run.outcome.is_complete(), "{method}: {}", run.outcome);
        assert_eq!(run.x_end(), [0.0], "{method}");
        assert!(run.work.steps < 1000, "{method}: {:?}", run.work);
    }
}

/// The dense output may put a small loss where the step itself does not: the run must end there all
/// the same, and at a loss that was really reached. (It used to creep towards such an event.)
#[test]
fn a_loss_below_the_accuracy_of_the_dense_output_is_reached() {
    let problem = problem(&[1.0, 2.0], 1, &[1.0]);
    let flow =
        Primal::new(&problem, Loss::Squared, Schedule::None, &[1.0, 1.0], &[0.0, 0.0]).unwrap();
    for method in [Method::Dopri5, Method::Dop853, Method::Stabilized] {
        let options = Options { max_steps: 2000, ..Options::until(1e6) }
            .with_tolerances(1e-10, 1e-14)
            .with_method(method)
            .stop_at_loss(5e-19);
        let run = integrate(&flow, &options).unwrap();
        assert!(matches!(run.outcome, Outcome::ReachedLoss { .. }), "{method}: {}", run.outcome);
        assert!(run.loss.last().is_some_and(|loss| *loss <= 5e-19), "{method}");
    }
}

/// Asked to stop from within: every method ends at the next step, with what it reached recorded.
#[test]
fn a_cancelled_run_keeps_what_it_reached() {
    use crate::Cancel;
    use std::sync::OnceLock;
    static CANCEL: OnceLock<Cancel> = OnceLock::new();
    let cancel = CANCEL.get_or_init(Cancel::new);
    fn field(t: f64, s: f64) -> f64 {
        if t > 0.3 {
            CANCEL.get_or_init(Cancel::new).request();
        }
        -s
    }
    for (k, method) in [OURS.as_slice(), &[Method::Bdf, Method::TrBdf2]].concat().iter().enumerate()
    {
        let mut options = Options::until(50.0).with_times(&[0.0, 0.1]).with_method(*method);
        options.cancel = Some(cancel.clone());
        let run = integrate(&Scalar(field), &options).unwrap();
        // Once requested it stays so: the other methods do not begin.
        let reached = if k == 0 { 0.1..3.0 } else { 0.0..1e-300 };
        assert!(reached.contains(&run.t_end()), "{method}: {}", run.t_end());
        assert_eq!(run.outcome, Outcome::Cancelled { t: run.t_end() }, "{method}");
        assert!(!run.outcome.is_complete());
        assert_eq!(run.t.len(), if k == 0 { 3 } else { 1 }, "{method}");
        assert!((run.x_end()[0] - (-run.t_end()).exp()).abs() < 1e-6, "{method}");
    }
}
