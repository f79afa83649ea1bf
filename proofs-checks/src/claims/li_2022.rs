//! Commuting parameterizations give mirror flows.
//!
//! *As printed* (Li, Wang, Lee & Arora 2022, theorem 4.9): if the fields ∇x_i(θ) commute and J has full
//! rank, the gradient flow of `f(x(θ))` is the mirror flow of a potential R that depends on x and θ₀ alone.
//! It holds. R is computed without a formula (see [`crate::mirror_of`]), and `∇R(x_t) = −L_t` is checked on
//! the flows of m⊙w, u²−v² and depth 3, which has no closed form in elementary functions. The converse is
//! seen in neuron-wise masks: there the integral for ∇R depends on the path.

use mirrorflow::{
    Result,
    parameterization::{Depth, DifferenceOfSquares, NeuronWise, Parameterization, Product},
    problem::{Loss, Problem},
    schedule::Schedule,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{
    Claim, Context, Domain, Gap, Law, Prepared, Theory, domain::vector, lifted::Lifted, mirror_of,
};

/// A parameterization of two features with a start, and the regression `zᵀx = y`.
#[derive(Debug, Clone, Serialize)]
struct Trial {
    map: &'static str,
    theta: Vec<f64>,
    z: [f64; 2],
    y: f64,
}

const MAPS: [(&str, usize); 4] = [("m⊙w", 4), ("u²−v²", 4), ("depth 3", 6), ("neuron-wise", 3)];

impl Trial {
    fn map(&self) -> Result<Box<dyn Parameterization>> {
        Ok(match self.map {
            "m⊙w" => Box::new(Product::new(2)?),
            "u²−v²" => Box::new(DifferenceOfSquares::new(2)?),
            "depth 3" => Box::new(Depth::new(2, 3)?),
            _ => Box::new(NeuronWise::new(1, 2)?),
        })
    }

    fn commutes(&self) -> bool {
        self.map != "neuron-wise"
    }
}

impl Domain for Trial {
    fn describe(&self) -> String {
        let (map, theta) = (self.map, vector(&self.theta));
        format!("{map}, θ₀ = {theta}, z = {}, y = {}", vector(&self.z), self.y)
    }
    fn parameters(&self) -> Vec<f64> {
        [&self.theta[..], &self.z, &[self.y]].concat()
    }
    fn with_parameters(&self, p: &[f64]) -> Option<Self> {
        let k = self.theta.len();
        let moderate = p.iter().all(|v| v.abs() <= 2.0);
        let [theta @ .., z0, z1, y] = p else { return None };
        (moderate && theta.len() == k && theta.iter().all(|v| *v >= 0.2)).then(|| Self {
            map: self.map,
            theta: theta.to_vec(),
            z: [*z0, *z1],
            y: *y,
        })
    }
}

struct Found {
    l: Vec<f64>,
    /// ∇R(x_t) along the straight line and around two corners.
    straight: Vec<f64>,
    around: [Vec<f64>; 2],
}

fn prepare(trial: &Trial, _: &Context) -> Result<Prepared<Found>> {
    let map = trial.map()?;
    let problem = Problem::from_rows(trial.z.to_vec(), vec![trial.y])?;
    let (schedule, theta0) = (Schedule::None, &trial.theta[..]);
    let flow =
        Lifted { map: &*map, problem: &problem, loss: Loss::Squared, schedule: &schedule, theta0 };
    let state = match flow.at(&[0.5], 1e-11)? {
        Ok(mut states) => states.swap_remove(0),
        Err(why) => return Ok(Prepared::Undecided(why)),
    };
    let mut x0 = vec![0.0; 2];
    map.x(theta0, &mut x0);
    let corners = [[state.x[0], x0[1]], [x0[0], state.x[1]]];
    let at = |via: &[&[f64]]| mirror_of(&*map, theta0, via).map(|at| at.gradient);
    let x = &state.x[..];
    match (at(&[x]), at(&[&corners[0], x]), at(&[&corners[1], x])) {
        (Ok(straight), Ok(one), Ok(other)) => {
            Ok(Prepared::Ready(Found { l: state.l, straight, around: [one, other] }))
        }
        (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => {
            Ok(Prepared::Undecided(why.to_string()))
        }
    }
}

/// What 1e-11 of integration leaves where J is far from singular, as it is in the domain.
const RULE: &str = "1e-8 (1 + |L|): 1e3 local errors of the two integrations at rtol 1e-11";

fn residual(of: impl Iterator<Item = (f64, f64)>) -> Gap {
    let (worst, size) =
        of.fold((0.0_f64, 1.0_f64), |(w, s), (p, q)| (w.max((p + q).abs()), s.max(q.abs())));
    Gap::residual(worst, 1e-8 * size)
}

/// `∇R(x_t) + c L_t`.
fn mirror(commutes: bool, c: f64) -> impl Fn(&Trial, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |trial, found| {
        if trial.commutes() != commutes {
            return Vec::new();
        }
        vec![residual(found.straight.iter().zip(&found.l).map(|(r, l)| (*r, c * l)))]
    }
}

/// ∇R(x_t) along the two other paths.
fn paths(commutes: bool) -> impl Fn(&Trial, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |trial, found| {
        if trial.commutes() != commutes {
            return Vec::new();
        }
        let against =
            |other: &Vec<f64>| residual(other.iter().zip(&found.straight).map(|(p, q)| (*p, -q)));
        found.around.iter().map(against).collect()
    }
}

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Trial> {
    let (map, k) = MAPS[rng.random_range(0..MAPS.len())];
    let theta = (0..k).map(|_| rng.random_range(0.3..1.5)).collect();
    let z = [rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0)];
    Ok(Trial { map, theta, z, y: rng.random_range(-1.0..1.0) })
}

pub(super) fn claim() -> Claim {
    let instances = |_: &Context| {
        let theta = |k: usize| (0..k).map(|i| 1.0 - 0.125 * i as f64).collect();
        Ok(MAPS.map(|(map, k)| Trial { map, theta: theta(k), z: [1.0, 2.0], y: 1.0 }).to_vec())
    };
    Theory::new(
        "li-2022",
        "commuting parameterizations give mirror flows",
        "Li, Wang, Lee & Arora 2022, theorem 4.9",
        instances,
        prepare,
    )
    .assume_of_outcome("J(θ) has full rank on the way")
    .drawn_by(draw)
    .law(
        Law::as_printed("m⊙w, u²−v², depth 3: ∇R(x_t) = −L_t, R from the parameterization alone")
            .equal(RULE, mirror(true, 1.0))
            .control("commuting fields: neuron-wise masks", mirror(false, 1.0))
            .mutant("L_t → 1.01 L_t", mirror(true, 1.01)),
    )
    .law(
        Law::as_it_holds("m⊙w, u²−v², depth 3: ∇R(x) is the same along every path to x")
            .equal(RULE, paths(true))
            .control("commuting fields: neuron-wise masks", paths(false)),
    )
    .claim()
}
