//! What the specs of one command share: models, looked at once, of which the last one opened stays open, and the prompts made for
//! them.

use crate::model::files::{ModelInput, parts};
use crate::model::{Lookup, Model, Sketch};
use crate::prompt::{Censuses, PromptSet};
use crate::spec;
use crate::system::Stamp;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// What makes a model the same, its files as they were when it was looked at included.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    settings: spec::Model,
    base: PathBuf,
    checkpoint: Option<String>,
    files: Vec<(ModelInput, Option<Stamp>)>,
}

impl Identity {
    /// Of a model whose files are there; without them nothing can be said, and opening it says why.
    pub fn of(settings: &spec::Model, lookup: Lookup) -> Option<Self> {
        let stamped = |part: ModelInput| match &part {
            ModelInput::File { path, .. } => Some((part.clone(), Some(Stamp::of(path).ok()?))),
            _ => Some((part, None)),
        };
        Some(Self {
            settings: spec::Model { checkpoints: Vec::new(), ..settings.clone() },
            base: lookup.base.to_path_buf(),
            checkpoint: lookup.checkpoint.map(String::from),
            files: parts(settings, lookup).ok()?.into_iter().map(stamped).collect::<Option<_>>()?,
        })
    }
}

/// Prompts of all sets together that are kept for later steps: some tens of megabytes.
const MOST_PROMPTS: usize = 1 << 17;

/// What makes a prompt set the same: the model that was asked, what the spec says, and how many prompts it was asked at a time, as
/// logits round otherwise in other batches.
type PromptsKey = (Identity, spec::Prompts, usize);

/// Models that are there, and prompts in their tokens.
#[derive(Debug, Default)]
pub struct ModelCache {
    sketches: RefCell<Vec<(Identity, Rc<Sketch>)>>,
    last: RefCell<Option<(Identity, Rc<Model>)>>,
    /// The oldest first.
    sets: RefCell<Vec<(PromptsKey, Rc<PromptSet>)>>,
    /// What plans have counted of prompt sets.
    pub censuses: Censuses,
}

impl ModelCache {
    /// A sketch, made unless there is one.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn sketch<E>(
        &self,
        identity: Option<Identity>,
        make: impl FnOnce() -> Result<Sketch, E>,
    ) -> Result<Rc<Sketch>, E> {
        let known = |identity: &Identity| {
            let sketches = self.sketches.borrow();
            sketches.iter().find(|(other, _)| other == identity).map(|(_, sketch)| sketch.clone())
        };
        if let Some(sketch) = identity.as_ref().and_then(known) {
            return Ok(sketch);
        }
        let sketch = Rc::new(make()?);
        self.sketches.borrow_mut().extend(identity.map(|identity| (identity, sketch.clone())));
        Ok(sketch)
    }

    /// A model, opened unless it is the one that was asked for last, which goes first: two may not fit into memory.
    ///
    /// # Errors
    /// What `open` returns.
    pub fn model<E>(
        &self,
        identity: Option<Identity>,
        open: impl FnOnce() -> Result<Model, E>,
    ) -> Result<Rc<Model>, E> {
        if let (Some((last, model)), Some(identity)) = (&*self.last.borrow(), &identity)
            && last == identity
        {
            return Ok(model.clone());
        }
        self.last.replace(None);
        let model = Rc::new(open()?);
        self.last.replace(identity.map(|identity| (identity, model.clone())));
        Ok(model)
    }

    /// Prompts in the tokens of the model that was opened last, made unless there are such: `keep` asks the model about each.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn set<E>(
        &self,
        model: &Rc<Model>,
        (prompts, batch): (&spec::Prompts, usize),
        make: impl FnOnce() -> Result<PromptSet, E>,
    ) -> Result<Rc<PromptSet>, E> {
        let opened = |(identity, last): &(Identity, Rc<Model>)| Rc::ptr_eq(last, model).then(|| identity.clone());
        let identity = self.last.borrow().as_ref().and_then(opened);
        let Some(identity) = identity else { return make().map(Rc::new) };
        let known = |((of, spec, at_once), _): &&(PromptsKey, Rc<PromptSet>)| {
            *at_once == batch && spec == prompts && *of == identity
        };
        if let Some((_, set)) = self.sets.borrow().iter().find(known) {
            return Ok(set.clone());
        }
        let set = Rc::new(make()?);
        let mut sets = self.sets.borrow_mut();
        sets.push(((identity, prompts.clone(), batch), set.clone()));
        let mut count: usize = sets.iter().map(|(_, set)| set.prompts.len()).sum();
        // The newest is in use as it is, and the next step is likely to have it too.
        while count > MOST_PROMPTS && sets.len() > 1 {
            count -= sets.remove(0).1.prompts.len();
        }
        Ok(set)
    }
}
