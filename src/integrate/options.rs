//! What to integrate to, how accurately, by which method.

use std::fmt;
use std::str::FromStr;

use crate::{Cancel, Error, Result};

/// An integration method, named as the `--method` of the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// Chosen for the flow: see [`integrate`](super::integrate).
    #[default]
    Auto,
    /// Explicit Runge–Kutta of order 5 (Dormand & Prince 1980).
    Dopri5,
    /// Explicit Runge–Kutta of order 5 (Tsitouras 2011).
    Tsit5,
    /// Explicit Runge–Kutta of order 8 (Dormand & Prince; Hairer, Nørsett & Wanner I).
    Dop853,
    /// Stabilized explicit Runge–Kutta of order 4: mildly stiff flows with real eigenvalues.
    Stabilized,
    /// `dop853` while accuracy limits the step, `stabilized` while stability does.
    Switching,
    /// Rosenbrock of order 5: stiff flows.
    Rosenbrock,
    /// Backward differentiation of variable order (diffsol): stiff flows.
    Bdf,
    /// TR-BDF2, order 2 (diffsol): stiff flows at low accuracy.
    TrBdf2,
}

impl Method {
    /// Every method with its name.
    pub const ALL: [(&'static str, Self); 9] = [
        ("auto", Self::Auto),
        ("dopri5", Self::Dopri5),
        ("tsit5", Self::Tsit5),
        ("dop853", Self::Dop853),
        ("stabilized", Self::Stabilized),
        ("switching", Self::Switching),
        ("rosenbrock", Self::Rosenbrock),
        ("bdf", Self::Bdf),
        ("tr-bdf2", Self::TrBdf2),
    ];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::ALL.iter().find(|m| m.1 == *self).map_or("", |m| m.0))
    }
}

impl FromStr for Method {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.iter().find(|m| m.0 == text).map(|m| m.1).ok_or_else(|| Error::Parse {
            what: "method".into(),
            text: text.into(),
            why: format!("expected one of {}", Self::ALL.map(|m| m.0).join(", ")),
        })
    }
}

/// What to integrate to and how accurately.
///
/// ```
/// use mirrorflow::integrate::{Method, Options};
/// let options = Options { rtol: 1e-9, method: Method::Stabilized, ..Options::until(100.0) }
///     .with_times(&[1.0, 10.0])
///     .stop_at_loss(1e-15);
/// assert_eq!(options.times, [1.0, 10.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// End time, > 0.
    pub t_end: f64,
    /// Times at which to record, non-decreasing, in [0, t_end]. Steps end on them, so that what is
    /// recorded has the accuracy of the method. The end is always recorded.
    pub times: Vec<f64>,
    /// Relative tolerance of each step, in (0, 1); see [`Flow::error`](crate::flow::Flow::error).
    pub rtol: f64,
    /// Absolute tolerance of each step, > 0.
    pub atol: f64,
    /// The method.
    pub method: Method,
    /// Largest number of attempted steps.
    pub max_steps: u64,
    /// Stop where the loss is at most this.
    pub loss_at_most: Option<f64>,
    /// Stop where the KKT residual is at most this.
    pub kkt_at_most: Option<f64>,
    /// Looked at before every step.
    pub cancel: Option<Cancel>,
}

impl Options {
    /// To the time `t_end` with rtol 1e-8, atol 1e-12.
    pub fn until(t_end: f64) -> Self {
        Self {
            t_end,
            times: Vec::new(),
            rtol: 1e-8,
            atol: 1e-12,
            method: Method::Auto,
            max_steps: 1_000_000,
            loss_at_most: None,
            kkt_at_most: None,
            cancel: None,
        }
    }
    /// Records at these times too.
    pub fn with_times(mut self, times: &[f64]) -> Self {
        self.times = times.to_vec();
        self
    }
    /// Sets both tolerances.
    pub fn with_tolerances(mut self, rtol: f64, atol: f64) -> Self {
        (self.rtol, self.atol) = (rtol, atol);
        self
    }
    /// Chooses the method.
    pub fn with_method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }
    /// Stops where the loss is at most `value`. Explicit methods stall at 1e-17 … 1e-19 times the
    /// squared size of y, by rounding: ask for less and the event may never fire.
    pub fn stop_at_loss(mut self, value: f64) -> Self {
        self.loss_at_most = Some(value);
        self
    }
    /// Stops where the KKT residual of the flow is at most `value`. For flows with `A_∞ = ∞`, which
    /// end elsewhere than at `Zx = y`, it need never fire.
    pub fn stop_at_kkt(mut self, value: f64) -> Self {
        self.kkt_at_most = Some(value);
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        let domain = |what: &str, expected: String, found: f64| {
            Err(Error::Domain { what: what.into(), expected, found: found.to_string() })
        };
        if !(self.t_end > 0.0 && self.t_end.is_finite()) {
            return domain("t_end", "a positive finite number".into(), self.t_end);
        }
        if !(self.rtol > 0.0 && self.rtol < 1.0) {
            return domain("rtol", "a number in (0, 1)".into(), self.rtol);
        }
        if !(self.atol > 0.0 && self.atol.is_finite()) {
            return domain("atol", "a positive finite number".into(), self.atol);
        }
        let mut last = 0.0;
        for (i, &t) in self.times.iter().enumerate() {
            if !(t >= last && t <= self.t_end) {
                let expected = format!("a time from {last} to t_end = {}", self.t_end);
                return domain(&format!("times[{i}]"), expected, t);
            }
            last = t;
        }
        for (what, value) in [("loss", self.loss_at_most), ("KKT residual", self.kkt_at_most)] {
            if let Some(v) = value
                && !(v > 0.0 && v.is_finite())
            {
                return domain(
                    &format!("the {what} to stop at"),
                    "a positive finite number".into(),
                    v,
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_read_what_they_print() {
        for (name, method) in Method::ALL {
            assert_eq!(method.to_string(), name);
            assert_eq!(name.parse::<Method>().unwrap(), method);
        }
        assert!("euler".parse::<Method>().unwrap_err().to_string().contains("tr-bdf2"));
    }

    #[test]
    fn bad_options_are_refused_by_name() {
        let bad = [
            (Options::until(f64::NAN), "t_end"),
            (Options::until(0.0), "t_end"),
            (Options::until(1.0).with_tolerances(0.0, 1.0), "rtol"),
            (Options::until(1.0).with_tolerances(0.1, f64::NAN), "atol"),
            (Options::until(1.0).with_times(&[0.5, 0.2]), "times[1]"),
            (Options::until(1.0).with_times(&[2.0]), "times[0]"),
            (Options::until(1.0).stop_at_loss(-1.0), "loss"),
            (Options::until(1.0).stop_at_kkt(f64::NAN), "KKT"),
        ];
        for (options, name) in bad {
            let text = options.check().unwrap_err().to_string();
            assert!(text.contains(name), "{text}");
        }
    }
}
