//! Pooling of NHWC images with K×K windows at a stride: the largest entry (frame of −∞), the mean (frame of zeros, which
//! count), or the mean of a whole image; PyTorch's `max_pool2d`, `avg_pool2d`, `adaptive_avg_pool2d(1)`.
//! The gradient of a maximum goes to the first entry of the window that attains it.

use rayon::prelude::*;

use crate::kernels::check::check_len;
use crate::kernels::network::Real;
use crate::{Error, Result};

/// What is taken of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The largest entry.
    Max,
    /// The mean.
    Mean,
}

/// Pooling of one shape.
///
/// ```
/// use mirrorflow::kernels::network::pool::{Kind, Pool};
/// let pool = Pool { kind: Kind::Max, height: 2, width: 2, channels: 1, window: 2, stride: 2, padding: 0 };
/// let (mut y, mut dx) = ([0.0], [0.0; 4]);
/// pool.forward(&[1.0, 4.0, 3.0, 2.0], &mut y)?;
/// pool.backward(&[1.0, 4.0, 3.0, 2.0], &y, &[7.0], &mut dx, false)?;
/// assert_eq!((y, dx), ([4.0], [0.0, 7.0, 0.0, 0.0]));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// What is taken of a window.
    pub kind: Kind,
    /// Rows of an input image.
    pub height: usize,
    /// Columns of an input image.
    pub width: usize,
    /// Channels.
    pub channels: usize,
    /// Rows and columns of a window.
    pub window: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Rows and columns around the image; at most half a window.
    pub padding: usize,
}

/// Channels that are looked at together.
const BLOCK: usize = 32;

impl Pool {
    /// The mean of a whole image (the image must be square).
    pub fn global(size: usize, channels: usize) -> Self {
        let kind = Kind::Mean;
        Self { kind, height: size, width: size, channels, window: size, stride: size, padding: 0 }
    }

    /// Rows of an output image.
    pub fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.window) / self.stride + 1
    }

    /// Columns of an output image.
    pub fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.window) / self.stride + 1
    }

    /// Whether the sizes make sense.
    ///
    /// # Errors
    /// When a size is zero, the window does not fit or the padding exceeds half of it.
    pub fn check(&self) -> Result<()> {
        let sizes = [self.height, self.width, self.channels, self.window, self.stride];
        let framed = self.height.min(self.width) + 2 * self.padding;
        if !sizes.contains(&0) && self.window <= framed && 2 * self.padding <= self.window {
            return Ok(());
        }
        Err(Error::Domain {
            what: "the shape of a pooling".into(),
            expected: "positive sizes, a window inside the padded image and padding of at most half a window"
                .into(),
            found: format!("{self:?}"),
        })
    }

    /// `y` out of `x`.
    ///
    /// # Errors
    /// When the lengths do not fit; the batch is read off x.
    #[expect(clippy::eq_op, reason = "NaN alone is not equal to itself")]
    pub fn forward<T: Real>(&self, x: &[T], y: &mut [T]) -> Result<()> {
        let (input, output) = self.lens(x.len(), y.len())?;
        let c = self.channels;
        let share = T::of(1.0 / (self.window * self.window) as f64);
        y.par_chunks_mut(output).zip(x.par_chunks(input)).for_each(|(y, x)| {
            for (place, y) in y.chunks_exact_mut(c).enumerate() {
                y.fill(if self.kind == Kind::Max { T::of(f64::NEG_INFINITY) } else { T::ZERO });
                self.visit(place, |at| match self.kind {
                    Kind::Max => {
                        for (y, x) in y.iter_mut().zip(&x[at..at + c]) {
                            // A NaN is larger than everything and stays.
                            *y = if *x <= *y || *y != *y { *y } else { *x };
                        }
                    }
                    Kind::Mean => y.iter_mut().zip(&x[at..at + c]).for_each(|(y, x)| *y += *x),
                });
                if self.kind == Kind::Mean {
                    y.iter_mut().for_each(|y| *y = *y * share);
                }
            }
        });
        Ok(())
    }

    /// `dx` out of `dy`, with the x and y of the forward pass; `dx += …` with `accumulate`.
    ///
    /// # Errors
    /// As [`Pool::forward`].
    pub fn backward<T: Real>(
        &self,
        x: &[T],
        y: &[T],
        dy: &[T],
        dx: &mut [T],
        accumulate: bool,
    ) -> Result<()> {
        let (input, output) = self.lens(x.len(), y.len())?;
        check_len("dy of a pooling", dy.len(), y.len())?;
        check_len("dx of a pooling", dx.len(), x.len())?;
        let c = self.channels;
        let share = T::of(1.0 / (self.window * self.window) as f64);
        let images = x.par_chunks(input).zip(y.par_chunks(output)).zip(dy.par_chunks(output));
        dx.par_chunks_mut(input).zip(images).for_each(|(dx, ((x, y), dy))| {
            if !accumulate {
                dx.fill(T::ZERO);
            }
            for (place, (y, dy)) in y.chunks_exact(c).zip(dy.chunks_exact(c)).enumerate() {
                match self.kind {
                    Kind::Max => {
                        for first in (0..c).step_by(BLOCK) {
                            let block = first..c.min(first + BLOCK);
                            // What has not found its entry yet. A NaN equals nothing: its gradient is lost, its loss
                            // is NaN anyway.
                            let mut rest = [T::ZERO; BLOCK];
                            let rest = &mut rest[..block.len()];
                            rest.copy_from_slice(&dy[block.clone()]);
                            self.visit(place, |at| {
                                let at = at + block.start..at + block.end;
                                let pairs = x[at.clone()].iter().zip(&y[block.clone()]);
                                for ((dx, rest), (x, y)) in
                                    dx[at].iter_mut().zip(&mut *rest).zip(pairs)
                                {
                                    let hit = *x == *y;
                                    *dx += if hit { *rest } else { T::ZERO };
                                    *rest = if hit { T::ZERO } else { *rest };
                                }
                            });
                        }
                    }
                    Kind::Mean => self.visit(place, |at| {
                        for (dx, dy) in dx[at..at + c].iter_mut().zip(dy) {
                            *dx += *dy * share;
                        }
                    }),
                }
            }
        });
        Ok(())
    }

    /// The entries of the window of an output pixel that lie inside the image, in order.
    #[inline(always)]
    fn visit(&self, place: usize, mut see: impl FnMut(usize)) {
        let (oy, ox) = (place / self.out_width(), place % self.out_width());
        let range = |o: usize, size: usize| {
            let first = o * self.stride;
            first.max(self.padding) - self.padding
                ..(first + self.window - self.padding.min(first + self.window)).min(size)
        };
        for y in range(oy, self.height) {
            for x in range(ox, self.width) {
                see((y * self.width + x) * self.channels);
            }
        }
    }

    fn lens(&self, x: usize, y: usize) -> Result<(usize, usize)> {
        self.check()?;
        let input = self.height * self.width * self.channels;
        let output = self.out_height() * self.out_width() * self.channels;
        check_len("the last image of x of a pooling", x % input, 0)?;
        check_len("y of a pooling", y, x / input * output)?;
        Ok((input, output))
    }
}
