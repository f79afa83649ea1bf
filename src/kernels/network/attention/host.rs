//! Attention on this processor.

use rayon::prelude::*;

use super::Attention;
use crate::{
    Error, Result,
    kernels::{
        array::buffer::with_scratch,
        check::check_len,
        network::{
            Real,
            linear::host::{Matrix, product_alone},
        },
    },
};

impl Attention {
    /// Whether the sizes make sense.
    ///
    /// # Errors
    /// When a size is 0 or H does not divide C.
    pub fn check(&self) -> Result<()> {
        if self.tokens > 0
            && self.channels > 0
            && self.heads > 0
            && self.channels.is_multiple_of(self.heads)
        {
            return Ok(());
        }
        Err(Error::Domain {
            what: "the shape of an attention".into(),
            expected: "positive sizes and a number of heads that divides the channels".into(),
            found: format!("{self:?}"),
        })
    }

    /// Numbers of q, k, v together, of y and of P for one image.
    pub fn lens(&self) -> (usize, usize, usize) {
        let (n, c) = (self.tokens, self.channels);
        (3 * n * c, n * c, self.heads * n * n)
    }

    /// `y` (B×N×C) and P (B×H×N×N) out of q, k, v (B×N×3C).
    ///
    /// # Errors
    /// When a length does not fit.
    ///
    /// # Examples
    /// ```
    /// use mirrorflow::kernels::network::attention::Attention;
    /// let attention = Attention { tokens: 2, channels: 1, heads: 1 };
    /// let (mut y, mut p) = ([0.0; 2], [0.0; 4]);
    /// // q = 0: every token attends to both alike.
    /// attention.forward(&[0.0, 5.0, 1.0, 0.0, -5.0, 3.0], &mut y, &mut p)?;
    /// assert_eq!((y, p), ([2.0; 2], [0.5; 4]));
    /// # Ok::<(), mirrorflow::Error>(())
    /// ```
    pub fn forward<T: Real>(&self, qkv: &[T], y: &mut [T], p: &mut [T]) -> Result<()> {
        let (input, output, square) = self.fit(qkv.len(), y.len(), p.len())?;
        let (n, c, width) = (self.tokens, self.channels, self.channels / self.heads);
        let scale = T::of(1.0 / (width as f64).sqrt());
        let images =
            qkv.par_chunks(input).zip(y.par_chunks_mut(output)).zip(p.par_chunks_mut(square));
        images.for_each(|((qkv, y), p)| {
            for (head, p) in p.chunks_exact_mut(n * n).enumerate() {
                let first = head * width;
                let part =
                    |at: usize| Matrix { numbers: &qkv[at * c + first..], row: 3 * c, column: 1 };
                product_alone([n, width, n], (p, n), false, part(0), part(1).transposed());
                for row in p.chunks_exact_mut(n) {
                    softmax(row, scale);
                }
                let p = Matrix { numbers: p, row: n, column: 1 };
                product_alone([n, n, width], (&mut y[first..], c), false, p, part(2));
            }
        });
        Ok(())
    }

    /// The gradient of q, k, v (B×N×3C) out of `dy`, with the P of the forward pass.
    ///
    /// # Errors
    /// As [`Attention::forward`].
    pub fn backward<T: Real>(&self, qkv: &[T], p: &[T], dy: &[T], dqkv: &mut [T]) -> Result<()> {
        let (input, output, square) = self.fit(qkv.len(), dy.len(), p.len())?;
        check_len("dqkv of an attention", dqkv.len(), qkv.len())?;
        let (n, c, width) = (self.tokens, self.channels, self.channels / self.heads);
        let scale = T::of(1.0 / (width as f64).sqrt());
        let images = qkv.par_chunks(input).zip(dy.par_chunks(output)).zip(p.par_chunks(square));
        images.zip(dqkv.par_chunks_mut(input)).for_each(|(((qkv, dy), p), dqkv)| {
            with_scratch(n * n, |ds| {
                for (head, p) in p.chunks_exact(n * n).enumerate() {
                    let first = head * width;
                    let part = |at: usize| Matrix {
                        numbers: &qkv[at * c + first..],
                        row: 3 * c,
                        column: 1,
                    };
                    let dy = Matrix { numbers: &dy[first..], row: c, column: 1 };
                    let weights = Matrix { numbers: p, row: n, column: 1 };
                    let to = |at: usize| at * c + first;
                    product_alone(
                        [n, n, width],
                        (&mut dqkv[to(2)..], 3 * c),
                        false,
                        weights.transposed(),
                        dy,
                    );
                    product_alone([n, width, n], (ds, n), false, dy, part(2).transposed());
                    for (ds, p) in ds.chunks_exact_mut(n).zip(p.chunks_exact(n)) {
                        let inner: f64 = ds.iter().zip(p).map(|(d, p)| (*d * *p).f64()).sum();
                        let inner = T::of(inner);
                        for (ds, p) in ds.iter_mut().zip(p) {
                            *ds = *p * (*ds - inner) * scale;
                        }
                    }
                    let ds = Matrix { numbers: &*ds, row: n, column: 1 };
                    product_alone([n, n, width], (&mut dqkv[to(0)..], 3 * c), false, ds, part(1));
                    product_alone(
                        [n, n, width],
                        (&mut dqkv[to(1)..], 3 * c),
                        false,
                        ds.transposed(),
                        part(0),
                    );
                }
            });
        });
        Ok(())
    }

    fn fit(&self, qkv: usize, y: usize, p: usize) -> Result<(usize, usize, usize)> {
        self.check()?;
        let (input, output, square) = self.lens();
        check_len("the last image of an attention", qkv % input, 0)?;
        check_len("y of an attention", y, qkv / input * output)?;
        check_len("P of an attention", p, qkv / input * square)?;
        Ok((input, output, square))
    }
}

/// `softmax(scale·row)` in place, the largest taken off first.
fn softmax<T: Real>(row: &mut [T], scale: T) {
    let top = row.iter().fold(T::of(f64::NEG_INFINITY), |a, b| if *b > a { *b } else { a });
    let mut sum = 0.0;
    for a in row.iter_mut() {
        *a = ((*a - top) * scale).exp();
        sum += a.f64();
    }
    let share = T::of(1.0 / sum);
    row.iter_mut().for_each(|a| *a = *a * share);
}
