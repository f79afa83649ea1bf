//! `min ‖x‖₁ s.t. Zx = y` decided exactly, for the problems that doubles cannot decide.
//!
//! Floats are integers times powers of two, so the problem is one in integers ([`integers`]). A
//! basis of independent columns from an approximate pair (x, μ) is a vertex: `Z_B x_B = y` and
//! `Z_Bᵀμ = sign x_B` have rational solutions ([`lift`], on top of arithmetic modulo a prime,
//! [`modular`]), and with `|Z_jᵀμ| ≤ 1` for all j it is optimal. Where it is not, exact pivots lead
//! on ([`simplex`]). Rows that depend on others are found on the way: either the vertex satisfies
//! them, or some integer vector u has `Zᵀu = 0` and `yᵀu ≠ 0`, and nothing does.
//!
//! What is said holds for the numbers as given; no tolerance is involved. Numbers grow with d and
//! with the range of the entries, so that every part spends from a [`Work`], and a problem that is
//! too large is refused.

mod contradiction;
mod integers;
mod lift;
mod modular;
mod round;
mod simplex;
#[cfg(test)]
mod tests;

use crate::limit::{Enclosure, EnclosureStatus, Farkas};

pub(in crate::limit) use simplex::{decide, solvable};

/// About what a second of one core does.
pub(in crate::limit) const SECOND: u64 = 300_000_000;

/// A bound on the work that depends on the problem only, not on the machine.
#[derive(Debug)]
pub(in crate::limit) struct Work {
    left: u64,
}

impl Work {
    /// So many products of words.
    pub(in crate::limit) fn new(left: u64) -> Self {
        Self { left }
    }

    /// `None` when nothing is left.
    fn spend(&mut self, products: u64) -> Option<()> {
        self.left = self.left.checked_sub(products)?;
        Some(())
    }
}

/// What is known exactly.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::limit) enum Exact {
    /// A solution, and bounds of the least `‖x‖₁`.
    Vertex(Vertex),
    /// No x solves `Zx = y`.
    NoSolution(Farkas),
    /// The work was not enough for either.
    Refused,
}

/// An exact solution of `Zx = y`, rounded, with proved bounds.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::limit) struct Vertex {
    /// Each entry rounded to a neighbouring float.
    pub(in crate::limit) x: Vec<f64>,
    /// Each entry rounded to a neighbouring float.
    pub(in crate::limit) mu: Vec<f64>,
    /// No solution has a smaller `‖x‖₁`.
    pub(in crate::limit) lower: f64,
    /// `‖x‖₁` of the exact solution, rounded up.
    pub(in crate::limit) upper: f64,
    /// Whether it is proved to be the minimum.
    pub(in crate::limit) optimal: bool,
    /// The columns of the basis.
    pub(in crate::limit) columns: Vec<usize>,
    /// Exact pivots from the start.
    pub(in crate::limit) pivots: usize,
}

impl Enclosure {
    /// What an exact solution proves.
    pub(in crate::limit) fn of_vertex(vertex: &Vertex) -> Self {
        let largest = vertex.x.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        // Each entry is rounded to a neighbouring float.
        let rounding =
            if vertex.upper.is_finite() { largest.next_up() - largest } else { f64::INFINITY };
        Self {
            l1_lower: vertex.lower,
            l1_upper: vertex.upper,
            contraction: 0.0,
            radius: rounding,
            distance: rounding,
            columns: vertex.columns.clone(),
            status: EnclosureStatus::Exact,
        }
    }
}
