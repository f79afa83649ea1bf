//! The checksum of a file, inside the file: eight hexadecimal digits of the CRC-32 of all its
//! bytes, these digits as zeros. One flipped bit changes it for sure, and so does any damage within
//! 32 bits; other damage goes unseen once in 4·10⁹.

use flate2::Crc;

/// The digits before they are known.
pub(super) const OPEN: &str = "00000000";
/// What stands before them: JSON inside a text of JSON.
const MARK: &[u8] = b"\\\"checksum\\\":\\\"";
/// The mark stands at the beginning of the first entry of the heading.
const WITHIN: usize = 256;

/// What a checksum says of its file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seal {
    /// There is none.
    Absent,
    /// The file is as it was written.
    Whole,
    /// It is not.
    Broken,
}

/// Where the digits stand.
fn place(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(WITHIN)];
    let at = head.windows(MARK.len()).position(|w| w == MARK)? + MARK.len();
    (at + OPEN.len() <= bytes.len()).then_some(at)
}

fn sum(bytes: &[u8], at: usize) -> String {
    let mut crc = Crc::new();
    for part in [&bytes[..at], OPEN.as_bytes(), &bytes[at + OPEN.len()..]] {
        crc.update(part);
    }
    format!("{:08x}", crc.sum())
}

/// Puts the checksum in its place; without one the file stays as it is.
pub(super) fn close(bytes: &mut [u8]) {
    if let Some(at) = place(bytes) {
        let digits = sum(bytes, at);
        bytes[at..at + OPEN.len()].copy_from_slice(digits.as_bytes());
    }
}

/// Holds a file against its checksum.
pub(super) fn check(bytes: &[u8]) -> Seal {
    match place(bytes) {
        None => Seal::Absent,
        Some(at) if &bytes[at..at + OPEN.len()] == sum(bytes, at).as_bytes() => Seal::Whole,
        Some(_) => Seal::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::{Seal, check, close};

    /// Every single bit counts: in the numbers, in the heading, in the digits, and in what marks
    /// them.
    #[test]
    fn any_flipped_bit_is_seen() {
        let mut bytes =
            b"\x30\0\0\0\0\0\0\0{\"about\":\"{\\\"checksum\\\":\\\"00000000\\\"}\"}".to_vec();
        bytes.extend((0..600_u32).map(|k| (k * 37) as u8));
        assert_eq!(check(&bytes), Seal::Broken);
        close(&mut bytes);
        assert_eq!(check(&bytes), Seal::Whole);
        for bit in 0..8 * bytes.len() {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(check(&bytes), Seal::Whole, "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for length in 0..bytes.len() {
            assert_ne!(check(&bytes[..length]), Seal::Whole, "{length} bytes");
        }
        assert_eq!(check(b"something else"), Seal::Absent);
    }
}
