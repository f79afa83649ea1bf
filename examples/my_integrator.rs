//! An integrator of your own: Heun's method of order 2 with Euler's as its estimate of the error.
//!
//! `k₁ = F(t, y)`, `k₂ = F(t + h, y + hk₁)`, `y₊ = y + ½h(k₁ + k₂)`, error `½h(k₂ − k₁)`, which is
//! `O(h²)`. The time loop owns step sizes, records and events. Run with
//! `cargo run --release --example my_integrator`.

use mirrorflow::flow::{Flow, Primal};
use mirrorflow::integrate::{Attempt, Options, Step, Stepper, Trial, Work, integrate_with};
use mirrorflow::problem::{Generator, Loss};
use mirrorflow::schedule::Schedule;

/// The ends of the last step, for its dense output.
#[derive(Default)]
struct Heun {
    start: Vec<f64>,
    end: Vec<f64>,
}

impl Stepper for Heun {
    fn name(&self) -> &'static str {
        "heun"
    }
    fn error_order(&self) -> u32 {
        2
    }
    fn prepare(&mut self, _: &dyn Flow, _: f64, _: &[f64], _: &[f64], _: &mut Work) -> f64 {
        // The estimate alone bounds the step.
        f64::INFINITY
    }
    fn attempt(&mut self, step: Step<'_>, trial: Trial<'_>, work: &mut Work) -> Attempt {
        let Step { flow, t, y, f, h } = step;
        let euler: Vec<f64> = y.iter().zip(f).map(|(y, f)| y + h * f).collect();
        let mut k2 = vec![0.0; y.len()];
        flow.field(t + h, &euler, &mut k2);
        for i in 0..y.len() {
            trial.y[i] = y[i] + 0.5 * h * (f[i] + k2[i]);
            trial.err[i] = 0.5 * h * (k2[i] - f[i]);
        }
        flow.field(t + h, trial.y, trial.f);
        work.fields += 2;
        if !trial.y.iter().chain(trial.f.iter()).all(|v| v.is_finite()) {
            return Attempt::NotFinite;
        }
        (self.start, self.end) = (y.to_vec(), trial.y.to_vec());
        Attempt::Done
    }
    fn interpolate(&self, s: f64, out: &mut [f64]) {
        for i in 0..out.len() {
            out[i] = (1.0 - s) * self.start[i] + s * self.end[i];
        }
    }
}

/// The largest difference from a reference at the end of a flow, and the steps it took.
fn compare(rtol: f64) -> mirrorflow::Result<(f64, u64)> {
    let problem = Generator::gaussian(10, 20, 3, 1).problem()?;
    let (m0, w0) = ([1.0; 20], [0.0; 20]);
    let flow = Primal::new(&problem, Loss::Squared, Schedule::Constant { c: 0.1 }, &m0, &w0)?;
    let options = Options { rtol, atol: rtol, ..Options::until(1.0) };
    let ours = integrate_with(&flow, &mut Heun::default(), &options)?;
    let reference = mirrorflow::integrate::integrate(&flow, &Options::until(1.0))?;
    let (x, best) = (ours.x_end(), reference.x_end());
    let apart = x.iter().zip(best).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Ok((apart, ours.work.steps))
}

fn main() -> mirrorflow::Result<()> {
    for rtol in [1e-3, 1e-5, 1e-7] {
        let (apart, steps) = compare(rtol)?;
        println!("rtol {rtol:.0e}: {steps:6} steps, {apart:.1e} from the reference");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_smaller_tolerance_comes_nearer_by_more_steps() {
        let (coarse, few) = super::compare(1e-4).expect("a run");
        let (fine, many) = super::compare(1e-6).expect("a run");
        // The error of a method of order 2 falls with the tolerance; its steps grow like its root.
        assert!(fine < 0.1 * coarse && fine < 1e-4, "{coarse} {fine}");
        assert!(many > 5 * few && many < 20 * few, "{few} {many}");
    }
}
