//! Softmax and cross-entropy: for logits z (B×C) and labels t, `f = (1/B) Σ_b [log Σ_c e^{z_bc} − z_{b,t_b}]` and
//! `∂f/∂z = (softmax(z) − onehot(t))/B`; the largest logit is taken off first, sums are f64, rows in order.

use crate::kernels::check::check_len;
use crate::kernels::network::Real;
use crate::{Error, Result};

/// What a batch comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// The mean cross-entropy.
    pub loss: f64,
    /// Rows whose largest logit (the first of equals) is the label's.
    pub correct: usize,
}

/// Loss and accuracy of a batch, and with `gradient` (B×C) the gradient.
///
/// # Errors
/// When the lengths do not fit or a label is not below the number of classes.
///
/// # Examples
/// ```
/// use mirrorflow::kernels::network::loss::host::cross_entropy;
/// let scores = cross_entropy(&[0.0, 0.0], &[1], None)?;
/// assert!((scores.loss - 2.0_f64.ln()).abs() < 1e-15 && scores.correct == 0);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
pub fn cross_entropy<T: Real>(
    logits: &[T],
    labels: &[u32],
    mut gradient: Option<&mut [T]>,
) -> Result<Scores> {
    let batch = labels.len();
    let classes = logits.len() / batch.max(1);
    check_len("logits", logits.len(), classes * batch)?;
    if let Some(gradient) = &gradient {
        check_len("the gradient of the logits", gradient.len(), logits.len())?;
    }
    let (mut loss, mut correct) = (0.0, 0);
    for (b, (row, label)) in logits.chunks_exact(classes.max(1)).zip(labels).enumerate() {
        let label = *label as usize;
        if label >= classes {
            return Err(Error::Domain {
                what: format!("label {b}"),
                expected: format!("a class below {classes}"),
                found: label.to_string(),
            });
        }
        let mut best = 0;
        for (c, z) in row.iter().enumerate() {
            if *z > row[best] {
                best = c;
            }
        }
        let top = row[best].f64();
        let sum: f64 = row.iter().map(|z| (z.f64() - top).exp()).sum();
        loss += sum.ln() + top - row[label].f64();
        correct += usize::from(best == label);
        if let Some(gradient) = gradient.as_deref_mut() {
            for (c, z) in row.iter().enumerate() {
                let hot = if c == label { 1.0 } else { 0.0 };
                gradient[b * classes + c] =
                    T::of(((z.f64() - top).exp() / sum - hot) / batch as f64);
            }
        }
    }
    Ok(Scores { loss: loss / batch as f64, correct })
}
