//! Scratch memory of a field evaluation: one pool per thread, so that flows stay `Sync`, nothing is
//! allocated in a loop and evaluations may nest.

use std::cell::RefCell;

thread_local! {
    static POOL: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with a buffer of the given length whose content is arbitrary.
#[inline]
pub(crate) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f64]) -> T) -> T {
    let mut buffer = POOL.with(|pool| pool.borrow_mut().pop()).unwrap_or_default();
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    let result = work(&mut buffer[..length]);
    POOL.with(|pool| pool.borrow_mut().push(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::with_scratch;

    #[test]
    fn nested_buffers_are_distinct_and_long_enough() {
        with_scratch(3, |a| {
            a.fill(1.0);
            with_scratch(5, |b| {
                assert_eq!((a.len(), b.len()), (3, 5));
                b.fill(2.0);
            });
            assert_eq!(a, [1.0; 3]);
        });
    }
}
