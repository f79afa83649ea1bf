//! One training step (forward, backward, SGD with momentum) at batch 128, plain and m⊙w in turn, so
//! that the noise of the machine does not decide between them:
//! `cargo bench -p mirrorflow-deep --bench step [-- NETWORK]`. `peers/step.py` does the same in
//! PyTorch; run both in one go and compare ratios.
//!
//! Prints the best and the median of each, the ratio of m⊙w to plain of neighbouring steps, and the
//! peak memory of the process so far (Linux).

#![allow(missing_docs)]

use std::time::Instant;

use mirrorflow::{
    Result,
    kernels::{
        array::Buffer,
        mask_weight::{Optimizer, Sgd},
    },
};
use mirrorflow_deep::{
    engine::{Mode, Model},
    method::{Factors, Kind, Method, Plain, Slot, State, Step, Variable, slots, update_rest},
    network::{Network, Shape, named},
};

const BATCH: usize = 128;
const WARM: usize = 3;

/// A network that is trained one way.
struct Trained {
    model: Model<f32>,
    method: Box<dyn Method<f32>>,
    slots: (Vec<Slot>, Vec<Slot>),
    rest: State<f32>,
    x: Buffer<f32>,
    gradient: Buffer<f32>,
    steps: u64,
}

fn sgd() -> Optimizer {
    Optimizer::Sgd(Sgd { rate: 0.01, momentum: 0.9, nesterov: false })
}

impl Trained {
    fn new(network: &Network, factors: bool) -> Result<Self> {
        let (optimizer, len) = (sgd(), network.weight_count());
        let variable = || Variable::<f32>::new(len, &optimizer);
        let mut method: Box<dyn Method<f32>> = if factors {
            Box::new(Factors::new(Kind::Decay, 1.0, variable(), variable()))
        } else {
            Box::new(Plain::new(false, State::new(len, &optimizer)))
        };
        let mut x = Buffer::<f32>::new(network.parameter_count());
        x.iter_mut().enumerate().for_each(|(i, x)| *x = 0.05 * (i as f32 * 0.7).sin());
        let slots = slots(network);
        method.start(&slots.0, (&mut x).into())?;
        let rest = State::new(network.parameter_count() - len, &optimizer);
        let gradient = Buffer::new(x.len());
        Ok(Self { model: Model::new(network, BATCH)?, method, slots, rest, x, gradient, steps: 0 })
    }

    /// Seconds of a step.
    fn step(&mut self, images: &[f32], labels: &[u32]) -> Result<f64> {
        let begin = Instant::now();
        self.steps += 1;
        let step = Step {
            optimizer: sgd(),
            step: self.steps,
            weight_decay: 1e-4,
            strength: 1e-4,
            factor_strength: 0.0,
            progress: 0.0,
            weights: &self.slots.0,
            keep: None,
        };
        let (x, gradient) = (&mut self.x, &mut self.gradient);
        self.model.forward(images, &*x, Mode::Train).map(|_| ())?;
        self.model.backward(labels, &*x, &mut *gradient)?;
        let rest = (&mut self.rest, &self.slots.1);
        update_rest(&step, rest.1, rest.0, (&*gradient).into(), (&mut *x).into())?;
        self.method.update(&step, gradient.into(), x.into())?;
        Ok(begin.elapsed().as_secs_f64())
    }
}

fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// Peak resident memory in MB, where the system tells.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches("kB").trim().parse::<f64>().ok().map(|kb| kb / 1024.0)
}

fn main() -> Result<()> {
    // Cargo hands `--bench` on.
    let only = std::env::args().skip(1).find(|a| !a.starts_with("--"));
    for (name, size, channels, rounds) in
        [("mlp", 28, 1, 400), ("lenet5", 28, 1, 150), ("resnet20", 32, 3, 20)]
    {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let shape = Shape { height: size, width: size, channels };
        let network = named(name, shape, 10)?;
        let images: Vec<f32> = (0..BATCH * shape.len()).map(|i| (i as f32 * 0.37).sin()).collect();
        let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
        let mut both = [Trained::new(&network, false)?, Trained::new(&network, true)?];
        let mut seconds = [Vec::new(), Vec::new()];
        for round in 0..WARM + rounds {
            for (trained, seconds) in both.iter_mut().zip(&mut seconds) {
                let one = trained.step(&images, &labels)?;
                if round >= WARM {
                    seconds.push(one);
                }
            }
        }
        let ratios = sorted(seconds[0].iter().zip(&seconds[1]).map(|(p, m)| m / p).collect());
        for (kind, seconds) in ["plain", "m⊙w"].iter().zip(seconds) {
            let s = sorted(seconds);
            println!(
                "{name} {kind}: {:.2} ms best, {:.2} median",
                1e3 * s[0],
                1e3 * s[s.len() / 2]
            );
        }
        let memory = peak().map_or("not known".into(), |mb| format!("{mb:.0} MB"));
        println!(
            "{name}: m⊙w takes {:.3} of plain (median of neighbouring steps); peak memory so far, both networks: {memory}",
            ratios[ratios.len() / 2]
        );
    }
    Ok(())
}
