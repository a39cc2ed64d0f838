//! What a step asks of its spec while it runs: its key must have all of it.

use crate::manifest::PromptsRecord;
use crate::model::{ModelName, WeightReads};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Models and prompt sets that were asked for.
#[derive(Debug, Default)]
pub struct Usage {
    models: RefCell<BTreeSet<String>>,
    /// By name; none for `[prompts]`.
    prompts: RefCell<BTreeSet<Option<String>>>,
    /// What became of them.
    built: RefCell<Vec<PromptsRecord>>,
    /// Models whose layers are read while they run, each with the bytes that were read before.
    streamed: RefCell<Vec<(ModelName, WeightReads, u64)>>,
}

impl Usage {
    /// Begins anew.
    pub fn forget(&self) {
        self.models.borrow_mut().clear();
        self.prompts.borrow_mut().clear();
        self.built.borrow_mut().clear();
        self.streamed.borrow_mut().clear();
    }

    /// A model that is opened reads layers while it runs.
    pub fn reads(&self, name: &ModelName, reads: &WeightReads) {
        let mut streamed = self.streamed.borrow_mut();
        if !streamed.iter().any(|(_, known, _)| known.is(reads)) {
            streamed.push((name.clone(), reads.clone(), reads.bytes()));
        }
    }

    /// Bytes of layers that were read since [`Usage::forget`]; none where no model's layers are.
    pub fn bytes_read(&self) -> Option<u64> {
        let streamed = self.streamed.borrow();
        let bytes = streamed.iter().map(|(_, reads, before)| reads.bytes() - before).sum();
        (!streamed.is_empty()).then_some(bytes)
    }

    /// A layer of a model that could not be read.
    pub fn unread(&self) -> Option<(ModelName, String)> {
        let streamed = self.streamed.borrow();
        streamed.iter().find_map(|(name, reads, _)| Some((name.clone(), reads.failure()?.to_string())))
    }

    /// A model is opened.
    pub fn model(&self, name: &ModelName) {
        self.models.borrow_mut().insert(name.to_string());
    }

    /// A prompt set is read.
    pub fn prompts(&self, set: Option<&str>) {
        self.prompts.borrow_mut().insert(set.map(String::from));
    }

    /// A prompt set is made in a model's tokens.
    pub fn built(&self, record: PromptsRecord) {
        let mut built = self.built.borrow_mut();
        if !built.contains(&record) {
            built.push(record);
        }
    }

    /// The prompt sets that were made since [`Usage::forget`].
    pub fn take_built(&self) -> Vec<PromptsRecord> {
        self.built.take()
    }

    /// The first thing that was asked for and is not among these.
    pub fn beyond(&self, models: &[ModelName], prompts: &[Option<String>]) -> Option<String> {
        let known: Vec<String> = models.iter().map(ToString::to_string).collect();
        let model =
            self.models.borrow().iter().find(|name| !known.contains(name)).map(|name| format!("model '{name}'"));
        let set = |set: &Option<String>| match set {
            Some(name) => format!("prompt set '{name}'"),
            None => "[prompts]".to_string(),
        };
        model.or_else(|| self.prompts.borrow().iter().find(|name| !prompts.contains(name)).map(set))
    }
}
