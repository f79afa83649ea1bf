//! Views of arrays: all or a part, to be read or to be written.

use std::{marker::PhantomData, ops::Range};

use super::Buffer;
use super::{SharedSession, apart};
use crate::{
    Result,
    kernels::device::{Argument, Memory, Plain, bytes, bytes_mut},
};

/// Numbers of a device, from `start` on.
#[derive(Debug)]
pub struct Span<'a, T> {
    on: &'a SharedSession,
    memory: Memory,
    start: usize,
    len: usize,
    of: PhantomData<T>,
}

impl<T> Clone for Span<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Span<'_, T> {}

impl<'a, T> Span<'a, T> {
    fn part(self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "a part within its array");
        Self { start: self.start + range.start, len: range.len(), ..self }
    }

    fn argument(self, on: &SharedSession) -> Result<Argument> {
        if !self.on.is(on) {
            return Err(apart());
        }
        Ok(Argument::At(self.memory, self.start * size_of::<T>()))
    }
}

/// Numbers to be read.
#[derive(Debug)]
pub enum View<'a, T> {
    /// On the processor.
    Host(&'a [T]),
    /// On a device.
    Device(Span<'a, T>),
}

impl<T> Clone for View<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for View<'_, T> {}

/// Numbers to be written.
#[derive(Debug)]
pub enum ViewMut<'a, T> {
    /// On the processor.
    Host(&'a mut [T]),
    /// On a device.
    Device(Span<'a, T>),
}

impl<'a, T: Plain> View<'a, T> {
    pub(super) fn device(on: &'a SharedSession, memory: Memory, len: usize) -> Self {
        Self::Device(Span { on, memory, start: 0, len, of: PhantomData })
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(x) => x.len(),
            Self::Device(span) => span.len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of it.
    ///
    /// # Panics
    /// When the range is not within it.
    pub fn part(self, range: Range<usize>) -> Self {
        match self {
            Self::Host(x) => Self::Host(&x[range]),
            Self::Device(span) => Self::Device(span.part(range)),
        }
    }

    /// The numbers, brought to the processor.
    ///
    /// # Errors
    /// When the device fails; a kernel that failed says so here.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        match self {
            Self::Host(x) => Ok(x.to_vec()),
            Self::Device(span) => {
                let mut values = Buffer::<T>::new(span.len);
                let offset = span.start * size_of::<T>();
                span.on.read(span.memory, offset, bytes_mut(&mut values))?;
                Ok(values.to_vec())
            }
        }
    }

    /// The numbers themselves.
    ///
    /// # Errors
    /// When they stand on a device.
    pub fn host(self) -> Result<&'a [T]> {
        match self {
            Self::Host(x) => Ok(x),
            Self::Device(_) => Err(apart()),
        }
    }

    /// The device they stand on.
    pub fn session(&self) -> Option<&'a SharedSession> {
        match self {
            Self::Host(_) => None,
            Self::Device(span) => Some(span.on),
        }
    }

    /// As the argument of a kernel on this device.
    pub(crate) fn at(self, on: &SharedSession) -> Result<Argument> {
        match self {
            Self::Host(_) => Err(apart()),
            Self::Device(span) => span.argument(on),
        }
    }
}

impl<'a, T: Plain> ViewMut<'a, T> {
    pub(super) fn device(on: &'a SharedSession, memory: Memory, len: usize) -> Self {
        Self::Device(Span { on, memory, start: 0, len, of: PhantomData })
    }

    /// To be read.
    pub fn view(&self) -> View<'_, T> {
        match self {
            Self::Host(x) => View::Host(x),
            Self::Device(span) => View::Device(*span),
        }
    }

    /// The same for a shorter time.
    pub fn again(&mut self) -> ViewMut<'_, T> {
        match self {
            Self::Host(x) => ViewMut::Host(x),
            Self::Device(span) => ViewMut::Device(*span),
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.view().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A part of it.
    ///
    /// # Panics
    /// When the range is not within it.
    pub fn into_part(self, range: Range<usize>) -> Self {
        match self {
            Self::Host(x) => Self::Host(&mut x[range]),
            Self::Device(span) => Self::Device(span.part(range)),
        }
    }

    /// The first `at` numbers and the rest.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Host(x) => {
                let (a, b) = x.split_at_mut(at);
                (Self::Host(a), Self::Host(b))
            }
            Self::Device(p) => (Self::Device(p.part(0..at)), Self::Device(p.part(at..p.len))),
        }
    }

    /// A part of it, to be read.
    ///
    /// # Panics
    /// When the range is not within it.
    pub fn part(&self, range: Range<usize>) -> View<'_, T> {
        self.view().part(range)
    }

    /// A part of it, to be written.
    ///
    /// # Panics
    /// When the range is not within it.
    pub fn part_mut(&mut self, range: Range<usize>) -> ViewMut<'_, T> {
        self.again().into_part(range)
    }

    /// Takes these numbers.
    ///
    /// # Errors
    /// When there are more or fewer, or the device fails.
    pub fn write(self, values: &[T]) -> Result<()> {
        crate::kernels::check::same_length(
            "the numbers to be written",
            values.len(),
            "there are",
            self.len(),
        )?;
        match self {
            Self::Host(x) => {
                x.copy_from_slice(values);
                Ok(())
            }
            Self::Device(span) => {
                span.on.write(span.memory, span.start * size_of::<T>(), bytes(values))
            }
        }
    }

    /// The numbers themselves.
    ///
    /// # Errors
    /// When they stand on a device.
    pub fn host(self) -> Result<&'a mut [T]> {
        match self {
            Self::Host(x) => Ok(x),
            Self::Device(_) => Err(apart()),
        }
    }

    /// The device they stand on.
    pub fn session(&self) -> Option<&'a SharedSession> {
        match self {
            Self::Host(_) => None,
            Self::Device(span) => Some(span.on),
        }
    }

    /// As the argument of a kernel on this device.
    pub(crate) fn at(&self, on: &SharedSession) -> Result<Argument> {
        self.view().at(on)
    }
}

macro_rules! views {
    ($(($($of:tt)*))*) => {$(
        impl<'a, T: Plain> From<&'a $($of)*> for View<'a, T> {
            fn from(x: &'a $($of)*) -> Self {
                Self::Host(x)
            }
        }
        impl<'a, T: Plain> From<&'a mut $($of)*> for ViewMut<'a, T> {
            fn from(x: &'a mut $($of)*) -> Self {
                Self::Host(x)
            }
        }
    )*};
}
views! { ([T]) (Vec<T>) (Buffer<T>) }

impl<'a, T: Plain, const N: usize> From<&'a [T; N]> for View<'a, T> {
    fn from(x: &'a [T; N]) -> Self {
        Self::Host(x)
    }
}

impl<'a, T: Plain> From<&'a super::Array<T>> for View<'a, T> {
    fn from(x: &'a super::Array<T>) -> Self {
        x.view()
    }
}

impl<'a, T: Plain> From<&'a mut super::Array<T>> for ViewMut<'a, T> {
    fn from(x: &'a mut super::Array<T>) -> Self {
        x.view_mut()
    }
}
