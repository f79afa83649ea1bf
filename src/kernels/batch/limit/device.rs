//! [`limits`] on machines that run `device.cu`: a block of threads for each problem.
//!
//! A problem takes `8(d² + 4d + 5n)` bytes on chip, and `8(2d + 3n)` bytes of input and answer; Z is there
//! once, or `16dn` bytes for each problem where each has its own.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::{
    Batch, Ending, Limits, Options, check, gather, limits,
    robust::{Judge, robust},
    scaled::{Matrix, Scaled, Solved},
};
use crate::Result;
use crate::kernels::{
    batch::{
        matrices::Matrices,
        pieces::{Bytes, in_pieces},
        state::State,
    },
    device::{Call, Machine, Source, Tried, int},
};

/// The kernel of the limits.
pub static SOURCE: Source =
    Source { name: "limit", text: include_str!("device.cu"), kernels: &["limit"] };

/// Threads of a block: a row and a column of H each for d about 100.
const THREADS: u32 = 128;
/// Blocks that can be resident on the largest device: scratch is for these, further problems follow.
const RESIDENT: usize = 2048;

/// The same as [`limits`], on these machines; on this processor where there are none. `cancel` is
/// looked at before every piece of the batch.
///
/// ```
/// use mirrorflow::kernels::{batch::limit::{Batch, Options, limits_on}, device::Device};
/// let batch = Batch { d: 1, n: 2, z: &[1.0, 2.0], y: &[2.0], log_a: &[-200.0], theta: &[] };
/// let machines = Device::Auto.open()?;
/// let done = limits_on(&machines.list(), &batch, &Options::default(), None)?;
/// assert!((done.x[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
///
/// # Errors
/// As [`limits`]; when a machine fails, or one problem does not fit in its memory.
pub fn limits_on(
    machines: &[&dyn Machine],
    batch: &Batch<'_>,
    options: &Options,
    cancel: Option<&AtomicBool>,
) -> Result<Limits> {
    if machines.is_empty() {
        return limits(batch, options, cancel);
    }
    check(batch, options)?;
    let (d, n) = (batch.d, batch.n);
    // The kernel's own sums take 8 KiB, the driver 1.
    let state = State::of(machines, 8 * (d * d + 4 * d + 5 * n), 9 << 10);
    let (own, shared) = if batch.shared() { (0, 16 * d * n) } else { (16 * d * n, 0) };
    let memory = Bytes {
        fixed: shared + RESIDENT * state.in_memory(),
        run: own + 8 * (2 * d + 2 * n + 1) + 8 * n + 16,
    };
    let matrix = batch.shared().then(|| Matrix::new(d, n, batch.z));
    let plan = Plan { batch, options, cancel, matrix: matrix.as_ref(), state };
    let pieces = in_pieces(
        machines,
        batch.log_a.len(),
        1,
        memory,
        |call| plan.matrix.map(|matrix| plan.upload(call, &[matrix])).transpose(),
        |call, held, range| plan.piece(call, *held, range),
    )?;
    Ok(gather(pieces.into_iter().flat_map(|(_, solved)| solved).collect()))
}

struct Plan<'a> {
    batch: &'a Batch<'a>,
    options: &'a Options,
    cancel: Option<&'a AtomicBool>,
    /// The one Z, where there is one.
    matrix: Option<&'a Matrix>,
    state: State,
}

impl Plan<'_> {
    fn upload(&self, call: &mut Call<'_>, matrices: &[&Matrix]) -> Tried<Matrices> {
        let z: Vec<f64> = matrices.iter().flat_map(|m| m.z.iter().copied()).collect();
        Matrices::upload(call, &z, self.batch.d, self.batch.n)
    }

    fn piece(
        &self,
        call: &mut Call<'_>,
        held: Option<Matrices>,
        range: Range<usize>,
    ) -> Tried<Vec<Solved>> {
        let (d, n) = (self.batch.d, self.batch.n);
        if self.cancel.is_some_and(|c| c.load(Ordering::Relaxed)) {
            return Ok(range.map(|_| Solved::not(d, n, Ending::Cancelled)).collect());
        }
        let own: Vec<Matrix> = match self.matrix {
            Some(_) => Vec::new(),
            None => (range.clone())
                .into_par_iter()
                .map(|b| Matrix::new(d, n, self.batch.matrix(b)))
                .collect(),
        };
        let matrix = |k: usize| self.matrix.unwrap_or_else(|| &own[k]);
        let scaled: Vec<std::result::Result<Scaled, Ending>> = (range.clone())
            .into_par_iter()
            .enumerate()
            .map(|(k, b)| matrix(k).scaled(n, &self.batch.one(b)))
            .collect();
        // Only problems that can be solved go to the device.
        let good: Vec<usize> = (0..range.len()).filter(|k| scaled[*k].is_ok()).collect();
        let mut answers: Vec<Solved> = match good.is_empty() {
            true => Vec::new(),
            false => {
                let problems: Vec<&Scaled> =
                    good.iter().filter_map(|k| scaled[*k].as_ref().ok()).collect();
                match held {
                    Some(z) => self.solve(call, z, 0, &problems)?,
                    None => {
                        let matrices: Vec<&Matrix> = good.iter().map(|k| matrix(*k)).collect();
                        let z = self.upload(call, &matrices)?;
                        self.solve(call, z, (d * n) as u64, &problems)?
                    }
                }
            }
        };
        let mut next = answers.drain(..);
        let paired: Vec<Option<Solved>> =
            scaled.iter().map(|s| s.as_ref().ok().and_then(|_| next.next())).collect();
        // What doubles cannot decide goes to this processor.
        let all = paired.into_par_iter().zip(&scaled).enumerate().map_init(
            || Judge::new(d, n),
            |judge, (k, (solved, scaled))| {
                let robust = || robust(self.batch, range.start + k, self.options);
                match (scaled, solved) {
                    (Ok(scaled), Some(mut found)) => {
                        if judge.trusts(matrix(k), scaled, &mut found, None) {
                            found.unscaled(matrix(k), scaled)
                        } else {
                            robust()
                        }
                    }
                    (Err(ending), _) if *ending != Ending::Dependent => Solved::not(d, n, *ending),
                    _ => robust(),
                }
            },
        );
        Ok(all.collect())
    }

    /// Problems in units of size 1, solved by the device.
    fn solve(
        &self,
        call: &mut Call<'_>,
        matrices: Matrices,
        stride: u64,
        problems: &[&Scaled],
    ) -> Tried<Vec<Solved>> {
        let (d, n, count) = (self.batch.d, self.batch.n, problems.len());
        let grid = count.min(RESIDENT);
        let joined = |of: fn(&Scaled) -> &[f64]| -> Vec<f64> {
            problems.iter().flat_map(|p| of(p).iter().copied()).collect()
        };
        let log_a: Vec<f64> = problems.iter().map(|p| p.log_a).collect();
        let y = call.upload(&joined(|p| &p.y))?;
        let theta = call.upload(&joined(|p| &p.theta))?;
        let log_a = call.upload(&log_a)?;
        let scratch = self.state.scratch(call, grid)?;
        let (x, mu) = (call.zeros(8 * count * n)?, call.zeros(8 * count * d)?);
        let (residual, steps) = (call.zeros(8 * count)?, call.zeros(4 * count)?);
        let ending = call.zeros(4 * count)?;
        // SAFETY: the arguments of `limit` in device.cu, in its order, each as long as it says.
        unsafe {
            call.launch(
                &SOURCE,
                "limit",
                self.state.launch(grid, THREADS),
                &[
                    int(d),
                    int(n),
                    int(count),
                    self.options.tolerance.into(),
                    int(self.options.max_steps.min(i32::MAX as usize)),
                    matrices.z.into(),
                    matrices.zt.into(),
                    stride.into(),
                    y.into(),
                    log_a.into(),
                    theta.into(),
                    scratch.into(),
                    self.state.argument(),
                    x.into(),
                    mu.into(),
                    residual.into(),
                    steps.into(),
                    ending.into(),
                ],
            )?;
        }
        let all_x: Vec<f64> = call.download(x, count * n)?;
        let all_mu: Vec<f64> = call.download(mu, count * d)?;
        let off: Vec<f64> = call.download(residual, count)?;
        let taken: Vec<u32> = call.download(steps, count)?;
        let ends: Vec<u32> = call.download(ending, count)?;
        let one = |k: usize| Solved {
            x: all_x[k * n..(k + 1) * n].to_vec(),
            mu: all_mu[k * d..(k + 1) * d].to_vec(),
            residual: off[k],
            steps: taken[k],
            ending: match ends[k] {
                0 => Ending::Converged,
                2 => Ending::MaxIterations,
                _ => Ending::Stalled,
            },
        };
        Ok((0..count).map(one).collect())
    }
}
