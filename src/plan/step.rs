//! A step of a plan: what it computes on the prompts of each of its models.

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
    /// What it does on each of its models, in the order in which it runs them; nothing where it runs none.
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

/// What is made of steps, each with the group that it is computed for.
pub(super) type Resolve<'s> = fn(Vec<(&'s Step, &VariantGroup)>, &Context) -> Result<Vec<PlannedStep<'s>>, Error>;

/// Resolves steps.
///
/// # Errors
/// What they ask of their models, templates and each other and cannot have: of each step and model the first that is found.
pub(super) fn resolve<'s>(
    steps: Vec<(&'s Step, &VariantGroup)>,
    context: &Context,
) -> Result<Vec<PlannedStep<'s>>, Error> {
    Error::each(steps.into_iter().map(|(step, group)| {
        let models = match step.models() {
            None => step::foresee(step, context).map(|()| Vec::new())?,
            Some(selected) => Error::each(context.models.names(selected).into_iter().map(|name| {
                interrupt::check()?;
                on_model(step, name, context)
            }))?,
        };
        Ok(PlannedStep { step, group: group.clone(), models })
    }))
}

/// The same of steps that were resolved before: a run reads no more of a step than which it is, and for whom.
///
/// # Errors
/// None.
pub(super) fn resolved_before<'s>(
    steps: Vec<(&'s Step, &VariantGroup)>,
    _: &Context,
) -> Result<Vec<PlannedStep<'s>>, Error> {
    let planned =
        |(step, group): (&'s Step, &VariantGroup)| PlannedStep { step, group: group.clone(), models: Vec::new() };
    Ok(steps.into_iter().map(planned).collect())
}

fn on_model(step: &Step, name: ModelName, context: &Context) -> Result<OnModel, Error> {
    let (prompts, survey) = step::survey(step, &name, context)?;
    let workload = step::workload(step, &survey, context)?;
    let (asking, took, batch) = (survey.asking(), survey.took, survey.batch);
    Ok(OnModel { name, workload, prompts: PlannedPrompts { sketch: survey.sketch, prompts, batch, asking, took } })
}
