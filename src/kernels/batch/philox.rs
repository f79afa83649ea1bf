//! Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror & Shaw, "Parallel random numbers:
//! as easy as 1, 2, 3" (SC 2011): the n-th number is a function of a key and of n, so every device,
//! thread and launch shape draws the same.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Four random words for a key and a counter.
///
/// ```
/// use mirrorflow::kernels::batch::philox::philox;
/// assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
/// ```
pub fn philox(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let (mut k, mut c) = (key, counter);
    for round in 0..ROUNDS {
        if round > 0 {
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        let product = [0, 2].map(|i| u64::from(MULTIPLIERS[i / 2]) * u64::from(c[i]));
        let (high, low) = (product.map(|p| (p >> 32) as u32), product.map(|p| p as u32));
        c = [high[1] ^ c[1] ^ k[0], low[1], high[0] ^ c[3] ^ k[1], low[0]];
    }
    c
}

/// A stream of numbers below a bound, addressed by step and place: `seed` is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    seed: u64,
}

impl Stream {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number in `0..bound` for (step, place): the high word of a 32×32-bit product (Lemire's
    /// multiply-shift), whose bias is below `bound/2³²`.
    ///
    /// ```
    /// use mirrorflow::kernels::batch::philox::Stream;
    /// let stream = Stream::new(7);
    /// assert!((0..100).all(|step| stream.below(step, 0, 40) < 40));
    /// assert_eq!(stream.below(5, 3, 40), Stream::new(7).below(5, 3, 40));
    /// ```
    pub fn below(&self, step: u64, place: u32, bound: u32) -> u32 {
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let words = philox(key, [step as u32, (step >> 32) as u32, place / 4, 0]);
        ((u64::from(words[place as usize % 4]) * u64::from(bound)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{Stream, philox};

    /// The known answers that come with Random123, the authors' implementation.
    #[test]
    fn known_answers() {
        let ones = u32::MAX;
        assert_eq!(
            philox([ones; 2], [ones; 4]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0xa409_3822, 0x299f_31d0],
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    /// Pearson's χ² over 40 cells from 40,000 draws: mean 39, standard deviation 8.8.
    #[test]
    fn draws_below_a_bound_are_uniform() {
        let stream = Stream::new(1);
        let mut counts = [0.0; 40];
        for step in 0..10_000 {
            for place in 0..4 {
                counts[stream.below(step, place, 40) as usize] += 1.0;
            }
        }
        let chi: f64 = counts.iter().map(|c| (c - 1000.0_f64).powi(2) / 1000.0).sum();
        assert!((5.0..75.0).contains(&chi), "χ² = {chi}");
    }
}
