//! Layer norm, GELU and attention: gradients against finite differences in f64, along every coordinate.

use super::{attention::Attention, norm::layer::host as layer_norm, pointwise::host as pointwise};
use crate::Result;
use crate::kernels::array::Buffer;

fn numbers(len: usize, phase: f64) -> Vec<f64> {
    (0..len).map(|i| (2.7 * i as f64 + phase).sin() * 1.3).collect()
}

/// Central differences of `f` at `x` along every coordinate against `gradient`: h = 1e-5 errs by h²/6 times a third derivative
/// of at most about 10 and by rounding, ε·f/h ≈ 1e-10.
fn check(x: &[f64], gradient: &[f64], mut f: impl FnMut(&[f64]) -> Result<f64>) -> Result<()> {
    let mut moved = x.to_vec();
    for i in 0..x.len() {
        let h = 1e-5;
        let mut at = |h: f64| {
            moved[i] = x[i] + h;
            let value = f(&moved);
            moved[i] = x[i];
            value
        };
        let slope = (at(h)? - at(-h)?) / (2.0 * h);
        assert!((slope - gradient[i]).abs() < 2e-9, "{i}: {slope} {}", gradient[i]);
    }
    Ok(())
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn layer_norm_has_the_right_gradients() -> Result<()> {
    // More rows than one piece of work.
    let (rows, columns) = (37, 5);
    let (x, weight, bias) =
        (numbers(rows * columns, 0.3), numbers(columns, 1.0), numbers(columns, 2.0));
    let dy = numbers(x.len(), 4.0);
    let loss = |x: &[f64], weight: &[f64], bias: &[f64]| {
        let mut y = vec![0.0; x.len()];
        layer_norm::forward(x, weight, bias, 1e-5, &mut y)?;
        Ok(inner(&y, &dy))
    };
    let (mut dx, mut dweight, mut dbias) =
        (vec![1.0; x.len()], vec![0.0; columns], vec![0.0; columns]);
    let sums = (&mut dweight[..], &mut dbias[..]);
    layer_norm::backward_sums(&x, 1e-5, &dy, sums, &mut Buffer::default())?;
    layer_norm::backward_input(&x, &weight, 1e-5, &dy, &mut dx, true)?;
    dx.iter_mut().for_each(|d| *d -= 1.0);
    check(&x, &dx, |x| loss(x, &weight, &bias))?;
    check(&weight, &dweight, |weight| loss(&x, weight, &bias))?;
    check(&bias, &dbias, |bias| loss(&x, &weight, bias))
}

#[test]
fn gelu_is_x_times_the_normal_distribution() -> Result<()> {
    // Φ(1), Φ(−3), Φ(−6) as tabulated.
    for (x, phi) in [
        (0.0_f64, 0.5_f64),
        (1.0, 0.841_344_746_068_542_9),
        (-3.0, 1.349_898_031_630_094_5e-3),
        (-6.0, 9.865_876_450_376_98e-10),
    ] {
        let mut y = [0.0];
        pointwise::gelu(&[x], &mut y)?;
        // The series is a difference from ½: a few ε of 1; the fraction from 4 on is good to a few ε of itself.
        let bound = if x < -4.0 { 1e-14 * (x * phi).abs() } else { 1e-15 };
        assert!((y[0] - x * phi).abs() <= bound, "{x}: {}", y[0]);
    }
    let x: Vec<f64> = (0..200).map(|i| 0.07 * f64::from(i) - 7.0).collect();
    let dy = numbers(x.len(), 0.0);
    let mut dx = dy.clone();
    pointwise::gelu_backward(&x, &mut dx)?;
    check(&x, &dx, |x| {
        let mut y = vec![0.0; x.len()];
        pointwise::gelu(x, &mut y)?;
        Ok(inner(&y, &dy))
    })
}

#[test]
fn attention_has_the_right_gradient() -> Result<()> {
    for (tokens, channels, heads, batch) in [(4, 6, 2, 2), (1, 3, 1, 1), (5, 4, 4, 1)] {
        let attention = Attention { tokens, channels, heads };
        let (input, output, square) = attention.lens();
        let (qkv, dy) = (numbers(batch * input, 0.2), numbers(batch * output, 1.2));
        let loss = |qkv: &[f64]| {
            let (mut y, mut p) = (vec![0.0; batch * output], vec![0.0; batch * square]);
            attention.forward(qkv, &mut y, &mut p)?;
            Ok((inner(&y, &dy), p))
        };
        let (_, p) = loss(&qkv)?;
        assert!(p.chunks(tokens).all(|row| (row.iter().sum::<f64>() - 1.0).abs() < 1e-14));
        let mut dqkv = vec![0.0; qkv.len()];
        attention.backward(&qkv, &p, &dy, &mut dqkv)?;
        check(&qkv, &dqkv, |qkv| loss(qkv).map(|l: (f64, Vec<f64>)| l.0))?;
    }
    assert!(Attention { tokens: 2, channels: 3, heads: 2 }.check().is_err());
    Ok(())
}
