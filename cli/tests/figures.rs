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

/// The labels of a picture, and the files of its folder, drawn from one data file.
fn pictured(name: &str, csv: &str) -> (String, BTreeMap<String, Vec<u8>>) {
    let folder = folder();
    fs::create_dir(folder.path().join("in")).expect("a folder");
    fs::write(folder.path().join("in").join(format!("{name}.csv")), csv).expect("written");
    let files = drawn(folder.path(), &["figures", "--from", "in", "--out", "out"]);
    let svg = String::from_utf8(files[&format!("{name}.svg")].clone()).expect("text");
    let body = svg.split("</title>").last().unwrap_or_default();
    // What stands between the marks of a text, piece by piece.
    let pieces = body.split("<tspan").skip(1).filter_map(|t| t.split(['>', '<']).nth(1));
    (format!(" {} ", pieces.collect::<Vec<_>>().join(" ")), files)
}

/// What stands at the ticks are sparsities, never what is kept, however few the points.
#[test]
fn an_axis_of_sparsities_is_labelled_with_sparsities() {
    for (points, ticks) in [
        ("A,0.9,90\n", &["90"][..]),
        ("A,0.8,90\nA,0.85,89\n", &["80", "85"]),
        ("A,0.87,90\n", &["87"]),
        ("A,0,90\n", &["0"]),
        ("A,0.99999,90\n", &["99.999"]),
    ] {
        let (labels, _) = pictured("sparsity", &format!("series,x,y\n{points}"));
        let all = ticks.iter().all(|t| labels.contains(&format!(" {t} ")));
        assert!(all && !labels.contains(" 0.1 ") && !labels.contains(" 0.2 "), "{points}{labels}");
    }
    // A narrow range of strengths, and of sizes, has ticks too.
    let (labels, _) = pictured("strength", "series,x,y\nA,0.0021,90\nA,0.0024,91\n");
    assert!(labels.contains(" 0.0022 "), "{labels}");
}

#[test]
fn a_lone_dollar_is_a_dollar() {
    let csv = "series,x,y\nspot at $5 an hour,10,0.1\nspot at $5 an hour,100,1\n\
        from $5 to $10,10,1\nfrom $5 to $10,100,2\n5$/h and 6$/h,10,7\n5$/h and 6$/h,100,8\nrate $\\lambda$,10,3\nrate $\\lambda$,100,4\n";
    let (labels, files) = pictured("scaling", csv);
    for label in ["spot at $5 an hour", "from $5 to $10", "5$/h and 6$/h", "rate 𝜆"] {
        assert!(labels.contains(label), "{label}: {labels}");
    }
    let page = String::from_utf8_lossy(&files["figures.html"]).into_owned();
    assert!(page.contains("the time of spot at $5 an hour grows"));
}

/// One point: its value at the ticks, its interval as a bar, no statement of a growth that nobody
/// saw.
#[test]
fn a_curve_of_one_point_is_drawn() {
    for (name, csv, label) in [
        ("scaling", "series,x,y,low,high\nA,100,2,1,3\n", " 100 "),
        ("sparsity", "series,x,y,low,high\nA,0.9,90,88,92\n", " 90 "),
        ("strength", "series,x,y,low,high\nA,0.002,90,88,92\n", " 0.002 "),
        ("work-precision", "series,x,y\nA,1e-3,2\n", " A "),
        ("layers", "panel,series,x,y\ndensity,fc1,1,90\nsign flips,fc1,1,3\n", " fc1 "),
    ] {
        let (labels, files) = pictured(name, csv);
        assert!(labels.contains(label), "{name}: {labels}");
        let json = String::from_utf8_lossy(&files["figures.json"]).into_owned();
        assert!(json.contains("\"statements\": []"), "{json}");
        let svg = String::from_utf8_lossy(&files[&format!("{name}.svg")]).into_owned();
        assert!(svg.contains("<circle"), "{name}: the point is seen");
    }
}

/// Values that a logarithmic axis has no place for, and names that the font cannot write: one line,
/// and nothing is drawn.
#[test]
fn what_cannot_be_drawn_is_refused() {
    let folder = folder();
    for (k, (name, csv, part)) in [
        ("scaling", "series,x,y\nA,10,-1\nA,100,5\n", "y[0] of A in the data of scaling is -1"),
        ("scaling", "series,x,y\nA,10,1\nA,100,0\n", "y[1] of A"),
        ("scaling", "series,x,y\nA,0,1\nA,100,1\n", "x[0] of A"),
        ("scaling", "series,x,y,low,high\nA,10,1,-1,2\n", "low[0] of A"),
        ("work-precision", "series,x,y\nA,1e-3,0.1\nA,1e-6,0.2\nA,0,0.3\n", "x[2] of A"),
        ("work-precision", "series,x,y\nA,1e-3,-0.1\n", "y[0] of A"),
        ("strength", "series,x,y\nA,-1,90\n", "x[0] of A"),
        ("scaling", "series,x,y\n網,10,1\n", "U+7DB2"),
        ("sparsity", "panel,series,x,y\nŠ,A,0.5,90\n", "U+0160"),
        ("sparsity", "series,x,y\nA,0.5,101\n", "y[0] of A in the data of sparsity is 101"),
        ("strength", "series,x,y\nA,0.5,-1\n", "from 0 to 100 %"),
        ("layers", "series,x,y\nA,1,150\n", "from 0 to 100 %"),
        ("scaling", "series,x,y\nA,1,1\nA,1e300,1\n", "x[1] of A in the data of scaling is 1e300"),
        // Data of the simulated figures, changed by hand.
        ("fig1a", "series,x,y\n\"PILoT, constant 1\",1,-0.5\n", "expected an error above 0"),
        ("fig1a", "series,x,y\n\"PILoT, constant 1\",0,0.5\n", "expected a step above 0"),
        ("fig1b", "series,x,y\n\"PILoT, constant 1\",1,0\n", "expected an error above 0"),
        ("fig1b", "series,x,y,low,high\n\"spred, constant 1\",1,2,-1,3\n", "low[0] of spred"),
        ("fig4", "panel,series,x,y\nPILoT,constant 1,-1,2\n", "expected a step above 0"),
        ("fig5", "panel,series,x,y\nGD,\"PILoT, constant 1\",1,-2\n", "expected an error above 0"),
        ("bound", "series,x,y\nloss,-1,2\n", "expected a time above 0"),
        ("bound", "series,x,y\nloss,1,-2\n", "expected a loss or bound above 0"),
        ("error-slope", "series,x,y\nproblem 1,-1,2\n", "expected an a above 0"),
        ("error-slope", "series,x,y\nproblem 1,1,-2\n", "expected an error above 0"),
        ("sign-flip", "panel,series,x,y\nPILoT,m,-1,2\n", "expected a time of at least 0"),
        ("saddle-to-saddle", "panel,series,x,y\nloss,ell = 10,-1,2\n", "a time of at least 0"),
    ]
    .into_iter()
    .enumerate()
    {
        let from = format!("in{k}");
        fs::create_dir(folder.path().join(&from)).expect("a folder");
        let path = folder.path().join(&from).join(format!("{name}.csv"));
        fs::write(path, csv).expect("written");
        let output = mirrorflow(folder.path(), &["figures", "--from", &from, "--out", "out"]);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{csv}: {line}");
        assert!(line.contains(part) && line.lines().count() == 1, "{csv}: {line}");
        assert_eq!(fs::read_dir(folder.path().join("out")).map_or(0, Iterator::count), 0);
    }
}

/// A table of the user's own stays as it is.
#[test]
fn figures_are_not_drawn_over_their_own_data() {
    let folder = folder();
    fs::create_dir(folder.path().join("mine")).expect("a folder");
    let table = "series,x,y\nA,10,1\nA,100,2\n";
    fs::write(folder.path().join("mine/scaling.csv"), table).expect("written");
    for out in ["mine", "mine/", "./mine/../mine"] {
        let output = mirrorflow(folder.path(), &["figures", "--from", "mine", "--out", out]);
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && line.contains("--out"), "{line}");
    }
    assert_eq!(files(&folder.path().join("mine")).len(), 1);
    assert_eq!(
        fs::read_to_string(folder.path().join("mine/scaling.csv")).ok().as_deref(),
        Some(table)
    );
}

#[test]
fn the_list_names_every_figure() {
    let folder = folder();
    let output = mirrorflow(folder.path(), &["figures", "--list"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(text.lines().count(), 16, "{text}");
    assert!(text.contains("sparsity") && text.contains("--from DIR"), "{text}");
}
