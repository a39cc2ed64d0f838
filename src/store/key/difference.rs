//! Why a step's key is another than that of an entry of the store: what changed between the texts that both are made of.

use super::canonical::{self, Tree};
use std::fmt;

/// What changed from one key to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The executable.
    Build,
    /// A line of a key that has no parts: its form, the processor's instruction sets, the step's kind and version.
    Line {
        /// What it says.
        about: String,
        /// What the entry has.
        old: String,
        /// What the step has.
        new: String,
    },
    /// What a model is read from: weights, tokenizer, configuration.
    Weights {
        /// The model.
        model: String,
    },
    /// A model that only one of them runs.
    Model {
        /// The model.
        model: String,
        /// Whether the step runs it.
        added: bool,
    },
    /// The same models in another order.
    Order,
    /// A parameter, a key of a prompt set, or what the spec says of a model.
    Value {
        /// The key.
        key: String,
        /// What the entry has; none where it has no such key.
        old: Option<String>,
        /// What the step has.
        new: Option<String>,
    },
    /// The rows that are read.
    Rows {
        /// The key that names them.
        key: String,
        /// SHA-256 that stands for them in the step's key.
        digest: String,
    },
}

/// Everything that changed from the text of one key to that of another; a text that cannot be read is all new.
pub fn between(old: &str, new: &str) -> Vec<Change> {
    let (old, new) = (Lines::of(old), Lines::of(new));
    let mut changes = Vec::new();
    if old.build != new.build {
        changes.push(Change::Build);
    }
    for (about, old, new) in [
        ("form of keys", old.format, new.format),
        ("instruction sets of the processor", old.processor, new.processor),
        ("step", old.step, new.step),
    ] {
        if old != new {
            changes.push(Change::Line { about: about.into(), old: old.into(), new: new.into() });
        }
    }
    models(&old.models, &new.models, &mut changes);
    values("", Some(&old.parameters), Some(&new.parameters), &mut changes);
    changes
}

/// The lines of a key's text.
#[derive(Default)]
struct Lines<'t> {
    format: &'t str,
    build: &'t str,
    processor: &'t str,
    step: &'t str,
    models: Vec<(String, Tree)>,
    parameters: Tree,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let mut lines = Self::default();
        for line in text.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("format", rest) => lines.format = rest,
                ("build", rest) => lines.build = rest,
                ("processor", rest) => lines.processor = rest,
                ("step", rest) => lines.step = rest,
                ("model", rest) => lines.models.extend(canonical::parse(rest).map(|model| (called(&model), model))),
                ("parameters", rest) => lines.parameters = canonical::parse(rest).unwrap_or_default(),
                _ => {}
            }
        }
        lines
    }
}

/// A model as its rows call it.
fn called(model: &Tree) -> String {
    let text = |key: &str| model.get(key).and_then(Tree::text).unwrap_or_default();
    match text("checkpoint") {
        "" => text("name").to_string(),
        checkpoint => format!("{} at {checkpoint}", text("name")),
    }
}

fn models(old: &[(String, Tree)], new: &[(String, Tree)], changes: &mut Vec<Change>) {
    let find = |models: &[(String, Tree)], name: &str| models.iter().position(|(other, _)| other == name);
    let model = |name: &String, added| Change::Model { model: name.clone(), added };
    changes.extend(new.iter().filter(|(name, _)| find(old, name).is_none()).map(|(name, _)| model(name, true)));
    changes.extend(old.iter().filter(|(name, _)| find(new, name).is_none()).map(|(name, _)| model(name, false)));
    let mut places = Vec::new();
    for (name, after) in new {
        let Some((place, before)) = find(old, name).and_then(|place| Some((place, &old.get(place)?.1))) else {
            continue;
        };
        places.push(place);
        let mut own = Vec::new();
        values(&format!("model '{name}'"), Some(before), Some(after), &mut own);
        let is_weights = |change: &Change| match change {
            // The checksum of a model looks like that of rows.
            Change::Value { key, .. } | Change::Rows { key, .. } => key.ends_with("'.files"),
            _ => false,
        };
        if own.iter().any(is_weights) {
            changes.push(Change::Weights { model: name.clone() });
        }
        changes.extend(own.into_iter().filter(|change| !is_weights(change)));
    }
    if !places.is_sorted() {
        changes.push(Change::Order);
    }
}

/// Compares two values key by key; lists as a whole, unless they are lists of tables of one length.
fn values(key: &str, old: Option<&Tree>, new: Option<&Tree>, changes: &mut Vec<Change>) {
    if old == new {
        return;
    }
    let below = |part: &str| if key.is_empty() { part.to_string() } else { format!("{key}.{part}") };
    match (old, new) {
        (Some(Tree::Table(before)), Some(Tree::Table(after))) => {
            for (part, value) in after {
                values(&below(part), find(before, part), Some(value), changes);
            }
            for (part, value) in before.iter().filter(|(part, _)| find(after, part).is_none()) {
                values(&below(part), Some(value), None, changes);
            }
            // The order of templates and of columns is that of the rows.
            if before.iter().all(|(part, value)| find(after, part) == Some(value)) && before.len() == after.len() {
                changes.push(changed(key, old, new));
            }
        }
        (Some(Tree::List(before)), Some(Tree::List(after)))
            if before.len() == after.len() && after.iter().all(Tree::is_table) =>
        {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                values(&below(&index.to_string()), Some(before), Some(after), changes);
            }
        }
        (Some(Tree::Text(before)), Some(Tree::Text(after))) => {
            match (canonical::parse(before), canonical::parse(after)) {
                // A prompt set in place of its name.
                (Some(before @ Tree::Table(_)), Some(after @ Tree::Table(_))) => {
                    values(key, Some(&before), Some(&after), changes);
                }
                _ => changes.push(rows(key, after).unwrap_or_else(|| changed(key, old, new))),
            }
        }
        (None, Some(Tree::Text(after))) => changes.push(rows(key, after).unwrap_or_else(|| changed(key, old, new))),
        (_, Some(Tree::List(after))) if after.iter().any(|item| digest(item).is_some()) => {
            let before = match old {
                Some(Tree::List(before)) => before.as_slice(),
                _ => &[],
            };
            let new_rows = after.iter().filter(|item| !before.contains(item)).filter_map(digest);
            let found: Vec<Change> = new_rows.map(|digest| Change::Rows { key: key.into(), digest }).collect();
            if found.is_empty() {
                changes.push(changed(key, old, new));
            }
            changes.extend(found);
        }
        _ => changes.push(changed(key, old, new)),
    }
}

fn find<'t>(table: &'t [(String, Tree)], key: &str) -> Option<&'t Tree> {
    table.iter().find(|(other, _)| other == key).map(|(_, value)| value)
}

fn changed(key: &str, old: Option<&Tree>, new: Option<&Tree>) -> Change {
    let shown = |value: Option<&Tree>| value.map(ToString::to_string);
    Change::Value { key: key.to_string(), old: shown(old), new: shown(new) }
}

fn rows(key: &str, text: &str) -> Option<Change> {
    Some(Change::Rows { key: key.to_string(), digest: digest_within(text)? })
}

fn digest(value: &Tree) -> Option<String> {
    value.text().and_then(digest_within)
}

/// The SHA-256 in a text that stands for rows: `DIGEST`, `DIGEST.part`, `{DIGEST}`.
fn digest_within(text: &str) -> Option<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_digest =
        |word: &&str| word.len() == 64 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    words.into_iter().find(is_digest).map(String::from)
}

/// The longest value that is shown.
const SHOWN: usize = 60;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_string(),
        };
        let value = |value: &Option<String>| value.as_deref().map_or_else(|| "not there".to_string(), short);
        match self {
            Change::Build => f.write_str("another build of ablate"),
            Change::Line { about, old, new } => write!(f, "{about} {} → {}", short(old), short(new)),
            Change::Weights { model } => write!(f, "model '{model}': other weights, tokenizer or configuration"),
            Change::Model { model, added: true } => write!(f, "model '{model}' is new"),
            Change::Model { model, added: false } => write!(f, "model '{model}' is gone"),
            Change::Order => f.write_str("the order of models"),
            Change::Value { key, old, new } => write!(f, "{key} {} → {}", value(old), value(new)),
            Change::Rows { key, .. } => write!(f, "{key}: other rows"),
        }
    }
}
