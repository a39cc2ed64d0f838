//! What a name stands for: topics, keys by their path or alone, words of a choice.

use super::key::{self, KeyChoice, SpecKey};
use super::synonyms::{Synonym, synonym, words};
use super::topic::{Topic, TopicKind};
use super::topics::topics;
use crate::spec::{HookPattern, SitePattern, nearest, one_of};
use indexmap::IndexSet;
use std::sync::LazyLock;

/// What a name stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Referent {
    /// A thing of its own.
    Topic(&'static Topic),
    /// A key, with the paths at which it means the same.
    Key {
        /// `prompts.sample`, or several: `ablation.positions`, `intervention.positions`.
        paths: Vec<String>,
        /// The key.
        key: Box<SpecKey>,
    },
    /// A word that keys may have.
    Choice {
        /// The paths of these keys.
        paths: Vec<String>,
        /// The word.
        choice: Box<KeyChoice>,
    },
    /// A word of the field for it, with what it is here.
    Synonym(&'static Synonym),
}

/// A name that nothing has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing has the name '{name}'; {}", one_of(.near, SHOWN))]
pub struct Unknown {
    /// What was asked for.
    pub name: String,
    /// What was probably meant: one, or those that have something like it in their name.
    pub near: Vec<String>,
}

/// Where names are, where none is like the one that was asked for.
const SHOWN: &str = "`ablate list steps` (figures, measures, hooks, models, operators, specs) shows names";

/// Everything that a name stands for: topics, or else the key at a path, or else keys and words of that name.
///
/// # Errors
/// When there is nothing, with the nearest name.
pub fn find(name: &str) -> Result<Vec<Referent>, Unknown> {
    let name = name.trim().trim_start_matches('[').trim_end_matches(']');
    // Columns have names that are common words: other things come first.
    let called = |column: bool| {
        let fits = move |topic: &&Topic| (topic.group == TopicKind::Column) == column && is_called(topic, name);
        topics().iter().filter(fits).map(Referent::Topic)
    };
    let found: Vec<Referent> = called(false).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let found = at_path(name);
    if !found.is_empty() {
        return Ok(found);
    }
    let found: Vec<Referent> = keys_called(name).into_iter().chain(words_called(name)).chain(called(true)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    match (hook(name), synonym(name)) {
        (Some(topic), _) => Ok(vec![Referent::Topic(topic)]),
        (None, Some(synonym)) => Ok(vec![Referent::Synonym(synonym)]),
        (None, None) => Err(unknown(name)),
    }
}

fn is_called(topic: &Topic, name: &str) -> bool {
    topic.name == name || topic.also.iter().any(|other| other == name)
}

/// The key at a path: `prompts.sample`, `ablation.mean.sample`, `figure.x`; with `step.` before a kind or without.
fn at_path(path: &str) -> Vec<Referent> {
    let path = path.strip_prefix("step.").unwrap_or(path);
    let found = topics().iter().filter_map(|topic| {
        let rest = path.strip_prefix(topic.name.as_str())?.strip_prefix('.')?;
        let mut keys = topic.keys.clone();
        let mut found = None;
        for part in rest.split('.') {
            let key = keys.into_iter().find(|key| key.name == part)?;
            keys = key.table.map(key::keys).unwrap_or_default();
            found = Some(key);
        }
        Some(Referent::Key { paths: vec![path.to_string()], key: Box::new(found?) })
    });
    // The tables of a step are topics too: its own path and theirs lead to the same key.
    found.take(1).collect()
}

/// Keys of a name, those that mean the same together.
fn keys_called(name: &str) -> Vec<Referent> {
    let mut found: Vec<(SpecKey, Vec<String>)> = Vec::new();
    for topic in topics() {
        for key in topic.keys.iter().filter(|key| key.name == name) {
            let path = path(topic, key);
            match found.iter_mut().find(|(other, _)| other.about == key.about && other.kind == key.kind) {
                Some((_, paths)) => paths.push(path),
                None => found.push((key.clone(), vec![path])),
            }
        }
    }
    found.into_iter().map(|(key, paths)| Referent::Key { paths, key: Box::new(key) }).collect()
}

/// Words of a choice of that name.
fn words_called(name: &str) -> Vec<Referent> {
    let mut found: Vec<(KeyChoice, Vec<String>)> = Vec::new();
    for topic in topics() {
        for key in &topic.keys {
            for choice in key.choices.iter().filter(|choice| choice.name == name) {
                let path = path(topic, key);
                match found.iter_mut().find(|(other, _)| other == choice) {
                    Some((_, paths)) => paths.push(path),
                    None => found.push((choice.clone(), vec![path])),
                }
            }
        }
    }
    found.into_iter().map(|(choice, paths)| Referent::Choice { paths, choice: Box::new(choice) }).collect()
}

fn path(topic: &Topic, key: &SpecKey) -> String {
    match topic.name.as_str() {
        "spec" => key.name.clone(),
        owner => format!("{owner}.{}", key.name),
    }
}

/// A hook with layers or units: `blocks.3.attn.hook_z[head]`.
fn hook(name: &str) -> Option<&'static Topic> {
    // Brackets at the end were taken off with those of a table's header.
    let name = name.split('[').next().unwrap_or(name);
    let site = match SitePattern::parse(name).ok()?.hooks {
        HookPattern::Layers(_, site) => site.name().to_string(),
        HookPattern::One(hook) => hook.to_string(),
    };
    topics().iter().find(|topic| topic.group == TopicKind::Hook && is_called(topic, &site))
}

/// Every name that finds something: topics first, then keys and words.
pub fn names() -> impl Iterator<Item = &'static str> {
    static NAMES: LazyLock<IndexSet<String>> = LazyLock::new(|| {
        let of_topics = topics().iter().flat_map(|topic| std::iter::once(&topic.name).chain(&topic.also).cloned());
        let of_keys = topics().iter().flat_map(|topic| {
            topic.keys.iter().flat_map(|key| {
                let words = key.choices.iter().map(|choice| choice.name.clone());
                [path(topic, key), key.name.clone()].into_iter().chain(words)
            })
        });
        of_topics.chain(of_keys).collect()
    });
    NAMES.iter().map(String::as_str)
}

/// Of names that have something like it as a part, so many are shown.
const ALIKE: usize = 6;

fn unknown(name: &str) -> Unknown {
    let near = nearest(name, names()).map(|near| vec![near.to_string()]);
    let alike = || {
        let is_part =
            |topic: &&Topic| topic.name.split(['-', '_', '.', '/', ' ']).any(|part| nearest(name, [part]).is_some());
        topics().iter().filter(|topic| topic.group != TopicKind::Column).filter(is_part).map(|topic| topic.name.clone())
    };
    let mut near = near.unwrap_or_else(|| alike().collect::<IndexSet<_>>().into_iter().take(ALIKE).collect());
    if near.is_empty() {
        near.extend(nearest(name, words()).map(String::from));
    }
    Unknown { name: name.to_string(), near }
}
