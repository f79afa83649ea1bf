//! A field between two of its jumps: every time beyond is the last one within.

use crate::flow::{Flow, Structure};

/// The field up to a jump at `end`: times from `end` on are replaced by the one just before.
pub(in crate::integrate) struct Segment<'a> {
    pub(in crate::integrate) flow: &'a dyn Flow,
    pub(in crate::integrate) end: f64,
}

impl Segment<'_> {
    fn clamp(&self, t: f64) -> f64 {
        if t < self.end { t } else { self.end.next_down() }
    }
}

impl Flow for Segment<'_> {
    fn dim(&self) -> usize {
        self.flow.dim()
    }
    fn features(&self) -> usize {
        self.flow.features()
    }
    fn initial(&self, state: &mut [f64]) {
        self.flow.initial(state);
    }
    fn field(&self, t: f64, state: &[f64], out: &mut [f64]) {
        self.flow.field(self.clamp(t), state, out);
    }
    fn x(&self, t: f64, state: &[f64], out: &mut [f64]) {
        self.flow.x(t, state, out);
    }
    fn loss(&self, x: &[f64]) -> f64 {
        self.flow.loss(x)
    }
    fn jacobian(&self, t: f64, state: &[f64], out: &mut [f64]) -> Option<Structure> {
        self.flow.jacobian(self.clamp(t), state, out)
    }
    fn jacobian_product(&self, t: f64, state: &[f64], v: &[f64], out: &mut [f64]) -> bool {
        self.flow.jacobian_product(self.clamp(t), state, v, out)
    }
    fn time_derivative(&self, t: f64, state: &[f64], out: &mut [f64]) {
        self.flow.time_derivative(self.clamp(t), state, out);
    }
    fn error(&self, t: f64, state: &[f64], delta: &[f64], rtol: f64, atol: f64) -> f64 {
        self.flow.error(t, state, delta, rtol, atol)
    }
    fn kkt(&self, t: f64, state: &[f64]) -> Option<f64> {
        self.flow.kkt(self.clamp(t), state)
    }
    fn guard(&self, t: f64, state: &[f64]) -> f64 {
        self.flow.guard(self.clamp(t), state)
    }
    fn is_piecewise(&self) -> bool {
        self.flow.is_piecewise()
    }
    fn switch(&self, t: f64, state: &mut [f64]) {
        self.flow.switch(self.clamp(t), state);
    }
}
