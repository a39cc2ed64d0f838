//! The profile of a known model: a part of a spec, laid over the files of a spec, that changes what is there and adds nothing.

use super::error::SpecError;
use super::extends::{LayerFiles, point};
use super::merge::{Layer, LayerStack, NAMED_LISTS, is_unnamed};
use super::node::{Node, NodeContent, Origin};
use super::source::Source;
use std::path::Path;
use std::sync::Arc;

/// Tables of entries by name, besides the named lists, that a profile may change and not add to.
const NAMED_TABLES: [&str; 2] = ["models", "prompt_sets"];

/// Reads a profile, and what it extends, cut to the entries that the layers below have; and what is wrong with it. `named` is where the spec names it.
pub(super) fn read(path: &Path, named: &Origin, below: &[Layer], spec: &[Arc<Source>]) -> (LayerFiles, Vec<SpecError>) {
    let mut files = LayerFiles::after(spec);
    files.read(path);
    let placed = |error: SpecError| if error.position().is_some() { error } else { point(error, named) };
    let found = std::mem::take(&mut files.errors).into_iter().chain(std::mem::take(&mut files.faults));
    let mut errors: Vec<SpecError> = found.map(placed).collect();
    let there = merged(below);
    for layer in &mut files.layers {
        cut(&mut layer.node, &there, &mut errors);
    }
    (files, errors)
}

fn merged(layers: &[Layer]) -> Node {
    let mut all = LayerStack::default();
    layers.iter().cloned().for_each(|layer| all.push(layer));
    all.merged()
}

/// Leaves out the entries that are not there below.
fn cut(profile: &mut Node, below: &Node, errors: &mut Vec<SpecError>) {
    let NodeContent::Table(table) = &mut profile.content else { return };
    if let Some(known) = table.get("known") {
        let error = SpecError::new("a profile cannot have [known]: the model is recognised before its profile is read");
        errors.push(at_key(error.advise("write [known.NAME] into the spec"), known));
        table.shift_remove("known");
    }
    if let Some(matrix) = table.get("matrix") {
        let error = SpecError::new("a profile cannot have [matrix]: it is applied to each variant of the spec");
        errors.push(at_key(error.advise("write [matrix] into the spec"), matrix));
    }
    for key in NAMED_LISTS.into_iter().chain(NAMED_TABLES) {
        let Some(NodeContent::Table(entries)) = table.get_mut(key).map(|node| &mut node.content) else { continue };
        for entry in entries.iter().filter(|(name, _)| is_unnamed(name)).map(|(_, entry)| entry) {
            errors.push(at_key(nameless(key, entry), entry));
        }
        let there = below.get(key).and_then(Node::table);
        entries.retain(|name, _| there.is_some_and(|there| there.contains_key(name)));
        if entries.is_empty() {
            table.shift_remove(key);
        }
    }
}

fn nameless(list: &str, entry: &Node) -> SpecError {
    match entry.name() {
        Some(name) => {
            let name = super::node::shortened(name);
            SpecError::new(format!("a profile changes [[{list}]] '{name}' twice")).advise("put both into one entry")
        }
        None => {
            let error = SpecError::new(format!("[[{list}]] of a profile has no 'name'"));
            error.advise(format!("write the name of the [[{list}]] of the spec that it changes"))
        }
    }
}

fn at_key(error: SpecError, node: &Node) -> SpecError {
    match &node.origin {
        Origin::File { source, key, value } => error.at(source, key.clone().unwrap_or_else(|| value.clone()), ""),
        _ => error,
    }
}
