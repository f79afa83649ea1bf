//! Powerpropagation (Schwarz et al., "Powerpropagation: a sparsity inducing weight reparameterisation",
//! NeurIPS 2021): `x = θ|θ|^{p−1}`, `∂x/∂θ = p|θ|^{p−1}`, p ≥ 1.
//!
//! `|θ|^p = e^{p log|θ|}` in f64 whatever the storage, with `log|θ|` as a sum of two doubles: `|θ| = 2^k z`, `z`
//! within `[√½, √2)`, `log z = 2 artanh s`, `s = (z−1)/(z+1)`, where s has a second part from the remainder of
//! its division and only `s³P(s²)`, at most a hundredth of the whole, is rounded as one double. So
//! `p log|θ|` is off by at most `p·2^{−59}`, and the power by 2 ulp for p ≤ 32. Where x is of f32 or bf16, one
//! double and seven terms do: `log z` is off by 2^{−41}, so the exponent, below 104, by 2^{−35}. p = 1, 2, 3 are
//! plain products.

use crate::Result;
use crate::kernels::{
    check::{same_length, within},
    mask_weight::{
        chunks::each,
        storage::{Compute, Storage},
    },
};
use crate::numerics::dispatch::each_level;
use crate::numerics::exact::scaled::two_sum;
use crate::numerics::vector::{LN2_HI, LN2_LO, exp_reduced, powers_of_two};

/// The largest p.
const LARGEST: f64 = 32.0;

/// `x = θ|θ|^{p−1}`, within 2 ulp of f64 or f32, for 1 ≤ p ≤ 32.
///
/// ```
/// let mut x = [0.0; 3];
/// mirrorflow::kernels::mask_weight::host::power(&[4.0, -3.0, 0.0], 2.0, &mut x)?;
/// assert_eq!(x, [16.0, -9.0, 0.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree or p is out of range.
pub fn power<P, G>(theta: &[P], p: f64, x: &mut [G]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("x", x.len(), "theta", theta.len())?;
    check_power(p)?;
    each((theta, x), &|(theta, x)| match p {
        1.0 => values(Identity(), theta, x),
        2.0 => values(Square(), theta, x),
        3.0 => values(Cube(), theta, x),
        _ => values(General(p), theta, x),
    });
    Ok(())
}

/// `∂f/∂θ = p|θ|^{p−1} g` from `g = ∂f/∂x`.
///
/// ```
/// let mut g_theta = [0.0; 2];
/// mirrorflow::kernels::mask_weight::host::power_backward(&[4.0, -3.0], 2.0, &[1.0, 0.5], &mut g_theta)?;
/// assert_eq!(g_theta, [8.0, 3.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`power`].
pub fn power_backward<P, G>(theta: &[P], p: f64, g: &[G], g_theta: &mut [G]) -> Result<()>
where
    P: Storage,
    G: Storage<Compute = P::Compute>,
{
    same_length("theta", theta.len(), "g", g.len())?;
    same_length("g_theta", g_theta.len(), "g", g.len())?;
    check_power(p)?;
    each((theta, g, g_theta), &|(theta, g, g_theta)| match p {
        1.0 => slopes(Identity(), theta, g, g_theta),
        2.0 => slopes(Square(), theta, g, g_theta),
        3.0 => slopes(Cube(), theta, g, g_theta),
        _ => slopes(General(p), theta, g, g_theta),
    });
    Ok(())
}

/// That p is in range.
pub(in crate::kernels) fn check_power(p: f64) -> Result<()> {
    within("the power", p, (1.0..=LARGEST).contains(&p), "a number from 1 to 32")
}

/// `x(θ)` and `∂x/∂θ` of a power.
trait Law: Copy + Send + Sync {
    fn value<C: Compute>(self, theta: C) -> C;
    fn slope<C: Compute>(self, theta: C) -> C;
}

macro_rules! laws {
    ($($(#[$meta:meta])* $name:ident $fields:tt, $self:ident, $theta:ident: $value:expr, $slope:expr;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy)]
        struct $name $fields;
        impl Law for $name {
            #[inline(always)]
            fn value<C: Compute>($self, $theta: C) -> C {
                $value
            }
            #[inline(always)]
            fn slope<C: Compute>($self, $theta: C) -> C {
                $slope
            }
        }
    )*};
}
laws! {
    /// p = 1.
    Identity(), self, theta: theta, { let _ = theta; C::ONE };
    /// p = 2.
    Square(), self, theta: theta * theta.abs(), C::narrow(2.0) * theta.abs();
    /// p = 3.
    Cube(), self, theta: theta * (theta * theta), C::narrow(3.0) * (theta * theta);
    /// Any p.
    General(f64), self, theta:
        C::narrow(positive_power::<C>(theta.abs().wide(), self.0).copysign(theta.wide())),
        C::narrow(self.0 * positive_power::<C>(theta.abs().wide(), self.0 - 1.0));
}

#[inline(always)]
fn values_body<L: Law, P: Storage, G: Storage<Compute = P::Compute>>(
    law: L,
    theta: &[P],
    x: &mut [G],
) {
    for (x, theta) in x.iter_mut().zip(theta) {
        *x = G::store(law.value(theta.load()));
    }
}

each_level!(fn values[L: Law, P: Storage, G: Storage<Compute = P::Compute>](
    law: L,
    theta: &[P],
    x: &mut [G],
) = values_body);

#[inline(always)]
fn slopes_body<L: Law, P: Storage, G: Storage<Compute = P::Compute>>(
    law: L,
    theta: &[P],
    g: &[G],
    g_theta: &mut [G],
) {
    for ((g_theta, theta), g) in g_theta.iter_mut().zip(theta).zip(g) {
        *g_theta = G::store(g.load() * law.slope(theta.load()));
    }
}

each_level!(fn slopes[L: Law, P: Storage, G: Storage<Compute = P::Compute>](
    law: L,
    theta: &[P],
    g: &[G],
    g_theta: &mut [G],
) = slopes_body);

/// `a·b` exactly, as a rounded product and its error, without a fused operation (Dekker 1971); no
/// part may over- or underflow.
#[inline(always)]
fn two_product(a: f64, b: f64) -> (f64, f64) {
    let halves = |v: f64| {
        let big = 134_217_729.0 * v;
        let high = big - (big - v);
        (high, v - high)
    };
    let product = a * b;
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (product, al * bl - (((product - ah * bh) - al * bh) - ah * bl))
}

/// `v = 2^k z` with z in `[√½, √2)`, from the bits of a positive normal v.
#[inline(always)]
fn reduced(bits: u64) -> (f64, f64) {
    // Counted from √½, so that z lies within [√½, √2).
    let shifted = bits.wrapping_sub(0x3FE6_A09E_667F_3BCD);
    let k = (shifted as i64) >> 52;
    let z = f64::from_bits(bits.wrapping_sub((k as u64) << 52));
    // The whole number k as a float by its bits: 2^52 + 2^51 + k.
    let k =
        f64::from_bits(0x4338_0000_0000_0000_u64.wrapping_add(k as u64)) - 6_755_399_441_055_744.0;
    (k, z)
}

/// `log v` as a sum of two doubles, for a positive finite v.
#[inline(always)]
fn log(v: f64) -> (f64, f64) {
    const SUBNORMAL: f64 = 18_014_398_509_481_984.0; // 2^54
    let small = v < f64::MIN_POSITIVE;
    let bits = (if small { v * SUBNORMAL } else { v }).to_bits();
    let (k, z) = reduced(bits);
    let k = if small { k - 54.0 } else { k };
    let f = z - 1.0;
    let (t, t_low) = two_sum(2.0, f);
    let s = f / t;
    let (product, error) = two_product(s, t);
    let s_low = (((f - product) - error) - s * t_low) / t;
    let square = s * s;
    let mut p = ARTANH[ARTANH.len() - 1];
    for c in ARTANH[..ARTANH.len() - 1].iter().rev() {
        p = p * square + c;
    }
    let tail = s * square * p;
    let (high, low) = two_sum(k * LN2_HI, 2.0 * s);
    let low = low + ((k * LN2_LO + 2.0 * s_low) + tail);
    two_sum(high, low)
}

/// `2 artanh s = 2s + s³ Σ c_i s^{2i}`, `c_i = 2/(2i+3)`: below 2^{−63} of the whole where cut, as s² < 0.0295.
const ARTANH: [f64; 12] = [
    2.0 / 3.0,
    2.0 / 5.0,
    2.0 / 7.0,
    2.0 / 9.0,
    2.0 / 11.0,
    2.0 / 13.0,
    2.0 / 15.0,
    2.0 / 17.0,
    2.0 / 19.0,
    2.0 / 21.0,
    2.0 / 23.0,
    2.0 / 25.0,
];

/// `log v` for a positive normal v, to 2^{−41} beside the rounding of a double.
#[inline(always)]
fn short_log(v: f64) -> f64 {
    let (k, z) = reduced(v.to_bits());
    let f = z - 1.0;
    let s = f / (2.0 + f);
    let square = s * s;
    let mut p = ARTANH[5];
    for c in ARTANH[..5].iter().rev() {
        p = p * square + c;
    }
    k * std::f64::consts::LN_2 + (2.0 * s + s * square * p)
}

/// `v^q` for v ≥ 0, 0 ≤ q ≤ 32, to the accuracy of C.
#[inline(always)]
fn positive_power<C: Compute>(v: f64, q: f64) -> f64 {
    let inside = v > 0.0 && v < f64::INFINITY;
    let base = if inside { v } else { 1.0 };
    let (product, rest) = if C::MAGNITUDE_BITS < f64::MAGNITUDE_BITS {
        (q * short_log(base), 0.0)
    } else {
        let (high, low) = log(base);
        let (product, error) = two_product(q, high);
        (product, error + q * low)
    };
    let (p, k) = exp_reduced::<false>(product, rest);
    let (first, second) = powers_of_two(k);
    let found = p * first * second;
    // 0, ∞ and NaN to themselves, unless q = 0.
    if inside || q == 0.0 { found } else { v }
}
