//! Sums of columns on arrays, and how the sums of norms are cut into chunks.

use super::host;
use crate::{
    Result,
    kernels::{
        array::{
            View, ViewMut,
            home::{both, typed},
        },
        check::same_length,
        device::{Argument, Source, int, long},
        network::Real,
    },
};

/// The kernels of sums of columns.
pub static SOURCE: Source = Source {
    name: "columns",
    text: include_str!("device.cu"),
    kernels: both!([], "column_parts", "column_fold"),
};

/// Chunks of a sum over pixels, at most, and pixels of one, at least.
const CHUNKS: usize = 512;
const PIXELS: usize = 16;

/// Sums over pixels (or rows) of each channel, in chunks.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernels::network::norm) struct Sums {
    pixels: usize,
    channels: usize,
    chunk: usize,
}

impl Sums {
    pub(in crate::kernels::network::norm) fn of(numbers: usize, channels: usize) -> Self {
        let pixels = numbers / channels.max(1);
        Self { pixels, channels, chunk: pixels.div_ceil(CHUNKS).max(PIXELS) }
    }

    pub(in crate::kernels::network::norm) fn chunks(self) -> usize {
        self.pixels.div_ceil(self.chunk)
    }

    /// One for each chunk and channel.
    pub(in crate::kernels::network::norm) fn items(self) -> usize {
        self.chunks() * self.channels
    }

    /// Bytes of two doubles for each.
    pub(in crate::kernels::network::norm) fn bytes(self) -> usize {
        16 * self.items()
    }

    pub(in crate::kernels::network::norm) fn arguments(self) -> [Argument; 3] {
        [long(self.pixels), int(self.channels), long(self.chunk)]
    }
}

/// The sums of the columns: [`host::column_sums`].
///
/// # Errors
/// As there, when the places disagree, or the device fails.
pub fn sums<T: Real>(a: View<'_, T>, to: ViewMut<'_, T>) -> Result<()> {
    let Some(on) = to.session() else {
        return host::column_sums(a.host()?, to.host()?);
    };
    let columns = to.len();
    same_length(
        "the last row of a sum of columns",
        a.len() % columns.max(1),
        "whole rows leave",
        0,
    )?;
    let of = Sums::of(a.len(), columns);
    let (a, to) = (a.at(on)?, to.at(on)?);
    on.work(of.bytes(), |work| {
        let parts = Argument::Memory(work.scratch);
        let [p, c, k] = of.arguments();
        // SAFETY: as above.
        unsafe {
            let arguments = [p, c, k, a, parts];
            work.over(&SOURCE, typed!(T, "column_parts"), of.items(), &arguments)?;
            let arguments = [int(columns), int(of.chunks()), int(columns), parts, to];
            work.over(&SOURCE, typed!(T, "column_fold"), columns, &arguments)
        }
    })
}
