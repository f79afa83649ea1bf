//! Any bytes as an array inside a sound archive, so that the checksum does not hide the header.
#![no_main]

use std::io::{Cursor, Write};

use mirrorflow::io::npz;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored);
    zip.start_file("Z.npy", stored).expect("in memory");
    zip.write_all(bytes).expect("in memory");
    let archive = zip.finish().expect("in memory").into_inner();
    if let Ok(arrays) = npz::read_arrays_from(Cursor::new(archive), "fuzz.npz") {
        for array in arrays.values() {
            let count: usize = array.shape.iter().product();
            let found = array.as_f64().map(<[f64]>::len);
            assert!(found.is_none_or(|len| len == count));
        }
    }
});
