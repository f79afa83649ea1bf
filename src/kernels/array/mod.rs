//! Arrays that stand on the processor or on a device, and the kernels on them: one call, whatever the place.
//!
//! An [`Array`] is made at a [`Home`]: the processor, or a machine, by a session that stays open, so that arrays stay on it
//! from one kernel to the next. Kernels take views. Where the result stands on the processor they
//! are the CPU twins, else launches of the `.cu` files; arguments in different places are an error, nothing is
//! copied silently.

pub(super) mod buffer;
pub(super) mod home;
mod view;

use std::ops::Range;

use super::device::{Memory, Plain};
use crate::{Error, Result};

pub use buffer::Buffer;
pub use home::{Home, SharedSession};
pub use view::{View, ViewMut};

/// Numbers in one place.
///
/// ```
/// use mirrorflow::kernels::array::{Array, Home};
/// let mut x = Array::from_slice(&Home::Processor, &[1.0_f32, 2.0, 3.0])?;
/// x.part_mut(1..3).write(&[5.0, 6.0])?;
/// assert_eq!(x.to_vec()?, [1.0, 5.0, 6.0]);
/// # Ok::<(), mirrorflow::Error>(())
/// ```
#[derive(Debug)]
pub struct Array<T: Plain>(Inner<T>);

#[derive(Debug)]
enum Inner<T: Plain> {
    Host(Buffer<T>),
    Device(Held),
}

/// Memory of a device, given back when it is dropped.
#[derive(Debug)]
struct Held {
    on: SharedSession,
    memory: Memory,
    len: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.on.release(self.memory);
    }
}

impl<T: Plain> Default for Array<T> {
    /// No numbers, on the processor.
    fn default() -> Self {
        Self(Inner::Host(Buffer::new(0)))
    }
}

impl<T: Plain> From<Buffer<T>> for Array<T> {
    fn from(buffer: Buffer<T>) -> Self {
        Self(Inner::Host(buffer))
    }
}

impl<T: Plain> Array<T> {
    /// `len` zeros.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn zeros(home: &Home, len: usize) -> Result<Self> {
        Ok(Self(match home {
            Home::Processor => Inner::Host(Buffer::new(len)),
            Home::Machine(on) => {
                let memory = on.zeros(len * size_of::<T>())?;
                Inner::Device(Held { on: on.clone(), memory, len })
            }
        }))
    }

    /// These numbers.
    ///
    /// # Errors
    /// As [`Array::zeros`].
    pub fn from_slice(home: &Home, values: &[T]) -> Result<Self> {
        let mut array = Self::zeros(home, values.len())?;
        array.view_mut().write(values)?;
        Ok(array)
    }

    /// A copy at the same place.
    ///
    /// # Errors
    /// As [`Array::zeros`], or when the device fails.
    pub fn try_clone(&self) -> Result<Self> {
        match &self.0 {
            Inner::Host(buffer) => Ok(Self(Inner::Host(buffer.clone()))),
            Inner::Device(held) => {
                Self::from_slice(&Home::Machine(held.on.clone()), &self.to_vec()?)
            }
        }
    }

    /// Where it stands.
    pub fn home(&self) -> Home {
        match &self.0 {
            Inner::Host(_) => Home::Processor,
            Inner::Device(held) => Home::Machine(held.on.clone()),
        }
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        match &self.0 {
            Inner::Host(buffer) => buffer.len(),
            Inner::Device(held) => held.len,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it, to be read.
    pub fn view(&self) -> View<'_, T> {
        match &self.0 {
            Inner::Host(buffer) => View::Host(buffer),
            Inner::Device(held) => View::device(&held.on, held.memory, held.len),
        }
    }

    /// All of it, to be written.
    pub fn view_mut(&mut self) -> ViewMut<'_, T> {
        match &mut self.0 {
            Inner::Host(buffer) => ViewMut::Host(buffer),
            Inner::Device(held) => ViewMut::device(&held.on, held.memory, held.len),
        }
    }

    /// A part, to be read.
    ///
    /// # Panics
    /// When the range is not within the array.
    pub fn part(&self, range: Range<usize>) -> View<'_, T> {
        self.view().part(range)
    }

    /// A part, to be written.
    ///
    /// # Panics
    /// As [`Array::part`].
    pub fn part_mut(&mut self, range: Range<usize>) -> ViewMut<'_, T> {
        self.view_mut().into_part(range)
    }

    /// The numbers, brought to the processor.
    ///
    /// # Errors
    /// When the device fails; a kernel that failed says so here.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        self.view().to_vec()
    }

    /// The same number everywhere.
    ///
    /// # Errors
    /// When the device fails.
    pub fn fill(&mut self, value: T) -> Result<()> {
        match &mut self.0 {
            Inner::Host(buffer) => {
                buffer.fill(value);
                Ok(())
            }
            Inner::Device(held) => {
                let values = vec![value; held.len];
                self.view_mut().write(&values)
            }
        }
    }

    /// The first `len` numbers, whatever stands there, after growing to hold them at `home`.
    ///
    /// # Errors
    /// As [`Array::zeros`].
    pub fn room(&mut self, home: &Home, len: usize) -> Result<ViewMut<'_, T>> {
        if self.len() < len {
            *self = Self::zeros(home, len)?;
        }
        Ok(self.part_mut(0..len))
    }
}

/// The error of arguments that stand in different places.
pub(super) fn apart() -> Error {
    Error::Device {
        device: "the arrays of a kernel".into(),
        why: "they stand in different places; all must be on one device or on the processor".into(),
    }
}
