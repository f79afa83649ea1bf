//! Networks and methods on a device against the processor: every machine of `kernels-on-host`, and
//! each GPU that works.

use std::path::Path;

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Home, SharedSession},
        mask_weight::{Adam, Optimizer, Sgd},
        network::Real,
    },
};
use mirrorflow_deep::{
    config::Config,
    engine::{Mode, Model},
    method::{
        Continuous, Factors, HamMethod, Kind, Latent, Method, Multiplicative, Plain, Power, Slot,
        SoftThreshold, State, Step, Variable,
    },
    network::{Network, Shape, named, resnet, vit},
    setup::Setup,
    study::{self, Results, StudyConfig},
    train::{Outcome, train},
};
use mirrorflow_kernels_on_host::{Host, machines};

/// Numbers within ±½ that repeat nowhere.
fn numbers<T: Real>(len: usize, seed: f64) -> Vec<T> {
    (0..len).map(|i| T::of(0.5 * (12.9898 * i as f64 + seed).sin())).collect()
}

/// Logits, loss, gradient, running statistics and the logits of evaluation.
fn pass<T: Real>(home: &Home, network: &Network, batch: usize) -> Result<Vec<(String, Vec<T>)>> {
    let x: Vec<T> = numbers(batch * network.input().len(), 0.3);
    let labels: Vec<u32> = (0..batch).map(|b| (b * 7 % network.classes()) as u32).collect();
    let at = Array::from_slice(home, &numbers::<T>(network.parameter_count(), 1.7))?;
    let mut gradient = Array::<T>::zeros(home, at.len())?;
    // Room for more than there is: places of a batch are longer than what stands in them.
    let mut model = Model::<T>::at(home, network, batch + 1)?;
    let mut found = Vec::new();
    found.push(("logits".into(), model.forward(&x, &at, Mode::Train)?.to_vec()?));
    let scores = model.backward(&labels, &at, &mut gradient)?;
    found.push(("loss".into(), vec![T::of(scores.loss), T::of(scores.correct as f64)]));
    let gradient = gradient.to_vec()?;
    for parameter in network.parameters() {
        found.push((parameter.name.clone(), gradient[parameter.range()].to_vec()));
    }
    for (name, statistic) in model.statistics() {
        found.push((name, statistic.to_vec()?));
    }
    found.push(("evaluation".into(), model.forward(&x, &at, Mode::Evaluate)?.to_vec()?));
    Ok(found)
}

/// Errors relative to the largest entry of each array; of a gradient, whose sums may cancel in one
/// layer and not in another, to the largest of all layers.
fn agree<T: Real>(
    found: &[(String, Vec<T>)],
    expected: &[(String, Vec<T>)],
    tolerance: f64,
    who: &str,
) {
    assert_eq!(found.len(), expected.len());
    let largest = |v: &[T]| v.iter().map(|v| v.f64().abs()).fold(0.0, f64::max);
    let gradient = |name: &str| name.ends_with("weight") || name.ends_with("bias");
    let slopes = expected.iter().filter(|(name, _)| gradient(name));
    let slope = slopes.map(|(_, v)| largest(v)).fold(0.0, f64::max);
    for ((name, p), (_, q)) in found.iter().zip(expected) {
        assert_eq!(p.len(), q.len());
        let scale = if gradient(name) { slope } else { largest(q) };
        for (i, (p, q)) in p.iter().zip(q).enumerate() {
            let off = (p.f64() - q.f64()).abs();
            assert!(
                off <= tolerance * scale,
                "{who}, {name}[{i}]: {p} for {q}, off by {:e} of the largest",
                off / scale
            );
        }
    }
}

fn networks() -> Result<Vec<(Network, usize)>> {
    let image = |size, channels| Shape { height: size, width: size, channels };
    Ok(vec![
        (named("mlp-small", image(8, 1), 10)?, 5),
        (named("lenet5", image(28, 1), 10)?, 2),
        (named("resnet8", image(8, 3), 10)?, 3),
        (vit("vit", image(8, 3), 4, 12, 2, 3, 10)?, 3),
        // A stem with 7×7 at stride 2 and max pooling, and bottlenecks with 1×1 at stride 2.
        (
            resnet(
                "large",
                image(20, 2),
                mirrorflow_deep::network::Stem::Large,
                3,
                &[1, 1],
                true,
                4,
            )?,
            2,
        ),
    ])
}

/// 1e-12 in f64: sums of some thousand terms in another order, through some ten layers. Of f32,
/// which has 2²⁹ times the ε, a hundred times less than that factor says, since no sum is that long
/// there.
#[test]
fn every_machine_runs_networks_as_the_processor() -> Result<()> {
    for (network, batch) in networks()? {
        let expected = pass::<f64>(&Home::Processor, &network, batch)?;
        let single = pass::<f32>(&Home::Processor, &network, batch)?;
        for machine in machines() {
            let home = Home::on(machine.as_ref())?;
            let who = format!("{} on {}", network.name(), machine.name());
            agree(&pass::<f64>(&home, &network, batch)?, &expected, 1e-12, &who);
            agree(&pass::<f32>(&home, &network, batch)?, &single, 2e-4, &who);
        }
    }
    Ok(())
}

/// Two layers of weights among parameters of which the middle ones are something else.
fn layers() -> [Slot; 2] {
    [("a", 0..70, 0..70), ("b", 75..300, 70..295)].map(|(name, at, packed)| Slot {
        name: name.into(),
        at,
        packed,
    })
}
const N: usize = 295;

/// Every method, made of arrays at home.
fn methods<T: Real>(home: &Home, of: &Optimizer) -> Result<Vec<Box<dyn Method<T>>>> {
    let v = || Variable::at(home, N, of);
    let pair = |ham| Ok::<_, mirrorflow::Error>(Latent::factors(1.0, v()?, v()?, ham));
    let ham = Some(Multiplicative { gradient: 20.0, decay: Some(1e-3) });
    Ok(vec![
        Box::new(Plain::new(true, State::at(home, N, of)?)),
        Box::new(Factors::new(Kind::Decay, 1.0, v()?, v()?)),
        Box::new(Factors::new(Kind::MaskL1, 0.5, v()?, v()?)),
        Box::new(Factors::new(Kind::ProductL1, 0.0, v()?, v()?)),
        Box::new(Factors::new(Kind::Rescaled, 1.0, v()?, v()?)),
        Box::new(SoftThreshold::new(-3.0, Latent::plain(v()?, ham), Variable::at(home, 2, of)?)),
        Box::new(SoftThreshold::new(-3.0, pair(None)?, Variable::at(home, 2, of)?)),
        Box::new(Power::new(1.5, Latent::plain(v()?, None))?),
        Box::new(Power::new(2.0, pair(ham)?)?),
        Box::new(Continuous::new(0.05, 20.0, v()?, Latent::plain(v()?, ham))),
        Box::new(Continuous::new(0.05, 20.0, v()?, pair(None)?)),
        Box::new(HamMethod::new(20.0, State::at(home, N, of)?)),
    ])
}

/// Steps of every method with the same gradients; all it holds afterwards.
fn steps<T: Real>(home: &Home, optimizer: Optimizer, masked: bool) -> Result<Vec<Vec<T>>> {
    let weights = layers();
    let keep: Vec<u8> = (0..N).map(|i| u8::from(i % 3 != 1)).collect();
    let keep = Array::from_slice(home, &keep)?;
    let mut all = Vec::new();
    for mut method in methods::<T>(home, &optimizer)? {
        let mut x = Array::from_slice(home, &numbers::<T>(300, 0.9))?;
        method.start(&weights, x.view_mut())?;
        let mut step = Step {
            optimizer,
            step: 1,
            weight_decay: 0.03,
            strength: 0.1,
            factor_strength: 0.05,
            progress: 0.5,
            weights: &weights,
            keep: masked.then(|| keep.view()),
        };
        for number in 1..=3 {
            step.step = number;
            let mut g = Array::from_slice(home, &numbers::<T>(300, number as f64))?;
            assert_eq!(method.update(&step, g.view_mut(), x.view_mut())?, None);
        }
        method.end_of_epoch(&step, x.view_mut())?;
        method.weights(&step, x.view_mut())?;
        method.finish(&step, x.view_mut())?;
        all.push(x.to_vec()?);
        for (_, variable) in method.variables() {
            all.push(variable.value.to_vec()?);
            for state in &variable.state.0 {
                all.push(state.to_vec()?);
            }
        }
    }
    Ok(all)
}

/// Given the same gradients, every method takes the same steps to the bit.
#[test]
fn every_machine_trains_by_every_method_as_the_processor() -> Result<()> {
    let sgd = Optimizer::Sgd(Sgd { rate: 0.05, momentum: 0.9, nesterov: false });
    for optimizer in [sgd, Optimizer::Adam(Adam::default())] {
        for masked in [false, true] {
            let expected = steps::<f64>(&Home::Processor, optimizer, masked)?;
            let single = steps::<f32>(&Home::Processor, optimizer, masked)?;
            for machine in machines() {
                let home = Home::on(machine.as_ref())?;
                let found = steps::<f64>(&home, optimizer, masked)?;
                assert!(found == expected, "{}, f64", machine.name());
                let found = steps::<f32>(&home, optimizer, masked)?;
                assert!(found == single, "{}, f32", machine.name());
            }
        }
    }
    Ok(())
}

#[test]
fn a_device_without_room_says_what_to_do() -> Result<()> {
    let home = Home::on(&Host { memory: 50_000, ..Host::new(1) })?;
    let network = named("lenet5", Shape { height: 28, width: 28, channels: 1 }, 10)?;
    let why = Model::<f32>::at(&home, &network, 64).expect_err("no room").to_string();
    assert!(why.contains("out of memory") && why.contains("smaller batch"), "{why}");
    assert!(why.contains("--device cpu") && !why.contains('\n'), "{why}");
    Ok(())
}

/// A run with everything in it: pruning, rewinding, feedback, checkpoints.
const RUN: &str = "
seed = 3
[data]
set = \"digits\"
images = 64
validation = 16
[network]
name = \"mlp-small\"
[method]
name = \"pilot\"
strength = 1e-3
[optimizer]
rate = 0.05
momentum = 0.9
[train]
epochs = 2
batch = 16
[prune]
cycles = 2
keep = 0.5
rewind = \"weights\"
rewind_epoch = 1
";

fn run(home: Home, out: &Path) -> Result<Vec<Vec<f64>>> {
    let path = out.join("run.toml");
    std::fs::create_dir_all(out).and_then(|()| std::fs::write(&path, RUN)).expect("a folder");
    let mut setup = Setup::new(Config::read(&path)?, None)?;
    setup.device = home;
    let outcome = train(&setup, &out.join("run"), false, &mut |_| {})?;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome}");
    let text = std::fs::read_to_string(out.join("run/metrics.csv")).expect("metrics");
    let number = |v: &str| v.parse().unwrap_or(f64::NAN);
    Ok(text.lines().skip(1).map(|l| l.split(',').map(number).collect()).collect())
}

/// A run on a device: the metrics of the processor's to the rounding of f32, which twelve steps at
/// this rate multiply by less than a hundred; and twice the same bytes.
#[test]
fn a_run_on_a_device_is_that_of_the_processor() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let expected = run(Home::Processor, &folder.path().join("cpu"))?;
    let device = |name: &str| -> Result<_> {
        let home = Home::on(&Host::new(32))?;
        run(home, &folder.path().join(name))
    };
    let found = device("one")?;
    assert_eq!((found.len(), expected.len()), (3, 3));
    for (p, q) in found.iter().flatten().zip(expected.iter().flatten()) {
        let same = p.is_nan() && q.is_nan();
        assert!(same || (p - q).abs() <= 1e-5 * (1.0 + q.abs()), "{p} for {q}");
    }
    device("two")?;
    let bytes = |name: &str, file: &str| {
        std::fs::read(folder.path().join(name).join("run").join(file)).expect("a file")
    };
    for file in ["model.safetensors", "checkpoint.safetensors", "metrics.csv", "layers.csv"] {
        assert!(bytes("one", file) == bytes("two", file), "{file}");
    }
    Ok(())
}

/// A study with everything in it: choices, one of which diverges, pruning, seeds that choose and
/// others.
const STUDY: &str = "
[study]
seeds = [3, 5]
select = [0.5]
reference = \"PILoT\"
jobs = 2
overhead = true
[data]
set = \"digits\"
images = 64
validation = 16
[network]
name = \"mlp-small\"
[optimizer]
rate = 0.05
momentum = 0.9
[train]
epochs = 2
batch = 16
[prune]
levels = 4
[[method]]
label = \"PILoT\"
name = \"pilot\"
grid = { strength = [1e5, 1e-3] }
[[method]]
name = \"str\"
grid = { strength = [1e-3, 1e-2] }
";

fn compare(home: &Home, out: &Path) -> Result<(Results, String)> {
    let study = StudyConfig::parse(STUDY, Path::new("study.toml"))?;
    let results = study::run(&study, home, None, out, false, &mut |_| {})?;
    assert!(out.join("overhead.csv").is_file());
    Ok((results, std::fs::read_to_string(out.join("runs.csv")).expect("the runs")))
}

/// A study on a device: the choices of the processor's, and its numbers as near as those of a
/// single run. What the last run on a device left there, here a number that is not finite, is
/// nothing to the next one.
#[test]
fn a_study_on_a_device_is_that_of_the_processor() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let (expected, runs) = compare(&Home::Processor, &folder.path().join("cpu"))?;
    assert_eq!(runs.matches("diverged in epoch 1").count(), 1);
    let on = SharedSession::open(&Host::new(32))?;
    let home = Home::Machine(on.clone());
    let of = Optimizer::Sgd(Sgd { rate: 0.05, momentum: 0.9, nesterov: false });
    let mut last = Plain::<f32>::new(true, State::at(&home, N, &of)?);
    let weights = layers();
    let step = Step {
        optimizer: of,
        step: 1,
        weight_decay: 0.0,
        strength: 0.0,
        factor_strength: 0.0,
        progress: 0.0,
        weights: &weights,
        keep: None,
    };
    let mut x = Array::from_slice(&home, &[0.0; 300])?;
    let mut g = Array::from_slice(&home, &[f32::NAN; 300])?;
    last.update(&step, g.view_mut(), x.view_mut())?;
    let (found, on_device) = compare(&home, &folder.path().join("device"))?;
    let near =
        |p: f64, q: f64| (p.is_nan() && q.is_nan()) || (p - q).abs() <= 1e-5 * (1.0 + q.abs());
    assert_eq!(on_device.lines().count(), runs.lines().count());
    for (p, q) in on_device.lines().skip(1).zip(runs.lines().skip(1)) {
        let (p, q): (Vec<_>, Vec<_>) = (p.split(',').collect(), q.split(',').collect());
        // Which run and which level it is, to the letter; where it diverged, the array may be
        // another.
        assert_eq!((p.len(), &p[..4]), (q.len(), &q[..4]));
        for (p, q) in p[4..8].iter().zip(&q[4..8]) {
            let number = |v: &str| v.parse().unwrap_or(f64::NAN);
            assert!(near(number(p), number(q)), "{p} for {q}");
        }
    }
    assert_eq!(found.chosen.len(), expected.chosen.len());
    for (p, q) in found.chosen.iter().zip(&expected.chosen) {
        assert_eq!((p.method, p.choice, p.level), (q.method, q.choice, q.level));
    }
    for (p, q) in found.differences.iter().zip(&expected.differences) {
        assert!(near(p.difference.mean, q.difference.mean) && q.difference.count == 2);
    }
    Ok(())
}
