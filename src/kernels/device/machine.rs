//! What a kernel asks of the machine that runs its `.cu` file: memory, copies, launches.
//!
//! A [`Machine`] is a CUDA device ([`CudaMachine`](super::cuda::CudaMachine)) or, in tests, the host that compiled the
//! same source. Work is done through sessions; each has a queue of its own, so that the copies of one
//! session overlap with the launches of another.

use super::{
    launch::{Argument, Launch, Source},
    library::{Convolution, Gemm},
    memory::Memory,
};
use crate::Result;

/// Something that runs kernels.
pub trait Machine: Send + Sync {
    /// A name for people, as `cuda:0 (NVIDIA H100)`.
    fn name(&self) -> String;
    /// Bytes that can be had now.
    ///
    /// # Errors
    /// When the device does not answer.
    fn free_memory(&self) -> Result<usize>;
    /// Bytes of shared memory that a block can have.
    fn shared_memory(&self) -> usize;
    /// A session of its own, which keeps the device open. Sessions are used by one thread at a time.
    ///
    /// # Errors
    /// When the device does not answer.
    fn open(&self) -> Result<Box<dyn Session>>;
}

/// How an operation of a session failed.
#[derive(Debug)]
pub enum Failure {
    /// There is no room for this many bytes: smaller pieces may fit.
    Memory(usize),
    /// Anything else.
    Other(crate::Error),
}

/// What an operation of a session gives.
pub type Tried<T> = std::result::Result<T, Failure>;

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Other(error)
    }
}

/// A queue of copies and launches, carried out in order.
pub trait Session: Send {
    /// Memory with these contents.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    fn upload(&mut self, bytes: &[u8]) -> Tried<Memory>;
    /// Memory of zeros.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    fn zeros(&mut self, bytes: usize) -> Tried<Memory>;
    /// Overwrites bytes of memory, `offset` bytes after its beginning, in the order of the queue.
    ///
    /// # Errors
    /// When they do not fit, or the device fails.
    fn write(&mut self, to: Memory, offset: usize, bytes: &[u8]) -> Tried<()>;
    /// Waits for all before, then copies `into.len()` bytes, `offset` bytes after the beginning of `from`.
    ///
    /// # Errors
    /// When there are not so many, or the device fails; a kernel that failed says so here.
    fn read(&mut self, from: Memory, offset: usize, into: &mut [u8]) -> Tried<()>;
    /// Gives memory back.
    fn release(&mut self, memory: Memory);
    /// Queues a kernel of `source`.
    ///
    /// # Errors
    /// When the source does not compile for this device, or the launch is refused.
    ///
    /// # Safety
    /// `arguments` are those of the kernel, in number, type and order; its pointers are long enough for
    /// what it does with them.
    unsafe fn launch(
        &mut self,
        source: &'static Source,
        kernel: &'static str,
        launch: Launch,
        arguments: &[Argument],
    ) -> Tried<()>;
    /// Queues a product where the device has a library for it; `false` where it has none (a kernel of our own does then).
    ///
    /// # Errors
    /// When the library fails.
    ///
    /// # Safety
    /// The matrices lie within their memory.
    unsafe fn gemm(&mut self, _product: &Gemm) -> Tried<bool> {
        Ok(false)
    }
    /// Whether the device has a library that takes this convolution.
    ///
    /// # Errors
    /// When the library fails.
    fn convolves(&mut self, _what: &Convolution) -> Tried<bool> {
        Ok(false)
    }
    /// Queues a convolution of images x, weights w and output images y, of which the one that its part names is written,
    /// or added to; `false` where the library does not take it after all (nothing is written then).
    ///
    /// # Errors
    /// When the library fails.
    ///
    /// # Safety
    /// The arrays are as long as the shape says.
    unsafe fn convolve(
        &mut self,
        _what: &Convolution,
        _arrays: [Argument; 3],
        _accumulate: bool,
    ) -> Tried<bool> {
        Ok(false)
    }
}
