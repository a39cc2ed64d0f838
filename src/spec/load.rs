//! A spec from its layers: defaults, `extends`, the file, the environment, flags.

use super::check::check;
use super::error::{SpecError, SpecErrors};
use super::extends::Files;
use super::merge::{Layers, inherit};
use super::node::{Content, Node, Origin};
use super::source::Source;
use super::{Spec, overrides, schema, write};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A spec that has passed every check that needs no model, with the origin of each of its values.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The spec, complete: every entry of `models` and `prompt_sets` has what it takes from `[model]` and `[prompts]`.
    pub spec: Spec,
    /// The files it was read from, itself first.
    pub sources: Vec<Arc<Source>>,
    values: Node,
}

/// Reads a spec file with everything it extends, `ABLATE_…` variables of `env`, and `--set` values (`model.dtype=bf16`).
///
/// # Errors
/// Every error of the spec at once. Syntax errors and files that can not be read come first and alone: nothing can be said
/// of a spec that is not all there.
pub fn load(path: &Path, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<Loaded, SpecErrors> {
    let mut files = Files::default();
    files.read(path);
    resolve(files, sets, env)
}

/// Reads a spec from a text, named so in errors.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Loaded, SpecErrors> {
    let mut files = Files::default();
    files.add(Source::from_text(name, text.to_string()));
    resolve(files, &[], std::iter::empty())
}

fn resolve(files: Files, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<Loaded, SpecErrors> {
    if !files.errors.is_empty() {
        return Err(SpecErrors::new(files.errors));
    }
    let mut layers = Layers::default();
    for layer in files.layers {
        layers.push(layer);
    }
    let mut errors = Vec::new();
    overrides::add_variables(&mut layers, env, &keys(), &mut errors);
    overrides::add_flags(&mut layers, sets, &mut errors);
    let mut values = layers.merged_lists();
    inherit(&mut values);
    errors.extend(check(&values));
    if !errors.is_empty() {
        return Err(SpecErrors::new(errors));
    }
    let spec = Spec::deserialize(values.to_toml()).map_err(|error| unchecked(&values, &error))?;
    Ok(Loaded { spec, sources: files.sources, values })
}

/// The keys of a spec's top level that a layer may set.
fn keys() -> Vec<String> {
    let properties = schema::resolved().get("properties").and_then(serde_json::Value::as_object);
    properties.into_iter().flatten().map(|(key, _)| key.clone()).filter(|key| key != "extends").collect()
}

/// An error that only serde found: the schema is wider than the type.
fn unchecked(values: &Node, error: &toml::de::Error) -> SpecErrors {
    let error = SpecError::new(error.message().to_string());
    match &values.origin {
        Origin::File { source, value, .. } => error.at(source, value.clone(), "in this spec"),
        _ => error,
    }
    .into()
}

impl Loaded {
    /// Where the value at a path comes from. Entries of `step`, `table` and `figure` go by name:
    /// `["step", "effects", "models"]`.
    pub fn origin(&self, path: &[&str]) -> Origin {
        self.find(path).map_or(Origin::Default, |node| node.origin.clone())
    }

    /// The folder that a relative path at this key starts from: that of the file that wrote it, or the current one where a
    /// flag or a variable did.
    pub fn directory(&self, path: &[&str]) -> PathBuf {
        match self.origin(path) {
            Origin::File { source, .. } => source.directory().to_path_buf(),
            _ => PathBuf::new(),
        }
    }

    /// An error about the value at a path, for what is found only once a model is there: "layer 33 of 32". Points at the
    /// nearest table that is written where the value itself is not.
    pub fn refuse(&self, path: &[&str], message: impl Into<String>, advice: Option<String>) -> SpecErrors {
        let node = (0..=path.len()).rev().find_map(|length| self.find(path.get(..length)?));
        let error = match node.map(|node| &node.origin) {
            Some(Origin::File { source, value, .. }) => SpecError::new(message).at(source, value.clone(), ""),
            Some(Origin::Variable(text) | Origin::Flag(text)) => SpecError::new(format!("{text}: {}", message.into())),
            Some(Origin::Default) | None => SpecError::new(message),
        };
        error.advise_option(advice).into()
    }

    /// The whole spec as TOML, every default written out. Reading it gives the same spec.
    pub fn to_toml(&self) -> String {
        write::write(&self.spec, None)
    }

    /// The same with where each value comes from at the end of its line: `file:line:column`, a variable, a flag, or `default`.
    pub fn to_toml_with_origins(&self) -> String {
        write::write(&self.spec, Some(&|path: &[&str]| self.origin(path)))
    }

    fn find(&self, path: &[&str]) -> Option<&Node> {
        let mut node = &self.values;
        for part in path {
            node = match &node.content {
                Content::Table(table) => table.get(*part)?,
                Content::List(list) => {
                    let named = list.iter().find(|entry| entry.get("name").and_then(Node::text) == Some(*part));
                    named.or_else(|| list.get(part.parse::<usize>().ok()?))?
                }
                _ => return None,
            };
        }
        Some(node)
    }
}
