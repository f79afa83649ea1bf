//! A layer at work: the kernels of its forward and backward passes.

use std::ops::Range;

use mirrorflow::{
    Result,
    kernels::nn::{
        Buffer, Conv2d, Linear, Real,
        attention::Attention,
        batch_norm::{self, Affine, Running, Statistics},
        column_sums, layer_norm, pointwise,
        pool::Pool,
    },
};

use super::{Mode, tokens};
use crate::network::{Network, Op, conv_shape, pool_shape};

/// ε of batch norm and the weight of a new batch in its running statistics (PyTorch's defaults).
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Norm<T> {
    relu: bool,
    kept: Statistics<T>,
    mean: Buffer<T>,
    variance: Buffer<T>,
}

#[derive(Debug)]
enum Kernel<T> {
    Conv(Box<Conv2d<T>>),
    Linear(Linear),
    Norm(Norm<T>),
    Relu,
    Pool(Pool),
    Flatten {
        pixels: usize,
        channels: usize,
    },
    LayerNorm,
    Gelu,
    Add,
    Tokens {
        channels: usize,
    },
    First {
        tokens: usize,
        channels: usize,
    },
    /// With P of a batch.
    Attention(Attention, Buffer<T>),
}

/// ε of layer norm in torchvision's ViT.
const LAYER_EPSILON: f64 = 1e-6;

/// A layer with its kernel and the places of its parameters.
#[derive(Debug)]
pub(super) struct Node<T> {
    kernel: Kernel<T>,
    weight: Range<usize>,
    bias: Option<Range<usize>>,
}

impl<T: Real> Node<T> {
    pub(super) fn new(network: &Network, layer: usize, batch: usize) -> Result<Self> {
        let of = &network.layers()[layer];
        let input = network.shape(of.input);
        let kernel = match of.op {
            Op::Conv { outputs, kernel, stride, padding, .. } => Kernel::Conv(Box::new(
                Conv2d::new(conv_shape(input, outputs, kernel, stride, padding))?,
            )),
            Op::BatchNorm { relu, .. } => {
                let mut variance = Buffer::new(input.channels);
                variance.fill(T::ONE);
                let kept = Statistics::new(input.channels);
                Kernel::Norm(Norm { relu, kept, mean: Buffer::new(input.channels), variance })
            }
            Op::Linear { outputs } => Kernel::Linear(Linear { inputs: input.channels, outputs }),
            Op::Relu => Kernel::Relu,
            Op::Pool { kind, window, stride, padding } => {
                Kernel::Pool(pool_shape(input, kind, window, stride, padding))
            }
            Op::GlobalMean => Kernel::Pool(Pool::global(input.height, input.channels)),
            Op::Flatten => Kernel::Flatten { pixels: input.pixels(), channels: input.channels },
            Op::LayerNorm => Kernel::LayerNorm,
            Op::Gelu => Kernel::Gelu,
            Op::Add { .. } => Kernel::Add,
            Op::Tokens => Kernel::Tokens { channels: input.channels },
            Op::First => Kernel::First { tokens: input.pixels(), channels: input.channels },
            Op::Attention { heads } => {
                let (tokens, channels) = (input.pixels(), input.channels / 3);
                let attention = Attention { tokens, channels, heads };
                Kernel::Attention(attention, Buffer::new(batch * attention.lens().2))
            }
        };
        let mut parameters = network.of_layer(layer).iter().map(|p| p.range());
        let weight = parameters.next().unwrap_or(0..0);
        Ok(Self { kernel, weight, bias: parameters.next() })
    }

    pub(super) fn statistics(&self) -> Option<(&[T], &[T])> {
        match &self.kernel {
            Kernel::Norm(norm) => Some((&norm.mean, &norm.variance)),
            _ => None,
        }
    }

    pub(super) fn statistics_mut(&mut self) -> Option<(&mut [T], &mut [T])> {
        match &mut self.kernel {
            Kernel::Norm(norm) => Some((&mut norm.mean, &mut norm.variance)),
            _ => None,
        }
    }

    pub(super) fn forward(
        &mut self,
        x: &[T],
        parameters: &[T],
        residual: Option<&[T]>,
        mode: Mode,
        y: &mut [T],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let weight = &parameters[self.weight.clone()];
        let bias = self.bias.clone().map(|b| &parameters[b]);
        match &mut self.kernel {
            Kernel::Conv(conv) => conv.forward(x, weight, bias, y, scratch),
            Kernel::Linear(linear) => linear.forward(x, weight, bias, y),
            Kernel::Norm(norm) => {
                let bias = bias.unwrap_or(&[]);
                let affine = Affine { weight, bias, epsilon: EPSILON, relu: norm.relu };
                let (mean, variance) = (&mut norm.mean, &mut norm.variance);
                match mode {
                    Mode::Train => {
                        let running = Running { mean, variance, momentum: MOMENTUM };
                        batch_norm::forward_train(
                            x,
                            &affine,
                            residual,
                            running,
                            &mut norm.kept,
                            y,
                            scratch,
                        )
                    }
                    Mode::Evaluate => {
                        batch_norm::forward_eval(x, &affine, residual, (mean, variance), y, scratch)
                    }
                }
            }
            Kernel::Relu => {
                pointwise::copy(y, x)?;
                pointwise::relu(y);
                Ok(())
            }
            Kernel::Pool(pool) => pool.forward(x, y),
            Kernel::Flatten { pixels, channels } => pointwise::flatten(x, y, *pixels, *channels),
            Kernel::LayerNorm => {
                layer_norm::forward(x, weight, bias.unwrap_or(&[]), LAYER_EPSILON, y)
            }
            Kernel::Gelu => pointwise::gelu(x, y),
            Kernel::Add => {
                pointwise::copy(y, x)?;
                residual.map_or(Ok(()), |r| pointwise::add(y, r))
            }
            Kernel::Tokens { channels } => {
                tokens::forward(x, weight, bias.unwrap_or(&[]), *channels, y);
                Ok(())
            }
            Kernel::First { tokens, channels } => {
                tokens::first(x, *tokens, *channels, y);
                Ok(())
            }
            Kernel::Attention(attention, p) => {
                let len = y.len() / attention.lens().1 * attention.lens().2;
                attention.forward(x, y, &mut p[..len])
            }
        }
    }

    /// Gradients of the layer's own parameters. Batch norm with ReLU masks `dy` to what its residual receives.
    pub(super) fn backward_parameters(
        &mut self,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        gradient: &mut [T],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        if let Kernel::Norm(norm) = &self.kernel {
            let both = &mut gradient[self.weight.start..self.bias.as_ref().map_or(0, |b| b.end)];
            let (dweight, dbias) = both.split_at_mut(self.weight.len());
            return batch_norm::backward_sums(
                x, y, dy, norm.relu, &norm.kept, dweight, dbias, scratch,
            );
        }
        if matches!(self.kernel, Kernel::LayerNorm | Kernel::Tokens { .. }) {
            let both = &mut gradient[self.weight.start..self.bias.as_ref().map_or(0, |b| b.end)];
            let sums = both.split_at_mut(self.weight.len());
            if let Kernel::LayerNorm = self.kernel {
                return layer_norm::backward_sums(x, LAYER_EPSILON, dy, sums, scratch);
            }
            tokens::sums(dy, sums.0, sums.1);
            return Ok(());
        }
        if let Some(bias) = self.bias.clone() {
            column_sums(dy, &mut gradient[bias])?;
        }
        let dw = &mut gradient[self.weight.clone()];
        match &self.kernel {
            Kernel::Conv(conv) => conv.backward_weights(x, dy, dw, scratch),
            Kernel::Linear(linear) => linear.backward_weights(x, dy, dw),
            _ => Ok(()),
        }
    }

    /// Batch norm, ReLU, GELU and sums turn dy into dx where it stands; the others leave it.
    pub(super) fn backward_in_place(
        &mut self,
        x: &[T],
        y: &[T],
        dy: &mut [T],
        parameters: &[T],
        gradient: &[T],
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let weight = self.weight.clone();
        match &self.kernel {
            Kernel::Norm(norm) => {
                let bias = self.bias.clone().unwrap_or(0..0);
                let sums = (&gradient[weight.clone()], &gradient[bias]);
                batch_norm::backward_apply(x, dy, &parameters[weight], &norm.kept, sums, scratch)
            }
            Kernel::Relu => pointwise::relu_backward(y, dy),
            Kernel::Gelu => pointwise::gelu_backward(x, dy),
            _ => Ok(()),
        }
    }

    /// `dx = …` or, with `accumulate`, `dx += …`.
    pub(super) fn backward_input(
        &mut self,
        x: &[T],
        y: &[T],
        dy: &[T],
        parameters: &[T],
        dx: &mut [T],
        accumulate: bool,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let weight = &parameters[self.weight.clone()];
        match &self.kernel {
            Kernel::Conv(conv) => conv.backward_input(dy, weight, dx, accumulate, scratch),
            Kernel::Linear(linear) => linear.backward_input(dy, weight, dx, accumulate),
            Kernel::Pool(pool) => pool.backward(x, y, dy, dx, accumulate),
            Kernel::Flatten { pixels, channels } => {
                pointwise::flatten_backward(dy, dx, *pixels, *channels, accumulate)
            }
            Kernel::LayerNorm => {
                layer_norm::backward_input(x, weight, LAYER_EPSILON, dy, dx, accumulate)
            }
            Kernel::Tokens { channels } => {
                tokens::backward(dy, *channels, dx, accumulate);
                Ok(())
            }
            Kernel::First { tokens, channels } => {
                tokens::first_backward(dy, *tokens, *channels, dx, accumulate);
                Ok(())
            }
            Kernel::Attention(attention, p) => {
                let len = dy.len() / attention.lens().1 * attention.lens().2;
                attention.backward(x, &p[..len], dy, dx)
            }
            // These have turned dy into dx where it stands.
            Kernel::Relu | Kernel::Norm(_) | Kernel::Gelu | Kernel::Add => {
                if accumulate {
                    pointwise::add(dx, dy)
                } else {
                    pointwise::copy(dx, dy)
                }
            }
        }
    }
}
