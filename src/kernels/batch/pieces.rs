//! A batch in pieces: as many runs at a time as fit in a machine's memory, over all machines.
//!
//! Each machine has two sessions, each on a thread and a stream of its own: while one copies, the other
//! computes. Pieces are taken from one queue, so that a faster machine takes more. Which machine takes a
//! run, and in what company, changes nothing about the run.

use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::kernels::device::{Call, Failure, Machine, Tried};
use crate::{Error, Result};

/// Sessions of a machine.
const SESSIONS: usize = 2;
/// Blocks of runs in a piece that is worth its launch: two for every multiprocessor of a large GPU.
const WORTH: usize = 256;
/// The part of the free memory to be used: the rest is for the driver and for what others ask for
/// meanwhile.
const USED: f64 = 0.85;

/// What a piece takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Once for a session.
    pub(super) fixed: usize,
    /// For each run.
    pub(super) run: usize,
}

/// Runs of a piece, a multiple of `block`; `None` where not even one block fits.
fn piece(free: usize, bytes: Bytes, block: usize, total: usize, workers: usize) -> Option<usize> {
    let share = (free as f64 * USED) as usize / SESSIONS;
    let room = share.checked_sub(bytes.fixed)? / bytes.run.max(1) / block * block;
    // Several pieces for each worker, so that copies and launches overlap.
    let even = total.div_ceil(2 * workers).next_multiple_of(block).max(WORTH * block);
    (room > 0).then_some(room.min(even))
}

struct Queue<T> {
    /// The next run that was never given out.
    next: usize,
    /// Pieces that did not fit.
    back: Vec<Range<usize>>,
    done: Vec<(Range<usize>, T)>,
    failed: Option<Error>,
}

/// Carries `0..total` out in pieces, each a multiple of `block` runs but the last: `prepare` once for a
/// session, whose memory stays with it, `work` once for a piece. The pieces come back in order.
///
/// A piece that does not fit is halved and tried again. Not to be called from a thread of rayon's pool: `work` may need that
/// pool, whose threads would wait for it.
pub(super) fn in_pieces<S, T: Send>(
    machines: &[&dyn Machine],
    total: usize,
    block: usize,
    bytes: Bytes,
    prepare: impl Fn(&mut Call<'_>) -> Tried<S> + Sync,
    work: impl Fn(&mut Call<'_>, &S, Range<usize>) -> Tried<T> + Sync,
) -> Result<Vec<(Range<usize>, T)>> {
    let queue = Mutex::new(Queue { next: 0, back: Vec::new(), done: Vec::new(), failed: None });
    let open =
        || -> MutexGuard<'_, Queue<T>> { queue.lock().unwrap_or_else(PoisonError::into_inner) };
    let workers = SESSIONS * machines.len();
    let worker = |machine: &dyn Machine| -> Result<()> {
        let too_small = |needed: usize, free: usize| Error::Device {
            device: machine.name(),
            why: format!(
                "out of memory: the smallest piece needs {} MiB and {} MiB are free; free some or run \
                 with --device cpu",
                needed >> 20,
                free >> 20
            ),
        };
        let smallest = bytes.fixed + bytes.run * block;
        let free = machine.free_memory()?;
        let mut size = piece(free, bytes, block, total, workers)
            .ok_or_else(|| too_small(SESSIONS * smallest, free))?;
        'session: loop {
            let mut session = machine.open()?;
            let mut prepared = None;
            loop {
                let range = {
                    let mut queue = open();
                    if queue.failed.is_some() {
                        return Ok(());
                    }
                    match queue.back.pop() {
                        Some(range) => {
                            let end = range.end.min(range.start + size);
                            if end < range.end {
                                queue.back.push(end..range.end);
                            }
                            range.start..end
                        }
                        None => {
                            let range = queue.next..total.min(queue.next + size);
                            queue.next = range.end;
                            range
                        }
                    }
                };
                if range.is_empty() {
                    return Ok(());
                }
                let mut go = || {
                    if prepared.is_none() {
                        let mut call = Call::new(session.as_mut());
                        prepared = Some(prepare(&mut call)?);
                        call.keep();
                    }
                    match &prepared {
                        Some(ready) => work(&mut Call::new(session.as_mut()), ready, range.clone()),
                        None => Err(Failure::Memory(bytes.fixed)),
                    }
                };
                match go() {
                    Ok(result) => open().done.push((range, result)),
                    Err(Failure::Memory(_)) if range.len() > block => {
                        size = (range.len() / 2).next_multiple_of(block);
                        open().back.push(range);
                        // A new session: what the old one held is given back.
                        continue 'session;
                    }
                    Err(Failure::Memory(needed)) => {
                        return Err(too_small(needed.max(smallest), machine.free_memory()?));
                    }
                    Err(Failure::Other(error)) => return Err(error),
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for machine in machines.iter().flat_map(|m| [*m; SESSIONS]) {
            let (worker, open) = (&worker, &open);
            scope.spawn(move || {
                if let Err(error) = worker(machine) {
                    open().failed.get_or_insert(error);
                }
            });
        }
    });
    let mut queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = queue.failed {
        return Err(error);
    }
    queue.done.sort_by_key(|(range, _)| range.start);
    Ok(queue.done)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::kernels::device::{Argument, Launch, Memory, Session, Source};

    /// A machine of so many bytes that says it has more.
    struct Small {
        room: usize,
        said: usize,
        taken: Arc<Mutex<usize>>,
    }

    struct Desk {
        room: usize,
        taken: Arc<Mutex<usize>>,
        held: Vec<usize>,
    }

    impl Machine for Small {
        fn name(&self) -> String {
            "small".into()
        }
        fn free_memory(&self) -> Result<usize> {
            Ok(self.said)
        }
        fn shared_memory(&self) -> usize {
            0
        }
        fn open(&self) -> Result<Box<dyn Session>> {
            let (room, taken) = (self.room, self.taken.clone());
            Ok(Box::new(Desk { room, taken, held: Vec::new() }))
        }
    }

    impl Drop for Desk {
        fn drop(&mut self) {
            *self.taken.lock().expect("a lock") -= self.held.iter().sum::<usize>();
        }
    }

    impl Session for Desk {
        fn upload(&mut self, bytes: &[u8]) -> Tried<Memory> {
            self.zeros(bytes.len())
        }
        fn zeros(&mut self, bytes: usize) -> Tried<Memory> {
            let mut taken = self.taken.lock().expect("a lock");
            if *taken + bytes > self.room {
                return Err(Failure::Memory(bytes));
            }
            *taken += bytes;
            self.held.push(bytes);
            Ok(Memory(self.held.len() - 1))
        }
        fn write(&mut self, _: Memory, _: usize, _: &[u8]) -> Tried<()> {
            Ok(())
        }
        fn read(&mut self, _: Memory, _: usize, _: &mut [u8]) -> Tried<()> {
            Ok(())
        }
        fn release(&mut self, memory: Memory) {
            *self.taken.lock().expect("a lock") -= std::mem::take(&mut self.held[memory.0]);
        }
        unsafe fn launch(
            &mut self,
            _: &'static Source,
            _: &'static str,
            _: Launch,
            _: &[Argument],
        ) -> Tried<()> {
            Ok(())
        }
    }

    fn run(room: usize, said: usize, total: usize) -> Result<Vec<(Range<usize>, usize)>> {
        let (one, two) = (
            Small { room, said, taken: Arc::default() },
            Small { room, said, taken: Arc::default() },
        );
        let bytes = Bytes { fixed: 100, run: 10 };
        let done = in_pieces(
            &[&one, &two],
            total,
            4,
            bytes,
            |call| call.zeros(100),
            |call, _, range| {
                call.zeros(10 * range.len())?;
                Ok(range.len())
            },
        );
        assert_eq!(
            (*one.taken.lock().expect("a lock"), *two.taken.lock().expect("a lock")),
            (0, 0)
        );
        done
    }

    #[test]
    fn every_run_is_in_one_piece_whatever_fits() -> Result<()> {
        for (room, said) in [(1 << 30, 1 << 30), (2000, 2000), (700, 700), (700, 1 << 30)] {
            for total in [0, 1, 4, 7, 1000] {
                let done = run(room, said, total)?;
                let mut at = 0;
                for (range, length) in &done {
                    assert_eq!((range.start, range.len()), (at, *length));
                    at = range.end;
                }
                assert_eq!(at, total, "room {room}, said {said}");
                if room < 1000 {
                    assert!(done.iter().all(|(_, length)| 10 * length <= room));
                }
            }
        }
        Ok(())
    }

    #[test]
    fn what_never_fits_says_so() {
        for (room, said) in [(1 << 30, 200), (120, 1 << 30)] {
            let why = run(room, said, 50).expect_err("too small").to_string();
            assert!(why.contains("small: out of memory"), "{why}");
        }
    }
}
