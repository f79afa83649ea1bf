//! Slices cut into fixed chunks for the threads.
//!
//! Elements are independent, so any cut gives the same bits. Sums are not: they are taken along a tree that
//! depends on the length alone. Chunks of [`CHUNK`] elements are its leaves; of c chunks the left branch holds
//! `2^⌈log₂ c⌉ / 2`. Which thread takes which branch changes nothing, nothing is allocated, and a
//! device that adds neighbours at distance 1, 2, 4, … walks the same tree.

/// Elements of a chunk: some 20 µs of memory traffic, long beside the cost of handing it to a thread.
pub(in crate::kernels) const CHUNK: usize = 1 << 14;

/// Slices of one length that are cut together.
pub(super) trait Split: Sized + Send {
    /// Elements.
    fn length(&self) -> usize;
    /// The first `at` elements and the rest.
    fn cut(self, at: usize) -> (Self, Self);
}

impl<T: Sync> Split for &[T] {
    fn length(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at(at)
    }
}

impl<T: Send> Split for &mut [T] {
    fn length(&self) -> usize {
        self.len()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        self.split_at_mut(at)
    }
}

/// A slice that is as long as the others or absent (empty).
pub(super) struct Maybe<S>(pub S);

impl<S: Split> Split for Maybe<S> {
    fn length(&self) -> usize {
        self.0.length()
    }
    fn cut(self, at: usize) -> (Self, Self) {
        let at = at.min(self.0.length());
        let (a, b) = self.0.cut(at);
        (Self(a), Self(b))
    }
}

macro_rules! tuples {
    ($(($($s:ident $i:tt),*))*) => {$(
        impl<$($s: Split),*> Split for ($($s,)*) {
            fn length(&self) -> usize {
                self.0.length()
            }
            fn cut(self, at: usize) -> (Self, Self) {
                let parts = ($(self.$i.cut(at),)*);
                (($(parts.$i.0,)*), ($(parts.$i.1,)*))
            }
        }
    )*};
}
tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8)
}

/// `leaf(offset, chunk)` for every chunk, joined along the tree.
pub(super) fn reduce<S: Split, R: Send>(
    parts: S,
    leaf: &(impl Fn(usize, S) -> R + Sync),
    join: &(impl Fn(R, R) -> R + Sync),
) -> R {
    reduce_from(0, parts, leaf, join)
}

fn reduce_from<S: Split, R: Send>(
    offset: usize,
    parts: S,
    leaf: &(impl Fn(usize, S) -> R + Sync),
    join: &(impl Fn(R, R) -> R + Sync),
) -> R {
    let length = parts.length();
    if length <= CHUNK {
        return leaf(offset, parts);
    }
    let at = CHUNK * (length.div_ceil(CHUNK).next_power_of_two() / 2);
    let (left, right) = parts.cut(at);
    let (left, right) = rayon::join(
        || reduce_from(offset, left, leaf, join),
        || reduce_from(offset + at, right, leaf, join),
    );
    join(left, right)
}

/// `body(chunk)` for every chunk.
pub(super) fn each<S: Split>(parts: S, body: &(impl Fn(S) + Sync)) {
    reduce(parts, &|_, part| body(part), &|(), ()| ());
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, reduce};

    #[test]
    fn the_tree_adds_neighbours_at_doubling_distances() {
        for chunks in 1..20 {
            let length = CHUNK * chunks - 5;
            let data = vec![0_u8; length];
            let tree = reduce(
                &data[..],
                &|offset, part: &[u8]| {
                    assert_eq!(part.len(), CHUNK.min(length - offset));
                    (offset / CHUNK).to_string()
                },
                &|a, b| format!("({a} {b})"),
            );
            let mut level: Vec<String> = (0..chunks).map(|c| c.to_string()).collect();
            let mut distance = 1;
            while distance < chunks {
                for i in (0..chunks).step_by(2 * distance) {
                    if i + distance < chunks {
                        level[i] = format!("({} {})", level[i], level[i + distance]);
                    }
                }
                distance *= 2;
            }
            assert_eq!(tree, level[0]);
        }
    }
}
