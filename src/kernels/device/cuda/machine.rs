//! A CUDA device as a [`Machine`]: its context, the kernels compiled for it, and sessions with a stream
//! each.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use cudarc::{
    driver::{
        CudaContext, CudaModule,
        result::DriverError,
        sys::{self, CUresult},
    },
    nvrtc::Ptx,
};

use super::{Missing, Target, call, compile, compile::architecture, driver_version, nvrtc_version};
use crate::{
    Error,
    kernels::device::{Device, Failure, Machine, Source},
};

/// An open CUDA device; a clone is the same one.
#[derive(Clone)]
pub struct CudaMachine(pub(super) Arc<Opened>);

pub(super) struct Opened {
    pub(super) number: usize,
    pub(super) name: String,
    pub(super) context: Arc<CudaContext>,
    /// Architecture to compile for.
    architecture: i32,
    /// Bytes of shared memory a block can have.
    pub(super) shared: usize,
    /// Compiled files by name: each is compiled once.
    modules: Mutex<HashMap<&'static str, Arc<CudaModule>>>,
}

impl fmt::Debug for CudaMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl CudaMachine {
    /// Opens the device of this number and sees that kernels can be compiled for it.
    ///
    /// # Errors
    /// What is missing.
    pub fn open(number: usize) -> std::result::Result<Self, Missing> {
        let count = super::count()?;
        if number >= count {
            return Err(Missing::Number { count });
        }
        let context = CudaContext::new(number).map_err(call("opening the device"))?;
        let (major, minor) =
            context.compute_capability().map_err(call("asking what the device is"))?;
        let shared = context
            .attribute(
                sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
            )
            .map_err(call("asking for shared memory"))?;
        // SAFETY: each buffer belongs to one session and is used on its stream only.
        unsafe { context.disable_event_tracking() };
        Ok(Self(Arc::new(Opened {
            number,
            name: context.name().map_err(call("asking for the name of the device"))?,
            architecture: architecture(10 * major + minor)?,
            shared: shared.max(0) as usize,
            context,
            modules: Mutex::default(),
        })))
    }

    pub(super) fn error(&self, missing: &Missing) -> Error {
        missing.on(Device::Cuda(self.0.number))
    }

    pub(super) fn failure(
        &self,
        what: &'static str,
        bytes: usize,
    ) -> impl Fn(DriverError) -> Failure + use<> {
        let device = Device::Cuda(self.0.number);
        move |error| match error.0 {
            CUresult::CUDA_ERROR_OUT_OF_MEMORY => Failure::Memory(bytes),
            _ => Failure::Other(call(what)(error).on(device)),
        }
    }

    /// The kernels of a file, compiled on first use. PTX first: the driver keeps what it makes of it. A
    /// driver older than this NVRTC refuses PTX and gets the instructions themselves.
    pub(super) fn module(
        &self,
        source: &'static Source,
    ) -> std::result::Result<Arc<CudaModule>, Missing> {
        let mut modules = self.0.modules.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = modules.get(source.name) {
            return Ok(module.clone());
        }
        let refused = [
            CUresult::CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
            CUresult::CUDA_ERROR_INVALID_PTX,
            CUresult::CUDA_ERROR_NO_BINARY_FOR_GPU,
            CUresult::CUDA_ERROR_INVALID_IMAGE,
        ];
        let loading = call("loading a kernel");
        let mut loaded = Err(DriverError(CUresult::CUDA_ERROR_INVALID_PTX));
        for target in [Target::Ptx(self.0.architecture), Target::Cubin(self.0.architecture)] {
            let image = compile(source, target)?;
            loaded = self.0.context.load_module(Ptx::from_binary(image));
            match &loaded {
                Err(error) if refused.contains(&error.0) => {}
                _ => break,
            }
        }
        let module = loaded.map_err(|error| match (driver_version(), nvrtc_version()) {
            (Ok(driver), Ok(nvrtc)) if refused.contains(&error.0) => {
                Missing::DriverBehindNvrtc { driver, nvrtc }
            }
            _ => loading(error),
        })?;
        modules.insert(source.name, module.clone());
        Ok(module)
    }
}
