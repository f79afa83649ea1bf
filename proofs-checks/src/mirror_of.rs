//! The mirror potential of a parameterization, computed without a formula for it.
//!
//! Where the fields `∇x_i(θ)` commute, the gradient flow of any `f(x(θ))` from θ₀ is a mirror flow
//! (Li, Wang, Lee & Arora 2022, "Implicit bias of gradient descent on reparametrized models", theorem
//! 4.9): `∇R(x_t) = −L_t`. To reach x from `x₀ = x(θ₀)` go along a path in x, lifted to θ with the least
//! velocity, `θ' = Jᵀλ`, `J Jᵀ λ = x'`. Then `μ' = λ`, `R' = μᵀx'` from `μ = 0`, `R = 0` gives `∇R(x) = μ` and
//! `R(x) − R(x₀)`, since `∇²R = (J Jᵀ)⁻¹`. The result does not depend on the path exactly when the
//! fields commute: a check of that, too.

use mirrorflow::{
    Error, Result,
    flow::Flow,
    integrate::{Method, Options, integrate},
    numerics::dense::cholesky::Cholesky,
    parameterization::Parameterization,
};

/// `R` and its gradient at the end of a path.
#[derive(Debug, Clone, PartialEq)]
pub struct MirrorPoint {
    /// `R(x) − R(x₀)`.
    pub value: f64,
    /// `∇R(x)`, length n; 0 at x₀.
    pub gradient: Vec<f64>,
    /// The θ that the path was lifted to, length k.
    pub theta: Vec<f64>,
}

/// R at the last of `via` (each of length n), going from `x(theta0)` straight from one to the next.
///
/// ```
/// use mirrorflow::parameterization::Product;
/// use mirrorflow_proofs_checks::mirror_of;
/// // x = m w from m = 1, w = 0: ∇R(x) = ½ asinh(2x).
/// let at = mirror_of(&Product::new(1)?, &[1.0, 0.0], &[&[0.5]])?;
/// assert!((at.gradient[0] - 0.5 * 1.0_f64.asinh()).abs() < 1e-9);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// When a length is wrong, or J has no full rank somewhere on the way: the point cannot be reached so.
pub fn mirror_of(
    map: &dyn Parameterization,
    theta0: &[f64],
    via: &[&[f64]],
) -> Result<MirrorPoint> {
    let (n, k) = (map.features(), map.parameters());
    let wrong = |what: &str, expected: usize, found: usize| Error::Shape {
        what: what.into(),
        expected: format!("({expected})"),
        found: format!("({found})"),
    };
    if theta0.len() != k {
        return Err(wrong("theta0", k, theta0.len()));
    }
    let mut at = MirrorPoint { value: 0.0, gradient: vec![0.0; n], theta: theta0.to_vec() };
    for target in via {
        if target.len() != n {
            return Err(wrong("a point of the path", n, target.len()));
        }
        let mut x = vec![0.0; n];
        map.x(&at.theta, &mut x);
        let velocity = target.iter().zip(&x).map(|(p, q)| p - q).collect();
        let leg = Leg { map, from: at, velocity };
        let options = Options::until(1.0).with_tolerances(1e-11, 1e-13).with_method(Method::Dop853);
        let run = integrate(&leg, &Options { max_steps: 20_000, ..options })?;
        if !run.outcome.is_complete() {
            return Err(Error::Domain {
                what: "the path in x".into(),
                expected: "points that can be reached with J of full rank".into(),
                found: run.outcome.to_string(),
            });
        }
        let end = run.state.row(run.state.nrows() - 1).to_vec();
        at = MirrorPoint {
            value: end[k + n],
            gradient: end[k..k + n].to_vec(),
            theta: end[..k].to_vec(),
        };
    }
    Ok(at)
}

/// One straight piece of a path, state `(θ, μ, R)`.
struct Leg<'a> {
    map: &'a dyn Parameterization,
    from: MirrorPoint,
    velocity: Vec<f64>,
}

impl Flow for Leg<'_> {
    fn dim(&self) -> usize {
        self.map.parameters() + self.map.features() + 1
    }
    fn features(&self) -> usize {
        self.map.features()
    }
    fn initial(&self, state: &mut [f64]) {
        let from = &self.from;
        state.copy_from_slice(&[&from.theta[..], &from.gradient, &[from.value]].concat());
    }
    fn field(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        let (n, k) = (self.map.features(), self.map.parameters());
        let (theta, mu) = (&state[..k], &state[k..k + n]);
        let mut metric = vec![0.0; n * n];
        self.map.metric(theta, &mut metric);
        let mut cholesky = Cholesky::new(n);
        if !cholesky.factor(&metric) {
            out.fill(f64::NAN);
            return;
        }
        let mut multiplier = self.velocity.clone();
        cholesky.solve(&mut multiplier);
        self.map.pull_back(theta, &multiplier, &mut out[..k]);
        out[k..k + n].copy_from_slice(&multiplier);
        out[k + n] = mu.iter().zip(&self.velocity).map(|(m, v)| m * v).sum();
    }
    fn x(&self, _t: f64, state: &[f64], out: &mut [f64]) {
        self.map.x(&state[..self.map.parameters()], out);
    }
    fn loss(&self, _x: &[f64]) -> f64 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use mirrorflow::{
        parameterization::{Identity, Product, Start},
        potential::Potential,
    };

    use super::mirror_of;

    #[test]
    fn the_product_has_the_hyperbolic_entropy() -> mirrorflow::Result<()> {
        let start = Start::new(vec![1.0, 0.8], vec![0.3, -0.2])?;
        let (entropy, x) = (start.entropy()?, [-0.4, 1.7]);
        let at = mirror_of(&Product::new(2)?, &Product::theta(&start), &[&x])?;
        let mut gradient = [0.0; 2];
        entropy.gradient(&x, &mut gradient);
        for (p, q) in at.gradient.iter().zip(gradient) {
            assert!((p - q).abs() < 1e-10, "{p} against {q}");
        }
        let value = entropy.value(&x) - entropy.value(&start.x0());
        assert!((at.value - value).abs() < 1e-10, "{} against {value}", at.value);
        Ok(())
    }

    #[test]
    fn the_identity_has_half_the_square() -> mirrorflow::Result<()> {
        let at = mirror_of(&Identity::new(2)?, &[0.0, 0.0], &[&[1.0, 0.0], &[1.0, -2.0]])?;
        assert!((at.value - 2.5).abs() < 1e-10 && (at.gradient[1] + 2.0).abs() < 1e-10);
        Ok(())
    }

    #[test]
    fn what_cannot_be_reached_is_an_error() -> mirrorflow::Result<()> {
        let product = Product::new(1)?;
        assert!(mirror_of(&product, &[1.0], &[&[1.0]]).is_err());
        assert!(mirror_of(&product, &[1.0, 0.0], &[&[1.0, 1.0]]).is_err());
        // From m = w the factors stay equal: x cannot become negative.
        assert!(mirror_of(&product, &[1.0, 1.0], &[&[-1.0]]).is_err());
        Ok(())
    }
}
