//! A CUDA device without one: libraries with the names of NVIDIA's that run on the host (`simulated/`), so that the code that
//! drives a GPU ([`CudaMachine`], cuBLAS, cuDNN) is run and not only compiled.
//!
//! The libraries do what the interfaces promise and refuse what those forbid; what NVIDIA's own do beyond that (and how fast) only a
//! device can tell. They are opened by their paths and kept: what is looked for by name later, in this process, is then these.

use std::{path::Path, sync::OnceLock};

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use mirrorflow::kernels::device::cuda::{self, CudaMachine};

/// The folder of the libraries: a program that is run with it in `LD_LIBRARY_PATH` finds a device.
pub const FOLDER: &str = concat!(env!("OUT_DIR"), "/simulated");
/// In an order in which each finds those it needs.
const FILES: [&str; 4] = ["libcuda.so", "libnvrtc.so", "libcublas.so", "libcudnn.so"];

/// The libraries, open.
#[derive(Debug)]
pub struct Simulated(Vec<Library>);

impl Simulated {
    /// What the device calls itself.
    pub const NAME: &str = "cuda:0 (simulated)";

    /// Opens the libraries, once; none where this machine has a driver of its own, or is not Linux.
    ///
    /// # Panics
    /// When the libraries that were built are not there.
    pub fn open() -> Option<&'static Self> {
        static OPEN: OnceLock<Option<Simulated>> = OnceLock::new();
        OPEN.get_or_init(|| {
            if !cfg!(target_os = "linux") || cuda::driver_version().is_ok() {
                return None;
            }
            let open = |file: &&str| {
                let path = Path::new(FOLDER).join(file);
                // SAFETY: our own libraries, without initialisers.
                let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_GLOBAL) };
                library.unwrap_or_else(|why| panic!("{}: {why}", path.display()))
            };
            Some(Self(FILES.iter().map(open).collect()))
        })
        .as_ref()
    }

    /// The device.
    ///
    /// # Panics
    /// When it does not open.
    pub fn machine(&self) -> CudaMachine {
        CudaMachine::open(0).unwrap_or_else(|why| panic!("the simulated device: {why}"))
    }

    fn variable<T>(&self, name: &str) -> *mut T {
        let found = self.0.iter().find_map(|library| {
            // SAFETY: a variable of this type in one of our libraries.
            unsafe { library.get::<*mut T>(name.as_bytes()) }.ok()
        });
        *found.unwrap_or_else(|| panic!("no library has {name}"))
    }

    /// Makes the driver older than the compiler: 1, it takes instructions only; 2, nor these; 0, as it was.
    pub fn make_old(&self, how: i32) {
        // SAFETY: a number in one of our libraries, which lives.
        unsafe { std::sync::atomic::AtomicI32::from_ptr(self.variable("simulated_old")) }
            .store(how, std::sync::atomic::Ordering::Relaxed);
    }

    /// A counter: pieces of memory that are held (`simulated_blocks`), products and convolutions that were carried out
    /// (`simulated_products`, `simulated_convolutions`), convolutions refused when it came to them (`simulated_refusals`),
    /// libraries closed without a context or after their stream (`simulated_faults`).
    pub fn count(&self, name: &str) -> usize {
        // SAFETY: a number in one of our libraries, which lives.
        unsafe { std::sync::atomic::AtomicI32::from_ptr(self.variable(name)) }
            .load(std::sync::atomic::Ordering::Relaxed) as usize
    }
}
