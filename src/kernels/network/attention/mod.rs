//! Scaled dot-product attention (Vaswani et al. 2017) with H heads over N tokens of C numbers: for each image and head, with
//! q, k, v of C/H columns each, `P = softmax(q kᵀ/√(C/H))`, `y = P v`. Backward, with `dP = dy vᵀ`:
//! `dv = Pᵀ dy`, `dS = P⊙(dP − rowsum(dP⊙P))`, `dq = dS k/√(C/H)`, `dk = dSᵀ q/√(C/H)`.
//!
//! q, k and v of a token stand side by side (3C numbers, each head's columns together), as PyTorch's `in_proj` makes them.

mod device;
mod host;

pub use self::device::{SOURCE, backward, forward};

/// Attention of one shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attention {
    /// N.
    pub tokens: usize,
    /// C.
    pub channels: usize,
    /// H, a divisor of C.
    pub heads: usize,
}
