//! The kernels of m⊙w and its relatives on every machine against the CPU twins, to the bit: one body, run at both places.

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Home},
        mask_weight::{
            Adam, FactorPenalty, Ham, Optimizer, PlainPenalty, Sgd, count, factors, map, update,
        },
        network::Real,
    },
};
use mirrorflow_kernels_on_host::{Host, machines};
use proptest::prelude::*;

/// Numbers of every size and sign, some 0, with `wild` some that are not finite or subnormal.
fn numbers<T: Real>(n: usize, seed: u64, wild: bool) -> Vec<T> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-310, 1e-40, -1e-42, 1e300, -1e38];
    (0..n)
        .map(|_| {
            let r = next();
            let u = (r >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
            T::of(match r % 16 {
                0 => 0.0,
                1 => -0.0,
                2 if wild => special[(r >> 8) as usize % special.len()],
                3 => u * 100.0,
                4 => u * 1e-6,
                5 => 0.25, // equals, for the order among them
                _ => 3.0 * u,
            })
        })
        .collect()
}

fn bytes(n: usize, seed: u64) -> Vec<u8> {
    numbers::<f64>(n, seed, false).iter().map(|v| u8::from(*v > -0.4)).collect()
}

/// Bits of what came out, one string of them; every NaN is one.
#[derive(Debug, Default, PartialEq)]
struct Found(Vec<(&'static str, Vec<u64>)>);

impl Found {
    fn add<T: Real>(&mut self, name: &'static str, values: Vec<T>) {
        let bits = |v: T| if v.f64().is_nan() { u64::MAX } else { v.f64().to_bits() };
        self.0.push((name, values.into_iter().map(bits).collect()));
    }

    fn check(&self, expected: &Self, who: &str) {
        assert_eq!(self.0.len(), expected.0.len());
        for ((name, p), (_, q)) in self.0.iter().zip(&expected.0) {
            let wrong = p.iter().zip(q).position(|(p, q)| p != q);
            if let Some(i) = wrong {
                let (p, q) = (f64::from_bits(p[i]), f64::from_bits(q[i]));
                panic!("{who}, {name}[{i}]: {p:e}, expected {q:e}");
            }
        }
    }
}

#[derive(Debug, Clone)]
struct Case {
    n: usize,
    seed: u64,
    optimizer: Optimizer,
    steps: u64,
    factors: FactorPenalty,
    plain: PlainPenalty,
    masked: bool,
    wild: bool,
    beta: f64,
    power: f64,
    kept: f64,
}

/// Every kernel on these numbers at this place.
fn run<T: Real>(home: &Home, case: &Case) -> Result<Found> {
    let mut found = Found::default();
    let n = case.n;
    let array =
        |k: u64, wild| Array::<T>::from_slice(home, &numbers(n, case.seed + k, case.wild && wild));
    let zeros = || Array::<T>::zeros(home, n);
    let keep = Array::from_slice(home, &bytes(n, case.seed + 9))?;
    let keep = case.masked.then_some(keep.view());

    // Fused steps.
    let (mut m, mut w, mut x) = (array(1, false)?, array(2, false)?, zeros()?);
    let states =
        |k: usize| if k < case.optimizer.states() { zeros() } else { Array::zeros(home, 0) };
    let mut s = [states(0)?, states(1)?, states(0)?, states(1)?, states(0)?, states(1)?];
    let mut plain = array(3, false)?;
    for step in 1..=case.steps {
        let g = array(10 + step, step == case.steps)?;
        let [m1, m2, w1, w2, x1, x2] = &mut s;
        let of_m = update::Parameter { value: m.view_mut(), state: [m1.view_mut(), m2.view_mut()] };
        let of_w = update::Parameter { value: w.view_mut(), state: [w1.view_mut(), w2.view_mut()] };
        let (rule, g) = (&case.optimizer, g.view());
        let mut healthy =
            update::update_factors(rule, step, &case.factors, of_m, of_w, g, keep, x.view_mut())?
                .is_finite();
        let of_x =
            update::Parameter { value: plain.view_mut(), state: [x1.view_mut(), x2.view_mut()] };
        healthy &= update::update_plain(rule, step, &case.plain, of_x, g, keep)?.is_finite();
        if let Home::Machine(on) = home {
            assert!(healthy, "a device does not wait to say so");
            healthy = on.all_finite()?;
            assert!(on.all_finite()?, "the flag falls when it was asked for");
        }
        found.add("health", vec![if healthy { 1.0 } else { 0.0 }]);
    }
    found.add("m", m.to_vec()?);
    found.add("w", w.to_vec()?);
    found.add("x", x.to_vec()?);
    found.add("plain x", plain.to_vec()?);
    for state in &s {
        found.add("state", state.to_vec()?);
    }

    // Products, masks, starts.
    let (a, b, g) = (array(4, true)?, array(5, true)?, array(6, true)?);
    let (mut p, mut q) = (zeros()?, zeros()?);
    factors::product(a.view(), b.view(), p.view_mut())?;
    found.add("product", p.to_vec()?);
    if let Some(keep) = keep {
        factors::apply_mask(keep, p.view_mut())?;
        found.add("masked", p.to_vec()?);
    }
    factors::product_backward(a.view(), b.view(), g.view(), p.view_mut(), q.view_mut())?;
    found.add("product to m", p.to_vec()?);
    found.add("product to w", q.to_vec()?);
    factors::factor_start(a.view(), case.beta, p.view_mut(), q.view_mut())?;
    found.add("start m", p.to_vec()?);
    found.add("start w", q.to_vec()?);
    let (mut m, mut w) = (array(7, true)?, array(8, true)?);
    factors::rescale(case.beta, m.view_mut(), w.view_mut())?;
    found.add("rescaled m", m.to_vec()?);
    found.add("rescaled w", w.to_vec()?);
    let ham = Ham { rate: 0.1, alpha: 20.0, beta: case.beta.abs() };
    update::ham_step(&ham, g.view(), p.view_mut())?;
    found.add("ham", p.to_vec()?);

    // Maps.
    let s = Array::from_slice(home, &[T::of(case.beta - 1.0)])?;
    let mut slope = Array::<T>::zeros(home, 1)?;
    map::soft_threshold(a.view(), s.view(), p.view_mut())?;
    found.add("STR", p.to_vec()?);
    let calm = array(6, false)?;
    map::soft_threshold_backward(a.view(), s.view(), calm.view(), p.view_mut(), slope.view_mut())?;
    found.add("STR to θ", p.to_vec()?);
    found.add("STR to s", slope.to_vec()?);
    for power in [1.0, 2.0, 3.0, case.power] {
        map::power(a.view(), power, p.view_mut())?;
        found.add("power", p.to_vec()?);
        map::power_backward(a.view(), power, g.view(), p.view_mut())?;
        found.add("power to θ", p.to_vec()?);
    }
    let sharp = case.power * 3.0;
    map::sigmoid_mask(a.view(), b.view(), sharp, p.view_mut())?;
    found.add("sigmoid", p.to_vec()?);
    let (of_s, of_w) = (p.view_mut(), q.view_mut());
    map::sigmoid_mask_backward(a.view(), b.view(), sharp, 0.3, g.view(), of_s, of_w)?;
    found.add("sigmoid to s", p.to_vec()?);
    found.add("sigmoid to w", q.to_vec()?);
    let mut hard = Array::<u8>::zeros(home, n)?;
    map::hard_mask(a.view(), hard.view_mut())?;
    found.add("hard", hard.to_vec()?.into_iter().map(f64::from).collect());

    // Counts.
    let calm = array(4, false)?;
    let of = count::measure(calm.view())?;
    found.add("measure", vec![of.l1, of.l2_squared, of.nonzeros as f64]);
    let flips = count::sign_flips(a.view(), b.view())?;
    found.add("flips", vec![flips as f64]);
    let cut = n / 3;
    for count in [0, (case.kept * n as f64) as usize, n] {
        let (mut first, mut second) =
            (Array::<u8>::zeros(home, cut)?, Array::<u8>::zeros(home, n - cut)?);
        let layers = [calm.part(0..cut), calm.part(cut..n)];
        let masks = vec![first.view_mut(), second.view_mut()];
        let at = count::keep_largest(&layers, count, masks)?;
        let at = at.map_or(vec![-1.0], |c| vec![c.magnitude, c.layer as f64, c.index as f64]);
        found.add("cut", at);
        for mask in [first, second] {
            found.add("kept", mask.to_vec()?.into_iter().map(f64::from).collect());
        }
    }
    Ok(found)
}

fn optimizers() -> impl Strategy<Value = Optimizer> {
    let sgd = (0.001_f64..0.1, prop::sample::select(vec![(0.0, false), (0.9, false), (0.9, true)]));
    prop_oneof![
        sgd.prop_map(|(rate, (momentum, nesterov))| Optimizer::Sgd(Sgd {
            rate,
            momentum,
            nesterov
        })),
        (0.001_f64..0.1, any::<bool>()).prop_map(|(rate, decoupled)| Optimizer::Adam(Adam {
            rate,
            decoupled,
            ..Adam::default()
        })),
    ]
}

fn penalty() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.001_f64..0.3]
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = prop_oneof![3_usize..600, 16_000_usize..17_000, 50_000_usize..70_000];
    let first = (sizes, any::<u32>(), optimizers(), 1_u64..4, [penalty(), penalty(), penalty()]);
    let second = ([penalty(), penalty()], any::<bool>(), any::<bool>(), -2.0_f64..2.0);
    (first, second, 1.0_f64..8.0, 0.0_f64..1.0).prop_map(
        |((n, seed, optimizer, steps, of), (plain, masked, wild, beta), power, kept)| Case {
            n,
            seed: u64::from(seed),
            optimizer,
            steps,
            factors: FactorPenalty { factors: of[0], mask_l1: of[1], l1: of[2] },
            plain: PlainPenalty { weight_decay: plain[0], l1: plain[1] },
            masked,
            wild,
            beta: if seed % 5 == 0 { 0.0 } else { beta },
            power,
            kept,
        },
    )
}

fn everywhere<T: Real>(case: &Case) -> Result<()> {
    let expected = run::<T>(&Home::Processor, case)?;
    for machine in &machines() {
        let home = Home::on(machine.as_ref())?;
        run::<T>(&home, case)?.check(&expected, &format!("{}, {}", machine.name(), T::NAME));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn every_machine_gives_the_bits_of_the_cpu_twins(case in cases()) {
        everywhere::<f32>(&case).map_err(|e| TestCaseError::fail(e.to_string()))?;
        everywhere::<f64>(&case).map_err(|e| TestCaseError::fail(e.to_string()))?;
    }
}

/// Every rule with every penalty, with and without a mask.
#[test]
fn every_rule_penalty_and_mask_gives_the_bits_of_the_cpu_twins() -> Result<()> {
    let rules = [
        Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.0, nesterov: false }),
        Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.9, nesterov: false }),
        Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.9, nesterov: true }),
        Optimizer::Adam(Adam::default()),
        Optimizer::Adam(Adam { decoupled: true, ..Adam::default() }),
    ];
    for (k, optimizer) in rules.into_iter().enumerate() {
        for mask in 0..16_usize {
            let on = |bit: usize| if mask >> bit & 1 == 1 { 0.05 } else { 0.0 };
            let case = Case {
                n: 77 + 13 * k,
                seed: mask as u64 + 3,
                optimizer,
                steps: 3,
                factors: FactorPenalty { factors: on(0), mask_l1: on(1), l1: on(2) },
                plain: PlainPenalty { weight_decay: on(0), l1: on(2) },
                masked: mask >> 3 & 1 == 1,
                wild: false,
                beta: 1.0,
                power: 1.5,
                kept: 0.3,
            };
            everywhere::<f32>(&case)?;
            everywhere::<f64>(&case)?;
        }
    }
    Ok(())
}

#[test]
fn wrong_input_is_an_error_on_a_device_too() -> Result<()> {
    let host = Host::new(1);
    let home = Home::on(&host)?;
    let x = Array::from_slice(&home, &[1.0_f32, f32::NAN])?;
    let mut y = Array::<f32>::zeros(&home, 3)?;
    assert!(factors::product(x.view(), x.view(), y.view_mut()).is_err(), "lengths");
    let mut here = Array::<f32>::zeros(&Home::Processor, 2)?;
    let why = factors::product(x.view(), x.view(), here.view_mut()).expect_err("places");
    assert!(why.to_string().contains("different places"), "{why}");
    let other = Home::on(&host)?;
    let mut there = Array::<f32>::zeros(&other, 2)?;
    assert!(factors::product(x.view(), x.view(), there.view_mut()).is_err(), "two sessions");
    let mut mask = Array::<u8>::zeros(&home, 2)?;
    let largest =
        |k, mask: &mut Array<u8>| count::keep_largest(&[x.view()], k, vec![mask.view_mut()]);
    assert!(largest(3, &mut mask).is_err(), "more than there are");
    assert!(largest(1, &mut mask).is_err(), "NaN");
    assert!(map::power(x.view(), 0.5, there.view_mut()).is_err(), "a power below 1");

    let small = Home::on(&Host { memory: 3000, ..Host::new(1) })?;
    let why = Array::<f64>::zeros(&small, 1000).expect_err("no room").to_string();
    assert!(why.contains("out of memory") && why.contains("--device cpu"), "{why}");
    // Memory that is given back can be had again.
    for _ in 0..10 {
        Array::<f64>::zeros(&small, 200)?;
    }
    Ok(())
}
