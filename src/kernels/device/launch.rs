//! A launch: the source of a kernel, its shape, its arguments.

use std::ffi::CStr;

use super::memory::Memory;

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
pub const HEADERS: [(&CStr, &str); 5] = [
    (c"prelude.cuh", include_str!("include/prelude.cuh")),
    (c"block.cuh", include_str!("include/block.cuh")),
    (c"real.cuh", include_str!("include/real.cuh")),
    (c"tiles.cuh", include_str!("include/tiles.cuh")),
    (c"chunks.cuh", include_str!("include/chunks.cuh")),
];

/// One argument of a kernel.
#[derive(Debug, Clone, Copy)]
pub enum Argument {
    /// A pointer.
    Memory(Memory),
    /// A pointer to this many bytes after the beginning of memory.
    At(Memory, usize),
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

impl From<Memory> for Argument {
    fn from(memory: Memory) -> Self {
        Self::Memory(memory)
    }
}
impl From<i32> for Argument {
    fn from(v: i32) -> Self {
        Self::Int(v)
    }
}
impl From<u64> for Argument {
    fn from(v: u64) -> Self {
        Self::Long(v)
    }
}
impl From<f64> for Argument {
    fn from(v: f64) -> Self {
        Self::Double(v)
    }
}

/// A count as a kernel's `long long`.
pub fn long(n: usize) -> Argument {
    Argument::Long(n as u64)
}

/// A size as a kernel's `int`.
pub fn int(n: usize) -> Argument {
    Argument::Int(n as i32)
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
