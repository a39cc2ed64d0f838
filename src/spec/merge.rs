//! One spec from its layers. figment decides which layer's value holds at each key; the nodes of that layer then give the
//! value itself, its place, and the order of keys, none of which figment keeps.
//!
//! Tables merge key by key. The lists `step`, `table`, `figure` and `expect` merge by their entries' names: in a layer each is a
//! table of entries by name. Every other list is replaced as a whole.

use super::node::{Node, NodeContent, Origin};
use figment::providers::Serialized;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use indexmap::IndexMap;

/// The lists of named entries.
pub(super) const NAMED_LISTS: [&str; 4] = ["step", "table", "figure", "expect"];

/// One source of values: a file, a variable, or a flag.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    /// A file, or the variable or flag with its value.
    pub name: String,
    pub node: Node,
}

impl Layer {
    /// A layer whose named lists may still be lists.
    pub fn new(name: String, mut node: Node) -> Self {
        if let NodeContent::Table(table) = &mut node.content {
            for key in NAMED_LISTS {
                if let Some(entries) = table.get_mut(key) {
                    by_name(entries);
                }
            }
        }
        Self { name, node }
    }
}

/// Between an entry's name and a number that tells it from others: no name in a file can be meant by it.
const UNNAMED: char = '\0';

/// Whether an entry has no name of its own, or one that was taken.
pub(super) fn is_unnamed(key: &str) -> bool {
    key.starts_with(UNNAMED)
}

/// Turns a list of tables into a table by name. An entry without a name, or with one that is taken, keeps a key of its own,
/// for the checks to find.
fn by_name(node: &mut Node) {
    let NodeContent::List(list) = &mut node.content else { return };
    let at = match &node.origin {
        Origin::File { source, .. } => source.name().to_string(),
        _ => String::new(),
    };
    let mut table = IndexMap::new();
    for (index, entry) in std::mem::take(list).into_iter().enumerate() {
        let name = entry.name().filter(|name| !table.contains_key(*name));
        let key = name.map_or_else(|| format!("{UNNAMED}{at}{UNNAMED}{index}"), String::from);
        table.insert(key, entry);
    }
    node.content = NodeContent::Table(table);
}

/// Turns it back into a list.
fn to_list(node: &mut Node) {
    if let NodeContent::Table(table) = &mut node.content {
        node.content = NodeContent::List(std::mem::take(table).into_values().collect());
    }
}

/// The layers so far, lowest first.
#[derive(Debug, Clone, Default)]
pub(super) struct LayerStack {
    layers: Vec<Layer>,
    figment: Figment,
}

/// A layer and its number, which comes back in the metadata of the values that won.
struct Numbered<'l>(usize, &'l Layer);

impl Provider for Numbered<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::from(self.1.name.clone(), self.0.to_string())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Serialized::defaults(self.1.node.to_toml()).data()
    }
}

impl LayerStack {
    /// Puts a layer on top.
    pub fn push(&mut self, layer: Layer) {
        self.figment = std::mem::take(&mut self.figment).merge(Numbered(self.layers.len(), &layer));
        self.layers.push(layer);
    }

    /// Those on top of the lowest so many.
    pub fn above(&self, lowest: usize) -> &[Layer] {
        self.layers.get(lowest..).unwrap_or_default()
    }

    /// The values that hold, named lists by name.
    pub fn merged(&self) -> Node {
        let stack: Vec<(usize, &Node)> = self.layers.iter().map(|layer| &layer.node).enumerate().collect();
        let merged = self.figment.find_value("").ok().and_then(|value| self.resolve(&value, &stack));
        merged.unwrap_or(Node { content: NodeContent::Table(IndexMap::new()), origin: Origin::Default })
    }

    /// The values that hold, named lists as lists.
    pub fn merged_lists(&self) -> Node {
        let mut node = self.merged();
        if let NodeContent::Table(table) = &mut node.content {
            for key in NAMED_LISTS {
                if let Some(entries) = table.get_mut(key) {
                    to_list(entries);
                }
            }
        }
        node
    }

    /// The node of a merged value, from the nodes that the layers have at its path.
    fn resolve(&self, value: &Value, stack: &[(usize, &Node)]) -> Option<Node> {
        let Value::Dict(_, dict) = value else {
            let winner = self.figment.get_metadata(value.tag())?.source.as_ref()?.custom()?.parse::<usize>().ok()?;
            return stack.iter().find(|(layer, _)| *layer == winner).map(|(_, node)| (*node).clone());
        };
        let tables: Vec<(usize, &Node)> = stack.iter().filter(|(_, node)| node.table().is_some()).copied().collect();
        let keys = tables.iter().flat_map(|(_, node)| node.table().into_iter().flat_map(IndexMap::keys));
        let mut merged: IndexMap<String, Node> = IndexMap::new();
        for key in keys {
            let (Some(value), false) = (dict.get(key), merged.contains_key(key)) else { continue };
            let below: Vec<(usize, &Node)> =
                tables.iter().filter_map(|(layer, node)| Some((*layer, node.get(key)?))).collect();
            merged.insert(key.clone(), self.resolve(value, &below)?);
        }
        let in_file = tables.iter().rev().find(|(_, node)| matches!(node.origin, Origin::File { .. }));
        let (_, origin) = in_file.or(tables.last())?;
        Some(Node { content: NodeContent::Table(merged), origin: origin.origin.clone() })
    }
}

/// What entries of a table take what they leave out from.
pub(super) const INHERITING: [(&str, &str); 2] = [("model", "models"), ("prompts", "prompt_sets")];

/// `models.NAME` from `[model]` and `prompt_sets.NAME` from `[prompts]`: what an entry leaves out, its parent's value says,
/// and the origin is the parent's.
pub(super) fn inherit(spec: &mut Node) {
    let NodeContent::Table(table) = &mut spec.content else { return };
    for (parent, children) in INHERITING {
        let Some(parent) = table.get(parent).cloned() else { continue };
        let Some(NodeContent::Table(children)) = table.get_mut(children).map(|node| &mut node.content) else {
            continue;
        };
        for child in children.values_mut() {
            if parent_of_another_kind(child, &parent) {
                fill(child, &without(&parent, &OF_ONE_KIND));
            } else {
                fill(child, &parent);
            }
        }
    }
}

/// Keys of prompts that mean something to one kind of them alone, or other things to each.
const OF_ONE_KIND: [&str; 16] = [
    "template",
    "completion",
    "contrast",
    "right",
    "wrong",
    "operators",
    "operands",
    "answers",
    "modulus",
    "slots",
    "rows",
    "pairs",
    "computed",
    "different",
    "random_tokens",
    "tokens",
];

/// Kinds of prompts, each by the keys that make a set one of it.
const KINDS: [&[&str]; 5] = [&["operands"], &["slots", "rows"], &["pairs"], &["random_tokens"], &["tokens"]];

/// Whether a table takes what it leaves out of this key from its parent.
pub(super) fn takes(child: &Node, parent: &Node, key: &str) -> bool {
    !(OF_ONE_KIND.contains(&key) && parent_of_another_kind(child, parent))
}

/// Whether two prompt sets are of different kinds: one has operands and the other words.
fn parent_of_another_kind(child: &Node, parent: &Node) -> bool {
    let kind = |node: &Node| KINDS.iter().position(|keys| keys.iter().any(|key| node.get(key).is_some()));
    matches!((kind(child), kind(parent)), (Some(own), Some(other)) if own != other)
}

fn without(node: &Node, keys: &[&str]) -> Node {
    let mut node = node.clone();
    if let NodeContent::Table(table) = &mut node.content {
        table.retain(|key, _| !keys.contains(&key.as_str()));
    }
    node
}

/// Deep-merges `from` below `node`: what `node` has, it keeps.
pub(super) fn fill(node: &mut Node, from: &Node) {
    let (NodeContent::Table(table), NodeContent::Table(defaults)) = (&mut node.content, &from.content) else { return };
    for (key, value) in defaults {
        match table.get_mut(key) {
            Some(own) => fill(own, value),
            None => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}
