use super::*;
use proptest::prelude::*;

fn parse(text: &str) -> Schedule {
    text.parse().unwrap()
}

fn message(text: &str) -> String {
    text.parse::<Schedule>().unwrap_err().to_string()
}

#[test]
fn every_text_form_is_read() {
    for (text, schedule) in [
        ("none", Schedule::None),
        ("constant:0.01", Schedule::Constant { c: 0.01 }),
        ("harmonic:0.25", Schedule::Harmonic { c: 0.25 }),
        ("quadratic:0.5", Schedule::Quadratic { c: 0.5 }),
        ("geometric:0.5,1", Schedule::Geometric { c: 0.5, r: 1.0 }),
        ("switch:0.5,10", Schedule::Switch { c: 0.5, at: 10.0 }),
        (
            "piecewise:0=1,2=0.5,3=0",
            Schedule::Piecewise { pieces: vec![(0.0, 1.0), (2.0, 0.5), (3.0, 0.0)] },
        ),
    ] {
        assert_eq!(parse(text), schedule);
        assert_eq!(schedule.to_string(), text);
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }
    assert_eq!(parse("  geometric : 0.5 , 1 "), parse("geometric:0.5,1"));
}

#[test]
fn errors_say_what_would_be_right() {
    for (text, why) in [
        ("", "expected none, constant:c, harmonic:c"),
        ("linear:1", "expected none, constant:c, harmonic:c"),
        ("none:1", "none takes no parameter"),
        ("constant", "expected constant:c"),
        ("constant:", "c is \"\", expected a number"),
        ("constant:1,2", "expected constant:c, found 2 numbers"),
        ("constant:-1", "schedule parameter c is -1, expected a finite strength >= 0"),
        ("harmonic:inf", "schedule parameter c is inf"),
        ("quadratic:NaN", "schedule parameter c is NaN"),
        ("geometric:1", "expected geometric:c,r, found 1 number"),
        ("geometric:1,0", "schedule parameter r is 0, expected a finite rate r > 0"),
        ("switch:1,-2", "schedule parameter T is -2, expected a finite time T >= 0"),
        ("piecewise:", "piece 0 is \"\", expected time=strength"),
        ("piecewise:1=1", "schedule parameter t0 is 1, expected 0"),
        ("piecewise:0=1,2=1,2=0", "schedule parameter t2 is 2, expected a finite time > 2"),
        ("piecewise:0=1,inf=0", "schedule parameter t1 is inf"),
        ("piecewise:0=1,5=-1", "schedule parameter c1 is -1"),
        ("piecewise:0=1,x=1", "t1 is \"x\", expected a number"),
    ] {
        let found = message(text);
        assert!(found.contains(why), "{text:?}: {found}");
    }
    assert!(Schedule::Piecewise { pieces: vec![] }.check().is_err());
}

/// `A` at tiny, moderate and huge arguments against 50-digit values rounded to f64, made with
/// mpmath: `c*(1-exp(-r*t))/r`, `c*log(1+t)`, `c*t/(1+t)` at the binary values of the decimals.
#[test]
fn the_integral_is_exact_to_a_few_ulp() {
    for (text, t, exact) in INTEGRALS {
        let found = parse(text).integral(t);
        // 4 roundings in the longest branch, each half an ulp, and a library function within 1 ulp.
        let tolerance = 4.0 * f64::EPSILON * exact;
        assert!((found - exact).abs() <= tolerance, "{text} at {t}: {found:e} {exact:e}");
    }
}

include!("integral_reference.rs");

#[test]
fn totals_supports_and_breakpoints() {
    let inf = f64::INFINITY;
    for (text, total, support, jumps) in [
        ("none", 0.0, Some(0.0), vec![]),
        ("constant:0", 0.0, Some(0.0), vec![]),
        ("constant:2", inf, None, vec![]),
        ("harmonic:0", 0.0, Some(0.0), vec![]),
        ("harmonic:1", inf, None, vec![]),
        ("quadratic:3", 3.0, None, vec![]),
        ("geometric:3,2", 1.5, None, vec![]),
        ("geometric:0,2", 0.0, Some(0.0), vec![]),
        ("switch:2,3", 6.0, Some(3.0), vec![3.0]),
        ("switch:0,3", 0.0, Some(0.0), vec![3.0]),
        ("switch:2,0", 0.0, Some(0.0), vec![]),
        ("piecewise:0=1,2=3,4=0,5=0", 8.0, Some(4.0), vec![2.0, 4.0, 5.0]),
        ("piecewise:0=1,2=3", inf, None, vec![2.0]),
        ("piecewise:0=0", 0.0, Some(0.0), vec![]),
    ] {
        let schedule = parse(text);
        assert_eq!(schedule.total(), total, "{text}");
        assert_eq!(schedule.integral(inf), total, "{text}");
        assert_eq!(schedule.has_finite_support(), support, "{text}");
        assert_eq!(schedule.reaches_zero(), support.is_some(), "{text}");
        assert_eq!(schedule.breakpoints(), jumps, "{text}");
        if let Some(end) = support {
            assert_eq!((schedule.alpha(end), schedule.alpha(1e300)), (0.0, 0.0), "{text}");
        }
    }
}

#[test]
fn alpha_is_right_continuous_at_jumps() {
    let switch = parse("switch:2,3");
    assert_eq!((switch.alpha(3f64.next_down()), switch.alpha(3.0)), (2.0, 0.0));
    let pieces = parse("piecewise:0=1,2=3");
    assert_eq!((pieces.alpha(2f64.next_down()), pieces.alpha(2.0)), (1.0, 3.0));
}

#[test]
fn many_pieces_cost_no_digits() {
    // c = 0.1 on 100,000 pieces of length 1: the exact sum is fl(0.1)·10⁵, whose nearest f64 is 1e4
    // (relative distance 5.6e-17). A plain sum is off by 1e-12.
    let pieces = (0..100_000).map(|k| (f64::from(k), 0.1)).collect();
    let found = Schedule::Piecewise { pieces }.integral(1e5);
    assert!((found - 1e4).abs() <= 2.0 * f64::EPSILON * 1e4, "{found:e}");
}

fn any_schedule() -> impl Strategy<Value = Schedule> {
    // Bit patterns reach subnormals and the largest numbers alike.
    let bits = any::<u64>().prop_map(|b| f64::from_bits(b >> 1));
    let level = bits.prop_filter("finite", |v| v.is_finite()).boxed();
    let positive = level.clone().prop_filter("positive", |v| *v > 0.0).boxed();
    let pieces =
        proptest::collection::vec((level.clone(), level.clone()), 1..12).prop_map(|mut p| {
            p.sort_by(|a, b| a.0.total_cmp(&b.0));
            p[0].0 = 0.0;
            p.dedup_by(|a, b| a.0 == b.0);
            Schedule::Piecewise { pieces: p }
        });
    prop_oneof![
        Just(Schedule::None),
        level.clone().prop_map(|c| Schedule::Constant { c }),
        level.clone().prop_map(|c| Schedule::Harmonic { c }),
        level.clone().prop_map(|c| Schedule::Quadratic { c }),
        (level.clone(), positive).prop_map(|(c, r)| Schedule::Geometric { c, r }),
        (level.clone(), level).prop_map(|(c, at)| Schedule::Switch { c, at }),
        pieces,
    ]
}

fn moderate() -> impl Strategy<Value = Schedule> {
    let c = || 0.0..10.0f64;
    prop_oneof![
        c().prop_map(|c| Schedule::Constant { c }),
        c().prop_map(|c| Schedule::Harmonic { c }),
        c().prop_map(|c| Schedule::Quadratic { c }),
        (c(), 1e-6..5.0f64).prop_map(|(c, r)| Schedule::Geometric { c, r }),
        (c(), 0.0..20.0f64).prop_map(|(c, at)| Schedule::Switch { c, at }),
        (c(), c(), c(), 0.1..9.0f64, 0.1..9.0f64).prop_map(|(c0, c1, c2, t1, t2)| {
            Schedule::Piecewise { pieces: vec![(0.0, c0), (t1, c1), (t1 + t2, c2)] }
        }),
    ]
}

proptest! {
    #[test]
    fn text_round_trips_exactly(schedule in any_schedule()) {
        let text = schedule.to_string();
        let back: Schedule = text.parse().unwrap();
        prop_assert_eq!(&back, &schedule);
        prop_assert_eq!(back.to_string(), text);
    }

    #[test]
    fn any_schedule_at_any_time_is_never_nan(schedule in any_schedule(), t in any::<u64>()) {
        let t = f64::from_bits(t >> 1);
        prop_assume!(!t.is_nan());
        prop_assert!(schedule.alpha(t) >= 0.0);
        prop_assert!(schedule.integral(t) >= 0.0);
        prop_assert!(schedule.total() >= 0.0);
        prop_assert!(schedule.integral(t) <= schedule.total() * (1.0 + 8.0 * f64::EPSILON)
            || schedule.total().is_infinite());
    }

    /// A is the integral of α: between jumps A' = α, by Simpson's rule over a short interval.
    #[test]
    fn the_integral_integrates(schedule in moderate(), t in 0.0..30.0f64) {
        let h = 1e-2;
        let jumps = schedule.breakpoints();
        prop_assume!(jumps.iter().all(|b| *b <= t || *b >= t + h));
        // Right-continuity makes the left end right; at the right end take the value just before.
        let end = schedule.alpha((t + h).next_down());
        let simpson = h / 6.0 * (schedule.alpha(t) + 4.0 * schedule.alpha(t + 0.5 * h) + end);
        let exact = schedule.integral(t + h) - schedule.integral(t);
        // Simpson's error is h⁵/2880·max|α''''|; |α''''| ≤ max(c·5!, c·r⁴) ≤ 10·625. The
        // difference of two A's of size up to 300 carries their rounding.
        let bound = h.powi(5) / 2880.0 * 6250.0 + 8.0 * f64::EPSILON * 300.0;
        prop_assert!((simpson - exact).abs() <= bound, "{} {} {}", schedule, simpson, exact);
    }
}
