//! Malformed input to the readers and to the schedule grammar: an error or a valid value, never a
//! panic, and in time. The files under `tests/corpus/` and mutations of them are read; the fuzz
//! targets in `fuzz/` start from the same files.
//!
//! `MIRRORFLOW_FUZZ_SECONDS=600 cargo test --release --test malformed` mutates for that long.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use mirrorflow::schedule::Schedule;
use mirrorflow::{io::npz, problem::ProblemFile};
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn corpus(kind: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(kind);
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the corpus is part of the repository")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (path.display().to_string(), fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    files
}

fn is_good(path: &str) -> bool {
    Path::new(path).file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with("good"))
}

/// Reads as an archive; true if it holds a valid problem.
fn read_npz(bytes: &[u8]) -> bool {
    if let Ok(arrays) = npz::read_arrays_from(Cursor::new(bytes), "test.npz") {
        for array in arrays.values() {
            let count = array.shape.iter().product::<usize>();
            let lengths = [
                array.as_f64().map(<[f64]>::len),
                array.as_i64().map(<[i64]>::len),
                array.as_bool().map(<[bool]>::len),
                array.as_text().map(<[String]>::len),
            ];
            assert_eq!(lengths.into_iter().flatten().collect::<Vec<_>>(), [count]);
        }
    }
    match ProblemFile::read_npz_from(Cursor::new(bytes), "test.npz") {
        Ok(file) => {
            let (problem, n) = (&file.problem, file.problem.features());
            assert_eq!(problem.z_rows().len(), problem.samples() * n);
            for values in [Some(problem.z_rows()), Some(problem.y()), problem.x_true()] {
                assert!(values.into_iter().flatten().all(|v| v.is_finite()));
            }
            assert!(file.m0.is_none_or(|m| m.len() == n) && file.w0.is_none_or(|w| w.len() == n));
            true
        }
        Err(error) => told(&error),
    }
}

/// Errors are one line and name the file.
fn told(error: &mirrorflow::Error) -> bool {
    let text = error.to_string();
    assert!(text.starts_with("test.") && !text.contains('\n'), "{text:?}");
    false
}

/// The bytes as the array `Z` of a sound archive: the checksum must not hide the header from tests.
fn read_npy(bytes: &[u8]) -> bool {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("Z.npy", bytes), ("y.npy", &one_target()[..])] {
        zip.start_file(name, stored).expect("in memory");
        zip.write_all(bytes).expect("in memory");
    }
    read_npz(&zip.finish().expect("in memory").into_inner())
}

/// `y` of length 1 as an `.npy` file.
fn one_target() -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }";
    bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(&1f64.to_le_bytes());
    bytes
}

fn read_csv(bytes: &[u8]) -> bool {
    match ProblemFile::read_csv_from(bytes, "test.csv") {
        Ok(file) => {
            let problem = file.problem;
            assert_eq!(problem.z_rows().len(), problem.samples() * problem.features());
            assert!(problem.z_rows().iter().chain(problem.y()).all(|v| v.is_finite()));
            true
        }
        Err(error) => told(&error),
    }
}

fn read_schedule(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    match text.parse::<Schedule>() {
        Ok(schedule) => {
            assert_eq!(schedule.to_string().parse::<Schedule>().expect("its own text"), schedule);
            for t in [0.0, 1e-300, 0.5, 1e9, f64::MAX, f64::INFINITY] {
                assert!(schedule.alpha(t) >= 0.0 && schedule.integral(t) >= 0.0, "{text:?} {t}");
            }
            assert!(schedule.breakpoints().is_sorted());
            true
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.starts_with("cannot read schedule") && !told.contains('\n'), "{told:?}");
            false
        }
    }
}

type Reader = fn(&[u8]) -> bool;
const READERS: [(&str, Reader); 4] =
    [("npz", read_npz), ("npy", read_npy), ("csv", read_csv), ("schedule", read_schedule)];

/// Files named `good…` are read, all others are errors.
#[test]
fn the_corpus_is_told_apart() {
    for (kind, read) in READERS {
        for (name, bytes) in corpus(kind) {
            assert_eq!(read(&bytes), is_good(&name), "{name}");
        }
    }
}

/// A few random edits of a file: bytes changed, cut, repeated, moved in from another file.
fn mutate(files: &[(String, Vec<u8>)], rng: &mut ChaCha8Rng) -> Vec<u8> {
    const TOKENS: [&[u8]; 12] = [
        b"-1",
        b"1e999",
        b"nan",
        b"(",
        b",",
        b"=",
        b":",
        b"99999999999999999999",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"'",
        b"\n",
    ];
    // Half of the time a valid file: from the others one seldom reaches the end of a reader.
    let good: Vec<usize> = (0..files.len()).filter(|k| is_good(&files[*k].0)).collect();
    let start = if rng.random() {
        good[rng.random_range(0..good.len())]
    } else {
        rng.random_range(0..files.len())
    };
    let mut bytes = files[start].1.clone();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        let to = rng.random_range(at..=bytes.len().min(at + 40));
        match rng.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random(),
            2 => drop(bytes.drain(at..to)),
            3 => {
                let piece = bytes[at..to].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => {
                let token = TOKENS[rng.random_range(0..TOKENS.len())];
                let end = if rng.random() { at } else { (at + token.len()).min(bytes.len()) };
                bytes.splice(at..end, token.iter().copied());
            }
            _ => {
                let other = &files[rng.random_range(0..files.len())].1;
                let from = rng.random_range(0..=other.len());
                let until = rng.random_range(from..=other.len().min(from + 60));
                bytes.splice(at..to, other[from..until].iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn mutations_of_the_corpus_end_in_an_error_or_a_valid_value() {
    let seconds: Option<f64> =
        std::env::var("MIRRORFLOW_FUZZ_SECONDS").ok().and_then(|s| s.parse().ok());
    for (kind, read) in READERS {
        let files = corpus(kind);
        let (start, mut round) = (Instant::now(), 0u64);
        let (mut accepted, mut slowest) = (0u64, Duration::ZERO);
        loop {
            let done = match seconds {
                Some(seconds) => start.elapsed().as_secs_f64() >= seconds / 4.0,
                None => round >= 3000,
            };
            if done {
                break;
            }
            let bytes = mutate(&files, &mut ChaCha8Rng::seed_from_u64(round));
            let begin = Instant::now();
            match std::panic::catch_unwind(|| read(&bytes)) {
                Ok(valid) => accepted += u64::from(valid),
                Err(_) => panic!("{kind}, round {round}: {}", bytes.escape_ascii()),
            }
            slowest = slowest.max(begin.elapsed());
            round += 1;
        }
        eprintln!("{kind}: {round} mutations, {accepted} valid, slowest {slowest:?}");
        // The mutations must reach past the first check, or they test nothing.
        assert!(accepted > 0, "{kind}");
        assert!(slowest < Duration::from_secs(5), "{kind}: {slowest:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for (_, read) in READERS {
            read(&bytes);
        }
    }

    #[test]
    fn any_text(text in "\\PC{0,80}") {
        read_csv(text.as_bytes());
        read_schedule(text.as_bytes());
    }

    #[test]
    fn text_near_the_grammar(text in "(none|constant|harmonic|quadratic|geometric|switch|piecewise)?:?([0-9.,=eE+-]|inf|nan| ){0,24}") {
        read_schedule(text.as_bytes());
    }
}
