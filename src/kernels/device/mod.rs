//! Where kernels run.
//!
//! | word | what it is |
//! |---|---|
//! | [`Device`] | what the user asks for: `auto`, `cpu`, `cuda:N` |
//! | [`Machine`] | what runs `.cu` files: a CUDA device, in tests the host that compiled them |
//! | [`Session`] | a queue of a machine: memory, copies and launches, in order |

mod choice;
pub mod cuda;
mod launch;
mod library;
mod machine;
mod machines;
mod memory;

pub use self::{
    choice::Device,
    launch::{Argument, HEADERS, Launch, Source},
    library::{ConvShape, Convolution, Gemm, Part},
    machine::{Failure, Machine, Session},
    machines::{Place, Processor, processor},
    memory::{Memory, Plain, bytes, bytes_mut},
};
