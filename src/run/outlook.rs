//! What a run would take from the store, and why it would compute the rest.

use super::key::difference::{self, Change};
use super::recall::{Recall, State, names};
use super::store::{Entry, utc};
use super::{Ready, order, session};
use crate::Error;
use crate::spec::{Loaded, Step};
use std::collections::{HashMap, HashSet};

/// What is known of a step before it is run.
#[derive(Debug, Clone, PartialEq)]
pub enum Outlook {
    /// Its results are in the store.
    Stored {
        /// Since when.
        computed: String,
    },
    /// A spec before it, of the same command, computes it.
    Shared {
        /// Which.
        spec: String,
    },
    /// It is computed.
    Computed {
        /// Why.
        why: Why,
        /// Finished blocks of it that a run which was interrupted has left.
        left: usize,
    },
}

/// Why a step is computed.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// There is no store.
    NoStore,
    /// `--force`.
    Forced,
    /// What the store has is damaged.
    Damaged(String),
    /// The store has nothing of its kind.
    New,
    /// It is another than what the store has.
    Changed {
        /// What changed.
        changes: Vec<String>,
        /// With what it is compared, where that is no step of this name of this spec.
        unlike: Option<String>,
    },
}

/// Steps that specs of one command compute, by key and the names that may be in their results; with the spec.
#[derive(Debug, Default)]
pub struct Earlier(HashMap<(String, Vec<String>), String>);

/// The steps of a variant of a spec in the order that they would be run in; `earlier` are those of the specs before it.
///
/// # Errors
/// Files of a model, and a store, that can not be read.
pub fn outlook<'l>(
    variant: &Ready<'l>,
    recall: &Recall,
    earlier: &mut Earlier,
) -> Result<Vec<(&'l Step, Outlook)>, Error> {
    let loaded = variant.loaded;
    let spec = loaded.sources.first().map_or("", |source| source.name());
    let entries = recall.entries()?;
    let mut computed: HashSet<&str> = HashSet::new();
    let mut all = Vec::new();
    for step in order::steps(&loaded.spec.steps) {
        let place = (recall.key(step)?.digest.clone(), names(step));
        if let Some(spec) = earlier.0.get(&place) {
            all.push((step, Outlook::Shared { spec: spec.clone() }));
            continue;
        }
        let why = match recall.state(step)? {
            State::Stored(entry) => {
                all.push((step, Outlook::Stored { computed: utc(entry.computed) }));
                continue;
            }
            State::NoStore => Why::NoStore,
            State::Forced => Why::Forced,
            State::Damaged(damage) => Why::Damaged(damage),
            State::Nothing => match nearest(loaded, step, &entries) {
                None => Why::New,
                Some((entry, unlike)) => {
                    let key = recall.key(step)?;
                    let changes = difference::between(&entry.inputs, &key.text);
                    let told = |change| told(change, step, loaded, recall, &computed);
                    Why::Changed { changes: changes.into_iter().map(told).collect::<Result<_, _>>()?, unlike }
                }
            },
        };
        let left = if why == Why::Forced { 0 } else { recall.left(step, loaded)? };
        computed.insert(step.name());
        earlier.0.insert(place, spec.to_string());
        all.push((step, Outlook::Computed { why, left }));
    }
    Ok(all)
}

/// The entry that a step is compared with: the latest of this step of this spec, else of a step of this name, else of its kind,
/// and which that is unless it is the first.
fn nearest<'e>(loaded: &Loaded, step: &Step, entries: &'e [Entry]) -> Option<(&'e Entry, Option<String>)> {
    let spec = loaded.sources.first().map_or("", |source| source.name());
    let latest = |wanted: &dyn Fn(&Entry) -> bool| {
        let of_kind = entries.iter().filter(|entry| entry.kind == step.kind());
        of_kind.filter(|entry| wanted(entry)).max_by_key(|entry| entry.computed)
    };
    if let Some(own) = latest(&|entry| entry.step == step.name() && entry.spec == spec) {
        return Some((own, None));
    }
    let other = latest(&|entry| entry.step == step.name()).or_else(|| latest(&|_| true))?;
    Some((other, Some(format!("step '{}' of {}", other.step, other.spec))))
}

/// A change in the words of the spec.
fn told(
    change: Change,
    step: &Step,
    loaded: &Loaded,
    recall: &Recall,
    computed: &HashSet<&str>,
) -> Result<String, Error> {
    match change {
        Change::Rows { key, digest } => {
            let Some(name) = recall.called(&digest)? else { return Ok(format!("{key}: other rows")) };
            let again = session::steps_behind(loaded, vec![name.clone()]);
            let again =
                loaded.spec.steps.iter().find(|step| again.contains(step.name()) && computed.contains(step.name()));
            Ok(match again {
                Some(again) => format!("step '{}', whose rows it reads, is computed", again.name()),
                None => format!("{key}: '{name}', other rows than before"),
            })
        }
        Change::Value { key, old, new } => {
            // `[prompts]` is in the key whatever the set is called.
            let set = step.common().prompts().map(|set| format!("prompt_sets.{set}."));
            let key = match (key.strip_prefix("prompts."), set) {
                (Some(rest), Some(set)) => set + rest,
                _ => key,
            };
            Ok(Change::Value { key, old, new }.to_string())
        }
        change => Ok(change.to_string()),
    }
}
