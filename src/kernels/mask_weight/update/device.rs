//! Updates on arrays: the fused steps and HAM's step.
//!
//! On a device an update says [`Health::Finite`] at once; whether it was so, [`SharedSession::all_finite`] says later, so that
//! nobody waits for the device after every step.

use super::host::{self, FactorPenalty, Ham, Health, Optimizer, PlainPenalty};
use crate::{
    Result,
    kernels::{
        array::{
            SharedSession, View, ViewMut,
            home::{both, launch, typed},
        },
        check::same_length,
        device::{Argument, Source, long},
        network::Real,
    },
};

/// The kernels of updates.
pub static SOURCE: Source = Source {
    name: "update",
    text: include_str!("device.cu"),
    kernels: both!([], "update_factors", "update_plain", "ham_step"),
};

/// A parameter and the state of its optimiser, as [`host::Parameter`].
#[derive(Debug)]
pub struct Parameter<'a, T> {
    /// The parameter.
    pub value: ViewMut<'a, T>,
    /// As many arrays as the optimiser has states; the others empty.
    pub state: [ViewMut<'a, T>; 2],
}

impl<'a, T: Real> Parameter<'a, T> {
    fn host(self) -> Result<host::Parameter<'a, T>> {
        let [a, b] = self.state;
        // An empty array may stand anywhere.
        let state = |s: ViewMut<'a, T>| if s.is_empty() { Ok(&mut [][..]) } else { s.host() };
        Ok(host::Parameter { value: self.value.host()?, state: [state(a)?, state(b)?] })
    }

    fn check(&self, name: &str, n: usize, states: usize) -> Result<()> {
        same_length(name, self.value.len(), "g", n)?;
        for (k, state) in self.state.iter().enumerate() {
            let expected = if k < states { n } else { 0 };
            same_length(&format!("{name}.state[{k}]"), state.len(), "the optimiser's", expected)?;
        }
        Ok(())
    }

    fn state(&self, k: usize, on: &SharedSession) -> Result<Argument> {
        if self.state[k].is_empty() { Ok(Argument::Null) } else { self.state[k].at(on) }
    }
}

/// The mask as an argument; none is a pointer to nothing.
fn keep_at<'a>(keep: Option<View<'a, u8>>, n: usize, on: &SharedSession) -> Result<Argument> {
    let Some(keep) = keep else { return Ok(Argument::Null) };
    same_length("keep", keep.len(), "g", n)?;
    keep.at(on)
}

/// One step of m and w, and the next `x = m⊙w`: [`host::update_factors`].
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
    let Some(on) = x.session() else {
        let keep = keep.map(View::host).transpose()?;
        let (m, w, g, x) = (m.host()?, w.host()?, g.host()?, x.host()?);
        return host::update_factors(optimizer, step, penalty, m, w, g, keep, x);
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
    finish(on, typed!(T, "update_factors"), n, arguments)
}

/// One step of a plain parameter: [`host::update_plain`].
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
    let Some(on) = x.value.session() else {
        let keep = keep.map(View::host).transpose()?;
        return host::update_plain(optimizer, step, penalty, x.host()?, g.host()?, keep);
    };
    let n = g.len();
    x.check("x", n, optimizer.states())?;
    penalty.check()?;
    let keep = keep_at(keep, n, on)?;
    let mut arguments = vec![long(n)];
    arguments.extend(optimizer.rule(step, penalty.weight_decay)?);
    arguments.extend([Argument::Double(penalty.l1), x.value.at(on)?]);
    arguments.extend([x.state(0, on)?, x.state(1, on)?, g.at(on)?, keep]);
    finish(on, typed!(T, "update_plain"), n, arguments)
}

/// The launch of an update, whose last argument is the flag.
fn finish(
    on: &SharedSession,
    kernel: &'static str,
    n: usize,
    arguments: Vec<Argument>,
) -> Result<Health> {
    on.work(0, |work| {
        let mut arguments: Vec<Argument> = arguments;
        arguments.push(Argument::Memory(work.bad));
        // SAFETY: the arguments of the kernel in its order, of the lengths just checked.
        unsafe { work.over(&SOURCE, kernel, n, &arguments) }
    })?;
    Ok(Health::Finite)
}

/// HAM's step: [`host::ham_step`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn ham_step<T: Real>(ham: &Ham, g: View<'_, T>, x: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = x.session() else {
        return host::ham_step(ham, g.host()?, x.host()?);
    };
    let n = g.len();
    same_length("x", x.len(), "g", n)?;
    ham.check()?;
    let (pull, decay) =
        (Argument::Double(ham.rate * ham.alpha), Argument::Double(ham.rate * ham.beta));
    launch!(on, T, "ham_step", n, [long(n), pull, decay, g.at(on)?, x.at(on)?])
}
