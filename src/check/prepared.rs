//! A spec that is ready to run: its models are found, and everything that can be refused before work has been.

use super::{folder, recognise, rows as check};
use crate::Error;
use crate::context::{ModelCache, Models};
use crate::manifest::Manifest;
use crate::model::{Card, ModelName};
use crate::spec::{Loaded, SpecErrors, Variant};
use crate::system::set_threads;
use crate::variants::{Groups, groups};
use indexmap::IndexMap;
use polars::prelude::DataType;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A spec that has passed every check that comes before work.
pub struct Prepared<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) variants: Vec<Ready<'a>>,
    pub(crate) groups: Groups,
    pub(crate) threads: usize,
    /// How long reading and checking it took.
    pub(crate) preparing: Duration,
    /// The folder that results go to instead of the spec's own.
    pub(crate) into: Option<PathBuf>,
    /// The run that this one repeats.
    pub(crate) repeats: Option<Repeated<'a>>,
}

/// A run that is repeated.
pub struct Repeated<'a> {
    /// What it was.
    pub then: &'a Manifest,
    /// The results folder as that run's command would have named it.
    pub folder: String,
}

/// A variant of a spec; of one without a matrix, itself.
pub struct Ready<'a> {
    /// Its name; none where there is no matrix.
    pub(crate) name: Option<&'a str>,
    pub(crate) loaded: &'a Loaded,
    pub(crate) models: Models<'a>,
    pub(crate) cards: Vec<(ModelName, Card)>,
    /// The known model that each of its models is.
    pub(crate) known: IndexMap<String, Option<String>>,
}

impl<'a> Prepared<'a> {
    /// Checks the models of a spec that [`super::checked`] has settled, and the places that steps name in them. Downloads are
    /// shown unless `quiet`; models are shared with others through the `shelf`.
    ///
    /// # Errors
    /// What cannot be had, at its place in the spec.
    pub fn new(loaded: &'a Loaded, quiet: bool, shelf: Rc<ModelCache>) -> Result<Self, Error> {
        let prepared = match Self::ready(loaded, quiet, shelf.clone()) {
            // Of the models that are there the rest is said, too.
            Err(Error::Spec(errors)) => {
                let places = |one| check::places(one, &Models::sharing(one, quiet, shelf.clone()));
                return match Error::each(loaded.variants().into_iter().map(places)) {
                    Err(Error::Spec(more)) => Err(SpecErrors::join([errors, more]).into()),
                    Err(Error::Interrupted(interrupted)) => Err(interrupted.into()),
                    _ => Err(errors.into()),
                };
            }
            ready => ready?,
        };
        let places = |variant: &Ready| check::places(variant.loaded, &variant.models);
        Error::each(prepared.variants.iter().map(places))?;
        Ok(prepared)
    }

    /// The same for a spec that has been checked.
    ///
    /// # Errors
    /// What cannot be had any more.
    pub(crate) fn ready(loaded: &'a Loaded, quiet: bool, shelf: Rc<ModelCache>) -> Result<Self, Error> {
        let threads = set_threads(loaded.spec.run.threads);
        let names = loaded.sweep().into_iter().flat_map(|sweep| &sweep.variants).map(|variant| Some(&*variant.name));
        let variants = Error::each(loaded.variants().into_iter().zip(names.chain([None])).map(|(loaded, name)| {
            let models = Models::sharing(loaded, quiet, shelf.clone());
            let cards = check::models(loaded, &models)?;
            let known = recognise::names(loaded, &cards)?;
            Ok(Ready { name, loaded, models, cards, known })
        }))?;
        let preparing = Duration::ZERO;
        Ok(Self { loaded, variants, groups: Groups::of(loaded), threads, preparing, into: None, repeats: None })
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

    /// The spec; of one with a matrix, its first variant with all of them.
    pub fn loaded(&self) -> &'a Loaded {
        self.loaded
    }

    /// The models of the spec; of one with a matrix, of its first variant.
    pub fn models(&self) -> &Models<'a> {
        // A spec has at least itself.
        &self.variants[0].models
    }

    /// Its variants, itself where it has no matrix.
    pub fn variants(&self) -> &[Ready<'a>] {
        &self.variants
    }

    /// Whether a step is computed for this variant, and not for one before it that has the same rows.
    pub fn computes(&self, step: &str, variant: usize) -> bool {
        self.groups.led_by(step, variant).is_some()
    }

    /// The variants that have the models of this one: `dtype=bf16`; empty where all have.
    pub(crate) fn of_models(&self, variant: usize) -> String {
        let Some(sweep) = self.loaded.sweep() else { return String::new() };
        let keys = [vec!["model".to_string()], vec!["models".to_string()]];
        let axes: BTreeSet<usize> = sweep.variants.iter().flat_map(|variant| variant.axes_at(&keys)).collect();
        let axes: Vec<usize> = axes.into_iter().collect();
        let labels = sweep.variants.get(variant).map(|variant| variant.labels.as_slice());
        Variant::name_of(&sweep.axes, labels.unwrap_or_default(), &axes)
    }

    /// The axes that a step depends on, with the types of their columns.
    pub(crate) fn axes(&self, step: &str) -> Vec<(&str, DataType)> {
        groups::axes(self.loaded, &self.groups, step)
    }
}

impl<'a> Ready<'a> {
    /// Its name; none where the spec has no matrix.
    pub fn name(&self) -> Option<&'a str> {
        self.name
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
