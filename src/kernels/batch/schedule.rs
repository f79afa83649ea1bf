//! Schedules as the kernels of devices read them.

use crate::schedule::Schedule;

/// A schedule as the kernels read it: kind, c, r or T or first piece, number of pieces.
pub(super) fn encode(schedule: &Schedule, pieces: &mut Vec<f64>) -> [f64; 4] {
    match schedule {
        Schedule::None => [0.0; 4],
        Schedule::Constant { c } => [1.0, *c, 0.0, 0.0],
        Schedule::Harmonic { c } => [2.0, *c, 0.0, 0.0],
        Schedule::Quadratic { c } => [3.0, *c, 0.0, 0.0],
        Schedule::Geometric { c, r } => [4.0, *c, *r, 0.0],
        Schedule::Switch { c, at } => [5.0, *c, *at, 0.0],
        Schedule::Piecewise { pieces: own } => {
            let first = pieces.len() / 2;
            pieces.extend(own.iter().flat_map(|p| [p.0, p.1]));
            [6.0, 0.0, first as f64, own.len() as f64]
        }
    }
}
