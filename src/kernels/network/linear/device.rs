//! Linear layers and other products of matrices on arrays.
//!
//! Where a device has cuBLAS, linear layers go there ([`Session::gemm`](crate::kernels::device::Session::gemm)).

use super::Linear;
use crate::kernels::array::{
    View, ViewMut,
    home::{Work, both, typed},
};
use crate::{
    Result,
    kernels::{
        check::same_length,
        device::{Argument, Gemm, Launch, Source, Tried, int, long},
        network::Real,
    },
};

/// The kernels of products.
pub static SOURCE: Source = Source {
    name: "linear",
    text: include_str!("device.cu"),
    kernels: both!([], "matrix_product", "add_rows"),
};

/// Threads of a block: one for each 4×4 numbers of a tile.
const THREADS: u32 = 256;
/// Blocks of a launch, at most.
const BLOCKS: usize = 1 << 16;

/// Blocks for a product of these sizes: its tiles, as `tiles` of the `.cu` file cuts them.
pub(in crate::kernels::network) fn launch(rows: usize, cols: usize, parts: usize) -> Launch {
    let (down, across) = if cols > 32 { (64, 64) } else { (256, 16) };
    let tiles = rows.div_ceil(down) * cols.div_ceil(across) * parts;
    Launch { grid: tiles.clamp(1, BLOCKS) as u32, block: THREADS, shared: 0 }
}

/// That counts of rows and of terms fit an `int`.
pub(in crate::kernels::network) fn within(numbers: usize) -> Result<()> {
    crate::kernels::check::within(
        "the numbers of a product on a device",
        numbers as f64,
        numbers <= i32::MAX as usize,
        "below 2^31; take a smaller batch",
    )
}

/// `parts` products `C (+)= A B (+ bias)` of matrices by strides: from one image, head, row, column to the next.
pub(in crate::kernels::network) struct Matrices {
    pub(in crate::kernels::network) rows: usize,
    pub(in crate::kernels::network) cols: usize,
    pub(in crate::kernels::network) depth: usize,
    pub(in crate::kernels::network) parts: usize,
    pub(in crate::kernels::network) heads: usize,
    pub(in crate::kernels::network) a: (Argument, [usize; 4]),
    pub(in crate::kernels::network) b: (Argument, [usize; 4]),
    pub(in crate::kernels::network) bias: Argument,
    pub(in crate::kernels::network) c: (Argument, [usize; 3]),
    pub(in crate::kernels::network) accumulate: bool,
}

impl Matrices {
    /// # Safety
    /// The matrices lie within their memory.
    pub(in crate::kernels::network) unsafe fn launch<T: Real>(
        &self,
        work: &mut Work<'_>,
    ) -> Tried<()> {
        let mut arguments =
            [self.rows, self.cols, self.depth, self.parts, self.heads].map(int).to_vec();
        for (pointer, strides) in [&self.a, &self.b] {
            arguments.push(*pointer);
            arguments.extend(strides.map(long));
        }
        arguments.extend([self.bias, self.c.0]);
        arguments.extend(self.c.1.map(long));
        arguments.push(int(usize::from(self.accumulate)));
        let launch = launch(self.rows, self.cols, self.parts);
        // SAFETY: the arguments of the kernel in its order; the caller's promise.
        unsafe { work.session.launch(&SOURCE, typed!(T, "matrix_product"), launch, &arguments) }
    }

    /// The same by cuBLAS where the session has it and the product is one it takes.
    ///
    /// # Safety
    /// As [`Matrices::launch`].
    unsafe fn best<T: Real>(&self, work: &mut Work<'_>) -> Tried<()> {
        if self.parts == 1 {
            let gemm = Gemm {
                sizes: [self.rows, self.cols, self.depth],
                a: (self.a.0, self.a.1[2], self.a.1[3]),
                b: (self.b.0, self.b.1[2], self.b.1[3]),
                c: (self.c.0, self.c.1[2]),
                accumulate: self.accumulate,
                double: size_of::<T>() == 8,
            };
            // SAFETY: the caller's promise.
            if unsafe { work.session.gemm(&gemm)? } {
                if matches!(self.bias, Argument::Null) {
                    return Ok(());
                }
                let numbers = self.rows * self.cols;
                let arguments = [long(numbers), int(self.cols), self.bias, self.c.0];
                // SAFETY: rows of C follow each other in every product with a bias.
                return unsafe { work.over(&SOURCE, typed!(T, "add_rows"), numbers, &arguments) };
            }
        }
        // SAFETY: as above.
        unsafe { self.launch::<T>(work) }
    }
}

/// That x, y and w fit a linear layer; the batch.
fn rows_of(linear: &Linear, x: usize, y: usize, w: usize) -> Result<usize> {
    let (i, o) = (linear.inputs, linear.outputs);
    let batch = y / o;
    same_length("y of a linear layer", y, "whole rows", batch.max(1) * o)?;
    same_length("x of a linear layer", x, "the rows of y", batch * i)?;
    same_length("w of a linear layer", w, "its weights", i * o)?;
    within(x.max(y).max(w))?;
    Ok(batch)
}

/// `y = x Wᵀ + b`: [`Linear::forward`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn forward<T: Real>(
    linear: &Linear,
    x: View<'_, T>,
    w: View<'_, T>,
    bias: Option<View<'_, T>>,
    y: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        let bias = bias.map(View::host).transpose()?;
        return linear.forward(x.host()?, w.host()?, bias, y.host()?);
    };
    let (i, o) = (linear.inputs, linear.outputs);
    let batch = rows_of(linear, x.len(), y.len(), w.len())?;
    let bias = match bias {
        Some(bias) => {
            same_length("bias of a linear layer", bias.len(), "its outputs", o)?;
            bias.at(on)?
        }
        None => Argument::Null,
    };
    let product = Matrices {
        rows: batch,
        cols: o,
        depth: i,
        parts: 1,
        heads: 1,
        a: (x.at(on)?, [0, 0, i, 1]),
        b: (w.at(on)?, [0, 0, 1, i]),
        bias,
        c: (y.at(on)?, [0, 0, o]),
        accumulate: false,
    };
    // SAFETY: the lengths were just checked.
    on.work(0, |work| unsafe { product.best::<T>(work) })
}

/// `dx = dy W` or `dx += dy W`: [`Linear::backward_input`].
///
/// # Errors
/// As [`forward`].
pub fn backward_input<T: Real>(
    linear: &Linear,
    dy: View<'_, T>,
    w: View<'_, T>,
    dx: ViewMut<'_, T>,
    accumulate: bool,
) -> Result<()> {
    let Some(on) = dx.session() else {
        return linear.backward_input(dy.host()?, w.host()?, dx.host()?, accumulate);
    };
    let (i, o) = (linear.inputs, linear.outputs);
    let batch = rows_of(linear, dx.len(), dy.len(), w.len())?;
    let product = Matrices {
        rows: batch,
        cols: i,
        depth: o,
        parts: 1,
        heads: 1,
        a: (dy.at(on)?, [0, 0, o, 1]),
        b: (w.at(on)?, [0, 0, i, 1]),
        bias: Argument::Null,
        c: (dx.at(on)?, [0, 0, i]),
        accumulate,
    };
    // SAFETY: the lengths were just checked.
    on.work(0, |work| unsafe { product.best::<T>(work) })
}

/// `dW = dyᵀ x`: [`Linear::backward_weights`].
///
/// # Errors
/// As [`forward`].
pub fn backward_weights<T: Real>(
    linear: &Linear,
    x: View<'_, T>,
    dy: View<'_, T>,
    dw: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = dw.session() else {
        return linear.backward_weights(x.host()?, dy.host()?, dw.host()?);
    };
    let (i, o) = (linear.inputs, linear.outputs);
    let batch = rows_of(linear, x.len(), dy.len(), dw.len())?;
    let product = Matrices {
        rows: o,
        cols: i,
        depth: batch,
        parts: 1,
        heads: 1,
        a: (dy.at(on)?, [0, 0, 1, o]),
        b: (x.at(on)?, [0, 0, i, 1]),
        bias: Argument::Null,
        c: (dw.at(on)?, [0, 0, i]),
        accumulate: false,
    };
    // SAFETY: the lengths were just checked.
    on.work(0, |work| unsafe { product.best::<T>(work) })
}
