//! A spec that is refused, without what is wrong with it: so that what else is wrong, and shows only once it can be read, is said with
//! the rest. What stands on something that is left out is left out, too.

use super::check;
use super::error::NO_COLUMN;
use super::node::{Node, NodeContent};
use super::rows::RowsFiles;
use indexmap::IndexMap;

/// The longest chain of what stands on what is left out.
const DEEPEST: usize = 30;

/// A model that is not here, for one that is not known: what needs no model is still said.
const ELSEWHERE: &str = "hf:unknown/unknown";

/// Keys of figures and expectations that name a column.
const COLUMNS: [(&str, &[&str]); 2] = [("figure", &["x", "y", "value", "series", "facet"]), ("expect", &["value"])];

/// Keys of prompts without which they are other prompts.
const OF_PROMPTS: [&str; 16] = [
    "template",
    "completion",
    "contrast",
    "right",
    "wrong",
    "operands",
    "slots",
    "rows",
    "pairs",
    "computed",
    "different",
    "answer",
    "answers",
    "modulus",
    "random_tokens",
    "tokens",
];

/// Keys of a step that say how much it does, and not what.
const OF_RUNS: [&str; 11] =
    ["needs", "bootstrap", "seed", "seeds", "examples", "epochs", "batch", "lr", "log_every", "held_out", "save"];

/// Keys of a step that name no rows it reads.
const OF_ITSELF: [&str; 3] = ["name", "kind", "needs"];

/// Keys of a step that name what it runs on.
const OF_NAMES: [&str; 2] = ["models", "prompts"];

/// The number of prompts in place of one that is not known.
const SAMPLE: i64 = 50;

/// Keys of a table without which it has other columns.
const OF_COLUMNS: [&str; 4] = ["group_by", "join", "pivot", "select"];

/// Columns that a table makes, and a text that makes one whatever its rows are.
const MADE: [(&str, &str); 2] = [("aggregate", "count"), ("derive", "0")];

/// The checked values without those that are unknown; `None` where the rest is no spec.
pub(super) fn meant(values: &Node, files: &RowsFiles) -> Option<Node> {
    let mut spec = values.clone();
    if let NodeContent::Table(table) = &mut spec.content {
        stand_in(table);
    }
    remove(&mut spec);
    for _ in 0..DEEPEST {
        match check::leave_out(&mut spec, files)? {
            true => remove(&mut spec),
            false => return Some(spec),
        }
    }
    None
}

/// Puts something harmless in the place of what others stand on, and marks what is another thing without a part of it.
fn stand_in(spec: &mut IndexMap<String, Node>) {
    if let Some(title) = spec.get_mut("title").filter(|title| title.is_unknown()) {
        title.content = NodeContent::Text("untitled".into());
    }
    let mut models_matter = true;
    for set in own_and_named(spec, "prompts", "prompt_sets") {
        models_matter &= !prompts(set);
    }
    for model in own_and_named(spec, "model", "models") {
        let known = model.get("source").is_some_and(|source| !source.is_unknown());
        if model.is_unknown() {
            model.content = NodeContent::Table(IndexMap::new());
        }
        if let (false, NodeContent::Table(keys)) = (known && models_matter, &mut model.content) {
            let source = Node { content: NodeContent::Text(ELSEWHERE.into()), origin: model.origin.clone() };
            keys.insert("source".into(), source);
        }
    }
    let mut fewer: Vec<String> = Vec::new();
    each(spec, "step", |one| {
        let less = within(one);
        step(one);
        fewer.extend(one.name().filter(|_| less).map(String::from));
    });
    each(spec, "step", |step| {
        // What compares with rows, or ranks them, may miss those that are left out.
        let mut keys = step.table().into_iter().flatten().filter(|(key, _)| !OF_ITSELF.contains(&key.as_str()));
        if keys.any(|(_, value)| names(value, &fewer)) {
            step.content = NodeContent::Unknown;
        }
    });
    for (list, keys) in COLUMNS {
        each(spec, list, |entry| {
            let NodeContent::Table(entry) = &mut entry.content else { return };
            for key in keys {
                if let Some(column) = entry.get_mut(*key).filter(|column| column.is_unknown()) {
                    column.content = NodeContent::Text(NO_COLUMN.into());
                }
            }
        });
    }
    each(spec, "table", |table| {
        let lost = OF_COLUMNS.iter().any(|key| table.get(key).is_some_and(within));
        if lost || MADE.iter().any(|(key, _)| table.get(key).is_some_and(Node::is_unknown)) {
            table.content = NodeContent::Unknown;
        }
        let NodeContent::Table(keys) = &mut table.content else { return };
        for (key, text) in MADE {
            let Some(NodeContent::Table(columns)) = keys.get_mut(key).map(|node| &mut node.content) else { continue };
            for column in columns.values_mut().filter(|column| column.is_unknown()) {
                column.content = NodeContent::Text(text.into());
            }
        }
    });
}

/// A step without what is unknown of it, where it is the same kind of work then; else none.
fn step(step: &mut Node) {
    let NodeContent::Table(keys) = &mut step.content else { return };
    let mut whole = true;
    for (key, value) in keys {
        match &mut value.content {
            _ if OF_RUNS.contains(&key.as_str()) => {}
            // With them nothing that names them is wrong.
            content @ NodeContent::Unknown if key == "per_prompt" => *content = NodeContent::Boolean(true),
            NodeContent::List(list) if !OF_NAMES.contains(&key.as_str()) => {
                list.iter_mut().filter(|item| within(item)).for_each(|item| item.content = NodeContent::Unknown);
                whole &= list.is_empty() || list.iter().any(|item| !item.is_unknown());
            }
            _ => whole &= !within(value),
        }
    }
    if !whole {
        step.content = NodeContent::Unknown;
    }
}

/// Prompts that are not known: of operands, others in their place, and whether a model may refuse those; of words, none.
fn prompts(set: &mut Node) -> bool {
    let of_words = ["slots", "rows", "pairs", "random_tokens", "tokens"].iter().any(|key| set.get(key).is_some());
    let NodeContent::Table(keys) = &mut set.content else { return false };
    let unknown = |key: &&str| keys.get(*key).is_some_and(within);
    if of_words && OF_PROMPTS.iter().any(unknown) {
        set.content = NodeContent::Unknown;
        return false;
    }
    if let Some(template) = keys.get_mut("template").filter(|template| within(template)) {
        template.content = NodeContent::Unknown;
    }
    if let Some(sample) = keys.get_mut("sample").filter(|sample| sample.is_unknown()) {
        sample.content = NodeContent::Integer(SAMPLE);
    }
    let answers = ["answer", "answers"].iter().any(|key| keys.get(*key).is_some_and(within));
    let Some(operands) = keys.get_mut("operands").filter(|operands| within(operands)) else { return answers };
    let range = Node { content: NodeContent::Text("0..100".into()), origin: operands.origin.clone() };
    operands.content =
        NodeContent::Table(["a", "b"].map(|name| (name.to_string(), range.clone())).into_iter().collect());
    true
}

/// `[model]` and each of `[models]`, or those of prompts.
fn own_and_named<'s>(spec: &'s mut IndexMap<String, Node>, own: &str, named: &str) -> Vec<&'s mut Node> {
    let mut all = Vec::new();
    for (key, node) in spec {
        if key == own {
            all.push(node);
        } else if key == named
            && let NodeContent::Table(entries) = &mut node.content
        {
            all.extend(entries.values_mut());
        }
    }
    all
}

/// Changes each entry of a list.
fn each(spec: &mut IndexMap<String, Node>, list: &str, change: impl FnMut(&mut Node)) {
    if let Some(NodeContent::List(entries)) = spec.get_mut(list).map(|node| &mut node.content) {
        entries.iter_mut().for_each(change);
    }
}

/// Whether a value or a part of it is unknown.
pub(super) fn within(node: &Node) -> bool {
    match &node.content {
        NodeContent::Table(table) => table.values().any(within),
        NodeContent::List(list) => list.iter().any(within),
        NodeContent::Unknown => true,
        _ => false,
    }
}

/// Whether a value is one of these names or has it.
fn names(node: &Node, of: &[String]) -> bool {
    match &node.content {
        NodeContent::Table(table) => table.values().any(|below| names(below, of)),
        NodeContent::List(list) => list.iter().any(|below| names(below, of)),
        NodeContent::Text(text) => of.contains(text),
        _ => false,
    }
}

/// Takes out what is unknown.
fn remove(node: &mut Node) {
    match &mut node.content {
        NodeContent::Table(table) => {
            table.retain(|_, below| !below.is_unknown());
            table.values_mut().for_each(remove);
        }
        NodeContent::List(list) => {
            list.retain(|below| !below.is_unknown());
            list.iter_mut().for_each(remove);
        }
        _ => {}
    }
}
