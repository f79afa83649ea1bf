//! Softmax cross-entropy on arrays, added up over batches.

use super::host;
use crate::{
    Error, Result,
    kernels::{
        array::{
            Array, Home, View, ViewMut, apart,
            home::{both, typed},
        },
        check::same_length,
        device::{Argument, Source, int},
        network::Real,
    },
};

/// The kernels of losses.
pub static SOURCE: Source = Source {
    name: "loss",
    text: include_str!("device.cu"),
    kernels: both!(["tally"], "cross_entropy"),
};

/// Losses and hits added up over batches, where the network is: a device keeps them until they are asked for.
///
/// ```
/// use mirrorflow::kernels::{array::{Array, Home, View}, network::loss::{Totals, cross_entropy}};
/// let mut totals = Totals::new(&Home::Processor)?;
/// let labels = Array::from_slice(&Home::Processor, &[1_u32])?;
/// cross_entropy(View::Host(&[0.0_f64, 0.0]), labels.view(), None, &mut totals)?;
/// assert!((totals.read()?.loss - 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug)]
pub struct Totals(Of);

#[derive(Debug)]
enum Of {
    /// Σ loss, hits, rows.
    Host(f64, usize, usize),
    Device(Array<f64>),
}

/// What [`Totals`] come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// The mean cross-entropy of a row.
    pub loss: f64,
    /// Rows whose largest logit is the label's.
    pub correct: usize,
    /// Rows.
    pub rows: usize,
}

impl Totals {
    /// Nothing yet.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(home: &Home) -> Result<Self> {
        Ok(Self(match home {
            Home::Processor => Of::Host(0.0, 0, 0),
            Home::Machine(_) => Of::Device(Array::zeros(home, 3)?),
        }))
    }

    /// Back to nothing.
    ///
    /// # Errors
    /// When the device fails.
    pub fn reset(&mut self) -> Result<()> {
        match &mut self.0 {
            Of::Device(totals) => totals.view_mut().write(&[0.0; 3]),
            host => {
                *host = Of::Host(0.0, 0, 0);
                Ok(())
            }
        }
    }

    /// Whether to ask costs nothing: nobody has to wait for a device.
    pub fn is_at_hand(&self) -> bool {
        matches!(self.0, Of::Host(..))
    }

    /// What has been added up; waits for the device.
    ///
    /// # Errors
    /// When the device fails; a kernel that failed says so here.
    pub fn read(&self) -> Result<Total> {
        let (loss, correct, rows) = match &self.0 {
            Of::Host(loss, correct, rows) => (*loss, *correct, *rows),
            Of::Device(totals) => {
                let found = totals.to_vec()?;
                (found[0], found[1] as usize, found[2] as usize)
            }
        };
        Ok(Total { loss: loss / rows.max(1) as f64, correct, rows })
    }
}

/// Adds loss and hits of a batch of logits (B×C) to `totals`, and with `gradient` gives that of the mean loss:
/// [`host::cross_entropy`].
///
/// Labels of a device must be classes: [`check_labels`] says so while they are on the processor.
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn cross_entropy<T: Real>(
    logits: View<'_, T>,
    labels: View<'_, u32>,
    gradient: Option<ViewMut<'_, T>>,
    totals: &mut Totals,
) -> Result<()> {
    let batch = labels.len();
    let totals = match &mut totals.0 {
        Of::Host(loss, correct, rows) => {
            let gradient = gradient.map(ViewMut::host).transpose()?;
            let scores = host::cross_entropy(logits.host()?, labels.host()?, gradient)?;
            *loss += scores.loss * batch as f64;
            *correct += scores.correct;
            *rows += batch;
            return Ok(());
        }
        Of::Device(totals) => totals.view(),
    };
    let Some(on) = totals.session() else { return Err(apart()) };
    let classes = logits.len() / batch.max(1);
    same_length("logits", logits.len(), "rows of classes", classes * batch)?;
    let (logits_len, rows) = (logits.len(), int(batch));
    let slope = match &gradient {
        Some(gradient) => {
            same_length("the gradient of the logits", gradient.len(), "logits", logits_len)?;
            gradient.at(on)?
        }
        None => Argument::Null,
    };
    let (logits, labels, totals) = (logits.at(on)?, labels.at(on)?, totals.at(on)?);
    on.work(12 * batch, |work| {
        let (losses, hits) =
            (Argument::Memory(work.scratch), Argument::At(work.scratch, 8 * batch));
        // SAFETY: the arguments of the kernels in their order, of the lengths just checked.
        unsafe {
            let of = [rows, int(classes), logits, labels, slope, losses, hits];
            work.over(&SOURCE, typed!(T, "cross_entropy"), batch, &of)?;
            work.over(&SOURCE, "tally", 1, &[rows, losses, hits, totals])
        }
    })
}

/// That labels are below the number of classes.
///
/// # Errors
/// When one is not.
pub fn check_labels(labels: &[u32], classes: usize) -> Result<()> {
    match labels.iter().enumerate().find(|(_, label)| **label as usize >= classes) {
        None => Ok(()),
        Some((b, label)) => Err(Error::Domain {
            what: format!("label {b}"),
            expected: format!("a class below {classes}"),
            found: label.to_string(),
        }),
    }
}
