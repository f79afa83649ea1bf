//! The linear algebra of a block of lanes, one run to a lane: products with Z and Zᵀ, the matrix
//! `σI + Z diag(s) Zᵀ` and its Cholesky factor, and `a sinh θ`, each in tiles of registers.
//!
//! Every buffer is a sequence of vectors, vector k holding number k of each lane's array. d is a multiple
//! of [`ROWS`] and n of [`COLUMNS`]; rows and columns beyond the problem's are zero.
//!
//! The factor L is kept by blocks of four rows: block b holds its 4(b+1) columns one after the other, the
//! four rows of a column together, from vector [`block`]`(b)` on; diagonal entries are kept as inverses.

use crate::numerics::lanes::{Lanes, Real};
use crate::numerics::vector::{COSH, SINH};

/// Rows of a tile.
pub(super) const ROWS: usize = 4;
/// Columns of Zᵀν computed at once.
pub(super) const COLUMNS: usize = 4;

/// Where Z comes from.
pub(super) trait Entries<T>: Copy {
    /// Entry k of the row-major d×n matrix, for each lane.
    ///
    /// # Safety
    /// `k < d·n`.
    unsafe fn at<L: Lanes<T = T>>(self, k: usize) -> L::V;
}

/// One Z for all lanes, d×n.
#[derive(Clone, Copy)]
pub(super) struct Shared<'a, T>(pub(super) &'a [T]);

impl<T: Real> Entries<T> for Shared<'_, T> {
    #[inline(always)]
    unsafe fn at<L: Lanes<T = T>>(self, k: usize) -> L::V {
        debug_assert!(k < self.0.len());
        // SAFETY: by this function's contract.
        L::splat(unsafe { *self.0.get_unchecked(k) })
    }
}

/// A Z for each lane, d×n vectors.
#[derive(Clone, Copy)]
pub(super) struct Individual<'a, T>(pub(super) &'a [T]);

impl<T: Real> Entries<T> for Individual<'_, T> {
    #[inline(always)]
    unsafe fn at<L: Lanes<T = T>>(self, k: usize) -> L::V {
        // SAFETY: by this function's contract.
        unsafe { L::load(self.0, k) }
    }
}

/// The padded shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) d: usize,
    pub(super) n: usize,
}

/// First vector of block b of the factor.
#[inline(always)]
fn block(b: usize) -> usize {
    ROWS * ROWS * b * (b + 1) / 2
}

/// Vectors of a factor with d rows.
pub(super) fn factor_len(d: usize) -> usize {
    block(d / ROWS)
}

#[inline(always)]
fn zero<L: Lanes>() -> L::V {
    L::splat(L::T::default())
}

#[inline(always)]
pub(super) fn number<L: Lanes>(v: f64) -> L::V {
    L::splat(L::T::from_f64(v))
}

// SAFETY of the loads and stores below: the asserts at the top of each function bound the indices.

/// `out = Zᵀν`.
#[inline(always)]
pub(super) fn transposed<L: Lanes, E: Entries<L::T>>(
    z: E,
    shape: Shape,
    nu: &[L::T],
    out: &mut [L::T],
) {
    let Shape { d, n } = shape;
    assert!(nu.len() == d * L::WIDTH && out.len() == n * L::WIDTH);
    for i in (0..n).step_by(COLUMNS) {
        // Two sums for each number: enough independent ones to fill the pipeline.
        let mut sum = [[zero::<L>(); 2]; COLUMNS];
        for j in (0..d).step_by(2) {
            unsafe {
                let v = [L::load(nu, j), L::load(nu, j + 1)];
                for p in 0..2 {
                    for q in 0..COLUMNS {
                        let entry = z.at::<L>((j + p) * n + i + q);
                        sum[q][p] = L::mul_add(entry, v[p], sum[q][p]);
                    }
                }
            }
        }
        for q in 0..COLUMNS {
            unsafe { L::store(L::add(sum[q][0], sum[q][1]), out, i + q) };
        }
    }
}

/// `out = scale · (Zx − y)`.
#[inline(always)]
pub(super) fn residual<L: Lanes, E: Entries<L::T>>(
    z: E,
    shape: Shape,
    x: &[L::T],
    y: &[L::T],
    scale: f64,
    out: &mut [L::T],
) {
    let Shape { d, n } = shape;
    assert!(x.len() == n * L::WIDTH && y.len() == d * L::WIDTH && out.len() == d * L::WIDTH);
    let scale = number::<L>(scale);
    for j in (0..d).step_by(ROWS) {
        let mut sum = [[zero::<L>(); 2]; ROWS];
        for i in (0..n).step_by(2) {
            unsafe {
                let v = [L::load(x, i), L::load(x, i + 1)];
                for r in 0..ROWS {
                    for p in 0..2 {
                        let entry = z.at::<L>((j + r) * n + i + p);
                        sum[r][p] = L::mul_add(entry, v[p], sum[r][p]);
                    }
                }
            }
        }
        for r in 0..ROWS {
            unsafe {
                let off = L::sub(L::add(sum[r][0], sum[r][1]), L::load(y, j + r));
                L::store(L::mul(scale, off), out, j + r);
            }
        }
    }
}

/// The Cholesky factor of `σI + Z diag(weights) Zᵀ`; NaN in the lanes where it is not positive definite.
/// `panel` is a scratch of 4n vectors.
#[inline(always)]
pub(super) fn factor<L: Lanes, E: Entries<L::T>>(
    z: E,
    shape: Shape,
    weights: &[L::T],
    sigma: &[L::T],
    panel: &mut [L::T],
    l: &mut [L::T],
) {
    let Shape { d, n } = shape;
    assert!(weights.len() == n * L::WIDTH && sigma.len() == L::WIDTH);
    assert!(panel.len() == ROWS * n * L::WIDTH && l.len() == factor_len(d) * L::WIDTH);
    for b in 0..d / ROWS {
        for i in 0..n {
            unsafe {
                let s = L::load(weights, i);
                for r in 0..ROWS {
                    let entry = z.at::<L>((ROWS * b + r) * n + i);
                    L::store(L::mul(s, entry), panel, ROWS * i + r);
                }
            }
        }
        for c in 0..=b {
            if L::MANY_REGISTERS {
                tile::<L, E, 4>(z, n, b, c, 0, sigma, panel, l);
            } else {
                tile::<L, E, 2>(z, n, b, c, 0, sigma, panel, l);
                tile::<L, E, 2>(z, n, b, c, 2, sigma, panel, l);
            }
            unsafe {
                if c < b {
                    divide_tile::<L>(b, c, l);
                } else {
                    factor_tile::<L>(b, l);
                }
            }
        }
    }
}

/// Columns `first .. first + COLS` of the 4×4 tile (b, c) of the matrix, less `Σ_k L_bk L_ckᵀ`.
#[inline(always)]
fn tile<L: Lanes, E: Entries<L::T>, const COLS: usize>(
    z: E,
    n: usize,
    b: usize,
    c: usize,
    first: usize,
    sigma: &[L::T],
    panel: &[L::T],
    l: &mut [L::T],
) {
    let (mine, other) = (block(b), block(c));
    let mut sum = [[zero::<L>(); COLS]; ROWS];
    for i in 0..n {
        unsafe {
            let w: [L::V; ROWS] = std::array::from_fn(|r| L::load(panel, ROWS * i + r));
            for q in 0..COLS {
                let entry = z.at::<L>((ROWS * c + first + q) * n + i);
                for r in 0..ROWS {
                    sum[r][q] = L::mul_add(w[r], entry, sum[r][q]);
                }
            }
        }
    }
    if b == c {
        for q in 0..COLS {
            unsafe { sum[first + q][q] = L::add(sum[first + q][q], L::load(sigma, 0)) };
        }
    }
    for k in 0..ROWS * c {
        unsafe {
            let a: [L::V; ROWS] = std::array::from_fn(|r| L::load(l, mine + ROWS * k + r));
            for q in 0..COLS {
                let v = L::load(l, other + ROWS * k + first + q);
                for r in 0..ROWS {
                    sum[r][q] = L::neg_mul_add(a[r], v, sum[r][q]);
                }
            }
        }
    }
    for q in 0..COLS {
        for r in 0..ROWS {
            unsafe { L::store(sum[r][q], l, mine + ROWS * (ROWS * c + first + q) + r) };
        }
    }
}

/// Tile (b, c), c < b, times the inverse transpose of the diagonal tile c.
///
/// # Safety
/// `l` holds a factor of at least b + 1 blocks.
#[inline(always)]
unsafe fn divide_tile<L: Lanes>(b: usize, c: usize, l: &mut [L::T]) {
    unsafe {
        let mine = block(b) + ROWS * ROWS * c;
        let diagonal = block(c) + ROWS * ROWS * c;
        for p in 0..ROWS {
            for r in 0..ROWS {
                let mut v = L::load(l, mine + ROWS * p + r);
                for q in 0..p {
                    let (left, right) =
                        (L::load(l, mine + ROWS * q + r), L::load(l, diagonal + ROWS * q + p));
                    v = L::neg_mul_add(left, right, v);
                }
                let inverse = L::load(l, diagonal + ROWS * p + p);
                L::store(L::mul(v, inverse), l, mine + ROWS * p + r);
            }
        }
    }
}

/// The Cholesky factor of the diagonal tile b.
///
/// # Safety
/// As [`divide_tile`].
#[inline(always)]
unsafe fn factor_tile<L: Lanes>(b: usize, l: &mut [L::T]) {
    unsafe {
        let at = block(b) + ROWS * ROWS * b;
        for p in 0..ROWS {
            for r in p..ROWS {
                let mut v = L::load(l, at + ROWS * p + r);
                for q in 0..p {
                    let (left, right) =
                        (L::load(l, at + ROWS * q + r), L::load(l, at + ROWS * q + p));
                    v = L::neg_mul_add(left, right, v);
                }
                // A pivot that is not positive gives NaN or infinity: either makes the step not finite.
                let v = if r == p {
                    L::div(number::<L>(1.0), L::sqrt(v))
                } else {
                    L::mul(v, L::load(l, at + ROWS * p + p))
                };
                L::store(v, l, at + ROWS * p + r);
            }
        }
    }
}

/// Solves `L Lᵀ u = u` in place.
#[inline(always)]
pub(super) fn solve<L: Lanes>(d: usize, l: &[L::T], u: &mut [L::T]) {
    assert!(l.len() == factor_len(d) * L::WIDTH && u.len() == d * L::WIDTH);
    for b in 0..d / ROWS {
        unsafe {
            let at = block(b);
            let mut sum = [[zero::<L>(); 2]; ROWS];
            for k in (0..ROWS * b).step_by(2) {
                for p in 0..2 {
                    let v = L::load(u, k + p);
                    for r in 0..ROWS {
                        let entry = L::load(l, at + ROWS * (k + p) + r);
                        sum[r][p] = L::mul_add(entry, v, sum[r][p]);
                    }
                }
            }
            let diagonal = at + ROWS * ROWS * b;
            for r in 0..ROWS {
                let mut v = L::sub(L::load(u, ROWS * b + r), L::add(sum[r][0], sum[r][1]));
                for q in 0..r {
                    let entry = L::load(l, diagonal + ROWS * q + r);
                    v = L::neg_mul_add(entry, L::load(u, ROWS * b + q), v);
                }
                let v = L::mul(v, L::load(l, diagonal + ROWS * r + r));
                L::store(v, u, ROWS * b + r);
            }
        }
    }
    for b in (0..d / ROWS).rev() {
        unsafe {
            let at = block(b);
            let diagonal = at + ROWS * ROWS * b;
            let mut v = [zero::<L>(); ROWS];
            for r in (0..ROWS).rev() {
                let mut sum = L::load(u, ROWS * b + r);
                for q in r + 1..ROWS {
                    sum = L::neg_mul_add(L::load(l, diagonal + ROWS * r + q), v[q], sum);
                }
                v[r] = L::mul(sum, L::load(l, diagonal + ROWS * r + r));
                L::store(v[r], u, ROWS * b + r);
            }
            for k in 0..ROWS * b {
                let mut sum = L::load(u, k);
                for r in 0..ROWS {
                    sum = L::neg_mul_add(L::load(l, at + ROWS * k + r), v[r], sum);
                }
                L::store(sum, u, k);
            }
        }
    }
}

/// A scale `a = m 2^k` for each entry: k and m, whole k.
#[derive(Debug)]
pub(super) struct Scale<'a, T> {
    pub(super) k: &'a [T],
    pub(super) m: &'a [T],
}

/// With `θ = θ₀ − 2 zt` and a = `start · shift`: `x = a sinh θ`, and `s = a cosh θ = √(x²+a²)` where
/// asked for.
///
/// With `θ = k ln 2 + r` both come from `½(2^k ± 2^{−k})`, with the exponent of a added before the powers
/// are formed, and cosh r, sinh r on `|r| ≤ ½ ln 2`: as `numerics::vector::moderate_sinh`, 4 ulp, but for
/// any a; results below the normal range are 0.
#[inline(always)]
pub(super) fn elements<L: Lanes, const WITH_S: bool>(
    n: usize,
    zt: &[L::T],
    theta: &[L::T],
    start: Scale<'_, L::T>,
    shift: Scale<'_, L::T>,
    x: &mut [L::T],
    s: &mut [L::T],
) {
    let len = n * L::WIDTH;
    assert!(zt.len() == len && theta.len() == len && x.len() == len && s.len() == len);
    assert!(start.k.len() == len && start.m.len() == len);
    assert!(shift.k.len() == L::WIDTH && shift.m.len() == L::WIDTH);
    let constant = |v: L::T| L::splat(v);
    let (round, two) = (constant(L::T::ROUND), number::<L>(2.0));
    let [high, low] = L::T::LN2.map(constant);
    let per_octave = number::<L>(std::f64::consts::LOG2_E);
    let (shift_k, shift_m) = unsafe { (L::load(shift.k, 0), L::load(shift.m, 0)) };
    // Half of the powers: ½(2^k ± 2^{−k}).
    let shift_k = L::sub(shift_k, number::<L>(1.0));
    let horner = |c: &[f64; 6], v: L::V| {
        let mut sum = number::<L>(c[5]);
        for i in (0..5).rev() {
            sum = L::mul_add(sum, v, number::<L>(c[i]));
        }
        sum
    };
    for i in 0..n {
        unsafe {
            let z = L::neg_mul_add(two, L::load(zt, i), L::load(theta, i));
            let k = L::sub(L::mul_add(z, per_octave, round), round);
            let r = L::neg_mul_add(k, low, L::neg_mul_add(k, high, z));
            let square = L::mul(r, r);
            let sinh = L::mul_add(L::mul(r, square), horner(&SINH, square), r);
            let cosh = L::mul_add(square, horner(&COSH, square), number::<L>(1.0));
            let exponent = L::add(L::load(start.k, i), shift_k);
            let factor = L::mul(L::load(start.m, i), shift_m);
            let (up, down) = (L::pow2(L::add(exponent, k)), L::pow2(L::sub(exponent, k)));
            let (odd, even) = (L::sub(up, down), L::add(up, down));
            let value = L::mul_add(odd, cosh, L::mul(even, sinh));
            L::store(L::mul(factor, value), x, i);
            if WITH_S {
                let value = L::mul_add(even, cosh, L::mul(odd, sinh));
                L::store(L::mul(factor, value), s, i);
            }
        }
    }
}
