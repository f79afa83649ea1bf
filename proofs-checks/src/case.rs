//! A flow to check a claim on: problem, loss, start and schedule.

use mirrorflow::{
    parameterization::Start,
    problem::{Loss, Problem},
    schedule::Schedule,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    Domain, Instance, Origin,
    domain::{number, vector},
};

/// A problem with a start, a loss and a schedule: all that fixes a flow.
#[derive(Debug, Clone)]
pub struct Case {
    /// Where problem and start come from.
    pub instance: Instance,
    /// The loss ℓ.
    pub loss: Loss,
    /// The weight decay α(t).
    pub schedule: Schedule,
}

impl Case {
    /// The squared loss on `instance` under `schedule`.
    pub fn new(instance: Instance, schedule: Schedule) -> Self {
        Self { instance, loss: Loss::Squared, schedule }
    }

    /// A case from plain numbers, `z` by rows; for counterexamples that are known.
    ///
    /// # Errors
    /// When they make no problem or no start.
    pub fn by_hand(
        z: &[f64],
        y: &[f64],
        m0: &[f64],
        w0: &[f64],
        schedule: Schedule,
    ) -> mirrorflow::Result<Self> {
        let problem = Problem::from_rows(z.to_vec(), y.to_vec())?;
        let start = Start::new(m0.to_vec(), w0.to_vec())?;
        Ok(Self::new(Instance::found(problem, start), schedule))
    }

    /// A small random case: d from 1 to 3 and n from 1 to 5 growing with `size`, Gaussian entries, a
    /// random start with `|w₀| < m₀`, any schedule.
    ///
    /// # Errors
    /// Never for valid generators; the signature is that of a [`crate::Draw`].
    pub fn draw(rng: &mut ChaCha8Rng, size: f64) -> mirrorflow::Result<Self> {
        let samples = rng.random_range(1..=1 + (2.0 * size) as usize);
        let features = samples + rng.random_range(0..=1 + (1.0 * size).round() as usize);
        // Sums of uniforms are normal enough and stay bounded.
        let mut normal = || (0..3).map(|_| rng.random_range(-1.0..1.0)).sum::<f64>();
        let z = (0..samples * features).map(|_| normal()).collect();
        let y = (0..samples).map(|_| normal()).collect();
        let m0: Vec<f64> = (0..features).map(|_| rng.random_range(0.5..1.5)).collect();
        let w0 = m0.iter().map(|m| m * rng.random_range(-0.9..0.9)).collect();
        let schedule = match rng.random_range(0..5) {
            0 => Schedule::None,
            1 => Schedule::Constant { c: rng.random_range(0.01..0.5) },
            2 => {
                Schedule::Geometric { c: rng.random_range(0.1..2.0), r: rng.random_range(0.5..2.0) }
            }
            3 => Schedule::Switch { c: rng.random_range(0.1..1.0), at: rng.random_range(0.2..2.0) },
            _ => Schedule::Quadratic { c: rng.random_range(0.1..1.0) },
        };
        let problem = Problem::from_rows(z, y)?;
        Ok(Self::new(Instance::found(problem, Start::new(m0, w0)?), schedule))
    }

    /// What it is called in a report.
    pub fn name(&self) -> String {
        let loss = match self.loss {
            Loss::Squared => String::new(),
            other => format!(", {other} loss"),
        };
        format!("{}{loss}, schedule {}", self.instance.name, self.schedule)
    }

    /// The numbers of the schedule that may be varied.
    fn schedule_parameters(&self) -> Vec<f64> {
        match self.schedule {
            Schedule::Constant { c } | Schedule::Harmonic { c } | Schedule::Quadratic { c } => {
                vec![c]
            }
            Schedule::Geometric { c, r } => vec![c, r],
            Schedule::Switch { c, at } => vec![c, at],
            _ => Vec::new(),
        }
    }

    fn with_schedule_parameters(&self, p: &[f64]) -> Schedule {
        match (&self.schedule, p) {
            (Schedule::Constant { .. }, [c]) => Schedule::Constant { c: *c },
            (Schedule::Harmonic { .. }, [c]) => Schedule::Harmonic { c: *c },
            (Schedule::Quadratic { .. }, [c]) => Schedule::Quadratic { c: *c },
            (Schedule::Geometric { .. }, [c, r]) => Schedule::Geometric { c: *c, r: *r },
            (Schedule::Switch { .. }, [c, at]) => Schedule::Switch { c: *c, at: *at },
            (other, _) => (*other).clone(),
        }
    }

    /// Whether its numbers are of the ordinary size that [`Case::draw`] draws, with room around it: the
    /// box in which the falsifier moves. Outside of it floats, not claims, are what fails.
    fn is_moderate(&self) -> bool {
        let (problem, start) = (&self.instance.problem, &self.instance.start);
        let within = |v: &[f64], most: f64| v.iter().all(|x| x.abs() <= most);
        let inside = |m: &f64, w: &f64| (0.1..=10.0).contains(m) && w.abs() <= 0.99 * m;
        // A row, or the target, may vanish, but not nearly.
        let present = |v: &[f64]| v.iter().all(|x| *x == 0.0 || x.abs() >= 1e-3);
        within(problem.z_rows(), 10.0)
            && within(problem.y(), 10.0)
            && present(problem.z_rows())
            && present(problem.y())
            && start.m0().iter().zip(start.w0()).all(|(m, w)| inside(m, w))
            && self.schedule_parameters().iter().all(|p| (1e-3..=10.0).contains(p))
    }

    fn rebuilt(
        &self,
        z: Vec<f64>,
        y: Vec<f64>,
        m0: Vec<f64>,
        w0: Vec<f64>,
        schedule: Schedule,
    ) -> Option<Self> {
        schedule.check().ok()?;
        let problem = Problem::from_rows(z, y).ok()?;
        self.loss.check_targets(problem.y()).ok()?;
        let start = Start::new(m0, w0).ok()?;
        Some(Self { instance: Instance::found(problem, start), loss: self.loss, schedule })
    }
}

impl Domain for Case {
    fn describe(&self) -> String {
        let (problem, start) = (&self.instance.problem, &self.instance.start);
        if self.instance.origin != Origin::Found {
            return self.name();
        }
        let (d, n) = (problem.samples(), problem.features());
        if d * n > 64 {
            return format!("found at {d}×{n}, {}", self.name());
        }
        let rows: Vec<String> = problem
            .z_rows()
            .chunks(n)
            .map(|row| row.iter().map(|v| number(*v)).collect::<Vec<_>>().join(" "))
            .collect();
        let loss = match self.loss {
            Loss::Squared => String::new(),
            other => format!(", {other} loss"),
        };
        format!(
            "Z = [{}], y = {}, m₀ = {}, w₀ = {}, α: {}{loss}",
            rows.join("; "),
            vector(problem.y()),
            vector(start.m0()),
            vector(start.w0()),
            self.schedule,
        )
    }

    fn parameters(&self) -> Vec<f64> {
        let (problem, start) = (&self.instance.problem, &self.instance.start);
        [problem.z_rows(), problem.y(), start.m0(), start.w0(), &self.schedule_parameters()]
            .concat()
    }

    fn with_parameters(&self, parameters: &[f64]) -> Option<Self> {
        let (d, n) = (self.instance.problem.samples(), self.instance.problem.features());
        if parameters.len() < d * n + d + 2 * n {
            return None;
        }
        let (z, rest) = parameters.split_at(d * n);
        let (y, rest) = rest.split_at(d);
        let (m0, rest) = rest.split_at(n);
        let (w0, rest) = rest.split_at(n);
        let schedule = self.with_schedule_parameters(rest);
        self.rebuilt(z.to_vec(), y.to_vec(), m0.to_vec(), w0.to_vec(), schedule)
            .filter(Self::is_moderate)
    }

    fn simpler(&self) -> Vec<Self> {
        let (problem, start) = (&self.instance.problem, &self.instance.start);
        let (d, n) = (problem.samples(), problem.features());
        let rows: Vec<&[f64]> = problem.z_rows().chunks(n).collect();
        let mut out = Vec::new();
        let without = |v: &[f64], k: usize| -> Vec<f64> {
            v.iter().enumerate().filter(|(i, _)| *i != k).map(|(_, v)| *v).collect()
        };
        if d > 1 {
            for k in 0..d {
                let z = rows
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| *i != k)
                    .flat_map(|(_, r)| r.to_vec())
                    .collect();
                let (m0, w0) = (start.m0().to_vec(), start.w0().to_vec());
                out.extend(self.rebuilt(z, without(problem.y(), k), m0, w0, self.schedule.clone()));
            }
        }
        if n > 1 {
            for k in 0..n {
                let z = rows.iter().flat_map(|r| without(r, k)).collect();
                let (m0, w0) = (without(start.m0(), k), without(start.w0(), k));
                out.extend(self.rebuilt(z, problem.y().to_vec(), m0, w0, self.schedule.clone()));
            }
        }
        if self.schedule != Schedule::None {
            let mut plain = self.clone();
            plain.instance.origin = Origin::Found;
            plain.schedule = Schedule::None;
            out.push(plain);
        }
        out
    }
}

impl Serialize for Case {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (problem, start) = (&self.instance.problem, &self.instance.start);
        let small = problem.z_rows().len() <= 64;
        let mut out = serializer.serialize_struct("Case", 8)?;
        out.serialize_field("name", &self.instance.name)?;
        out.serialize_field("shape", &[problem.samples(), problem.features()])?;
        // Larger ones are made again from their name and the seed.
        out.serialize_field("Z", if small { problem.z_rows() } else { &[] })?;
        out.serialize_field("y", if small { problem.y() } else { &[] })?;
        out.serialize_field("m0", if small { start.m0() } else { &[] })?;
        out.serialize_field("w0", if small { start.w0() } else { &[] })?;
        out.serialize_field("loss", &self.loss.to_string())?;
        out.serialize_field("schedule", &self.schedule)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn parameters_and_case_are_two_forms_of_one_thing() -> mirrorflow::Result<()> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for k in 0..50 {
            let case = Case::draw(&mut rng, f64::from(k) / 50.0)?;
            let again = case.with_parameters(&case.parameters());
            assert_eq!(again.map(|c| c.describe()), Some(case.describe()));
            for simpler in case.simpler() {
                assert!(
                    simpler.parameters().len() < case.parameters().len()
                        || simpler.schedule == Schedule::None
                );
            }
        }
        Ok(())
    }

    #[test]
    fn parameters_that_make_no_case_are_refused() -> mirrorflow::Result<()> {
        let case = Case::by_hand(&[1.0, 1.0], &[1.0], &[1.0; 2], &[0.5; 2], Schedule::None)?;
        let mut p = case.parameters();
        p[3] = -2.0; // m₀ < |w₀|
        assert!(case.with_parameters(&p).is_none());
        assert!(case.with_parameters(&p[..4]).is_none());
        assert!(case.with_parameters(&[f64::NAN; 7]).is_none());
        Ok(())
    }
}
