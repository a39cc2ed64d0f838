//! What the store has of a variant before it is planned. A step that is there has passed every check that its models and prompts are
//! asked for, on the same files, by the same program: a run neither resolves it again nor looks at models for it.

use super::recall::{LARGE, Recall, State, unread};
use super::session::Session;
use crate::context::Models;
use crate::model::{ModelName, ModelSummary};
use crate::spec::Loaded;
use crate::store::Store;
use crate::store::key::of_model;
use std::collections::HashSet;
use std::sync::Arc;

/// The steps of a variant that are in its store, and what that remembers of models.
pub(super) struct StoredSteps {
    steps: HashSet<String>,
    store: Arc<Store>,
    build: String,
}

impl StoredSteps {
    /// Nothing where there is no store to ask, or where asking would read files for longer than a user waits without a word: a run says
    /// so before it reads them.
    pub fn of(loaded: &Loaded, models: &Models, session: &Session) -> Option<Self> {
        let store = session.store(loaded).filter(|store| !store.is_temporary())?;
        let names = models.names(&[]);
        let bytes = |name: &ModelName| Some(unread(store.digests(), &models.parts(name).ok()?));
        if names.iter().filter_map(bytes).sum::<u64>() >= LARGE {
            return None;
        }
        let recall = Recall::new(loaded, models, session, Some(&store)).ok()?;
        // What cannot be asked for is resolved, which says what is wrong with it.
        let is_there = |step: &&crate::spec::Step| matches!(recall.state(step), Ok(State::Stored(_)));
        let steps = loaded.spec.steps.iter().filter(is_there).map(|step| step.name().to_string()).collect();
        let build = recall.build().to_string();
        drop(recall);
        Some(Self { steps, build, store })
    }

    /// Whether a step is in the store.
    pub fn has(&self, step: &str) -> bool {
        self.steps.contains(step)
    }

    /// What is remembered of a model that is as it was seen.
    pub fn seen(&self, models: &Models, name: &ModelName) -> Option<ModelSummary> {
        self.store.seen_model(&self.key(models, name)?)
    }

    /// Remembers the models that it does not know.
    pub fn remember(&self, models: &Models, seen: &[(ModelName, ModelSummary)]) {
        let new = seen.iter().filter_map(|(name, summary)| {
            let key = self.key(models, name)?;
            self.store.seen_model(&key).is_none().then(|| (key, summary.clone()))
        });
        self.store.remember_models(new);
    }

    fn key(&self, models: &Models, name: &ModelName) -> Option<String> {
        of_model(models, name, self.store.digests(), &self.build).ok()
    }
}
