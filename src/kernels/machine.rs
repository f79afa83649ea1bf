//! What a kernel asks of the machine that runs its `.cu` file: memory, copies, launches.
//!
//! A [`Machine`] is a CUDA device ([`Gpu`](super::cuda::Gpu)) or, in tests, the host that compiled the
//! same source. Work is done through sessions; each has a queue of its own, so that the copies of one
//! session overlap with the launches of another.

use std::ffi::CStr;

use super::nn::ConvShape;
use crate::Result;

/// A `.cu` file with the kernels in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the file without `.cu`.
    pub name: &'static str,
    /// Its text; it includes [`HEADERS`] by their names.
    pub text: &'static str,
    /// The names of its `__global__` functions.
    pub kernels: &'static [&'static str],
}

/// What `.cu` files may include: names and texts.
pub const HEADERS: [(&CStr, &str); 3] = [
    (c"prelude.cuh", include_str!("prelude.cuh")),
    (c"block.cuh", include_str!("block.cuh")),
    (c"real.cuh", include_str!("real.cuh")),
];

/// Every `.cu` file of the library.
pub const SOURCES: &[&Source] = &[
    &super::descent_device::SOURCE,
    &super::limit_device::SOURCE,
    &super::mirror_flow::SOURCE,
    &super::array::mask_weight::SOURCE,
    &super::array::maps::SOURCE,
    &super::array::counts::SOURCE,
    &super::array::products::SOURCE,
    &super::array::norms::SOURCE,
    &super::array::pointwise::SOURCE,
    &super::array::softmax::SOURCE,
];

/// Memory of a session: a number that only its session understands.
#[derive(Debug, PartialEq, Eq)]
pub struct Memory(pub usize);

/// One argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    /// A pointer.
    Memory(&'a Memory),
    /// A pointer to this many bytes after the beginning of memory.
    At(&'a Memory, usize),
    /// A pointer to nothing.
    Null,
    /// `int`.
    Int(i32),
    /// `long long` or `unsigned long long`.
    Long(u64),
    /// `double`.
    Double(f64),
    /// `float`.
    Float(f32),
}

/// The shape of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Launch {
    /// Blocks.
    pub grid: u32,
    /// Threads of a block. Kernels are right for every number; this is the one that is fast.
    pub block: u32,
    /// Bytes of dynamic shared memory.
    pub shared: usize,
}

/// A product of row-major matrices, `C (+)= A B`; pointers with the strides from row to row and column to column, one of
/// which is 1 (C has 1 from column to column).
#[derive(Debug, Clone, Copy)]
pub struct Gemm<'a> {
    /// Rows of C, columns of C, terms of a sum.
    pub sizes: [usize; 3],
    /// A.
    pub a: (Argument<'a>, usize, usize),
    /// B.
    pub b: (Argument<'a>, usize, usize),
    /// C, and from row to row.
    pub c: (Argument<'a>, usize),
    /// Whether it is added to what stands in C.
    pub accumulate: bool,
    /// f64, else f32.
    pub double: bool,
}

/// One of the three sums of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Output images from images and weights.
    Forward,
    /// The gradient of the images from those of the output images.
    Input,
    /// The gradient of the weights.
    Weights,
}

/// A convolution that a library may take: NHWC images, weights as `[o, ky, kx, i]` (ours are `[ky, kx, i, o]`), no bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Convolution {
    /// Which sum.
    pub part: Part,
    /// Sizes.
    pub shape: ConvShape,
    /// Images.
    pub batch: usize,
    /// f64, else f32.
    pub double: bool,
}

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
    fn upload(&mut self, bytes: &[u8]) -> std::result::Result<Memory, Failure>;
    /// Memory of zeros.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    fn zeros(&mut self, bytes: usize) -> std::result::Result<Memory, Failure>;
    /// Overwrites bytes of memory, `offset` bytes after its beginning, in the order of the queue.
    ///
    /// # Errors
    /// When they do not fit, or the device fails.
    fn write(
        &mut self,
        to: &Memory,
        offset: usize,
        bytes: &[u8],
    ) -> std::result::Result<(), Failure>;
    /// Waits for all before, then copies `into.len()` bytes, `offset` bytes after the beginning of `from`.
    ///
    /// # Errors
    /// When there are not so many, or the device fails; a kernel that failed says so here.
    fn read(
        &mut self,
        from: &Memory,
        offset: usize,
        into: &mut [u8],
    ) -> std::result::Result<(), Failure>;
    /// Waits for all before, then copies the first `into.len()` bytes of `from`.
    ///
    /// # Errors
    /// As [`Session::read`].
    fn download(&mut self, from: &Memory, into: &mut [u8]) -> std::result::Result<(), Failure> {
        self.read(from, 0, into)
    }
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
        arguments: &[Argument<'_>],
    ) -> std::result::Result<(), Failure>;
    /// Queues a product where the device has a library for it; `false` where it has none (a kernel of our own does then).
    ///
    /// # Errors
    /// When the library fails.
    ///
    /// # Safety
    /// The matrices lie within their memory.
    unsafe fn gemm(&mut self, _product: &Gemm<'_>) -> std::result::Result<bool, Failure> {
        Ok(false)
    }
    /// Whether the device has a library that takes this convolution.
    ///
    /// # Errors
    /// When the library fails.
    fn convolves(&mut self, _what: &Convolution) -> std::result::Result<bool, Failure> {
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
        _arrays: [Argument<'_>; 3],
        _accumulate: bool,
    ) -> std::result::Result<bool, Failure> {
        Ok(false)
    }
}

/// Numbers that are plain bytes.
///
/// # Safety
/// No padding, no invalid bit patterns.
pub unsafe trait Plain: Copy + Send + Sync + 'static {}
// SAFETY: primitive numbers.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}

/// The bytes of numbers.
pub fn bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: `T` is plain; the length is that of the slice.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), std::mem::size_of_val(values)) }
}

/// The bytes of numbers, to be written.
pub fn bytes_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    let length = std::mem::size_of_val(values);
    // SAFETY: as in `bytes`; any bytes are valid numbers.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), length) }
}
