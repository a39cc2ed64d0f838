//! Two specs: every value that is not the same, by its key.

use crate::spec::flatten;
use indexmap::IndexMap;
use serde::Serialize;

/// The values of a resolved spec by key, as `step.effects.layers`, and where each comes from, as far as that is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResolvedSpec {
    values: IndexMap<String, String>,
    origins: IndexMap<String, String>,
}

/// A value that is not the same in two specs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValueChange {
    /// Its key; entries of lists go by their names.
    pub key: String,
    /// Its value in each, as TOML; none where it is not there.
    pub values: [Option<String>; 2],
    /// Where each comes from.
    pub origins: [Option<String>; 2],
}

impl ResolvedSpec {
    /// The values of a resolved spec.
    pub fn new(spec: &toml::Table, origin: impl Fn(&[&str]) -> Option<String>) -> Self {
        let mut resolved = Self::default();
        for (path, value) in flatten(spec) {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let key = parts.join(".");
            resolved.origins.extend(origin(&parts).map(|origin| (key.clone(), origin)));
            resolved.values.insert(key, value.to_string());
        }
        resolved
    }
}

/// What differs, in the order of the keys; those that only the other has come last.
pub fn specs(a: &ResolvedSpec, b: &ResolvedSpec) -> Vec<ValueChange> {
    let more = b.values.keys().filter(|key| !a.values.contains_key(*key));
    let changes = a.values.keys().chain(more).map(|key| ValueChange {
        key: key.clone(),
        values: [a, b].map(|spec| spec.values.get(key).cloned()),
        origins: [a, b].map(|spec| spec.origins.get(key).cloned()),
    });
    changes.filter(|change| change.values[0] != change.values[1]).collect()
}
