//! # mirrorflow
//!
//! The implicit bias of reparameterized gradient flow, checked numerically: training `x = m ⊙ w`
//! with a decaying weight decay is a mirror flow whose potential moves from L2 to L1, so that the
//! flow of an underdetermined linear regression ends at (nearly) the L1-minimal interpolator.
//!
//! The data go one way: [`problem`] → ([`parameterization`] start, [`schedule`]) → [`flow`] →
//! [`integrate`] → trajectory; [`limit`] finds the same end point without time and certifies it.
//!
//! ## Features
//! | feature | adds |
//! |---|---|
//! | `bdf` | BDF and TR-BDF2 ([`integrate`], by diffsol) |
//! | `simplex`, `clarabel`, `highs` | second opinions on the L1 minimum ([`limit::lp`]) |
//! | `cuda` | batches and networks on CUDA devices ([`kernels::device`]) |
//! | `networks` | the kernels of networks and of their sparse parameters ([`kernels`]) |
//! | `experiments` | the simulations behind the figures |
//! | `full` | all of these but `highs`, which needs CMake and libclang |
//!
//! ## Notation
//! | symbol | meaning |
//! |---|---|
//! | `Z`, `y` | data, d×n (rows are samples), and targets of length d |
//! | `r = Zx − y` | residual; `f(x) = (1/d) Σ_j ℓ(r_j)` the loss |
//! | `m`, `w` | the two factors, `x = m ⊙ w` |
//! | `α(t)`, `A(t) = ∫₀ᵗ α` | weight decay and its integral |
//! | `L(t) = ∫₀ᵗ ∇f(x_s) ds = Zᵀν` | accumulated gradient, and its dual coordinates ν |
//! | `β = m₀² − w₀²`, `a_t = (β/2) e^{−4A}` | scale of the potential |
//! | `θ₀ = log((m₀+w₀)/(m₀−w₀))` | tilt of the potential |
//! | `R_a(x) = ½ Σ [x asinh(x/a) − √(x²+a²) − θ₀x]` | hyperbolic entropy |
//! | `μ` | dual variable of `Zx = y` |
//!
//! Source of the claims: Jacobs & Burkholz, "Mask in the Mirror: Implicit Sparsification",
//! arXiv 2408.09966 (v1), called *the paper*.

#[cfg(feature = "experiments")]
pub mod experiment;
pub mod flow;
pub mod integrate;
pub mod io;
pub mod kernels;
pub mod limit;
pub mod numerics;
pub mod parameterization;
pub mod potential;
pub mod problem;
pub mod schedule;

mod cancel;
pub use cancel::Cancel;
mod error;
pub use error::{Error, Result};

/// Version of the toolkit, written into everything it saves.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The README's Rust example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
