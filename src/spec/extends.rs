//! `extends`: the files a spec is written on top of.

use super::error::SpecError;
use super::merge::{Layer, NAMED_LISTS};
use super::node::{Node, NodeContent, Origin};
use super::parse::parse;
use super::read::read;
use super::source::Source;
use super::text_or::{TextOr, schema_of};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// One spec file, or several in order, relative to the file that names them. Gone once the spec is resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "TextOr<Vec<String>>")]
pub struct Extends(pub Vec<String>);

impl From<TextOr<Vec<String>>> for Extends {
    fn from(written: TextOr<Vec<String>>) -> Self {
        match written {
            TextOr::Text(path) => Self(vec![path]),
            TextOr::Other(paths) => Self(paths),
        }
    }
}

schema_of!(Extends, |_| {
    "description": "A spec file this one is written on top of, or a list of them, relative to this file.",
    "anyOf": [
        { "type": "string", "minLength": 1 },
        { "type": "array", "items": { "type": "string", "minLength": 1 } },
    ],
});

/// The longest chain of files, each extending the next.
const LONGEST_CHAIN: usize = 32;

/// Reads a file and everything it extends, lowest layer first. A file reached twice counts once, at its first place, so that
/// it does not undo what another made of it.
#[derive(Default)]
pub(super) struct LayerFiles {
    pub layers: Vec<Layer>,
    pub errors: Vec<SpecError>,
    /// What is wrong in files that can be read all the same.
    pub faults: Vec<SpecError>,
    /// Every file read, the spec itself first.
    pub sources: Vec<Arc<Source>>,
    seen: Vec<PathBuf>,
    chain: Vec<(PathBuf, String)>,
}

impl LayerFiles {
    /// To read files that come after those of a spec: what that has read is not read again.
    pub fn after(spec: &[Arc<Source>]) -> Self {
        let seen = spec.iter().filter_map(|source| Path::new(source.name()).canonicalize().ok()).collect();
        Self { seen, ..Self::default() }
    }

    /// Reads from a path; errors are gathered in `errors`.
    pub fn read(&mut self, path: &Path) {
        if let Err(error) = self.open(path) {
            self.errors.push(error);
        }
    }

    fn open(&mut self, path: &Path) -> Result<(), SpecError> {
        let identity = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let name = path.display().to_string();
        if let Some(at) = self.chain.iter().position(|(known, _)| *known == identity) {
            let names = self.chain.iter().skip(at).map(|(_, name)| name.as_str()).chain([name.as_str()]);
            let names: Vec<&str> = names.collect();
            return Err(SpecError::new(format!("`extends` goes in a circle: {}", names.join(" -> "))));
        }
        if self.chain.len() >= LONGEST_CHAIN {
            return Err(SpecError::new(format!("`extends` goes through more than {LONGEST_CHAIN} files")));
        }
        if self.seen.contains(&identity) {
            return Ok(());
        }
        let source = read(path, &self.seen)?;
        self.seen.push(identity.clone());
        self.chain.push((identity, name));
        self.add(source);
        self.chain.pop();
        Ok(())
    }

    /// Takes a text, and reads what it extends.
    pub fn add(&mut self, source: Arc<Source>) {
        self.sources.push(source.clone());
        let mut node = match parse(&source) {
            Ok(node) => node,
            Err(errors) => return self.errors.extend(errors),
        };
        let NodeContent::Table(table) = &mut node.content else { return };
        for base in self.bases(table.shift_remove("extends")) {
            let Some(text) = base.text() else { continue };
            if let Err(error) = self.open(&normal(&source.directory().join(text))) {
                let placed = error.position().is_some();
                self.errors.push(if placed { error } else { point(error, &base.origin) });
            }
        }
        self.refuse_single_tables(table);
        self.layers.push(Layer::new(source.name().to_string(), node));
    }

    /// `[step]` where `[[step]]` is meant: in a file the named lists are lists. It is taken as one.
    fn refuse_single_tables(&mut self, table: &mut IndexMap<String, Node>) {
        for key in NAMED_LISTS {
            let Some(node) = table.get_mut(key) else { continue };
            let entries = match &node.content {
                NodeContent::List(entries) => entries.iter().find(|entry| entry.table().is_none()),
                _ => Some(&*node),
            };
            let Some(wrong) = entries else { continue };
            let error = SpecError::new(format!("'{key}' must be a list of tables, not {}", wrong.describe()));
            self.faults.push(point(error.advise(format!("write [[{key}]]")), &wrong.origin));
            match &mut node.content {
                NodeContent::List(entries) => entries.retain(|entry| entry.table().is_some()),
                NodeContent::Table(_) => node.content = NodeContent::List(as_list(node)),
                content => *content = NodeContent::Unknown,
            }
        }
    }

    /// The paths of `extends`, or why it is none.
    fn bases(&mut self, extends: Option<Node>) -> Vec<Node> {
        let Some(node) = extends else { return Vec::new() };
        let mut bases = match node.content {
            NodeContent::List(list) => list,
            _ => vec![node],
        };
        bases.retain(|base| {
            let right = base.text().is_some_and(|text| !text.is_empty());
            if !right {
                let error =
                    SpecError::new(format!("`extends` must be a path or a list of paths, not {}", base.describe()));
                self.errors.push(point(error.advise("write extends = \"../base.toml\""), &base.origin));
            }
            right
        });
        bases
    }
}

/// The entries that a table in place of a list of tables was probably meant to be: itself, or one by name under each of its keys.
fn as_list(node: &Node) -> Vec<Node> {
    let tables = node.table().filter(|table| !table.contains_key("name") && !table.is_empty());
    let Some(tables) = tables.filter(|tables| tables.values().all(|below| below.table().is_some())) else {
        return vec![node.clone()];
    };
    let named = tables.iter().map(|(name, below)| {
        let mut below = below.clone();
        let name = Node { content: NodeContent::Text(name.clone()), origin: below.origin.clone() };
        if let NodeContent::Table(keys) = &mut below.content {
            keys.entry("name".into()).or_insert(name);
        }
        below
    });
    named.collect()
}

/// The error at the place of a value in a file.
pub(super) fn point(error: SpecError, origin: &Origin) -> SpecError {
    match origin {
        Origin::File { source, value, .. } => error.at(source, value.clone(), ""),
        _ => error,
    }
}

/// `a/b/../c` as `a/c`, for messages.
pub(crate) fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}
