//! What a block of threads computes with: in shared memory where every machine has room for it, else in memory.

use crate::kernels::device::{Argument, Call, Launch, Machine, Memory, Tried};

/// The state of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// Its bytes.
    bytes: usize,
    on_chip: bool,
}

impl State {
    /// A state of `bytes`, beside `more` of shared memory for what the kernel declares itself and what the driver keeps.
    pub(super) fn of(machines: &[&dyn Machine], bytes: usize, more: usize) -> Self {
        Self { bytes, on_chip: machines.iter().all(|m| bytes + more <= m.shared_memory()) }
    }

    /// Bytes of memory that a block needs for it.
    pub(super) fn in_memory(self) -> usize {
        if self.on_chip { 0 } else { self.bytes }
    }

    /// Memory for `blocks` of them, where they stand there.
    pub(super) fn scratch(self, call: &mut Call<'_>, blocks: usize) -> Tried<Memory> {
        call.zeros(blocks * self.in_memory())
    }

    /// The launch of `blocks`.
    pub(super) fn launch(self, blocks: usize, threads: u32) -> Launch {
        let shared = if self.on_chip { self.bytes } else { 0 };
        Launch { grid: blocks as u32, block: threads, shared }
    }

    /// For the kernel: 1 where it is on the chip.
    pub(super) fn argument(self) -> Argument {
        i32::from(self.on_chip).into()
    }
}
