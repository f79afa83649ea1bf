//! `H = R Rᵀ` for symmetric positive definite `H` (d×d), and solves with it.
//!
//! Up to [`SMALL`] unknowns by rows of dot products in place (d³/3 flops, all in cache); beyond by
//! the blocked factorization of faer.

use super::{
    dense::dot,
    dispatch::{dispatch, madd},
};

/// Largest dimension for which the unblocked code is used.
const SMALL: usize = 96;

/// A reusable factorization: memory is taken once, in [`Cholesky::new`].
///
/// ```
/// use mirrorflow::numerics::cholesky::Cholesky;
/// let mut factor = Cholesky::new(2);
/// assert!(factor.factor(&[4.0, 2.0, 2.0, 3.0]));
/// let mut b = [8.0, 7.0];
/// factor.solve(&mut b);
/// assert!((b[0] - 1.25).abs() < 1e-15 && (b[1] - 1.5).abs() < 1e-15);
/// assert!(!factor.factor(&[1.0, 2.0, 2.0, 1.0])); // indefinite
/// ```
#[derive(Debug, Clone)]
pub struct Cholesky {
    d: usize,
    /// Lower triangle R, row-major; its strict upper triangle holds Rᵀ, so that both substitutions
    /// read rows.
    r: Vec<f64>,
    /// `1/R_ii`.
    inverse: Vec<f64>,
}

#[inline(always)]
fn factor_body<const FUSED: bool>(d: usize, r: &mut [f64], inverse: &mut [f64]) -> bool {
    for i in 0..d {
        let (above, row) = r.split_at_mut(i * d);
        let row = &mut row[..d];
        for j in 0..i {
            let other = &above[j * d..j * d + d];
            let mut lanes = [0.0; 8];
            let (p, p_rest) = row[..j].as_chunks::<8>();
            let (q, q_rest) = other[..j].as_chunks::<8>();
            for (a, b) in p.iter().zip(q) {
                for k in 0..8 {
                    lanes[k] = madd::<FUSED>(a[k], b[k], lanes[k]);
                }
            }
            let mut s = ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
                + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
            for (a, b) in p_rest.iter().zip(q_rest) {
                s = madd::<FUSED>(*a, *b, s);
            }
            row[j] = (row[j] - s) * inverse[j];
        }
        let mut s = row[i];
        for a in &row[..i] {
            s -= a * a;
        }
        // A NaN fails this comparison too.
        if !(s > 0.0 && s.is_finite()) {
            return false;
        }
        let root = s.sqrt();
        row[i] = root;
        inverse[i] = 1.0 / root;
    }
    true
}

dispatch! {
    fn factor_small(d: usize, r: &mut [f64], inverse: &mut [f64]) -> bool = factor_body
}

#[inline(always)]
fn solve_body<const FUSED: bool>(d: usize, r: &[f64], inverse: &[f64], b: &mut [f64]) {
    // Column-oriented: each step is an update of all that follows, which has no chain of sums. The
    // columns of R are the rows of Rᵀ in the upper triangle.
    for j in 0..d {
        let value = b[j] * inverse[j];
        b[j] = value;
        for (t, c) in b[j + 1..].iter_mut().zip(&r[j * d + j + 1..(j + 1) * d]) {
            *t = madd::<FUSED>(-value, *c, *t);
        }
    }
    for j in (0..d).rev() {
        let value = b[j] * inverse[j];
        b[j] = value;
        for (t, c) in b[..j].iter_mut().zip(&r[j * d..j * d + j]) {
            *t = madd::<FUSED>(-value, *c, *t);
        }
    }
}

dispatch! {
    fn solve_small(d: usize, r: &[f64], inverse: &[f64], b: &mut [f64]) = solve_body
}

impl Cholesky {
    /// Room for matrices of dimension d.
    pub fn new(d: usize) -> Self {
        Self { d, r: vec![0.0; d * d], inverse: vec![0.0; d] }
    }

    /// Factors `h` (d×d, row-major, symmetric; the lower triangle is read). Returns whether it is
    /// positive definite to working precision; if not, the factor must not be used.
    pub fn factor(&mut self, h: &[f64]) -> bool {
        let d = self.d;
        if h.len() != d * d {
            return false;
        }
        self.r.copy_from_slice(h);
        let done = if d <= SMALL {
            factor_small(d, &mut self.r, &mut self.inverse)
        } else {
            self.factor_blocked()
        };
        for i in 0..d {
            for j in 0..i {
                self.r[j * d + i] = self.r[i * d + j];
            }
        }
        done
    }

    fn factor_blocked(&mut self) -> bool {
        use faer::{
            MatMut, Par,
            dyn_stack::{MemBuffer, MemStack},
            linalg::cholesky::llt::factor::{
                LltParams, LltRegularization, cholesky_in_place, cholesky_in_place_scratch,
            },
        };
        let d = self.d;
        let params = faer::Spec::<LltParams, f64>::default();
        let mut memory = MemBuffer::new(cholesky_in_place_scratch::<f64>(d, Par::rayon(0), params));
        let done = cholesky_in_place(
            MatMut::from_row_major_slice_mut(&mut self.r, d, d),
            LltRegularization::default(),
            Par::rayon(0),
            MemStack::new(&mut memory),
            params,
        )
        .is_ok();
        for i in 0..d {
            let pivot = self.r[i * d + i];
            if !(pivot > 0.0 && pivot.is_finite()) {
                return false;
            }
            self.inverse[i] = 1.0 / pivot;
        }
        done
    }

    /// `b ← H⁻¹ b` (length d), after a [`Cholesky::factor`] that returned true.
    pub fn solve(&self, b: &mut [f64]) {
        solve_small(self.d, &self.r, &self.inverse, &mut b[..self.d]);
    }

    /// `‖R⁻¹ b‖² = bᵀ H⁻¹ b`, the Newton decrement of a gradient `b`.
    pub fn inverse_norm_squared(&self, b: &[f64]) -> f64 {
        let mut x = b.to_vec();
        self.solve(&mut x);
        dot(b, &x)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::numerics::dense::{gram_weighted, mul};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn solves_to_rounding(d in prop_oneof![1_usize..30, 90_usize..110], seed in 0_u64..1000) {
            let n = 3 * d;
            let z: Vec<f64> = (0..d * n)
                .map(|i| ((i as f64 + 1.0) * 12.9898 + seed as f64).sin())
                .collect();
            let mut h = vec![0.0; d * d];
            gram_weighted(&z, d, n, &vec![1.0; n], &mut h);
            for i in 0..d { h[i * d + i] += 1.0; }
            let mut factor = Cholesky::new(d);
            prop_assert!(factor.factor(&h));
            let x: Vec<f64> = (0..d).map(|i| (i as f64).cos()).collect();
            let mut b = vec![0.0; d];
            mul(&h, &x, &mut b);
            let size = b.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            factor.solve(&mut b);
            let mut back = vec![0.0; d];
            mul(&h, &b, &mut back);
            // Backward stable: the residual is a few d·ε of ‖H‖‖x‖.
            let mut hx = vec![0.0; d];
            mul(&h, &x, &mut hx);
            for (p, q) in back.iter().zip(&hx) {
                prop_assert!((p - q).abs() <= 100.0 * d as f64 * f64::EPSILON * size);
            }
        }
    }

    #[test]
    fn nan_and_semidefinite_are_refused() {
        let mut factor = Cholesky::new(2);
        assert!(!factor.factor(&[f64::NAN, 0.0, 0.0, 1.0]));
        assert!(!factor.factor(&[1.0, 1.0, 1.0, 1.0]));
        assert!(!factor.factor(&[1.0]));
    }
}
