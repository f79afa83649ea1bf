//! What a run leaves behind: observables at the times that were asked for and were reached.

use ndarray::Array2;

use super::{Flow, Outcome};

/// Work counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Evaluations of the field.
    pub fields: u64,
    /// Evaluations of the Jacobian.
    pub jacobians: u64,
    /// Matrix factorizations.
    pub factorizations: u64,
    /// Accepted steps.
    pub steps: u64,
    /// Rejected steps.
    pub rejections: u64,
}

/// A trajectory at T recorded times. The last row is the last state reached; nothing is padded.
#[derive(Debug, Clone, PartialEq)]
pub struct Trajectory {
    /// Times, length T, increasing.
    pub t: Vec<f64>,
    /// States, T×k.
    pub state: Array2<f64>,
    /// Trained points, T×n.
    pub x: Array2<f64>,
    /// `f(x)`, length T.
    pub loss: Vec<f64>,
    /// `‖x‖₁`, length T.
    pub l1: Vec<f64>,
    /// `log a_t`, T×n, where the flow has such a scale.
    pub log_a: Option<Array2<f64>>,
    /// What it cost.
    pub work: Work,
    /// How the run ended.
    pub outcome: Outcome,
    /// The method that ran.
    pub method: String,
}

impl Trajectory {
    /// The last point, length n.
    pub fn x_end(&self) -> Vec<f64> {
        self.x.outer_iter().next_back().map(|row| row.to_vec()).unwrap_or_default()
    }
    /// The last state, length k.
    pub fn state_end(&self) -> Vec<f64> {
        self.state.outer_iter().next_back().map(|row| row.to_vec()).unwrap_or_default()
    }
    /// The last time.
    pub fn t_end(&self) -> f64 {
        self.t.last().copied().unwrap_or(0.0)
    }
}

/// Collects the rows of a [`Trajectory`].
#[derive(Debug, Default)]
pub struct Recorder {
    t: Vec<f64>,
    state: Vec<f64>,
    x: Vec<f64>,
    loss: Vec<f64>,
    l1: Vec<f64>,
    log_a: Vec<f64>,
    scaled: bool,
}

impl Recorder {
    /// Nothing recorded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The last recorded time.
    pub fn last_time(&self) -> Option<f64> {
        self.t.last().copied()
    }

    /// Records `state` (length k) at time `t`.
    pub fn record(&mut self, flow: &dyn Flow, t: f64, state: &[f64]) {
        let n = flow.features();
        let mut row = vec![0.0; n];
        self.scaled = flow.log_a(t, state, &mut row);
        if self.scaled {
            self.log_a.extend_from_slice(&row);
        }
        flow.x(t, state, &mut row);
        self.push(t, state, &row, flow.loss(&row));
    }

    /// Records a row without a scale `log a`.
    pub(crate) fn push(&mut self, t: f64, state: &[f64], x: &[f64], loss: f64) {
        self.t.push(t);
        self.state.extend_from_slice(state);
        self.loss.push(loss);
        self.l1.push(x.iter().map(|v| v.abs()).sum());
        self.x.extend_from_slice(x);
    }

    /// Adds the scale of the row that was pushed last.
    pub(crate) fn push_log_a(&mut self, log_a: &[f64]) {
        self.scaled = true;
        self.log_a.extend_from_slice(log_a);
    }

    /// The trajectory of what was recorded.
    pub fn finish(self, method: &str, work: Work, outcome: Outcome) -> Trajectory {
        let rows = self.t.len();
        let outcome = match (self.t.last(), self.loss.last()) {
            (Some(t), Some(loss)) => outcome.with_loss(*t, *loss),
            _ => outcome,
        };
        let table = |flat: Vec<f64>| {
            let columns = flat.len() / rows.max(1);
            Array2::from_shape_vec((rows, columns), flat).unwrap_or_default()
        };
        Trajectory {
            state: table(self.state),
            x: table(self.x),
            log_a: self.scaled.then(|| table(self.log_a)),
            t: self.t,
            loss: self.loss,
            l1: self.l1,
            work,
            outcome,
            method: method.into(),
        }
    }
}
