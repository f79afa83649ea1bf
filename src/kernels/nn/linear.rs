//! The linear layer `y = x Wᵀ + b`, x B×I, W O×I, y B×O, and its gradients `dx = dy W`, `dW = dyᵀ x`,
//! `db = Σ_rows dy`: 2·B·I·O flops each, by the `gemm` crate, whose threads share out the rows and columns of the
//! result but never a sum.

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

/// `sums[c] = Σ_rows a[row, c]`: the gradient of a bias. Rows are summed in chunks of a fixed size, where columns are few as many
/// rows side by side as fill vectors, and the chunks along a tree that depends on their number alone, in f64.
///
/// # Errors
/// When `a` is not a whole number of rows.
pub fn column_sums<T: Real>(a: &[T], sums: &mut [T]) -> Result<()> {
    let columns = sums.len();
    check_len("the rows of a sum of columns", a.len() % columns.max(1), 0)?;
    for (block, sums) in sums.chunks_mut(COLUMNS).enumerate() {
        let totals = tree(a, columns, block * COLUMNS, sums.len());
        sums.iter_mut().zip(totals).for_each(|(sum, total)| *sum = T::of(total));
    }
    Ok(())
}

/// Columns summed together, and rows of a leaf of the tree for one column.
const COLUMNS: usize = 32;
const LEAF: usize = 1 << 13;

/// The sums of the columns `first..first + count`.
fn tree<T: Real>(a: &[T], columns: usize, first: usize, count: usize) -> [f64; COLUMNS] {
    let (rows, leaf) = (a.len() / columns, (LEAF / count).next_power_of_two());
    if rows <= leaf {
        let mut totals = [0.0; COLUMNS];
        if count == columns {
            narrow(a, columns, &mut totals);
        } else {
            wide(a, columns, first, &mut totals[..count]);
        }
        return totals;
    }
    let (top, bottom) = a.split_at(leaf * (rows.div_ceil(leaf).next_power_of_two() / 2) * columns);
    let (mut totals, more) =
        rayon::join(|| tree(top, columns, first, count), || tree(bottom, columns, first, count));
    totals.iter_mut().zip(more).for_each(|(total, more)| *total += more);
    totals
}

/// All columns, at most [`COLUMNS`]: rows side by side.
fn narrow<T: Real>(a: &[T], columns: usize, totals: &mut [f64]) {
    let mut part = [T::ZERO; 2 * COLUMNS];
    let part = &mut part[..2 * COLUMNS / columns * columns];
    for a in a.chunks(64 * part.len()) {
        part.fill(T::ZERO);
        for a in a.chunks(part.len()) {
            part.iter_mut().zip(a).for_each(|(part, a)| *part += *a);
        }
        for part in part.chunks_exact(columns) {
            totals.iter_mut().zip(part).for_each(|(total, part)| *total += part.f64());
        }
    }
}

/// Some of the columns.
fn wide<T: Real>(a: &[T], columns: usize, first: usize, totals: &mut [f64]) {
    for a in a.chunks(64 * columns) {
        let mut part = [T::ZERO; COLUMNS];
        for a in a.chunks_exact(columns) {
            let a = &a[first..first + totals.len()];
            part.iter_mut().zip(a).for_each(|(part, a)| *part += *a);
        }
        totals.iter_mut().zip(part).for_each(|(total, part)| *total += part.f64());
    }
}

#[cfg(test)]
mod tests {
    use super::column_sums;

    #[test]
    fn sums_of_columns_are_exact_on_small_integers() {
        for (rows, columns) in
            [(1, 1), (5, 6), (3000, 6), (20_000, 1), (700, 32), (9000, 33), (130, 300)]
        {
            let entry = |i: usize| ((i * 7) % 13) as f64 - 6.0;
            let a: Vec<f32> = (0..rows * columns).map(|i| entry(i) as f32).collect();
            let mut sums = vec![f32::NAN; columns];
            assert!(column_sums(&a, &mut sums).is_ok());
            for (c, sum) in sums.iter().enumerate() {
                let exact: f64 = (0..rows).map(|r| entry(r * columns + c)).sum();
                assert_eq!(f64::from(*sum), exact, "{rows}×{columns}, column {c}");
            }
        }
        assert!(column_sums(&[1.0; 5], &mut [0.0; 2]).is_err());
    }
}
