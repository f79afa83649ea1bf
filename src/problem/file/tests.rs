use super::*;
use crate::io::npz::Writer;
use std::path::PathBuf;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn npz(&self, fill: impl FnOnce(&mut Writer)) -> PathBuf {
        let path = self.0.path().join("p.npz");
        let mut out = Writer::create(&path).unwrap();
        fill(&mut out);
        out.finish().unwrap();
        path
    }
}

#[test]
fn all_arrays_of_the_contract_are_read() {
    let folder = Folder::new();
    let path = folder.npz(|out| {
        out.f64("Z", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        out.f64("y", &[2], &[1.0, -1.0]).unwrap();
        out.f64("m0", &[3], &[1.0, 1.0, 1.0]).unwrap();
        out.f64("w0", &[3], &[0.0, 0.5, 0.0]).unwrap();
        out.f64("x_true", &[3], &[0.0, 0.0, 2.0]).unwrap();
        out.i64("something_else", &[1], &[1]).unwrap();
    });
    let file = ProblemFile::read(&path).unwrap();
    assert_eq!(file.problem.name(), "p");
    assert_eq!(file.problem.z_rows(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(file.problem.y(), [1.0, -1.0]);
    assert_eq!(file.m0.unwrap(), [1.0; 3]);
    assert_eq!(file.w0.unwrap(), [0.0, 0.5, 0.0]);
    assert_eq!(file.problem.x_true().unwrap(), [0.0, 0.0, 2.0]);
}

#[test]
fn each_mistake_has_its_message() {
    let z = [1.0, 2.0, 3.0, 4.0];
    type Fill = Box<dyn Fn(&mut Writer)>;
    let cases: Vec<(&str, Fill)> = vec![
        (
            "has no array \"y\"; it holds X, Z, expected Z and y",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("X", &[2], &z[..2]).unwrap();
            }),
        ),
        ("has no array \"Z\"; it holds no arrays", Box::new(|_| ())),
        (
            "array \"Z\" has shape (4,), expected two axes (d, n): Z[None, :] is one sample",
            Box::new(move |o| {
                o.f64("Z", &[4], &z).unwrap();
                o.f64("y", &[4], &z).unwrap();
            }),
        ),
        (
            "array \"y\" has shape (2, 2), expected (2,), one target for each row of Z (2, 2): one target at",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[2, 2], &z).unwrap();
            }),
        ),
        (
            "array \"y\" has dtype '<U1' (text), expected real numbers",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.text("y", "1").unwrap();
            }),
        ),
        (
            "Z[1,0] is NaN, expected a finite number",
            Box::new(|o| {
                o.f64("Z", &[2, 2], &[1.0, 2.0, f64::NAN, 1.0]).unwrap();
                o.f64("y", &[2], &[1.0, 2.0]).unwrap();
            }),
        ),
        (
            "array \"y\" has shape (3,), expected (2,), one target for each row of Z (2, 2)",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[3], &z[..3]).unwrap();
            }),
        ),
        (
            "array \"m0\" has shape (3,), expected (2,), one entry for each column of Z",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[2], &z[..2]).unwrap();
                o.f64("m0", &[3], &z[..3]).unwrap();
            }),
        ),
        (
            "w0[1] is inf, expected a finite number",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[2], &z[..2]).unwrap();
                o.f64("w0", &[2], &[0.0, f64::INFINITY]).unwrap();
            }),
        ),
        (
            "Z has shape (0, 2), expected (d, n) with d >= 1",
            Box::new(|o| {
                o.f64("Z", &[0, 2], &[]).unwrap();
                o.f64("y", &[0], &[]).unwrap();
            }),
        ),
    ];
    let folder = Folder::new();
    for (why, fill) in cases {
        let path = folder.npz(fill);
        let found = ProblemFile::read(&path).unwrap_err().to_string();
        assert!(found.starts_with(&format!("{}: ", path.display())), "{found}");
        assert!(found.contains(why), "expected {why:?} in {found:?}");
    }
}

#[test]
fn endings_and_absent_files() {
    let folder = Folder::new();
    let text = |name: &str| ProblemFile::read(folder.0.path().join(name)).unwrap_err().to_string();
    assert!(text("absent.npz").contains("No such file") || cfg!(windows));
    assert!(text("absent.mat").contains("is a MATLAB file, expected .npz or .csv; convert it"));
    assert!(text("absent.npy").contains("np.savez("));
    assert!(text("absent").contains("unknown ending"));
    let path = folder.0.path().join("upper.CSV");
    std::fs::write(&path, "1,2\n").unwrap();
    assert_eq!(ProblemFile::read(&path).unwrap().problem.y(), [2.0]);
}

/// An archive of `.npy` files with these types, orders, shapes and data.
fn archive(arrays: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, descr, shape, data) in arrays {
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(&npy::header_bytes(descr, shape).unwrap()).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn read_archive(
    arrays: &[(&str, &str, &[usize], Vec<u8>)],
) -> std::result::Result<ProblemFile, String> {
    let bytes = archive(arrays);
    ProblemFile::read_npz_from(std::io::Cursor::new(bytes), "p.npz").map_err(|e| e.to_string())
}

#[test]
fn npz_integers_halves_and_truth_values_are_read() {
    // Z = [[1, 2], [0, 1]], y = (1, 0) in every type that holds them.
    type Written = fn(u8) -> Vec<u8>;
    let types: [(&str, Written); 12] = [
        ("|i1", |v| vec![v]),
        ("|u1", |v| vec![v]),
        ("<i2", |v| i16::from(v).to_le_bytes().into()),
        (">u2", |v| u16::from(v).to_be_bytes().into()),
        ("<i4", |v| i32::from(v).to_le_bytes().into()),
        ("<u4", |v| u32::from(v).to_le_bytes().into()),
        ("<i8", |v| i64::from(v).to_le_bytes().into()),
        (">i8", |v| i64::from(v).to_be_bytes().into()),
        ("<u8", |v| u64::from(v).to_le_bytes().into()),
        ("<f2", |v| [0u16, 0x3c00, 0x4000][usize::from(v)].to_le_bytes().into()),
        ("<f4", |v| f32::from(v).to_le_bytes().into()),
        (">f8", |v| f64::from(v).to_be_bytes().into()),
    ];
    for (descr, spell) in types {
        let all = |values: &[u8]| -> Vec<u8> { values.iter().flat_map(|v| spell(*v)).collect() };
        let file = read_archive(&[
            ("Z", descr, &[2, 2], all(&[1, 2, 0, 1])),
            ("y", descr, &[2], all(&[1, 0])),
        ]);
        let problem = file.unwrap_or_else(|e| panic!("{descr}: {e}")).problem;
        assert_eq!(problem.z_rows(), [1.0, 2.0, 0.0, 1.0], "{descr}");
        assert_eq!(problem.y(), [1.0, 0.0], "{descr}");
    }
    let file = read_archive(&[("Z", "|b1", &[1, 2], vec![1, 0]), ("y", "|b1", &[1], vec![1])]);
    assert_eq!(file.unwrap().problem.z_rows(), [1.0, 0.0]);
}

#[test]
fn npz_columns_rows_and_scalars_are_vectors() {
    let ones = |n: usize| -> Vec<u8> { vec![1; n] };
    for shape in [&[2][..], &[2, 1], &[1, 2]] {
        let file = read_archive(&[
            ("Z", "|i1", &[2, 3], ones(6)),
            ("y", "|i1", shape, vec![3, 4]),
            ("m0", "|i1", &[], vec![2]),
            ("w0", "|i1", &[3, 1], ones(3)),
        ])
        .unwrap();
        assert_eq!(file.problem.y(), [3.0, 4.0], "{shape:?}");
        assert_eq!((file.m0.unwrap(), file.w0.unwrap()), (vec![2.0; 3], vec![1.0; 3]));
    }
    let file = read_archive(&[("Z", "|i1", &[1, 3], ones(3)), ("y", "|i1", &[], vec![3])]).unwrap();
    assert_eq!(file.problem.y(), [3.0]);
    // A vector of another length is none of these; neither is the planted truth a scalar.
    for (name, shape, data) in
        [("m0", &[1][..], 1), ("m0", &[2], 2), ("x_true", &[], 1), ("w0", &[3, 3], 9)]
    {
        let arrays = [
            ("Z", "|i1", &[2, 3][..], ones(6)),
            ("y", "|i1", &[2], ones(2)),
            (name, "|i1", shape, ones(data)),
        ];
        let found = read_archive(&arrays).unwrap_err();
        assert!(found.contains("expected (3,), one entry for each column of Z"), "{found}");
    }
    let turned = read_archive(&[("Z", "|i1", &[2, 3], ones(6)), ("y", "|i1", &[3], ones(3))]);
    assert!(turned.unwrap_err().contains("does Z=Z.T fit?"));
}

#[test]
fn npz_refuses_other_types_with_the_conversion() {
    for (descr, bytes, how) in [
        ("<c16", 16, "a['Z'] = a['Z'].real;"),
        ("|O", 8, "allow_pickle=True"),
        ("<U1", 4, "a['Z'] = a['Z'].astype(float);"),
        ("<f16", 16, "a['Z'] = a['Z'].astype(float);"),
        ("<V2", 2, "a['Z'] = a['Z'].astype('f4');"),
        ("<M8[ns]", 8, "astype('i8')"),
    ] {
        let found =
            read_archive(&[("Z", descr, &[1, 1], vec![0; bytes]), ("y", "<f8", &[1], vec![0; 8])]);
        let found = found.unwrap_err();
        assert!(found.contains(&format!("array \"Z\" has dtype '{descr}'")), "{found}");
        assert!(found.contains(how) && found.contains("np.savez('OUT.npz', **a)"), "{found}");
        assert_eq!(found.matches("expected").count(), 1, "{found}");
    }
}

#[test]
fn a_declared_size_that_memory_cannot_hold_takes_none() {
    // 2 GiB and 1 TB announced, 8 bytes there.
    for shape in [&[1 << 14, 1 << 14][..], &[1 << 20, 1 << 17]] {
        let arrays = [("y", "<f8", &[shape[0]][..], vec![]), ("Z", "<f8", shape, vec![0; 8])];
        let found = read_archive(&arrays).unwrap_err();
        let known =
            ["ends after 8 of", "more than the", "needs "].iter().any(|w| found.contains(w));
        assert!(known, "{found}");
    }
    let bytes = std::io::Cursor::new(b"\x93NUMPY\x01\x00".to_vec());
    let found = ProblemFile::read_npz_from(bytes, "p.npz").unwrap_err().to_string();
    assert!(found.contains("is one NumPy array"), "{found}");
}
