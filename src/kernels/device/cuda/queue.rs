//! A session of a CUDA device: a stream with its memory, and the libraries that work on it.

use std::{collections::HashMap, ffi::c_void, sync::Arc};

use cudarc::driver::{
    CudaFunction, CudaSlice, CudaStream, DevicePtr, result,
    result::DriverError,
    sys::{self, CUresult},
};

use super::{
    CudaMachine, Missing,
    blas::{Blas, Product},
    dnn::{Addresses, Dnn, Plan},
};
use crate::kernels::device::{
    Argument, Convolution, Failure, Gemm, Launch, Memory, Session, Source, Tried,
};

/// Shared memory a kernel gets without asking.
const SHARED_BY_RIGHT: usize = 48 << 10;

/// A stream with its memory.
pub(super) struct Queue {
    gpu: CudaMachine,
    stream: Arc<CudaStream>,
    memory: Vec<Option<CudaSlice<u8>>>,
    functions: HashMap<&'static str, CudaFunction>,
    /// cuBLAS, opened for the first product; none within where it is absent.
    blas: Option<Option<Blas>>,
    /// cuDNN, opened for the first convolution; none within where it is absent.
    dnn: Option<Option<Dnn>>,
    /// What cuDNN takes, and what not.
    plans: HashMap<Convolution, Option<Plan>>,
    /// Where convolutions keep what they need beside their arrays: one after the other, as the queue goes.
    room: Option<CudaSlice<u8>>,
}

impl Drop for Queue {
    /// With the context of the device, on whatever thread this is; libraries are closed before the stream they use.
    fn drop(&mut self) {
        // Nothing can be done about a failure.
        let _ = self.gpu.0.context.bind_to_thread();
        self.plans.clear();
        self.dnn = None;
        self.blas = None;
    }
}

impl Queue {
    pub(super) fn new(gpu: CudaMachine, stream: Arc<CudaStream>) -> Self {
        Self {
            gpu,
            stream,
            memory: Vec::new(),
            functions: HashMap::new(),
            blas: None,
            dnn: None,
            plans: HashMap::new(),
            room: None,
        }
    }

    fn keep(&mut self, slice: CudaSlice<u8>) -> Memory {
        self.memory.push(Some(slice));
        Memory(self.memory.len() - 1)
    }

    fn get(&self, memory: Memory) -> Tried<&CudaSlice<u8>> {
        match self.memory.get(memory.0) {
            Some(Some(slice)) => Ok(slice),
            _ => Err(Failure::Other(self.gpu.error(&Missing::Call {
                what: "finding memory",
                why: "it was given back, or belongs to another session".into(),
            }))),
        }
    }

    fn address(&self, argument: Argument) -> Tried<u64> {
        match argument {
            Argument::Memory(memory) => Ok(self.get(memory)?.device_ptr(&self.stream).0),
            Argument::At(memory, bytes) => {
                Ok(self.get(memory)?.device_ptr(&self.stream).0 + bytes as u64)
            }
            // No array at all: a kernel would refuse it too.
            _ => Ok(0),
        }
    }

    fn said(&self, missing: &Missing) -> Failure {
        Failure::Other(self.gpu.error(missing))
    }

    fn within(&self, offset: usize, bytes: usize, size: usize) -> Tried<()> {
        if offset.checked_add(bytes).is_some_and(|end| end <= size) {
            return Ok(());
        }
        Err(Failure::Other(self.gpu.error(&Missing::Call {
            what: "copying to or from the device",
            why: format!("{bytes} bytes from {offset} on, of {size}"),
        })))
    }

    fn function(&mut self, source: &'static Source, kernel: &'static str) -> Tried<CudaFunction> {
        if let Some(function) = self.functions.get(kernel) {
            return Ok(function.clone());
        }
        let module = self.gpu.module(source).map_err(|m| Failure::Other(self.gpu.error(&m)))?;
        let finding = self.gpu.failure("finding a kernel", 0);
        let function = module.load_function(kernel).map_err(&finding)?;
        if self.gpu.0.shared > SHARED_BY_RIGHT {
            use sys::CUfunction_attribute as Of;
            // What the kernel itself declares counts too.
            let own = function.shared_size_bytes().map_err(&finding)?;
            let most = self.gpu.0.shared as i32 - own;
            let of = Of::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            function.set_attribute(of, most).map_err(&finding)?;
        }
        self.functions.insert(kernel, function.clone());
        Ok(function)
    }
}

impl Session for Queue {
    fn upload(&mut self, bytes: &[u8]) -> Tried<Memory> {
        let uploading = self.gpu.failure("copying to the device", bytes.len());
        // SAFETY: the copy fills all that is read; a pointer to nothing is still a pointer.
        let mut slice =
            unsafe { self.stream.alloc::<u8>(bytes.len().max(8)) }.map_err(&uploading)?;
        if !bytes.is_empty() {
            self.stream.memcpy_htod(bytes, &mut slice).map_err(&uploading)?;
            // The bytes belong to the caller again when this returns.
            self.stream.synchronize().map_err(&uploading)?;
        }
        Ok(self.keep(slice))
    }

    fn zeros(&mut self, bytes: usize) -> Tried<Memory> {
        let slice = self.stream.alloc_zeros::<u8>(bytes.max(8));
        let slice = slice.map_err(self.gpu.failure("asking for memory", bytes))?;
        Ok(self.keep(slice))
    }

    fn write(&mut self, to: Memory, offset: usize, bytes: &[u8]) -> Tried<()> {
        let writing = self.gpu.failure("copying to the device", 0);
        let size = self.get(to)?.len();
        self.within(offset, bytes.len(), size)?;
        if let Some(Some(slice)) = self.memory.get_mut(to.0).filter(|_| !bytes.is_empty()) {
            let mut view = slice.slice_mut(offset..offset + bytes.len());
            self.stream.memcpy_htod(bytes, &mut view).map_err(&writing)?;
            // The bytes belong to the caller again when this returns.
            self.stream.synchronize().map_err(writing)?;
        }
        Ok(())
    }

    fn read(&mut self, from: Memory, offset: usize, into: &mut [u8]) -> Tried<()> {
        let slice = self.get(from)?;
        let reading = self.gpu.failure("running a kernel or copying from the device", 0);
        self.within(offset, into.len(), slice.len())?;
        if !into.is_empty() {
            let view = slice.slice(offset..offset + into.len());
            self.stream.memcpy_dtoh(&view, into).map_err(&reading)?;
        }
        self.stream.synchronize().map_err(reading)
    }

    fn release(&mut self, memory: Memory) {
        // This may be a thread that has not used the device; what frees memory does not see to that.
        let _ = self.gpu.0.context.bind_to_thread();
        if let Some(slot) = self.memory.get_mut(memory.0) {
            *slot = None;
        }
    }

    unsafe fn launch(
        &mut self,
        source: &'static Source,
        kernel: &'static str,
        launch: Launch,
        arguments: &[Argument],
    ) -> Tried<()> {
        let function = self.function(source, kernel)?;
        let launching = self.gpu.failure("starting a kernel", 0);
        let mut pointers = vec![0; arguments.len()];
        for (pointer, argument) in pointers.iter_mut().zip(arguments) {
            if let Argument::Memory(memory) | Argument::At(memory, _) = argument {
                *pointer = self.get(*memory)?.device_ptr(&self.stream).0;
            }
            if let Argument::At(_, bytes) = argument {
                *pointer += *bytes as u64;
            }
        }
        let mut values: Vec<*mut c_void> = arguments
            .iter()
            .zip(&mut pointers)
            .map(|(argument, pointer)| match argument {
                Argument::Memory(_) | Argument::At(..) | Argument::Null => {
                    std::ptr::from_mut(pointer).cast()
                }
                Argument::Int(v) => std::ptr::from_ref(v).cast_mut().cast(),
                Argument::Long(v) => std::ptr::from_ref(v).cast_mut().cast(),
                Argument::Double(v) => std::ptr::from_ref(v).cast_mut().cast(),
                Argument::Float(v) => std::ptr::from_ref(v).cast_mut().cast(),
            })
            .collect();
        self.gpu.0.context.bind_to_thread().map_err(&launching)?;
        // SAFETY: the caller vouches for the arguments, which the driver copies before it returns; the
        // function and the stream live.
        unsafe {
            result::launch_kernel(
                function.cu_function(),
                (launch.grid, 1, 1),
                (launch.block, 1, 1),
                launch.shared as u32,
                self.stream.cu_stream(),
                &mut values,
            )
        }
        .map_err(launching)
    }

    unsafe fn gemm(&mut self, product: &Gemm) -> Tried<bool> {
        let launching = self.gpu.failure("starting a product", 0);
        self.gpu.0.context.bind_to_thread().map_err(launching)?;
        let product = Product {
            sizes: product.sizes,
            a: (self.address(product.a.0)?, product.a.1, product.a.2),
            b: (self.address(product.b.0)?, product.b.1, product.b.2),
            c: (self.address(product.c.0)?, product.c.1),
            accumulate: product.accumulate,
            double: product.double,
        };
        let stream = self.stream.clone();
        let Some(blas) = self.blas.get_or_insert_with(|| Blas::open(&stream)) else {
            return Ok(false);
        };
        // SAFETY: the caller's promise.
        let done = unsafe { blas.multiply(&product) };
        done.map_err(|missing| self.said(&missing))?;
        Ok(true)
    }

    fn convolves(&mut self, what: &Convolution) -> Tried<bool> {
        if let Some(plan) = self.plans.get(what) {
            return Ok(plan.is_some());
        }
        let starting = self.gpu.failure("starting cuDNN", 0);
        self.gpu.0.context.bind_to_thread().map_err(starting)?;
        let stream = self.stream.clone();
        let dnn = self.dnn.get_or_insert_with(|| Dnn::open(&stream));
        let mut plan = dnn.as_ref().and_then(|dnn| dnn.plan(what));
        let room = plan.as_ref().map_or(0, |plan| plan.room);
        if self.room.as_ref().map_or(0, CudaSlice::len) < room {
            // SAFETY: nothing in it is read before cuDNN has written it.
            match unsafe { self.stream.alloc::<u8>(room) } {
                Ok(slice) => self.room = Some(slice),
                // Our own kernels need none.
                Err(DriverError(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => plan = None,
                Err(error) => return Err(self.gpu.failure("asking for memory", room)(error)),
            }
        }
        Ok(self.plans.entry(*what).or_insert(plan).is_some())
    }

    unsafe fn convolve(
        &mut self,
        what: &Convolution,
        arrays: [Argument; 3],
        accumulate: bool,
    ) -> Tried<bool> {
        let starting = self.gpu.failure("starting a convolution", 0);
        if !self.convolves(what)? {
            return Ok(false);
        }
        self.gpu.0.context.bind_to_thread().map_err(starting)?;
        let [x, w, y] = arrays;
        let at = Addresses {
            x: self.address(x)?,
            w: self.address(w)?,
            y: self.address(y)?,
            room: self.room.as_ref().map_or(0, |room| room.device_ptr(&self.stream).0),
        };
        let (Some(Some(dnn)), Some(Some(plan))) = (&self.dnn, self.plans.get(what)) else {
            return Ok(false);
        };
        // SAFETY: the caller's promise; there is the room that the plan wants.
        let done = unsafe { dnn.convolve(plan, &at, accumulate) };
        let taken = done.map_err(|missing| self.said(&missing))?;
        if !taken {
            self.plans.insert(*what, None);
        }
        Ok(taken)
    }
}
