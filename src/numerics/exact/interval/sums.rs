//! Enclosures of `aᵀb`, `‖x‖₁` and `Zx − y`, at the cost of a few floating products.
//!
//! **Bound.** Products and additions are split into rounded value and exact error (Dekker, Knuth),
//! the errors summed beside (Ogita, Rump & Oishi 2005). With N terms (the lanes and the start
//! counted), `u = 2^{−53}`, `S = Σ|a_i b_i|`: the errors of the products sum to at most `uS`, those
//! of the additions to at most `N u(1 + γ_N) S`, and summing these 2N small numbers errs by at most
//! `γ_{2N}` of them. So `hi + lo`, taken exactly, is within `2N(N+1)u²(1+γ_N)²S` of the sum.
//! `bound` is `4(N+1)²u²S̃ + N·2^{−1022}` with the computed `S̃ ≥ S(1−γ_{N+1})`, the last term for
//! products whose error underflows (each by less than 2^{−1070}); for `Nu ≤ 0.01` it covers its own
//! rounding. Overflow makes it infinite or NaN, and the enclosure the whole line.

use super::Interval;
use crate::numerics::dispatch::dispatch;
use crate::numerics::exact::rounding::{add_down, add_up, mul_up};
use crate::numerics::exact::scaled::two_sum;
use crate::numerics::exact::sums::two_product;

const LANES: usize = 8;
const UNIT: f64 = f64::EPSILON / 2.0;

/// A running compensated sum and the sum of magnitudes.
#[derive(Clone, Copy)]
struct Sum {
    hi: f64,
    lo: f64,
    size: f64,
}

impl Sum {
    #[inline(always)]
    fn add(&mut self, term: f64, error: f64) {
        let (sum, rest) = two_sum(self.hi, term);
        self.hi = sum;
        self.lo += rest + error;
        self.size += term.abs();
    }

    /// Adds the lanes; `size` holds their sums of magnitudes.
    #[inline(always)]
    fn gather(mut self, hi: [f64; LANES], lo: [f64; LANES], size: [f64; LANES]) -> Self {
        for l in 0..LANES {
            let sizes = self.size + size[l];
            self.add(hi[l], lo[l]);
            self.size = sizes;
        }
        self
    }

    /// The enclosure, after `terms` additions.
    fn enclose(self, terms: usize) -> Interval {
        let count = (terms + 2 * LANES + 2) as f64;
        if count * UNIT > 0.01 {
            return Interval::ENTIRE;
        }
        let bound = 4.0 * (count * UNIT) * (count * UNIT) * self.size + count * f64::MIN_POSITIVE;
        if !(self.hi.is_finite() && self.lo.is_finite() && bound.is_finite()) {
            return Interval::ENTIRE;
        }
        Interval::outward(
            add_down(self.hi, add_down(self.lo, -bound)),
            add_up(self.hi, add_up(self.lo, bound)),
        )
    }
}

#[inline(always)]
fn dot_body<const FUSED: bool>(start: f64, a: &[f64], b: &[f64]) -> Sum {
    let (mut hi, mut lo, mut size) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for l in 0..LANES {
            let (product, error) = two_product::<FUSED>(a[l], b[l]);
            let (sum, rest) = two_sum(hi[l], product);
            hi[l] = sum;
            lo[l] += rest + error;
            size[l] += product.abs();
        }
    }
    let mut total = Sum { hi: start, lo: 0.0, size: start.abs() };
    for (a, b) in a_rest.iter().zip(b_rest) {
        let (product, error) = two_product::<FUSED>(*a, *b);
        total.add(product, error);
    }
    total.gather(hi, lo, size)
}

dispatch! {
    fn dot_sum(start: f64, a: &[f64], b: &[f64]) -> Sum = dot_body
}

/// `start + aᵀb`.
fn dot_from(start: f64, a: &[f64], b: &[f64]) -> Interval {
    let n = a.len().min(b.len());
    // A sum of zeros is exactly 0, which the bound for underflow would hide.
    if start == 0.0 && a[..n].iter().zip(&b[..n]).all(|(a, b)| *a == 0.0 || *b == 0.0) {
        let finite = a[..n].iter().chain(&b[..n]).all(|v| v.is_finite());
        return if finite { Interval::ZERO } else { Interval::ENTIRE };
    }
    dot_sum(start, &a[..n], &b[..n]).enclose(n + 1)
}

/// Encloses `aᵀb` (the shorter slice rules), with relative width about `ε + (nε)² |a|ᵀ|b|/|aᵀb|`.
///
/// ```
/// use mirrorflow::numerics::exact::interval::dot;
/// let sum = dot(&[0.1, 0.2], &[0.3, -0.15]);
/// assert!(sum.width() < 1e-29 && sum.mag() < 1e-17);
/// ```
pub fn dot(a: &[f64], b: &[f64]) -> Interval {
    dot_from(0.0, a, b)
}

/// `Σ |a_i| r_i`, rounded up.
fn spread(a: &[f64], radii: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (a, r) in a.iter().zip(radii) {
        // Most radii are 0 or few: this is not the time that counts.
        if *r > 0.0 {
            sum = add_up(sum, mul_up(a.abs(), *r));
        }
    }
    sum
}

/// Centers and radii, `x ⊆ center ± radius`.
fn centered(x: &[Interval]) -> (Vec<f64>, Vec<f64>) {
    x.iter().map(|x| (x.mid(), x.rad())).unzip()
}

/// Encloses `{aᵀx}` over the box `x` (the shorter slice rules).
///
/// ```
/// use mirrorflow::numerics::exact::interval::{Interval, dot_interval};
/// let x = [Interval::new(1.0, 2.0)?, Interval::point(1.0)];
/// let sum = dot_interval(&[1.0, -4.0], &x);
/// assert!(sum.lo() <= -3.0 && sum.hi() >= -2.0 && sum.width() < 1.0 + 1e-14);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn dot_interval(a: &[f64], x: &[Interval]) -> Interval {
    let (center, radius) = centered(x);
    dot_from(0.0, a, &center) + Interval::around(0.0, spread(a, &radius))
}

/// Encloses `‖x‖₁`.
///
/// ```
/// use mirrorflow::numerics::exact::interval::norm1;
/// assert!(norm1(&[0.1, -0.2]).contains(0.1 + 0.2));
/// ```
pub fn norm1(x: &[f64]) -> Interval {
    let sum = norm1_sum(x).enclose(x.len());
    if x.iter().all(|x| *x == 0.0) {
        return Interval::ZERO;
    }
    Interval { lo: sum.lo.max(0.0), hi: sum.hi }
}

#[inline(always)]
fn norm1_body<const FUSED: bool>(x: &[f64]) -> Sum {
    let (mut hi, mut lo) = ([0.0; LANES], [0.0; LANES]);
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for l in 0..LANES {
            let (sum, rest) = two_sum(hi[l], block[l].abs());
            hi[l] = sum;
            lo[l] += rest;
        }
    }
    let mut total = Sum { hi: 0.0, lo: 0.0, size: 0.0 };
    for v in rest {
        total.add(v.abs(), 0.0);
    }
    total.gather(hi, lo, hi)
}

dispatch! {
    fn norm1_sum(x: &[f64]) -> Sum = norm1_body
}

/// Encloses `{‖x‖₁}` over the box `x`.
///
/// ```
/// use mirrorflow::numerics::exact::interval::{Interval, norm1_interval};
/// let norm = norm1_interval(&[Interval::new(-1.0, 2.0)?, Interval::point(-3.0)]);
/// assert_eq!((norm.lo(), norm.hi()), (3.0, 5.0));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn norm1_interval(x: &[Interval]) -> Interval {
    x.iter().fold(Interval::ZERO, |sum, x| sum + x.abs())
}

/// Encloses each entry of `Zx − y`: `z` d×n row-major, `x` n, `y` d.
///
/// # Panics
/// When `z` has fewer than d·n entries.
///
/// ```
/// use mirrorflow::numerics::exact::interval::residual;
/// let r = residual(&[1.0, 1.0], &[1e16, 1.0], &[1e16]);
/// assert!(r[0].contains(1.0) && r[0].width() < 1e-12);
/// ```
pub fn residual(z: &[f64], x: &[f64], y: &[f64]) -> Vec<Interval> {
    let n = x.len();
    y.iter().enumerate().map(|(i, y)| dot_from(-y, &z[i * n..(i + 1) * n], x)).collect()
}

/// Encloses each entry of `{Zx − y}` over the box `x`: `z` d×n row-major, `x` n, `y` d.
///
/// # Panics
/// When `z` has fewer than d·n entries.
///
/// ```
/// use mirrorflow::numerics::exact::interval::{Interval, residual_interval};
/// let r = residual_interval(&[2.0], &[Interval::new(0.5, 1.0)?], &[1.0]);
/// assert!(r[0].contains(0.0) && r[0].contains(1.0) && r[0].width() < 1.0 + 1e-14);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn residual_interval(z: &[f64], x: &[Interval], y: &[f64]) -> Vec<Interval> {
    let (center, radius) = centered(x);
    let n = x.len();
    y.iter()
        .enumerate()
        .map(|(i, y)| {
            let row = &z[i * n..(i + 1) * n];
            dot_from(-y, row, &center) + Interval::around(0.0, spread(row, &radius))
        })
        .collect()
}

/// `aᵀb` by the body without fused multiply-add, for tests on machines that have it.
#[cfg(test)]
pub(super) fn plain_dot(a: &[f64], b: &[f64]) -> Interval {
    dot_body::<false>(0.0, a, b).enclose(a.len() + 1)
}
