//! The exact results are integers: `i128` holds what two doubles of at most 53 bits multiply to.

use proptest::prelude::*;

use super::*;

/// `v = m·2^e` exactly, as `(m, e)`.
fn parts(v: f64) -> (i128, i32) {
    let bits = v.to_bits();
    let exponent = ((bits >> 52) & 0x7FF) as i32;
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (m, e) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent - 1075) };
    (if v < 0.0 { -m } else { m }, e)
}

/// Compares `v` with `numerator / 2^shift`, exactly (small enough not to overflow).
fn compare(v: f64, numerator: i128, shift: i32) -> std::cmp::Ordering {
    let (mut m, mut e) = parts(v);
    if m == 0 {
        return 0.cmp(&numerator);
    }
    while m % 2 == 0 {
        m /= 2;
        e += 1;
    }
    // v·2^shift = m·2^{e+shift} against the numerator.
    let e = e + shift;
    if e >= 0 { (m << e).cmp(&numerator) } else { m.cmp(&(numerator << -e)) }
}

fn encloses(x: Interval, numerator: i128, shift: i32) -> bool {
    compare(x.lo, numerator, shift).is_le() && compare(x.hi, numerator, shift).is_ge()
}

/// The best enclosure: a float, or two neighbours around the exact value.
fn tight(x: Interval) -> bool {
    x.hi <= x.lo.next_up()
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![-100_i64..100, -(1_i64 << 53)..(1_i64 << 53)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn sums_and_products_are_the_tightest(a in integer(), b in integer(), e in -60_i32..60) {
        let unit = 2.0_f64.powi(e);
        let (x, y) = (Interval::point(a as f64), Interval::point(b as f64));
        let product = x * y;
        prop_assert!(encloses(product, i128::from(a) * i128::from(b), 0) && tight(product));
        let square = x.sqr();
        prop_assert!(encloses(square, i128::from(a) * i128::from(a), 0) && tight(square));
        // 2^e scales everything exactly.
        let scaled = Interval::point(a as f64 * unit) * Interval::point(b as f64 * unit);
        prop_assert_eq!((scaled.lo, scaled.hi), (product.lo * unit * unit, product.hi * unit * unit));
        // a + b·2^{−20}, exact in units of 2^{−20}.
        let sum = x + Interval::point(b as f64 / f64::from(1 << 20));
        prop_assert!(encloses(sum, (i128::from(a) << 20) + i128::from(b), 20) && tight(sum));
        let difference = x - Interval::point(b as f64 / f64::from(1 << 20));
        prop_assert!(encloses(difference, (i128::from(a) << 20) - i128::from(b), 20));
        prop_assert!(tight(difference));
    }

    #[test]
    fn quotients_and_roots_are_the_tightest(a in -(1_i64 << 30)..(1_i64 << 30), b in 1_i64..(1 << 22)) {
        let quotient = Interval::point(a as f64) / Interval::point(b as f64);
        // lo ≤ a/b ⇔ lo·b ≤ a, with lo = m·2^e.
        let below = |v: f64| {
            let (m, e) = parts(v);
            let left = m * i128::from(b);
            if e >= 0 { (left << e).cmp(&i128::from(a)) } else if e > -95 {
                left.cmp(&(i128::from(a) << -e))
            } else {
                // Only 0 is that small here.
                0.cmp(&i128::from(a))
            }
        };
        prop_assert!(below(quotient.lo).is_le() && below(quotient.hi).is_ge() && tight(quotient));
        let negative = Interval::point(a as f64) / Interval::point(-(b as f64));
        prop_assert_eq!(negative, -quotient);

        let root = Interval::point(b as f64).sqrt().unwrap();
        let squared = |v: f64| {
            let (m, e) = parts(v);
            (m * m).cmp(&(i128::from(b) << (-2 * e)))
        };
        prop_assert!(squared(root.lo).is_le() && squared(root.hi).is_ge() && tight(root));
    }

    /// Inclusion: a point result lies in the result of the intervals, over the whole range of
    /// doubles, and no end is ever NaN.
    #[test]
    fn operations_are_inclusion_isotone(bits in prop::array::uniform4(any::<u64>()), s in 0.0..1.0_f64, t in 0.0..1.0_f64) {
        let v = bits.map(f64::from_bits);
        prop_assume!(v.iter().all(|v| v.is_finite()));
        let x = Interval::new(v[0].min(v[1]), v[0].max(v[1])).unwrap();
        let y = Interval::new(v[2].min(v[3]), v[2].max(v[3])).unwrap();
        let p = Interval::point((x.lo + s * (x.hi - x.lo)).clamp(x.lo, x.hi));
        let q = Interval::point((y.lo + t * (y.hi - y.lo)).clamp(y.lo, y.hi));
        for (whole, part) in [(x + y, p + q), (x - y, p - q), (x * y, p * q), (x / y, p / q),
            (x.sqr(), p.sqr()), (x.abs(), p.abs()), (x.hull(y), p), (x.hull(y), q)] {
            prop_assert!(!whole.lo.is_nan() && !whole.hi.is_nan());
            if p.is_finite() && q.is_finite() && !q.contains(0.0) {
                prop_assert!(part.is_subset_of(whole), "{whole} ⊉ {part}");
            }
        }
        if let (Some(whole), Some(part)) = (x.sqrt(), p.sqrt()) {
            prop_assert!(part.is_subset_of(whole));
            // √p² ∋ p where nothing underflows away.
            prop_assert!(part.sqr().contains(p.lo));
        }
        // The rounded point result is at most one rounding away from the exact one.
        prop_assert!((p * q).contains(p.lo * q.lo) || !(p.lo * q.lo).is_finite());
        prop_assert!(x.contains(x.mid()) && x.mig() <= x.mid().abs() && x.mid().abs() <= x.mag());
        prop_assert!(x.is_subset_of(Interval::around(x.mid(), x.rad())));
    }

    /// Cancelling sums of integer products: enclosed, and as narrow as the bound promises.
    #[test]
    fn dot_products_are_enclosed(
        terms in prop::collection::vec((-(1_i64 << 40)..(1_i64 << 40), -(1_i64 << 40)..(1_i64 << 40)), 1..80),
        extra in -3_i64..3,
    ) {
        let mut terms = terms;
        let mirrored: Vec<_> = terms.iter().map(|(a, b)| (*a, -b)).collect();
        terms.extend(mirrored);
        terms.push((extra, 1));
        let a: Vec<f64> = terms.iter().map(|t| t.0 as f64).collect();
        let b: Vec<f64> = terms.iter().map(|t| t.1 as f64).collect();
        let sum = dot(&a, &b);
        prop_assert!(encloses(sum, i128::from(extra), 0), "{sum}");
        let size: f64 = a.iter().zip(&b).map(|(a, b)| (a * b).abs()).sum();
        let count = (a.len() + 20) as f64 * f64::EPSILON;
        prop_assert!(sum.width() <= 4.0 * count * count * size + 4.0 * f64::EPSILON);
        prop_assert_eq!(dot(&a, &b), dot_interval(&a, &b.iter().map(|b| Interval::point(*b)).collect::<Vec<_>>()));
        let r = residual(&a, &b, &[extra as f64]);
        prop_assert!(r[0].contains(0.0));
        // Both bodies of the kernel meet the same exact sum.
        prop_assert!(encloses(sums::plain_dot(&a, &b), i128::from(extra), 0));
        let norm: i128 = terms.iter().map(|t| i128::from(t.0.abs())).sum();
        prop_assert!(encloses(norm1(&a), norm, 0) && norm1(&a).width() <= norm as f64 * 4.0 * f64::EPSILON);
    }

    /// Every corner and the centre of the box give a sum inside.
    #[test]
    fn box_products_contain_their_corners(
        entries in prop::collection::vec((-1000_i64..1000, -1000_i64..1000, 0_i64..50), 1..12),
        choice in any::<u64>(),
    ) {
        let z: Vec<f64> = entries.iter().map(|e| e.0 as f64).collect();
        let x: Vec<Interval> = entries.iter()
            .map(|e| Interval::new(e.1 as f64, (e.1 + e.2) as f64).unwrap()).collect();
        let corner: i64 = entries.iter().enumerate()
            .map(|(i, e)| e.0 * if choice >> i & 1 == 0 { e.1 } else { e.1 + e.2 }).sum();
        prop_assert!(dot_interval(&z, &x).contains(corner as f64));
        prop_assert!(residual_interval(&z, &x, &[17.0])[0].contains((corner - 17) as f64));
        let norm: i64 = entries.iter().enumerate()
            .map(|(i, e)| if choice >> i & 1 == 0 { e.1 } else { e.1 + e.2 }.abs()).sum();
        prop_assert!(norm1_interval(&x).contains(norm as f64));
    }
}

#[test]
fn operations_without_a_bound_give_the_whole_line() {
    let zero_inside = Interval::new(-1.0, 2.0).unwrap();
    assert_eq!(Interval::point(1.0) / zero_inside, Interval::ENTIRE);
    assert_eq!(Interval::point(1.0) / Interval::ZERO, Interval::ENTIRE);
    assert_eq!(Interval::ENTIRE - Interval::ENTIRE, Interval::ENTIRE);
    assert_eq!(Interval::ENTIRE * Interval::ZERO, Interval::ZERO);
    assert_eq!(Interval::point(f64::NAN), Interval::ENTIRE);
    assert_eq!(Interval::around(0.0, -1.0), Interval::ENTIRE);
    assert_eq!(dot(&[f64::INFINITY], &[0.0]), Interval::ENTIRE);
    assert_eq!(dot(&[1e200, 1.0], &[1e200, 1.0]), Interval::ENTIRE);
    assert_eq!(dot(&[0.0, 3.0], &[1.0, 0.0]), Interval::ZERO);
    assert!(Interval::point(-1.0).sqrt().is_none());
    for (lo, hi) in [(1.0, 0.0), (f64::NAN, 1.0), (f64::INFINITY, f64::INFINITY)] {
        assert!(Interval::new(lo, hi).is_err());
    }
}

#[test]
fn overflow_and_underflow_stay_bounded() {
    let max = Interval::point(f64::MAX);
    assert_eq!(max + max, Interval { lo: f64::MAX, hi: f64::INFINITY });
    assert_eq!(max * -max, Interval { lo: f64::NEG_INFINITY, hi: -f64::MAX });
    let tiny = Interval::point(5e-324);
    assert_eq!(tiny * tiny, Interval { lo: 0.0, hi: 5e-324 });
    assert_eq!(tiny * -tiny, Interval { lo: -5e-324, hi: 0.0 });
    assert_eq!(tiny / max, Interval { lo: 0.0, hi: 5e-324 });
    assert!(dot(&[1e-200, 1e-200], &[1e-200, -1e-200]).contains(0.0));
    let root = tiny.sqrt().unwrap();
    assert!(root.sqr().contains(5e-324) && root.width() < 1e-177);
}

#[test]
fn tests_of_a_krawczyk_step() {
    let (inner, outer) = (Interval::new(0.0, 1.0).unwrap(), Interval::new(-1.0, 2.0).unwrap());
    assert!(inner.is_interior_of(outer) && !inner.is_interior_of(inner));
    assert!(inner.is_subset_of(inner) && Interval::ENTIRE.is_interior_of(Interval::ENTIRE));
    assert_eq!(inner.intersection(Interval::new(0.5, 3.0).unwrap()), Interval::new(0.5, 1.0).ok());
    assert_eq!(inner.intersection(Interval::new(1.5, 3.0).unwrap()), None);
    assert_eq!(inner.hull(Interval::point(4.0)), Interval::new(0.0, 4.0).unwrap());
}
