//! Why a step's key is another than that of an entry of the store: what changed between what both are made of.

use super::inputs::Inputs;
use serde_json::Value as Json;
use std::fmt;

/// What changed from one key to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChange {
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

/// Everything that changed from one key to another.
pub fn between(old: &Inputs, new: &Inputs) -> Vec<KeyChange> {
    let mut changes = Vec::new();
    if old.build != new.build {
        changes.push(KeyChange::Build);
    }
    for (about, old, new) in [
        ("form of keys", old.format.to_string(), new.format.to_string()),
        ("instruction sets of the processor", old.processor.clone(), new.processor.clone()),
        ("step", old.step.clone(), new.step.clone()),
    ] {
        if old != new {
            changes.push(KeyChange::Line { about: about.into(), old, new });
        }
    }
    models(&old.models, &new.models, &mut changes);
    values("", Some(&old.parameters), Some(&new.parameters), &mut changes);
    changes
}

/// A model as its rows call it.
fn called(model: &Json) -> String {
    let text = |key: &str| model.get(key).and_then(Json::as_str).unwrap_or_default();
    match text("checkpoint") {
        "" => text("name").to_string(),
        checkpoint => format!("{} at {checkpoint}", text("name")),
    }
}

fn models(old: &[Json], new: &[Json], changes: &mut Vec<KeyChange>) {
    let find = |models: &[Json], model: &Json| models.iter().position(|other| called(other) == called(model));
    let only = |model: &Json, added| KeyChange::Model { model: called(model), added };
    changes.extend(new.iter().filter(|model| find(old, model).is_none()).map(|model| only(model, true)));
    changes.extend(old.iter().filter(|model| find(new, model).is_none()).map(|model| only(model, false)));
    let mut places = Vec::new();
    for after in new {
        let Some(place) = find(old, after) else { continue };
        places.push(place);
        let mut own = Vec::new();
        values(&format!("model '{}'", called(after)), old.get(place), Some(after), &mut own);
        let is_weights = |change: &KeyChange| match change {
            // The checksum of a model looks like that of rows.
            KeyChange::Value { key, .. } | KeyChange::Rows { key, .. } => key.ends_with("'.files"),
            _ => false,
        };
        if own.iter().any(is_weights) {
            changes.push(KeyChange::Weights { model: called(after) });
        }
        changes.extend(own.into_iter().filter(|change| !is_weights(change)));
    }
    if !places.is_sorted() {
        changes.push(KeyChange::Order);
    }
}

/// Compares two values key by key; lists as a whole, unless they are lists of tables of one length.
fn values(key: &str, old: Option<&Json>, new: Option<&Json>, changes: &mut Vec<KeyChange>) {
    // As texts: the order of templates and of columns is that of the rows.
    if old.map(Json::to_string) == new.map(Json::to_string) {
        return;
    }
    let count = changes.len();
    let below = |part: &str| if key.is_empty() { part.to_string() } else { format!("{key}.{part}") };
    match (old, new) {
        (Some(Json::Object(before)), Some(Json::Object(after))) => {
            for part in after.keys().chain(before.keys().filter(|part| !after.contains_key(*part))) {
                values(&below(part), before.get(part), after.get(part), changes);
            }
        }
        (Some(Json::Array(before)), Some(Json::Array(after)))
            if before.len() == after.len() && after.iter().all(Json::is_object) =>
        {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                values(&below(&index.to_string()), Some(before), Some(after), changes);
            }
        }
        _ => {
            let digests = items(new).iter().filter(|item| !items(old).contains(item)).filter_map(digest);
            changes.extend(digests.map(|digest| KeyChange::Rows { key: key.into(), digest }));
        }
    }
    if changes.len() == count {
        changes.push(KeyChange::Value { key: key.to_string(), old: old.map(shown), new: new.map(shown) });
    }
}

/// The values of a list; of anything else, itself.
fn items(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(list)) => list,
        value => value.map(std::slice::from_ref).unwrap_or_default(),
    }
}

/// A value as TOML writes it.
fn shown(value: &Json) -> String {
    match value {
        Json::Array(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Json::Object(table) => {
            let parts: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect();
            format!("{{ {} }}", parts.join(", "))
        }
        bare => bare.to_string(),
    }
}

/// The SHA-256 in a text that stands for rows: `DIGEST`, `DIGEST.part`, `{DIGEST}`.
fn digest(value: &Json) -> Option<String> {
    let mut words = value.as_str()?.split(|letter: char| !letter.is_ascii_alphanumeric());
    let is_digest =
        |word: &&str| word.len() == 64 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    words.find(is_digest).map(String::from)
}

/// The longest value that is shown.
const SHOWN: usize = 60;

impl fmt::Display for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_string(),
        };
        let value = |value: &Option<String>| value.as_deref().map_or_else(|| "not there".to_string(), short);
        match self {
            KeyChange::Build => f.write_str("another build of ablate"),
            KeyChange::Line { about, old, new } => write!(f, "{about} {} → {}", short(old), short(new)),
            KeyChange::Weights { model } => write!(f, "model '{model}': other weights, tokenizer or configuration"),
            KeyChange::Model { model, added: true } => write!(f, "model '{model}' is new"),
            KeyChange::Model { model, added: false } => write!(f, "model '{model}' is gone"),
            KeyChange::Order => f.write_str("the order of models"),
            KeyChange::Value { key, old, new } => write!(f, "{key} {} → {}", value(old), value(new)),
            KeyChange::Rows { key, .. } => write!(f, "{key}: other rows"),
        }
    }
}
