use super::shelf::Shelf;
use super::{ModelName, Models, check, folder, known, set_threads};
use crate::Error;
use crate::manifest::Manifest;
use crate::model::Card;
use crate::spec::Loaded;
use indexmap::IndexMap;
use std::path::PathBuf;
use std::rc::Rc;

/// A spec that has passed every check that comes before work.
pub struct Prepared<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) models: Models<'a>,
    pub(super) cards: Vec<(ModelName, Card)>,
    /// The known model that each of the spec's is.
    pub(super) known: IndexMap<String, Option<String>>,
    pub(super) threads: usize,
    /// The folder that results go to instead of the spec's own.
    pub(super) into: Option<PathBuf>,
    /// The run that this one repeats.
    pub(super) repeats: Option<Repeated<'a>>,
}

/// A run that is repeated.
pub struct Repeated<'a> {
    /// What it was.
    pub then: &'a Manifest,
    /// The results folder as that run's command would have named it.
    pub folder: String,
}

impl<'a> Prepared<'a> {
    /// Checks the models of a spec that [`super::checked`] has settled, and the places that steps name in them. Downloads are
    /// shown unless `quiet`; models are shared with others through the `shelf`.
    ///
    /// # Errors
    /// What can not be had, at its place in the spec.
    pub fn new(loaded: &'a Loaded, quiet: bool, shelf: Rc<Shelf>) -> Result<Self, Error> {
        let threads = set_threads(loaded.spec.run.threads);
        let models = Models::sharing(loaded, quiet, shelf);
        let cards = check::models(loaded, &models)?;
        let known = known::names(loaded, &cards)?;
        check::places(loaded, &models)?;
        Ok(Self { loaded, models, cards, known, threads, into: None, repeats: None })
    }

    /// The same, with results in another folder than the spec's own.
    pub fn into_folder(self, dir: PathBuf) -> Self {
        Self { into: Some(dir), ..self }
    }

    /// The same, as another run of what a manifest says: it has the spec's files and origins.
    pub fn again(self, repeated: Repeated<'a>) -> Self {
        Self { repeats: Some(repeated), ..self }
    }

    /// The folder that results go to.
    pub fn folder(&self) -> PathBuf {
        self.into.clone().unwrap_or_else(|| folder::of(self.loaded))
    }

    /// The spec.
    pub fn loaded(&self) -> &'a Loaded {
        self.loaded
    }

    /// Its models.
    pub fn models(&self) -> &Models<'a> {
        &self.models
    }
}
