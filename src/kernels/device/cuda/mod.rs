//! CUDA devices, through libraries that are loaded when first needed: one binary runs with and without a
//! GPU. What is missing has a message of its own ([`Missing`]).
//!
//! No library is called before it is known to be there: `cudarc` panics otherwise.

mod blas;
mod compile;
mod dnn;
mod folders;
mod machine;
mod missing;
mod queue;

use cudarc::{
    driver::{result, sys},
    nvrtc,
};

pub use compile::{Target, compile, nvrtc_version};
pub use machine::CudaMachine;
pub use missing::Missing;

use queue::Queue;

use crate::kernels::device::{Machine, Session};

/// The first CUDA whose driver has stream-ordered memory.
const OLDEST_DRIVER: i32 = 11020;

/// cuDNN 9.0.0.
const OLDEST_CUDNN: usize = 90_000;

fn call(what: &'static str) -> impl Fn(result::DriverError) -> Missing {
    move |error| {
        // The texts come from the driver, which is loaded: it has just answered.
        let name = error.error_name().map(|n| n.to_string_lossy().into_owned());
        let text = error.error_string().map(|t| t.to_string_lossy().into_owned());
        let why = match (name, text) {
            (Ok(name), Ok(text)) => format!("{name}, {text}"),
            _ => format!("error {} of the driver", error.0 as u32),
        };
        Missing::Call { what, why }
    }
}

/// The CUDA version of the driver, as 12040 for 12.4.
///
/// # Errors
/// When there is no driver, or one from before 11.2.
pub fn driver_version() -> Result<i32, Missing> {
    // SAFETY: opening the driver's library runs its initialisers, which every CUDA program relies on.
    if !unsafe { sys::is_culib_present() } {
        return Err(Missing::Driver);
    }
    let mut version = 0;
    // SAFETY: the library is there, the pointer is to a number of the right type.
    let done = unsafe { sys::cuDriverGetVersion(&mut version) };
    done.result().map_err(call("asking for the version of the driver"))?;
    if version < OLDEST_DRIVER {
        return Err(Missing::OldDriver { version });
    }
    Ok(version)
}

/// Number of CUDA devices, at least one.
///
/// # Errors
/// When there is no driver, or it finds no device.
pub fn count() -> Result<usize, Missing> {
    driver_version()?;
    match result::init() {
        Ok(()) => {}
        Err(result::DriverError(sys::CUresult::CUDA_ERROR_NO_DEVICE)) => {
            return Err(Missing::NoDevice);
        }
        Err(error) => return Err(call("starting the driver")(error)),
    }
    match result::device::get_count().map_err(call("counting the devices"))? {
        count if count > 0 => Ok(count as usize),
        _ => Err(Missing::NoDevice),
    }
}

/// Whether cuBLAS can be loaded.
pub fn has_cublas() -> bool {
    // SAFETY: as for the driver.
    unsafe { cudarc::cublas::sys::is_culib_present() }
}

/// Version of cuDNN, as 90201 for 9.2.1; none where it cannot be loaded, or is older than 9 (its states are other numbers).
pub fn cudnn_version() -> Option<usize> {
    folders::keep(folders::CUDNN);
    // SAFETY: as for the driver.
    let present = unsafe { cudarc::cudnn::sys::is_culib_present() };
    present.then(cudarc::cudnn::result::get_version).filter(|version| *version >= OLDEST_CUDNN)
}

/// What is known of a device without using it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties {
    /// Its number N in `cuda:N`.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// Compute capability, as (9, 0).
    pub capability: (i32, i32),
    /// Memory in bytes.
    pub memory: usize,
    /// Multiprocessors.
    pub multiprocessors: i32,
}

/// Every device of this machine.
///
/// # Errors
/// As [`count`], or when a device does not answer.
pub fn properties() -> Result<Vec<Properties>, Missing> {
    use sys::CUdevice_attribute as Of;
    let card = |number: usize| {
        let device = result::device::get(number as i32)?;
        // SAFETY: `device` was just given by the driver.
        let attribute = |of: Of| unsafe { result::device::get_attribute(device, of) };
        Ok(Properties {
            number,
            name: result::device::get_name(device)?,
            capability: (
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            // SAFETY: as above.
            memory: unsafe { result::device::total_mem(device)? },
            multiprocessors: attribute(Of::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
        })
    };
    (0..count()?).map(|n| card(n).map_err(call("asking what a device is"))).collect()
}

/// Whether NVRTC can be loaded.
pub fn has_nvrtc() -> bool {
    folders::keep(folders::NVRTC);
    // SAFETY: as for the driver.
    unsafe { nvrtc::sys::is_culib_present() }
}

impl Machine for CudaMachine {
    fn name(&self) -> String {
        format!("cuda:{} ({})", self.0.number, self.0.name)
    }

    fn free_memory(&self) -> crate::Result<usize> {
        let asked = self.0.context.mem_get_info();
        asked.map(|(free, _)| free).map_err(|e| self.error(&call("asking for free memory")(e)))
    }

    fn shared_memory(&self) -> usize {
        self.0.shared
    }

    fn open(&self) -> crate::Result<Box<dyn Session>> {
        let stream = self.0.context.new_stream();
        let stream = stream.map_err(|e| self.error(&call("making a stream")(e)))?;
        Ok(Box::new(Queue::new(self.clone(), stream)))
    }
}
