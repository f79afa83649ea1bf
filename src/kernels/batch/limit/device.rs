//! [`limits`] on machines that run `limit.cu`: a block of threads for each problem.
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
    },
    device::{Argument as A, Failure, Launch, Machine, Session, Source, bytes, bytes_mut},
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
/// let place = Device::Auto.open()?;
/// let done = limits_on(&place.machines(), &batch, &Options::default(), None)?;
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
    let state = 8 * (d * d + 4 * d + 5 * n);
    // The kernel's own sums take 8 KiB, the driver 1.
    let on_chip = machines.iter().all(|m| state + (9 << 10) <= m.shared_memory());
    let scratch = if on_chip { 0 } else { state };
    let (own, shared) = if batch.shared() { (0, 16 * d * n) } else { (16 * d * n, 0) };
    let memory = Bytes {
        fixed: shared + RESIDENT * scratch,
        run: own + 8 * (2 * d + 2 * n + 1) + 8 * n + 16,
    };
    let matrix = batch.shared().then(|| Matrix::new(d, n, batch.z));
    let plan = Plan { batch, options, cancel, matrix: matrix.as_ref(), state, on_chip };
    let pieces = in_pieces(
        machines,
        batch.log_a.len(),
        1,
        memory,
        |session| match plan.matrix {
            Some(matrix) => Ok(Some(plan.upload(session, &[matrix])?)),
            None => Ok(None),
        },
        |session, held: &Option<Matrices>, range| plan.piece(session, held.as_ref(), range),
    )?;
    Ok(gather(pieces.into_iter().flat_map(|(_, solved)| solved).collect()))
}

struct Plan<'a> {
    batch: &'a Batch<'a>,
    options: &'a Options,
    cancel: Option<&'a AtomicBool>,
    /// The one Z, where there is one.
    matrix: Option<&'a Matrix>,
    /// Bytes of the state of a block, and whether they fit in shared memory.
    state: usize,
    on_chip: bool,
}

impl Plan<'_> {
    fn upload(
        &self,
        session: &mut dyn Session,
        matrices: &[&Matrix],
    ) -> std::result::Result<Matrices, Failure> {
        let z: Vec<f64> = matrices.iter().flat_map(|m| m.z.iter().copied()).collect();
        Matrices::upload(session, &z, self.batch.d, self.batch.n)
    }

    fn piece(
        &self,
        session: &mut dyn Session,
        held: Option<&Matrices>,
        range: Range<usize>,
    ) -> std::result::Result<Vec<Solved>, Failure> {
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
                    Some(z) => self.solve(session, z, 0, &problems)?,
                    None => {
                        let matrices: Vec<&Matrix> = good.iter().map(|k| matrix(*k)).collect();
                        let z = self.upload(session, &matrices)?;
                        let done = self.solve(session, &z, (d * n) as u64, &problems)?;
                        z.release(session);
                        done
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
        session: &mut dyn Session,
        matrices: &Matrices,
        stride: u64,
        problems: &[&Scaled],
    ) -> std::result::Result<Vec<Solved>, Failure> {
        let (d, n, count) = (self.batch.d, self.batch.n, problems.len());
        let grid = count.min(RESIDENT);
        let joined = |of: fn(&Scaled) -> &[f64]| -> Vec<f64> {
            problems.iter().flat_map(|p| of(p).iter().copied()).collect()
        };
        let log_a: Vec<f64> = problems.iter().map(|p| p.log_a).collect();
        let y = session.upload(bytes(&joined(|p| &p.y)))?;
        let theta = session.upload(bytes(&joined(|p| &p.theta)))?;
        let log_a = session.upload(bytes(&log_a))?;
        let scratch = session.zeros(if self.on_chip { 0 } else { grid * self.state })?;
        let (x, mu) = (session.zeros(8 * count * n)?, session.zeros(8 * count * d)?);
        let (residual, steps) = (session.zeros(8 * count)?, session.zeros(4 * count)?);
        let ending = session.zeros(4 * count)?;
        // SAFETY: the arguments of `limit` in limit.cu, in its order, each as long as it says.
        unsafe {
            session.launch(
                &SOURCE,
                "limit",
                Launch {
                    grid: grid as u32,
                    block: THREADS,
                    shared: if self.on_chip { self.state } else { 0 },
                },
                &[
                    A::Int(d as i32),
                    A::Int(n as i32),
                    A::Int(count as i32),
                    A::Double(self.options.tolerance),
                    A::Int(self.options.max_steps.min(i32::MAX as usize) as i32),
                    A::Memory(&matrices.z),
                    A::Memory(&matrices.zt),
                    A::Long(stride),
                    A::Memory(&y),
                    A::Memory(&log_a),
                    A::Memory(&theta),
                    A::Memory(&scratch),
                    A::Int(i32::from(self.on_chip)),
                    A::Memory(&x),
                    A::Memory(&mu),
                    A::Memory(&residual),
                    A::Memory(&steps),
                    A::Memory(&ending),
                ],
            )?;
        }
        let (mut all_x, mut all_mu) = (vec![0.0; count * n], vec![0.0; count * d]);
        let (mut off, mut taken, mut ends) =
            (vec![0.0; count], vec![0_u32; count], vec![0_u32; count]);
        session.download(&x, bytes_mut(&mut all_x))?;
        session.download(&mu, bytes_mut(&mut all_mu))?;
        session.download(&residual, bytes_mut(&mut off))?;
        session.download(&steps, bytes_mut(&mut taken))?;
        session.download(&ending, bytes_mut(&mut ends))?;
        for memory in [y, theta, log_a, scratch, x, mu, residual, steps, ending] {
            session.release(memory);
        }
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
