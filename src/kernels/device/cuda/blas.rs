//! cuBLAS for the products of linear layers, loaded when first needed; where it is absent, our own kernel does them.
//!
//! cuBLAS counts by columns. A row-major `C = A B` is `Cᵀ = Bᵀ Aᵀ` by columns, and a row-major matrix is by columns its
//! own transpose: both are handed over as they lie, B first, and turned where they lie the other way. In full precision: TF32
//! is not asked for.

use cudarc::{
    cublas::{
        result::{self, CublasError},
        sys,
    },
    driver::CudaStream,
};

use super::{Missing, has_cublas};

/// A handle on a stream, destroyed when it is dropped.
pub(super) struct Blas(sys::cublasHandle_t);

// SAFETY: a handle may be used by any thread, one at a time; a session is used by one at a time.
unsafe impl Send for Blas {}

impl Drop for Blas {
    fn drop(&mut self) {
        // SAFETY: made by `open`, destroyed only here. Nothing can be done about a failure.
        let _ = unsafe { result::destroy_handle(self.0) };
    }
}

/// A product of matrices on the device; see [`Gemm`](crate::kernels::device::Gemm).
pub(super) struct Product {
    pub(super) sizes: [usize; 3],
    /// Address, and strides from row to row and from column to column.
    pub(super) a: (u64, usize, usize),
    pub(super) b: (u64, usize, usize),
    pub(super) c: (u64, usize),
    pub(super) accumulate: bool,
    pub(super) double: bool,
}

fn failed(error: CublasError) -> Missing {
    Missing::Call { what: "a product by cuBLAS", why: format!("{:?}", error.0) }
}

/// How a matrix is handed over, and from one of its lines to the next, given what it is from row to row and column to column.
/// With a single row or column both may be 1: then only the way counts in which a line has room.
fn turned(row: usize, column: usize, columns: usize) -> (sys::cublasOperation_t, i32) {
    if column == 1 && row >= columns {
        (sys::cublasOperation_t::CUBLAS_OP_N, row as i32)
    } else {
        (sys::cublasOperation_t::CUBLAS_OP_T, column as i32)
    }
}

impl Blas {
    /// cuBLAS on this stream, whose context is current; none where the library is absent or does not start.
    pub(super) fn open(stream: &CudaStream) -> Option<Self> {
        if !has_cublas() {
            return None;
        }
        let blas = Self(result::create_handle().ok()?);
        // SAFETY: both handles live.
        unsafe { result::set_stream(blas.0, stream.cu_stream().cast()) }.ok()?;
        Some(blas)
    }

    /// Queues a product.
    ///
    /// # Safety
    /// The matrices lie within memory of the device; its context is current.
    pub(super) unsafe fn multiply(&self, p: &Product) -> Result<(), Missing> {
        let [rows, columns, depth] = p.sizes.map(|n| n as i32);
        let (of_a, line_a) = turned(p.a.1, p.a.2, p.sizes[2]);
        let (of_b, line_b) = turned(p.b.1, p.b.2, p.sizes[1]);
        let line_c = p.c.1 as i32;
        macro_rules! go {
            ($call:path, $t:ty) => {{
                let (one, keep): ($t, $t) = (1.0, if p.accumulate { 1.0 } else { 0.0 });
                // SAFETY: the caller's promise; factors are read before the call returns.
                unsafe {
                    $call(
                        self.0,
                        of_b,
                        of_a,
                        columns,
                        rows,
                        depth,
                        &one,
                        p.b.0 as *const $t,
                        line_b,
                        p.a.0 as *const $t,
                        line_a,
                        &keep,
                        p.c.0 as *mut $t,
                        line_c,
                    )
                }
            }};
        }
        let done = if p.double { go!(result::dgemm, f64) } else { go!(result::sgemm, f32) };
        done.map_err(failed)
    }
}
