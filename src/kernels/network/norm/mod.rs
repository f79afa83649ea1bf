//! Norms: over a batch for each channel, over a layer for each row; and the sums of columns that gradients of biases are.

pub mod batch;
pub mod columns;
pub mod layer;

use super::super::{
    array::{View, ViewMut},
    check::{same_length, within},
};
use crate::Result;

/// γ and β of a norm.
#[derive(Debug, Clone, Copy)]
pub struct Affine<'a, T> {
    /// γ.
    pub weight: View<'a, T>,
    /// β.
    pub bias: View<'a, T>,
    /// ε.
    pub epsilon: f64,
    /// Whether ReLU follows.
    pub relu: bool,
}

/// Two numbers for each channel: mean and 1/σ, or the running mean and variance.
pub type Pair<'a, T> = (ViewMut<'a, T>, ViewMut<'a, T>);

/// That the lengths fit a norm.
fn fits(x: usize, channels: usize, y: usize, bias: usize) -> Result<()> {
    within("the channels of a norm", channels as f64, channels > 0, "at least 1")?;
    same_length("β of a norm", bias, "γ", channels)?;
    same_length("the last pixel of x of a norm", x % channels.max(1), "whole pixels leave", 0)?;
    same_length("y of a norm", y, "x", x)
}
