//! Who may import whom: the layer rules of the README, read off the source.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each layer of the library with the layers its code may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("numerics", &[]),
    ("problem", &["numerics"]),
    ("schedule", &["numerics"]),
    ("potential", &["numerics"]),
    ("parameterization", &["numerics", "problem", "schedule", "potential"]),
    ("flow", &["numerics", "problem", "schedule", "potential", "parameterization"]),
    ("integrate", &["numerics", "problem", "schedule", "potential", "parameterization", "flow"]),
    // `limit` stays an independent route to the answer: it must not see the flows.
    ("limit", &["numerics", "problem", "potential"]),
    // A batch hands the problems that doubles cannot decide to `limit`.
    ("kernels", &["numerics", "problem", "schedule", "potential", "limit"]),
    // The simulations behind the figures see everything below them.
    (
        "experiment",
        &[
            "numerics",
            "problem",
            "schedule",
            "potential",
            "parameterization",
            "flow",
            "integrate",
            "limit",
            "kernels",
        ],
    ),
];

/// Each crate of the workspace with the crates of the workspace it may depend on.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("mirrorflow", "Cargo.toml", &[]),
    ("mirrorflow-proofs-checks", "proofs-checks/Cargo.toml", &["mirrorflow"]),
    ("mirrorflow-kernels-on-host", "kernels-on-host/Cargo.toml", &["mirrorflow"]),
    // Its tests run networks on the machines of `kernels-on-host`.
    ("mirrorflow-deep", "deep/Cargo.toml", &["mirrorflow", "mirrorflow-kernels-on-host"]),
    ("mirrorflow-plots", "plots/Cargo.toml", &["mirrorflow"]),
    (
        "mirrorflow-cli",
        "cli/Cargo.toml",
        // Its tests run the command on the simulated device of `kernels-on-host`.
        &[
            "mirrorflow",
            "mirrorflow-deep",
            "mirrorflow-proofs-checks",
            "mirrorflow-plots",
            "mirrorflow-kernels-on-host",
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Library code only: comments and everything from the first `#[cfg(test)]` on may name any layer.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or("");
    text.lines().map(|l| l.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// The layers named as `crate::layer` or inside `use crate::{…}`.
fn named_layers(code: &str) -> BTreeSet<String> {
    let known: BTreeSet<&str> = LAYERS.iter().map(|l| l.0).collect();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let tree = if rest.starts_with('{') {
            // Only the heads of the brace tree: `{a::b, c::{d, e}}` names a and c.
            let mut depth = 0;
            let mut heads = vec![String::new()];
            for c in rest.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => heads.push(String::new()),
                    c if depth == 1 => heads.last_mut().expect("never empty").push(c),
                    _ => {}
                }
                if depth == 0 {
                    break;
                }
            }
            heads
        } else {
            vec![rest.to_owned()]
        };
        for item in tree {
            let name: String =
                item.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if known.contains(name.as_str()) {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn every_layer_imports_only_what_it_may() {
    let mut wrong = Vec::new();
    for (layer, allowed) in LAYERS {
        let mut files = Vec::new();
        sources(&root().join("src").join(layer), &mut files);
        assert!(!files.is_empty(), "layer {layer} has no source");
        for file in files {
            let text = fs::read_to_string(&file).expect("a readable source");
            for name in named_layers(&code(&text)) {
                if name != *layer && !allowed.contains(&name.as_str()) {
                    wrong.push(format!("{} imports {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_the_library_is_a_known_layer() {
    let known: BTreeSet<_> = LAYERS.iter().map(|l| l.0.to_owned()).collect();
    let found: BTreeSet<_> = fs::read_dir(root().join("src"))
        .expect("src")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.is_dir())
        .map(|p| p.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn crates_depend_downwards_only() {
    let rules: BTreeMap<_, _> = CRATES.iter().map(|c| (c.0, c.2)).collect();
    for (name, manifest, allowed) in CRATES {
        let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
        let package = text.split("[package]").nth(1).expect("a package section");
        for other in rules.keys().filter(|o| *o != name && !allowed.contains(*o)) {
            let named = package.lines().any(|l| {
                l.trim_start()
                    .strip_prefix(other)
                    .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
            });
            assert!(!named, "{name} must not depend on {other}");
        }
    }
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    let text = "use crate::{Error, numerics::{dense, sums}, flow};\nlet x = crate::limit::path;";
    let found: Vec<_> = named_layers(text).into_iter().collect();
    assert_eq!(found, ["flow", "limit", "numerics"]);
}
