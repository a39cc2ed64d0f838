//! A kind of step: one implementation, in a file of its own; the list of kinds is in `spec/step/mod.rs`. Nothing else names a kind.

use super::dependent_key::DependentKey;
use super::patched_places::{PatchedPlaces, step_of};
use super::ranking::Ranking;
use super::{Outcome, RowsInfo};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::spec::step::kinds;
use crate::spec::{Loaded, Prompts, SpecErrors, Step};
use crate::table::Frames;

/// What a kind of step does.
pub(crate) trait Kind {
    /// Runs it.
    ///
    /// # Errors
    /// [`Error::Spec`] for what turns out wrong only with the model at hand, [`Error::Failed`] for the rest.
    fn run(&self, context: &Context) -> Result<Outcome, Error>;

    /// The rows that it keeps, as prompts of operands have them, its own first; `frames` are those of the steps that it reads, without
    /// rows, as far as they are there.
    fn rows(&self, frames: &Frames) -> Vec<RowsInfo>;

    /// Checks what its schema cannot say, and what it asks of the rows of others; `frames` are those of all steps, without rows.
    ///
    /// # Errors
    /// What shows to be wrong without any work, at its place in the spec.
    fn check(&self, _loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        Ok(())
    }

    /// What it would compute on the prompts of one model, of a kind that runs models; `None` where that is not known before.
    ///
    /// # Errors
    /// Sites, components and positions that the model or the template has not.
    fn workload(&self, _survey: &Survey, _context: &Context) -> Result<Option<Workload>, Error> {
        Ok(None)
    }

    /// What it would take, of a kind that runs no model of the spec: most make their rows of some thousand others in a moment.
    ///
    /// # Errors
    /// Prompts that are not there.
    fn workload_alone(&self, _context: &Context) -> Result<Option<Workload>, Error> {
        Ok(Some(Workload::default()))
    }

    /// Refuses what it will not find in the rows that it reads, as far as that shows before they are there; of a kind that runs no
    /// model.
    ///
    /// # Errors
    /// That, at its place in the spec.
    fn foresee(&self, _context: &Context) -> Result<(), Error> {
        Ok(())
    }

    /// Whether it reads positions of its prompts, which then have as many tokens each.
    fn reads_positions(&self) -> bool {
        true
    }

    /// The prompts that it runs on, of those that its spec says.
    fn prompts_run(&self, prompts: &Prompts) -> Prompts {
        prompts.clone()
    }

    /// The rankings that it reads from rows of others.
    fn rankings(&self) -> Vec<Ranking<'_>> {
        Vec::new()
    }

    /// The places that it writes down, of a kind whose rows are of nothing else.
    fn patched_places(&self) -> Option<PatchedPlaces<'_>> {
        None
    }

    /// Its keys that change something only beside others; whether its prompts are of words.
    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        Vec::new()
    }

    /// The rows whose texts its own rows pass on.
    fn passes_on(&self) -> Option<&str> {
        None
    }
}

macro_rules! implemented {
    ($($kind:ident = $name:literal, rows $rows:expr $(, version $version:literal)?;)*) => {
        /// What the kind of a step does.
        pub(super) fn of(step: &Step) -> &dyn Kind {
            match step {
                $(Step::$kind(step) => step,)*
            }
        }
    };
}

kinds!(implemented);

/// The places that the step writes down whose own rows are named, if its rows are of such places.
pub(super) fn patched_places<'l>(from: &str, loaded: &'l Loaded) -> Option<PatchedPlaces<'l>> {
    of(step_of(from, loaded)?).patched_places()
}
