//! An axis: what its values set.

use super::VariantLabel;
use crate::spec::check::{wrong_key, wrong_value};
use crate::spec::error::SpecError;
use crate::spec::node::{Node, NodeContent, Origin, shortened};
use crate::spec::overrides::key_parts;
use crate::spec::{advise, nearest};
use indexmap::IndexMap;

/// What a matrix may vary: what is computed, and not what is made of it.
const VARIED: [&str; 5] = ["model", "models", "prompts", "prompt_sets", "step"];

/// Keys of a step that say which rows it has.
const FIXED: [&str; 3] = ["name", "kind", "needs"];

/// An axis and its values.
pub(super) struct AxisReading<'n> {
    pub name: &'n str,
    /// The key, where all values are of one.
    pub key: Option<(Vec<String>, &'n Node)>,
    pub values: Vec<AxisValue>,
    /// Whether something is wrong with it, so that not all of its values are here.
    pub faulty: bool,
}

/// A value of an axis.
#[derive(Clone)]
pub(super) struct AxisValue {
    pub label: VariantLabel,
    /// Keys and what they are set to.
    pub sets: Vec<(Vec<String>, Node)>,
}

impl<'n> AxisReading<'n> {
    /// Reads an axis whose form was checked; what is wrong with it is left out.
    pub fn axis(name: &'n str, node: &'n Node, errors: &mut Vec<SpecError>) -> Self {
        let mut axis = Self { name, key: None, values: Vec::new(), faulty: false };
        let before = errors.len();
        let key = node.get("key");
        let known = key.filter(|key| !key.is_unknown());
        axis.key = known.and_then(|key| Some((path(key, errors)?, key)));
        // Values of a key that is none set nothing.
        let keyless = key.is_some() && axis.key.is_none();
        let named: Vec<(Option<&String>, &Node)> = match node.get("values").map(|values| &values.content) {
            Some(NodeContent::List(list)) => list.iter().map(|value| (None, value)).collect(),
            Some(NodeContent::Table(table)) => table.iter().map(|(label, value)| (Some(label), value)).collect(),
            _ => Vec::new(),
        };
        for (label, value) in named.into_iter().filter(|(_, value)| !value.is_unknown() && !keyless) {
            let read = axis.value(label, value, errors);
            axis.values.extend(read);
        }
        axis.faulty = keyless || errors.len() > before || axis.values.is_empty();
        if axis.values.is_empty() {
            let unknown = |(path, key): &(Vec<String>, &Node)| {
                (path.clone(), Node { content: NodeContent::Unknown, origin: key.origin.clone() })
            };
            let sets = axis.key.iter().map(unknown).collect();
            axis.values.push(AxisValue { label: VariantLabel::Text("unknown".into()), sets });
        }
        axis
    }

    /// A value of this axis, called `label` or as itself; what is wrong with it is left out.
    pub fn value(&self, label: Option<&String>, value: &Node, errors: &mut Vec<SpecError>) -> Option<AxisValue> {
        let label = match label.map_or_else(|| VariantLabel::of(value), |label| Ok(VariantLabel::Text(label.clone()))) {
            Ok(label) => label,
            Err(what) => {
                let message =
                    format!("{what} as a value of axis '{}' needs a short name, which stands in the rows", self.name);
                errors.push(
                    wrong_value(value, message).advise("give each value a name: values = { short = …, long = … }"),
                );
                return None;
            }
        };
        let taken = |other: &&AxisValue| {
            let (a, b) = (label.in_path(), other.label.in_path());
            a.eq_ignore_ascii_case(&b)
        };
        if let Some(other) = self.values.iter().find(taken) {
            let message = if other.label.to_string() == label.to_string() {
                format!("axis '{}' has the value '{label}' twice", self.name)
            } else {
                format!("'{}' and '{label}' of axis '{}' would have the same folder", other.label, self.name)
            };
            errors.push(wrong_value(value, message).advise("give each value a name: values = { one = …, other = … }"));
            return None;
        }
        let sets = match &self.key {
            Some((path, key)) => vec![(path.clone(), keyed(value.clone(), key))],
            None => part(value, &format!("axis '{}' has no key, so each value", self.name), errors),
        };
        Some(AxisValue { label, sets })
    }

    /// The value that an entry of `exclude` or `include` names.
    pub fn named(&self, node: &Node) -> Option<&AxisValue> {
        let label = VariantLabel::of(node).ok()?.to_string();
        self.values.iter().find(|value| value.label.to_string() == label)
    }

    /// Says that there is no such value.
    pub fn has_none(&self, node: &Node) -> SpecError {
        let labels: Vec<String> = self.values.iter().map(|value| value.label.to_string()).collect();
        let known: Vec<&str> = labels.iter().map(String::as_str).collect();
        let advice = advise(node.text().unwrap_or_default(), &known, '"', "write one of");
        wrong_value(node, format!("axis '{}' has no value {}", self.name, written(node))).advise(advice)
    }
}

fn written(node: &Node) -> String {
    VariantLabel::of(node).map_or_else(|_| node.describe(), |label| format!("'{}'", shortened(&label.to_string())))
}

/// A part of a spec as its keys and what they are set to, those left out that cannot vary; `whose` begins the sentence that says
/// it must be one.
pub(super) fn part(node: &Node, whose: &str, errors: &mut Vec<SpecError>) -> Vec<(Vec<String>, Node)> {
    let Some(table) = node.table().filter(|table| !table.is_empty()) else {
        let message = format!("{whose} must be a part of a spec, not {}", node.describe());
        let advice = "write key = \"model.dtype\", or values = { small = { model.source = … } }";
        errors.push(wrong_value(node, message).advise(advice));
        return Vec::new();
    };
    let mut sets = Vec::new();
    for (key, value) in table {
        match may_vary(std::slice::from_ref(key), |message| wrong_key(value, message)) {
            Ok(()) => leaves(&mut vec![key.clone()], value, &mut sets),
            Err(error) => {
                errors.push(*error);
                if let Some(meant) = meant(key) {
                    leaves(&mut vec![meant.to_string()], value, &mut sets);
                }
            }
        }
    }
    sets.retain(|(path, value)| match may_vary(path, |message| wrong_key(value, message)) {
        Ok(()) => true,
        Err(error) => {
            errors.push(*error);
            false
        }
    });
    sets
}

fn leaves(path: &mut Vec<String>, node: &Node, sets: &mut Vec<(Vec<String>, Node)>) {
    match node.table().filter(|table| !table.is_empty()) {
        Some(table) => each(table, path, sets),
        None => sets.push((path.clone(), node.clone())),
    }
}

fn each(table: &IndexMap<String, Node>, path: &mut Vec<String>, sets: &mut Vec<(Vec<String>, Node)>) {
    for (key, value) in table {
        path.push(key.clone());
        leaves(path, value, sets);
        path.pop();
    }
}

/// The parts of an axis's key, the first as it was probably meant.
fn path(key: &Node, errors: &mut Vec<SpecError>) -> Option<Vec<String>> {
    let text = key.text().unwrap_or_default();
    let Some(mut path) = key_parts(text.trim()) else {
        let message = format!("\"{}\" is not a key of a spec", shortened(text));
        errors.push(wrong_value(key, message).advise("write key = \"model.dtype\""));
        return None;
    };
    let Err(error) = may_vary(&path, |message| wrong_value(key, message)) else { return Some(path) };
    errors.push(*error);
    let root = path.first_mut()?;
    *root = meant(root)?.to_string();
    may_vary(&path, SpecError::new).is_ok().then_some(path)
}

/// What the first part of a key that cannot vary was probably meant to be.
fn meant(root: &str) -> Option<&'static str> {
    if VARIED.contains(&root) { None } else { nearest(root, VARIED) }
}

/// Refuses keys that are not of models, prompts or steps.
fn may_vary(path: &[String], wrong: impl Fn(String) -> SpecError) -> Result<(), Box<SpecError>> {
    let root = path.first().map_or("", String::as_str);
    if !VARIED.contains(&root) {
        let message = format!("a matrix can vary models, prompts and steps, and not '{}'", shortened(root));
        let advice = advise(root, &VARIED, '\'', "begin the key with one of");
        return Err(Box::new(wrong(message).advise(advice)));
    }
    match path {
        [root, _, last, ..] if root == "step" && FIXED.contains(&last.as_str()) => {
            let message = format!("'{last}' of a step cannot vary: the rows of all variants are put together");
            Err(Box::new(wrong(message).advise("write one step for each")))
        }
        _ => Ok(()),
    }
}

/// The value with the place of the key that it is of: what is wrong with the key is shown there.
fn keyed(mut value: Node, key: &Node) -> Node {
    if let (Origin::File { key: place, source, .. }, Origin::File { source: of, value: written, .. }) =
        (&mut value.origin, &key.origin)
        && std::sync::Arc::ptr_eq(source, of)
    {
        *place = Some(written.clone());
    }
    value
}
