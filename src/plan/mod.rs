//! The plan of a spec: its models found, and each of its steps resolved on the prompts of each model, without running anything.
//! `ablate plan` prints it, a run executes it.

mod calibration;
mod forecast;
pub(crate) mod recall;
mod session;
mod shared;
mod short_range;
mod speeds;
mod step;
mod stored;
mod variant;

pub use calibration::{Speed, beside, results};
pub use forecast::{Forecast, ForecastMemory, Why, forecast};
pub use recall::Recall;
pub use session::{Force, Session};
pub use speeds::{PlannedReading, Speeds};
pub use step::{OnModel, PlannedPrompts, PlannedStep};
pub use variant::PlannedVariant;

use crate::Error;
use crate::check::folder;
use crate::context::{ModelCache, Models};
use crate::manifest::Manifest;
use crate::spec::{Loaded, Variant};
use crate::system::set_threads;
use crate::variants::{VariantGroups, groups};
use polars::prelude::DataType;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use step::Resolve;

/// What a run of a spec does. Whoever has one has passed every check that comes before work.
pub struct Plan<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) variants: Vec<PlannedVariant<'a>>,
    pub(crate) groups: VariantGroups,
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

impl<'a> Plan<'a> {
    /// Finds the models of a spec that [`crate::check::checked`] has settled, and resolves its steps in them. Downloads are shown unless
    /// `quiet`; models are shared with others through the `cache`.
    ///
    /// # Errors
    /// Models that cannot be had, and what steps ask of their models, templates and each other and cannot have: of each step and model
    /// the first that is found, at its place in the spec.
    pub fn new(loaded: &'a Loaded, quiet: bool, cache: Rc<ModelCache>) -> Result<Self, Error> {
        Self::with(loaded, quiet, cache, Resolve::All)
    }

    /// The plan of a run: of a step that the store of the session has, and that is not forced, no more is found out than that. It has
    /// passed these checks before, on the same files.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn to_run(loaded: &'a Loaded, quiet: bool, cache: Rc<ModelCache>, session: &Session) -> Result<Self, Error> {
        Self::with(loaded, quiet, cache, Resolve::Missing(session))
    }

    /// The plan of a spec that another thread, or another process, has made one of: its steps are not resolved again.
    ///
    /// # Errors
    /// Models that cannot be had any more.
    pub(crate) fn in_another_thread(
        loaded: &'a Loaded,
        quiet: bool,
        cache: Rc<ModelCache>,
        session: &Session,
    ) -> Result<Self, Error> {
        Self::with(loaded, quiet, cache, Resolve::Nothing(session))
    }

    fn with(loaded: &'a Loaded, quiet: bool, cache: Rc<ModelCache>, resolve: Resolve) -> Result<Self, Error> {
        let threads = set_threads(loaded.spec.run.threads);
        let groups = VariantGroups::of(loaded);
        let names = loaded.sweep().into_iter().flat_map(|sweep| &sweep.variants).map(|variant| Some(&*variant.name));
        let each = loaded.variants().into_iter().zip(names.chain([None])).enumerate();
        let variants = Error::each(each.map(|(number, (loaded, name))| {
            let models = Models::sharing(loaded, quiet, cache.clone());
            PlannedVariant::new(name, loaded, models, |step| groups.led_by(step, number), resolve)
        }))?;
        Ok(Self { loaded, variants, groups, threads, preparing: Duration::ZERO, into: None, repeats: None })
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

    /// Its variants, itself where it has no matrix, each with the steps that are computed for it.
    pub fn variants(&self) -> &[PlannedVariant<'a>] {
        &self.variants
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
