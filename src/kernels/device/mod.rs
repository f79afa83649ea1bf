//! Where kernels run.
//!
//! | word | what it is |
//! |---|---|
//! | [`Device`] | what the user asks for: `auto`, `cpu`, `cuda:N` |
//! | [`Machine`] | what runs `.cu` files: a CUDA device, in tests the host that compiled them; [`Machines`] are those found |
//! | [`Session`] | a queue of a machine: memory, copies and launches, in order; a [`Call`] is work on it |
//! | [`Home`](super::array::Home) | where arrays stand: on the processor, or on a machine by a session that stays open |
//!
//! *Host* and *device* are the two sides of a kernel: what its twin computes, and what its `.cu` file does.

mod call;
mod choice;
pub mod cuda;
mod launch;
mod library;
mod machine;
mod machines;
mod memory;

pub use self::{
    call::Call,
    choice::Device,
    launch::{Argument, HEADERS, Launch, Source, int, long},
    library::{ConvShape, Convolution, Gemm, Part},
    machine::{Failure, Machine, Session, Tried},
    machines::{Machines, Processor, processor},
    memory::{Memory, Plain, bytes, bytes_mut},
};
