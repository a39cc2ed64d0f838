//! Models that the specs of one command share: looked at once, and the last one opened stays open.

use super::key::Stamp;
use crate::model::files::{Part, parts};
use crate::model::{Lookup, Model, Sketch};
use crate::spec;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// What makes a model the same, its files as they were when it was looked at included.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    settings: spec::Model,
    base: PathBuf,
    checkpoint: Option<String>,
    files: Vec<(Part, Option<Stamp>)>,
}

impl Identity {
    /// Of a model whose files are there; without them nothing can be said, and opening it says why.
    pub fn of(settings: &spec::Model, lookup: Lookup) -> Option<Self> {
        let stamped = |part: Part| match &part {
            Part::File { path, .. } => Some((part.clone(), Some(Stamp::of(path).ok()?))),
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

/// Models that are there.
#[derive(Debug, Default)]
pub struct Shelf {
    sketches: RefCell<Vec<(Identity, Rc<Sketch>)>>,
    last: RefCell<Option<(Identity, Rc<Model>)>>,
}

impl Shelf {
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
}
