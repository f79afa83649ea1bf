//! The vision transformer (Dosovitskiy et al. 2021) with torchvision's names: patches by a
//! convolution, a class token and positions, blocks `x + attention(norm(x))`, `x + mlp(norm(x))`
//! with four times the channels inside, a last norm, and a linear head on the class token. No
//! dropout.

use mirrorflow::Result;

use super::{Layer, Network, Op, Shape, Value};

/// A vision transformer.
///
/// # Errors
/// When the patches do not fit the image or the heads do not divide the channels.
///
/// # Examples
/// ```
/// use mirrorflow_deep::network::{Shape, vit};
/// let image = Shape { height: 224, width: 224, channels: 3 };
/// // torchvision's vit_b_16.
/// assert_eq!(vit("b16", image, 16, 768, 12, 12, 1000)?.parameter_count(), 86_567_656);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn vit(
    name: &str,
    input: Shape,
    patch: usize,
    channels: usize,
    blocks: usize,
    heads: usize,
    classes: usize,
) -> Result<Network> {
    let mut layers: Vec<Layer> = Vec::new();
    let mut push = |name: String, op: Op, input: Value| {
        layers.push(Layer { name, op, input });
        layers.len()
    };
    let linear = |outputs| Op::Linear { outputs };
    let conv = Op::Conv { outputs: channels, kernel: patch, stride: patch, padding: 0, bias: true };
    let mut value = push("conv_proj".into(), conv, 0);
    value = push(String::new(), Op::Tokens, value);
    for block in 0..blocks {
        let of = |part: &str| format!("encoder.layers.encoder_layer_{block}.{part}");
        let norm = push(of("ln_1"), Op::LayerNorm, value);
        let qkv = push(of("self_attention.in_proj_"), linear(3 * channels), norm);
        let mixed = push(String::new(), Op::Attention { heads }, qkv);
        let mixed = push(of("self_attention.out_proj"), linear(channels), mixed);
        value = push(String::new(), Op::Add { other: value }, mixed);
        let norm = push(of("ln_2"), Op::LayerNorm, value);
        let wide = push(of("mlp.0"), linear(4 * channels), norm);
        let wide = push(String::new(), Op::Gelu, wide);
        let narrow = push(of("mlp.3"), linear(channels), wide);
        value = push(String::new(), Op::Add { other: value }, narrow);
    }
    value = push("encoder.ln".into(), Op::LayerNorm, value);
    value = push(String::new(), Op::First, value);
    push("heads.head".into(), linear(classes), value);
    Network::new(name, input, layers)
}
