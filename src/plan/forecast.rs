//! What a run would take from the store, and why it would compute the rest.

use super::recall::{Recall, State, names};
use super::{PlannedStep, PlannedVariant};
use crate::Error;
use crate::spec::{Loaded, Step};
use crate::store::Entry;
use crate::store::key::Keys;
use crate::store::key::difference::{self, KeyChange};
use crate::store::key::inputs::Inputs;
use crate::system::time::utc;
use crate::variants::reads;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;

/// What is known of a step before it is run.
#[derive(Debug, Clone, PartialEq)]
pub enum Forecast {
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

/// What the specs of one command have in common.
#[derive(Debug, Default)]
pub struct ForecastMemory {
    /// Steps that specs before compute, by key and the names that may be in their results; with the spec.
    computed: HashMap<(String, Vec<String>), String>,
    /// The entries of stores that steps were compared with.
    entries: HashMap<PathBuf, Rc<Vec<Entry>>>,
}

impl ForecastMemory {
    /// Every entry of a store that is whole, read when they are first asked for.
    fn entries(&mut self, recall: &Recall) -> Result<Rc<Vec<Entry>>, Error> {
        let Some(store) = recall.store() else { return Ok(Rc::default()) };
        if let Some(entries) = self.entries.get(store.root()) {
            return Ok(entries.clone());
        }
        let entries = Rc::new(recall.entries()?);
        self.entries.insert(store.root().to_path_buf(), entries.clone());
        Ok(entries)
    }
}

/// Changes by which a step of another spec, of the same name and model, may differ and be told as what this one was made of.
const FEW: usize = 2;

/// What is known of each step of a variant of a spec before it is run; `earlier` are those of the specs before it. Without a store
/// there is nothing to recall, and neither the program nor a model's files need to be read to know it.
///
/// # Errors
/// Files of a model, and a store, that cannot be read.
pub fn forecast<'p, 'a>(
    variant: &'p PlannedVariant<'a>,
    recall: Option<&Recall>,
    earlier: &mut ForecastMemory,
) -> Result<Vec<(&'p PlannedStep<'a>, Forecast)>, Error> {
    let loaded = variant.loaded;
    let spec = loaded.sources.first().map_or("", |source| source.name());
    let to_compare = Keys::to_compare(loaded, &variant.models);
    let mut computed: HashSet<&str> = HashSet::new();
    let mut all = Vec::new();
    for planned in &variant.steps {
        let step = planned.step;
        let key = recall.map_or_else(|| to_compare.of(step), |recall| recall.key(step))?;
        let place = (key.digest.clone(), names(step));
        if let Some(spec) = earlier.computed.get(&place) {
            all.push((planned, Forecast::Shared { spec: spec.clone() }));
            continue;
        }
        let recalled = recall.map(|recall| Ok::<_, Error>((recall, recall.state(step)?))).transpose()?;
        let Some((recall, state)) = recalled else {
            computed.insert(step.name());
            earlier.computed.insert(place, spec.to_string());
            all.push((planned, Forecast::Computed { why: Why::NoStore, left: 0 }));
            continue;
        };
        let why = match state {
            State::Stored(entry) => {
                all.push((planned, Forecast::Stored { computed: utc(entry.computed) }));
                continue;
            }
            State::NoStore => Why::NoStore,
            State::Forced => Why::Forced,
            State::Damaged(damage) => Why::Damaged(damage),
            State::Nothing => match nearest(loaded, step, &key.inputs, &earlier.entries(recall)?) {
                None => Why::New,
                Some((changes, unlike)) => {
                    let told = |change| told(change, step, loaded, recall, &computed);
                    Why::Changed { changes: changes.into_iter().map(told).collect::<Result<_, _>>()?, unlike }
                }
            },
        };
        let left = if why == Why::Forced { 0 } else { recall.left(step, loaded)? };
        computed.insert(step.name());
        earlier.computed.insert(place, spec.to_string());
        all.push((planned, Forecast::Computed { why, left }));
    }
    Ok(all)
}

/// What changed since the entry that a step is compared with: the latest of this step of this spec, else that of a step of the same
/// name which differs in little, and which that is. Any other step of its kind has nothing to do with it.
fn nearest(loaded: &Loaded, step: &Step, key: &Inputs, entries: &[Entry]) -> Option<(Vec<KeyChange>, Option<String>)> {
    let spec = loaded.sources.first().map_or("", |source| source.name());
    let of_name = || entries.iter().filter(|entry| entry.kind == step.kind() && entry.step == step.name());
    if let Some(own) = of_name().filter(|entry| entry.spec == spec).max_by_key(|entry| entry.computed) {
        return Some((difference::between(&own.inputs, key), None));
    }
    let changed = of_name().map(|entry| (entry, difference::between(&entry.inputs, key)));
    let is_little = |(_, changes): &(&Entry, Vec<KeyChange>)| {
        let of_model = |change: &KeyChange| matches!(change, KeyChange::Weights { .. } | KeyChange::Model { .. });
        changes.len() <= FEW && !changes.iter().any(of_model)
    };
    let alike = changed.filter(is_little).min_by_key(|(entry, changes)| (changes.len(), u64::MAX - entry.computed));
    let (other, changes) = alike?;
    Some((changes, Some(format!("step '{}' of {}", other.step, other.spec))))
}

/// A change in the words of the spec.
fn told(
    change: KeyChange,
    step: &Step,
    loaded: &Loaded,
    recall: &Recall,
    computed: &HashSet<&str>,
) -> Result<String, Error> {
    match change {
        KeyChange::Rows { key, digest } => {
            let Some(name) = recall.called(&digest)? else { return Ok(format!("{key}: other rows")) };
            let again = reads::steps_behind(loaded, vec![name.clone()]);
            let again =
                loaded.spec.steps.iter().find(|step| again.contains(step.name()) && computed.contains(step.name()));
            Ok(match again {
                Some(again) => format!("step '{}', whose rows it reads, is computed", again.name()),
                None => format!("{key}: '{name}', other rows than before"),
            })
        }
        KeyChange::Value { key, old, new } => {
            // `[prompts]` is in the key whatever the set is called.
            let set = step.common().prompts().map(|set| format!("prompt_sets.{set}."));
            let key = match (key.strip_prefix("prompts."), set) {
                (Some(rest), Some(set)) => set + rest,
                _ => key,
            };
            Ok(KeyChange::Value { key, old, new }.to_string())
        }
        change => Ok(change.to_string()),
    }
}
