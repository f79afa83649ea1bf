//! Z on a device, beside its transpose, so that products with either read neighbouring numbers.

use crate::kernels::device::{Call, Memory, Tried};

/// Matrices d×n, one after the other, and their transposes n×d.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrices {
    pub(super) z: Memory,
    pub(super) zt: Memory,
}

impl Matrices {
    /// Copies the matrices in `z`, any number of d×n, row-major.
    pub(super) fn upload(call: &mut Call<'_>, z: &[f64], d: usize, n: usize) -> Tried<Self> {
        let mut zt = vec![0.0; z.len()];
        for (z, zt) in z.chunks_exact(d * n).zip(zt.chunks_exact_mut(d * n)) {
            for (j, row) in z.chunks_exact(n).enumerate() {
                for (i, v) in row.iter().enumerate() {
                    zt[i * d + j] = *v;
                }
            }
        }
        Ok(Self { z: call.upload(z)?, zt: call.upload(&zt)? })
    }
}
