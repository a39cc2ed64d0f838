use super::groups::Groups;
use super::shelf::Shelf;
use super::{ModelName, Models, check, folder, known, pool, set_threads};
use crate::Error;
use crate::manifest::Manifest;
use crate::model::Card;
use crate::spec::{Loaded, SpecErrors, Variant};
use indexmap::IndexMap;
use polars::prelude::DataType;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A spec that has passed every check that comes before work.
pub struct Prepared<'a> {
    pub(super) loaded: &'a Loaded,
    pub(super) variants: Vec<Ready<'a>>,
    pub(super) groups: Groups,
    pub(super) threads: usize,
    /// How long reading and checking it took.
    pub(super) preparing: Duration,
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

/// A variant of a spec; of one without a matrix, itself.
pub struct Ready<'a> {
    /// Its name; none where there is no matrix.
    pub(super) name: Option<&'a str>,
    pub(super) loaded: &'a Loaded,
    pub(super) models: Models<'a>,
    pub(super) cards: Vec<(ModelName, Card)>,
    /// The known model that each of its models is.
    pub(super) known: IndexMap<String, Option<String>>,
}

impl<'a> Prepared<'a> {
    /// Checks the models of a spec that [`super::checked`] has settled, and the places that steps name in them. Downloads are
    /// shown unless `quiet`; models are shared with others through the `shelf`.
    ///
    /// # Errors
    /// What can not be had, at its place in the spec.
    pub fn new(loaded: &'a Loaded, quiet: bool, shelf: Rc<Shelf>) -> Result<Self, Error> {
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
    /// What can not be had any more.
    pub(super) fn ready(loaded: &'a Loaded, quiet: bool, shelf: Rc<Shelf>) -> Result<Self, Error> {
        let threads = set_threads(loaded.spec.run.threads);
        let names = loaded.sweep().into_iter().flat_map(|sweep| &sweep.variants).map(|variant| Some(&*variant.name));
        let variants = Error::each(loaded.variants().into_iter().zip(names.chain([None])).map(|(loaded, name)| {
            let models = Models::sharing(loaded, quiet, shelf.clone());
            let cards = check::models(loaded, &models)?;
            let known = known::names(loaded, &cards)?;
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
    pub(super) fn of_models(&self, variant: usize) -> String {
        let Some(sweep) = self.loaded.sweep() else { return String::new() };
        let keys = [vec!["model".to_string()], vec!["models".to_string()]];
        let axes: BTreeSet<usize> = sweep.variants.iter().flat_map(|variant| variant.axes_at(&keys)).collect();
        let axes: Vec<usize> = axes.into_iter().collect();
        let labels = sweep.variants.get(variant).map(|variant| variant.labels.as_slice());
        Variant::name_of(&sweep.axes, labels.unwrap_or_default(), &axes)
    }

    /// The axes that a step depends on, with the types of their columns.
    pub(super) fn axes(&self, step: &str) -> Vec<(&str, DataType)> {
        axes(self.loaded, &self.groups, step)
    }
}

/// The axes that a step depends on, with the types of their columns.
pub(super) fn axes<'g>(loaded: &Loaded, groups: &'g Groups, step: &str) -> Vec<(&'g str, DataType)> {
    let Some(sweep) = loaded.sweep() else { return Vec::new() };
    let number = |axis: &str| sweep.axes.iter().position(|other| other == axis).unwrap_or_default();
    let dtype = |axis: &str| {
        let number = number(axis);
        pool::dtype(sweep.variants.iter().filter_map(move |variant| variant.labels.get(number)))
    };
    groups.axes(step).into_iter().map(|axis| (axis, dtype(axis))).collect()
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
