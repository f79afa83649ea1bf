//! Who may import whom: the layer rules of the README, read off the source.

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use source::{Library, Source, circles};

/// Each layer of the library with the layers its code may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("numerics", &[]),
    ("io", &["numerics"]),
    ("problem", &["numerics", "io"]),
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
            "io",
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

/// What files of a layer name of other layers that they may not: `file imports layer`.
fn wrong_imports(library: &Library) -> Vec<String> {
    let known: BTreeSet<&str> = LAYERS.iter().map(|l| l.0).collect();
    let mut wrong = BTreeSet::new();
    for source in library.sources() {
        let Some((layer, allowed)) =
            LAYERS.iter().find(|l| source.module.first() == Some(&l.0.into()))
        else {
            continue;
        };
        let imports = library.imports(source);
        for path in source.paths.iter().chain(&imports) {
            let Some(name) = path.first().filter(|name| known.contains(name.as_str())) else {
                continue;
            };
            if name != layer && !allowed.contains(&name.as_str()) {
                wrong.insert(format!("{} imports {name}", source.name));
            }
        }
    }
    wrong.into_iter().collect()
}

#[test]
fn every_layer_imports_only_what_it_may() {
    let library = Library::read();
    for (layer, _) in LAYERS {
        let has = library.sources().any(|s| s.module.first().is_some_and(|m| m == layer));
        assert!(has, "layer {layer} has no source");
    }
    let wrong = wrong_imports(&library);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_files_import_each_other() {
    let circles = circles(&Library::read());
    let lines: Vec<String> = circles.iter().map(|c| c.join(" ↔ ")).collect();
    assert!(circles.is_empty(), "{} circles:\n{}", circles.len(), lines.join("\n"));
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
    let library = |text: &str| {
        Library::of(vec![
            Source::parse("lib.rs", "mod flow; mod limit; mod numerics;"),
            Source::parse("flow/mod.rs", "pub struct Flow;"),
            Source::parse("numerics/mod.rs", "pub mod dense;"),
            Source::parse("numerics/dense.rs", "pub fn dot() {}"),
            Source::parse("limit/mod.rs", text),
        ])
    };
    let clean = "use crate::numerics::{dense, dense::dot};";
    assert!(wrong_imports(&library(clean)).is_empty());
    for text in [
        "use crate::{Error, flow::Flow};",
        "use crate::flow;",
        "use super::flow::Flow as F;",
        "fn f() { crate::flow::run() }",
        "fn f(_: super::flow::Flow) {}",
        "fn f() { g!(crate::flow::run()) }",
        "mod inner { use super::super::flow; }",
        // What stands behind tests counts too, and what only tests name does not.
        "#[cfg(test)]\nmod tests;\nuse crate::flow::Flow;",
        "#[cfg(test)]\nuse crate::numerics;\npub use crate::flow::Flow;",
    ] {
        assert_eq!(wrong_imports(&library(text)), ["limit/mod.rs imports flow"], "{text}");
    }
    for text in ["#[cfg(test)]\nuse crate::flow;", "#[cfg(test)]\nmod tests { use crate::flow; }"] {
        assert!(wrong_imports(&library(text)).is_empty(), "{text}");
    }
}

#[test]
fn circles_are_found_through_re_exports() {
    let files = |b: &str| {
        Library::of(vec![
            Source::parse("lib.rs", "mod limit;"),
            Source::parse("limit/mod.rs", "mod a; mod b; pub use a::A; pub struct Shared;"),
            Source::parse("limit/a.rs", "use super::{Shared, b::B}; pub struct A(B, Shared);"),
            Source::parse("limit/b.rs", b),
        ])
    };
    assert!(circles(&files("pub struct B(super::Shared);")).is_empty());
    for b in ["use super::A; pub struct B;", "pub struct B(crate::limit::A);"] {
        assert_eq!(circles(&files(b)), [["limit/a.rs", "limit/b.rs"]], "{b}");
    }
}
