//! One training step (forward, backward, SGD with momentum) at batch 128, plain and m⊙w. `peers/step.py` does the same in
//! PyTorch; run both in one go and compare ratios (benches/README.md of the root).

// The macro of criterion makes a function without documentation.
#![allow(missing_docs)]

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use mirrorflow::kernels::{
    mask_weight::{Optimizer, Sgd},
    nn::Buffer,
};
use mirrorflow_deep::{
    engine::{Mode, Model},
    method::{Factors, Kind, Method, Plain, State, Step, Variable, places},
    network::{Shape, named},
};

const BATCH: usize = 128;

fn benches(c: &mut Criterion) {
    for (name, size, channels) in [("mlp", 28, 1), ("lenet5", 28, 1), ("resnet20", 32, 3)] {
        let shape = Shape { height: size, width: size, channels };
        let network = match named(name, shape, 10) {
            Ok(network) => network,
            Err(error) => panic!("{error}"),
        };
        let optimizer = Optimizer::Sgd(Sgd { rate: 0.01, momentum: 0.9, nesterov: false });
        let (weights, _) = places(&network);
        let len = network.weight_count();
        let variable = || Variable::<f32>::new(len, &optimizer);
        let methods: [(&str, Box<dyn Method<f32>>); 2] = [
            ("plain", Box::new(Plain::new(false, State::new(len, &optimizer)))),
            ("m⊙w", Box::new(Factors::new(Kind::Decay, 1.0, variable(), variable()))),
        ];
        for (kind, mut method) in methods {
            let mut model = match Model::<f32>::new(&network, BATCH) {
                Ok(model) => model,
                Err(error) => panic!("{error}"),
            };
            let mut x = Buffer::<f32>::new(network.parameter_count());
            x.iter_mut().enumerate().for_each(|(i, x)| *x = 0.05 * (i as f32 * 0.7).sin());
            let images: Vec<f32> =
                (0..BATCH * shape.len()).map(|i| (i as f32 * 0.37).sin()).collect();
            let labels: Vec<u32> = (0..BATCH as u32).map(|i| i % 10).collect();
            let mut gradient = Buffer::<f32>::new(x.len());
            method.start(&weights, (&mut x).into()).unwrap_or_else(|e| panic!("{e}"));
            let mut number = 0;
            c.bench_function(&format!("{name} {kind}"), |b| {
                b.iter(|| {
                    number += 1;
                    let step = Step {
                        optimizer,
                        step: number,
                        weight_decay: 1e-4,
                        strength: 1e-4,
                        factor_strength: 0.0,
                        progress: 0.0,
                        weights: &weights,
                        keep: None,
                    };
                    model.forward(&images, &x, Mode::Train).map(|_| ())?;
                    model.backward(&labels, &x, &mut gradient)?;
                    method.update(&step, (&mut gradient).into(), (&mut x).into())
                });
            });
        }
    }
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(4));
    targets = benches
}
criterion_main!(all);
