//! A variant of a spec, its models found and its steps resolved in them.

use super::step::{PlannedStep, Resolve, planned};
use super::stored::StoredSteps;
use crate::check::{recognise, rows};
use crate::context::{Context, Models};
use crate::cost::Workload;
use crate::model::{ModelName, ModelSummary};
use crate::resume::Blocks;
use crate::spec::{Loaded, Step};
use crate::system::progress::Progress;
use crate::table::Frames;
use crate::variants::{VariantGroup, order};
use crate::{Error, step};
use indexmap::IndexMap;
use std::path::Path;

/// A variant of a spec; of one without a matrix, itself.
pub struct PlannedVariant<'a> {
    /// Its name; none where there is no matrix.
    pub(crate) name: Option<&'a str>,
    pub(crate) loaded: &'a Loaded,
    pub(crate) models: Models<'a>,
    pub(crate) summaries: Vec<(ModelName, ModelSummary)>,
    /// The known model that each of its models is.
    pub(crate) known: IndexMap<String, Option<String>>,
    /// The steps that are computed for it, and not for a variant before it that has the same rows; each after those that it reads.
    pub(crate) steps: Vec<PlannedStep<'a>>,
}

impl<'a> PlannedVariant<'a> {
    /// Finds its models, and plans those of its steps that `leads` says are computed for it.
    ///
    /// # Errors
    /// All that cannot be had; of steps as far as their models are there.
    pub(super) fn new<'g>(
        name: Option<&'a str>,
        loaded: &'a Loaded,
        models: Models<'a>,
        leads: impl Fn(&str) -> Option<&'g VariantGroup>,
        resolve: Resolve,
    ) -> Result<Self, Error> {
        let stored = resolve.session().and_then(|session| StoredSteps::of(loaded, &models, session));
        let found = rows::models(loaded, &models, |name| stored.as_ref()?.seen(&models, name));
        if let (Some(stored), Ok(found)) = (&stored, &found) {
            stored.remember(&models, found);
        }
        let steps = order::steps(&loaded.spec.steps).into_iter().filter_map(|step| Some((step, leads(step.name())?)));
        let steps = steps.collect();
        let resolves = |step: &Step| resolve.resolves(step, stored.as_ref());
        let steps = before_rows(loaded, &models, |context| planned(steps, context, resolves));
        let (summaries, steps) = Error::both(found, steps)?;
        let known = recognise::names(loaded, &summaries)?;
        Ok(Self { name, loaded, models, summaries, known, steps })
    }

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

    /// What a step that runs no model of the spec would take; `None` where that is not known before.
    ///
    /// # Errors
    /// Prompts that are not there.
    pub fn workload_alone(&self, step: &Step) -> Result<Option<Workload>, Error> {
        before_rows(self.loaded, &self.models, |context| step::workload_alone(step, context))
    }

    /// The steps that are computed for it, each after those that it reads.
    pub fn steps(&self) -> &[PlannedStep<'a>] {
        &self.steps
    }
}

/// Before any step has run, there are no rows, and nothing is written.
fn before_rows<T>(loaded: &Loaded, models: &Models, of: impl FnOnce(&Context) -> T) -> T {
    let (progress, frames, blocks) = (Progress::quiet(), Frames::default(), Blocks::off());
    of(&Context { loaded, models, progress: &progress, dir: Path::new(""), frames: &frames, blocks: &blocks })
}
