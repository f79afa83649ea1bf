//! Memory of a device, and numbers as the bytes that go there.

/// Memory of a session: a number that only its session understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(pub usize);

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
