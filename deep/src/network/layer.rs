//! What a network is a list of: layers, what each does, the shapes of what they read and make, and
//! their parameters.

use std::fmt;

use mirrorflow::kernels::network::pool::Kind;

/// A value of the network: 0 is the input, i + 1 what layer i makes.
pub type Value = usize;

/// Rows, columns and channels of one image; vectors have one pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// Rows × columns.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Numbers in all.
    pub fn len(&self) -> usize {
        self.pixels() * self.channels
    }

    /// Never: shapes have positive sizes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

/// What a layer does to its value.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// `y = conv(x) (+ bias)`.
    Conv {
        /// Channels made.
        outputs: usize,
        /// Rows and columns of the kernel.
        kernel: usize,
        /// From one output pixel to the next.
        stride: usize,
        /// Rows and columns of zeros around the image.
        padding: usize,
        /// Whether it has a bias.
        bias: bool,
    },
    /// Batch norm, plus another value, then ReLU, as asked.
    BatchNorm {
        /// The value added before ReLU.
        residual: Option<Value>,
        /// Whether ReLU follows.
        relu: bool,
    },
    /// `y = W x + b` on the channels of each pixel.
    Linear {
        /// Channels made.
        outputs: usize,
    },
    /// `max(x, 0)`.
    Relu,
    /// Pooling.
    Pool {
        /// What is taken of a window.
        kind: Kind,
        /// Rows and columns of a window.
        window: usize,
        /// From one window to the next.
        stride: usize,
        /// Rows and columns around the image.
        padding: usize,
    },
    /// The mean over all pixels.
    GlobalMean,
    /// The image as a vector, channel by channel as PyTorch does.
    Flatten,
    /// Layer norm of the channels of each pixel.
    LayerNorm,
    /// `x Φ(x)`.
    Gelu,
    /// The sum with another value.
    Add {
        /// The other value.
        other: Value,
    },
    /// The pixels as tokens in a column, after a class token, plus an embedding of each position.
    Tokens,
    /// Attention among the tokens; reads q, k and v side by side.
    Attention {
        /// Heads, a divisor of the channels.
        heads: usize,
    },
    /// The first token alone.
    First,
}

impl Op {
    /// The value it adds to its input.
    pub fn added(&self) -> Option<Value> {
        match self {
            Self::BatchNorm { residual, .. } => *residual,
            Self::Add { other } => Some(*other),
            _ => None,
        }
    }
}

/// A layer: its name (empty where it has no parameters), what it does, what it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The prefix of its parameters' names, as torchvision's.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// The value it reads.
    pub input: Value,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weights of a convolution or linear layer: what methods mask, penalise and prune.
    Weight,
    /// A bias.
    Bias,
    /// γ of a normalisation.
    Scale,
    /// β of a normalisation.
    Shift,
    /// A class token or the embedding of positions.
    Embedding,
}

/// One array of parameters and where it stands among all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// torchvision's name, as `layer1.0.conv1.weight`.
    pub name: String,
    /// torchvision's shape: outputs, inputs, rows, columns for convolutions. In memory convolution
    /// weights are rows × columns × inputs × outputs.
    pub shape: Vec<usize>,
    /// What it is.
    pub role: Role,
    /// Where it stands in the flat array of all parameters.
    pub offset: usize,
}

impl Parameter {
    /// Numbers in it.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Never: layers have positive sizes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its place in the flat array.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.len()
    }

    /// Inputs that meet in one output (PyTorch's fan-in).
    pub fn fan_in(&self) -> usize {
        self.shape[1..].iter().product()
    }
}
