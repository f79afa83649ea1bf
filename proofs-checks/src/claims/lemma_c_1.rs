//! Lemma C.1: neuron-wise masks are no mirror flow; element-wise ones are.
//!
//! *As printed (v1)*: for `x_ij = m_i w_ij` the gradient fields do not commute, so that training is no
//! mirror flow. It holds: `[∇x_ij, ∇x_il] = w_ij e(w_il) − w_il e(w_ij)`. For `m ⊙ w`, `u² − v²` and depth
//! L, each x_i depends on parameters of its own, so the brackets vanish.
//!
//! *The penalty*: `h = ‖m‖² + ‖w‖²` has a gradient that commutes with every ∇x_i up to a multiple of it,
//! `[∇x_i, ∇h] = ∇²h ∇x_i − ∇²x_i ∇h = 2∇x_i − 2∇x_i = 0` for `m ⊙ w` (∇x_i is linear): the class of
//! Theorem 3.1. Regularising m alone leaves it: with `h = ‖m‖²`,
//! `[∇x_i, ∇h] = 2w_i e(m_i) − 2m_i e(w_i) ≠ 0`.
//!
//! *The test that needs no algebra*: where fields commute, going along ∇x_i for s and then along ∇x_j
//! for s ends where the other order ends. Both are integrated; the ends differ by `s²[·,·] + O(s³)`.

use mirrorflow::{
    Result,
    flow::Flow,
    integrate::{Method, Options, integrate},
    numerics::exact::interval::Interval,
    parameterization::{
        Depth, DifferenceOfSquares, NeuronWise, Parameterization, Product, largest_bracket,
    },
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::{Claim, Context, Domain, Gap, Law, Prepared, Proof, Theory, domain::vector};

/// For how long each field is followed.
const STEP: f64 = 0.1;

/// Relative tolerance of the integrations.
const RTOL: f64 = 1e-12;

/// A parameterization with a point.
#[derive(Debug, Clone, Serialize)]
struct Point {
    map: &'static str,
    theta: Vec<f64>,
}

impl Point {
    fn map(&self) -> Result<Box<dyn Parameterization>> {
        let k = self.theta.len();
        Ok(match self.map {
            "m⊙w" => Box::new(Product::new(k / 2)?),
            "u²−v²" => Box::new(DifferenceOfSquares::new(k / 2)?),
            "depth 3" => Box::new(Depth::new(k / 3, 3)?),
            // One neuron with all the weights.
            _ => Box::new(NeuronWise::new(1, k - 1)?),
        })
    }

    fn is_elementwise(&self) -> bool {
        self.map != "neuron-wise"
    }
}

impl Domain for Point {
    fn describe(&self) -> String {
        format!("{}, θ = {}", self.map, vector(&self.theta))
    }
    fn parameters(&self) -> Vec<f64> {
        self.theta.clone()
    }
    fn with_parameters(&self, theta: &[f64]) -> Option<Self> {
        let moderate = theta.iter().all(|v| v.abs() <= 3.0);
        let fits = theta.len() == self.theta.len();
        (moderate && fits).then(|| Self { map: self.map, theta: theta.to_vec() })
    }
}

/// `θ' = ∇x_i(θ)`, or against the gradient of a penalty.
struct Field<'a> {
    map: &'a dyn Parameterization,
    along: Along,
    theta0: &'a [f64],
}

#[derive(Clone, Copy)]
enum Along {
    Feature(usize),
    /// `−∇` of the sum of the squares of the first so many parameters.
    Penalty(usize),
}

impl Flow for Field<'_> {
    fn dim(&self) -> usize {
        self.map.parameters()
    }
    fn features(&self) -> usize {
        self.map.features()
    }
    fn initial(&self, state: &mut [f64]) {
        state.copy_from_slice(self.theta0);
    }
    fn field(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        match self.along {
            Along::Feature(i) => {
                let mut unit = vec![0.0; self.map.features()];
                unit[i] = 1.0;
                self.map.pull_back(state, &unit, out);
            }
            Along::Penalty(count) => {
                for (k, (out, theta)) in out.iter_mut().zip(state).enumerate() {
                    *out = if k < count { -2.0 * theta } else { 0.0 };
                }
            }
        }
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        self.map.x(state, out);
    }
    fn loss(&self, _x: &[f64]) -> f64 {
        0.0
    }
}

/// Where θ is after [`STEP`] along each of `order`.
fn end(map: &dyn Parameterization, theta: &[f64], order: [Along; 2]) -> Result<Vec<f64>> {
    let mut at = theta.to_vec();
    for along in order {
        let field = Field { map, along, theta0: &at };
        let options = Options::until(STEP).with_tolerances(RTOL, RTOL).with_method(Method::Dop853);
        let run = integrate(&field, &options)?;
        at = run.state.row(run.state.nrows() - 1).to_vec();
    }
    Ok(at)
}

/// The distance between the ends of both orders, relative to θ.
fn defect(map: &dyn Parameterization, theta: &[f64], pair: [Along; 2]) -> Result<f64> {
    let (forth, back) = (end(map, theta, pair)?, end(map, theta, [pair[1], pair[0]])?);
    let distance = forth.iter().zip(&back).fold(0.0_f64, |m, (p, q)| m.max((p - q).abs()));
    Ok(distance / forth.iter().fold(1.0_f64, |m, v| m.max(v.abs())))
}

struct Found {
    /// Size of the largest bracket and of its terms.
    bracket: Option<(f64, f64)>,
    /// The largest defect among pairs of features.
    features: f64,
    /// The defect of a feature with the full penalty, and with that of the first half of θ.
    both: f64,
    first_half: f64,
}

fn prepare(at: &Point, _: &Context) -> Result<Prepared<Found>> {
    let map = at.map()?;
    let (n, k) = (map.features(), map.parameters());
    let mut features = 0.0_f64;
    for i in 0..n {
        for j in 0..i {
            let pair = [Along::Feature(i), Along::Feature(j)];
            features = features.max(defect(&*map, &at.theta, pair)?);
        }
    }
    let with = |count| defect(&*map, &at.theta, [Along::Feature(0), Along::Penalty(count)]);
    Ok(Prepared::Ready(Found {
        bracket: largest_bracket(&*map, &at.theta)?.map(|b| (b.size, b.terms)),
        features,
        both: with(k)?,
        first_half: with(k / 2)?,
    }))
}

/// Ten local errors of each of the four integrations.
const TOLERANCE: f64 = 40.0 * RTOL;

fn brackets(elementwise: bool) -> impl Fn(&Point, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |at, found| match found.bracket {
        Some((size, terms)) if at.is_elementwise() == elementwise => {
            // As if a bracket of its terms were to vanish: 64 ε.
            vec![Gap::residual(size, 64.0 * f64::EPSILON * terms).at("largest bracket")]
        }
        _ => Vec::new(),
    }
}

/// The size of the bracket of one neuron against `max |w|` of its first two weights.
fn neuron_wise(elementwise: bool) -> impl Fn(&Point, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |at, found| match found.bracket {
        Some((size, terms)) if at.is_elementwise() == elementwise => {
            let largest = at.theta[1..3].iter().fold(0.0_f64, |m, w| m.max(w.abs()));
            vec![Gap::new(size, largest, 64.0 * f64::EPSILON * terms.max(largest))]
        }
        _ => Vec::new(),
    }
}

fn orders(elementwise: bool) -> impl Fn(&Point, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |at, found| {
        let counts = at.is_elementwise() == elementwise;
        if counts { vec![Gap::residual(found.features, TOLERANCE)] } else { Vec::new() }
    }
}

fn penalty(
    value: fn(&Found) -> f64,
) -> impl Fn(&Point, &Found) -> Vec<Gap> + Send + Sync + 'static {
    move |at, found| {
        let counts = at.map == "m⊙w";
        if counts { vec![Gap::residual(value(found), TOLERANCE)] } else { Vec::new() }
    }
}

/// Encloses the difference between the ends of both orders. Along ∇x_j for s, m and w_j turn
/// hyperbolically: `m cosh s + w_j sinh s`, `w_j cosh s + m sinh s`; so m ends `sinh s (cosh s − 1)(w₁ − w₂)`
/// apart and w₁ `sinh s (m (cosh s − 1) + w₂ sinh s)`.
fn ends_apart(at: &Point) -> Option<Proof> {
    let [m, w1, w2] = at.theta[..] else { return None };
    let (c, s) = (Interval::point(STEP).cosh(), Interval::point(STEP).sinh());
    let [m, w1, w2] = [m, w1, w2].map(Interval::point);
    let in_m = (s * (c - 1.0) * (w1 - w2)).abs();
    let in_w = (s * (m * (c - 1.0) + w2 * s)).abs();
    let lhs = if in_m.lo() > in_w.lo() { in_m } else { in_w };
    let how = "interval arithmetic on the closed form of both ends";
    let apart = "distance of the ends in m or w₁";
    Some(Proof::new((apart, lhs), ("what it must be", Interval::ZERO), how))
}

const MAPS: [(&str, usize); 4] = [("m⊙w", 4), ("u²−v²", 4), ("depth 3", 6), ("neuron-wise", 3)];

fn draw(rng: &mut ChaCha8Rng, _: f64) -> Result<Point> {
    let (map, k) = MAPS[rng.random_range(0..MAPS.len())];
    Ok(Point { map, theta: (0..k).map(|_| rng.random_range(0.2..1.5)).collect() })
}

pub(super) fn claim() -> Claim {
    let instances = |_: &Context| {
        let theta = |k: usize| (0..k).map(|i| 0.5 + 0.125 * i as f64).collect();
        Ok(MAPS.map(|(map, k)| Point { map, theta: theta(k) }).to_vec())
    };
    Theory::new(
        "lemma-c.1",
        "which parameterizations commute",
        "Lemma C.1, arXiv 2408.09966v1; Li et al. 2022",
        instances,
        prepare,
    )
    .drawn_by(draw)
    .law(
        Law::as_printed("neuron-wise masks: [∇x_ij, ∇x_il] = w_ij e(w_il) − w_il e(w_ij) ≠ 0")
            .equal("64 ε of the terms of a bracket", neuron_wise(false))
            .control("one mask entry for all weights: an element-wise one", neuron_wise(true))
            .mutant("a bracket of twice the size", |at, found| {
                let gaps = neuron_wise(false)(at, found).into_iter();
                gaps.map(|g| Gap::new(g.lhs, 2.0 * g.rhs, g.tolerance)).collect()
            }),
    )
    .law(
        Law::not_in_general("neuron-wise masks: both orders of ∇x_ij and ∇x_il end at one point")
            .comparing("relative distance of the ends", "what it must be")
            .equal("40 × rtol 1e-12 of θ", orders(false))
            .known(|| Ok(Point { map: "neuron-wise", theta: vec![1.0, 1.0, 0.5] }))
            .proven_by(|at| Ok(ends_apart(at)))
            .explained(|at, gap| {
                format!(
                    "[∇x₁, ∇x₂] = (0, −w₂, w₁) = (0, {}, {}) ≠ 0; {STEP} along ∇x₁, then ∇x₂ ends \
                     {:.6} away from the other order (relative)",
                    -at.theta[2], at.theta[1], gap.lhs
                )
            }),
    )
    .law(
        Law::as_it_holds("m⊙w, u²−v², depth L: all brackets [∇x_i, ∇x_j] vanish")
            .equal("64 ε of the terms of a bracket", brackets(true))
            .control("one mask entry for each weight: neuron-wise", brackets(false)),
    )
    .law(
        Law::as_it_holds("m⊙w, u²−v², depth L: both orders of ∇x_i and ∇x_j end at one point")
            .equal("40 × rtol 1e-12 of θ", orders(true))
            .control("one mask entry for each weight: neuron-wise", orders(false)),
    )
    .law(
        Law::as_it_holds("m⊙w: the decay of ‖m‖² + ‖w‖² commutes with every ∇x_i")
            .equal("40 × rtol 1e-12 of θ", penalty(|f| f.both))
            .control("w in the penalty: ‖m‖² alone", penalty(|f| f.first_half)),
    )
    .claim()
}
