//! `mirrorflow figures` as its users meet it: the real binary on small runs and on data files.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

fn mirrorflow(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
        .current_dir(folder)
        .env("RAYON_NUM_THREADS", "2")
        .args(arguments)
        .output()
        .expect("the binary runs")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Every file of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path());
    entries
        .map(|p| {
            let name = p.file_name().expect("a name").to_string_lossy().into_owned();
            (name, fs::read(&p).expect("readable"))
        })
        .collect()
}

fn drawn(folder: &Path, arguments: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let output = mirrorflow(folder, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
    assert!(output.stderr.is_empty(), "no progress into a pipe: {output:?}");
    let out = arguments.iter().position(|a| *a == "--out").expect("--out");
    files(&folder.join(arguments[out + 1]))
}

#[test]
fn redrawn_figures_are_the_same_to_the_byte() {
    let folder = folder();
    let first = drawn(folder.path(), &["figures", "--quick", "--out", "first"]);
    // 11 figures in five formats, the page and its statements; nothing half written.
    assert_eq!(first.len(), 11 * 5 + 2, "{:?}", first.keys());
    let again = drawn(folder.path(), &["figures", "--from", "first", "--out", "again"]);
    for (name, bytes) in &first {
        // The page and figures.json name the command, which differs.
        if !name.starts_with("figures.") {
            assert!(again[name] == *bytes, "{name} differs");
        }
    }
    // The table alone is enough.
    fs::create_dir(folder.path().join("tables")).expect("a folder");
    for name in first.keys().filter(|n| n.ends_with(".csv")) {
        fs::copy(folder.path().join("first").join(name), folder.path().join("tables").join(name))
            .expect("copied");
    }
    let tables = drawn(folder.path(), &["figures", "--from", "tables", "--out", "third"]);
    assert!(again == tables);
    let page = String::from_utf8(first["figures.html"].clone()).expect("text");
    // The six that are two columns wide are there a second time for narrow screens.
    assert_eq!(page.matches("<svg").count(), 11 + 6);
    assert_eq!(page.matches("class=\"box narrow\"").count(), 6);
    assert!(page.contains("mirrorflow figures fig1a --quick"));
    let linked =
        page.match_indices("http").all(|(at, _)| page[at..].starts_with("http://www.w3.org"));
    assert!(linked, "nothing is fetched");
    fonts_are_embedded(&folder.path().join("first/fig4.pdf"));
}

/// What `pdffonts` says of every font of a file, where it is installed.
fn fonts_are_embedded(pdf: &Path) {
    let Ok(output) = Command::new("pdffonts").arg(pdf).output() else {
        eprintln!(
            "NOTICE: pdffonts is not installed; the fonts of {} are not checked",
            pdf.display()
        );
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let fonts: Vec<&str> = text.lines().skip(2).collect();
    assert!(!fonts.is_empty(), "{text}");
    for font in fonts {
        // Columns from the right: object (2), uni, sub, emb.
        let columns: Vec<&str> = font.split_whitespace().rev().collect();
        assert_eq!(columns[4], "yes", "{text}");
        assert!(font.contains("MirrorflowMath"), "{text}");
    }
}

#[test]
fn the_seed_decides_and_the_threads_do_not() {
    let folder = folder();
    let run = |seed: &str, threads: &str, out: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_mirrorflow"))
            .current_dir(folder.path())
            .env("RAYON_NUM_THREADS", threads)
            .args(["figures", "fig1a", "fig5", "l1-path", "--quick", "--seed", seed, "--out", out])
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        files(&folder.path().join(out))
    };
    let one = run("1", "1", "a");
    assert!(one == run("1", "3", "b"));
    assert!(one["fig5.npz"] != run("2", "1", "c")["fig5.npz"]);
}

#[test]
fn figures_come_from_data_files_of_any_origin() {
    let folder = folder();
    fs::create_dir(folder.path().join("mine")).expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join("mine").join(name), text).expect("written");
    };
    write(
        "sparsity.csv",
        "panel,series,x,y,low,high\nLeNet,dense,0.5,97,96,98\nLeNet,dense,0.9,80,78,82\n\
         LeNet,\"ours, $\\beta = 1$\",0.5,98,97.5,98.5\nLeNet,\"ours, $\\beta = 1$\",0.9,95,94,96\n",
    );
    write("scaling.csv", "series,x,y\nladder,100,0.1\nladder,1000,3.2\n");
    write("work-precision.csv", "series,x,y\na,1e-3,0.1\na,1e-9,0.4\nb,1e-2,1\n");
    let files = drawn(folder.path(), &["figures", "--from", "mine", "--out", "out"]);
    for name in ["sparsity.svg", "scaling.pdf", "work-precision.png", "sparsity.npz"] {
        assert!(files.contains_key(name), "{name}");
    }
    let json = String::from_utf8(files["figures.json"].clone()).expect("text");
    assert!(json.contains("most accurate"), "{json}");
    // What made the data is not made up.
    let page = String::from_utf8(files["figures.html"].clone()).expect("text");
    assert!(page.contains("Data from elsewhere") && !page.contains("Made by"));
}

#[test]
fn wrong_usage_is_one_line_and_code_2() {
    let folder = folder();
    let write =
        |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).expect("written");
    write("file", b"");
    for name in ["bad", "empty", "sparse"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    write("bad/fig1a.npz", b"PK nothing");
    write("bad/sparsity.csv", b"series,x,y\ndense,1.5,90\n");
    write("sparse/fig1a.csv", b"series,x,y\nsomething,1,2\n");
    let cases: [(&[&str], &str); 9] = [
        (&["figures", "fig9"], "one of fig1a"),
        (&["figures", "sparsity"], "--from DIR"),
        (&["figures", "--from", "empty"], "holds no figure data"),
        (&["figures", "--from", "nowhere"], "holds no figure data"),
        (&["figures", "fig1a", "--from", "empty"], "neither fig1a.npz nor fig1a.csv"),
        (&["figures", "fig1a", "--from", "bad"], "fig1a.npz"),
        (&["figures", "sparsity", "--from", "bad"], "expected a sparsity"),
        (&["figures", "fig1a", "--from", "sparse"], "expected curves of PILoT"),
        (&["figures", "fig1c", "--out", "file"], "cannot be written"),
    ];
    for (arguments, part) in cases {
        let mut arguments = arguments.to_vec();
        if !arguments.contains(&"--out") {
            arguments.extend(["--out", "out"]);
        }
        let output = mirrorflow(folder.path(), &arguments);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {line}");
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains(part), "{line}");
        let left = fs::read_dir(folder.path().join("out")).map_or(0, |d| d.count());
        assert_eq!(left, 0, "nothing is left behind by {arguments:?}");
    }
}

#[test]
fn the_list_names_every_figure() {
    let folder = folder();
    let output = mirrorflow(folder.path(), &["figures", "--list"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), 16, "{text}");
    assert!(text.contains("sparsity") && text.contains("--from DIR"), "{text}");
}
