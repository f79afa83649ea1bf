//! What a library of a device may do in place of a kernel of ours: products of matrices and convolutions.

use super::launch::Argument;

/// A product of row-major matrices, `C (+)= A B`; pointers with the strides from row to row and column to column, one of
/// which is 1 (C has 1 from column to column).
#[derive(Debug, Clone, Copy)]
pub struct Gemm {
    /// Rows of C, columns of C, terms of a sum.
    pub sizes: [usize; 3],
    /// A.
    pub a: (Argument, usize, usize),
    /// B.
    pub b: (Argument, usize, usize),
    /// C, and from row to row.
    pub c: (Argument, usize),
    /// Whether it is added to what stands in C.
    pub accumulate: bool,
    /// f64, else f32.
    pub double: bool,
}

/// One of the three sums of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Output images from images and weights.
    Forward,
    /// The gradient of the images from those of the output images.
    Input,
    /// The gradient of the weights.
    Weights,
}

/// A convolution that a library may take: NHWC images, weights as `[o, ky, kx, i]` (ours are `[ky, kx, i, o]`), no bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Which sum.
    pub part: Part,
    /// Sizes.
    pub shape: ConvShape,
    /// Images.
    pub batch: usize,
    /// f64, else f32.
    pub double: bool,
}

/// Sizes of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvShape {
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels of an input image.
    pub inputs: usize,
    /// Channels of an output image.
    pub outputs: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
    /// From one output pixel to the next, in input pixels.
    pub stride: usize,
    /// Rows and columns of zeros on each side.
    pub padding: usize,
}

impl ConvShape {
    /// Rows of an output image.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Columns of an output image.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.kernel) / self.stride + 1
    }

    /// Numbers of an input image, an output image and the weights.
    pub fn lens(&self) -> (usize, usize, usize) {
        (
            self.height * self.width * self.inputs,
            self.out_height() * self.out_width() * self.outputs,
            self.kernel * self.kernel * self.inputs * self.outputs,
        )
    }
}
