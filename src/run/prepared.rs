use super::shelf::Shelf;
use super::{ModelName, Models, check, known, set_threads};
use crate::Error;
use crate::model::Card;
use crate::spec::Loaded;
use indexmap::IndexMap;
use std::rc::Rc;

/// A spec that has passed every check that comes before work.
pub struct Prepared<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) models: Models<'a>,
    pub(super) cards: Vec<(ModelName, Card)>,
    /// The known model that each of the spec's is.
    pub(super) known: IndexMap<String, Option<String>>,
    pub(super) threads: usize,
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
        Ok(Self { loaded, models, cards, known, threads })
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
