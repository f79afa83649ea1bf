//! The linear layer `y = x Wᵀ + b`, x B×I, W O×I, y B×O, and its gradients `dx = dy W`, `dW = dyᵀ x`,
//! `db = Σ_rows dy`: 2·B·I·O flops each, by the `gemm` crate, whose threads share out the rows and columns of the
//! result but never a sum.

use rayon::prelude::*;

use super::{Real, check_len};
use crate::Result;

/// A linear layer of one shape.
///
/// ```
/// use mirrorflow::kernels::nn::Linear;
/// let linear = Linear { inputs: 2, outputs: 1 };
/// let mut y = [0.0; 2];
/// linear.forward(&[1.0, 2.0, 3.0, 4.0], &[10.0, 1.0], Some(&[0.5]), &mut y)?;
/// assert_eq!(y, [12.5, 34.5]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Length of a row of x.
    pub inputs: usize,
    /// Length of a row of y.
    pub outputs: usize,
}

impl Linear {
    /// `y = x Wᵀ + b`; the batch is read off y.
    ///
    /// # Errors
    /// When a length does not fit.
    pub fn forward<T: Real>(
        &self,
        x: &[T],
        w: &[T],
        bias: Option<&[T]>,
        y: &mut [T],
    ) -> Result<()> {
        let (i, o) = (self.inputs, self.outputs);
        let batch = y.len() / o;
        check_len("y of a linear layer", y.len(), batch * o)?;
        check_len("x of a linear layer", x.len(), batch * i)?;
        check_len("w of a linear layer", w.len(), i * o)?;
        if let Some(bias) = bias {
            check_len("bias of a linear layer", bias.len(), o)?;
            y.par_chunks_exact_mut(o).for_each(|y| y.copy_from_slice(bias));
        }
        product([batch, i, o], y, bias.is_some(), (x, i, 1), (w, 1, i));
        Ok(())
    }

    /// `dx = dy W`, or `dx += dy W` with `accumulate`.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn backward_input<T: Real>(
        &self,
        dy: &[T],
        w: &[T],
        dx: &mut [T],
        accumulate: bool,
    ) -> Result<()> {
        let (i, o) = (self.inputs, self.outputs);
        let batch = dy.len() / o;
        check_len("dy of a linear layer", dy.len(), batch * o)?;
        check_len("dx of a linear layer", dx.len(), batch * i)?;
        check_len("w of a linear layer", w.len(), i * o)?;
        product([batch, o, i], dx, accumulate, (dy, o, 1), (w, i, 1));
        Ok(())
    }

    /// `dW = dyᵀ x`.
    ///
    /// # Errors
    /// As [`Linear::forward`].
    pub fn backward_weights<T: Real>(&self, x: &[T], dy: &[T], dw: &mut [T]) -> Result<()> {
        let (i, o) = (self.inputs, self.outputs);
        let batch = dy.len() / o;
        check_len("dy of a linear layer", dy.len(), batch * o)?;
        check_len("x of a linear layer", x.len(), batch * i)?;
        check_len("dw of a linear layer", dw.len(), i * o)?;
        product([o, batch, i], dw, false, (dy, 1, o), (x, i, 1));
        Ok(())
    }
}

/// `c (+)= a·b` with `[rows, inner, columns]`; a and b as (numbers, row stride, column stride), c row-major.
pub(super) fn product<T: Real>(
    [rows, inner, columns]: [usize; 3],
    c: &mut [T],
    accumulate: bool,
    a: (&[T], usize, usize),
    b: (&[T], usize, usize),
) {
    let last = |rows: usize, cols: usize, s: (&[T], usize, usize)| {
        rows == 0 || cols == 0 || (rows - 1) * s.1 + (cols - 1) * s.2 < s.0.len()
    };
    assert!(last(rows, inner, a) && last(inner, columns, b) && c.len() >= rows * columns);
    // SAFETY: every entry lies inside its slice, as just checked; T is f32 or f64, which gemm knows.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            c.as_mut_ptr(),
            1,
            columns as isize,
            accumulate,
            a.0.as_ptr(),
            a.2 as isize,
            a.1 as isize,
            b.0.as_ptr(),
            b.2 as isize,
            b.1 as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(0),
        );
    }
}

/// `sums[c] = Σ_rows a[row, c]`: the gradient of a bias. Rows are summed in chunks of a fixed size, then the
/// chunks in order, in f64.
///
/// # Errors
/// When `a` is not a whole number of rows.
pub fn column_sums<T: Real>(a: &[T], sums: &mut [T]) -> Result<()> {
    let columns = sums.len();
    check_len("the rows of a sum of columns", a.len() % columns.max(1), 0)?;
    const COLUMNS: usize = 32;
    let rows = a.len() / columns.max(1);
    sums.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, sums)| {
        let (mut total, first) = ([0.0_f64; COLUMNS], chunk * COLUMNS);
        for from in (0..rows).step_by(64) {
            let mut part = [T::ZERO; COLUMNS];
            for row in from..rows.min(from + 64) {
                let a = &a[row * columns + first..][..sums.len()];
                for (part, a) in part.iter_mut().zip(a) {
                    *part += *a;
                }
            }
            for (total, part) in total.iter_mut().zip(part) {
                *total += part.f64();
            }
        }
        for (sum, total) in sums.iter_mut().zip(total) {
            *sum = T::of(total);
        }
    });
    Ok(())
}
