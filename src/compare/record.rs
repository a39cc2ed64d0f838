//! A results folder and what its manifest says of it.

use super::specs::ResolvedSpec;
use crate::Error;
use crate::manifest::Manifest;
use std::path::{Path, PathBuf};

/// A results folder.
#[derive(Debug, Clone)]
pub struct ResultsRecord {
    /// Where it is.
    pub folder: PathBuf,
    /// What its run left of itself.
    pub manifest: Manifest,
    /// The resolved spec.
    spec: toml::Table,
    /// Its values with their origins.
    pub resolved: ResolvedSpec,
}

impl ResultsRecord {
    /// Reads the manifest of a results folder.
    ///
    /// # Errors
    /// A manifest that is not there, as when the run did not end, or that is no manifest of this version.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let manifest = Manifest::read(&folder.join(crate::manifest::FILE)).map_err(Error::refused("results"))?;
        let refused = Error::refused(format!("the spec in the manifest of {}", folder.display()));
        let spec: toml::Table = manifest.spec.toml.parse().map_err(refused)?;
        let resolved = ResolvedSpec::new(&spec, |key| {
            let key = key.join(".");
            manifest.spec.values.iter().find(|value| value.key == key).map(|value| value.origin.clone())
        });
        Ok(Self { folder: folder.to_path_buf(), manifest, spec, resolved })
    }

    /// The columns that tell the rows of a table apart, as far as the spec says.
    pub(super) fn keys(&self, table: &str) -> Vec<String> {
        let Some(table) = self.entry("table", table) else { return Vec::new() };
        let pivot = table.get("pivot").and_then(|pivot| pivot.get("index"));
        let keys = pivot.or(table.get("group_by")).and_then(toml::Value::as_array);
        keys.into_iter().flatten().filter_map(toml::Value::as_str).map(String::from).collect()
    }

    /// The file that a figure is drawn from, by its path without the ending.
    pub(super) fn drawn_from(&self, figure: &str) -> Option<String> {
        let from = self.entry("figure", figure)?.get("from")?.as_str()?;
        let folder = if self.entry("table", from).is_some() { "tables" } else { "rows" };
        Some(format!("{folder}/{from}"))
    }

    fn entry(&self, list: &str, name: &str) -> Option<&toml::Value> {
        let entries = self.spec.get(list)?.as_array()?;
        entries.iter().find(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(name))
    }
}
