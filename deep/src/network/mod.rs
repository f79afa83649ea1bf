//! Networks as data: a list of layers, each naming the values it reads. Shapes, parameters, memory
//! and checkpoints all follow from the list.

mod catalogue;
mod layer;
mod layout;
mod resnet;
mod vit;

use std::fmt;

use mirrorflow::{
    Error, Result,
    kernels::network::{
        attention::Attention,
        convolution::ConvShape,
        pool::{Kind, Pool},
    },
};

pub use catalogue::{catalogue, mlp, named};
pub use layer::{Layer, Op, Parameter, Role, Shape, Value};
pub use resnet::{Stem, resnet};
pub use vit::vit;

/// A network with all that follows from its layers.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    name: String,
    layers: Vec<Layer>,
    shapes: Vec<Shape>,
    parameters: Vec<Parameter>,
    /// Layer → its first parameter.
    first: Vec<usize>,
}

impl Network {
    /// Works out and checks all shapes.
    ///
    /// # Errors
    /// When a layer reads a value that is not made before it, or shapes do not fit (which layer,
    /// which shapes).
    ///
    /// # Examples
    /// ```
    /// use mirrorflow_deep::network::{Layer, Network, Op, Shape};
    /// let input = Shape { height: 1, width: 1, channels: 4 };
    /// let layer = Layer { name: "fc".into(), op: Op::Linear { outputs: 3 }, input: 0 };
    /// let network = Network::new("tiny", input, vec![layer])?;
    /// assert_eq!(network.parameter_count(), 15);
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn new(name: &str, input: Shape, layers: Vec<Layer>) -> Result<Self> {
        let mut network = Self {
            name: name.into(),
            layers: Vec::new(),
            shapes: vec![input],
            parameters: Vec::new(),
            first: Vec::new(),
        };
        let Some(numbers) = size([input.height, input.width, input.channels]) else {
            return Err(network.wrong("an image", LARGEST, input));
        };
        if numbers == 0 || layers.is_empty() {
            return Err(network.wrong("the network", "an input and at least one layer", "none"));
        }
        for layer in layers {
            network.push(layer)?;
        }
        for value in 1..network.layers.len() {
            let reads = |l: &Layer| l.input == value || l.op.added() == Some(value);
            if !network.layers[value..].iter().any(reads) {
                let what = format!("layer {} ({})", value - 1, network.layers[value - 1].name);
                return Err(network.wrong(&what, "a later layer that reads it", "none"));
            }
        }
        Ok(network)
    }

    fn wrong(&self, what: &str, expected: &str, found: impl fmt::Display) -> Error {
        Error::Domain {
            what: format!("{}: {what}", self.name),
            expected: expected.into(),
            found: found.to_string(),
        }
    }

    fn push(&mut self, layer: Layer) -> Result<()> {
        let number = self.layers.len();
        let what = format!("layer {number} ({})", layer.name);
        let value = |v: Value| {
            self.shapes.get(v).copied().ok_or_else(|| {
                self.wrong(
                    &what,
                    &format!("an input among values 0…{number}"),
                    format!("value {v}"),
                )
            })
        };
        let input = value(layer.input)?;
        // The largest array that the layer has beside what it makes.
        let largest = match &layer.op {
            Op::Conv { outputs, kernel, .. } => {
                vec![*outputs, input.channels, *kernel, *kernel]
            }
            Op::Linear { outputs } => vec![*outputs, input.channels],
            Op::Attention { heads } => vec![*heads, input.pixels(), input.pixels()],
            _ => Vec::new(),
        };
        if size(largest.iter().copied()).is_none() {
            return Err(self.wrong(&what, LARGEST, format!("an array of {largest:?}")));
        }
        let shape = match &layer.op {
            Op::Conv { outputs, kernel, stride, padding, .. } => {
                let shape = conv_shape(input, *outputs, *kernel, *stride, *padding);
                if mirrorflow::kernels::network::convolution::Conv2d::<f32>::check(&shape).is_err()
                {
                    let right = format!(
                        "images and channels for a kernel of {kernel}×{kernel}, stride {stride}, padding {padding}"
                    );
                    return Err(self.wrong(&what, &right, input));
                }
                let (height, width) = (shape.out_height(), shape.out_width());
                Shape { height, width, channels: *outputs }
            }
            Op::BatchNorm { .. } | Op::Add { .. } => {
                if let Some(added) = layer.op.added() {
                    let other = value(added)?;
                    if other != input {
                        return Err(self.wrong(&what, &format!("a residual of {input}"), other));
                    }
                }
                input
            }
            Op::Tokens => Shape { height: input.pixels() + 1, width: 1, ..input },
            Op::First => Shape { height: 1, width: 1, ..input },
            Op::Attention { heads } => {
                let channels = input.channels / 3;
                if input.channels != 3 * channels {
                    return Err(self.wrong(&what, "channels in threes, q, k and v", input));
                }
                let attention = Attention { tokens: input.pixels(), channels, heads: *heads };
                attention.check()?;
                Shape { channels, ..input }
            }
            Op::Linear { outputs: 0 } => {
                return Err(self.wrong(&what, "at least one output", 0));
            }
            Op::Linear { outputs } => Shape { channels: *outputs, ..input },
            Op::Relu | Op::Gelu | Op::LayerNorm => input,
            Op::Pool { kind, window, stride, padding } => {
                let pool = pool_shape(input, *kind, *window, *stride, *padding);
                pool.check()?;
                Shape { height: pool.out_height(), width: pool.out_width(), ..input }
            }
            Op::GlobalMean => {
                if input.height != input.width {
                    return Err(self.wrong(&what, "a square image", input));
                }
                Shape { height: 1, width: 1, ..input }
            }
            Op::Flatten => Shape { height: 1, width: 1, channels: input.len() },
        };
        if size([shape.height, shape.width, shape.channels]).is_none() {
            return Err(self.wrong(&what, LARGEST, shape));
        }
        self.first.push(self.parameters.len());
        let mut add = |suffix: &str, shape: Vec<usize>, role: Role| {
            let offset = self.parameters.last().map_or(0, |p: &Parameter| p.offset + p.len());
            // PyTorch's attention calls its own `in_proj_weight`.
            let dot = if layer.name.is_empty() || layer.name.ends_with('_') { "" } else { "." };
            let name = format!("{}{dot}{suffix}", layer.name);
            self.parameters.push(Parameter { name, shape, role, offset });
        };
        match &layer.op {
            Op::Conv { outputs, kernel, bias, .. } => {
                add("weight", vec![*outputs, input.channels, *kernel, *kernel], Role::Weight);
                if *bias {
                    add("bias", vec![*outputs], Role::Bias);
                }
            }
            Op::BatchNorm { .. } | Op::LayerNorm => {
                add("weight", vec![input.channels], Role::Scale);
                add("bias", vec![input.channels], Role::Shift);
            }
            Op::Linear { outputs } => {
                add("weight", vec![*outputs, input.channels], Role::Weight);
                add("bias", vec![*outputs], Role::Bias);
            }
            Op::Tokens => {
                add("class_token", vec![1, 1, input.channels], Role::Embedding);
                let positions = vec![1, input.pixels() + 1, input.channels];
                add("encoder.pos_embedding", positions, Role::Embedding);
            }
            Op::Relu
            | Op::Pool { .. }
            | Op::GlobalMean
            | Op::Flatten
            | Op::Gelu
            | Op::Add { .. }
            | Op::Attention { .. }
            | Op::First => {}
        }
        self.layers.push(layer);
        self.shapes.push(shape);
        Ok(())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its layers.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The shape of a value.
    pub fn shape(&self, value: Value) -> Shape {
        self.shapes[value]
    }

    /// The shape of an input image.
    pub fn input(&self) -> Shape {
        self.shapes[0]
    }

    /// Numbers of the last value: the classes.
    pub fn classes(&self) -> usize {
        self.shapes[self.layers.len()].len()
    }

    /// All parameters, in the order of the layers.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Numbers in all parameters.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.offset + p.len())
    }

    /// Numbers in all weights, which methods may mask and prune.
    pub fn weight_count(&self) -> usize {
        self.weights().map(Parameter::len).sum()
    }

    /// The weights, which methods may mask and prune.
    pub fn weights(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter().filter(|p| p.role == Role::Weight)
    }

    /// The parameters of a layer.
    pub fn of_layer(&self, layer: usize) -> &[Parameter] {
        let end = self.first.get(layer + 1).copied().unwrap_or(self.parameters.len());
        &self.parameters[self.first[layer]..end]
    }

    /// Multiply-adds of one image through all convolutions and linear layers; a training step takes
    /// three times as many.
    pub fn multiply_adds(&self) -> usize {
        let of = |(l, layer): (usize, &Layer)| match layer.op {
            Op::Conv { .. } | Op::Linear { .. } => {
                self.shapes[l + 1].pixels() * self.of_layer(l)[0].len()
            }
            _ => 0,
        };
        self.layers.iter().enumerate().map(of).sum()
    }
}

/// What any image, value or array of weights must be: sums and bytes of what is smaller are numbers
/// too.
const LARGEST: &str = "fewer than 2^40 numbers";

/// The product, where it is below 2⁴⁰.
fn size(sides: impl IntoIterator<Item = usize>) -> Option<usize> {
    let product = sides.into_iter().try_fold(1_usize, |a, b| a.checked_mul(b));
    product.filter(|n| *n < 1 << 40)
}

pub(crate) fn conv_shape(
    input: Shape,
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> ConvShape {
    let Shape { height, width, channels } = input;
    ConvShape { height, width, inputs: channels, outputs, kernel, stride, padding }
}

pub(crate) fn pool_shape(
    input: Shape,
    kind: Kind,
    window: usize,
    stride: usize,
    padding: usize,
) -> Pool {
    let Shape { height, width, channels } = input;
    Pool { kind, height, width, channels, window, stride, padding }
}

#[cfg(test)]
mod tests;
