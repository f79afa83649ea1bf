//! A study as written in TOML: the sections of a run, `[study]`, and a list of `[[method]]` in
//! place of the one method.
//!
//! ```toml
//! [study]
//! seeds = [0, 1, 2]
//! select = [0.9, 0.98]        # strengths are chosen at these sparsities, on the validation images
//! reference = "PILoT"         # compared with each of the others, seed by seed
//!
//! [[method]]
//! label = "PILoT"
//! name = "pilot"
//! grid = { strength = [1e-4, 3e-4, 1e-3] }
//! ```

use std::{collections::BTreeMap, path::Path};

use mirrorflow::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::config::{
    Config, DataConfig, MethodConfig, NetworkConfig, OptimizerConfig, Prune, PruneConfig,
    TrainConfig, complaint, merged, with_base,
};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyConfig {
    /// What is compared, and how.
    pub study: StudySection,
    /// See [`Config`].
    pub data: DataConfig,
    /// See [`Config`].
    pub network: NetworkConfig,
    /// See [`Config`]: the same epochs for every method.
    pub train: TrainConfig,
    /// See [`Config`].
    pub optimizer: OptimizerConfig,
    /// See [`Config`]: of every method that has none of its own.
    #[serde(default)]
    pub prune: PruneConfig,
    /// The methods.
    pub method: Vec<Entry>,
}

/// `[study]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudySection {
    /// Every method's chosen strength is trained with each of them.
    pub seeds: Vec<u64>,
    /// Sparsities at which strengths are chosen; the table has a column for each.
    pub select: Vec<f64>,
    /// How many of the seeds the choice sees (the mean of their validation accuracies counts).
    #[serde(default = "one")]
    pub tune: usize,
    /// The label of the method the others are compared with.
    #[serde(default)]
    pub reference: Option<String>,
    /// Measure every method's step and memory beside the plain network's, one by one after the
    /// runs.
    #[serde(default)]
    pub overhead: bool,
    /// Runs side by side on the processor; by default as many as threads for networks of up to a
    /// million weights, else one. On a device there is always one.
    #[serde(default)]
    pub jobs: Option<usize>,
}

/// A `[[method]]`: the keys of `[method]`, with `label`, `grid` and, where it differs, `prune`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in tables and figures; by default the method's name.
    #[serde(default)]
    pub label: Option<String>,
    /// Values of keys to choose from; several keys make all pairs.
    #[serde(default)]
    pub grid: BTreeMap<String, Vec<f64>>,
    /// The panels of the figures it is drawn in; without any, all of them.
    #[serde(default)]
    pub panels: Vec<String>,
    /// Pruning of its own.
    #[serde(default)]
    pub prune: Option<PruneConfig>,
    /// The keys of `[method]`.
    #[serde(flatten)]
    pub method: toml::Table,
}

/// Choices of a grid at most: each is a training.
const CHOICES: usize = 100_000;

fn one() -> usize {
    1
}

impl Entry {
    /// Its name in tables and figures.
    pub fn label(&self) -> String {
        let name = self.method.get("name").and_then(toml::Value::as_str).unwrap_or_default();
        self.label.clone().unwrap_or_else(|| name.to_owned())
    }

    /// Choices of its grid; as many as a number holds where they are more.
    fn size(&self) -> usize {
        self.grid.values().map(Vec::len).fold(1, usize::saturating_mul)
    }

    /// All choices of its grid, in the order written.
    pub fn candidates(&self) -> Vec<Vec<(String, f64)>> {
        let mut all = vec![Vec::new()];
        for (key, values) in &self.grid {
            all = all
                .into_iter()
                .flat_map(|before: Vec<(String, f64)>| {
                    let with = move |v: &f64| [before.clone(), vec![(key.clone(), *v)]].concat();
                    values.iter().map(with).collect::<Vec<_>>()
                })
                .collect();
        }
        all
    }
}

impl StudyConfig {
    /// Whether a text is that of a study: it has a `[study]` itself, not only its base.
    pub fn is_one(text: &str) -> bool {
        text.parse::<toml::Table>().is_ok_and(|t| t.contains_key("study"))
    }

    /// Reads the text of a file, with its base where it has one.
    ///
    /// # Errors
    /// When it is not TOML, has an unknown key, or is no fair comparison: grids of different sizes,
    /// a sparsity that is not reached, equal labels.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let file = |why: String| Error::File { path: path.into(), why };
        let study: Self = match merged(path, text)? {
            Some(all) => all.try_into().map_err(|e| file(with_base(&e)))?,
            None => toml::from_str(text).map_err(|e| file(complaint(text, &e)))?,
        };
        study.check()?;
        Ok(study)
    }

    fn check(&self) -> Result<()> {
        let s = &self.study;
        let mut seeds = s.seeds.clone();
        seeds.sort_unstable();
        seeds.dedup();
        if seeds.is_empty() || seeds.len() < s.seeds.len() {
            return Err(domain(
                "study.seeds",
                "one or more different seeds",
                format!("{:?}", s.seeds),
            ));
        }
        if !(1..=s.seeds.len()).contains(&s.tune) {
            let right = format!("from 1 to the {} seeds", s.seeds.len());
            return Err(domain("study.tune", &right, s.tune.to_string()));
        }
        if s.jobs == Some(0) {
            return Err(domain("study.jobs", "at least 1", "0".into()));
        }
        if self.data.validation == 0 {
            return Err(domain("data.validation", "images to choose the strengths on", "0".into()));
        }
        if self.method.is_empty() || s.select.is_empty() {
            return Err(domain(
                "[[method]] and study.select",
                "one or more of each",
                "none".into(),
            ));
        }
        if let Some(k) = (1..s.select.len()).find(|k| s.select[..*k].contains(&s.select[*k])) {
            return Err(domain("study.select", "each sparsity once", s.select[k].to_string()));
        }
        let labels: Vec<String> = self.method.iter().map(Entry::label).collect();
        for (k, label) in labels.iter().enumerate() {
            let twice = labels[..k].iter().any(|other| slug(other) == slug(label));
            if twice || slug(label).is_empty() {
                let right = "letters or digits, in no two methods the same";
                return Err(domain("label of a method", right, format!("{label:?}")));
            }
        }
        if let Some(reference) = &s.reference
            && !labels.contains(reference)
        {
            let right = format!("one of {}", labels.join(", "));
            return Err(domain("study.reference", &right, reference.clone()));
        }
        let size = Entry::size;
        for (entry, label) in self.method.iter().zip(&labels) {
            if size(entry) > CHOICES {
                let right = format!("at most {CHOICES} choices");
                return Err(domain(&format!("grid of {label}"), &right, size(entry).to_string()));
            }
            if size(entry) == 0 || size(entry) != size(&self.method[0]) {
                let right = format!(
                    "as many choices for every method: {} has {}",
                    labels[0],
                    size(&self.method[0])
                );
                return Err(domain(&format!("grid of {label}"), &right, size(entry).to_string()));
            }
            let prune = self.prune_of(entry).map_err(|e| of_method(label, e))?;
            if prune.iterative.is_some() && prune.levels > 0 {
                let found = format!("{} cycles and {} levels", prune.cycles(), prune.levels);
                return Err(domain(&format!("prune of {label}"), "levels or cycles", found));
            }
            for select in &s.select {
                self.level(entry, *select)?;
            }
            self.config(entry, &entry.candidates()[0], s.seeds[0])?;
        }
        Ok(())
    }

    /// A choice of a method as text: `strength=0.001`.
    pub(super) fn choice(&self, method: usize, choice: usize) -> String {
        let all = self.method[method].candidates();
        let values = all.get(choice).into_iter().flatten();
        values.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// What is pruned under a method, as written.
    fn prune_section<'a>(&'a self, entry: &'a Entry) -> &'a PruneConfig {
        entry.prune.as_ref().unwrap_or(&self.prune)
    }

    /// What is pruned under a method.
    ///
    /// # Errors
    /// When that makes no sense.
    pub fn prune_of(&self, entry: &Entry) -> Result<Prune> {
        Prune::of(self.prune_section(entry), self.train.epochs)
    }

    /// Levels (of one-shot pruning, or cycles) of a method's table.
    pub fn levels(&self, entry: &Entry) -> usize {
        self.prune_of(entry).map_or(0, |prune| prune.rows())
    }

    /// The first level of a method at least as sparse as `select`: level k keeps `keep^k`.
    ///
    /// # Errors
    /// When there is none.
    pub fn level(&self, entry: &Entry, select: f64) -> Result<usize> {
        let prune = self.prune_of(entry)?;
        let (keep, rows) = (prune.keep, prune.rows());
        let sparse = |k: &usize| 1.0 - keep.powi(*k as i32) >= select - 1e-9;
        let found = (0.0..1.0).contains(&select).then(|| (0..rows).find(sparse));
        found.flatten().ok_or_else(|| {
            let most = 1.0 - keep.powi(rows as i32 - 1);
            let right = format!("from 0 to what pruning of {} reaches, {most:.4}", entry.label());
            domain("study.select", &right, select.to_string())
        })
    }

    /// The configuration of one run.
    ///
    /// # Errors
    /// When a key is unknown.
    pub fn config(&self, entry: &Entry, choice: &[(String, f64)], seed: u64) -> Result<Config> {
        let label = entry.label();
        let mut method = entry.method.clone();
        let mut optimizer = self.optimizer.clone();
        for (key, value) in choice {
            match key.as_str() {
                "weight_decay" => optimizer.weight_decay = *value,
                "rate" => optimizer.rate = *value,
                // `factors.strength` is in `[method.factors]`.
                key => {
                    let (table, key) = match key.split_once('.') {
                        Some((inner, key)) => {
                            let inner = method
                                .entry(inner)
                                .or_insert_with(|| toml::Value::Table(toml::Table::new()));
                            (inner.as_table_mut(), key)
                        }
                        None => (Some(&mut method), key),
                    };
                    table
                        .ok_or_else(|| {
                            let right = "keys of the method or of a table in it";
                            domain(&format!("grid of {label}"), right, key.into())
                        })?
                        .insert(key.into(), toml::Value::Float(*value));
                }
            }
        }
        let method: MethodConfig = method.try_into().map_err(|e: toml::de::Error| {
            let why = e.message().replace('\n', " ");
            domain(&format!("method {label}"), "keys and values of [method]", why)
        })?;
        Ok(Config {
            seed,
            data: self.data.clone(),
            network: self.network.clone(),
            train: self.train.clone(),
            optimizer,
            method,
            prune: self.prune_section(entry).clone(),
        })
    }
}

/// A label as part of a file's name.
pub(super) fn slug(label: &str) -> String {
    let mut slug = String::new();
    for c in label.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// What is wrong with a method, with its label before it.
pub(super) fn of_method(label: &str, error: Error) -> Error {
    match error {
        Error::Domain { what, expected, found } => {
            Error::Domain { what: format!("method {label}: {what}"), expected, found }
        }
        other => other,
    }
}

pub(super) fn domain(what: &str, expected: &str, found: String) -> Error {
    Error::Domain { what: what.into(), expected: expected.into(), found }
}
