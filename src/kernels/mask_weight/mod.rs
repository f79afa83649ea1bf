//! The parameters of sparse networks: `x = m⊙w` and its relatives, their gradients, updates and masks.
//!
//! | kernel | formula | module |
//! |---|---|---|
//! | [`product`](host::product), [`product_backward`](host::product_backward) | `x = m⊙w`; `g⊙w`, `g⊙m` | [`factors`] |
//! | [`factor_start`](host::factor_start), [`rescale`](host::rescale) | `m⊙w = x`, `m² − w² = β` (PILoT β = 1, spred β = 0; Sign-In) | [`factors`] |
//! | [`update_factors`](host::update_factors), [`update_plain`](host::update_plain) | backward, penalty, optimiser and next x in one pass | [`update`] |
//! | [`ham_step`](host::ham_step) | HAM: `x ← x e^{η(−α sign(x) g − β)}` | [`update`] |
//! | [`soft_threshold`](host::soft_threshold) | STR: `x = sign(θ) relu(\|θ\| − σ(s))` | [`map`] |
//! | [`power`](host::power) | Powerpropagation: `x = θ\|θ\|^{p−1}` | [`map`] |
//! | [`sigmoid_mask`](host::sigmoid_mask) | Continuous Sparsification: `x = σ(βs)⊙w` | [`map`] |
//! | [`keep_largest`](host::keep_largest), [`apply_mask`](host::apply_mask) | exactly k largest magnitudes, in a layer or over all | [`count`], [`factors`] |
//! | [`measure`](host::measure), [`sign_flips`](host::sign_flips) | ‖x‖₁, ‖x‖₂², nonzeros, flips | [`count`] |
//!
//! Each is there twice: on arrays, wherever they stand, in its module, and on slices of this processor in [`host`].
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

mod chunks;
pub mod count;
mod elementary;
pub mod factors;
pub mod map;
mod storage;
#[cfg(test)]
mod tests;
pub mod update;

pub use self::{
    count::{Cut, Measures},
    storage::{Bf16, Compute, Storage},
    update::{Adam, FactorPenalty, Ham, Health, Optimizer, PlainPenalty, Sgd},
};

/// The same on slices of this processor, in every [`Storage`]: the specification of the kernels.
pub mod host {
    pub use super::{
        count::host::{cut_at, keep_largest, measure, sign_flips},
        factors::host::{apply_mask, factor_start, product, product_backward, rescale},
        map::host::{
            hard_mask, power, power_backward, sigmoid_mask, sigmoid_mask_backward, soft_threshold,
            soft_threshold_backward,
        },
        update::host::{Parameter, ham_step, update_factors, update_plain},
    };
}
