//! Values from the environment (`ABLATE_MODEL__SOURCE=…`) and from flags (`--set model.source=…`), each a layer of its own.

use super::error::SpecError;
use super::merge::{Layer, LayerStack, NAMED_LISTS, fill};
use super::nearest;
use super::node::{NAME_LETTERS, Node, NodeContent, Origin};
use super::parse::parse;
use super::source::Source;
use indexmap::IndexMap;

const PREFIX: &str = "ABLATE_";

/// Variables that say nothing of a spec: where the store is.
const NOT_OF_SPECS: [&str; 1] = ["ABLATE_CACHE"];

/// The `ABLATE_` variables that are of specs, in the order of their names.
pub(super) fn variables(env: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let of_spec = |name: &String| name.starts_with(PREFIX) && !NOT_OF_SPECS.contains(&name.as_str());
    let mut variables: Vec<(String, String)> = env.filter(|(name, _)| of_spec(name)).collect();
    variables.sort();
    variables
}

/// Puts every variable on top of the layers.
pub(super) fn add_variables(
    layers: &mut LayerStack,
    variables: &[(String, String)],
    keys: &[String],
    errors: &mut Vec<SpecError>,
) {
    for (name, value) in variables {
        let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
        let path = joined(path, &layers.merged());
        let known = path.first().is_some_and(|first| keys.contains(first));
        let origin = Origin::Variable(format!("{name}={value}"));
        if !known {
            errors.push(unknown_variable(name, path.first().map_or("", String::as_str), keys));
        } else {
            add(layers, &path, LetterCase::Ignored, value, origin, errors);
        }
    }
}

/// The parts of a path, those put together again that are one name of an entry with two underscores in it: `a__b`.
fn joined(mut path: Vec<String>, merged: &Node) -> Vec<String> {
    let Some(entries) = path.first().and_then(|list| merged.get(list)).and_then(Node::table) else { return path };
    let is_name = |name: &str| entries.keys().any(|key| key.replace('-', "_").eq_ignore_ascii_case(name));
    let whole = (2..=path.len()).find(|&end| is_name(&path[1..end].join("__")));
    if let Some(end) = whole.filter(|&end| end > 2) {
        let name = path[1..end].join("__");
        path.splice(1..end, [name]);
    }
    path
}

/// Puts every `--set KEY=VALUE` on top of the layers, in the order given.
pub(super) fn add_flags(layers: &mut LayerStack, sets: &[String], errors: &mut Vec<SpecError>) {
    for set in sets {
        let wrong = |reason: String| SpecError::new(format!("--set {set}: {reason}"));
        let Some((key, value)) = set.split_once('=') else {
            errors.push(wrong("there is no '='".into()).advise(format!("write --set {set}=VALUE")));
            continue;
        };
        match key_parts(key.trim()) {
            Some(path) => add(layers, &path, LetterCase::Kept, value, Origin::Flag(format!("--set {set}")), errors),
            None => {
                let error = wrong(format!("'{key}' is not a key"));
                let letters = || (!key.is_ascii()).then(|| format!("names are of the {NAME_LETTERS}"));
                let otherwise = || "write --set model.dtype=bf16".to_string();
                let advice = dotted(&layers.merged(), key, value).or_else(letters).unwrap_or_else(otherwise);
                errors.push(error.advise(advice));
            }
        }
    }
}

/// How a key is written that has an index in brackets, `step[0].measures`: entries of lists go by their names.
fn dotted(merged: &Node, key: &str, value: &str) -> Option<String> {
    let open = key.find('[')?;
    let close = open + key.get(open..)?.find(']')?;
    let (list, index, rest) = (key.get(..open)?.trim(), key.get(open + 1..close)?.trim(), key.get(close + 1..)?);
    let index = index.trim_matches(['"', '\'']);
    let entries = merged.get(list).and_then(Node::table);
    let name = match index.parse::<usize>() {
        Ok(number) if NAMED_LISTS.contains(&list) => {
            entries.and_then(|entries| entries.get_index(number)).and_then(|(_, entry)| entry.name())
        }
        _ => Some(index),
    };
    let known = entries.into_iter().flat_map(IndexMap::values).filter_map(Node::name);
    let known = known.collect::<Vec<_>>().join(", ");
    let names = if known.is_empty() { String::new() } else { format!("; the names are {known}") };
    Some(format!("write --set '{list}.{}{rest}={value}'{names}", name.unwrap_or("NAME")))
}

#[derive(Clone, Copy, PartialEq)]
enum LetterCase {
    Kept,
    /// Variables are written in capitals, whatever the case of the key.
    Ignored,
}

fn unknown_variable(name: &str, first: &str, keys: &[String]) -> SpecError {
    let near = nearest(first, keys.iter().map(String::as_str));
    let advice = match near {
        Some(key) => {
            let rest = name[PREFIX.len()..].split_once("__").map_or(String::new(), |(_, rest)| format!("__{rest}"));
            format!("write {PREFIX}{}{rest}, or unset it", key.to_uppercase())
        }
        None => format!(
            "unset it, or begin its name with one of {}",
            keys.iter().map(|key| format!("{PREFIX}{}", key.to_uppercase())).collect::<Vec<_>>().join(", ")
        ),
    };
    SpecError::new(format!("environment variable {name} names no key of a spec")).advise(advice)
}

/// `a."b c".0` as its parts.
pub(super) fn key_parts(key: &str) -> Option<Vec<String>> {
    if key.contains(['\n', '#']) {
        return None;
    }
    let mut node = parse(&Source::from_text("key", format!("{key} = 0"))).ok()?;
    let mut parts = Vec::new();
    while let NodeContent::Table(table) = node.content {
        let (part, below) = table.into_iter().next()?;
        parts.push(part);
        node = below;
    }
    Some(parts)
}

/// What is written, as TOML; as text where it is not.
fn written_value(text: &str, origin: &Origin) -> Node {
    let toml = parse(&Source::from_text("value", format!("value = {text}"))).ok().and_then(|node| match node.content {
        NodeContent::Table(table) if table.len() == 1 => table.into_values().next(),
        _ => None,
    });
    let mut node = toml.unwrap_or(Node { content: NodeContent::Text(text.to_string()), origin: origin.clone() });
    set_origin(&mut node, origin);
    node
}

fn set_origin(node: &mut Node, origin: &Origin) {
    node.origin = origin.clone();
    match &mut node.content {
        NodeContent::List(list) => list.iter_mut().for_each(|node| set_origin(node, origin)),
        NodeContent::Table(table) => table.values_mut().for_each(|node| set_origin(node, origin)),
        _ => {}
    }
}

/// How a list or a table is written whose texts have lost their quotes, as they do in a shell; `None` for what is none.
pub(super) fn with_quotes(origin: &Origin, text: &str) -> Option<String> {
    let whole = origin.to_string();
    let before = whole.strip_suffix(text)?;
    let quoted = requoted(text)?;
    match before.strip_prefix("--set ") {
        Some(key) => Some(format!("the shell removed the quotes; write --set '{key}{quoted}'")),
        None => Some(format!("the shell removed the quotes; write {before}'{quoted}'")),
    }
}

/// A list or a table that is no TOML with quotes around what has none.
fn requoted(text: &str) -> Option<String> {
    let is_toml = |value: &str| parse(&Source::from_text("value", format!("value = {value}"))).is_ok();
    let text = text.trim();
    if is_toml(text) {
        return None;
    }
    let quoted = |item: &str| match item.trim() {
        item if item.starts_with(['"', '\'']) || is_toml(item) => item.to_string(),
        item => format!("\"{item}\""),
    };
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return Some(format!("[{}]", inner.split(',').map(quoted).collect::<Vec<_>>().join(", ")));
    }
    let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))?;
    let (key, _) = inner.split_once('=')?;
    let is_key =
        !key.trim().is_empty() && key.trim().chars().all(|letter| letter.is_alphanumeric() || "_-.".contains(letter));
    let pair = |pair: &str| match pair.split_once('=').filter(|(_, value)| !is_toml(value)) {
        Some((key, value)) => format!("{} = \"{}\"", key.trim(), value.trim()),
        None => pair.trim().to_string(),
    };
    is_key.then(|| format!("{{ {} }}", inner.split(',').map(pair).collect::<Vec<_>>().join(", ")))
}

fn add(
    layers: &mut LayerStack,
    path: &[String],
    case: LetterCase,
    text: &str,
    origin: Origin,
    errors: &mut Vec<SpecError>,
) {
    let value = written_value(text, &origin);
    match layer(&layers.merged(), path, case, value, &origin) {
        Ok(layer) => layers.push(layer),
        Err(error) => errors.push(error),
    }
}

/// A layer with one value at a path of the merged layers below.
fn layer(merged: &Node, path: &[String], case: LetterCase, value: Node, origin: &Origin) -> Result<Layer, SpecError> {
    let placing = Placing { case, origin, depth: 0, list: None };
    Ok(Layer::new(origin.to_string(), placing.place(Some(merged), path, value)?))
}

/// A layer that sets a key to a value of a matrix, and the key with the entries of lists by name.
pub(super) fn set(merged: &Node, path: &[String], value: Node) -> Result<(Layer, Vec<String>), SpecError> {
    let origin = match &value.origin {
        Origin::File { source, key: Some(key), .. } => {
            Origin::File { source: source.clone(), key: Some(key.clone()), value: key.clone() }
        }
        other => other.clone(),
    };
    let layer = layer(merged, path, LetterCase::Kept, value, &origin)?;
    let mut node = &layer.node;
    let mut found = Vec::new();
    while let (Some((key, below)), true) = (node.table().and_then(IndexMap::first), found.len() < path.len()) {
        found.push(key.clone());
        node = below;
    }
    Ok((layer, found))
}

/// Whether a layer says something of a key, or of a table that it is in as a whole.
pub(super) fn says(layer: &Layer, path: &[String]) -> bool {
    let mut node = &layer.node;
    for part in path {
        match node.table() {
            Some(table) => match table.get(part) {
                Some(below) => node = below,
                None => return false,
            },
            None => return true,
        }
    }
    true
}

/// Wraps a value in the tables of its path.
struct Placing<'o> {
    case: LetterCase,
    origin: &'o Origin,
    depth: usize,
    /// The named list whose entry is next in the path.
    list: Option<&'static str>,
}

impl<'o> Placing<'o> {
    fn place(&self, below: Option<&Node>, path: &'o [String], value: Node) -> Result<Node, SpecError> {
        let Some((part, rest)) = path.split_first() else { return Ok(value) };
        if let Some(list) = below.and_then(Node::list) {
            return self.place_in_list(list, part, rest, value);
        }
        let key = match (self.list, below.and_then(Node::table)) {
            (Some(list), entries) => self.entry(list, entries, part)?,
            (None, Some(table)) => self.existing(table, part).unwrap_or_else(|| part.clone()),
            (None, None) => part.clone(),
        };
        let list = NAMED_LISTS.into_iter().find(|list| self.depth == 0 && list == part);
        let inner = Placing { case: self.case, origin: self.origin, depth: self.depth + 1, list };
        let inner = inner.place(below.and_then(|node| node.get(&key)), rest, value)?;
        // A table that is there stays where it is written.
        let origin = below.map_or(self.origin, |below| &below.origin).clone();
        Ok(Node { content: NodeContent::Table(IndexMap::from([(key, inner)])), origin })
    }

    /// A list is replaced as a whole, so its other elements, and what the value leaves out of its own, are taken along.
    fn place_in_list(&self, list: &[Node], part: &str, rest: &'o [String], value: Node) -> Result<Node, SpecError> {
        let mut list = list.to_vec();
        let length = list.len();
        let names: Vec<String> = list.iter().filter_map(|entry| Some(entry.name()?.to_string())).collect();
        let is = |entry: &Node| entry.name().is_some_and(|name| self.is_called(name, part));
        let named = list.iter().position(is).or_else(|| part.parse().ok());
        let Some(element) = named.and_then(|index| list.get_mut(index)) else {
            let advice = match nearest(part, names.iter().map(String::as_str)) {
                Some(near) => format!("write '{near}'"),
                None if names.is_empty() => format!("write an index from 0 to {}", length.saturating_sub(1)),
                None => format!("write one of {}", names.join(", ")),
            };
            return Err(SpecError::about(self.origin, format!("this list has no entry '{part}'")).advise(advice));
        };
        let inner = Placing { case: self.case, origin: self.origin, depth: self.depth + 1, list: None };
        let mut new = inner.place(Some(element), rest, value)?;
        fill(&mut new, element);
        *element = new;
        Ok(Node { content: NodeContent::List(list), origin: self.origin.clone() })
    }

    fn existing(&self, table: &IndexMap<String, Node>, part: &str) -> Option<String> {
        match self.case {
            LetterCase::Kept => table.contains_key(part).then(|| part.to_string()),
            LetterCase::Ignored => table.keys().find(|key| self.is_called(key, part)).cloned(),
        }
    }

    /// Whether a part of a path is a name. Names of variables have neither small letters nor '-'.
    fn is_called(&self, name: &str, part: &str) -> bool {
        match self.case {
            LetterCase::Kept => name == part,
            LetterCase::Ignored => name.replace('-', "_").eq_ignore_ascii_case(part),
        }
    }

    /// The key of an entry of a named list, by its name or its index.
    fn entry(&self, list: &str, entries: Option<&IndexMap<String, Node>>, part: &str) -> Result<String, SpecError> {
        let empty = IndexMap::new();
        let entries = entries.unwrap_or(&empty);
        let by_index = || Some(entries.get_index(part.parse().ok()?)?.0.clone());
        self.existing(entries, part).or_else(by_index).ok_or_else(|| {
            let names: Vec<&str> = entries.values().filter_map(Node::name).collect();
            let advice = match nearest(part, names.iter().copied()) {
                Some(near) => format!("write {list}.{near}"),
                None if names.is_empty() => format!("the spec has no [[{list}]]"),
                None => format!("the spec has {}", names.join(", ")),
            };
            SpecError::about(self.origin, format!("no {list} '{part}'")).advise(advice)
        })
    }
}
