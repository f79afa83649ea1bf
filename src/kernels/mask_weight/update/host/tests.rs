use proptest::prelude::*;

use super::*;
use crate::kernels::mask_weight::{Adam, Bf16, Sgd, chunks::CHUNK};

const U: f64 = f64::EPSILON / 2.0;

fn optimizer() -> impl Strategy<Value = Optimizer> {
    let sgd = (0.0..0.3, prop_oneof![Just(0.0), 0.1..0.95], any::<bool>()).prop_map(
        |(rate, momentum, nesterov)| {
            let nesterov = nesterov && momentum != 0.0;
            Optimizer::Sgd(Sgd { rate, momentum, nesterov })
        },
    );
    let adam = (0.0..0.3, 0.0..0.95, 0.5..0.999, any::<bool>()).prop_map(
        |(rate, beta1, beta2, decoupled)| {
            Optimizer::Adam(Adam { rate, betas: (beta1, beta2), epsilon: 1e-8, decoupled })
        },
    );
    prop_oneof![sgd, adam]
}

fn penalty() -> impl Strategy<Value = FactorPenalty> {
    let strength = || prop_oneof![Just(0.0), 0.0..0.5];
    (strength(), strength(), strength()).prop_map(|(factors, mask_l1, l1)| FactorPenalty {
        factors,
        mask_l1,
        l1,
    })
}

/// m, w, g and the mask; an entry in eight is 0.
fn layer() -> impl Strategy<Value = Vec<(f64, f64, f64, bool)>> {
    let number = || prop_oneof![7 => -2.0..2.0, 1 => Just(0.0)];
    prop::collection::vec((number(), number(), number(), any::<bool>()), 0..70)
}

/// The textbook's step of one number: `(p, first, second)`.
fn textbook(o: &Optimizer, t: i32, lambda: f64, p: f64, g: f64, a: f64, b: f64) -> (f64, f64, f64) {
    match o {
        Optimizer::Sgd(s) => {
            let g = g + lambda * p;
            let buffer = if t == 1 { g } else { s.momentum * a + g };
            let direction = if s.nesterov { g + s.momentum * buffer } else { buffer };
            (p - s.rate * direction, buffer, b)
        }
        Optimizer::Adam(s) => {
            let p = if s.decoupled { p - s.rate * lambda * p } else { p };
            let g = if s.decoupled { g } else { g + lambda * p };
            let a = s.betas.0 * a + (1.0 - s.betas.0) * g;
            let b = s.betas.1 * b + (1.0 - s.betas.1) * g * g;
            let (mean, square) = (a / (1.0 - s.betas.0.powi(t)), b / (1.0 - s.betas.1.powi(t)));
            (p - s.rate * mean / (square.sqrt() + s.epsilon), a, b)
        }
    }
}

fn subgradient(g: f64, v: f64, c: f64) -> f64 {
    if v == 0.0 { g - g.clamp(-c, c) } else { g + c * v.signum() }
}

fn near(a: f64, b: f64, bound: f64) -> std::result::Result<(), TestCaseError> {
    prop_assert!((a - b).abs() <= bound, "{a:e}, textbook {b:e}, bound {bound:e}");
    Ok(())
}

fn split(layer: &[(f64, f64, f64, bool)]) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<u8>) {
    (
        layer.iter().map(|l| l.0).collect(),
        layer.iter().map(|l| l.1).collect(),
        layer.iter().map(|l| l.2).collect(),
        layer.iter().map(|l| u8::from(l.3)).collect(),
    )
}

struct State<P>([Vec<P>; 2]);

impl<P: Storage> State<P> {
    fn new(optimizer: &Optimizer, n: usize) -> Self {
        Self([0, 1].map(|k| vec![P::default(); if k < optimizer.states() { n } else { 0 }]))
    }

    fn beside<'a>(&'a mut self, value: &'a mut [P]) -> Parameter<'a, P> {
        let [a, b] = &mut self.0;
        Parameter { value, state: [a, b] }
    }

    fn at(&self, k: usize, i: usize) -> f64 {
        self.0[k].get(i).map_or(0.0, |v| v.wide())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Each of three steps against the textbook, from the same state. Gradients are below 5; a step of Adam is at
    /// most rate/√(1 − β₂)·…, below 4, with 12 roundings each; g/√v loses nothing more.
    #[test]
    fn factors_move_as_the_textbook_says(
        optimizer in optimizer(), penalty in penalty(), layer in layer(), masked: bool,
    ) {
        let (mut m, mut w, g, keep) = split(&layer);
        let n = g.len();
        let mut x = vec![f64::NAN; n];
        let (mut of_m, mut of_w) = (State::new(&optimizer, n), State::new(&optimizer, n));
        for t in 1..4 {
            let (m0, w0) = (m.clone(), w.clone());
            let before = |s: &State<f64>| [0, 1].map(|k| (0..n).map(|i| s.at(k, i)).collect::<Vec<_>>());
            let (state_m, state_w) = (before(&of_m), before(&of_w));
            let health = update_factors(
                &optimizer, t as u64, &penalty, of_m.beside(&mut m), of_w.beside(&mut w), &g,
                masked.then_some(&keep[..]), &mut x,
            ).unwrap();
            prop_assert_eq!(health, Health::Finite);
            for i in 0..n {
                let kept = !masked || layer[i].3;
                let slope = if kept { subgradient(g[i], m0[i] * w0[i], penalty.l1) } else { 0.0 };
                let lambda = 2.0 * penalty.factors;
                let decoupled = matches!(optimizer, Optimizer::Adam(a) if a.decoupled);
                // At m = 0 the subgradient takes the coupled decay, which is 0 there.
                let gm = subgradient(slope * w0[i] + if decoupled { 0.0 } else { lambda * m0[i] }, m0[i], penalty.mask_l1);
                let gm = if decoupled { gm } else { gm - lambda * m0[i] };
                let (vm, am, bm) = textbook(&optimizer, t, lambda, m0[i], gm, state_m[0][i], state_m[1][i]);
                let (vw, aw, bw) = textbook(&optimizer, t, lambda, w0[i], slope * m0[i], state_w[0][i], state_w[1][i]);
                let size = 16.0 * (4.0 + vm.abs().max(vw.abs()).max(am.abs()).max(aw.abs()).max(bm).max(bw)) * U;
                // Where a second moment cancels to nearly nothing, so does the first.
                near(m[i], vm, size * 8.0)?;
                near(w[i], vw, size * 8.0)?;
                if optimizer.states() > 0 {
                    near(of_m.at(0, i), am, size)?;
                    near(of_w.at(0, i), aw, size)?;
                }
                if optimizer.states() > 1 {
                    near(of_m.at(1, i), bm, size * 4.0)?;
                    near(of_w.at(1, i), bw, size * 4.0)?;
                }
                prop_assert_eq!(x[i], if kept { m[i] * w[i] } else { 0.0 });
            }
        }
    }

    /// A plain x is the first factor of x = m⊙w at w = 1 without penalties of its own; and a mask holds it at 0.
    #[test]
    fn a_plain_parameter_moves_as_the_textbook_says(
        optimizer in optimizer(), weight_decay in 0.0..0.5, l1 in 0.0..0.5, layer in layer(), masked: bool,
    ) {
        let (mut x, _, g, keep) = split(&layer);
        let n = g.len();
        let mut state = State::new(&optimizer, n);
        let x0 = x.clone();
        let penalty = PlainPenalty { weight_decay, l1 };
        let keep = masked.then_some(&keep[..]);
        let health = update_plain(&optimizer, 1, &penalty, state.beside(&mut x), &g, keep).unwrap();
        prop_assert!(health.is_finite());
        for i in 0..n {
            if masked && !layer[i].3 {
                prop_assert_eq!((x[i], state.at(0, i), state.at(1, i)), (0.0, 0.0, 0.0));
                continue;
            }
            let slope = subgradient(g[i], x0[i], l1);
            let (v, a, b) = textbook(&optimizer, 1, weight_decay, x0[i], slope, 0.0, 0.0);
            near(x[i], v, 500.0 * U)?;
            if optimizer.states() > 0 {
                near(state.at(0, i), a, 100.0 * U)?;
            }
            if optimizer.states() > 1 {
                near(state.at(1, i), b, 200.0 * U)?;
            }
        }
    }

    /// The bits do not depend on the instruction set.
    #[test]
    fn every_level_computes_the_same_bits(optimizer in optimizer(), penalty in penalty(), layer in layer()) {
        let (m, w, g, keep) = split(&layer);
        let narrow = |v: &[f64]| v.iter().map(|v| *v as f32).collect::<Vec<_>>();
        let (m, w, g) = (narrow(&m), narrow(&w), narrow(&g));
        let terms = FactorTerms {
            decay: optimizer.decay(2.0 * penalty.factors),
            mask_l1: penalty.mask_l1 as f32,
            l1: penalty.l1 as f32,
        };
        let run = |portable: bool| {
            let (mut m, mut w, mut x) = (m.clone(), w.clone(), g.clone());
            let [mut m1, mut m2, mut w1, mut w2] = [0; 4].map(|_| vec![0.25_f32; g.len()]);
            macro_rules! both {
                ($rule:expr) => {{
                    let run = if portable { factors_body } else { factors };
                    run($rule, terms, &mut m, &mut w, &mut m1, &mut m2, &mut w1, &mut w2, &g, Bytes(&keep), &mut x)
                }};
            }
            match &optimizer {
                Optimizer::Sgd(s) if s.momentum == 0.0 => both!(Descent::new(s)),
                Optimizer::Sgd(s) => both!(Momentum::new(s)),
                Optimizer::Adam(a) => both!(Moments::new(a, 3)),
            };
            [m, w, x, m1, m2, w1, w2].concat().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        prop_assert_eq!(run(true), run(false));
    }
}

/// The step of size 1 is the gradient: against central differences of `Σ sin(c x) + penalties`.
#[test]
fn the_step_is_the_gradient_of_the_penalised_loss() {
    let n = 37;
    let at = |i: usize, s: f64| (1.0 + i as f64 * s).sin();
    let m: Vec<f64> = (0..n).map(|i| 0.3 + at(i, 0.7)).collect();
    let w: Vec<f64> = (0..n).map(|i| 0.2 + at(i, 1.1)).collect();
    let penalty = FactorPenalty { factors: 0.3, mask_l1: 0.2, l1: 0.1 };
    let objective = |m: f64, w: f64| {
        let x = m * w;
        (2.0 * x).sin()
            + penalty.factors * (m * m + w * w)
            + penalty.mask_l1 * m.abs()
            + penalty.l1 * x.abs()
    };
    let g: Vec<f64> = (0..n).map(|i| 2.0 * (2.0 * m[i] * w[i]).cos()).collect();
    let sgd = Optimizer::Sgd(Sgd { rate: 1.0, momentum: 0.0, nesterov: false });
    let (mut to_m, mut to_w, mut x) = (m.clone(), w.clone(), vec![0.0; n]);
    let (of_m, of_w) = (Parameter::stateless(&mut to_m), Parameter::stateless(&mut to_w));
    assert!(update_factors(&sgd, 1, &penalty, of_m, of_w, &g, None, &mut x).unwrap().is_finite());
    let (mut g_m, mut g_w) = (vec![0.0; n], vec![0.0; n]);
    crate::kernels::mask_weight::host::product_backward(&m, &w, &g, &mut g_m, &mut g_w).unwrap();
    let h = 1e-5;
    for i in 0..n {
        let by_m = (objective(m[i] + h, w[i]) - objective(m[i] - h, w[i])) / (2.0 * h);
        let by_w = (objective(m[i], w[i] + h) - objective(m[i], w[i] - h)) / (2.0 * h);
        // h²/6 times a third derivative below 8·2³, and rounding u·4/h.
        let bound = h * h * 11.0 + 4.0 * U / h * 2.0;
        assert!((m[i] - to_m[i] - by_m).abs() < bound, "∂/∂m[{i}]");
        assert!((w[i] - to_w[i] - by_w).abs() < bound, "∂/∂w[{i}]");
        assert_eq!((g_m[i], g_w[i]), (g[i] * w[i], g[i] * m[i]));
    }
}

#[test]
fn bf16_parameters_are_computed_in_f32_and_rounded_once() {
    let n = 100;
    let of = |s: f64| -> Vec<Bf16> {
        (0..n).map(|i| Bf16::narrow((i as f64 * s + 0.5).sin())).collect()
    };
    let (m, w, g) = (of(0.3), of(0.7), of(1.9));
    let sgd = Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.9, nesterov: false });
    let penalty = FactorPenalty { factors: 0.01, ..FactorPenalty::default() };
    let wide = |v: &[Bf16]| v.iter().map(|v| v.load()).collect::<Vec<f32>>();
    let (mut m32, mut w32, mut x32) = (wide(&m), wide(&w), vec![0.0; n]);
    let (mut bm, mut bw) = (vec![0.0_f32; n], vec![0.0_f32; n]);
    let of_m = Parameter { value: &mut m32, state: [&mut bm, &mut []] };
    let of_w = Parameter { value: &mut w32, state: [&mut bw, &mut []] };
    let _ = update_factors(&sgd, 1, &penalty, of_m, of_w, &wide(&g), None, &mut x32).unwrap();
    // All in bf16, and f32 parameters with bf16 gradients.
    let (mut m16, mut w16, mut x16) = (m.clone(), w.clone(), vec![Bf16::default(); n]);
    let (mut cm, mut cw) = (vec![Bf16::default(); n], vec![Bf16::default(); n]);
    let of_m = Parameter { value: &mut m16, state: [&mut cm, &mut []] };
    let of_w = Parameter { value: &mut w16, state: [&mut cw, &mut []] };
    let _ = update_factors(&sgd, 1, &penalty, of_m, of_w, &g, None, &mut x16).unwrap();
    for i in 0..n {
        assert_eq!(m16[i], Bf16::store(m32[i]));
        assert_eq!(w16[i], Bf16::store(w32[i]));
        assert_eq!(cm[i], Bf16::store(bm[i]));
        assert_eq!(x16[i], Bf16::store(m16[i].load() * w16[i].load()));
    }
    let (mut m32, mut w32) = (wide(&m), wide(&w));
    let (of_m, of_w) = (Parameter::stateless(&mut m32), Parameter::stateless(&mut w32));
    let plain = Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.0, nesterov: false });
    let _ = update_factors(&plain, 1, &penalty, of_m, of_w, &g, None, &mut x16).unwrap();
    assert!((0..n).all(|i| x16[i] == Bf16::store(m32[i] * w32[i])));
}

/// Numbers without structure, n of them.
fn noise(n: usize, s: f64) -> Vec<f32> {
    (0..n).map(|i| ((i * i % 9973) as f64 * s + i as f64 * 1.3).sin() as f32).collect()
}

#[test]
fn what_is_not_finite_is_found_and_does_no_harm() {
    let n = 3 * CHUNK + 21;
    let sgd = Optimizer::Sgd(Sgd { rate: 0.1, momentum: 0.9, nesterov: false });
    let penalty = FactorPenalty::default();
    let run = |m: &[f32], g: &[f32], keep: Option<&[u8]>| {
        let (mut m, mut w, mut x) = (m.to_vec(), noise(n, 0.2), vec![0.0; n]);
        let (mut of_m, mut of_w) = (State::new(&sgd, n), State::new(&sgd, n));
        let (of_m, of_w) = (of_m.beside(&mut m), of_w.beside(&mut w));
        let health = update_factors(&sgd, 1, &penalty, of_m, of_w, g, keep, &mut x).unwrap();
        (x, health)
    };
    let (m, g) = (noise(n, 0.1), noise(n, 0.3));
    let (right, health) = run(&m, &g, None);
    assert_eq!(health, Health::Finite);
    for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
        for index in [0, 7, CHUNK - 1, CHUNK, 2 * CHUNK + 5, n - 1] {
            let mut g = g.clone();
            g[index] = bad;
            g[n - 1] = bad;
            // MAX overflows only where it meets a weight and comes back as x = m·w.
            let mut m = m.clone();
            m[index] = 1e3;
            m[n - 1] = 1e3;
            let (x, health) = run(&m, &g, None);
            assert_eq!(health, Health::NotFinite { index });
            let harmed = (0..n).filter(|i| x[*i].to_bits() != right[*i].to_bits()).count();
            assert_eq!(harmed, if index == n - 1 { 1 } else { 2 });
            let mut keep = vec![1; n];
            (keep[index], keep[n - 1]) = (0, 0);
            let (x, health) = run(&m, &g, Some(&keep));
            assert_eq!((health, x[index]), (Health::Finite, 0.0));
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let n = 9 * CHUNK + 3;
    let adam = Optimizer::Adam(Adam::default());
    let penalty = FactorPenalty { factors: 1e-3, ..FactorPenalty::default() };
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (mut m, mut w, g, mut x) =
            (noise(n, 0.1), noise(n, 0.2), noise(n, 0.3), vec![0.0_f32; n]);
        let (mut of_m, mut of_w) = (State::new(&adam, n), State::new(&adam, n));
        for step in 1..3 {
            let (of_m, of_w) = (of_m.beside(&mut m), of_w.beside(&mut w));
            let health = pool
                .install(|| update_factors(&adam, step, &penalty, of_m, of_w, &g, None, &mut x));
            assert!(health.unwrap().is_finite());
        }
        [m, w, x].concat().iter().map(|v| v.to_bits()).collect::<Vec<_>>()
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(4));
}

#[test]
fn wrong_input_is_named() {
    let sgd = |rate, momentum, nesterov| Optimizer::Sgd(Sgd { rate, momentum, nesterov });
    let run = |o: &Optimizer, step, penalty: &FactorPenalty, lengths: [usize; 5]| {
        let [m, w, b, g, x] = lengths;
        let (mut m, mut w, g, mut x) = (vec![1.0; m], vec![1.0; w], vec![1.0; g], vec![1.0; x]);
        let (mut a, mut b) = (vec![0.0; b], vec![0.0; b]);
        let m = Parameter { value: &mut m, state: [&mut a, &mut []] };
        let w = Parameter { value: &mut w, state: [&mut b, &mut []] };
        update_factors(o, step, penalty, m, w, &g, None, &mut x).map_err(|e| e.to_string())
    };
    let none = FactorPenalty::default();
    let good = sgd(0.1, 0.9, false);
    assert!(run(&good, 1, &none, [3; 5]).is_ok());
    let says = |found: std::result::Result<Health, String>, text: &str| {
        let message = found.unwrap_err();
        assert!(message.contains(text), "{message}");
    };
    says(run(&good, 1, &none, [2, 3, 3, 3, 3]), "m has shape (2), expected (3) as g");
    says(run(&good, 1, &none, [3, 4, 3, 3, 3]), "w has shape (4)");
    says(run(&good, 1, &none, [3, 3, 0, 3, 3]), "m.state[0] has shape (0), expected (3)");
    says(run(&sgd(0.1, 0.0, false), 1, &none, [3; 5]), "m.state[0] has shape (3), expected (0)");
    says(run(&good, 1, &none, [3, 3, 3, 3, 1]), "x has shape (1)");
    says(run(&good, 0, &none, [3; 5]), "the step is 0");
    says(run(&sgd(f64::NAN, 0.9, false), 1, &none, [3; 5]), "the learning rate is NaN");
    says(run(&sgd(0.1, 1.0, false), 1, &none, [3; 5]), "the momentum is 1");
    says(run(&sgd(0.1, 0.0, true), 1, &none, [3, 3, 0, 3, 3]), "positive for Nesterov");
    let negative = FactorPenalty { factors: -1.0, ..none };
    says(run(&good, 1, &negative, [3; 5]), "alpha is -1");
}
