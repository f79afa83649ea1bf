//! Attention on arrays: products for each image and head, and the softmax of their rows.

use super::Attention;
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{Work, both, typed},
        },
        check::same_length,
        device::{Argument, Launch, Source, Tried, int},
        network::{
            Real,
            linear::{Matrices, within},
        },
    },
};

/// The kernels of attention, beside those of products.
pub static SOURCE: Source = Source {
    name: "attention",
    text: include_str!("device.cu"),
    kernels: both!([], "softmax_rows", "softmax_slopes"),
};

/// That the arrays fit an attention; the batch.
fn images_of(attention: &Attention, qkv: usize, y: usize, p: usize) -> Result<usize> {
    attention.check()?;
    let (input, output, square) = attention.lens();
    let batch = qkv / input;
    same_length("qkv of an attention", qkv, "whole images", batch.max(1) * input)?;
    same_length("y of an attention", y, "the images of qkv", batch * output)?;
    same_length("P of an attention", p, "the images of qkv", batch * square)?;
    within(qkv.max(p))?;
    Ok(batch)
}

/// A product for each image and head, of these rows, columns and terms.
fn of_heads(
    (batch, heads): (usize, usize),
    [rows, cols, depth]: [usize; 3],
    a: (Argument, [usize; 4]),
    b: (Argument, [usize; 4]),
    c: (Argument, [usize; 3]),
) -> Matrices {
    let (parts, bias) = (batch * heads, Argument::Null);
    Matrices { rows, cols, depth, parts, heads, a, b, bias, c, accumulate: false }
}

/// `y` and P out of q, k, v: [`Attention::forward`].
///
/// # Errors
/// When the lengths or places disagree, or the device fails.
pub fn forward<T: Real>(
    attention: &Attention,
    qkv: View<'_, T>,
    y: ViewMut<'_, T>,
    p: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = y.session() else {
        return attention.forward(qkv.host()?, y.host()?, p.host()?);
    };
    let batch = images_of(attention, qkv.len(), y.len(), p.len())?;
    let (n, c, heads) = (attention.tokens, attention.channels, attention.heads);
    let (width, end) = (c / heads, qkv.len());
    let part = |k: usize| qkv.part(k * c..end).at(on);
    let rows = [3 * n * c, width, 3 * c, 1];
    let square = [heads * n * n, n * n, n, 1];
    let [image, head, row, _] = square;
    let turned = [rows[0], rows[1], 1, 3 * c];
    let (to_p, to_y) = (p.at(on)?, y.at(on)?);
    let (many, to) = ((batch, heads), (to_p, [image, head, row]));
    let scores = of_heads(many, [n, n, width], (part(0)?, rows), (part(1)?, turned), to);
    let to = (to_y, [n * c, width, c]);
    let mixed = of_heads(many, [n, width, n], (to_p, square), (part(2)?, rows), to);
    on.work(0, |work| {
        // SAFETY: the lengths were just checked.
        unsafe {
            scores.launch::<T>(work)?;
            softmax::<T>(work, batch * heads * n, n, 1.0 / (width as f64).sqrt(), to_p)?;
            mixed.launch::<T>(work)
        }
    })
}

/// The gradient of q, k, v: [`Attention::backward`].
///
/// # Errors
/// As [`forward`].
pub fn backward<T: Real>(
    attention: &Attention,
    qkv: View<'_, T>,
    p: View<'_, T>,
    dy: View<'_, T>,
    dqkv: ViewMut<'_, T>,
) -> Result<()> {
    let Some(on) = dqkv.session() else {
        return attention.backward(qkv.host()?, p.host()?, dy.host()?, dqkv.host()?);
    };
    let batch = images_of(attention, qkv.len(), dy.len(), p.len())?;
    same_length("dqkv of an attention", dqkv.len(), "qkv", qkv.len())?;
    let (n, c, heads) = (attention.tokens, attention.channels, attention.heads);
    let (width, end) = (c / heads, qkv.len());
    let scale = 1.0 / (width as f64).sqrt();
    let part = |k: usize| qkv.part(k * c..end).at(on);
    let into = dqkv.view();
    let to =
        |k: usize| -> Result<_> { Ok((into.part(k * c..end).at(on)?, [3 * n * c, width, 3 * c])) };
    let (three, one) = ([3 * n * c, width, 3 * c, 1], [n * c, width, c, 1]);
    let (square, turned) = ([heads * n * n, n * n, n, 1], [heads * n * n, n * n, 1, n]);
    let (p, dy) = (p.at(on)?, dy.at(on)?);
    let (q, k, v) = (part(0)?, part(1)?, part(2)?);
    let (to_q, to_k, to_v) = (to(0)?, to(1)?, to(2)?);
    on.work(batch * heads * n * n * size_of::<T>(), |work| {
        let ds = Argument::Memory(work.scratch);
        let back = [three[0], three[1], 1, 3 * c];
        let (many, mixed) = ((batch, heads), [n, width, n]);
        let whole = [square[0], square[1], square[2]];
        // SAFETY: the lengths were just checked; scratch has the numbers of P.
        unsafe {
            of_heads(many, mixed, (p, turned), (dy, one), to_v).launch::<T>(work)?;
            of_heads(many, [n, n, width], (dy, one), (v, back), (ds, whole)).launch::<T>(work)?;
            slopes::<T>(work, batch * heads * n, n, scale, p, ds)?;
            of_heads(many, mixed, (ds, square), (k, three), to_q).launch::<T>(work)?;
            of_heads(many, mixed, (ds, turned), (q, three), to_k).launch::<T>(work)
        }
    })
}

/// The launch of a kernel that has a block for each row.
fn over_rows(rows: usize) -> Launch {
    Launch { grid: rows.clamp(1, 1 << 14) as u32, block: 128, shared: 0 }
}

fn scale_of<T: Real>(scale: f64) -> Argument {
    if size_of::<T>() == 8 { Argument::Double(scale) } else { Argument::Float(scale as f32) }
}

/// `softmax(scale·row)` in place.
///
/// # Safety
/// `p` has rows×columns numbers.
unsafe fn softmax<T: Real>(
    work: &mut Work<'_>,
    rows: usize,
    columns: usize,
    scale: f64,
    p: Argument,
) -> Tried<()> {
    let of = [int(rows), int(columns), scale_of::<T>(scale), p];
    // SAFETY: the arguments of the kernel in its order; the caller's promise.
    unsafe { work.session.launch(&SOURCE, typed!(T, "softmax_rows"), over_rows(rows), &of) }
}

/// dS out of dP, in its place.
///
/// # Safety
/// As [`softmax`].
unsafe fn slopes<T: Real>(
    work: &mut Work<'_>,
    rows: usize,
    columns: usize,
    scale: f64,
    p: Argument,
    ds: Argument,
) -> Tried<()> {
    let of = [int(rows), int(columns), scale_of::<T>(scale), p, ds];
    // SAFETY: as above.
    unsafe { work.session.launch(&SOURCE, typed!(T, "softmax_slopes"), over_rows(rows), &of) }
}
