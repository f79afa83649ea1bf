//! The library's source as the compiler sees it without `cfg(test)`: what each file imports, and
//! from which file.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Item, UseTree, visit::Visit};

/// A file of the library.
pub(crate) struct Source {
    /// Its path from `src/`, as `limit/newton/mod.rs`.
    pub(crate) name: String,
    /// The module it holds, as `["limit", "newton"]`; empty for `lib.rs`.
    pub(crate) module: Vec<String>,
    /// Everything it names by a path, as absolute modules and items of the crate.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Names that its `use` items bring in, with what they stand for.
    names: BTreeMap<String, Vec<String>>,
    /// What it defines itself.
    items: BTreeSet<String>,
}

impl Source {
    /// Reads a file; `root` is `src/`.
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a readable source");
        let name = path.strip_prefix(root).expect("below src").to_string_lossy().into_owned();
        Self::parse(&name, &text)
    }

    /// The same from a text.
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut module: Vec<String> =
            name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod" || last == "lib") {
            module.pop();
        }
        let mut file = syn::parse_file(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        drop_tests(&mut file.items);
        let mut reader = Reader {
            here: module.clone(),
            children: modules(&file.items),
            paths: BTreeSet::new(),
            names: BTreeMap::new(),
        };
        reader.visit_file(&file);
        let items = file.items.iter().filter_map(defined).collect();
        Self { name: name.into(), module, paths: reader.paths, names: reader.names, items }
    }
}

/// All files of the library, by module.
pub(crate) struct Library(BTreeMap<Vec<String>, Source>);

impl Library {
    /// Reads `src/` of this crate. Files that only tests use are left out.
    pub(crate) fn read() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        rust_files(&root, &mut files);
        let all: BTreeMap<_, _> = files
            .iter()
            .map(|path| Source::read(&root, path))
            .map(|source| (source.module.clone(), source))
            .collect();
        let shown = |module: &Vec<String>| {
            (1..=module.len()).all(|k| {
                let parent = all.get(&module[..k - 1]);
                parent.is_none_or(|p| p.items.contains(&module[k - 1]))
            })
        };
        let used = all.keys().filter(|m| shown(m)).cloned().collect::<BTreeSet<_>>();
        Self(all.into_iter().filter(|(module, _)| used.contains(module)).collect())
    }

    /// A library of these files, for tests of this reader.
    pub(crate) fn of(sources: Vec<Source>) -> Self {
        Self(sources.into_iter().map(|s| (s.module.clone(), s)).collect())
    }

    /// The files.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.0.values()
    }

    /// The modules in whose files what this file names is defined: re-exports are followed.
    pub(crate) fn imports(&self, source: &Source) -> BTreeSet<Vec<String>> {
        let found = source.paths.iter().filter_map(|path| self.home(path, 0));
        found.filter(|module| *module != source.module).collect()
    }

    /// The module that defines what a path names.
    fn home(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let length = (0..=path.len()).rev().find(|k| self.0.contains_key(&path[..*k]))?;
        let source = &self.0[&path[..length]];
        let Some(item) = path.get(length) else { return Some(source.module.clone()) };
        if !source.items.contains(item)
            && depth < 8
            && let Some(target) = source.names.get(item)
            && target.as_slice() != path
        {
            let whole: Vec<String> = target.iter().chain(&path[length + 1..]).cloned().collect();
            return self.home(&whole, depth + 1);
        }
        Some(source.module.clone())
    }
}

/// Files that import each other in a circle, each circle by the names of its files. A file that
/// imports from the face (`mod.rs`) of a folder it lies in does not count: the face holds what its
/// files share.
pub(crate) fn circles(library: &Library) -> Vec<Vec<String>> {
    let edges: BTreeMap<&Vec<String>, BTreeSet<Vec<String>>> = library
        .sources()
        .map(|s| {
            let outward = |m: &Vec<String>| !s.module.starts_with(m);
            (&s.module, library.imports(s).into_iter().filter(outward).collect())
        })
        .collect();
    let reached = |from: &Vec<String>| {
        let mut seen: BTreeSet<&Vec<String>> = BTreeSet::new();
        let mut open: Vec<&Vec<String>> = edges[from].iter().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        seen.into_iter().cloned().collect::<BTreeSet<_>>()
    };
    let reach: BTreeMap<_, _> = edges.keys().map(|m| ((*m).clone(), reached(m))).collect();
    let mut left: BTreeSet<Vec<String>> =
        reach.iter().filter(|(m, to)| to.contains(*m)).map(|(m, _)| m.clone()).collect();
    let mut found = Vec::new();
    while let Some(first) = left.pop_first() {
        let with = |m: &Vec<String>| reach[&first].contains(m) && reach[m].contains(&first);
        let others: Vec<_> = left.iter().filter(|m| with(m)).cloned().collect();
        left.retain(|m| !others.contains(m));
        let names = std::iter::once(&first).chain(&others);
        found.push(names.map(|m| library.0[m].name.clone()).collect());
    }
    found
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Takes out what exists in tests only, at any depth of modules.
fn drop_tests(items: &mut Vec<Item>) {
    items.retain(|item| !is_test(attributes(item)));
    for item in items {
        if let Item::Mod(inner) = item
            && let Some((_, items)) = &mut inner.content
        {
            drop_tests(items);
        }
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| {
        a.path().is_ident("cfg")
            && a.parse_args::<syn::Path>()
                .is_ok_and(|p| p.is_ident("test") || p.is_ident("doctest"))
    })
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(i) => &i.attrs,
        Item::Enum(i) => &i.attrs,
        Item::Fn(i) => &i.attrs,
        Item::Impl(i) => &i.attrs,
        Item::Macro(i) => &i.attrs,
        Item::Mod(i) => &i.attrs,
        Item::Static(i) => &i.attrs,
        Item::Struct(i) => &i.attrs,
        Item::Trait(i) => &i.attrs,
        Item::Type(i) => &i.attrs,
        Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

/// The name of what an item defines.
fn defined(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(i) => &i.ident,
        Item::Enum(i) => &i.ident,
        Item::Fn(i) => &i.sig.ident,
        Item::Macro(i) => i.ident.as_ref()?,
        Item::Mod(i) => &i.ident,
        Item::Static(i) => &i.ident,
        Item::Struct(i) => &i.ident,
        Item::Trait(i) => &i.ident,
        Item::Type(i) => &i.ident,
        _ => return None,
    };
    Some(name.to_string())
}

/// Names of the modules among items.
fn modules(items: &[Item]) -> BTreeSet<String> {
    let name = |i: &Item| if let Item::Mod(m) = i { Some(m.ident.to_string()) } else { None };
    items.iter().filter_map(name).collect()
}

/// Collects every path.
struct Reader {
    /// The module at hand: the file's, and those written inside it.
    here: Vec<String>,
    children: BTreeSet<String>,
    paths: BTreeSet<Vec<String>>,
    names: BTreeMap<String, Vec<String>>,
}

impl Reader {
    /// The absolute path that segments stand for; `None` outside this crate.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let first = segments.first()?;
        let mut base = self.here.clone();
        let mut rest = segments;
        match first.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|s| s == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            name if self.children.contains(name) => {}
            name => {
                // A name that a `use` has brought in.
                let target =
                    self.names.get(name).filter(|t| t.last().is_some_and(|l| l == name))?;
                return Some(target.iter().chain(&segments[1..]).cloned().collect());
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| {
            let mut path = before.to_vec();
            path.push(name.to_string());
            path
        };
        match tree {
            UseTree::Path(p) => self.tree(&p.tree, &with(&p.ident)),
            UseTree::Group(g) => g.items.iter().for_each(|t| self.tree(t, before)),
            UseTree::Glob(_) => self.paths.extend(self.absolute(before)),
            UseTree::Name(n) if n.ident == "self" => {
                let name = before.last().cloned().unwrap_or_default();
                self.bring(name, before);
            }
            UseTree::Name(n) => self.bring(n.ident.to_string(), &with(&n.ident)),
            UseTree::Rename(r) if r.ident == "self" => self.bring(r.rename.to_string(), before),
            UseTree::Rename(r) => self.bring(r.rename.to_string(), &with(&r.ident)),
        }
    }

    fn bring(&mut self, name: String, path: &[String]) {
        if let Some(path) = self.absolute(path) {
            self.paths.insert(path.clone());
            self.names.insert(name, path);
        }
    }

    /// Paths in the tokens of a macro: `crate::a::b`, with a `$` before it or not.
    fn tokens(&mut self, tokens: &str) {
        for (at, _) in tokens.match_indices("crate :: ") {
            let rest = &tokens[at + "crate :: ".len()..];
            let path: Vec<String> = rest
                .split(" :: ")
                .map_while(|part| {
                    let name = part.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
                    (!name.is_empty()).then(|| name.to_owned())
                })
                .collect();
            if !path.is_empty() {
                self.paths.insert(path);
            }
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        let Some((_, items)) = &item.content else { return };
        let children = std::mem::replace(&mut self.children, modules(items));
        self.here.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.here.pop();
        self.children = children;
    }
    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if segments.len() > 1
            && let Some(path) = self.absolute(&segments)
        {
            self.paths.insert(path);
        }
        syn::visit::visit_path(self, path);
    }
    fn visit_macro(&mut self, item: &'a syn::Macro) {
        self.tokens(&item.tokens.to_string());
        syn::visit::visit_macro(self, item);
    }
}
