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

/// A matrix somewhere in an array.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix<'a, T> {
    pub(super) numbers: &'a [T],
    /// From one row, one column to the next.
    pub(super) row: usize,
    pub(super) column: usize,
}

impl<T> Matrix<'_, T> {
    pub(super) fn transposed(self) -> Self {
        Self { row: self.column, column: self.row, ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        let last = rows.max(1) - 1;
        rows * columns == 0 || last * self.row + (columns - 1) * self.column < self.numbers.len()
    }
}

/// `c (+)= a·b` with `[rows, inner, columns]`, c as numbers and from row to row, by all threads.
fn product<T: Real>(
    sizes: [usize; 3],
    c: &mut [T],
    accumulate: bool,
    a: (&[T], usize, usize),
    b: (&[T], usize, usize),
) {
    let matrix = |(numbers, row, column)| Matrix { numbers, row, column };
    let threads = gemm::Parallelism::Rayon(0);
    multiply(sizes, (c, sizes[2]), accumulate, matrix(a), matrix(b), threads);
}

/// The same by this thread alone.
pub(super) fn product_alone<T: Real>(
    sizes: [usize; 3],
    c: (&mut [T], usize),
    accumulate: bool,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
) {
    multiply(sizes, c, accumulate, a, b, gemm::Parallelism::None);
}

fn multiply<T: Real>(
    [rows, inner, columns]: [usize; 3],
    (c, c_row): (&mut [T], usize),
    accumulate: bool,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
    threads: gemm::Parallelism,
) {
    let target = Matrix { numbers: &*c, row: c_row, column: 1 };
    assert!(a.holds(rows, inner) && b.holds(inner, columns) && target.holds(rows, columns));
    assert!(c_row >= columns, "rows of a product must not overlap");
    // SAFETY: every entry lies inside its slice, as just checked; T is f32 or f64, which gemm knows.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            c.as_mut_ptr(),
            1,
            c_row as isize,
            accumulate,
            a.numbers.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.numbers.as_ptr(),
            b.column as isize,
            b.row as isize,
            T::ONE,
            T::ONE,
            false,
            false,
            false,
            threads,
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
