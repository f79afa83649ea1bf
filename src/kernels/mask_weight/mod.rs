//! The parameters of sparse networks: `x = m⊙w` and its relatives, their gradients, updates and masks.
//!
//! | kernel | formula | file |
//! |---|---|---|
//! | [`product`], [`product_backward`] | `x = m⊙w`; `g⊙w`, `g⊙m` | `product` |
//! | [`update_factors`], [`update_plain`] | backward, penalty, optimiser and next x in one pass | `update`, `optimizer` |
//! | [`factor_start`], [`rescale`] | `m⊙w = x`, `m² − w² = β` (PILoT β = 1, spred β = 0; Sign-In) | `start` |
//! | [`soft_threshold`] | STR: `x = sign(θ) relu(\|θ\| − σ(s))` | `soft_threshold` |
//! | [`power`] | Powerpropagation: `x = θ\|θ\|^{p−1}` | `power` |
//! | [`sigmoid_mask`] | Continuous Sparsification: `x = σ(βs)⊙w` | `sigmoid_mask` |
//! | [`ham_step`] | HAM: `x ← x e^{η(−α sign(x) g − β)}` | `multiplicative` |
//! | [`keep_largest`], [`apply_mask`] | exactly k largest magnitudes, in a layer or over all | `selection`, `product` |
//! | [`measure`], [`sign_flips`] | ‖x‖₁, ‖x‖₂², nonzeros, flips | `measure` |
//!
//! *Layout*: a layer is a slice of n numbers; m, w, θ, x, gradients and state have one entry per weight, a mask
//! one byte (1 keeps). Where g stands, it is ∂f/∂x of the loss without penalties.
//!
//! *Numbers*: stored as f32, f64 or bf16 ([`Storage`]), computed in f32, f64, f32. No product is fused with an
//! addition, every elementary function is made of additions, products, divisions and square roots: the
//! same bits on any instruction set and device. Sums go along a tree that depends on the length alone: the same
//! bits on any number of threads. Nothing is allocated in a pass.
//!
//! NaN and ±∞ go through to where they belong and do no other harm; updates say whether there was one
//! ([`Health`]).

pub(super) mod chunks;
mod elementary;
mod measure;
mod multiplicative;
mod optimizer;
mod power;
mod product;
mod selection;
mod sigmoid_mask;
mod soft_threshold;
mod start;
mod storage;
mod update;

pub use measure::{Measures, measure, sign_flips};
pub use multiplicative::{Ham, ham_step};
pub(super) use power::check_power;
pub(super) use sigmoid_mask::check_sigmoid;
pub(super) use start::check_beta;

pub use optimizer::{Adam, Health, Optimizer, Sgd};
pub use power::{power, power_backward};
pub use product::{apply_mask, product, product_backward};
pub use selection::{Cut, cut_at, keep_largest};
pub use sigmoid_mask::{hard_mask, sigmoid_mask, sigmoid_mask_backward};
pub use soft_threshold::{soft_threshold, soft_threshold_backward};
pub use start::{factor_start, rescale};
pub use storage::{Bf16, Compute, Storage};
pub use update::{FactorPenalty, Parameter, PlainPenalty, update_factors, update_plain};

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod laws_tests;
