//! The networks by name.

use mirrorflow::{Error, Result, kernels::network::pool::Kind};

use super::{Layer, Network, Op, Shape, Stem, resnet, vit};

/// Names and what they are.
pub fn catalogue() -> &'static [(&'static str, &'static str)] {
    &[
        ("mlp", "linear layers of 300 and 100 neurons with ReLU (LeCun et al. 1998)"),
        ("mlp-small", "linear layers of 32 and 16 neurons with ReLU"),
        ("linear", "one linear layer"),
        ("diagonal", "one linear layer without bias: with x = m⊙w a diagonal linear network"),
        ("lenet5", "two 5×5 convolutions with pooling, three linear layers (LeCun et al. 1998)"),
        ("resnet8", "residual network of 8 layers, 8 channels wide"),
        ("resnet20", "residual network of 20 layers, 16 channels wide, for CIFAR"),
        ("resnet18", "residual network of 18 layers for CIFAR: 3×3 stem, no pooling"),
        ("resnet18-imagenet", "torchvision's resnet18"),
        ("resnet50", "torchvision's resnet50"),
        ("vit-small", "vision transformer: 8×8 patches, 6 blocks, 3 heads, 192 channels"),
        ("vit-tiny", "vision transformer: 4×4 patches, 2 blocks, 2 heads, 16 channels"),
    ]
}

/// The network of this name for images of this shape.
///
/// # Errors
/// When there is no such network or the image does not fit it.
///
/// # Examples
/// ```
/// use mirrorflow_deep::network::{Shape, named};
/// let image = Shape { height: 224, width: 224, channels: 3 };
/// assert_eq!(named("resnet50", image, 1000)?.parameter_count(), 25_557_032);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn named(name: &str, input: Shape, classes: usize) -> Result<Network> {
    let small =
        |width, blocks: &[usize]| resnet(name, input, Stem::Small, width, blocks, false, classes);
    match name {
        "mlp" => mlp(name, input, &[300, 100], classes),
        "mlp-small" => mlp(name, input, &[32, 16], classes),
        "linear" => mlp(name, input, &[], classes),
        "diagonal" => diagonal(input, classes),
        "lenet5" => lenet5(input, classes),
        "resnet8" => small(8, &[1, 1, 1]),
        "resnet20" => small(16, &[3, 3, 3]),
        "resnet18" => small(64, &[2, 2, 2, 2]),
        "resnet18-imagenet" => resnet(name, input, Stem::Large, 64, &[2, 2, 2, 2], false, classes),
        "resnet50" => resnet(name, input, Stem::Large, 64, &[3, 4, 6, 3], true, classes),
        "vit-small" => vit(name, input, input.height.div_ceil(8), 192, 6, 3, classes),
        "vit-tiny" => vit(name, input, input.height.div_ceil(4), 16, 2, 2, classes),
        _ => Err(Error::Domain {
            what: "the network".into(),
            expected: catalogue().iter().map(|n| n.0).collect::<Vec<_>>().join(", "),
            found: format!("{name:?}"),
        }),
    }
}

/// Linear layers with ReLU between them: `fc1, fc2, …`.
///
/// # Errors
/// When a width is 0.
pub fn mlp(name: &str, input: Shape, widths: &[usize], classes: usize) -> Result<Network> {
    let mut layers = vec![Layer { name: String::new(), op: Op::Flatten, input: 0 }];
    for (i, outputs) in widths.iter().chain([&classes]).enumerate() {
        let value = layers.len();
        if i > 0 {
            layers.push(Layer { name: String::new(), op: Op::Relu, input: value });
        }
        let (input, name) = (layers.len(), format!("fc{}", i + 1));
        layers.push(Layer { name, op: Op::Linear { outputs: *outputs }, input });
    }
    Network::new(name, input, layers)
}

/// `p = Z x` on images as rows of Z: a convolution over all of the image's numbers as the channels
/// of one pixel, which has no bias.
fn diagonal(input: Shape, classes: usize) -> Result<Network> {
    let op = Op::Conv { outputs: classes, kernel: 1, stride: 1, padding: 0, bias: false };
    let chain = [("", Op::Flatten), ("fc", op)].into_iter().enumerate();
    let layers = chain.map(|(input, (name, op))| Layer { name: name.into(), op, input }).collect();
    Network::new("diagonal", input, layers)
}

/// LeNet-5 as it is trained today: ReLU, max pooling, `conv1, conv2, fc1, fc2, fc3`. Images of
/// 28×28 get a frame of 2.
fn lenet5(input: Shape, classes: usize) -> Result<Network> {
    let conv = |outputs, padding| Op::Conv { outputs, kernel: 5, stride: 1, padding, bias: true };
    let pool = || Op::Pool { kind: Kind::Max, window: 2, stride: 2, padding: 0 };
    let ops = [
        ("conv1", conv(6, 2)),
        ("", Op::Relu),
        ("", pool()),
        ("conv2", conv(16, 0)),
        ("", Op::Relu),
        ("", pool()),
        ("", Op::Flatten),
        ("fc1", Op::Linear { outputs: 120 }),
        ("", Op::Relu),
        ("fc2", Op::Linear { outputs: 84 }),
        ("", Op::Relu),
        ("fc3", Op::Linear { outputs: classes }),
    ];
    let chain = ops.into_iter().enumerate();
    let layers = chain.map(|(input, (name, op))| Layer { name: name.into(), op, input }).collect();
    Network::new("lenet5", input, layers)
}
