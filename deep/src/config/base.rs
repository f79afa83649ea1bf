//! A file that stands on another: `base = "FILE"`, relative to the file's own folder.
//!
//! Tables are merged key by key, and what the file itself says goes before; a list is one value. A
//! base may have a base of its own.

use std::{
    fs, mem,
    path::{Path, PathBuf},
};

use mirrorflow::{Error, Result};
use toml::{Table, Value};

/// All that a file of this text says with its base; nothing where it has none, or is no TOML, which
/// its reader tells better.
///
/// # Errors
/// When a base is missing, no TOML, or leads back to a file that stands on it.
pub(crate) fn merged(path: &Path, text: &str) -> Result<Option<Table>> {
    match text.parse::<Table>() {
        Ok(own) if own.contains_key("base") => {
            let mut above = vec![path.canonicalize().unwrap_or_else(|_| path.into())];
            complete(path, own, &mut above).map(Some)
        }
        _ => Ok(None),
    }
}

/// What is wrong with a text, in one line, with where.
pub(crate) fn complaint(text: &str, e: &toml::de::Error) -> String {
    let why = e.message().replace('\n', " ");
    let line = e.span().map(|s| text[..s.start.min(text.len())].lines().count().max(1));
    line.map_or_else(|| why.clone(), |line| format!("line {line}: {why}"))
}

/// What is wrong with a file and its base together.
pub(crate) fn with_base(e: &toml::de::Error) -> String {
    format!("with its base: {}", e.message().replace('\n', " "))
}

/// A table with all that stands under it; `above` are the files that stand on it, and itself.
fn complete(path: &Path, mut own: Table, above: &mut Vec<PathBuf>) -> Result<Table> {
    let Some(base) = own.remove("base") else { return Ok(own) };
    let wrong = |why: String| Error::File { path: path.into(), why };
    let Some(name) = base.as_str() else {
        let why = format!("base is {base}, expected the name of a file in quotation marks");
        return Err(wrong(why.replace('\n', " ")));
    };
    let file = path.parent().unwrap_or(Path::new("")).join(name);
    let read = file.canonicalize().and_then(|real| Ok((real, fs::read_to_string(&file)?)));
    let (real, text) = read.map_err(|e| wrong(format!("its base {}: {e}", file.display())))?;
    if above.contains(&real) {
        return Err(wrong(format!("its base {} stands on it: a circle", file.display())));
    }
    above.push(real);
    let under = toml::from_str(&text).map_err(|e| {
        let why = format!("is no configuration in TOML: {}", complaint(&text, &e));
        Error::File { path: file.clone(), why }
    })?;
    Ok(merge(complete(&file, under, above)?, own))
}

fn merge(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(own)) => *below = merge(mem::take(below), own),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
    under
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use toml::{Table, Value};

    use super::{merge, merged};

    /// Tables two deep over few keys, so that they meet.
    fn table() -> impl Strategy<Value = Table> {
        let leaf = (0..9_i64).prop_map(Value::Integer);
        let inner = prop::collection::btree_map("[a-c]", leaf.clone(), 0..3)
            .prop_map(|map| Value::Table(map.into_iter().collect()));
        prop::collection::btree_map("[a-d]", prop_oneof![leaf, inner], 0..4)
            .prop_map(|map| map.into_iter().collect())
    }

    proptest! {
        /// A file alone, on nothing and on itself is itself, and of a chain it does not matter
        /// which pair is merged first.
        #[test]
        fn merging_is_associative_and_idempotent(a in table(), b in table(), c in table()) {
            prop_assert_eq!(merge(Table::new(), a.clone()), a.clone());
            prop_assert_eq!(merge(a.clone(), Table::new()), a.clone());
            prop_assert_eq!(merge(a.clone(), a.clone()), a.clone());
            // A plain value between two tables hides the lower one, whichever pair goes first only
            // where there is none.
            let plain = |t: &Table, key: &str| t.get(key).is_some_and(|v| !v.is_table());
            if !c.keys().any(|key| plain(&b, key)) {
                let left = merge(merge(a.clone(), b.clone()), c.clone());
                prop_assert_eq!(left, merge(a, merge(b, c)));
            }
        }

        /// Every value is the file's own, or else the base's.
        #[test]
        fn what_the_file_says_goes_before(under in table(), over in table()) {
            let all = merge(under.clone(), over.clone());
            prop_assert!(all.keys().all(|k| under.contains_key(k) || over.contains_key(k)));
            prop_assert!(under.keys().chain(over.keys()).all(|k| all.contains_key(k)));
            for (key, value) in &all {
                match (under.get(key), over.get(key)) {
                    (Some(Value::Table(under)), Some(Value::Table(over))) => {
                        let both = Value::Table(merge(under.clone(), over.clone()));
                        prop_assert_eq!(value, &both);
                    }
                    (_, Some(own)) => prop_assert_eq!(value, own),
                    (below, None) => prop_assert_eq!(Some(value), below),
                }
            }
        }
    }

    #[test]
    fn a_chain_is_read_from_the_folder_of_each_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        fs::create_dir_all(at.join("inner")).unwrap();
        fs::write(at.join("far.toml"), "seed = 1\n[train]\nepochs = 1\nbatch = 2\n").unwrap();
        fs::write(at.join("inner/near.toml"), "base = \"../far.toml\"\ntrain.epochs = 3\n")
            .unwrap();
        let path = at.join("run.toml");
        let read = |text: &str| {
            fs::write(&path, text).unwrap();
            merged(&path, text)
        };
        let found = read("base = \"inner/near.toml\"\nseed = 2\n").unwrap().unwrap();
        let expected = "seed = 2\n[train]\nepochs = 3\nbatch = 2\n".parse().unwrap();
        assert_eq!(found, expected);
        assert_eq!(read("seed = 2\n").unwrap(), None);
        // What is wrong names the file.
        fs::write(at.join("round.toml"), "base = \"run.toml\"\n").unwrap();
        fs::write(at.join("broken.toml"), "seed = 1\nseed\n").unwrap();
        for (text, says) in [
            ("base = \"none.toml\"", ["run.toml", "none.toml"]),
            ("base = \"run.toml\"", ["run.toml", "a circle"]),
            ("base = \"round.toml\"", ["round.toml", "a circle"]),
            ("base = \"broken.toml\"", ["broken.toml", "line 2"]),
            ("base = [\"far.toml\"]", ["run.toml", "in quotation marks"]),
            ("base = \"inner\"", ["run.toml", "inner"]),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(says.iter().all(|part| error.contains(part)), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
