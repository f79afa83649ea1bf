//! The laws of the reparameterizations, masks and measures.

use proptest::prelude::*;

use crate::kernels::mask_weight::{chunks::CHUNK, host::*, *};
use crate::numerics::exact::sums::sum2;

const U: f64 = f64::EPSILON / 2.0;

/// Magnitudes over the whole range of f64, of both signs.
fn any_size() -> impl Strategy<Value = f64> {
    (-290.0..290.0_f64, any::<bool>(), 1.0..10.0).prop_map(|(e, minus, v): (f64, bool, f64)| {
        v * 10.0_f64.powf(e.round()) * if minus { -1.0 } else { 1.0 }
    })
}

/// Half of the entries from a handful of values, so that there are ties.
fn with_ties() -> impl Strategy<Value = Vec<f64>> {
    let entry = prop_oneof![
        -3.0..3.0_f64,
        prop::sample::select(vec![0.0, -0.0, 0.5, -0.5, 1e-310, f64::INFINITY, -2.0, 2.0]),
    ];
    prop::collection::vec(entry, 0..60)
}

/// One ulp less than twice: `m·w` in one rounding from `w = fl(x/m)`.
fn check_factors(x: f64, beta: f64, m: f64, w: f64, u: f64) -> Result<(), TestCaseError> {
    prop_assert!(
        (m * w - x).abs() <= 2.0 * u * x.abs() + 5e-324 * (m.abs() + 1.0),
        "m·w = {}, x = {x}",
        m * w
    );
    // 7u(m² + w²) by counting the roundings of m and w, 3 more for this expression; scaled against overflow.
    let s = m.abs().max(w.abs());
    let (a, b) = (m / s, w / s);
    let found = (a - b) * (a + b);
    let off = (found - beta / s / s).abs();
    prop_assert!(
        s == 0.0 || off <= 10.0 * u * (a * a + b * b),
        "m² − w² = {found}·{s}², β = {beta}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_start_has_the_given_product_and_beta(
        x in any_size(), beta in prop_oneof![Just(0.0), Just(1.0), any_size()],
    ) {
        let (mut m, mut w) = ([0.0_f64], [0.0_f64]);
        factor_start(&[x], beta, &mut m, &mut w).unwrap();
        prop_assert!(m[0] >= 0.0 && (beta != 0.0 || m[0] == x.abs().sqrt() || (m[0] / x.abs().sqrt() - 1.0).abs() <= 8.0 * U));
        // w may be subnormal where β is far above x².
        if m[0].min(w[0].abs()) > 1e-300 {
            check_factors(x, beta, m[0], w[0], U)?;
        }
        // Rescaling from anywhere on the hyperbola m·w = x comes back, signs kept.
        let scale = 2.0_f64.powi(((x.abs().log10() as i32) % 5) - 2);
        let (mut p, mut q) = ([-m[0] * scale], [-w[0] / scale]);
        rescale(beta, &mut p, &mut q).unwrap();
        if m[0].min(w[0].abs()) > 1e-300 && x.abs() > 1e-290 {
            prop_assert!((p[0] / -m[0] - 1.0).abs() <= 8.0 * U && (q[0] / -w[0] - 1.0).abs() <= 8.0 * U);
        }
    }

    #[test]
    fn starts_in_f32_and_bf16_are_right_to_their_rounding(x in -1e3..1e3_f64, beta in prop_oneof![Just(0.0), Just(1.0), -10.0..10.0]) {
        let x = x as f32;
        let (mut m, mut w) = ([0.0_f32], [0.0_f32]);
        factor_start(&[x], beta, &mut m, &mut w).unwrap();
        check_factors(x.wide(), beta, m[0].wide(), w[0].wide(), 2.0_f64.powi(-24))?;
        let x = Bf16::store(x);
        let (mut m, mut w) = ([Bf16::default()], [Bf16::default()]);
        factor_start(&[x], beta, &mut m, &mut w).unwrap();
        check_factors(x.wide(), beta, m[0].wide(), w[0].wide(), 2.0_f64.powi(-8))?;
    }

    /// x minimises ½(x − θ)² + λ|x|: θ − x lies in λ∂|x|.
    #[test]
    fn the_soft_threshold_is_the_proximal_map(theta in -3.0..3.0_f64, s in -5.0..5.0_f64) {
        let lambda = 1.0 / (1.0 + (-s).exp());
        let mut x = [0.0];
        soft_threshold(&[theta], s, &mut x).unwrap();
        if x[0] == 0.0 {
            prop_assert!(theta.abs() <= lambda + 4.0 * U);
        } else {
            prop_assert!((theta - x[0] - lambda * x[0].signum()).abs() <= 8.0 * U * theta.abs());
        }
    }

    /// Against the standard library's power, itself within an ulp: 2 ulp here.
    #[test]
    fn powers_are_right_to_two_ulp(theta in any_size(), near_one in 0.5..2.0_f64, p in 1.0..32.0_f64) {
        for theta in [theta, near_one, -near_one] {
            let (mut x, mut slope) = ([0.0], [0.0]);
            power(&[theta], p, &mut x).unwrap();
            let truth = theta.abs().powf(p).copysign(theta);
            prop_assert!(x[0] == truth || (x[0] - truth).abs() <= 6.0 * U * truth.abs() + 1e-323, "{theta:e}^{p}: {:e} {truth:e}", x[0]);
            power_backward(&[theta], p, &[1.0], &mut slope).unwrap();
            let truth = p * theta.abs().powf(p - 1.0);
            prop_assert!(slope[0] == truth || (slope[0] - truth).abs() <= 10.0 * U * truth.abs() + 1e-322 * p);
        }
        // In f32: rounded once from an f64 that is right to 2^{−35}.
        let base = near_one as f32;
        let (mut x, mut truth) = ([0.0_f32], [0.0]);
        power(&[base], p, &mut x).unwrap();
        power(&[base.wide()], p, &mut truth).unwrap();
        if truth[0] > 1e-30 {
            prop_assert!((x[0].wide() - truth[0]).abs() <= 1.01 * 2.0_f64.powi(-24) * truth[0], "{base:e}^{p}");
        }
    }

    /// Exactly k survive, and they are the first k in the order of magnitude, then layer, then index.
    #[test]
    fn exactly_k_survive(a in with_ties(), b in with_ties(), share in 0.0..=1.0_f64) {
        let total = a.len() + b.len();
        let k = (share * total as f64).round() as usize;
        let mut order: Vec<(f64, usize)> = a.iter().chain(&b).map(|v| v.abs()).zip(0..).collect();
        order.sort_by(|p, q| q.0.partial_cmp(&p.0).unwrap().then(p.1.cmp(&q.1)));
        let mut expected = vec![0_u8; total];
        order[..k].iter().for_each(|(_, i)| expected[*i] = 1);
        let (mut of_a, mut of_b) = (vec![7; a.len()], vec![7; b.len()]);
        let cut = keep_largest(&[&a[..], &b], k, &mut [&mut of_a[..], &mut of_b]).unwrap();
        prop_assert_eq!([&of_a[..], &of_b].concat(), expected);
        prop_assert_eq!(cut.map(|c| c.magnitude), k.checked_sub(1).map(|last| order[last].0));
        prop_assert_eq!(cut, cut_at(&[&a[..], &b], k).unwrap());
        // In bf16 there are more ties; the count is what counts.
        let narrow: Vec<Bf16> = a.iter().map(|v| Bf16::narrow(*v)).collect();
        let k = k.min(a.len());
        keep_largest(&[&narrow], k, &mut [&mut of_a]).unwrap();
        prop_assert_eq!(of_a.iter().map(|v| *v as usize).sum::<usize>(), k);
        let single: Vec<f32> = a.iter().map(|v| *v as f32).collect();
        keep_largest(&[&single], k, &mut [&mut of_a]).unwrap();
        let least = single.iter().zip(&of_a).filter(|p| *p.1 == 1).map(|p| p.0.abs()).fold(f32::INFINITY, f32::min);
        let most = single.iter().zip(&of_a).filter(|p| *p.1 == 0).map(|p| p.0.abs()).fold(0.0, f32::max);
        prop_assert!(most <= least);
    }
}

#[test]
fn starts_hold_at_the_ends_of_the_range() {
    for x in [0.0, 5e-324, 1e-320, 1e-200, 1.0, 1e200, f64::MAX] {
        for beta in [0.0, 5e-324, 1e-310, 1.0, 1e308, f64::MAX] {
            for (x, beta) in [(x, beta), (-x, beta), (x, -beta)] {
                let (mut m, mut w) = ([f64::NAN], [f64::NAN]);
                factor_start(&[x], beta, &mut m, &mut w).unwrap();
                let (m, w) = (m[0], w[0]);
                assert!(m.is_finite() && w.is_finite(), "x = {x:e}, β = {beta:e}: {m:e} {w:e}");
                // One rounding of w, which may be subnormal, by m.
                let bound = 2.0 * U * x.abs() + 5e-324 * (1.0 + m.abs().max(w.abs()));
                assert!((m * w - x).abs() <= bound, "x = {x:e}, β = {beta:e}: {m:e} {w:e}");
            }
        }
    }
    let (mut m, mut w) = ([0.0_f64; 3], [0.0_f64; 3]);
    factor_start(&[0.0, 4.0, -9.0], 0.0, &mut m, &mut w).unwrap();
    assert_eq!((m, w), ([0.0, 2.0, 3.0], [0.0, 2.0, -3.0]));
    factor_start(&[0.0], -4.0, &mut m[..1], &mut w[..1]).unwrap();
    assert_eq!((m[0], w[0]), (0.0, 2.0));
    factor_start(&[f64::NAN], 1.0, &mut m[..1], &mut w[..1]).unwrap();
    assert!(w[0].is_nan());
    let found = factor_start(&[1.0], f64::INFINITY, &mut m[..1], &mut w[..1]);
    assert!(found.unwrap_err().to_string().contains("beta is inf"));
}

/// Central differences of `F(v) = Σ g x(v)`.
fn differences(n: usize, value: impl Fn(usize, f64) -> f64, slope: &[f64], bound: f64) {
    let h = 1e-5;
    for i in 0..n {
        let by = (value(i, h) - value(i, -h)) / (2.0 * h);
        assert!((by - slope[i]).abs() < bound, "[{i}]: {by} {}", slope[i]);
    }
}

#[test]
fn gradients_agree_with_differences() {
    let n = 45;
    let of = |s: f64| -> Vec<f64> { (0..n).map(|i| 1.7 * (0.4 + i as f64 * s).sin()).collect() };
    let (theta, w, g) = (of(0.37), of(0.91), of(1.3));
    let (mut slope, mut other) = (vec![0.0; n], vec![0.0; n]);
    let one = |f: &dyn Fn(&[f64], &mut [f64]), v: f64| {
        let mut x = [0.0];
        f(&[v], &mut x);
        x[0]
    };
    // h²/6 times third derivatives below 200, and rounding.
    let bound = 1e-10 / 6.0 * 200.0 + 2e-10;
    for p in [1.0, 1.375, 2.0, 3.0, 4.5] {
        power_backward(&theta, p, &g, &mut slope).unwrap();
        let f = |v: &[f64], x: &mut [f64]| power(v, p, x).unwrap();
        differences(n, |i, h| g[i] * one(&f, theta[i] + h), &slope, bound);
    }
    let s = -0.8;
    let g_s = soft_threshold_backward(&theta, s, &g, &mut slope).unwrap();
    let f = |v: &[f64], x: &mut [f64]| soft_threshold(v, s, x).unwrap();
    differences(n, |i, h| g[i] * one(&f, theta[i] + h), &slope, bound);
    let total = |s: f64| {
        let mut x = vec![0.0; n];
        soft_threshold(&theta, s, &mut x).unwrap();
        x.iter().zip(&g).map(|(x, g)| x * g).sum::<f64>()
    };
    differences(1, |_, h| total(s + h), &[g_s], bound * n as f64);

    let (beta, lambda) = (2.5, 0.3);
    sigmoid_mask_backward(&theta, &w, beta, lambda, &g, &mut slope, &mut other).unwrap();
    let value = |i: usize, ds: f64, dw: f64| {
        let (mut x, mut sigma) = ([0.0], [0.0]);
        sigmoid_mask(&[theta[i] + ds], &[w[i] + dw], beta, &mut x).unwrap();
        sigmoid_mask(&[theta[i] + ds], &[1.0], beta, &mut sigma).unwrap();
        g[i] * x[0] + lambda * sigma[0]
    };
    differences(n, |i, h| value(i, h, 0.0), &slope, bound);
    differences(n, |i, h| value(i, 0.0, h), &other, bound);
}

#[test]
fn the_ham_step_is_its_formula_and_keeps_signs() {
    let ham = Ham { rate: 0.1, alpha: 20.0, beta: 0.5 };
    let n = 61;
    let x0: Vec<f64> = (0..n).map(|i| (0.3 + i as f64).sin()).collect();
    let g: Vec<f64> = (0..n).map(|i| 4.0 * (0.9 + i as f64 * 0.7).sin()).collect();
    let mut x = x0.clone();
    ham_step(&ham, &g, &mut x).unwrap();
    for i in 0..n {
        let exponent =
            (ham.rate * (-ham.alpha * x0[i].signum() * g[i] - ham.beta)).clamp(-5.0, 5.0);
        let truth = x0[i] * exponent.exp();
        assert!((x[i] - truth).abs() <= 30.0 * U * truth.abs());
        assert_eq!(x[i].signum(), x0[i].signum());
    }
    let mut x = [f32::NAN, 1.0, 0.0, f32::INFINITY];
    ham_step(&ham, &[0.0, f32::NAN, f32::INFINITY, 1.0], &mut x).unwrap();
    assert!(x[0].is_nan() && x[1].is_nan() && x[2] == 0.0 && x[3].is_infinite());
    assert!(ham_step(&Ham { beta: -1.0, ..ham }, &[1.0], &mut [1.0]).is_err());
}

fn noise(n: usize, s: f64) -> Vec<f32> {
    (0..n).map(|i| ((i * i % 9973) as f64 * s + i as f64 * 1.3).sin() as f32).collect()
}

#[test]
fn threads_change_no_bit_of_a_sum_or_a_mask() {
    let n = 11 * CHUNK + 77;
    let (x, g) = (noise(n, 0.2), noise(n, 0.7));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut slope = vec![0.0; n];
            let g_s = soft_threshold_backward(&x, -1.0, &g, &mut slope).unwrap();
            let mut keep = vec![0; n];
            let cut = keep_largest(&[&x], n / 7, &mut [&mut keep]).unwrap();
            let found = measure(&x);
            (g_s.to_bits(), cut, keep, found, sign_flips(&x, &g).unwrap())
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
    assert_eq!(one.2.iter().map(|k| *k as usize).sum::<usize>(), n / 7);
}

#[test]
fn measures_are_right_for_every_length() {
    for n in (0..70).chain([CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 33]) {
        let mut x = noise(n, 0.4);
        let y = noise(n, 0.9);
        x.iter_mut().step_by(5).for_each(|v| *v = 0.0);
        let wide = |f: fn(f64) -> f64| x.iter().map(|v| f(v.wide())).collect::<Vec<_>>();
        let found = measure(&x);
        // The bound of the module.
        let bound = (512.0 + 6.0 + 10.0) * U;
        let l1 = sum2(&wide(f64::abs));
        let l2 = sum2(&wide(|v| v * v));
        assert!((found.l1 - l1).abs() <= bound * l1 && (found.l2_squared - l2).abs() <= bound * l2);
        assert_eq!(found.nonzeros, x.iter().filter(|v| **v != 0.0).count());
        let flips =
            x.iter().zip(&y).filter(|(a, b)| a.signum() != b.signum() && **a != 0.0 && **b != 0.0);
        assert_eq!(sign_flips(&x, &y).unwrap(), flips.count());
    }
    assert!(measure(&[1.0, f64::NAN]).l1.is_nan());
    assert_eq!(sign_flips(&[f32::NAN, -1.0, 1e-45], &[-1.0, f32::NAN, -1e-45]).unwrap(), 1);
}

#[test]
fn masks_refuse_what_has_no_order_or_no_room() {
    let message = |found: crate::Result<Option<Cut>>| found.unwrap_err().to_string();
    let nan = [1.0, f64::NAN];
    let found = message(cut_at(&[&[1.0][..], &nan], 1));
    assert_eq!(found, "layers[1][1] is NaN, expected a finite number");
    let found = message(cut_at(&[&[1.0_f32, 2.0][..]], 3));
    assert!(found.contains("is 3, expected at most the 2 that there are"), "{found}");
    let found = message(keep_largest(&[&[1.0][..]], 1, &mut [&mut [0, 0]]));
    assert!(found.contains("masks[0] has shape (2), expected (1) as layers[0]"), "{found}");
    let mut keep = [3; 2];
    assert_eq!(keep_largest(&[&[1.0, 2.0][..]], 0, &mut [&mut keep]).unwrap(), None);
    assert_eq!(keep, [0, 0]);
    assert_eq!(cut_at::<f32>(&[], 0).unwrap(), None);
}

#[test]
fn nan_goes_through_reparameterizations() {
    let v = [f32::NAN, 1.0];
    let mut x = [0.0_f32; 2];
    soft_threshold(&v, 0.0, &mut x).unwrap();
    assert!(x[0].is_nan() && x[1] == 0.5);
    for p in [1.0, 2.0, 3.0, 2.5] {
        power(&v, p, &mut x).unwrap();
        assert!(x[0].is_nan() && x[1] == 1.0);
    }
    sigmoid_mask(&v, &[1.0, f32::NAN], 1.0, &mut x).unwrap();
    assert!(x[0].is_nan() && x[1].is_nan());
    assert!(power(&v, 0.5, &mut x).is_err() && power(&v, f64::NAN, &mut x).is_err());
    assert!(sigmoid_mask(&v, &v, 0.0, &mut x).is_err());
}
