//! The linear layer `y = x Wᵀ + b`, x B×I, W O×I, y B×O, and its gradients `dx = dy W`, `dW = dyᵀ x`,
//! `db = Σ_rows dy`: 2·B·I·O flops each, by the `gemm` crate, whose threads share out the rows and columns of the
//! result but never a sum.

mod device;
pub(super) mod host;

pub(super) use self::device::{Matrices, launch, within};
pub use self::device::{SOURCE, backward_input, backward_weights, forward};

/// A linear layer of one shape.
///
/// ```
/// use mirrorflow::kernels::network::linear::Linear;
/// let linear = Linear { inputs: 2, outputs: 1 };
/// let mut y = [0.0; 2];
/// linear.forward(&[1.0, 2.0, 3.0, 4.0], &[10.0, 1.0], Some(&[0.5]), &mut y)?;
/// assert_eq!(y, [12.5, 34.5]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Length of a row of x.
    pub inputs: usize,
    /// Length of a row of y.
    pub outputs: usize,
}
