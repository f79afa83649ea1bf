//! Residual networks (He, Zhang, Ren & Sun 2016) with torchvision's names:
//! `conv1, bn1, layer{1…}.{block}.conv1, …, fc`.
//!
//! A basic block is 3×3 – 3×3, a bottleneck 1×1 – 3×3 – 1×1 with four times the channels out and
//! the stride on its 3×3 (torchvision's form, "v1.5"); where the shape changes the shortcut is a
//! strided 1×1 convolution with batch norm.

use mirrorflow::{Result, kernels::network::pool::Kind};

use super::{Layer, Network, Op, Shape, Value};

/// How images enter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stem {
    /// 3×3 convolution, for images of about 32×32.
    Small,
    /// 7×7 convolution at stride 2 and 3×3 max pooling at stride 2, for ImageNet.
    Large,
}

/// A residual network: `blocks[g]` blocks in group g, whose width is `width·2^g`.
///
/// # Errors
/// When the image is too small for the strides.
///
/// # Examples
/// ```
/// use mirrorflow_deep::network::{Shape, Stem, resnet};
/// let image = Shape { height: 32, width: 32, channels: 3 };
/// let resnet20 = resnet("resnet20", image, Stem::Small, 16, &[3, 3, 3], false, 10)?;
/// assert_eq!(resnet20.parameter_count(), 272_474);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn resnet(
    name: &str,
    input: Shape,
    stem: Stem,
    width: usize,
    blocks: &[usize],
    bottleneck: bool,
    classes: usize,
) -> Result<Network> {
    let mut build = Builder { layers: Vec::new(), channels: width };
    let mut value = match stem {
        Stem::Small => build.conv("conv1", 0, width, 3, 1),
        Stem::Large => build.conv("conv1", 0, width, 7, 2),
    };
    value = build.norm("bn1", value, None, true);
    if stem == Stem::Large {
        value =
            build.push("", Op::Pool { kind: Kind::Max, window: 3, stride: 2, padding: 1 }, value);
    }
    for (group, count) in blocks.iter().enumerate() {
        for block in 0..*count {
            let stride = if group > 0 && block == 0 { 2 } else { 1 };
            let name = format!("layer{}.{block}", group + 1);
            value = build.block(&name, value, width << group, stride, bottleneck);
        }
    }
    value = build.push("", Op::GlobalMean, value);
    build.push("fc", Op::Linear { outputs: classes }, value);
    Network::new(name, input, build.layers)
}

struct Builder {
    layers: Vec<Layer>,
    /// Channels of the last block.
    channels: usize,
}

impl Builder {
    fn push(&mut self, name: &str, op: Op, input: Value) -> Value {
        self.layers.push(Layer { name: name.into(), op, input });
        self.layers.len()
    }

    fn conv(
        &mut self,
        name: &str,
        input: Value,
        outputs: usize,
        kernel: usize,
        stride: usize,
    ) -> Value {
        let op = Op::Conv { outputs, kernel, stride, padding: kernel / 2, bias: false };
        self.push(name, op, input)
    }

    fn norm(&mut self, name: &str, input: Value, residual: Option<Value>, relu: bool) -> Value {
        self.push(name, Op::BatchNorm { residual, relu }, input)
    }

    fn block(
        &mut self,
        name: &str,
        input: Value,
        width: usize,
        stride: usize,
        bottleneck: bool,
    ) -> Value {
        let outputs = if bottleneck { 4 * width } else { width };
        // (kernel, channels, stride) of the convolutions in a row.
        let convs = if bottleneck {
            vec![(1, width, 1), (3, width, stride), (1, outputs, 1)]
        } else {
            vec![(3, width, stride), (3, width, 1)]
        };
        let shortcut = if stride != 1 || self.channels != outputs {
            let value = self.conv(&format!("{name}.downsample.0"), input, outputs, 1, stride);
            self.norm(&format!("{name}.downsample.1"), value, None, false)
        } else {
            input
        };
        let mut value = input;
        for (i, (kernel, outputs, stride)) in convs.iter().enumerate() {
            value = self.conv(&format!("{name}.conv{}", i + 1), value, *outputs, *kernel, *stride);
            let residual = (i + 1 == convs.len()).then_some(shortcut);
            value = self.norm(&format!("{name}.bn{}", i + 1), value, residual, true);
        }
        self.channels = outputs;
        value
    }
}
