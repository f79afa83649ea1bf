//! Sums of products with a proven error bound.
//!
//! Every product and every addition is split into its rounded value and its exact error (Dekker
//! 1971, Knuth 1969), and the errors are added up on the side (Ogita, Rump & Oishi, *Accurate sum
//! and dot product*, 2005). Lanes sum separately and are then added the same way.
//!
//! **Bound.** Let m be the number of products, `K = m + 64`, `u = 2⁻⁵³`, `S = Σ|a_i b_i|`. Errors
//! of products sum to at most `u·S`, errors of additions to at most `γ_K S`; they are added with
//! relative error `γ_K`. With `K·u ≤ 0.01` the result `hi + lo`, taken exactly, is within
//! `γ_K(γ_K + u)S ≤ 1.1 (Ku)² S`; `bound` is `4 (Ku)² S̃ + m·2⁻¹⁰²²` with the computed S̃ ≥ S/1.02,
//! the second term for products that underflow. Overflow shows as a bound that is not finite.

use super::scaled::two_sum;
use super::sums::two_product;
use crate::numerics::dispatch::dispatch;

/// `Σ a_i b_i` as `hi + lo` (unevaluated) with a proven bound on the distance to the exact value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sum {
    pub(crate) hi: f64,
    pub(crate) lo: f64,
    pub(crate) bound: f64,
}

impl Sum {
    /// The nearest float, give or take one rounding.
    pub(crate) fn value(&self) -> f64 {
        self.hi + self.lo
    }
    /// A float that is at most the exact sum; −∞ or NaN when nothing is known.
    pub(crate) fn lower(&self) -> f64 {
        (self.hi + (self.lo - self.bound).next_down()).next_down()
    }
    /// A float that is at least the exact sum; ∞ or NaN when nothing is known.
    pub(crate) fn upper(&self) -> f64 {
        (self.hi + (self.lo + self.bound).next_up()).next_up()
    }
    /// A float that is at least the magnitude of the exact sum; ∞ when nothing is known.
    pub(crate) fn magnitude(&self) -> f64 {
        let m = self.upper().max(-self.lower());
        if m.is_nan() || self.bound.is_nan() { f64::INFINITY } else { m.abs() }
    }
}

/// `u = 2⁻⁵³`.
const UNIT: f64 = f64::EPSILON / 2.0;
const LANES: usize = 8;

/// The bound of the module's head.
#[inline(always)]
fn bound(products: usize, magnitude: f64) -> f64 {
    let k = (products + 64) as f64 * UNIT;
    if k > 0.01 {
        return f64::INFINITY;
    }
    4.0 * k * k * magnitude + products as f64 * f64::MIN_POSITIVE
}

#[inline(always)]
fn dot_body<const FUSED: bool>(a: &[f64], b: &[f64], start: f64) -> Sum {
    let mut sum = [0.0; LANES];
    let mut rest = [0.0; LANES];
    let mut size = [0.0; LANES];
    let (a_blocks, a_tail) = a.as_chunks::<LANES>();
    let (b_blocks, b_tail) = b.as_chunks::<LANES>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for i in 0..LANES {
            let (p, e) = two_product::<FUSED>(x[i], y[i]);
            let (s, t) = two_sum(sum[i], p);
            sum[i] = s;
            rest[i] += t + e;
            size[i] += p.abs();
        }
    }
    let (mut hi, mut lo, mut magnitude) = (start, 0.0, start.abs());
    for (x, y) in a_tail.iter().zip(b_tail) {
        let (p, e) = two_product::<FUSED>(*x, *y);
        let (s, t) = two_sum(hi, p);
        hi = s;
        lo += t + e;
        magnitude += p.abs();
    }
    for i in 0..LANES {
        let (s, t) = two_sum(hi, sum[i]);
        hi = s;
        lo += t + rest[i];
        magnitude += size[i];
    }
    Sum { hi, lo, bound: bound(a.len() + 1, magnitude) }
}

#[inline(always)]
fn add_row_body<const FUSED: bool>(
    row: &[f64],
    m: f64,
    sum: &mut [f64],
    rest: &mut [f64],
    size: &mut [f64],
) {
    for (((z, s), r), a) in row.iter().zip(sum).zip(rest).zip(size) {
        let (p, e) = two_product::<FUSED>(*z, m);
        let (new, t) = two_sum(*s, p);
        *s = new;
        *r += t + e;
        *a += p.abs();
    }
}

dispatch!(
    fn dot_dispatched(a: &[f64], b: &[f64], start: f64) -> Sum = dot_body
);
dispatch!(
    /// One row of `Zᵀm`: adds `z_j·m` to the sum of every column j, its error to `rest` and its
    /// size to `size`.
    pub(crate) fn add_row(row: &[f64], m: f64, sum: &mut [f64], rest: &mut [f64], size: &mut [f64]) =
        add_row_body
);

/// `aᵀb`.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> Sum {
    dot_dispatched(a, b, 0.0)
}

/// `start + aᵀb`.
pub(crate) fn dot_from(start: f64, a: &[f64], b: &[f64]) -> Sum {
    dot_dispatched(a, b, start)
}

/// `Zᵀμ` for `Z` d×n row-major: one sum per column.
pub(crate) fn transposed_product(z: &[f64], n: usize, mu: &[f64]) -> Vec<Sum> {
    transposed_product_pair(z, n, mu, &[])
}

/// `Zᵀ(μ + μ')`; `tail` = μ' may be empty for 0.
pub(crate) fn transposed_product_pair(z: &[f64], n: usize, mu: &[f64], tail: &[f64]) -> Vec<Sum> {
    let mut sum = vec![0.0; n];
    let mut rest = vec![0.0; n];
    let mut size = vec![0.0; n];
    // Columns in blocks whose three running sums stay in the first-level cache.
    const BLOCK: usize = 1024;
    for from in (0..n).step_by(BLOCK) {
        let block = from..(from + BLOCK).min(n);
        let (s, r, a) =
            (&mut sum[block.clone()], &mut rest[block.clone()], &mut size[block.clone()]);
        for (i, row) in z.chunks_exact(n).enumerate() {
            let row = &row[block.clone()];
            for m in [mu.get(i), tail.get(i)].into_iter().flatten() {
                if *m != 0.0 {
                    add_row(row, *m, s, r, a);
                }
            }
        }
    }
    let products = mu.len() + tail.len();
    sum.iter()
        .zip(&rest)
        .zip(&size)
        .map(|((&hi, &lo), &size)| Sum { hi, lo, bound: bound(products, size) })
        .collect()
}

/// `y − Zx` for `Z` d×n row-major, over the columns where x ≠ 0.
pub(crate) fn residual(z: &[f64], n: usize, y: &[f64], x: &[f64]) -> Vec<Sum> {
    let support: Vec<usize> = (0..n).filter(|&j| x[j] != 0.0).collect();
    let minus: Vec<f64> = support.iter().map(|&j| -x[j]).collect();
    let mut entries = vec![0.0; support.len()];
    z.chunks_exact(n)
        .zip(y)
        .map(|(row, &y)| {
            for (e, &j) in entries.iter_mut().zip(&support) {
                *e = row[j];
            }
            dot_from(y, &entries, &minus)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against exact integer arithmetic: entries k·2^e with 26-bit k have products and sums
        /// that 128-bit integers hold.
        #[test]
        fn encloses_the_exact_sum(
            data in prop::collection::vec(
                (-(1i64 << 26)..(1i64 << 26), 0u32..24, -(1i64 << 26)..(1i64 << 26), 0u32..24), 0..60),
        ) {
            let a: Vec<f64> = data.iter().map(|t| t.0 as f64 * f64::from(1u32 << t.1)).collect();
            let b: Vec<f64> = data.iter().map(|t| t.2 as f64 * f64::from(1u32 << t.3)).collect();
            let exact: i128 = data
                .iter()
                .map(|t| ((i128::from(t.0)) << t.1) * ((i128::from(t.2)) << t.3))
                .sum();
            for sum in [dot(&a, &b), dot_body::<false>(&a, &b, 0.0)] {
                prop_assert!(sum.bound.is_finite());
                // The bounds are floats below 2^107: exact in i128 after rounding towards the sum.
                prop_assert!(sum.lower().floor() as i128 <= exact);
                prop_assert!(exact <= sum.upper().ceil() as i128);
                prop_assert!(sum.magnitude() >= exact.unsigned_abs() as f64 * (1.0 - 1e-15));
            }
            let columns = transposed_product(&a, 1, &b);
            prop_assert!(columns[0].lower().floor() as i128 <= exact);
            prop_assert!(exact <= columns[0].upper().ceil() as i128);
        }
    }

    #[test]
    fn survives_cancellation() {
        // 1e16 + 1 − 1e16 = 1, where a plain sum gives 0.
        let sum = dot(&[1e16, 1.0, -1e16], &[1.0, 1.0, 1.0]);
        assert_eq!(sum.value(), 1.0);
        assert!(sum.lower() <= 1.0 && 1.0 <= sum.upper());
        assert!(sum.upper() - sum.lower() < 1e-10);
    }

    #[test]
    fn overflow_is_not_an_enclosure() {
        let sum = dot(&[1e300, -1e300], &[1e300, 1e300]);
        assert_eq!(sum.magnitude(), f64::INFINITY);
    }

    #[test]
    fn residual_skips_zeros_and_is_exact_on_integers() {
        let z = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let r = residual(&z, 3, &[10.0, 20.0], &[1.0, 0.0, 2.0]);
        assert_eq!((r[0].value(), r[1].value()), (3.0, 4.0));
    }
}
