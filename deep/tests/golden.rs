//! The engine against golden values of PyTorch (see `tests/data/README.md`).

use std::{collections::BTreeMap, fs::File, path::Path};

use mirrorflow::kernels::{
    array::{Array, Home, SharedSession},
    mask_weight::{Optimizer, Sgd},
    network::Real,
};
use mirrorflow_deep::{
    engine::{Mode, Model},
    method::{Factors, Kind, Method, Step, Variable, slots},
    network::{Network, Shape, named},
};
use mirrorflow_kernels_on_host::machines;
use ndarray_npy::NpzReader;

#[path = "golden/epoch.rs"]
mod epoch;
#[path = "golden/torchvision.rs"]
mod torchvision;

type Arrays = BTreeMap<String, Vec<f64>>;

fn read(name: &str) -> Arrays {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut npz = NpzReader::new(file).unwrap_or_else(|e| panic!("{name}: {e}"));
    let names = npz.names().unwrap_or_else(|e| panic!("{name}: {e}"));
    let mut arrays = BTreeMap::new();
    for entry in names {
        let mut read = || -> Result<Vec<f64>, ndarray_npy::ReadNpzError> {
            use ndarray::{ArrayD, IxDyn, OwnedRepr};
            if let Ok(a) = npz.by_name::<OwnedRepr<f64>, IxDyn>(&entry) {
                return Ok(a.iter().copied().collect());
            }
            if let Ok(a) = npz.by_name::<OwnedRepr<f32>, IxDyn>(&entry) {
                return Ok(a.iter().map(|a| f64::from(*a)).collect());
            }
            let a: ArrayD<i64> = npz.by_name(&entry)?;
            Ok(a.iter().map(|a| *a as f64).collect())
        };
        let values = read().unwrap_or_else(|e| panic!("{name}, {entry}: {e}"));
        arrays.insert(entry.trim_end_matches(".npy").to_owned(), values);
    }
    arrays
}

/// The name PyTorch's script gave a parameter.
fn torch_name(network: &str, name: &str) -> String {
    let layers: &[(&str, &str)] = match network {
        "mlp-small" => &[("fc1", "1"), ("fc2", "3"), ("fc3", "5")],
        "lenet5" => &[("conv1", "0"), ("conv2", "3"), ("fc1", "7"), ("fc2", "9"), ("fc3", "11")],
        _ => &[("layer1.0", "blocks.0"), ("layer2.0", "blocks.1"), ("layer3.0", "blocks.2")],
    };
    let found = layers.iter().find(|(ours, _)| name.starts_with(&format!("{ours}.")));
    let name = match found {
        Some((ours, theirs)) => format!("{theirs}{}", &name[ours.len()..]),
        None => name.to_owned(),
    };
    name.replace("downsample", "down")
}

fn gather<T: Real>(network: &Network, arrays: &Arrays, prefix: &str) -> Vec<T> {
    let mut all = vec![T::ZERO; network.parameter_count()];
    for parameter in network.parameters() {
        let values = &arrays[&format!("{prefix}::{}", torch_name(network.name(), &parameter.name))];
        let values: Vec<T> = values.iter().map(|a| T::of(*a)).collect();
        parameter.from_torch(&values, &mut all[parameter.range()]);
    }
    all
}

/// Images as NHWC.
fn images<T: Real>(arrays: &Arrays, shape: Shape) -> Vec<T> {
    let mut x = Vec::new();
    for image in arrays["x"].chunks_exact(shape.len()) {
        for (pixel, channel) in
            (0..shape.pixels()).flat_map(|p| (0..shape.channels).map(move |c| (p, c)))
        {
            x.push(T::of(image[channel * shape.pixels() + pixel]));
        }
    }
    x
}

fn close(what: &str, found: f64, expected: f64, scale: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * scale, "{what}: {found} against {expected}, off by {error:e}");
}

/// Loss, gradient, five steps and the running statistics of a network at home; errors relative to
/// the largest entry of each array.
fn against_torch<T: Real>(home: &Home, name: &str, file: &str, shape: Shape, tolerance: f64) {
    let arrays = read(file);
    let network = named(name, shape, 10).unwrap_or_else(|e| panic!("{e}"));
    let (x, t): (Vec<T>, Vec<u32>) =
        (images(&arrays, shape), arrays["t"].iter().map(|t| *t as u32).collect());
    let mut at: Vec<T> = gather(&network, &arrays, "w");
    let place = |values: &[T]| Array::from_slice(home, values).unwrap_or_else(|e| panic!("{e}"));
    let expected: Vec<T> = gather(&network, &arrays, "g");
    let mut model = Model::<T>::at(home, &network, t.len()).unwrap_or_else(|e| panic!("{e}"));
    let mut gradient = vec![T::ZERO; at.len()];
    let mut pass = |at: &[T], gradient: &mut [T]| {
        let (at, mut slopes) = (place(at), place(gradient));
        let mut go = || {
            model.forward(&x, &at, Mode::Train)?;
            let scores = model.backward(&t, &at, &mut slopes)?;
            gradient.copy_from_slice(&slopes.to_vec()?);
            Ok::<_, mirrorflow::Error>(scores.loss)
        };
        go().unwrap_or_else(|e| panic!("{e}"))
    };
    let loss = pass(&at, &mut gradient);
    close("the loss", loss, arrays["loss"][0], 1.0, tolerance);
    for parameter in network.parameters() {
        let (found, expected) = (&gradient[parameter.range()], &expected[parameter.range()]);
        let scale = expected.iter().map(|e| e.f64().abs()).fold(0.0, f64::max);
        for (f, e) in found.iter().zip(expected) {
            close(&parameter.name, f.f64(), e.f64(), scale, tolerance);
        }
    }
    // v ← 0.9 v + g + 1e-4 x (v = g at first), x ← x − 0.05 v.
    let mut velocity = vec![T::ZERO; at.len()];
    for expected in &arrays["losses"] {
        let loss = pass(&at, &mut gradient);
        close("a loss on the way", loss, *expected, 1.0, 30.0 * tolerance);
        for ((x, v), g) in at.iter_mut().zip(&mut velocity).zip(&gradient) {
            *v = T::of(0.9) * *v + *g + T::of(1e-4) * *x;
            *x -= T::of(0.05) * *v;
        }
    }
    for (name, values) in model.statistics() {
        let expected = &arrays[&format!("b::{}", torch_name(network.name(), &name))];
        let scale = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let values = values.to_vec().unwrap_or_else(|e| panic!("{e}"));
        for (f, e) in values.iter().zip(expected) {
            close(&name, f.f64(), *e, scale, 30.0 * tolerance);
        }
    }
}

/// Sums of a few thousand terms, each rounded: 1e-13 in f64 leaves a factor of about 1000·ε/√1000;
/// f32 has 2²⁹ times the ε. Steps multiply differences; 30 covers five of them at this rate.
const TIGHT: f64 = 1e-13;
const SINGLE: f64 = 5e-5;

#[test]
fn the_mlp_is_pytorch_s() {
    let shape = Shape { height: 8, width: 8, channels: 1 };
    let mut homes = vec![Home::Processor];
    for machine in machines() {
        let on = SharedSession::open(machine.as_ref()).unwrap_or_else(|e| panic!("{e}"));
        homes.push(Home::Machine(on));
    }
    for home in &homes {
        against_torch::<f64>(home, "mlp-small", "torch_mlp_f64.npz", shape, TIGHT);
        against_torch::<f32>(home, "mlp-small", "torch_mlp_f32.npz", shape, SINGLE);
    }
}

#[test]
fn lenet_is_pytorch_s() {
    let shape = Shape { height: 28, width: 28, channels: 1 };
    against_torch::<f64>(&Home::Processor, "lenet5", "torch_lenet_f64.npz", shape, TIGHT);
    against_torch::<f32>(&Home::Processor, "lenet5", "torch_lenet_f32.npz", shape, SINGLE);
}

#[test]
fn resnet_is_pytorch_s() {
    let shape = Shape { height: 16, width: 16, channels: 3 };
    against_torch::<f64>(&Home::Processor, "resnet8", "torch_resnet8_f64.npz", shape, TIGHT);
    against_torch::<f32>(&Home::Processor, "resnet8", "torch_resnet8_f32.npz", shape, SINGLE);
}

#[test]
fn the_vision_transformer_is_pytorch_s() {
    let shape = Shape { height: 8, width: 8, channels: 1 };
    against_torch::<f64>(&Home::Processor, "vit-tiny", "torch_vit_f64.npz", shape, TIGHT);
    against_torch::<f32>(&Home::Processor, "vit-tiny", "torch_vit_f32.npz", shape, SINGLE);
}

/// Loss with penalty, gradients of m, w and biases by their first plain step, and the losses of
/// five steps.
fn factors_against_torch(file: &str) -> mirrorflow::Result<()> {
    const RATE: f64 = 0.05;
    let arrays = read(file);
    let shape = Shape { height: 8, width: 8, channels: 1 };
    let network = named("mlp-small", shape, 10)?;
    let (weights, rest) = slots(&network);
    let (beta, alpha) = (arrays["beta"][0], arrays["alpha"][0]);
    let (x, t): (Vec<f64>, Vec<u32>) =
        (images(&arrays, shape), arrays["t"].iter().map(|t| *t as u32).collect());
    let of = |prefix: &str, name: &str| {
        arrays[&format!("{prefix}::{}", torch_name(network.name(), name))].clone()
    };
    let optimizer = Optimizer::Sgd(Sgd { rate: RATE, momentum: 0.0, nesterov: false });
    let variable = || Variable::<f64>::new(network.weight_count(), &optimizer);
    let mut method = Factors::new(Kind::Decay, beta, variable(), variable());
    let mut at = vec![0.0; network.parameter_count()];
    for slot in &weights {
        let (m, w) = (of("m", &slot.name), of("w", &slot.name));
        for (x, (m, w)) in at[slot.at.clone()].iter_mut().zip(m.iter().zip(&w)) {
            *x = m * w;
        }
    }
    for slot in &rest {
        at[slot.at.clone()].copy_from_slice(&of("p", &slot.name));
    }
    method.start(&weights, (&mut at).into())?;
    let mut model = Model::<f64>::new(&network, t.len())?;
    let mut gradient = vec![0.0; at.len()];
    for (number, expected) in arrays["losses"].iter().enumerate() {
        let before: Vec<Vec<f64>> = method
            .variables()
            .into_iter()
            .map(|(_, v)| v.value.to_vec())
            .collect::<mirrorflow::Result<_>>()?;
        let squares: f64 = before.iter().flatten().map(|v| v * v).sum();
        model.forward(&x, &at, Mode::Train)?;
        let loss = model.backward(&t, &at, &mut gradient)?.loss + alpha * squares;
        close("the loss", loss, *expected, 1.0, 30.0 * TIGHT);
        let step = Step {
            optimizer,
            step: number as u64 + 1,
            weight_decay: 0.0,
            strength: alpha,
            factor_strength: 0.0,
            progress: 0.0,
            weights: &weights,
            keep: None,
        };
        for slot in &rest {
            if number == 0 {
                for (g, e) in gradient[slot.at.clone()].iter().zip(of("gp", &slot.name)) {
                    close(&slot.name, *g, e, 1.0, TIGHT);
                }
            }
            for i in slot.at.clone() {
                at[i] -= RATE * gradient[i];
            }
        }
        assert_eq!(method.update(&step, (&mut gradient).into(), (&mut at).into())?, None);
        if number == 0 {
            for ((name, variable), before) in method.variables().into_iter().zip(&before) {
                let after = variable.value.to_vec()?;
                for slot in &weights {
                    let gradient = of(&format!("g{name}"), &slot.name);
                    for (i, g) in slot.packed.clone().zip(gradient) {
                        // A difference of numbers of order 1, divided by the rate.
                        close(name, (before[i] - after[i]) / RATE, g, 1.0, 20.0 * TIGHT);
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn masked_weights_are_pytorch_s() -> mirrorflow::Result<()> {
    factors_against_torch("torch_mlp_mw_f64.npz")?;
    factors_against_torch("torch_mlp_spred_mw_f64.npz")
}
