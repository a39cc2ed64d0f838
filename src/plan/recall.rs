//! The store of a spec, asked for its steps: their keys, and what the store has of them.

use super::session::Session;
use crate::Error;
use crate::context::Models;
use crate::manifest;
use crate::model::ModelName;
use crate::model::files::ModelInput;
use crate::resume::{Terms, left};
use crate::spec::{Loaded, Step};
use crate::store::key::{Key, Keys, fingerprint, parameters};
use crate::store::{Entry, Store};
use crate::system::progress::Progress;
use crate::system::{Digests, environment};
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Bytes that take longer to read than a user waits without a word.
pub(super) const LARGE: u64 = 2_000_000_000;

/// What the store has of a step.
#[derive(Debug)]
pub enum State {
    /// There is no store.
    NoStore,
    /// The step is computed whatever there is.
    Forced,
    /// Its entry is damaged.
    Damaged(String),
    /// Its results.
    Stored(Box<Entry>),
    /// Nothing.
    Nothing,
}

/// The steps of one variant of a spec and its store, where it has one.
pub struct Recall<'a> {
    pub(crate) session: &'a Session,
    digests: &'a Digests,
    pub(crate) keys: Keys<'a>,
    build: String,
    pub(crate) handle: Option<StoreHandle<'a>>,
}

/// A store and what it takes to use it.
pub(crate) struct StoreHandle<'a> {
    pub store: Arc<Store>,
    pub to_compare: Keys<'a>,
    pub processor: String,
    pub forced: HashSet<String>,
    pub complained: Cell<bool>,
    pub complained_of_blocks: Cell<bool>,
}

impl<'a> Recall<'a> {
    /// For the steps of a variant of a spec, which need not be planned yet.
    ///
    /// # Errors
    /// A program that cannot read itself.
    pub fn new(
        loaded: &'a Loaded,
        models: &'a Models<'a>,
        session: &'a Session,
        store: Option<&'a Arc<Store>>,
    ) -> Result<Self, Error> {
        let digests = store.map_or_else(|| session.digests(), |store| store.digests());
        let handle = store.map(|store| StoreHandle {
            to_compare: Keys::to_compare(loaded, models),
            processor: manifest::processor(),
            forced: session.forced(loaded),
            complained: Cell::new(false),
            complained_of_blocks: Cell::new(false),
            store: store.clone(),
        });
        Ok(Self {
            session,
            digests,
            keys: Keys::new(loaded, models, digests)?,
            build: environment::build(digests).map_err(Error::failed("the running program"))?,
            handle,
        })
    }

    /// A step's key.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn key(&self, step: &Step) -> Result<Rc<Key>, Error> {
        self.keys.of(step)
    }

    /// The running program, as in keys.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// SHA-256 of the running program.
    ///
    /// # Errors
    /// A program that cannot read itself.
    pub fn executable(&self) -> Result<String, Error> {
        environment::executable(self.digests).map_err(Error::failed("the running program"))
    }

    /// SHA-256 over everything that a model is read from. Says that large files are to be read, before that takes its time.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn fingerprint(&self, models: &Models, name: &ModelName, progress: &Progress) -> Result<String, Error> {
        let bytes = unread(self.digests, &models.parts(name)?);
        if bytes >= LARGE {
            let once = if self.handle.is_some() { ", made once" } else { "" };
            progress.say(&format!("model '{name}': checksums of {:.1} GB{once}", bytes as f64 / 1e9));
        }
        fingerprint(models, name, self.digests)
    }

    /// What the store has of a step, its files not read.
    ///
    /// # Errors
    /// Files of a model that cannot be read.
    pub fn state(&self, step: &Step) -> Result<State, Error> {
        let key = self.keys.of(step)?;
        let Some(handle) = self.handle.as_ref().filter(|handle| !handle.store.is_temporary()) else {
            return Ok(State::NoStore);
        };
        if handle.forced.contains(step.name()) {
            return Ok(State::Forced);
        }
        Ok(match handle.store.peek(&key, &names(step)) {
            Ok(Some(entry)) => State::Stored(Box::new(entry)),
            Ok(None) => State::Nothing,
            Err(damage) => State::Damaged(damage),
        })
    }

    /// How many finished blocks a run that was interrupted has left for the next.
    ///
    /// # Errors
    /// As [`Recall::state`].
    pub fn left(&self, step: &Step, loaded: &Loaded) -> Result<usize, Error> {
        let Some(handle) = &self.handle else { return Ok(0) };
        Ok(left(&handle.store.blocks_of(&self.keys.of(step)?.digest), &terms(loaded, &handle.processor)))
    }

    /// The store, where there is one.
    pub fn store(&self) -> Option<&Store> {
        self.handle.as_ref().map(|handle| handle.store.as_ref())
    }

    /// Every entry of the store that is whole.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let Some(handle) = &self.handle else { return Ok(Vec::new()) };
        let about = format!("store {}", handle.store.root().display());
        let listed = handle.store.list().map_err(Error::failed(about))?;
        Ok(listed.into_iter().filter_map(|listed| listed.entry.ok()).collect())
    }

    /// The step or table whose rows a key has under this checksum.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn called(&self, digest: &str) -> Result<Option<String>, Error> {
        self.keys.called(digest)
    }
}

/// Bytes that checksums of everything that a model is read from would read.
pub(super) fn unread(digests: &Digests, parts: &[ModelInput]) -> u64 {
    let of = |part: &ModelInput| match part {
        ModelInput::File { path, .. } => digests.unread(path),
        ModelInput::Bytes { .. } | ModelInput::Seed(_) => 0,
    };
    parts.iter().map(of).sum()
}

/// What the ends of a step's blocks depend on besides its key.
pub(crate) fn terms(loaded: &Loaded, processor: &str) -> Terms {
    let run = &loaded.spec.run;
    let models = loaded.spec.model.iter().chain(loaded.spec.models.values());
    let devices: BTreeSet<String> = models.map(|model| model.device.to_string()).collect();
    Terms {
        memory_mib: run.memory_mib,
        batch: run.batch,
        threads: rayon::current_num_threads(),
        processor: processor.to_string(),
        devices: devices.into_iter().collect(),
    }
}

/// Names that an outcome may have in it: the step's, and those of what it reads.
pub(crate) fn names(step: &Step) -> Vec<String> {
    std::iter::once(step.name().to_string()).chain(parameters::reads(step)).collect()
}
