//! The step of every method, through a network: minus the rate times the derivative of
//! `loss + penalty` with respect to what the method trains, by central differences in f64 along
//! random directions.
//!
//! Pruned networks (one-shot magnitude pruning, weight and learning-rate rewinding) are methods
//! under a mask that stays.

use mirrorflow::{
    Result,
    kernels::mask_weight::{Optimizer, Sgd},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    engine::{Mode, Model},
    method::{
        Continuous, Factors, HamMethod, Kind, Latent, Method, Plain, Power, Slot, SoftThreshold,
        State, Step, Variable, slots,
    },
    network::{Layer, Network, Op, Shape},
};

const RATE: f64 = 1e-3;
const SGD: Optimizer = Optimizer::Sgd(Sgd { rate: RATE, momentum: 0.0, nesterov: false });
const DECAY: f64 = 0.03;
const STRENGTH: f64 = 0.02;
const BATCH: usize = 5;

fn network() -> Result<Network> {
    let conv = Op::Conv { outputs: 4, kernel: 3, stride: 1, padding: 1, bias: false };
    let ops = [
        ("conv", conv),
        ("bn", Op::BatchNorm { residual: None, relu: true }),
        ("", Op::GlobalMean),
        ("fc", Op::Linear { outputs: 3 }),
    ];
    let chain = ops.into_iter().enumerate();
    let layers = chain.map(|(input, (name, op))| Layer { name: name.into(), op, input }).collect();
    Network::new("small", Shape { height: 5, width: 5, channels: 2 }, layers)
}

/// The penalty of the variables (of x where the method has none), given the strength.
type Penalty = fn(&[Vec<f64>]) -> f64;
type Make = Box<dyn Fn(usize) -> Result<Box<dyn Method<f64>>>>;

fn square(v: &[f64]) -> f64 {
    v.iter().map(|a| a * a).sum()
}

fn sum(v: &[f64], f: impl Fn(f64) -> f64) -> f64 {
    v.iter().map(|a| f(*a)).sum()
}

struct Problem {
    network: Network,
    weights: Vec<Slot>,
    images: Vec<f64>,
    labels: Vec<u32>,
    keep: Option<Vec<u8>>,
}

impl Problem {
    fn step(&self) -> Step<'_> {
        Step {
            optimizer: SGD,
            step: 1,
            weight_decay: DECAY,
            strength: STRENGTH,
            factor_strength: 0.0,
            progress: 0.5,
            weights: &self.weights,
            keep: self.keep.as_deref().map(Into::into),
        }
    }

    fn loss(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64> {
        let mut model = Model::new(&self.network, BATCH)?;
        model.forward(&self.images, x, Mode::Train)?;
        Ok(model.backward(&self.labels, x, gradient)?.loss)
    }

    fn packed(&self, x: &[f64]) -> Vec<f64> {
        self.weights.iter().flat_map(|p| x[p.at.clone()].iter().copied()).collect()
    }

    /// What is trained: the method's variables, or x.
    fn trained(&self, method: &mut dyn Method<f64>, x: &[f64]) -> Result<Vec<Vec<f64>>> {
        let variables = method.variables().into_iter();
        let found = variables.map(|(_, v)| v.value.to_vec()).collect::<Result<Vec<_>>>()?;
        Ok(if found.is_empty() { vec![self.packed(x)] } else { found })
    }

    /// x of other values of what is trained.
    fn at(&self, method: &mut dyn Method<f64>, x: &[f64], values: &[Vec<f64>]) -> Result<Vec<f64>> {
        let mut x = x.to_vec();
        let mut variables = method.variables();
        if variables.is_empty() {
            for slot in &self.weights {
                x[slot.at.clone()].copy_from_slice(&values[0][slot.packed.clone()]);
            }
        }
        for ((_, variable), values) in variables.iter_mut().zip(values) {
            variable.value.view_mut().write(values)?;
        }
        method.weights(&self.step(), (&mut x).into())?;
        Ok(x)
    }
}

/// The slope along a direction by the method's step and by differences; none where a kink (of ReLU,
/// a threshold, an absolute value) lies within the difference: there h and h/2 disagree. Third
/// derivatives of order 1 along a unit direction: differences at h = 1e-5 err by h² ≈ 1e-10 and by
/// rounding, ε·F/h ≈ 1e-11; the step's own rounding is ε·|v|/RATE ≈ 1e-13 an entry.
fn slopes(make: &Make, masked: bool, penalty: Penalty, seed: u64) -> Result<Option<(f64, f64)>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let network = network()?;
    let (weights, _) = slots(&network);
    let count = network.weight_count();
    let mut numbers =
        |len: usize| -> Vec<f64> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let images = numbers(BATCH * network.input().len());
    let mut x = numbers(network.parameter_count());
    let mut along: Vec<Vec<f64>> = (0..2).map(|_| numbers(count)).collect();
    let labels = (0..BATCH as u32).map(|i| i % 3).collect();
    let keep = masked.then(|| (0..count).map(|i| u8::from(i % 3 != 1)).collect::<Vec<u8>>());
    let problem = Problem { network, weights, images, labels, keep };
    let mut method = make(count)?;
    method.start(&problem.weights, (&mut x).into())?;
    method.weights(&problem.step(), (&mut x).into())?;
    let before = problem.trained(&mut *method, &x)?;
    along.truncate(before.len());
    for (along, before) in along.iter_mut().zip(&before) {
        along.truncate(before.len());
        // What happens to pruned entries is not the gradient's: they go to 0 or their own way.
        if let Some(keep) = problem.keep.as_ref().filter(|k| k.len() == along.len()) {
            along.iter_mut().zip(keep).for_each(|(a, k)| *a *= f64::from(*k));
        }
    }
    let norm = along.iter().map(|a| square(a)).sum::<f64>().sqrt();
    along.iter_mut().flatten().for_each(|a| *a /= norm);
    let mut difference = |h: f64| {
        let mut objective = |h: f64| {
            let mut values = before.clone();
            for (v, a) in values.iter_mut().flatten().zip(along.iter().flatten()) {
                *v += h * a;
            }
            let moved = problem.at(&mut *method, &x, &values)?;
            let mut unused = vec![0.0; moved.len()];
            Ok::<_, mirrorflow::Error>(problem.loss(&moved, &mut unused)? + penalty(&values))
        };
        Ok::<_, mirrorflow::Error>((objective(h)? - objective(-h)?) / (2.0 * h))
    };
    let (wide, narrow) = (difference(1e-5)?, difference(5e-6)?);
    let mut x = problem.at(&mut *method, &x, &before)?;
    let mut gradient = vec![0.0; x.len()];
    problem.loss(&x, &mut gradient)?;
    assert_eq!(method.update(&problem.step(), (&mut gradient).into(), (&mut x).into())?, None);
    let after = problem.trained(&mut *method, &x)?;
    let moved = before.iter().flatten().zip(after.iter().flatten()).zip(along.iter().flatten());
    let slope: f64 = moved.map(|((b, a), along)| (b - a) / RATE * along).sum();
    if let Some(keep) = &problem.keep {
        assert!(problem.packed(&x).iter().zip(keep).all(|(x, k)| *k == 1 || *x == 0.0));
    }
    Ok(((wide - narrow).abs() < 1e-8).then_some((slope, narrow)))
}

fn variable(len: usize) -> Variable<f64> {
    Variable::new(len, &SGD)
}

fn latent(len: usize) -> Latent<f64> {
    Latent::plain(variable(len), None)
}

fn factors(kind: Kind, beta: f64) -> Make {
    Box::new(move |n| Ok(Box::new(Factors::new(kind, beta, variable(n), variable(n)))))
}

fn plain(l1: bool) -> Make {
    Box::new(move |n| Ok(Box::new(Plain::new(l1, State::new(n, &SGD)))))
}

#[test]
fn every_method_s_step_is_the_derivative_through_a_network() -> Result<()> {
    let decay: Penalty = |v| 0.5 * DECAY * square(&v[0]);
    let both: Penalty = |v| STRENGTH * (square(&v[0]) + square(&v[1]));
    let methods: [(&str, Make, Penalty); 9] = [
        ("dense", plain(false), decay),
        ("l1", plain(true), |v| 0.5 * DECAY * square(&v[0]) + STRENGTH * sum(&v[0], f64::abs)),
        ("l1-mask", factors(Kind::MaskL1, 1.0), |v| STRENGTH * sum(&v[0], f64::abs)),
        ("spred", factors(Kind::Decay, 0.0), both),
        ("pilot", factors(Kind::Decay, 1.0), both),
        ("sign-in", factors(Kind::Rescaled, 1.0), |_| 0.0),
        (
            "str",
            Box::new(|n| Ok(Box::new(SoftThreshold::new(-2.0, latent(n), variable(2))))),
            |v| 0.5 * STRENGTH * (square(&v[0]) + square(&v[1])),
        ),
        ("powerprop", Box::new(|n| Ok(Box::new(Power::new(2.0, latent(n))?))), decay),
        (
            "continuous",
            Box::new(|n| Ok(Box::new(Continuous::new(0.05, 50.0, variable(n), latent(n))))),
            // b = 50^½ at half time.
            |v| {
                let mask = sum(&v[0], |s| 1.0 / (1.0 + (-(50.0_f64.sqrt()) * s).exp()));
                STRENGTH * mask + 0.5 * DECAY * square(&v[1])
            },
        ),
    ];
    for (name, make, penalty) in methods {
        for masked in [false, true] {
            let mut compared = 0;
            for seed in 0..6 {
                if let Some((slope, difference)) = slopes(&make, masked, penalty, seed)? {
                    let bound = 1e-8 * (1.0 + slope.abs());
                    let off = (slope - difference).abs();
                    assert!(off < bound, "{name}, masked {masked}: {slope} {difference}");
                    compared += 1;
                }
            }
            assert!(compared >= 3, "{name}: {compared} of 6 compared");
        }
    }
    Ok(())
}

/// HAM descends nothing: its step is a step of SGD and then, entry by entry, `log|x|` moves by
/// `−η(a sign(x) g + α)`.
#[test]
fn the_step_of_ham_is_that_of_its_formula() -> Result<()> {
    const A: f64 = 20.0;
    let network = network()?;
    let (weights, _) = slots(&network);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut numbers =
        |len: usize| -> Vec<f64> { (0..len).map(|_| rng.random_range(-1.0..1.0)).collect() };
    let (images, start) = (numbers(BATCH * 50), numbers(network.parameter_count()));
    for masked in [false, true] {
        let keep = masked.then(|| (0..network.weight_count()).map(|i| (i % 2) as u8).collect());
        let (network, weights, images) = (network.clone(), weights.clone(), images.clone());
        let labels = (0..BATCH as u32).map(|i| i % 3).collect();
        let problem = Problem { network, weights, images, labels, keep };
        let mut x = start.clone();
        let mut method = HamMethod::new(A, State::new(problem.network.weight_count(), &SGD));
        method.start(&problem.weights, (&mut x).into())?;
        method.weights(&problem.step(), (&mut x).into())?;
        let (before, mut g) = (x.clone(), vec![0.0; x.len()]);
        problem.loss(&x, &mut g)?;
        let gradient = g.clone();
        assert_eq!(method.update(&problem.step(), (&mut g).into(), (&mut x).into())?, None);
        let kept = |i: usize| problem.keep.as_ref().is_none_or(|keep| keep[i] == 1);
        for slot in &problem.weights {
            for (at, packed) in slot.at.clone().zip(slot.packed.clone()) {
                let stepped = before[at] - RATE * (gradient[at] + DECAY * before[at]);
                let exponent = -RATE * (A * stepped.signum() * gradient[at] + STRENGTH);
                let expected = if kept(packed) { stepped * exponent.exp() } else { 0.0 };
                assert!((x[at] - expected).abs() < 1e-15 * 8.0, "{} {expected}", x[at]);
            }
        }
    }
    Ok(())
}
