//! Where arrays stand, and the session that those on a machine share: memory, copies and launches.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    Error, Result,
    kernels::device::{
        Argument, Failure, Launch, Machine, Memory, Session, Source, Tried, bytes_mut,
    },
};

/// Where arrays are made.
#[derive(Debug, Clone, Default)]
pub enum Home {
    /// The processor.
    #[default]
    Processor,
    /// A machine; the queue to it stays open.
    Machine(SharedSession),
}

impl Home {
    /// On this machine, by a session of its own.
    ///
    /// # Errors
    /// When the machine does not answer.
    pub fn on(machine: &dyn Machine) -> Result<Self> {
        Ok(Self::Machine(SharedSession::open(machine)?))
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor => f.write_str("cpu"),
            Self::Machine(on) => f.write_str(on.name()),
        }
    }
}

/// A session of a machine that stays open; a clone is the same one.
#[derive(Clone)]
pub struct SharedSession(Arc<Inner>);

struct Inner {
    name: String,
    state: Mutex<State>,
}

struct State {
    session: Box<dyn Session>,
    /// What kernels need beside their arguments, in bytes.
    scratch: Memory,
    size: usize,
    /// An int: 1 once an update has written a number that is not finite.
    bad: Memory,
}

impl fmt::Debug for SharedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.name)
    }
}

impl SharedSession {
    /// Opens a session on a machine.
    ///
    /// # Errors
    /// When the machine does not answer.
    pub fn open(machine: &dyn Machine) -> Result<Self> {
        let name = machine.name();
        let mut session = machine.open()?;
        let mut zeros = |bytes| session.zeros(bytes).map_err(|f| said(&name, f));
        let (scratch, bad) = (zeros(8)?, zeros(8)?);
        let state = Mutex::new(State { session, scratch, size: 8, bad });
        Ok(Self(Arc::new(Inner { name, state })))
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether updates have written finite numbers only, since the last time that this was asked. Waits for all that was
    /// queued.
    ///
    /// # Errors
    /// When the device fails; a kernel that failed says so here.
    pub fn all_finite(&self) -> Result<bool> {
        let mut state = self.lock();
        let State { session, bad, .. } = &mut *state;
        let mut flag = [0_i32];
        let mut ask = || {
            session.read(*bad, 0, bytes_mut(&mut flag))?;
            session.write(*bad, 0, &[0; 4])
        };
        ask().map_err(|f| self.said(f))?;
        Ok(flag == [0])
    }

    pub(in crate::kernels) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn said(&self, failure: Failure) -> Error {
        said(&self.0.name, failure)
    }

    pub(in crate::kernels) fn zeros(&self, bytes: usize) -> Result<Memory> {
        self.lock().session.zeros(bytes).map_err(|f| self.said(f))
    }

    pub(in crate::kernels) fn release(&self, memory: Memory) {
        self.lock().session.release(memory);
    }

    pub(in crate::kernels) fn write(&self, to: Memory, offset: usize, bytes: &[u8]) -> Result<()> {
        self.lock().session.write(to, offset, bytes).map_err(|f| self.said(f))
    }

    pub(in crate::kernels) fn read(
        &self,
        from: Memory,
        offset: usize,
        into: &mut [u8],
    ) -> Result<()> {
        self.lock().session.read(from, offset, into).map_err(|f| self.said(f))
    }

    /// Queues launches, with `scratch` bytes of memory of their own (whatever stands in it) and the flag of updates.
    pub(in crate::kernels) fn work<R>(
        &self,
        scratch: usize,
        go: impl FnOnce(&mut Work<'_>) -> Tried<R>,
    ) -> Result<R> {
        let mut state = self.lock();
        let run = || {
            if state.size < scratch {
                let larger = state.session.zeros(scratch)?;
                let old = std::mem::replace(&mut state.scratch, larger);
                state.session.release(old);
                state.size = scratch;
            }
            let State { session, scratch, bad, .. } = &mut *state;
            go(&mut Work { session: session.as_mut(), scratch: *scratch, bad: *bad })
        };
        run().map_err(|f| self.said(f))
    }
}

fn said(name: &str, failure: Failure) -> Error {
    match failure {
        Failure::Other(error) => error,
        Failure::Memory(bytes) => Error::Device {
            device: name.into(),
            why: format!(
                "out of memory: {:.1} MiB more were asked for; take a smaller batch, free some, or run with \
                 --device cpu",
                bytes as f64 / f64::from(1 << 20)
            ),
        },
    }
}

/// The session, for a few launches in a row.
pub(in crate::kernels) struct Work<'a> {
    pub(in crate::kernels) session: &'a mut dyn Session,
    /// Scratch.
    pub(in crate::kernels) scratch: Memory,
    /// The flag of updates.
    pub(in crate::kernels) bad: Memory,
}

/// Threads of a block.
pub(in crate::kernels) const THREADS: u32 = 256;
/// Blocks of a launch, at most: what is left goes by strides. Eight for each of 132 multiprocessors.
const BLOCKS: usize = 1056;

impl Work<'_> {
    /// Queues a kernel over `items`, one for each thread as far as there are.
    ///
    /// # Safety
    /// As [`Session::launch`].
    pub(in crate::kernels) unsafe fn over(
        &mut self,
        source: &'static Source,
        kernel: &'static str,
        items: usize,
        arguments: &[Argument],
    ) -> Tried<()> {
        if items == 0 {
            return Ok(());
        }
        let grid = items.div_ceil(THREADS as usize).min(BLOCKS) as u32;
        let launch = Launch { grid, block: THREADS, shared: 0 };
        // SAFETY: the caller's promise.
        unsafe { self.session.launch(source, kernel, launch, arguments) }
    }
}

/// The name of a kernel for numbers of type `$t`, f32 or f64.
macro_rules! typed {
    ($t:ty, $name:literal) => {
        if size_of::<$t>() == size_of::<f32>() {
            concat!($name, "_f32")
        } else {
            concat!($name, "_f64")
        }
    };
}
pub(in crate::kernels) use typed;

/// One launch over `$items` of a kernel of this module's `SOURCE`, for numbers of type `$t`.
///
/// What makes it safe: lengths are checked before it, and arguments are those of the kernel in number, order and type.
macro_rules! launch {
    ($on:expr, $t:ty, $name:literal, $items:expr, [$($argument:expr),* $(,)?]) => {{
        let on = $on;
        let arguments = [$($argument),*];
        on.work(0, |work| {
            let name = $crate::kernels::array::home::typed!($t, $name);
            // SAFETY: as said where this macro is defined.
            unsafe { work.over(&SOURCE, name, $items, &arguments) }
        })
    }};
}
pub(in crate::kernels) use launch;

/// Both names of kernels on f32 and f64.
macro_rules! both {
    ([$($plain:literal),*], $($name:literal),* $(,)?) => {
        &[$($plain,)* $(concat!($name, "_f32"), concat!($name, "_f64")),*]
    };
}
pub(in crate::kernels) use both;
