//! cuDNN for convolutions, loaded when first needed; where it is absent, or takes no convolution of a shape, our own kernels do them.
//!
//! Images lie as ours do (NHWC), weights as `[o, ky, kx, i]`, which is what cuDNN wants beside them. Only ways that it calls
//! deterministic are taken, in full precision (`CUDNN_FMA_MATH`: no TF32), with at most [`ROOM`] bytes beside the arrays; of those
//! the one that it expects to be fastest.

use std::{ffi::c_void, mem::MaybeUninit};

use cudarc::{
    cudnn::{
        result::{self, CudnnError},
        sys::{
            self, cudnnConvolutionMode_t, cudnnDataType_t, cudnnDeterminism_t, cudnnMathType_t,
            cudnnStatus_t, cudnnTensorFormat_t,
        },
    },
    driver::CudaStream,
};

use super::{Missing, cudnn_version};
use crate::kernels::device::{Convolution, Part};

/// Bytes that a convolution may take beside its arrays.
const ROOM: usize = 512 << 20;
/// More than there are ways of any part.
const WAYS: usize = 16;
/// No TF32: single precision as everywhere else.
const FULL: cudnnMathType_t = cudnnMathType_t::CUDNN_FMA_MATH;
const NHWC: cudnnTensorFormat_t = cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;

/// A handle on a stream, destroyed when it is dropped.
pub(super) struct Dnn(sys::cudnnHandle_t);

// SAFETY: a handle may be used by any thread, one at a time; a session is used by one at a time.
unsafe impl Send for Dnn {}

impl Drop for Dnn {
    fn drop(&mut self) {
        // SAFETY: made by `open`, destroyed only here. Nothing can be done about a failure.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

/// A description of cuDNN's, destroyed when it is dropped.
struct Described<T: Copy>(T, unsafe fn(T) -> Result<(), CudnnError>);

impl<T: Copy> Drop for Described<T> {
    fn drop(&mut self) {
        // SAFETY: made together with what destroys it, destroyed only here. Nothing can be done about a failure.
        let _ = unsafe { (self.1)(self.0) };
    }
}

/// Which of its ways cuDNN takes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    Input(sys::cudnnConvolutionBwdDataAlgo_t),
    Weights(sys::cudnnConvolutionBwdFilterAlgo_t),
}

/// A convolution of one shape, ready to run.
pub(super) struct Plan {
    x: Described<sys::cudnnTensorDescriptor_t>,
    w: Described<sys::cudnnFilterDescriptor_t>,
    y: Described<sys::cudnnTensorDescriptor_t>,
    sizes: Described<sys::cudnnConvolutionDescriptor_t>,
    way: Way,
    /// Bytes it needs beside its arrays.
    pub(super) room: usize,
    double: bool,
}

// SAFETY: descriptions are plain data of cuDNN's, read by one thread at a time, as the session that holds them.
unsafe impl Send for Plan {}

/// Addresses on the device: images, weights as `[o, ky, kx, i]`, output images, and room as the plan wants it.
pub(super) struct Addresses {
    pub(super) x: u64,
    pub(super) w: u64,
    pub(super) y: u64,
    pub(super) room: u64,
}

impl Dnn {
    /// cuDNN on this stream, whose context is current; none where the library is absent, older than 9, or does not start.
    pub(super) fn open(stream: &CudaStream) -> Option<Self> {
        cudnn_version()?;
        let dnn = Self(result::create_handle().ok()?);
        // SAFETY: both handles live.
        unsafe { result::set_stream(dnn.0, stream.cu_stream().cast()) }.ok()?;
        Some(dnn)
    }

    /// Describes a convolution; none where cuDNN does not know its like, or has no way that is deterministic and fits.
    pub(super) fn plan(&self, what: &Convolution) -> Option<Plan> {
        let s = &what.shape;
        let int = |n: usize| i32::try_from(n).ok();
        let (n, i, o, k) = (int(what.batch)?, int(s.inputs)?, int(s.outputs)?, int(s.kernel)?);
        let (height, width) = (int(s.height)?, int(s.width)?);
        let (down, across) = (int(s.out_height())?, int(s.out_width())?);
        let (pad, stride) = (int(s.padding)?, int(s.stride)?);
        let of = if what.double {
            cudnnDataType_t::CUDNN_DATA_DOUBLE
        } else {
            cudnnDataType_t::CUDNN_DATA_FLOAT
        };
        let tensor = |sizes| {
            let it = result::create_tensor_descriptor().ok()?;
            let it = Described(it, result::destroy_tensor_descriptor);
            // SAFETY: just made.
            unsafe { result::set_tensor4d_descriptor(it.0, NHWC, of, sizes) }.ok()?;
            Some(it)
        };
        let (x, y) = (tensor([n, i, height, width])?, tensor([n, o, down, across])?);
        let w = result::create_filter_descriptor().ok()?;
        let w = Described(w, result::destroy_filter_descriptor);
        let sizes = result::create_convolution_descriptor().ok()?;
        let sizes = Described(sizes, result::destroy_convolution_descriptor);
        // PyTorch's conv2d is a cross-correlation.
        let mode = cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        // SAFETY: both were just made.
        unsafe {
            result::set_filter4d_descriptor(w.0, of, NHWC, [o, i, k, k]).ok()?;
            let (at, by) = (sizes.0, stride);
            result::set_convolution2d_descriptor(at, pad, pad, by, by, 1, 1, mode, of).ok()?;
            result::set_convolution_math_type(at, FULL).ok()?;
        }
        let (way, room) = self.way(what.part, &x, &w, &y, &sizes)?;
        Some(Plan { x, w, y, sizes, way, room, double: what.double })
    }

    /// The first of cuDNN's ways, by the time it expects, that is deterministic, in full precision and has room, with the
    /// bytes it needs. A part of which cuDNN knows nothing has none.
    fn way(
        &self,
        part: Part,
        x: &Described<sys::cudnnTensorDescriptor_t>,
        w: &Described<sys::cudnnFilterDescriptor_t>,
        y: &Described<sys::cudnnTensorDescriptor_t>,
        sizes: &Described<sys::cudnnConvolutionDescriptor_t>,
    ) -> Option<(Way, usize)> {
        macro_rules! first {
            ($answer:ty, $ask:path, $bytes:path, $way:expr, [$($of:expr),*]) => {{
                let mut found = [const { MaybeUninit::<$answer>::uninit() }; WAYS];
                let mut count = 0;
                // SAFETY: handle and descriptions live; there is room for WAYS answers.
                unsafe {
                    $ask(self.0, $($of,)* WAYS as i32, &mut count, found.as_mut_ptr().cast()).ok()?
                };
                found.iter().take(count.max(0) as usize).find_map(|answer| {
                    // SAFETY: the first `count` answers were written.
                    let it = unsafe { answer.assume_init_ref() };
                    let fits = it.status == cudnnStatus_t::CUDNN_STATUS_SUCCESS
                        && it.determinism == cudnnDeterminism_t::CUDNN_DETERMINISTIC
                        && matches!(it.mathType, cudnnMathType_t::CUDNN_DEFAULT_MATH | FULL);
                    if !fits {
                        return None;
                    }
                    // SAFETY: handle and descriptions live.
                    let bytes = unsafe { $bytes(self.0, $($of,)* it.algo) }.ok()?;
                    (bytes <= ROOM).then_some(($way(it.algo), bytes))
                })
            }};
        }
        match part {
            Part::Forward => first!(
                sys::cudnnConvolutionFwdAlgoPerf_t,
                result::get_convolution_forward_algorithm,
                result::get_convolution_forward_workspace_size,
                Way::Forward,
                [x.0, w.0, sizes.0, y.0]
            ),
            Part::Input => first!(
                sys::cudnnConvolutionBwdDataAlgoPerf_t,
                result::get_convolution_backward_data_algorithm,
                result::get_convolution_backward_data_workspace_size,
                Way::Input,
                [w.0, y.0, sizes.0, x.0]
            ),
            Part::Weights => first!(
                sys::cudnnConvolutionBwdFilterAlgoPerf_t,
                result::get_convolution_backward_filter_algorithm,
                result::get_convolution_backward_filter_workspace_size,
                Way::Weights,
                [x.0, y.0, sizes.0, w.0]
            ),
        }
    }

    /// Queues a convolution; `false` where cuDNN refuses it after all, and has done nothing.
    ///
    /// # Safety
    /// The arrays lie within memory of the device, as long as the plan's shape says; its context is current.
    pub(super) unsafe fn convolve(
        &self,
        plan: &Plan,
        at: &Addresses,
        accumulate: bool,
    ) -> Result<bool, Missing> {
        // Factors are f64 for f64 arrays, f32 else; cuDNN reads them before it returns.
        let double = [1.0_f64, f64::from(u8::from(accumulate))];
        let single = double.map(|v| v as f32);
        let (one, keep): (*const c_void, *const c_void) = if plan.double {
            (double.as_ptr().cast(), double[1..].as_ptr().cast())
        } else {
            (single.as_ptr().cast(), single[1..].as_ptr().cast())
        };
        let (x, w, y) = (at.x as *mut c_void, at.w as *mut c_void, at.y as *mut c_void);
        let (room, sizes) = (at.room as *mut c_void, plan.sizes.0);
        let (of_x, of_w, of_y) = (plan.x.0, plan.w.0, plan.y.0);
        let bytes = plan.room;
        // SAFETY: handle and descriptions live; the caller's promise.
        let done = unsafe {
            match plan.way {
                Way::Forward(way) => result::convolution_forward(
                    self.0, one, of_x, x, of_w, w, sizes, way, room, bytes, keep, of_y, y,
                ),
                Way::Input(way) => result::convolution_backward_data(
                    self.0, one, of_w, w, of_y, y, sizes, way, room, bytes, keep, of_x, x,
                ),
                Way::Weights(way) => result::convolution_backward_filter(
                    self.0, one, of_x, x, of_y, y, sizes, way, room, bytes, keep, of_w, w,
                ),
            }
        };
        match done {
            Ok(()) => Ok(true),
            // 3000 and what follows: not supported, for one reason or another.
            Err(CudnnError(status)) if (3000..4000).contains(&(status as u32)) => Ok(false),
            Err(CudnnError(status)) => {
                Err(Missing::Call { what: "a convolution by cuDNN", why: format!("{status:?}") })
            }
        }
    }
}
