//! Sums of columns on this processor.

use crate::{
    Result,
    kernels::{check::check_len, network::Real},
};

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
