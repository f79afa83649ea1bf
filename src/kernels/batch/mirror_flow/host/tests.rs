//! The tiles against plain loops, on this processor's vectors and on the portable ones, in f64 and f32.

use super::tiles::{
    Entries, Individual, Scale, Shape, Shared, elements, factor, factor_len, residual, solve,
    transposed,
};
use crate::numerics::exact::scaled::Scaled;
use crate::numerics::lanes::{Lanes, Real, lane_kernel};
use crate::numerics::special::log_domain::{a_cosh, a_sinh};

const SHAPE: Shape = Shape { d: 12, n: 20 };

/// Numbers in [−1, 1] that depend on k.
fn noise(k: usize) -> f64 {
    let bits = (k as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((bits ^ (bits >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 11) as f64 / 2f64.powi(52) - 1.0
}

fn filled<T: Real>(len: usize, salt: usize, map: impl Fn(f64) -> f64) -> Vec<T> {
    (0..len).map(|k| T::from_f64(map(noise(1000 * salt + k)))).collect()
}

/// All products, the factor and a solve, with what they are computed from.
struct Case<T> {
    nu: Vec<T>,
    x: Vec<T>,
    y: Vec<T>,
    weights: Vec<T>,
    sigma: Vec<T>,
    zt: Vec<T>,
    off: Vec<T>,
    u: Vec<T>,
    width: usize,
}

#[inline(always)]
fn run_body<L: Lanes, E: Entries<L::T>>(z: E, case: &mut Case<L::T>) {
    let Shape { d, n } = SHAPE;
    let w = L::WIDTH;
    *case = Case {
        nu: filled(d * w, 1, |v| v),
        x: filled(n * w, 2, |v| v),
        y: filled(d * w, 3, |v| v),
        weights: filled(n * w, 4, |v| 1.0 + 0.5 * v),
        sigma: filled(w, 5, |v| 1.0 + 0.5 * v),
        zt: filled(n * w, 6, |v| v),
        off: filled(d * w, 7, |v| v),
        u: filled(d * w, 8, |v| v),
        width: w,
    };
    transposed::<L, E>(z, SHAPE, &case.nu, &mut case.zt);
    residual::<L, E>(z, SHAPE, &case.x, &case.y, 0.25, &mut case.off);
    let mut panel = filled(4 * n * w, 9, |v| v);
    let mut l = filled(factor_len(d) * w, 10, |v| v);
    factor::<L, E>(z, SHAPE, &case.weights, &case.sigma, &mut panel, &mut l);
    solve::<L>(d, &l, &mut case.u);
}

lane_kernel!(fn run<T, E: Entries<T>>(z: E, case: &mut Case<T>) = run_body);

fn empty<T: Real>() -> Case<T> {
    let none = Vec::new;
    Case {
        nu: none(),
        x: none(),
        y: none(),
        weights: none(),
        sigma: none(),
        zt: none(),
        off: none(),
        u: none(),
        width: 0,
    }
}

/// `entry(j, i, lane)` is Z. Sums of at most 20 numbers below 1, and a matrix with eigenvalues from ½ to
/// about 30: errors of a few hundred roundings.
fn check<T: Real>(case: &Case<T>, entry: impl Fn(usize, usize, usize) -> f64, rounding: f64) {
    let Shape { d, n } = SHAPE;
    let w = case.width;
    let at = |v: &[T], k: usize, l: usize| v[k * w + l].to_f64();
    let close = |p: f64, q: f64| assert!((p - q).abs() <= 500.0 * rounding, "{p} {q}");
    for l in 0..w {
        for i in 0..n {
            let sum: f64 = (0..d).map(|j| entry(j, i, l) * at(&case.nu, j, l)).sum();
            close(at(&case.zt, i, l), sum);
        }
        for j in 0..d {
            let sum: f64 = (0..n).map(|i| entry(j, i, l) * at(&case.x, i, l)).sum();
            close(at(&case.off, j, l), 0.25 * (sum - at(&case.y, j, l)));
            // (σI + Z diag(weights) Zᵀ) u is what was solved for.
            let mut back = at(&case.sigma, 0, l) * at(&case.u, j, l);
            for k in 0..d {
                let gram: f64 =
                    (0..n).map(|i| at(&case.weights, i, l) * entry(j, i, l) * entry(k, i, l)).sum();
                back += gram * at(&case.u, k, l);
            }
            close(back, noise(8000 + j * w + l));
        }
    }
}

fn both<T: Real>(rounding: f64) {
    let Shape { d, n } = SHAPE;
    let z: Vec<T> = filled(d * n, 11, |v| v);
    let mut case = empty();
    run::<T, _>(Shared(&z), &mut case);
    check(&case, |j, i, _| z[j * n + i].to_f64(), rounding);
    let portable = |z: &[T], case: &mut Case<T>| run_body::<T::Portable, _>(Shared(z), case);
    portable(&z, &mut case);
    check(&case, |j, i, _| z[j * n + i].to_f64(), rounding);
    let w = T::width();
    let z: Vec<T> = filled(d * n * w, 12, |v| v);
    run::<T, _>(Individual(&z), &mut case);
    check(&case, |j, i, l| z[(j * n + i) * w + l].to_f64(), rounding);
}

#[test]
fn products_factors_and_solutions_are_those_of_plain_loops() {
    both::<f64>(1.2e-16);
    both::<f32>(6e-8);
}

struct Hyperbolic<T> {
    zt: Vec<T>,
    theta: Vec<T>,
    k: Vec<T>,
    m: Vec<T>,
    shift: [Vec<T>; 2],
    x: Vec<T>,
    s: Vec<T>,
}

#[inline(always)]
fn hyperbolic_body<L: Lanes>(case: &mut Hyperbolic<L::T>) {
    let start = Scale { k: &case.k[..], m: &case.m[..] };
    let shift = Scale { k: &case.shift[0][..], m: &case.shift[1][..] };
    let n = case.zt.len() / L::WIDTH;
    elements::<L, true>(n, &case.zt, &case.theta, start, shift, &mut case.x, &mut case.s);
}

lane_kernel!(fn hyperbolic<T>(case: &mut Hyperbolic<T>) = hyperbolic_body);

/// Largest error relative to `|x|` and `s`, over exponents that bring results between 1e-10 and 1e10.
fn hyperbolic_error<T: Real>(log_a: f64, total: f64) -> f64 {
    let (n, w) = (60, T::width());
    let a = |v: f64| Scaled::exp(v, 0.0);
    let reach = -(log_a - 4.0 * total);
    let zt: Vec<T> = (0..n * w)
        .map(|k| {
            let size = match k % 3 {
                0 => reach.max(0.0) + 20.0 * noise(k),
                1 => 2.0 * noise(k),
                _ => 1e-3 * noise(k),
            };
            T::from_f64(0.5 * size * if k % 2 == 0 { 1.0 } else { -1.0 })
        })
        .collect();
    let fill = |v: f64, len: usize| vec![T::from_f64(v); len];
    let mut case = Hyperbolic {
        theta: fill(0.25, n * w),
        k: fill(a(log_a).k as f64, n * w),
        m: fill(a(log_a).m, n * w),
        shift: [fill(a(-4.0 * total).k as f64, w), fill(a(-4.0 * total).m, w)],
        x: fill(0.0, n * w),
        s: fill(0.0, n * w),
        zt,
    };
    hyperbolic(&mut case);
    let mut worst = 0.0_f64;
    for k in 0..n * w {
        let z = T::from_f64(0.25 - 2.0 * case.zt[k].to_f64()).to_f64();
        let (x, s) = (a_sinh(z, log_a - 4.0 * total), a_cosh(z, log_a - 4.0 * total));
        for (found, truth) in [(case.x[k], x), (case.s[k], s)] {
            if truth.abs() > 1e-30 {
                worst = worst.max((found.to_f64() / truth - 1.0).abs());
            }
        }
    }
    worst
}

#[test]
fn the_hyperbolic_functions_are_right_for_every_scale() {
    for (log_a, total) in
        [(0.0, 0.0), (-0.7, 0.3), (30.0, 1.0), (-500.0, 20.0), (-9e5, 2e4), (-1e6, 0.0)]
    {
        // 4 ulp, and `log a − 4A` is rounded in the reference but not here.
        let bound = 1e-15 + 1.2e-16 * (f64::abs(log_a) + 4.0 * total);
        let error = hyperbolic_error::<f64>(log_a, total);
        assert!(error <= bound, "log a = {log_a}, A = {total}: {error:e}");
    }
    for (log_a, total) in [(0.0, 0.0), (-0.7, 0.3), (-500.0, 20.0), (-8000.0, 0.0)] {
        // θ is rounded to f32 before and in the reduction.
        let bound = 5e-7 + 1.2e-7 * (f64::abs(log_a) + 4.0 * total);
        let error = hyperbolic_error::<f32>(log_a, total);
        assert!(error <= bound, "log a = {log_a}, A = {total}: {error:e}");
    }
}
