//! [`mask_weight`](crate::kernels::mask_weight) on arrays: products, the fused steps, starts, HAM's step
//! (`mask_weight.cu`).
//!
//! On a device an update says [`Health::Finite`] at once; whether it was so, [`Accelerator::all_finite`] says later, so that
//! nobody waits for the device after every step.

use super::{
    Accelerator, View, ViewMut,
    accelerator::{both, kernel, launch, long},
};
use crate::{
    Result,
    kernels::{
        machine::{Argument, Source},
        mask_weight::{
            self, FactorPenalty, Ham, Health, Optimizer, PlainPenalty, chunks::same_length,
        },
        nn::Real,
    },
};

/// The kernels of `mask_weight.cu`.
pub static SOURCE: Source = Source {
    name: "mask_weight",
    text: include_str!("../mask_weight.cu"),
    kernels: both!(
        [],
        "product",
        "product_backward",
        "apply_mask",
        "update_factors",
        "update_plain",
        "factor_start",
        "rescale",
        "ham_step"
    ),
};

/// A parameter and the state of its optimiser, as [`mask_weight::Parameter`].
#[derive(Debug)]
pub struct Parameter<'a, T> {
    /// The parameter.
    pub value: ViewMut<'a, T>,
    /// As many arrays as the optimiser has states; the others empty.
    pub state: [ViewMut<'a, T>; 2],
}

impl<'a, T: Real> Parameter<'a, T> {
    fn host(self) -> Result<mask_weight::Parameter<'a, T>> {
        let [a, b] = self.state;
        // An empty array may stand anywhere.
        let state = |s: ViewMut<'a, T>| if s.is_empty() { Ok(&mut [][..]) } else { s.host() };
        Ok(mask_weight::Parameter { value: self.value.host()?, state: [state(a)?, state(b)?] })
    }

    fn check(&self, name: &str, n: usize, states: usize) -> Result<()> {
        same_length(name, self.value.len(), "g", n)?;
        for (k, state) in self.state.iter().enumerate() {
            let expected = if k < states { n } else { 0 };
            same_length(&format!("{name}.state[{k}]"), state.len(), "the optimiser's", expected)?;
        }
        Ok(())
    }

    fn state(&self, k: usize, on: &Accelerator) -> Result<Argument<'_>> {
        if self.state[k].is_empty() { Ok(Argument::Null) } else { self.state[k].at(on) }
    }
}

/// `x = m⊙w`: [`mask_weight::product`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn product<T: Real>(m: View<'_, T>, w: View<'_, T>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.accelerator() else {
        return mask_weight::product(m.host()?, w.host()?, x.host()?);
    };
    same_length("w", w.len(), "m", m.len())?;
    same_length("x", x.len(), "m", m.len())?;
    launch!(on, T, "product", m.len(), [long(m.len()), m.at(on)?, w.at(on)?, x.at(on)?])
}

/// `g_m = g⊙w` and `g_w = g⊙m`: [`mask_weight::product_backward`].
///
/// # Errors
/// As [`product`].
pub fn product_backward<T: Real>(
    m: View<'_, T>,
    w: View<'_, T>,
    g: View<'_, T>,
    g_m: ViewMut<'_, T>,
    g_w: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = g_m.accelerator() else {
        let (g_m, g_w) = (g_m.host()?, g_w.host()?);
        return mask_weight::product_backward(m.host()?, w.host()?, g.host()?, g_m, g_w);
    };
    let n = g.len();
    for (name, len) in [("m", m.len()), ("w", w.len()), ("g_m", g_m.len()), ("g_w", g_w.len())] {
        same_length(name, len, "g", n)?;
    }
    let all = [long(n), m.at(on)?, w.at(on)?, g.at(on)?, g_m.at(on)?, g_w.at(on)?];
    let [count, m, w, g, g_m, g_w] = all;
    launch!(on, T, "product_backward", n, [count, m, w, g, g_m, g_w])
}

/// `x = keep⊙x`: [`mask_weight::apply_mask`].
///
/// # Errors
/// As [`product`].
pub fn apply_mask<T: Real>(keep: View<'_, u8>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.accelerator() else {
        return mask_weight::apply_mask(keep.host()?, x.host()?);
    };
    same_length("keep", keep.len(), "x", x.len())?;
    launch!(on, T, "apply_mask", x.len(), [long(x.len()), keep.at(on)?, x.at(on)?])
}

/// The mask as an argument; none is a pointer to nothing.
fn keep_at<'a>(keep: Option<View<'a, u8>>, n: usize, on: &Accelerator) -> Result<Argument<'a>> {
    let Some(keep) = keep else { return Ok(Argument::Null) };
    same_length("keep", keep.len(), "g", n)?;
    keep.at(on)
}

/// One step of m and w, and the next `x = m⊙w`: [`mask_weight::update_factors`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn update_factors<T: Real>(
    optimizer: &Optimizer,
    step: u64,
    penalty: &FactorPenalty,
    m: Parameter<'_, T>,
    w: Parameter<'_, T>,
    g: View<'_, T>,
    keep: Option<View<'_, u8>>,
    x: ViewMut<'_, T>,
) -> Result<Health> {
    let Some(on) = x.accelerator() else {
        let keep = keep.map(View::host).transpose()?;
        let (m, w, g, x) = (m.host()?, w.host()?, g.host()?, x.host()?);
        return mask_weight::update_factors(optimizer, step, penalty, m, w, g, keep, x);
    };
    let n = g.len();
    m.check("m", n, optimizer.states())?;
    w.check("w", n, optimizer.states())?;
    same_length("x", x.len(), "g", n)?;
    penalty.check()?;
    let rule = optimizer.rule(step, 2.0 * penalty.factors)?;
    let keep = keep_at(keep, n, on)?;
    let mut arguments = vec![long(n)];
    arguments.extend(rule);
    arguments.extend([Argument::Double(penalty.mask_l1), Argument::Double(penalty.l1)]);
    arguments.extend([m.value.at(on)?, w.value.at(on)?]);
    for parameter in [&m, &w] {
        arguments.extend([parameter.state(0, on)?, parameter.state(1, on)?]);
    }
    arguments.extend([g.at(on)?, keep, x.at(on)?]);
    finish(on, kernel!(T, "update_factors"), n, arguments)
}

/// One step of a plain parameter: [`mask_weight::update_plain`].
///
/// # Errors
/// As [`update_factors`].
pub fn update_plain<T: Real>(
    optimizer: &Optimizer,
    step: u64,
    penalty: &PlainPenalty,
    x: Parameter<'_, T>,
    g: View<'_, T>,
    keep: Option<View<'_, u8>>,
) -> Result<Health> {
    let Some(on) = x.value.accelerator() else {
        let keep = keep.map(View::host).transpose()?;
        return mask_weight::update_plain(optimizer, step, penalty, x.host()?, g.host()?, keep);
    };
    let n = g.len();
    x.check("x", n, optimizer.states())?;
    penalty.check()?;
    let keep = keep_at(keep, n, on)?;
    let mut arguments = vec![long(n)];
    arguments.extend(optimizer.rule(step, penalty.weight_decay)?);
    arguments.extend([Argument::Double(penalty.l1), x.value.at(on)?]);
    arguments.extend([x.state(0, on)?, x.state(1, on)?, g.at(on)?, keep]);
    finish(on, kernel!(T, "update_plain"), n, arguments)
}

/// The launch of an update, whose last argument is the flag.
fn finish(
    on: &Accelerator,
    kernel: &'static str,
    n: usize,
    arguments: Vec<Argument<'_>>,
) -> Result<Health> {
    on.work(0, |work| {
        let mut arguments: Vec<Argument<'_>> = arguments;
        arguments.push(Argument::Memory(work.bad));
        // SAFETY: the arguments of the kernel in its order, of the lengths just checked.
        unsafe { work.over(&SOURCE, kernel, n, &arguments) }
    })?;
    Ok(Health::Finite)
}

/// Factors of x: [`mask_weight::factor_start`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn factor_start<T: Real>(
    x: View<'_, T>,
    beta: f64,
    m: ViewMut<'_, T>,
    w: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = m.accelerator() else {
        return mask_weight::factor_start(x.host()?, beta, m.host()?, w.host()?);
    };
    let n = x.len();
    same_length("m", m.len(), "x", n)?;
    same_length("w", w.len(), "x", n)?;
    mask_weight::check_beta(beta)?;
    let beta = Argument::Double(beta);
    launch!(on, T, "factor_start", n, [long(n), beta, x.at(on)?, m.at(on)?, w.at(on)?])
}

/// Sign-In's rescaling: [`mask_weight::rescale`].
///
/// # Errors
/// As [`factor_start`].
pub fn rescale<T: Real>(beta: f64, m: ViewMut<'_, T>, w: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = m.accelerator() else {
        return mask_weight::rescale(beta, m.host()?, w.host()?);
    };
    let n = m.len();
    same_length("w", w.len(), "m", n)?;
    mask_weight::check_beta(beta)?;
    launch!(on, T, "rescale", n, [long(n), Argument::Double(beta), m.at(on)?, w.at(on)?])
}

/// HAM's step: [`mask_weight::ham_step`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn ham_step<T: Real>(ham: &Ham, g: View<'_, T>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.accelerator() else {
        return mask_weight::ham_step(ham, g.host()?, x.host()?);
    };
    let n = g.len();
    same_length("x", x.len(), "g", n)?;
    ham.check()?;
    let (pull, decay) =
        (Argument::Double(ham.rate * ham.alpha), Argument::Double(ham.rate * ham.beta));
    launch!(on, T, "ham_step", n, [long(n), pull, decay, g.at(on)?, x.at(on)?])
}
