//! Exact handling of the kink of α‖v‖₁ in a subgradient flow `v' ∈ −q − α∂‖v‖₁`.
//!
//! The selection is the element of least norm (the one the flow takes, Filippov): a coordinate that
//! reaches 0 stays there while `|q_i| ≤ α` and leaves with the sign of `−q_i` when `|q_i| > α`. The
//! pattern σ ∈ {−1, 0, 1}ⁿ is constant on each smooth piece, and is kept in the state with σ' = 0.
//! The guard of coordinate i is `σ_i v_i` where σ_i ≠ 0 and `α(1+ε) − |q_i|` where σ_i = 0; ε makes
//! a coordinate leave with a speed of at least εα, so that it does not come back by rounding.

/// ε above: far over the rounding of q (about 1e-15 relative), far under every tolerance of use.
const RELEASE: f64 = 1e-10;

/// σ for a coordinate that stands at 0 with drive q.
pub(super) fn at_zero(q: f64, alpha: f64) -> f64 {
    if q.abs() <= alpha { 0.0 } else { -q.signum() }
}

/// σ at the start.
pub(super) fn initial(v: &[f64], q: &[f64], alpha: f64, sigma: &mut [f64]) {
    for i in 0..v.len() {
        sigma[i] = if v[i] == 0.0 { at_zero(q[i], alpha) } else { v[i].signum() };
    }
}

fn guard_of(v: f64, q: f64, alpha: f64, sigma: f64) -> f64 {
    if sigma == 0.0 { alpha * (1.0 + RELEASE) - q.abs() } else { sigma * v }
}

/// The smallest guard.
pub(super) fn guard(v: &[f64], q: &[f64], alpha: f64, sigma: &[f64]) -> f64 {
    (0..v.len()).fold(f64::INFINITY, |least, i| least.min(guard_of(v[i], q[i], alpha, sigma[i])))
}

/// Changes σ for every coordinate whose guard is at or below 0, and for the least one.
pub(super) fn switch(v: &mut [f64], q: &[f64], alpha: f64, sigma: &mut [f64]) {
    let bound = guard(v, q, alpha, sigma).max(0.0);
    for i in 0..v.len() {
        if guard_of(v[i], q[i], alpha, sigma[i]) <= bound {
            // A coordinate that has just left, and still stands at 0, is not at an end of its
            // piece.
            if sigma[i] != 0.0 && v[i] == 0.0 && sigma[i] * q[i] < -alpha {
                continue;
            }
            sigma[i] = if sigma[i] == 0.0 { -q[i].signum() } else { at_zero(q[i], alpha) };
            v[i] = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coordinate_sticks_crosses_or_leaves_by_its_drive() {
        let (mut v, mut sigma) = ([-1e-18, 1e-18, 0.0, 2.0], [1.0, 1.0, 0.0, 1.0]);
        // |q| ≤ α sticks; q > α crosses; a stuck one with q < −α leaves upwards; the last is far away.
        switch(&mut v, &[0.5, 3.0, -1.5, 9.0], 1.0, &mut sigma);
        assert_eq!(sigma, [0.0, 1.0, 1.0, 1.0]);
        switch(&mut v, &[0.5, 3.0, -1.5, 9.0], 1.0, &mut sigma);
        assert_eq!(v, [0.0, 1e-18, 0.0, 2.0]);
        let mut down = [-1e-18];
        let mut s = [1.0];
        switch(&mut down, &[3.0], 1.0, &mut s);
        assert_eq!((down, s), ([0.0], [-1.0]));
    }
}
