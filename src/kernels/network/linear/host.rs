//! Products of matrices on this processor.

use super::Linear;
use crate::{
    Result,
    kernels::{check::check_len, network::Real},
};

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
            y.chunks_exact_mut(o).for_each(|y| y.copy_from_slice(bias));
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
pub(in crate::kernels::network) struct Matrix<'a, T> {
    pub(in crate::kernels::network) numbers: &'a [T],
    /// From one row, one column to the next.
    pub(in crate::kernels::network) row: usize,
    pub(in crate::kernels::network) column: usize,
}

impl<T> Matrix<'_, T> {
    pub(in crate::kernels::network) fn transposed(self) -> Self {
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
pub(in crate::kernels::network) fn product_alone<T: Real>(
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
