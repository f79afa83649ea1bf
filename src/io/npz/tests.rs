use super::*;
use std::io::Cursor;

fn write(path: &Path) {
    let mut out = Writer::create(path).unwrap();
    out.f64("x", &[2, 3], &[1.0, -0.0, f64::NAN, f64::INFINITY, 5e-324, f64::MAX]).unwrap();
    out.i64("steps", &[2], &[i64::MIN, i64::MAX]).unwrap();
    out.bool("done", &[3], &[true, false, true]).unwrap();
    out.text("schedule", "geometric:0.5,1 – β").unwrap();
    out.text("empty", "").unwrap();
    out.f64("none", &[0, 4], &[]).unwrap();
    out.meta(&serde_json::json!({ "seed": 7, "version": crate::VERSION })).unwrap();
    out.finish().unwrap();
}

#[test]
fn what_is_written_reads_back_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    write(&path);
    let arrays = read_arrays(&path).unwrap();
    let names: Vec<&str> = arrays.keys().map(String::as_str).collect();
    assert_eq!(names, ["done", "empty", "meta", "none", "schedule", "steps", "x"]);
    let bits: Vec<u64> = arrays["x"].as_f64().unwrap().iter().map(|v| v.to_bits()).collect();
    let expected = [1.0, -0.0, f64::NAN, f64::INFINITY, 5e-324, f64::MAX].map(f64::to_bits);
    assert_eq!((bits.as_slice(), &arrays["x"].shape[..]), (&expected[..], &[2, 3][..]));
    assert_eq!(arrays["steps"].as_i64(), Some(&[i64::MIN, i64::MAX][..]));
    assert_eq!(arrays["done"].as_bool(), Some(&[true, false, true][..]));
    assert_eq!(arrays["schedule"].as_text().unwrap(), ["geometric:0.5,1 – β"]);
    assert_eq!(arrays["empty"].as_text().unwrap(), [""]);
    assert_eq!(arrays["none"].shape, [0, 4]);
    assert!(arrays["schedule"].shape.is_empty());
}

#[test]
fn the_same_arrays_give_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.npz"), folder.path().join("b.npz"));
    write(&a);
    write(&b);
    assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npz");
    std::fs::write(&path, "as it was").unwrap();
    let mut out = Writer::create(&path).unwrap();
    out.f64("x", &[1], &[1.0]).unwrap();
    drop(out);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "as it was");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    write(&path);
    assert!(read_arrays(&path).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o400, 0o400);
        assert_eq!(mode & 0o111, 0, "not executable: {mode:o}");
    }
}

#[test]
fn wrong_uses_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent").join("out.npz");
    let message = Writer::create(&absent).err().unwrap().to_string();
    assert!(message.contains("cannot write in the folder"), "{message}");
    assert!(Writer::create(folder.path()).is_err());
    let mut out = Writer::create(folder.path().join("o.npz")).unwrap();
    assert!(out.f64("x", &[2, 2], &[1.0]).unwrap_err().to_string().starts_with("x has shape 1 "));
    out.f64("x", &[1], &[1.0]).unwrap();
    assert!(out.f64("x", &[1], &[1.0]).unwrap_err().to_string().contains("written twice"));
    assert!(out.f64("a/b", &[1], &[1.0]).is_err());
    assert!(out.f64("", &[1], &[1.0]).is_err());
    assert!(out.text("t", "a\0b").is_err());
}

/// A zip archive with the given files, deflated.
fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for (name, bytes) in files {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn error_of(bytes: &[u8]) -> String {
    read_arrays_from(Cursor::new(bytes), "bad.npz").unwrap_err().to_string()
}

#[test]
fn damaged_archives_are_errors() {
    let mut npy = npy::header_bytes("<f8", &[4]).unwrap();
    npy.extend_from_slice(&[7; 32]);
    let good = zip_of(&[("x.npy", &npy), ("readme.txt", b"hello")]);
    let arrays = read_arrays_from(Cursor::new(&good), "good.npz").unwrap();
    assert_eq!(arrays.len(), 1, "other files are no arrays");
    for cut in 0..good.len() {
        read_arrays_from(Cursor::new(&good[..cut]), "cut.npz").unwrap_err();
    }
    assert!(error_of(b"").contains("is empty, expected an .npz archive"));
    assert!(error_of(b"1,2,3\n").contains("not a readable .npz archive"));
    // A wrong byte in the stored data is caught by the CRC.
    let mut stored = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    stored.start_file("x.npy", options).unwrap();
    stored.write_all(&npy).unwrap();
    let mut bytes = stored.finish().unwrap().into_inner();
    let data = bytes.windows(32).position(|w| w == [7; 32]).unwrap();
    bytes[data] = 8;
    assert!(error_of(&bytes).contains("checksum"), "{}", error_of(&bytes));
}

#[test]
fn a_zip_bomb_is_refused_before_it_is_unpacked() {
    // 64 MB of zeros in 64 kB: a whole array, and one whose header announces 8 bytes.
    for shape in [[1 << 23], [1]] {
        let mut npy = npy::header_bytes("<f8", &shape).unwrap();
        npy.resize(npy.len() + (64 << 20), 0);
        let bomb = zip_of(&[("x.npy", &npy)]);
        assert!(bomb.len() < 1 << 18);
        let found = error_of(&bomb);
        assert!(found.contains("decompression bomb") && found.contains("np.savez("), "{found}");
    }
    // Small ones do no harm, and data that are merely sparse are read.
    let mut small = npy::header_bytes("<f8", &[1]).unwrap();
    small.resize(8 << 20, 0);
    assert!(error_of(&zip_of(&[("x.npy", &small)])).contains("more data than its shape (1,)"));
    let mut large = npy::header_bytes("<f8", &[1 << 37]).unwrap();
    large.resize(1 << 20, 0);
    assert!(error_of(&zip_of(&[("x.npy", &large)])).contains("more than the 2147483648 bytes"));
    let mut sparse = npy::header_bytes("<f8", &[4 << 20]).unwrap();
    for k in 0u32..4 << 20 {
        let value = if k % 50 == 0 { f64::from(k).sqrt() } else { 0.0 };
        sparse.extend_from_slice(&value.to_le_bytes());
    }
    let arrays = read_arrays_from(Cursor::new(zip_of(&[("x.npy", &sparse)])), "s.npz").unwrap();
    assert_eq!(arrays["x"].as_f64().unwrap()[100], 10.0);
}

/// A disk that is full fails once, and what is given up then tries no more.
#[test]
fn a_sink_fails_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o.npz");
    let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
    let mut sink = Sink::new(Temporary::beside(&path).unwrap());
    sink.write_all(b"head").unwrap();
    assert!(sink.once(0u64, |_| full()).is_err());
    assert_eq!(sink.write(b"more").unwrap(), 4);
    assert_eq!(sink.seek(SeekFrom::Current(-6)).unwrap(), 2);
    assert_eq!(sink.seek(SeekFrom::Start(7)).unwrap(), 7);
    sink.flush().unwrap();
    // A whole archive given up at its first byte.
    let mut archive = Sink::new(Temporary::beside(&path).unwrap());
    archive.failed = true;
    let mut zip = ZipWriter::new(archive);
    zip.start_file("x.npy", SimpleFileOptions::default()).unwrap();
    zip.write_all(&[1; 1 << 17]).unwrap();
    drop(zip);
    drop(sink);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
