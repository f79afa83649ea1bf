//! Work on a session: numbers go there, kernels run, numbers come back, memory is given back.

use super::{
    launch::{Argument, Launch, Source},
    machine::{Session, Tried},
    memory::{Memory, Plain, bytes, bytes_mut},
};

/// Work with memory of its own, which is given back when this is dropped.
///
/// ```no_run
/// use mirrorflow::kernels::device::{Call, Device, Failure, Launch, Source};
/// # fn twice(source: &'static Source) -> Result<Vec<f64>, Failure> {
/// let machines = Device::Auto.open()?;
/// let mut session = machines.list()[0].open()?;
/// let mut call = Call::new(session.as_mut());
/// let x = call.upload(&[1.0, 2.0])?;
/// let launch = Launch { grid: 1, block: 32, shared: 0 };
/// // SAFETY: `twice` takes a count and an array of that length.
/// unsafe { call.launch(source, "twice", launch, &[2_i32.into(), x.into()])? };
/// call.download(x, 2)
/// # }
/// ```
pub struct Call<'s> {
    session: &'s mut dyn Session,
    held: Vec<Memory>,
}

impl<'s> Call<'s> {
    /// Nothing yet.
    pub fn new(session: &'s mut dyn Session) -> Self {
        Self { session, held: Vec::new() }
    }

    /// Memory with these numbers.
    ///
    /// # Errors
    /// When there is no room, or the device fails.
    pub fn upload<T: Plain>(&mut self, values: &[T]) -> Tried<Memory> {
        let memory = self.session.upload(bytes(values))?;
        self.held.push(memory);
        Ok(memory)
    }

    /// Memory of this many bytes, all 0.
    ///
    /// # Errors
    /// As [`Call::upload`].
    pub fn zeros(&mut self, bytes: usize) -> Tried<Memory> {
        let memory = self.session.zeros(bytes)?;
        self.held.push(memory);
        Ok(memory)
    }

    /// Queues a kernel.
    ///
    /// # Errors
    /// As [`Session::launch`].
    ///
    /// # Safety
    /// As [`Session::launch`].
    pub unsafe fn launch(
        &mut self,
        source: &'static Source,
        kernel: &'static str,
        launch: Launch,
        arguments: &[Argument],
    ) -> Tried<()> {
        // SAFETY: the caller's promise.
        unsafe { self.session.launch(source, kernel, launch, arguments) }
    }

    /// Waits for all before, then copies the first `len` numbers of memory.
    ///
    /// # Errors
    /// When there are not so many, or the device fails; a kernel that failed says so here.
    pub fn download<T: Plain + Default>(&mut self, from: Memory, len: usize) -> Tried<Vec<T>> {
        let mut values = vec![T::default(); len];
        self.session.read(from, 0, bytes_mut(&mut values))?;
        Ok(values)
    }

    /// Leaves the memory to the session, as long as that lives.
    pub fn keep(mut self) {
        self.held.clear();
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        for memory in self.held.drain(..) {
            self.session.release(memory);
        }
    }
}
