//! `min ‖x‖₁ s.t. Zx = y` decided exactly, for the problems that doubles cannot decide.
//!
//! Floats are integers times powers of two, so the problem is one in integers ([`integers`]). A basis of
//! independent columns from an approximate pair (x, μ) is a vertex: `Z_B x_B = y` and `Z_Bᵀμ = sign x_B` have
//! rational solutions ([`lift`], on top of arithmetic modulo a prime, [`modular`]), and with `|Z_jᵀμ| ≤ 1` for all j it is
//! optimal. Where it is not, exact pivots lead on ([`simplex`]). Rows that depend on others are found on the
//! way: either the vertex satisfies them, or some integer vector u has `Zᵀu = 0` and `yᵀu ≠ 0`, and nothing does.
//!
//! What is said holds for the numbers as given; no tolerance is involved. Numbers grow with d and with the range of the
//! entries, so that every part spends from a [`Work`], and a problem that is too large is refused.

mod contradiction;
mod integers;
mod lift;
mod modular;
mod round;
mod simplex;
#[cfg(test)]
mod tests;

use super::Farkas;

pub(super) use simplex::{decide, solvable};

/// About what a second of one core does.
pub(super) const SECOND: u64 = 300_000_000;

/// A bound on the work that depends on the problem only, not on the machine.
#[derive(Debug)]
pub(super) struct Work {
    left: u64,
}

impl Work {
    /// So many products of words.
    pub(super) fn new(left: u64) -> Self {
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
pub(super) enum Exact {
    /// A solution, and bounds of the least `‖x‖₁`.
    Vertex(Vertex),
    /// No x solves `Zx = y`.
    NoSolution(Farkas),
    /// The work was not enough for either.
    Refused,
}

/// An exact solution of `Zx = y`, rounded, with proved bounds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vertex {
    /// Each entry rounded to a neighbouring float.
    pub(super) x: Vec<f64>,
    /// Each entry rounded to a neighbouring float.
    pub(super) mu: Vec<f64>,
    /// No solution has a smaller `‖x‖₁`.
    pub(super) lower: f64,
    /// `‖x‖₁` of the exact solution, rounded up.
    pub(super) upper: f64,
    /// Whether it is proved to be the minimum.
    pub(super) optimal: bool,
    /// The columns of the basis.
    pub(super) columns: Vec<usize>,
    /// Exact pivots from the start.
    pub(super) pivots: usize,
}
