//! What the specs of one command share: stores, and which steps are computed again though a store has them.

use crate::Error;
use crate::spec::{Loaded, SpecErrors};
use crate::store::{Store, StoreIsFile, StoreLocation};
use crate::system::Digests;
use crate::variants::{order, reads};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Which steps are computed though a store has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Force {
    /// None.
    #[default]
    Nothing,
    /// These, and those that read their rows.
    Steps(Vec<String>),
    /// All.
    All,
}

/// What the specs of one command share.
#[derive(Debug, Default)]
pub struct Session {
    force: Force,
    no_store: bool,
    /// Whether what the store has not is missing, and not computed.
    gathers: bool,
    /// Steps that several specs have, by keys that compare them: these are computed once even without a store.
    shared: HashSet<String>,
    stores: Mutex<HashMap<StoreLocation, Option<Arc<Store>>>>,
    /// Checksums of files, of specs without a store.
    digests: Digests,
    /// Keys of what this command has computed: it is not computed again, forced or not.
    computed: Mutex<HashSet<String>>,
}

impl Session {
    /// With `no_store` nothing is taken from stores or put into them, whatever specs say.
    pub fn new(force: Force, no_store: bool) -> Self {
        Self { force, no_store, ..Self::default() }
    }

    /// The same, but what the store has not is not computed: it is missing, as if it had failed.
    #[must_use]
    pub fn gathering(self) -> Self {
        Self { gathers: true, ..self }
    }

    /// Whether what the store has not is missing, and not computed.
    pub fn gathers(&self) -> bool {
        self.gathers
    }

    /// Notes that several specs have a step, by its key of [`crate::store::key::Keys::to_compare`].
    pub(super) fn note_shared(&mut self, key: String) {
        self.shared.insert(key);
    }

    /// Whether several specs have a step, by its key of [`crate::store::key::Keys::to_compare`].
    pub(crate) fn is_shared(&self, key: &str) -> bool {
        self.shared.contains(key)
    }

    /// The store of a spec.
    pub fn store(&self, loaded: &Loaded) -> Option<Arc<Store>> {
        let place = if self.no_store { StoreLocation::Off } else { StoreLocation::of(loaded) };
        if place == StoreLocation::Off && self.shared.is_empty() {
            // Not remembered: there is one as soon as specs are known to share steps.
            return None;
        }
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let open = |place: &StoreLocation| match place {
            StoreLocation::Folder(folder) => Some(Arc::new(Store::at(folder.clone()))),
            StoreLocation::Off => Store::temporary().ok().map(Arc::new),
        };
        stores.entry(place.clone()).or_insert_with(|| open(&place)).clone()
    }

    /// Checksums of files for this command alone.
    pub(crate) fn digests(&self) -> &Digests {
        &self.digests
    }

    pub(crate) fn has_computed(&self, key: &str) -> bool {
        self.computed.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    pub(crate) fn note_computed(&self, key: &str) {
        self.computed.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_string());
    }

    /// Whether anything is to be made anew though it is there.
    pub fn forces(&self) -> bool {
        self.force != Force::Nothing
    }

    /// The steps of a spec that are computed though a store has them.
    pub(crate) fn forced(&self, loaded: &Loaded) -> HashSet<String> {
        let spec = &loaded.spec;
        let names = match &self.force {
            Force::Nothing => return HashSet::new(),
            Force::All => return spec.steps.iter().map(|step| step.name().to_string()).collect(),
            Force::Steps(names) => names,
        };
        let mut forced: HashSet<String> = HashSet::new();
        for step in order::steps(&spec.steps) {
            let behind = reads::steps_behind(loaded, crate::store::key::parameters::reads(step));
            if names.iter().any(|name| name == step.name()) || behind.iter().any(|read| forced.contains(read)) {
                forced.insert(step.name().to_string());
            }
        }
        forced
    }

    /// Refuses stores that are files, and names of steps to force that no spec has.
    ///
    /// # Errors
    /// Those.
    pub fn check<'l>(&self, specs: impl Iterator<Item = &'l Loaded>) -> Result<(), Error> {
        let specs: Vec<&Loaded> = specs.collect();
        if !self.no_store {
            specs.iter().try_for_each(|loaded| check_store(loaded))?;
        }
        let Force::Steps(names) = &self.force else { return Ok(()) };
        let steps: Vec<&str> =
            specs.iter().flat_map(|loaded| loaded.spec.steps.iter().map(|step| step.name())).collect();
        let unknown = names.iter().filter(|name| !steps.contains(&name.as_str()));
        let errors: Vec<SpecErrors> = unknown
            .map(|name| {
                let near = crate::spec::nearest(name, steps.iter().copied());
                let advice = near.map_or_else(
                    || format!("the steps are {}", steps.join(", ")),
                    |near| format!("write --force={near}"),
                );
                crate::spec::SpecError::new(format!("--force={name}: the spec has no step '{name}'"))
                    .advise(advice)
                    .into()
            })
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(SpecErrors::join(errors).into()) }
    }
}

/// Refuses a store of a spec that is a file.
fn check_store(loaded: &Loaded) -> Result<(), Error> {
    let Err(problem) = StoreLocation::of(loaded).check() else { return Ok(()) };
    match loaded.spec.run.store {
        Some(_) => {
            let advice = "write the path of a folder, or \"off\"".to_string();
            Err(loaded.refuse(&["run", "store"], problem.to_string(), Some(advice)).into())
        }
        None => Err(Error::refused("ABLATE_CACHE")(format!("{problem}; {}", StoreIsFile::ADVICE))),
    }
}
