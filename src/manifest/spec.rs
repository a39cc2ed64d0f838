//! The spec of a run: its files, what was set over them, and where each value came from.

use super::git::{self, Git};
use crate::spec::Loaded;
use crate::system::digests::of_bytes;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The spec of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecRecord {
    /// SHA-256 of `toml`: the same for the same experiment, however it is written.
    pub sha256: String,
    /// The files that it was read from, itself first.
    pub files: Vec<SpecFile>,
    /// The commit that they are of, where they are in a git repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// `--set`, as typed.
    pub sets: Vec<String>,
    /// `ABLATE_…` variables that were laid over it.
    pub environment: IndexMap<String, String>,
    /// The whole of it, with every default.
    pub toml: String,
    /// Where each value comes from.
    pub values: Vec<ValueOrigin>,
}

/// A file of a spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecFile {
    /// Its path as it was typed, or as that of the file that names it goes on.
    pub path: String,
    /// `spec`, `extends`, `profile` or `rows`.
    pub role: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// A value of the resolved spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueOrigin {
    /// Its key, entries of lists by name: `step.effects.sites`.
    pub key: String,
    /// The value, as TOML.
    pub value: String,
    /// `FILE:LINE:COLUMN`, `ABLATE_NAME=value`, `--set key=value`, or `default`.
    pub origin: String,
}

impl SpecRecord {
    /// Of a spec as it is run.
    pub fn of(loaded: &Loaded) -> Self {
        let toml = loaded.to_toml();
        let profile = loaded.recognised().and_then(|recognised| recognised.profile.as_ref());
        let profile = profile.and_then(|profile| loaded.sources.iter().position(|source| Arc::ptr_eq(source, profile)));
        let is_of_rows = |index: usize| loaded.sources.get(index).is_some_and(|source| source.is_of_rows());
        let role = |index: usize| match index {
            0 => "spec",
            index if is_of_rows(index) => "rows",
            index if profile.is_some_and(|first| index >= first) => "profile",
            _ => "extends",
        };
        let files = loaded.sources.iter().enumerate().map(|(index, source)| SpecFile {
            path: source.name().to_string(),
            role: role(index).to_string(),
            sha256: source.sha256().to_string(),
        });
        let values = loaded.values().into_iter().map(|value| ValueOrigin {
            key: value.key,
            value: value.toml,
            origin: value.origin.to_string(),
        });
        Self {
            sha256: of_bytes(toml.as_bytes()),
            files: files.collect(),
            git: git::of(&loaded.sources.iter().map(|source| source.name()).collect::<Vec<_>>()),
            sets: loaded.flags().to_vec(),
            environment: loaded.variables().iter().cloned().collect(),
            toml,
            values: values.collect(),
        }
    }
}
