//! Convolutions against the sum they are, on random shapes, and on any number of threads.

use proptest::prelude::*;

use super::{Conv2d, ConvShape};
use crate::kernels::{array::Buffer, network::Real};

/// Numbers in (−1, 1) from a seed.
fn numbers<T: Real>(len: usize, seed: u64) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::of((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
    };
    (0..len).map(|_| next()).collect()
}

/// Calls `see(x index, w index, y index)` for every product of a convolution.
fn products(s: &ConvShape, batch: usize, mut see: impl FnMut(usize, usize, usize)) {
    let (oh, ow) = (s.out_height(), s.out_width());
    for b in 0..batch {
        for (oy, ox) in (0..oh).flat_map(|y| (0..ow).map(move |x| (y, x))) {
            for (ky, kx) in (0..s.kernel).flat_map(|y| (0..s.kernel).map(move |x| (y, x))) {
                let (y, x) = (oy * s.stride + ky, ox * s.stride + kx);
                if y < s.padding || x < s.padding {
                    continue;
                }
                let (y, x) = (y - s.padding, x - s.padding);
                if y >= s.height || x >= s.width {
                    continue;
                }
                for (i, o) in (0..s.inputs).flat_map(|i| (0..s.outputs).map(move |o| (i, o))) {
                    see(
                        ((b * s.height + y) * s.width + x) * s.inputs + i,
                        ((ky * s.kernel + kx) * s.inputs + i) * s.outputs + o,
                        ((b * oh + oy) * ow + ox) * s.outputs + o,
                    );
                }
            }
        }
    }
}

/// All three results of a convolution and of the plain sums, in f64.
fn both<T: Real>(shape: ConvShape, batch: usize, seed: u64) -> [(Vec<T>, Vec<f64>); 3] {
    let conv = match Conv2d::<T>::new(shape) {
        Ok(conv) => conv,
        Err(error) => panic!("{error}"),
    };
    let (input, output, weights) = shape.lens();
    let (x, w): (Vec<T>, Vec<T>) = (numbers(batch * input, seed), numbers(weights, seed + 1));
    let (dy, bias): (Vec<T>, Vec<T>) =
        (numbers(batch * output, seed + 2), numbers(shape.outputs, seed + 3));
    let dx0: Vec<T> = numbers(batch * input, seed + 4);
    let mut scratch = Buffer::default();
    let (mut y, mut dw) = (vec![T::ZERO; batch * output], vec![T::ZERO; weights]);
    let mut dx = dx0.clone();
    assert!(conv.forward(&x, &w, Some(&bias), &mut y, &mut scratch).is_ok());
    assert!(conv.backward_input(&dy, &w, &mut dx, true, &mut scratch).is_ok());
    assert!(conv.backward_weights(&x, &dy, &mut dw, &mut scratch).is_ok());
    let mut plain_y: Vec<f64> =
        (0..batch * output).map(|i| bias[i % shape.outputs].f64()).collect();
    let (mut plain_dx, mut plain_dw) =
        (dx0.iter().map(|a| a.f64()).collect::<Vec<_>>(), vec![0.0; weights]);
    products(&shape, batch, |i, k, o| {
        plain_y[o] += x[i].f64() * w[k].f64();
        plain_dx[i] += dy[o].f64() * w[k].f64();
        plain_dw[k] += x[i].f64() * dy[o].f64();
    });
    [(y, plain_y), (dx, plain_dx), (dw, plain_dw)]
}

fn shapes() -> impl Strategy<Value = (ConvShape, usize)> {
    let sizes = (1_usize..12, 1_usize..12, 1_usize..40, 1_usize..40);
    let kernel =
        (prop::sample::select(vec![1_usize, 2, 3, 5, 7]), 1_usize..4, 0_usize..4, 1_usize..5);
    (sizes, kernel).prop_map(
        |((height, width, inputs, outputs), (kernel, stride, padding, batch))| {
            let padding = padding.max(kernel.saturating_sub(height.min(width)).div_ceil(2));
            (ConvShape { height, width, inputs, outputs, kernel, stride, padding }, batch)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// N products of numbers below 1 add up to at most N and so, in any order, with an error of at most N·N ε. A result
    /// has at most max(K²·I, K²·O, batch·pixels) + 1 terms; images of 11×11 in a frame of 3 give at
    /// most 17·17 pixels.
    #[test]
    fn a_convolution_is_its_sum((shape, batch) in shapes(), seed in 0_u64..1000) {
        let taps = shape.kernel * shape.kernel;
        let terms = (taps * shape.inputs.max(shape.outputs)).max(batch * 289) as f64 + 1.0;
        for (found, expected) in both::<f64>(shape, batch, seed) {
            for (f, e) in found.iter().zip(&expected) {
                prop_assert!((f - e).abs() <= terms * terms * f64::EPSILON, "{f} {e}");
            }
        }
        for (found, expected) in both::<f32>(shape, batch, seed) {
            for (f, e) in found.iter().zip(&expected) {
                let bound = terms * terms * f64::from(f32::EPSILON);
                prop_assert!((f64::from(*f) - e).abs() <= bound, "{f} {e}");
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let shape =
        ConvShape { height: 9, width: 8, inputs: 5, outputs: 24, kernel: 3, stride: 2, padding: 1 };
    let on = |threads: usize| match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| both::<f32>(shape, 37, 5).map(|r| r.0)),
        Err(error) => panic!("{error}"),
    };
    let one = on(1);
    assert!([2, 3, 7].into_iter().all(|threads| on(threads) == one));
}

#[test]
fn shapes_that_cannot_be_are_refused() {
    let shape =
        ConvShape { height: 2, width: 9, inputs: 1, outputs: 1, kernel: 5, stride: 1, padding: 1 };
    assert!(Conv2d::<f32>::new(shape).is_err());
    assert!(Conv2d::<f32>::new(ConvShape { stride: 0, kernel: 1, ..shape }).is_err());
    let conv = Conv2d::<f32>::new(ConvShape { kernel: 3, ..shape });
    let mut scratch = Buffer::default();
    let wrong =
        conv.and_then(|c| c.forward(&[0.0; 17], &[0.0; 9], None, &mut [0.0; 18], &mut scratch));
    assert!(wrong.is_err_and(|e| e.to_string().contains("x of a convolution")));
}
