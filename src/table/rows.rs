//! The rows of steps and tables by name, as `from` names them.

use crate::spec::Table;
use indexmap::IndexMap;
use polars::prelude::DataFrame;
use std::path::{Path, PathBuf};

/// Named frames, and the files that steps wrote besides their rows.
#[derive(Debug, Default)]
pub struct Frames {
    rows: IndexMap<String, DataFrame>,
    files: IndexMap<String, Vec<PathBuf>>,
}

impl Frames {
    /// Adds one.
    pub fn insert(&mut self, name: String, frame: DataFrame) {
        self.rows.insert(name, frame);
    }

    /// Adds the files that a step wrote.
    pub fn insert_files(&mut self, step: &str, files: Vec<PathBuf>) {
        self.files.insert(step.to_string(), files);
    }

    /// The files that a step wrote besides its rows; none where it wrote none or has not run.
    pub fn files(&self, step: &str) -> impl Iterator<Item = &Path> {
        self.files.get(step).into_iter().flatten().map(PathBuf::as_path)
    }

    /// Removes those of a step or table.
    pub fn remove(&mut self, name: &str) {
        let root = |other: &str| other.split_once('.').map_or(other == name, |(root, _)| root == name);
        self.rows.retain(|other, _| !root(other));
        self.files.shift_remove(name);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Those of these steps and tables alone, with their files.
    pub fn only(&self, names: &[String]) -> Self {
        let root = |name: &str| name.split_once('.').map_or(name.to_string(), |(root, _)| root.to_string());
        let rows = self.rows.iter().filter(|(name, _)| names.contains(&root(name)));
        let files = self.files.iter().filter(|(step, _)| names.contains(step));
        Self {
            rows: rows.map(|(name, frame)| (name.clone(), frame.clone())).collect(),
            files: files.map(|(step, files)| (step.clone(), files.clone())).collect(),
        }
    }

    /// The frame of that name.
    ///
    /// # Errors
    /// When there is none of that name, with the names there are.
    pub fn get(&self, name: &str) -> Result<&DataFrame, String> {
        let names = || self.rows.keys().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
        self.rows.get(name).ok_or_else(|| format!("no rows named '{name}'; there are {}", names()))
    }

    /// The rows that a table reads: those it is made from, and those it joins.
    ///
    /// # Errors
    /// When there are none of a name.
    pub fn read(&self, table: &Table) -> Result<(&DataFrame, Option<&DataFrame>), MissingRows> {
        let rows = self.get(&table.from).map_err(|problem| MissingRows { key: &["from"], problem })?;
        let with = table.join.as_ref().map(|join| self.get(&join.with)).transpose();
        Ok((rows, with.map_err(|problem| MissingRows { key: &["join", "with"], problem })?))
    }
}

/// Rows that a table names and that are not there.
#[derive(Debug, Clone)]
pub struct MissingRows {
    /// The key of the table that names them.
    pub key: &'static [&'static str],
    /// Which, and those there are.
    pub problem: String,
}
