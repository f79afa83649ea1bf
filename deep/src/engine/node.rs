//! A layer at work: the kernels of its forward and backward passes.

use std::ops::Range;

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Buffer, Home, View, ViewMut},
        network::{
            Real,
            attention::{self, Attention},
            convolution::{self, Conv2d},
            linear::{self, Linear},
            norm::{Affine, batch, columns, layer},
            pointwise,
            pool::{self, Pool},
            tokens,
        },
    },
};

use super::Mode;
use crate::network::{Network, Op, conv_shape, pool_shape};

/// ε of batch norm and the weight of a new batch in its running statistics (PyTorch's defaults).
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

#[derive(Debug)]
pub(super) struct Norm<T: Real> {
    relu: bool,
    /// μ and 1/√(σ² + ε) of the batch.
    kept: (Array<T>, Array<T>),
    mean: Array<T>,
    variance: Array<T>,
}

#[derive(Debug)]
enum Kernel<T: Real> {
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
    /// Numbers of an image with the class token, and channels.
    Tokens {
        image: usize,
        channels: usize,
    },
    /// The same.
    First {
        image: usize,
        channels: usize,
    },
    /// With P of a batch.
    Attention(Attention, Array<T>),
}

/// ε of layer norm in torchvision's ViT.
const LAYER_EPSILON: f64 = 1e-6;

/// A layer with its kernel and the places of its parameters.
#[derive(Debug)]
pub(super) struct Node<T: Real> {
    kernel: Kernel<T>,
    weight: Range<usize>,
    bias: Option<Range<usize>>,
}

impl<T: Real> Node<T> {
    pub(super) fn new(
        device: &Home,
        network: &Network,
        layer: usize,
        batch: usize,
    ) -> Result<Self> {
        let of = &network.layers()[layer];
        let input = network.shape(of.input);
        let kernel = match of.op {
            Op::Conv { outputs, kernel, stride, padding, .. } => Kernel::Conv(Box::new(
                Conv2d::new(conv_shape(input, outputs, kernel, stride, padding))?,
            )),
            Op::BatchNorm { relu, .. } => {
                let zeros = || Array::zeros(device, input.channels);
                let variance = Array::from_slice(device, &vec![T::ONE; input.channels])?;
                Kernel::Norm(Norm { relu, kept: (zeros()?, zeros()?), mean: zeros()?, variance })
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
            Op::Tokens => Kernel::Tokens {
                image: (input.pixels() + 1) * input.channels,
                channels: input.channels,
            },
            Op::First => Kernel::First { image: input.len(), channels: input.channels },
            Op::Attention { heads } => {
                let (tokens, channels) = (input.pixels(), input.channels / 3);
                let attention = Attention { tokens, channels, heads };
                Kernel::Attention(attention, Array::zeros(device, batch * attention.lens().2)?)
            }
        };
        let mut parameters = network.of_layer(layer).iter().map(|p| p.range());
        let weight = parameters.next().unwrap_or(0..0);
        Ok(Self { kernel, weight, bias: parameters.next() })
    }

    /// Running mean and variance of batch norm.
    pub(super) fn statistics(&self) -> Option<(&Array<T>, &Array<T>)> {
        match &self.kernel {
            Kernel::Norm(norm) => Some((&norm.mean, &norm.variance)),
            _ => None,
        }
    }

    pub(super) fn statistics_mut(&mut self) -> Option<(&mut Array<T>, &mut Array<T>)> {
        match &mut self.kernel {
            Kernel::Norm(norm) => Some((&mut norm.mean, &mut norm.variance)),
            _ => None,
        }
    }

    /// The weight and the bias, γ and β, class token and positions: none where the layer has no
    /// such thing.
    fn parts<'p>(&self, parameters: View<'p, T>) -> (View<'p, T>, Option<View<'p, T>>) {
        let bias = self.bias.clone().map(|b| parameters.part(b));
        (parameters.part(self.weight.clone()), bias)
    }

    pub(super) fn forward(
        &mut self,
        x: View<'_, T>,
        parameters: View<'_, T>,
        residual: Option<View<'_, T>>,
        mode: Mode,
        mut y: ViewMut<'_, T>,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (weight, bias) = self.parts(parameters);
        let second = bias.unwrap_or(View::Host(&[]));
        match &mut self.kernel {
            Kernel::Conv(conv) => convolution::forward(conv, x, weight, bias, y, scratch),
            Kernel::Linear(linear) => linear::forward(linear, x, weight, bias, y),
            Kernel::Norm(norm) => {
                let affine = Affine { weight, bias: second, epsilon: EPSILON, relu: norm.relu };
                match mode {
                    Mode::Train => {
                        let running = (norm.mean.view_mut(), norm.variance.view_mut());
                        let kept = (norm.kept.0.view_mut(), norm.kept.1.view_mut());
                        let running = (running, MOMENTUM);
                        batch::train(x, affine, residual, running, kept, y, scratch)
                    }
                    Mode::Evaluate => {
                        let running = (norm.mean.view(), norm.variance.view());
                        batch::eval(x, affine, residual, running, y, scratch)
                    }
                }
            }
            Kernel::Relu => {
                pointwise::copy(x, y.again())?;
                pointwise::relu(y)
            }
            Kernel::Pool(pool) => pool::forward(pool, x, y),
            Kernel::Flatten { pixels, channels } => pointwise::flatten(x, y, *pixels, *channels),
            Kernel::LayerNorm => {
                let epsilon = LAYER_EPSILON;
                layer::forward(x, Affine { weight, bias: second, epsilon, relu: false }, y)
            }
            Kernel::Gelu => pointwise::gelu(x, y),
            Kernel::Add => {
                pointwise::copy(x, y.again())?;
                residual.map_or(Ok(()), |r| pointwise::add(r, y))
            }
            Kernel::Tokens { .. } => tokens::forward(x, weight, second, y),
            Kernel::First { image, channels } => tokens::first(x, *image, *channels, y),
            Kernel::Attention(of, p) => {
                let len = y.len() / of.lens().1 * of.lens().2;
                attention::forward(of, x, y, p.part_mut(0..len))
            }
        }
    }

    /// Gradients of the layer's own parameters. Batch norm with ReLU masks `dy` to what its
    /// residual receives.
    pub(super) fn backward_parameters(
        &mut self,
        x: View<'_, T>,
        y: View<'_, T>,
        dy: ViewMut<'_, T>,
        mut gradient: ViewMut<'_, T>,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let weight = self.weight.clone();
        if let (Kernel::Norm(_) | Kernel::LayerNorm | Kernel::Tokens { .. }, Some(bias)) =
            (&self.kernel, self.bias.clone())
        {
            // The two stand side by side.
            let sums = gradient.into_part(weight.start..bias.end).split_at(weight.len());
            return match &self.kernel {
                Kernel::Norm(norm) => {
                    let kept = (norm.kept.0.view(), norm.kept.1.view());
                    batch::backward_sums(x, y, dy, norm.relu, kept, sums, scratch)
                }
                Kernel::LayerNorm => {
                    layer::backward_sums(x, LAYER_EPSILON, dy.view(), sums, scratch)
                }
                _ => tokens::backward_sums(dy.view(), sums.0, sums.1),
            };
        }
        if let Some(bias) = self.bias.clone() {
            columns::sums(dy.view(), gradient.again().into_part(bias))?;
        }
        let dw = gradient.into_part(weight);
        match &self.kernel {
            Kernel::Conv(conv) => convolution::backward_weights(conv, x, dy.view(), dw, scratch),
            Kernel::Linear(linear) => linear::backward_weights(linear, x, dy.view(), dw),
            _ => Ok(()),
        }
    }

    /// Batch norm, ReLU, GELU and sums turn dy into dx where it stands; the others leave it.
    pub(super) fn backward_in_place(
        &mut self,
        x: View<'_, T>,
        y: View<'_, T>,
        dy: ViewMut<'_, T>,
        parameters: View<'_, T>,
        gradient: View<'_, T>,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        match &self.kernel {
            Kernel::Norm(norm) => {
                let (weight, _) = self.parts(parameters);
                let (dweight, dbias) = self.parts(gradient);
                let sums = (dweight, dbias.unwrap_or(View::Host(&[])));
                let kept = (norm.kept.0.view(), norm.kept.1.view());
                batch::backward_apply(x, dy, weight, kept, sums, scratch)
            }
            Kernel::Relu => pointwise::relu_backward(y, dy),
            Kernel::Gelu => pointwise::gelu_backward(x, dy),
            _ => Ok(()),
        }
    }

    /// `dx = …` or, with `accumulate`, `dx += …`.
    pub(super) fn backward_input(
        &mut self,
        x: View<'_, T>,
        y: View<'_, T>,
        dy: View<'_, T>,
        parameters: View<'_, T>,
        dx: ViewMut<'_, T>,
        accumulate: bool,
        scratch: &mut Buffer<T>,
    ) -> Result<()> {
        let (weight, _) = self.parts(parameters);
        match &self.kernel {
            Kernel::Conv(conv) => {
                convolution::backward_input(conv, dy, weight, dx, accumulate, scratch)
            }
            Kernel::Linear(linear) => linear::backward_input(linear, dy, weight, dx, accumulate),
            Kernel::Pool(pool) => pool::backward(pool, x, y, dy, dx, accumulate),
            Kernel::Flatten { pixels, channels } => {
                pointwise::flatten_backward(dy, dx, *pixels, *channels, accumulate)
            }
            Kernel::LayerNorm => {
                layer::backward_input(x, weight, LAYER_EPSILON, dy, dx, accumulate)
            }
            Kernel::Tokens { image, channels } => {
                tokens::backward(dy, *image, *channels, dx, accumulate)
            }
            Kernel::First { image, channels } => {
                tokens::first_backward(dy, *image, *channels, dx, accumulate)
            }
            Kernel::Attention(of, p) => {
                let len = dy.len() / of.lens().1 * of.lens().2;
                attention::backward(of, x, p.part(0..len), dy, dx)
            }
            // These have turned dy into dx where it stands.
            Kernel::Relu | Kernel::Norm(_) | Kernel::Gelu | Kernel::Add => {
                if accumulate {
                    pointwise::add(dy, dx)
                } else {
                    pointwise::copy(dy, dx)
                }
            }
        }
    }
}
