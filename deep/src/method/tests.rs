//! The step of every method is the gradient of its objective: against finite differences in f64.

mod network;

use mirrorflow::{
    Result,
    kernels::mask_weight::{Optimizer, Sgd},
};

use super::{
    Continuous, Factors, Kind, Latent, Method, Plain, Power, Slot, SoftThreshold, State, Step,
    Variable,
};

const RATE: f64 = 1e-3;
const SGD: Optimizer = Optimizer::Sgd(Sgd { rate: RATE, momentum: 0.0, nesterov: false });
const N: usize = 11;

fn layers() -> [Slot; 2] {
    [("a", 0..4), ("b", 4..11)].map(|(name, at)| Slot { name: name.into(), packed: at.clone(), at })
}

fn step<'a>(weights: &'a [Slot], strength: f64, keep: Option<&'a [u8]>) -> Step<'a> {
    Step {
        optimizer: SGD,
        step: 1,
        weight_decay: 0.03,
        strength,
        factor_strength: 0.05,
        progress: 0.5,
        weights,
        keep: keep.map(Into::into),
    }
}

/// A loss of x with its gradient.
fn loss(x: &[f64]) -> (f64, Vec<f64>) {
    let target = |i: usize| (1.7 * i as f64).sin();
    let f =
        x.iter().enumerate().map(|(i, x)| 0.5 * (x - target(i)).powi(2) + 0.1 * x.powi(3)).sum();
    (f, x.iter().enumerate().map(|(i, x)| x - target(i) + 0.3 * x * x).collect())
}

type Penalty = fn(&[Vec<f64>], f64) -> f64;

fn square(v: &[f64]) -> f64 {
    v.iter().map(|a| a * a).sum()
}

/// α(‖m‖²+‖w‖²) with the strength beside the method's own, of the variables from `first` on.
fn beside(v: &[Vec<f64>], first: usize) -> f64 {
    0.05 * (square(&v[first]) + square(&v[first + 1]))
}

/// Σ σ(bs) at half time.
fn mask(s: &[f64]) -> f64 {
    s.iter().map(|s| 1.0 / (1.0 + (-(50.0_f64.sqrt()) * s).exp())).sum()
}

/// One SGD step moves every variable by −η times the derivative of loss + penalty, by central
/// differences: third derivatives are at most about 50 (those of σ(bs), b = √50), so h = 1e-5 errs
/// by 1e-10·50/6 and by rounding ε/h ≈ 1e-11.
fn check(
    mut method: impl Method<f64>,
    strength: f64,
    keep: Option<&[u8]>,
    penalty: Penalty,
) -> Result<()> {
    let weights = layers();
    let step = step(&weights, strength, keep);
    let mut x: Vec<f64> = (0..N).map(|i| 0.9 * (2.3 * i as f64 + 0.4).cos()).collect();
    method.start(&weights, (&mut x).into())?;
    method.weights(&step, (&mut x).into())?;
    let values = |m: &mut dyn Method<f64>| -> Result<Vec<Vec<f64>>> {
        m.variables().into_iter().map(|(_, v)| v.value.to_vec()).collect()
    };
    let set = |m: &mut dyn Method<f64>, v: usize, i: usize, to: f64| {
        m.variables()[v].1.value.part_mut(i..i + 1).write(&[to])
    };
    let before = values(&mut method)?;
    let mut expected = before.clone();
    for v in 0..before.len() {
        for i in 0..before[v].len() {
            let mut at = |h: f64| {
                set(&mut method, v, i, before[v][i] + h)?;
                let mut moved = x.clone();
                method.weights(&step, (&mut moved).into())?;
                let all = values(&mut method)?;
                set(&mut method, v, i, before[v][i])?;
                Ok::<f64, mirrorflow::Error>(loss(&moved).0 + penalty(&all, strength))
            };
            let h = 1e-5;
            expected[v][i] -= RATE * (at(h)? - at(-h)?) / (2.0 * h);
        }
    }
    method.weights(&step, (&mut x).into())?;
    let mut g = loss(&x).1;
    assert_eq!(method.update(&step, (&mut g).into(), (&mut x).into())?, None);
    for (found, expected) in values(&mut method)?.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < RATE * 2e-9 + 1e-15, "{found} {expected}");
    }
    // The x it leaves is that of its variables.
    let mut anew = x.clone();
    method.weights(&step, (&mut anew).into())?;
    assert_eq!(x, anew);
    if let Some(keep) = keep {
        assert!(x.iter().zip(keep).all(|(x, k)| (*k == 1) == (*x != 0.0)));
    }
    Ok(())
}

fn variable(len: usize) -> Variable<f64> {
    Variable::new(len, &SGD)
}

#[test]
fn every_method_descends_its_own_objective() -> Result<()> {
    let mut keep = [1_u8; N];
    (keep[2], keep[7]) = (0, 0);
    for keep in [None, Some(&keep[..])] {
        let factors = |kind, beta| Factors::new(kind, beta, variable(N), variable(N));
        for beta in [0.0, 1.0] {
            check(factors(Kind::Decay, beta), 0.1, keep, |v, a| {
                a * (square(&v[0]) + square(&v[1]))
            })?;
            check(factors(Kind::Rescaled, beta), 0.1, keep, |v, _| beside(v, 0))?;
        }
        // |m| has no kink where it stands: m ≥ √β.
        check(factors(Kind::MaskL1, 1.0), 0.1, keep, |v, a| {
            beside(v, 0) + a * v[0].iter().map(|m| m.abs()).sum::<f64>()
        })?;
    }
    // Nor has |m w| where no x is within h of 0; and a pruned weight has none.
    check(Factors::new(Kind::ProductL1, 1.0, variable(N), variable(N)), 0.1, None, |v, a| {
        beside(v, 0) + a * v[0].iter().zip(&v[1]).map(|(m, w)| (m * w).abs()).sum::<f64>()
    })?;
    let plain = || Latent::plain(variable(N), None);
    let pair = || Latent::factors(1.0, variable(N), variable(N), None);
    let decay: Penalty = |v, _| 0.015 * square(&v[0]);
    for p in [1.5, 2.0, 3.0] {
        check(Power::new(p, plain())?, 0.0, None, decay)?;
        // PILoT under it: m and w are the first two variables. Third derivatives of the loss of
        // |mw|^p are about 45 for p = 2, 170 for p = 3, and without bound near 0 for p = 3/2.
        if p == 2.0 {
            check(Power::new(p, pair())?, 0.0, None, |v, _| beside(v, 0))?;
        }
    }
    let s = SoftThreshold::new(-2.0, pair(), variable(2));
    check(s, 0.2, None, |v, a| beside(v, 0) + 0.5 * a * square(&v[2]))?;
    let s = SoftThreshold::new(-2.0, plain(), variable(2));
    check(s, 0.2, None, |v, a| 0.5 * a * (square(&v[0]) + square(&v[1])))?;
    // b = 50^½ at half time.
    check(Continuous::new(0.05, 50.0, variable(N), pair()), 0.2, None, |v, a| {
        a * mask(&v[0]) + beside(v, 1)
    })?;
    check(Continuous::new(0.05, 50.0, variable(N), plain()), 0.2, None, |v, a| {
        a * mask(&v[0]) + 0.015 * square(&v[1])
    })
}

#[test]
fn plain_steps_are_those_of_the_formula() -> Result<()> {
    let weights = layers();
    let mut method = Plain::new(true, State::new(N, &SGD));
    let mut x: Vec<f64> = (0..N).map(|i| i as f64 / 10.0 - 0.5).collect();
    let (old, mut g) = (x.clone(), loss(&x).1);
    let gradient = g.clone();
    let step = step(&weights, 0.1, None);
    assert_eq!(method.update(&step, (&mut g).into(), (&mut x).into())?, None);
    for i in 0..N {
        let sign = if old[i] == 0.0 { 0.0 } else { old[i].signum() };
        let slope = gradient[i] + 0.03 * old[i] + 0.1 * sign;
        if old[i] != 0.0 {
            assert!((x[i] - (old[i] - RATE * slope)).abs() < 1e-15);
        }
    }
    let mut g = vec![f64::NAN; N];
    assert_eq!(method.update(&step, (&mut g).into(), (&mut x).into())?, Some("a".into()));
    Ok(())
}
