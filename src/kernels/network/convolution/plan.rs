//! A convolution as products of tiles: which numbers of an image meet which weights.
//!
//! In NHWC the inputs under one row of the kernel are contiguous, so an output pixel is a sum over few
//! *segments* (rows of the kernel) of a contiguous *run* (columns × input channels) against packed weights.
//! The input gradient is the same thing on the output gradient:
//!
//! `dx[iy] = Σ_ky dy[(iy + p − ky)/s] W[ky]` over the ky that leave no remainder. With `a = (iy + p) mod s`,
//! `q = ⌊(iy + p)/s⌋` and ky = a + s·j this is `Σ_j dy[q − j] W[a + s·j]`: for each of the s×s phases (a, b) a
//! convolution of stride 1 with the reversed taps of that phase. (Sub-pixel phases: no zero is multiplied.)

use super::ConvShape;

/// Rows and columns of zeros around an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
    /// Rows above and columns to the left.
    pub(super) before: usize,
    pub(super) padded_height: usize,
    pub(super) padded_width: usize,
}

impl Frame {
    pub(super) fn is_bare(&self) -> bool {
        self.height == self.padded_height && self.width == self.padded_width
    }

    pub(super) fn padded_len(&self) -> usize {
        self.padded_height * self.padded_width * self.channels
    }

    /// `image` with its frame of zeros into `to`.
    pub(super) fn fill<T: Copy + Default>(&self, image: &[T], to: &mut [T]) {
        let (row, wide) = (self.width * self.channels, self.padded_width * self.channels);
        let left = self.before * self.channels;
        for (y, to) in to.chunks_exact_mut(wide).enumerate() {
            match y.checked_sub(self.before).filter(|y| *y < self.height) {
                Some(y) => {
                    to[..left].fill(T::default());
                    to[left..left + row].copy_from_slice(&image[y * row..(y + 1) * row]);
                    to[left + row..].fill(T::default());
                }
                None => to.fill(T::default()),
            }
        }
    }
}

/// One convolution of stride 1 or more within a plan.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    /// For every output pixel where its first input and its first output stand.
    pub(super) pixels: Vec<(usize, usize)>,
    /// Rows of the kernel, and from one to the next in the framed image.
    pub(super) segments: usize,
    pub(super) segment_stride: usize,
    /// Kernel columns × input channels.
    pub(super) run: usize,
    /// Rows of packed weights before this pass's.
    pub(super) first_row: usize,
}

/// All passes that make an output image out of a framed input image.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) frame: Frame,
    pub(super) passes: Vec<Pass>,
    /// The kernel's (row, column) of each tap in packing order, pass after pass.
    pub(super) taps: Vec<(usize, usize)>,
    /// Channels and numbers of an output image.
    pub(super) channels: usize,
    pub(super) image: usize,
    /// Rows of packed weights in all.
    pub(super) rows: usize,
}

impl Plan {
    /// `y = conv(x)`.
    pub(super) fn forward(shape: &ConvShape) -> Self {
        let s = shape;
        let frame = Frame {
            height: s.height,
            width: s.width,
            channels: s.inputs,
            before: s.padding,
            padded_height: s.height + 2 * s.padding,
            padded_width: s.width + 2 * s.padding,
        };
        let (oh, ow) = (s.out_height(), s.out_width());
        let row = frame.padded_width * s.inputs;
        let pixels = (0..oh * ow)
            .map(|p| {
                let (y, x) = (p / ow, p % ow);
                (y * s.stride * row + x * s.stride * s.inputs, p * s.outputs)
            })
            .collect();
        let taps = (0..s.kernel * s.kernel).map(|t| (t / s.kernel, t % s.kernel)).collect();
        let pass = Pass {
            pixels,
            segments: s.kernel,
            segment_stride: row,
            run: s.kernel * s.inputs,
            first_row: 0,
        };
        let rows = s.kernel * s.kernel * s.inputs;
        Self {
            frame,
            passes: vec![pass],
            taps,
            channels: s.outputs,
            image: oh * ow * s.outputs,
            rows,
        }
    }

    /// `dx` out of `dy`.
    pub(super) fn backward(shape: &ConvShape) -> Self {
        let s = shape;
        let (oh, ow) = (s.out_height(), s.out_width());
        let before = s.kernel.div_ceil(s.stride) - 1;
        // The last q of a row, and how far beyond the last row of dy it lies.
        let beyond = |input: usize, output: usize| {
            ((input - 1 + s.padding) / s.stride).saturating_sub(output - 1)
        };
        let frame = Frame {
            height: oh,
            width: ow,
            channels: s.outputs,
            before,
            padded_height: before + oh + beyond(s.height, oh),
            padded_width: before + ow + beyond(s.width, ow),
        };
        let row = frame.padded_width * s.outputs;
        let (mut taps, mut passes) = (Vec::new(), Vec::new());
        for a in 0..s.stride {
            for b in 0..s.stride {
                let (down, across) = (taps_of(s, a), taps_of(s, b));
                let lines = |phase: usize, size: usize| {
                    (0..size).filter(move |i| (i + s.padding) % s.stride == phase)
                };
                let pixels: Vec<_> = lines(a, s.height)
                    .flat_map(|y| lines(b, s.width).map(move |x| (y, x)))
                    .map(|(y, x)| {
                        // A phase without taps reads nothing: any place will do.
                        let first = |i: usize, taps: usize| {
                            (i + s.padding) / s.stride + before + 1 - taps.max(1)
                        };
                        let (fy, fx) = (first(y, down.len()), first(x, across.len()));
                        (fy * row + fx * s.outputs, (y * s.width + x) * s.inputs)
                    })
                    .collect();
                if pixels.is_empty() {
                    continue;
                }
                passes.push(Pass {
                    pixels,
                    segments: if across.is_empty() { 0 } else { down.len() },
                    segment_stride: row,
                    run: across.len() * s.outputs,
                    first_row: taps.len() * s.outputs,
                });
                taps.extend(down.iter().flat_map(|y| across.iter().map(move |x| (*y, *x))));
            }
        }
        let (rows, image) = (taps.len() * s.outputs, s.height * s.width * s.inputs);
        Self { frame, passes, taps, channels: s.inputs, image, rows }
    }
}

/// The taps a, a + s, … of a phase, last first.
fn taps_of(shape: &ConvShape, phase: usize) -> Vec<usize> {
    let mut taps: Vec<_> = (phase..shape.kernel).step_by(shape.stride).collect();
    taps.reverse();
    taps
}
