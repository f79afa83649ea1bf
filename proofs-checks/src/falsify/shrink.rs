//! Makes a violating instance small and its numbers round: `Z = [1 1]`, `y = 1` is what good looks
//! like.
//!
//! Greedy and bounded: as long as something simpler still violates the statement beyond doubt, take
//! it. First whole samples, features and schedules go, then numbers become rounder.

use super::Target;
use crate::Domain;

/// How long a number is to say: 0, then ±1, halves and doubles, small integers, tenths, ….
fn cost(value: f64) -> usize {
    let size = value.abs();
    let multiple = |unit: f64| (size / unit).fract() == 0.0 && size / unit < 1e6;
    match size {
        0.0 => 0,
        1.0 => 1,
        0.5 | 2.0 => 2,
        0.25 | 0.75 | 1.5 | 3.0 | 4.0 => 4,
        _ if multiple(1.0) && size <= 10.0 => 5,
        _ if multiple(0.5) && size <= 10.0 => 6,
        _ if near_multiple(size, 10.0) => 7,
        _ if near_multiple(size, 100.0) => 10,
        _ => 25,
    }
}

/// Whether the decimal `size` has so many digits after the point as `unit` has zeros.
fn near_multiple(size: f64, unit: f64) -> bool {
    size <= 100.0 && (size * unit).round() / unit == size
}

/// How long an instance is to say: what shrinking reduces.
pub(crate) fn complexity<I: Domain>(instance: &I) -> usize {
    let parameters = instance.parameters();
    if parameters.is_empty() {
        return instance.describe().chars().count();
    }
    parameters.iter().map(|p| 10 + cost(*p)).sum()
}

/// Rounder numbers near `value`, the roundest first.
fn rounder(value: f64) -> Vec<f64> {
    let sign = 1.0_f64.copysign(value);
    let mut out = vec![0.0, 1.0, -1.0, 0.5 * sign, 2.0 * sign];
    for unit in [1.0, 2.0, 4.0, 10.0, 100.0] {
        out.push((value * unit).round() / unit);
    }
    out.retain(|candidate| candidate.is_finite() && cost(*candidate) < cost(value));
    out.sort_by_key(|candidate| cost(*candidate));
    out.dedup();
    out
}

/// The simplest violating instance reachable from `instance` with at most `limit` trials, and how
/// many were made.
pub(super) fn shrink<I: Domain, P: Send + Sync + 'static>(
    target: &Target<'_, I, P>,
    mut instance: I,
    limit: usize,
) -> (I, usize) {
    let mut tried = 0;
    loop {
        let before = complexity(&instance);
        let accept = |candidate: I, instance: &mut I, tried: &mut usize| {
            if *tried >= limit || complexity(&candidate) >= complexity(instance) {
                return false;
            }
            *tried += 1;
            let violated = target.is_violated(&candidate);
            if violated {
                *instance = candidate;
            }
            violated
        };
        // Whole parts first: a candidate that violates is taken, and its parts are tried next.
        while let Some(()) = instance
            .simpler()
            .into_iter()
            .find_map(|c| accept(c, &mut instance, &mut tried).then_some(()))
        {}
        // All numbers at once, coarsely, then one by one.
        for unit in [1.0, 2.0, 10.0] {
            let all: Vec<f64> =
                instance.parameters().iter().map(|v| (v * unit).round() / unit).collect();
            if let Some(candidate) = instance.with_parameters(&all) {
                accept(candidate, &mut instance, &mut tried);
            }
        }
        for k in 0..instance.parameters().len() {
            for value in rounder(instance.parameters()[k]) {
                let mut changed = instance.parameters();
                changed[k] = value;
                if let Some(candidate) = instance.with_parameters(&changed)
                    && accept(candidate, &mut instance, &mut tried)
                {
                    break;
                }
            }
        }
        if complexity(&instance) >= before || tried >= limit {
            return (instance, tried);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounder_numbers_cost_less() {
        let order = [0.0, 1.0, 0.5, 3.0, 7.0, 3.5, 0.3, 0.37, 0.372_8];
        assert!(order.windows(2).all(|w| cost(w[0]) < cost(w[1])), "{:?}", order.map(cost));
        for value in [0.372_8, -5.43, 1e30, -1e-30] {
            for r in rounder(value) {
                assert!(cost(r) < cost(value), "{r} for {value}");
            }
        }
        assert!(rounder(0.0).is_empty());
    }
}
