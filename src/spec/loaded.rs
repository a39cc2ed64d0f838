//! A spec that has passed every check that needs no model.

use super::Spec;
use super::matrix::VariantLabel;
use super::merge::Layer;
use super::node::{Node, NodeContent, Origin};
use super::source::Source;
use super::write::{self, SpecValue};
use std::path::PathBuf;
use std::sync::Arc;

/// A spec that has passed every check that needs no model, with the origin of each of its values.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The spec, complete: every entry of `models` and `prompt_sets` has what it takes from `[model]` and `[prompts]`.
    pub spec: Spec,
    /// The files it was read from, itself first.
    pub sources: Vec<Arc<Source>>,
    pub(super) values: Node,
    pub(super) layers: Outer,
    pub(super) recognised: Option<Recognised>,
    /// The variants that a matrix makes of it; its own values are those of the first.
    pub(super) sweep: Option<SpecVariants>,
}

/// The layers that a profile comes between.
#[derive(Debug, Clone, Default)]
pub(super) struct Outer {
    /// Those of files, lowest first.
    pub(super) files: Vec<Layer>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) flags: Vec<String>,
    /// What a matrix lays over all of them, of one of its variants.
    pub(super) variant: Option<Vec<Layer>>,
}

/// Which of the known models the spec's model is.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// Its name under `known`.
    pub name: String,
    /// The file that was laid over the spec for it, if it has one.
    pub profile: Option<Arc<Source>>,
}

impl std::fmt::Display for Recognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "model 'model' is known as {}", self.name)?;
        self.profile.as_ref().map_or(Ok(()), |profile| write!(f, ": profile {}", profile.name()))
    }
}

/// The variants of a spec.
#[derive(Debug, Clone)]
pub struct SpecVariants {
    /// Names of the axes.
    pub axes: Vec<String>,
    /// In the order of the axes' values, those that were included last.
    pub variants: Vec<Variant>,
}

/// A spec with one combination of the axes' values laid over it.
#[derive(Debug, Clone)]
pub struct Variant {
    /// `dtype=bf16,sample=50`.
    pub name: String,
    /// What its values are called, one per axis.
    pub labels: Vec<VariantLabel>,
    /// The spec.
    pub loaded: Loaded,
    /// The keys that were laid over it.
    pub(super) reach: Vec<VariantKey>,
}

/// A key of a variant that the matrix has set.
#[derive(Debug, Clone)]
pub(super) struct VariantKey {
    /// The axes that it depends on.
    pub axes: Vec<usize>,
    /// The key, entries of lists by name.
    pub path: Vec<String>,
}

impl Variant {
    /// The name of the variants that have these labels: `dtype=bf16`, of the axes in `of` alone.
    pub(crate) fn name_of(axes: &[String], labels: &[VariantLabel], of: &[usize]) -> String {
        let parts = of.iter().filter_map(|&axis| Some(format!("{}={}", axes.get(axis)?, labels.get(axis)?)));
        parts.collect::<Vec<_>>().join(",")
    }

    /// The axes that a key at or below one of these, or above it, depends on.
    pub(crate) fn axes_at(&self, keys: &[Vec<String>]) -> Vec<usize> {
        let same = |a: &[String], b: &[String]| a.iter().zip(b).all(|(a, b)| a == b);
        let reached = self.reach.iter().filter(|reach| keys.iter().any(|key| same(key, &reach.path)));
        reached.flat_map(|reach| reach.axes.iter().copied()).collect()
    }
}

impl Loaded {
    /// Its variants, where it has a matrix.
    pub fn sweep(&self) -> Option<&SpecVariants> {
        self.sweep.as_ref()
    }

    /// The specs that are run for it: those of its variants, or else itself.
    pub fn variants(&self) -> Vec<&Loaded> {
        match &self.sweep {
            Some(sweep) => sweep.variants.iter().map(|variant| &variant.loaded).collect(),
            None => vec![self],
        }
    }

    /// Which of the known models the spec's model is, once [`Loaded::with_profile`] was told.
    pub fn recognised(&self) -> Option<&Recognised> {
        self.recognised.as_ref()
    }

    /// Where the value at a path comes from. Entries of `step`, `table`, `figure` and `expect` go by
    /// name: `["step", "effects", "models"]`.
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

    /// The text that is written at a path.
    pub(crate) fn text(&self, path: &[&str]) -> Option<&str> {
        self.find(path)?.text()
    }

    /// The whole spec as TOML, every default written out. Reading it gives the same spec.
    pub fn to_toml(&self) -> String {
        write::write(&self.spec, None)
    }

    /// The same with where each value comes from at the end of its line: `file:line:column`, a variable, a flag, or `default`.
    pub fn to_toml_with_origins(&self) -> String {
        write::write(&self.spec, Some(&|path: &[&str]| self.origin(path).to_string()))
    }

    /// The same with something else said of each value, by its key as [`SpecValue`] has it.
    pub(crate) fn to_toml_with(&self, note: &dyn Fn(&str) -> String) -> String {
        write::write(&self.spec, Some(&|path: &[&str]| note(&write::key_at(path))))
    }

    /// Every value with its origin.
    pub fn values(&self) -> Vec<SpecValue> {
        write::values(&self.spec, &|path: &[&str]| self.origin(path))
    }

    /// `--set` values that were laid over it, in order.
    pub fn flags(&self) -> &[String] {
        &self.layers.flags
    }

    /// `ABLATE_…` variables that were laid over it, by name.
    pub fn variables(&self) -> &[(String, String)] {
        &self.layers.variables
    }

    /// Every value that is written, with its origin; what `models` and `prompt_sets` take from `[model]` and `[prompts]` too.
    pub(super) fn nodes(&self) -> &Node {
        &self.values
    }

    pub(super) fn find(&self, path: &[&str]) -> Option<&Node> {
        let mut node = &self.values;
        for part in path {
            node = match &node.content {
                NodeContent::Table(table) => table.get(*part)?,
                NodeContent::List(list) => {
                    let named = list.iter().find(|entry| entry.name() == Some(*part));
                    named.or_else(|| list.get(part.parse::<usize>().ok()?))?
                }
                _ => return None,
            };
        }
        Some(node)
    }
}
