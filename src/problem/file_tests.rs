use super::super::npz::Writer;
use super::*;
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
            "array \"Z\" has shape (4,), expected two axes (d, n)",
            Box::new(move |o| {
                o.f64("Z", &[4], &z).unwrap();
                o.f64("y", &[4], &z).unwrap();
            }),
        ),
        (
            "array \"y\" has shape (2, 1), expected one axis",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[2, 1], &z[..2]).unwrap();
            }),
        ),
        (
            "array \"y\" has dtype '<i8', expected float32 or float64",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.i64("y", &[2], &[1, 2]).unwrap();
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
            "y has shape (3), expected (2), one target for each row of Z (2, 2)",
            Box::new(move |o| {
                o.f64("Z", &[2, 2], &z).unwrap();
                o.f64("y", &[3], &z[..3]).unwrap();
            }),
        ),
        (
            "m0 has shape (3), expected (2), one entry for each column of Z",
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
    assert!(text("absent.mat").contains("unknown ending, expected .npz or .csv"));
    assert!(text("absent").contains("unknown ending"));
    let path = folder.0.path().join("upper.CSV");
    std::fs::write(&path, "1,2\n").unwrap();
    assert_eq!(ProblemFile::read(&path).unwrap().problem.y(), [2.0]);
}
