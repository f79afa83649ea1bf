//! Masks of iterative pruning stay nested: a weight that was pruned stays pruned.
//!
//! The largest magnitudes of all are among the weights kept before, since pruned ones are 0. Where
//! a method leaves fewer nonzeros than are to be kept (L1, STR, Continuous Sparsification) zeros
//! fill the count, and the order of ties does not know which of them were pruned.

/// Takes back what `now` keeps and `before` did not, and keeps as many of the others of `before`
/// instead, the first ones.
pub(super) fn nest(before: &[u8], now: &mut [u8]) {
    let mut missing = 0;
    for (before, now) in before.iter().zip(now.iter_mut()) {
        if *now == 1 && *before == 0 {
            *now = 0;
            missing += 1;
        }
    }
    let free = before.iter().zip(now).filter(|(before, now)| **before == 1 && **now == 0);
    free.take(missing).for_each(|(_, now)| *now = 1);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::nest;

    proptest! {
        #[test]
        fn a_pruned_weight_stays_pruned_and_the_count_is_exact(
            pairs in prop::collection::vec((0..2_u8, 0..2_u8), 0..60)
        ) {
            let (before, mut now): (Vec<u8>, Vec<u8>) = pairs.into_iter().unzip();
            let count = |mask: &[u8]| mask.iter().filter(|k| **k == 1).count();
            let wanted = count(&now).min(count(&before));
            let both: Vec<u8> = before.iter().zip(&now).map(|(b, n)| b & n).collect();
            nest(&before, &mut now);
            prop_assert!(now.iter().zip(&before).all(|(n, b)| n <= b));
            prop_assert!(now.iter().zip(&both).all(|(n, b)| n >= b));
            prop_assert_eq!(count(&now), wanted);
        }
    }
}
