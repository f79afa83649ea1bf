//! The paper's Fig. 1c: for one feature, `R_{a_t}(x) − min R_{a_t}` with `a_t = (β/2)e^{−4A}` for growing A.
//! The tilt θ₀ belongs to x₀ = 1 and stays: the minimum is at `a_t sinh θ₀ = e^{−4A}x₀`.
//! Chosen here: β = 1, x₀ = 1, A = 0, ¼, ½, 1, 2.

use super::{Curve, Data, Lab};
use crate::{
    Result,
    parameterization::Start,
    potential::{HyperbolicEntropy, Potential},
};

const BETA: f64 = 1.0;
const X0: f64 = 1.0;
const DECAYS: [f64; 5] = [0.0, 0.25, 0.5, 1.0, 2.0];

pub(super) fn data(_: &Lab) -> Result<Data> {
    let config = serde_json::json!({ "beta": BETA, "x0": X0, "A": DECAYS });
    let mut data = Data::new("fig1c", None, config);
    let start = Start::pilot(&[X0], BETA)?.entropy()?;
    let x: Vec<f64> = (-200..=200).map(|k| f64::from(k) / 100.0).collect();
    let mut minima = (Vec::new(), Vec::new());
    for decay in DECAYS {
        let entropy: HyperbolicEntropy = start.decayed(decay)?;
        let least = (-4.0 * decay).exp() * X0;
        let floor = entropy.value(&[least]);
        let y = x.iter().map(|x| entropy.value(&[*x]) - floor).collect();
        data.curves.push(Curve::new(format!("A = {decay}"), x.clone(), y));
        minima.0.push(least);
        minima.1.push(0.0);
    }
    data.curves.push(Curve::new("minimum", minima.0, minima.1));
    Ok(data)
}
