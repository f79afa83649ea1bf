//! Factors of a given x: `m⊙w = x` and `m² − w² = β`, elementwise.
//!
//! With `h = √(β²/4 + x²)`, the larger factor is `√(|β|/2 + h)`, a sum of positive terms, and the smaller
//! `|x|` over it: nothing cancels, for any x and β. Where β ≥ 0 the larger one is m. The signs: m ≥ 0 and w
//! has that of x. β = 0 is the spred start, `m = √|x|`, `w = sign(x)√|x|`; β = 1 the paper's.
//!
//! The smaller factor is computed from the larger one *as stored*, so `m·w = x` to one rounding of the
//! storage type and `m² − w² = β` to `4ε(m² + w²)`, which for |β| ≪ |x| is all that two numbers of that type can hold.
//! Computed in f64, with a power of 4 taken out, exactly, where β or x leave `[2^{−486}, 2^{510}]`.
//!
//! The same map is the inner rescaling of Sign-In (Gadhikar et al. 2025): m and w go back to the fixed β without
//! moving x, and keep their signs.

use crate::kernels::{
    check::{same_length, within},
    mask_weight::{chunks::each, storage::Storage},
};
use crate::{Result, numerics::dispatch::each_level};

/// m and w with `m⊙w = x`, `m² − w² = β`, m ≥ 0. NaN and ±∞ in x become NaN in w.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::factor_start;
/// let (mut m, mut w) = ([0.0_f64; 3], [0.0_f64; 3]);
/// factor_start(&[0.0, 1.5, -1e-300], 4.0, &mut m, &mut w)?;
/// assert_eq!((m[0], w[0]), (2.0, 0.0));
/// assert!((m[1] * w[1] - 1.5).abs() < 1e-15 && (m[1] * m[1] - w[1] * w[1] - 4.0).abs() < 1e-14);
/// assert_eq!(w[2], -0.5e-300);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When the lengths disagree or β is not finite.
pub fn factor_start<P, G>(x: &[G], beta: f64, m: &mut [P], w: &mut [P]) -> Result<()>
where
    P: Storage,
    G: Storage,
{
    same_length("m", m.len(), "x", x.len())?;
    same_length("w", w.len(), "x", x.len())?;
    check_beta(beta)?;
    each((x, m, w), &|(x, m, w)| start(beta, x, m, w));
    Ok(())
}

/// Moves m and w to `m² − w² = β` where `x = m⊙w` stays and so do their signs (Sign-In's rescaling).
///
/// Where x = 0 the factor that β leaves positive becomes √|β| and the other 0.
///
/// ```
/// use mirrorflow::kernels::mask_weight::host::rescale;
/// let (mut m, mut w) = ([-3.0], [0.5]);
/// rescale(0.0, &mut m, &mut w)?;
/// assert_eq!((m[0], w[0]), (-1.5_f64.sqrt(), 1.5 / 1.5_f64.sqrt()));
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`factor_start`].
pub fn rescale<P: Storage>(beta: f64, m: &mut [P], w: &mut [P]) -> Result<()> {
    same_length("w", w.len(), "m", m.len())?;
    check_beta(beta)?;
    each((m, w), &|(m, w)| rescaled(beta, m, w));
    Ok(())
}

/// That β is finite.
pub(in crate::kernels) fn check_beta(beta: f64) -> Result<()> {
    within("beta", beta, beta.is_finite(), "a finite number")
}

/// `√(|β|/2 + √(β²/4 + x²))`.
#[inline(always)]
fn larger(x: f64, beta: f64) -> f64 {
    let (half, x) = (0.5 * beta.abs(), x.abs());
    let top = if half > x { half } else { x };
    // Scaled by 4^{−260} or 4^{300}, undone by 2^{260} or 2^{−300}.
    let (scale, back) =
        if top > 2.0_f64.powi(510) { (2.0_f64.powi(-520), 2.0_f64.powi(260)) } else { (1.0, 1.0) };
    let (scale, back) = if top < 2.0_f64.powi(-486) {
        (2.0_f64.powi(600), 2.0_f64.powi(-300))
    } else {
        (scale, back)
    };
    let (half, x) = (half * scale, x * scale);
    (half + (half * half + x * x).sqrt()).sqrt() * back
}

/// (m, w), not negative, in the storage type.
#[inline(always)]
fn factors<P: Storage>(x: f64, beta: f64) -> (P, P) {
    let large = P::narrow(larger(x, beta));
    let divisor = large.wide();
    // 0/0 where x and β are 0.
    let quotient = if divisor == 0.0 { 0.0 } else { x.abs() / divisor };
    let small = P::narrow(quotient);
    if beta < 0.0 { (small, large) } else { (large, small) }
}

#[inline(always)]
fn start_body<P: Storage, G: Storage>(beta: f64, x: &[G], m: &mut [P], w: &mut [P]) {
    for ((x, m), w) in x.iter().zip(m).zip(w) {
        let x = x.wide();
        let (to_m, to_w) = factors::<P>(x, beta);
        *m = to_m;
        *w = P::narrow(to_w.wide().copysign(x));
    }
}

each_level!(fn start[P: Storage, G: Storage](beta: f64, x: &[G], m: &mut [P], w: &mut [P])
    = start_body);

#[inline(always)]
fn rescaled_body<P: Storage>(beta: f64, m: &mut [P], w: &mut [P]) {
    for (m, w) in m.iter_mut().zip(w) {
        let (old_m, old_w) = (m.wide(), w.wide());
        let (to_m, to_w) = factors::<P>(old_m * old_w, beta);
        *m = P::narrow(to_m.wide().copysign(old_m));
        *w = P::narrow(to_w.wide().copysign(old_w));
    }
}

each_level!(fn rescaled[P: Storage](beta: f64, m: &mut [P], w: &mut [P]) = rescaled_body);
