//! Gradients against finite differences in f64, on random networks of all layers.

use mirrorflow::kernels::network::pool::Kind;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Mode, Model};
use crate::network::{Layer, Network, Op, Shape, Stem, resnet, vit};

fn numbers(rng: &mut ChaCha8Rng, len: usize) -> Vec<f64> {
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// The derivative along a random direction of the parameters, by the backward pass and by
/// differences.
///
/// The loss is smooth off a set of measure zero, with derivatives of order 1 along a unit direction
/// here, so central differences at h = 1e-5 err by h² ≈ 1e-10 and by rounding, ε·f/h ≈ 1e-11: a few
/// times 1e-9 with the constants. Where h and h/2 disagree by more, a kink of ReLU or of a maximum
/// lies between, and nothing is to be compared.
fn slopes(
    network: &Network,
    batch: usize,
    seed: u64,
) -> Result<Option<(f64, f64)>, mirrorflow::Error> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = Model::<f64>::new(network, batch)?;
    let x = numbers(&mut rng, batch * network.input().len());
    let labels: Vec<u32> =
        (0..batch).map(|_| rng.random_range(0..network.classes() as u32)).collect();
    let at = numbers(&mut rng, network.parameter_count());
    let mut along = numbers(&mut rng, at.len());
    let norm = along.iter().map(|a| a * a).sum::<f64>().sqrt();
    along.iter_mut().for_each(|a| *a /= norm);
    let mut gradient = vec![0.0; at.len()];
    model.forward(&x, &at, Mode::Train)?;
    model.backward(&labels, &at, &mut gradient)?;
    let slope = gradient.iter().zip(&along).map(|(g, a)| g * a).sum();
    let mut difference = |h: f64| {
        let mut loss = |h: f64| {
            let moved: Vec<f64> = at.iter().zip(&along).map(|(p, a)| p + h * a).collect();
            model.forward(&x, &moved, Mode::Train)?;
            Ok::<_, mirrorflow::Error>(model.scores(&labels)?.loss)
        };
        Ok::<_, mirrorflow::Error>((loss(h)? - loss(-h)?) / (2.0 * h))
    };
    let (wide, narrow) = (difference(1e-5)?, difference(5e-6)?);
    Ok(((wide - narrow).abs() < 1e-8).then_some((slope, narrow)))
}

/// A chain of layers ending in classes.
fn chain() -> impl Strategy<Value = Network> {
    let conv = (1_usize..10, prop::sample::select(vec![1_usize, 3, 5]), 1_usize..3, any::<bool>());
    let layer = prop_oneof![
        conv.prop_map(|(outputs, kernel, stride, bias)| {
            Op::Conv { outputs, kernel, stride, padding: kernel / 2, bias }
        }),
        any::<bool>().prop_map(|relu| Op::BatchNorm { residual: None, relu }),
        Just(Op::Relu),
        (1_usize..9).prop_map(|outputs| Op::Linear { outputs }),
        (any::<bool>(), 1_usize..3, 0_usize..2).prop_map(|(max, stride, padding)| {
            let kind = if max { Kind::Max } else { Kind::Mean };
            Op::Pool { kind, window: 2, stride, padding }
        }),
    ];
    let layers = prop::collection::vec(layer, 1..6);
    let whole = (layers, 4_usize..9, 1_usize..4, any::<bool>());
    whole.prop_filter_map("windows that fit", |(mut ops, size, channels, mean)| {
        // Something between the input and the rest, whose gradient is then needed.
        ops.insert(0, Op::Conv { outputs: 4, kernel: 3, stride: 1, padding: 1, bias: true });
        ops.extend([if mean { Op::GlobalMean } else { Op::Flatten }, Op::Linear { outputs: 3 }]);
        let layers = ops.into_iter().enumerate();
        let layers =
            layers.map(|(input, op)| Layer { name: format!("l{input}"), op, input }).collect();
        let input = Shape { height: size, width: size, channels };
        Network::new("chain", input, layers).ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_backward_pass_is_the_derivative(network in chain(), batch in 3_usize..6, seed in 0_u64..1000) {
        if let Some((slope, difference)) = slopes(&network, batch, seed).map_err(|e| TestCaseError::fail(e.to_string()))? {
            let bound = 1e-8 * (1.0 + slope.abs());
            prop_assert!((slope - difference).abs() < bound, "{slope} {difference}");
        }
    }
}

#[test]
fn residual_networks_have_the_right_derivative() -> Result<(), mirrorflow::Error> {
    let image = Shape { height: 12, width: 12, channels: 2 };
    let mut compared = 0;
    for (stem, bottleneck) in [(Stem::Small, false), (Stem::Small, true), (Stem::Large, false)] {
        let network = resnet("r", image, stem, 4, &[2, 2], bottleneck, 5)?;
        for seed in 0..8 {
            if let Some((slope, difference)) = slopes(&network, 4, seed)? {
                assert!(
                    (slope - difference).abs() < 1e-8 * (1.0 + slope.abs()),
                    "{slope} {difference}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 12, "{compared} of 24 compared");
    Ok(())
}

#[test]
fn vision_transformers_have_the_right_derivative() -> Result<(), mirrorflow::Error> {
    let image = Shape { height: 6, width: 6, channels: 2 };
    let network = vit("v", image, 3, 8, 2, 2, 4)?;
    for seed in 0..8 {
        // Smooth everywhere: every seed is compared.
        let Some((slope, difference)) = slopes(&network, 3, seed)? else { panic!("no kink") };
        assert!((slope - difference).abs() < 1e-8 * (1.0 + slope.abs()), "{slope} {difference}");
    }
    Ok(())
}

#[test]
fn a_small_batch_and_evaluation_work_in_a_large_model() -> Result<(), mirrorflow::Error> {
    let image = Shape { height: 8, width: 8, channels: 1 };
    let network = resnet("r", image, Stem::Small, 4, &[1], false, 3)?;
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let (x, at) = (numbers(&mut rng, 5 * 64), numbers(&mut rng, network.parameter_count()));
    let (mut large, mut small) = (Model::<f64>::new(&network, 9)?, Model::<f64>::new(&network, 5)?);
    for mode in [Mode::Train, Mode::Evaluate] {
        let logits = large.forward(&x, &at, mode)?.to_vec()?;
        assert_eq!(small.forward(&x, &at, mode)?.to_vec()?, logits);
    }
    // Evaluation knows nothing of the rest of the batch.
    let all = large.forward(&x, &at, Mode::Evaluate)?.to_vec()?;
    assert_eq!(small.forward(&x[..64], &at, Mode::Evaluate)?.to_vec()?, &all[..3]);
    assert!(large.forward(&x[..63], &at, Mode::Train).is_err());
    assert!(large.scores(&[0; 4]).is_err());
    assert!(large.forward(&x, &at[1..], Mode::Train).is_err());
    Ok(())
}
