//! Memory of the network kernels: zeroed, on cache lines, grown once and kept.

use std::{
    cell::RefCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use crate::kernels::device::Plain;

/// One cache line, which is also the widest vector.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);

/// A slice of numbers that starts on a cache line.
///
/// ```
/// use mirrorflow::kernels::array::Buffer;
/// let mut buffer = Buffer::<f32>::new(5);
/// buffer[4] = 1.5;
/// assert_eq!(&buffer[..], [0.0, 0.0, 0.0, 0.0, 1.5]);
/// ```
#[derive(Clone, Debug)]
pub struct Buffer<T> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Buffer<T> {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let lines = vec![Line([0; 8]); (len * size_of::<T>()).div_ceil(size_of::<Line>())];
        Self { lines, len, of: PhantomData }
    }

    /// The first `len` numbers, whatever stands there, after growing to hold them.
    pub fn first(&mut self, len: usize) -> &mut [T] {
        if self.len < len {
            *self = Self::new(len);
        }
        &mut self[..len]
    }
}

impl<T: Plain> Default for Buffer<T> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T: Plain> From<&[T]> for Buffer<T> {
    fn from(values: &[T]) -> Self {
        let mut buffer = Self::new(values.len());
        buffer.copy_from_slice(values);
        buffer
    }
}

impl<T: Plain> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: every bit pattern is a value of a plain T; the lines hold `len` of them and are aligned to
        // more than T needs.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Gives `work` this thread's scratch of `len` numbers, whatever stands in them. `work` must not ask for
/// scratch itself nor run parallel work.
pub(in crate::kernels) fn with_scratch<T: Plain, R>(
    len: usize,
    work: impl FnOnce(&mut [T]) -> R,
) -> R {
    thread_local!(static SCRATCH: RefCell<Buffer<f64>> = RefCell::default());
    SCRATCH.with_borrow_mut(|scratch| {
        let numbers = scratch.first((len * size_of::<T>()).div_ceil(size_of::<f64>()));
        // SAFETY: T is a plain number, neither wider nor stricter aligned than the f64 in `numbers`.
        work(unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), len) })
    })
}
