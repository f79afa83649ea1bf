//! One epoch of each network against PyTorch's losses, step by step: same initial weights, batches,
//! optimiser and rates.
//!
//! Weights and images are made on both sides by splitmix64 (`tests/data/make_torch_epochs.py`), so
//! the file holds losses alone, of float64, and *growth*: by how much a relative perturbation of
//! all parameters, drawn anew in every step, moves each loss.
//!
//! *Tolerance.* A sum of n products computed with unit roundoff u is the exact sum of products
//! perturbed by independent relative errors, of size √n·u for the sums (Higham & Mary 2019): a
//! perturbation of the parameters as PyTorch's side measured. Two programs round, and the largest
//! of three draws falls short of the largest there is by a factor of 4 at most in practice (each
//! loss moves by a sum of many independent terms, nearly normal): `8·√n·u·growth`, n the longest
//! sum of the network. Losses are means of logarithms and have 4u of their own.

use mirrorflow::{
    Result,
    kernels::{
        mask_weight::{self, Adam, Optimizer, Sgd},
        network::Real,
    },
};
use mirrorflow_deep::{
    config::{Rate, RateShape},
    engine::{Mode, Model},
    method::{Factors, Kind, Method, Number, Plain, Slot, State, Step, Variable, slots},
    network::{Network, Role, Shape, Stem, named, resnet},
};

use super::{Arrays, images, read};

const GREY: Shape = Shape { height: 28, width: 28, channels: 1 };
const COLOUR: Shape = Shape { height: 32, width: 32, channels: 3 };
/// α and β of m⊙w.
const ALPHA: f64 = 1e-3;
const BETA: f64 = 1.0;
const STEPS: usize = 8;

/// The script's `uniform`.
pub(super) fn uniform(name: &str, count: usize) -> Vec<f64> {
    let hash = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let mut at = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let mut next = || {
        at = at.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (at ^ (at >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 * 2.0_f64.powi(-52) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

pub(super) fn initial<T: Real>(network: &Network) -> Vec<T> {
    let mut all = vec![T::ZERO; network.parameter_count()];
    for parameter in network.parameters() {
        let scale = (6.0 / parameter.fan_in() as f64).sqrt();
        let u =
            uniform(&parameter.name, parameter.len()).into_iter().map(|u| match parameter.role {
                Role::Weight => u * scale,
                Role::Embedding => 0.05 * u,
                Role::Scale => 1.0 + 0.2 * u,
                Role::Bias | Role::Shift => 0.1 * u,
            });
        let u: Vec<T> = u.map(T::of).collect();
        parameter.from_torch(&u, &mut all[parameter.range()]);
    }
    all
}

/// The pattern of the image's class, and half as much noise; NHWC.
fn data<T: Real>(count: usize, shape: Shape) -> (Vec<T>, Vec<u32>) {
    let len = shape.len();
    let (pattern, noise) = (uniform("pattern", 10 * len), uniform("noise", count * len));
    let number = |i: usize| pattern[(i / len % 10) * len + i % len] + 0.5 * noise[i];
    let x = (0..count * len).map(number).collect();
    let x = images(&Arrays::from([("x".to_owned(), x)]), shape);
    (x, (0..count as u32).map(|i| i % 10).collect())
}

struct Run {
    name: &'static str,
    network: Network,
    batch: usize,
    optimizer: Optimizer,
    weight_decay: f64,
    /// Epochs of linear warm-up.
    warmup: f64,
    shape: RateShape,
    factors: bool,
    /// The longest sum.
    terms: usize,
}

fn with_rate(optimizer: Optimizer, rate: f64) -> Optimizer {
    match optimizer {
        Optimizer::Sgd(sgd) => Optimizer::Sgd(Sgd { rate, ..sgd }),
        Optimizer::Adam(adam) => Optimizer::Adam(Adam { rate, ..adam }),
        other => other,
    }
}

fn update_rest<T: Number>(
    step: &Step<'_>,
    rest: &[Slot],
    state: &mut [[Vec<T>; 2]],
    g: &[T],
    x: &mut [T],
) -> Result<()> {
    let penalty = mask_weight::PlainPenalty { weight_decay: step.weight_decay, l1: 0.0 };
    for (slot, [a, b]) in rest.iter().zip(state) {
        let value = &mut x[slot.at.clone()];
        let parameter = mask_weight::host::Parameter { value, state: [a, b] };
        let g = &g[slot.at.clone()];
        assert!(
            mask_weight::host::update_plain(
                &step.optimizer,
                step.step,
                &penalty,
                parameter,
                g,
                None
            )?
            .is_finite()
        );
    }
    Ok(())
}

/// The losses of the epoch's steps, and then of its first batch in evaluation.
fn losses<T: Number>(run: &Run) -> Result<Vec<f64>> {
    let (network, batch) = (&run.network, run.batch);
    let (x, t) = data::<T>(batch * STEPS, network.input());
    let mut at = initial::<T>(network);
    let (weights, rest) = slots(network);
    let len = network.weight_count();
    let variable = || Variable::<T>::new(len, &run.optimizer);
    let mut method: Box<dyn Method<T>> = if run.factors {
        Box::new(Factors::new(Kind::Decay, BETA, variable(), variable()))
    } else {
        Box::new(Plain::new(false, State::new(len, &run.optimizer)))
    };
    method.start(&weights, (&mut at).into())?;
    let row = |p: &Slot, k| vec![T::ZERO; if k < run.optimizer.states() { p.at.len() } else { 0 }];
    let mut state: Vec<[Vec<T>; 2]> = rest.iter().map(|p| [row(p, 0), row(p, 1)]).collect();
    let base = match run.optimizer {
        Optimizer::Sgd(sgd) => sgd.rate,
        Optimizer::Adam(adam) => adam.rate,
        _ => 0.0,
    };
    let rate = Rate::new(base, run.warmup, 1, run.shape.clone())?;
    let mut model = Model::<T>::new(network, batch)?;
    let mut gradient = vec![T::ZERO; at.len()];
    let image = network.input().len();
    let mut losses = Vec::new();
    for (number, (x, t)) in x.chunks_exact(batch * image).zip(t.chunks_exact(batch)).enumerate() {
        model.forward(x, &at, Mode::Train)?;
        losses.push(model.backward(t, &at, &mut gradient)?.loss);
        let progress = number as f64 / STEPS as f64;
        let step = Step {
            optimizer: with_rate(run.optimizer, rate.at(progress)),
            step: number as u64 + 1,
            weight_decay: run.weight_decay,
            strength: ALPHA,
            factor_strength: 0.0,
            progress,
            weights: &weights,
            keep: None,
        };
        update_rest(&step, &rest, &mut state, &gradient, &mut at)?;
        assert_eq!(method.update(&step, (&mut gradient).into(), (&mut at).into())?, None);
    }
    model.forward(&x[..batch * image], &at, Mode::Evaluate)?;
    losses.push(model.scores(&t[..batch])?.loss);
    Ok(losses)
}

fn compare(run: &Run) -> Result<()> {
    let arrays = read("torch_epochs.npz");
    let of = |what: &str| &arrays[&format!("{}::{what}", run.name)];
    let expected = of("losses");
    let root = (run.terms as f64).sqrt();
    for (found, growth, u) in [
        (losses::<f64>(run)?, of("growth64"), f64::EPSILON / 2.0),
        (losses::<f32>(run)?, of("growth32"), f64::from(f32::EPSILON) / 2.0),
    ] {
        assert_eq!(found.len(), expected.len());
        for (k, (f, e)) in found.iter().zip(expected).enumerate() {
            let bound = 8.0 * root * u * growth[k] + 4.0 * u * e;
            let off = (f - e).abs();
            assert!(
                off <= bound,
                "{}, loss {k}: {f} against {e}, off {off:e} > {bound:e}",
                run.name
            );
        }
    }
    Ok(())
}

fn sgd(nesterov: bool) -> Optimizer {
    Optimizer::Sgd(Sgd { rate: 0.02, momentum: 0.9, nesterov })
}

fn adam(decoupled: bool) -> Optimizer {
    Optimizer::Adam(Adam { rate: 1e-3, decoupled, ..Adam::default() })
}

fn halfway() -> RateShape {
    RateShape::Step { milestones: vec![0.5], factor: 0.1 }
}

#[test]
fn an_epoch_of_the_mlp_is_pytorch_s() -> Result<()> {
    for (name, factors, warmup) in
        [("mlp", false, 0.0), ("mlp_mw", true, 0.0), ("mlp_warm", false, 0.5)]
    {
        let (optimizer, shape) = (sgd(false), RateShape::Cosine);
        let network = named("mlp", GREY, 10)?;
        let (batch, weight_decay, terms) = (128, 1e-4, 784);
        compare(&Run {
            name,
            network,
            batch,
            optimizer,
            weight_decay,
            warmup,
            shape,
            factors,
            terms,
        })?;
    }
    Ok(())
}

#[test]
fn an_epoch_of_lenet_is_pytorch_s() -> Result<()> {
    for (name, factors, weight_decay) in [("lenet5", false, 1e-4), ("lenet5_mw", true, 1e-2)] {
        let (optimizer, shape) = (adam(factors), halfway());
        let network = named("lenet5", GREY, 10)?;
        let (batch, warmup, terms) = (64, 0.0, 400);
        compare(&Run {
            name,
            network,
            batch,
            optimizer,
            weight_decay,
            warmup,
            shape,
            factors,
            terms,
        })?;
    }
    Ok(())
}

#[test]
fn an_epoch_of_residual_networks_is_pytorch_s() -> Result<()> {
    let (batch, weight_decay, warmup, factors) = (32, 5e-4, 0.0, false);
    let network = named("resnet20", COLOUR, 10)?;
    let (name, optimizer, shape, terms) = ("resnet20", sgd(true), RateShape::Cosine, 9 * 64);
    compare(&Run { name, network, batch, optimizer, weight_decay, warmup, shape, factors, terms })?;
    // ResNet-18 for CIFAR, a quarter as wide.
    let network = resnet("resnet18", COLOUR, Stem::Small, 16, &[2, 2, 2, 2], false, 10)?;
    let (name, optimizer, shape, terms) = ("resnet18", sgd(false), halfway(), 9 * 128);
    compare(&Run { name, network, batch, optimizer, weight_decay, warmup, shape, factors, terms })
}

#[test]
fn an_epoch_of_the_vision_transformer_is_pytorch_s() -> Result<()> {
    let network = named("vit-tiny", COLOUR, 10)?;
    let (optimizer, shape) = (adam(true), RateShape::Cosine);
    let (name, batch, weight_decay, warmup) = ("vit", 64, 0.05, 0.0);
    let (factors, terms) = (false, 192);
    compare(&Run { name, network, batch, optimizer, weight_decay, warmup, shape, factors, terms })
}
