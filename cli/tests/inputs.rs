//! What people give the command to read, and what it must not write over: the real binary.

use std::{
    path::Path,
    process::{Command, Output},
};

use mirrorflow::io::npz::{Writer, read_arrays};

fn mirrorflow(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Solves the file and gives ‖x‖₁ of its L1 minimum, with what was said of the file.
fn minimum(folder: &Path, name: &str) -> (f64, String) {
    let output = mirrorflow(folder, &["solve", name, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    (value["l1"]["l1"].as_f64().expect("a number"), stderr(&output))
}

fn refused(folder: &Path, arguments: &[&str], part: &str) {
    let output = mirrorflow(folder, arguments);
    let line = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    assert!(line.lines().count() == 1 && line.contains(part), "{arguments:?}: {line}");
}

#[test]
fn csv_rows_of_every_spelling_have_the_same_minimum() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    for (name, text, said) in [
        ("cr.csv", "1,1,0,1\r0,1,1,1\r", ""),
        (
            "integer-header.csv",
            "0,1,2,3\n1,1,0,1\n0,1,1,1\n",
            "line 1 (\"0,1,2,3\") is taken for the header",
        ),
        (
            "index.csv",
            ",a,b,c,y\n0,1,1,0,1\n1,0,1,1,1\n",
            "column 1 has no name and counts the rows",
        ),
        ("target.csv", "a,y,b,c\n1,1,1,0\n0,1,1,1\n", "column 2 is the target"),
        (
            "semicolons.csv",
            "a;b;c;y\n1,0;1;0;1,0\n0;1,0;1;1\n",
            "commas are read as decimal points",
        ),
        ("tabs.csv", "1\t1\t0\t1\n0\t1\t1\t1\n", ""),
    ] {
        std::fs::write(path.join(name), text).expect("writable");
        let (l1, notes) = minimum(path, name);
        assert!((l1 - 1.0).abs() < 1e-9, "{name}: {l1}");
        assert!(notes.contains(said) && notes.is_empty() == said.is_empty(), "{name}: {notes}");
    }
}

#[test]
fn csv_cells_and_encodings_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("1,2\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for (name, bytes, part) in [
        ("na.csv", b"a,b,y\n1,2,3\n#N/A,5,6\n".to_vec(), "line 3, column 1 (\"a\"): \"#N/A\""),
        ("utf16.csv", utf16, "is UTF-16 text, expected UTF-8"),
        ("words.csv", b"a,city,y\n1,Ulm,3\n2,Bonn,4\n".to_vec(), "column 2 (\"city\"): \"Ulm\""),
        ("spaces.csv", b"1 2\n3 4\n".to_vec(), "separated by spaces"),
        ("index.csv", b",a,y\nx,2,3\nz,5,6\n".to_vec(), "column 1 has no name"),
        ("array.npy", b"\x93NUMPY".to_vec(), "is one NumPy array"),
        ("array.npz", b"\x93NUMPY\x01\x00".to_vec(), "is one NumPy array"),
        ("old.mat", b"MATLAB 5.0 MAT-file".to_vec(), "io.loadmat('old.mat')"),
        ("sheet.xlsx", b"PK\x03\x04".to_vec(), "pd.read_excel('sheet.xlsx')"),
    ] {
        std::fs::write(path.join(name), bytes).expect("writable");
        refused(path, &["solve", name], part);
    }
}

#[test]
fn npz_of_integers_a_column_and_a_scalar_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let mut out = Writer::create(path.join("p.npz")).expect("writable");
    out.i64("Z", &[2, 3], &[1, 1, 0, 0, 1, 1]).expect("written");
    out.bool("y", &[2, 1], &[true, true]).expect("written");
    out.f64("m0", &[], &[2.0]).expect("written");
    out.finish().expect("written");
    let (l1, notes) = minimum(path, "p.npz");
    assert!((l1 - 1.0).abs() < 1e-9 && notes.is_empty(), "{l1} {notes}");
}

#[test]
fn an_npz_that_is_cut_off_is_told_from_one_that_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let mut out = Writer::create(path.join("p.npz")).expect("writable");
    out.f64("Z", &[1, 2], &[1.0, 2.0]).expect("written");
    out.f64("y", &[1], &[1.0]).expect("written");
    out.finish().expect("written");
    let whole = std::fs::read(path.join("p.npz")).expect("there");
    for length in [4, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(path.join("cut.npz"), &whole[..length]).expect("writable");
        refused(path, &["solve", "cut.npz"], "is cut off or damaged");
    }
    std::fs::write(path.join("empty.npz"), b"").expect("writable");
    refused(path, &["solve", "empty.npz"], "empty.npz: is empty");
    std::fs::write(path.join("text.npz"), b"1,2,3\n").expect("writable");
    refused(path, &["solve", "text.npz"], "is not a readable .npz archive");
}

/// What is wrong with a start is said with the file that it is in.
#[test]
fn a_start_that_cannot_be_names_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for (m0, w0, part) in [
        ([1.0, 1.0], [2.0, 0.0], "s.npz: m0[0] is 1, expected at least |w0[0]| = 2"),
        ([1.0, 1.0], [0.0, 1.0], "s.npz: beta[1]"),
        ([1.0, f64::NAN], [0.0, 0.0], "s.npz: m0[1] is NaN"),
    ] {
        let mut out = Writer::create(folder.path().join("s.npz")).expect("writable");
        out.f64("Z", &[1, 2], &[1.0, 2.0]).expect("written");
        out.f64("y", &[1], &[1.0]).expect("written");
        out.f64("m0", &[2], &m0).expect("written");
        out.f64("w0", &[2], &w0).expect("written");
        out.finish().expect("written");
        refused(folder.path(), &["solve", "s.npz"], part);
    }
}

/// A small file that unpacks to zeros by the hundred megabytes is refused before it does.
#[test]
fn a_file_of_zeros_is_refused_before_it_is_unpacked() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(folder.path().join("z.npz")).expect("writable");
    let mut zip = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default();
    for (name, shape, count) in [("Z", "(64, 262144)", 64 * 262_144), ("y", "(64,)", 64)] {
        zip.start_file(format!("{name}.npy"), options).expect("begun");
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        zip.write_all(b"\x93NUMPY\x01\x00").expect("written");
        zip.write_all(&(header.len() as u16).to_le_bytes()).expect("written");
        zip.write_all(header.as_bytes()).expect("written");
        for _ in 0..count / 64 {
            zip.write_all(&[0; 512]).expect("written");
        }
    }
    zip.finish().expect("written");
    let size = std::fs::metadata(folder.path().join("z.npz")).expect("there").len();
    assert!(size < 1 << 18, "{size}");
    refused(folder.path(), &["solve", "z.npz"], "like a decompression bomb");
}

const P: &str = "a,b,c,y\n1,0,1,1\n0,1,1,1\n";

/// `solve`, `path`, `flow` and `descend`, to be given an output.
fn commands(input: &str) -> [Vec<String>; 4] {
    let words = |text: &str| text.split(' ').map(str::to_string).collect();
    [
        words(&format!("solve {input}")),
        words(&format!("path {input} --points 3")),
        words(&format!("flow {input} --t-end 1")),
        words(&format!("descend {input} --step 0.1 --steps 5")),
    ]
}

#[test]
fn an_output_that_is_the_input_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let mut out = Writer::create(path.join("p.npz")).expect("writable");
    out.f64("Z", &[2, 3], &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]).expect("written");
    out.f64("y", &[2], &[1.0, 1.0]).expect("written");
    out.finish().expect("written");
    std::fs::create_dir(path.join("sub")).expect("a folder");
    std::fs::hard_link(path.join("p.npz"), path.join("hard.npz")).expect("a link");
    let mut names =
        vec!["p.npz".to_string(), "./p.npz".into(), "sub/../p.npz".into(), "hard.npz".into()];
    names.push(path.join("p.npz").display().to_string());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("p.npz", path.join("soft.npz")).expect("a link");
        std::os::unix::fs::symlink(".", path.join("here")).expect("a link");
        names.extend(["soft.npz".to_string(), "here/p.npz".into()]);
    }
    let before = std::fs::read(path.join("p.npz")).expect("there");
    for command in commands("p.npz") {
        for name in &names {
            let mut arguments: Vec<&str> = command.iter().map(String::as_str).collect();
            arguments.extend(["--out", name]);
            refused(path, &arguments, "is the problem file p.npz itself: choose another name");
        }
    }
    assert_eq!(std::fs::read(path.join("p.npz")).expect("there"), before);
    // And the other way round: the input by another name.
    refused(path, &["solve", "hard.npz", "--out", "p.npz"], "is the problem file hard.npz itself");
    // A copy is another file.
    std::fs::copy(path.join("p.npz"), path.join("copy.npz")).expect("copied");
    let output = mirrorflow(path, &["solve", "p.npz", "--out", "copy.npz"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(read_arrays(path.join("copy.npz")).expect("readable").contains_key("x_limit"));
}

/// A limit on the size of files, as a disk that fills up while the output is written.
#[cfg(unix)]
#[test]
fn a_full_disk_is_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    std::fs::write(path.join("p.csv"), P).expect("writable");
    std::fs::write(path.join("o.npz"), "as it was").expect("writable");
    let script = "ulimit -f 8; exec \"$0\" flow p.csv --t-end 3000 --times \"$1\" --out o.npz";
    let times: Vec<String> = (1..3000).map(|k| k.to_string()).collect();
    let output = Command::new("sh")
        .current_dir(path)
        .args(["-c", script, env!("CARGO_BIN_EXE_mirrorflow"), &times.join(",")])
        .output()
        .expect("a shell");
    let line = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(line.lines().count() == 1 && line.contains("o.npz: "), "{line}");
    assert_eq!(std::fs::read(path.join("o.npz")).expect("there"), b"as it was");
    assert_eq!(std::fs::read_dir(path).expect("the folder").count(), 2, "nothing else is left");
    // Standard output on a full disk.
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
            .current_dir(path)
            .args(["solve", "p.csv"])
            .stdout(full)
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{output:?}");
    }
}
