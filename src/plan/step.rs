//! A step of a plan: what it computes on the prompts of each of its models.

use super::session::Session;
use super::stored::StoredSteps;
use crate::context::Context;
use crate::cost::Workload;
use crate::model::{ModelName, Sketch};
use crate::spec::{Prompts, Step};
use crate::system::interrupt;
use crate::variants::VariantGroup;
use crate::{Error, step};
use std::rc::Rc;
use std::time::Duration;

/// A step that is computed for a group of variants.
pub struct PlannedStep<'a> {
    /// The step.
    pub step: &'a Step,
    /// The variants that have its rows in common.
    pub group: VariantGroup,
    /// What it does on each of its models, in the order in which it runs them; nothing where it runs none, and in the plan of a run where
    /// the store has it.
    pub models: Vec<OnModel>,
}

/// A step on one model.
pub struct OnModel {
    /// The model.
    pub name: ModelName,
    /// What the step computes on its prompts, at most; `None` where that is not known.
    pub workload: Option<Workload>,
    /// The prompts.
    pub prompts: PlannedPrompts,
}

/// Prompts in a model's tokens, of which a run asks the model once, for the first step that is computed on them.
pub struct PlannedPrompts {
    sketch: Rc<Sketch>,
    prompts: Prompts,
    batch: usize,
    /// What finding those that the model answers correctly computes, at most.
    pub asking: Workload,
    /// How long making them takes, about.
    pub took: Duration,
}

impl PlannedPrompts {
    /// Whether a run makes them once for both.
    pub fn is_made_with(&self, other: &PlannedPrompts) -> bool {
        Rc::ptr_eq(&self.sketch, &other.sketch) && (self.batch, &self.prompts) == (other.batch, &other.prompts)
    }
}

/// Which steps of a plan are resolved.
#[derive(Clone, Copy)]
pub(super) enum Resolve<'s> {
    /// All.
    All,
    /// Those that the store of a session has not: a run reads no more of a step than which it is, and for whom.
    Missing(&'s Session),
    /// None: they were, in another thread. A session knows what is remembered of models.
    Nothing(&'s Session),
}

impl<'s> Resolve<'s> {
    /// The session whose store may be asked.
    pub fn session(self) -> Option<&'s Session> {
        match self {
            Self::All => None,
            Self::Missing(session) | Self::Nothing(session) => Some(session),
        }
    }

    /// Whether a step is resolved.
    pub fn resolves(self, step: &Step, stored: Option<&StoredSteps>) -> bool {
        match self {
            Self::All => true,
            Self::Missing(_) => !stored.is_some_and(|stored| stored.has(step.name())),
            Self::Nothing(_) => false,
        }
    }
}

/// Plans steps, each for its group, and resolves those that are to be.
///
/// # Errors
/// What they ask of their models, templates and each other and cannot have: of each step and model the first that is found.
pub(super) fn planned<'s>(
    steps: Vec<(&'s Step, &VariantGroup)>,
    context: &Context,
    resolves: impl Fn(&Step) -> bool,
) -> Result<Vec<PlannedStep<'s>>, Error> {
    Error::each(steps.into_iter().map(|(step, group)| {
        let models = match step.models() {
            _ if !resolves(step) => Vec::new(),
            None => step::foresee(step, context).map(|()| Vec::new())?,
            Some(selected) => Error::each(context.models.names(selected).into_iter().map(|name| {
                interrupt::check()?;
                on_model(step, name, context)
            }))?,
        };
        Ok(PlannedStep { step, group: group.clone(), models })
    }))
}

fn on_model(step: &Step, name: ModelName, context: &Context) -> Result<OnModel, Error> {
    let (prompts, survey) = step::survey(step, &name, context)?;
    let workload = step::workload(step, &survey, context)?;
    let (asking, took, batch) = (survey.asking(), survey.took, survey.batch);
    Ok(OnModel { name, workload, prompts: PlannedPrompts { sketch: survey.sketch, prompts, batch, asking, took } })
}
