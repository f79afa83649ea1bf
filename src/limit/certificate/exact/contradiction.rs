//! An integer combination of the rows that proves `Zx = y` unsolvable, in the units of Z.

use num_bigint::BigInt;
use num_traits::Zero;

use super::integers::Integers;
use super::round::{below, nearest};
use crate::limit::Farkas;
use crate::numerics::exact::sums::norm2;
use crate::problem::Problem;

/// The certificate of an integer u with `uᵀA = 0`, `uᵀb > 0`: in the units of Z it is
/// `ũ_i = 2^{−e_i} u_i`, times the power of two that makes all of it integers again.
pub(in crate::limit) fn farkas(problem: &Problem, a: &Integers, u: &[BigInt]) -> Farkas {
    let support: Vec<usize> = (0..a.d).filter(|i| !u[*i].is_zero()).collect();
    let largest = support.iter().map(|i| a.rows[*i]).max().unwrap_or(0);
    let mut integers = vec![BigInt::ZERO; a.d];
    for &i in &support {
        integers[i] = &u[i] << (largest - a.rows[i]);
    }
    let even = integers.iter().filter_map(BigInt::trailing_zeros).min().unwrap_or(0);
    integers.iter_mut().for_each(|v| *v >>= even);
    let bits = integers.iter().map(BigInt::bits).max().unwrap_or(1) as i64;
    // The largest entry between 1 and 2.
    let one = BigInt::from(1);
    let rounded: Vec<f64> = integers.iter().map(|v| nearest(v, &one, 1 - bits)).collect();
    let product: BigInt = support.iter().map(|i| &u[*i] * &a.targets[*i]).sum();
    let exponent = i64::from(largest) + i64::from(a.target) - even as i64 + 1 - bits;
    // yᵀu/(‖y‖‖u‖), with y brought to size 1.
    let top = problem.y().iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let y: Vec<f64> = problem.y().iter().map(|v| v / top).collect();
    let length = norm2(&y) * norm2(&rounded);
    let yt_u = below(&product, &one, exponent);
    Farkas {
        u: rounded,
        zt_u_inf: 0.0,
        yt_u,
        l1_lower: f64::INFINITY,
        residual: (yt_u / top / length).min(1.0),
        exact: Some(integers.iter().map(ToString::to_string).collect()),
    }
}
