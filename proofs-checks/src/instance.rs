//! The instances on which claims are checked.

use mirrorflow::{
    Result,
    numerics::{dense, exact::sums::norm2},
    parameterization::Start,
    problem::{Design, Generator, Problem, Targets, Values, known, real},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::Budget;

/// Where an instance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Drawn from a seed.
    Synthetic,
    /// With an exact answer in closed form.
    Known,
    /// Measured data.
    Real,
    /// Made by hand or by the search for counterexamples: its numbers say it all.
    Found,
}

/// A problem with a start.
#[derive(Debug, Clone)]
pub struct Instance {
    /// What it is called in the report.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Data and targets.
    pub problem: Problem,
    /// `m₀` and `w₀`.
    pub start: Start,
}

impl Instance {
    /// A problem with a start, found rather than named.
    pub fn found(problem: Problem, start: Start) -> Self {
        Self { name: "found".into(), origin: Origin::Found, problem, start }
    }

    /// The shortest time on which the flow moves, `1/ρ` with `ρ = (2/d) σ_max(Z)² max √(x²+a²)`
    /// estimated at the start and at the size of the least-norm-like step `Zᵀy/σ_max²`. Only a unit:
    /// claims are checked at multiples of it.
    pub fn time_scale(&self) -> f64 {
        let (d, n) = (self.problem.samples(), self.problem.features());
        let z = self.problem.z_rows();
        // A few power iterations; the unit need not be exact.
        let mut v: Vec<f64> = (0..n).map(|i| 1.0 + 0.1 * (i as f64).sin()).collect();
        let (mut zv, mut sigma) = (vec![0.0; d], 0.0);
        for _ in 0..20 {
            let size = norm2(&v);
            if size == 0.0 {
                break;
            }
            v.iter_mut().for_each(|p| *p /= size);
            dense::mul(z, &v, &mut zv);
            sigma = norm2(&zv);
            dense::mul_t(z, &zv, &mut v);
        }
        let mut zy = vec![0.0; n];
        dense::mul_t(z, self.problem.y(), &mut zy);
        let reach = zy.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        let size = self
            .start
            .beta()
            .iter()
            .zip(self.start.x0())
            .map(|(b, x)| x.hypot(0.5 * b))
            .fold(0.0_f64, f64::max);
        let square = sigma * sigma;
        if square == 0.0 { 1.0 } else { d as f64 / (2.0 * square * (size + reach / square)) }
    }
}

/// A random start with `|w₀| < m₀`: `m₀ ~ U(½, 3/2)`, `w₀ = m₀ U(−0.9, 0.9)`.
fn random_start(n: usize, rng: &mut ChaCha8Rng) -> Result<Start> {
    let m0: Vec<f64> = (0..n).map(|_| rng.random_range(0.5..1.5)).collect();
    let w0 = m0.iter().map(|m| m * rng.random_range(-0.9..0.9)).collect();
    Start::new(m0, w0)
}

/// The standard set: synthetic problems of several sizes and designs with the centered and with
/// random starts, the known problems, the real one.
pub(crate) fn standard(budget: Budget) -> Result<Vec<Instance>> {
    let planted = |sparsity| Targets::Planted { sparsity, values: Values::Gaussian, noise: 0.0 };
    let mut recipes = vec![
        (1, 2, Design::Gaussian, planted(1)),
        (4, 10, Design::Gaussian, planted(2)),
        (6, 15, Design::Rademacher, planted(2)),
        (8, 20, Design::Correlated { rho: 0.5 }, Targets::Random),
    ];
    if !budget.is_quick() {
        recipes.extend([
            (10, 30, Design::OrthonormalRows, planted(3)),
            (20, 50, Design::Gaussian, Targets::Random),
            (40, 100, Design::Gaussian, planted(5)),
        ]);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(budget.seed);
    let mut instances = Vec::new();
    for (k, (samples, features, design, targets)) in recipes.into_iter().enumerate() {
        let seed = budget.seed.wrapping_add(k as u64);
        let problem = Generator { samples, features, design, targets, seed }.problem()?;
        for random in [false, true] {
            let start = if random {
                random_start(features, &mut rng)?
            } else {
                Start::centered(features, 1.0)?
            };
            let name = problem.name();
            instances.push(Instance {
                name: format!("{name}, {} start", if random { "random" } else { "centered" }),
                origin: Origin::Synthetic,
                problem: problem.clone(),
                start,
            });
        }
    }
    for known in known::all()? {
        let n = known.problem.features();
        instances.push(Instance {
            name: format!("known: {}", known.problem.name()),
            origin: Origin::Known,
            problem: known.problem,
            start: Start::centered(n, 1.0)?,
        });
    }
    let problem = real::fermentation()?;
    instances.push(Instance {
        name: "real: fermentation spectra".into(),
        origin: Origin::Real,
        start: Start::centered(problem.features(), 1.0)?,
        problem,
    });
    Ok(instances)
}
