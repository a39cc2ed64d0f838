//! What a step works on: one model after the other, and its prompts by template.

use super::Outcome;
use super::divided::Divided;
use super::joined;
use super::labels::RunLabels;
use super::network::{Network, ResumableNetwork};
use super::prompt_sample::PromptSample;
use super::shapes::OpenTemplate;
use crate::Error;
use crate::context::Context;
use crate::measure::Pace;
use crate::model::transformer::Tokens;
use crate::model::{Model, ModelName};
use crate::prompt::{
    self, Prompt, PromptError, PromptGroup, PromptSet, ResolvedPrompts, Respondent, TemplatePositions,
};
use crate::spec::step::Common;
use crate::spec::{Loaded, Prompts, SpecErrors, Step};
use std::ops::Range;
use std::rc::Rc;

/// A model with a step's prompts in its tokens.
pub struct ModelRun {
    /// Which model.
    pub name: ModelName,
    /// The model.
    pub model: Rc<Model>,
    /// The prompts.
    pub set: Rc<PromptSet>,
    /// Some of them, to be run alone as well.
    pub(super) sample: PromptSample,
}

/// The prompts of one template that are of one shape: of one length, their slots at the same tokens, their positions named.
#[derive(Clone)]
pub struct TemplateBatch<'s> {
    /// Name of the template.
    pub template: String,
    /// The prompts, at least one.
    pub prompts: Vec<&'s Prompt>,
    /// Names of the positions.
    pub positions: TemplatePositions,
    /// Which of the template's shapes it is, from 0, and how many there are.
    pub shape: (usize, usize),
}

/// A model's prompts of one template, by shape, with what they are worked on with and what comes of it.
pub struct TemplateRun<'r> {
    /// The prompts of each shape.
    pub shapes: &'r [TemplateBatch<'r>],
    /// The model.
    pub subject: &'r ModelRun,
    /// All else.
    pub context: &'r Context<'r>,
    /// What the step makes.
    pub outcome: &'r mut Outcome,
}

/// What is to be done: a model's prompts of one template and shape, with what it is done with and what comes of it.
pub struct CellRun<'r> {
    /// The prompts.
    pub cell: &'r TemplateBatch<'r>,
    /// The model.
    pub subject: &'r ModelRun,
    /// All else.
    pub context: &'r Context<'r>,
    /// What the step makes.
    pub outcome: &'r mut Outcome,
}

impl TemplateBatch<'_> {
    /// The positions of its prompts, and its template's name.
    pub fn at(&self) -> (&TemplatePositions, &str) {
        (&self.positions, &self.template)
    }

    /// Whether its template has prompts of other shapes.
    pub fn is_one_of_several(&self) -> bool {
        self.shape.1 > 1
    }

    /// Whether it is the first of its template's shapes: what is said of a template is said with it.
    pub fn is_first(&self) -> bool {
        self.shape.0 == 0
    }
}

impl TemplateRun<'_> {
    /// Works on each shape; the values that are added of them become rows of the template.
    ///
    /// # Errors
    /// What `work` returns. Where no prompt of a shape has a counterfactual, they are left out as long as those of another have.
    pub fn each_shape(self, mut work: impl FnMut(CellRun) -> Result<(), Error>) -> Result<(), Error> {
        let Self { shapes, subject, context, outcome } = self;
        if let [cell] = shapes {
            return work(CellRun { cell, subject, context, outcome });
        }
        let first_check = outcome.checks.len();
        let mut open = OpenTemplate::default();
        let mut refused = None;
        let mut done = 0;
        for cell in shapes {
            outcome.template = Some(open);
            let worked = work(CellRun { cell, subject, context, outcome: &mut *outcome });
            open = outcome.template.take().unwrap_or_default();
            match worked {
                Ok(()) => done += 1,
                Err(Error::NonePaired { first, dropped, refused: error }) => {
                    let count = cell.prompts.len();
                    open.unpaired.add(count, count, Some(first));
                    open.drop_shape(dropped);
                    refused.get_or_insert(*error);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = refused.filter(|_| done == 0) {
            return Err(error);
        }
        let template = shapes.first().map_or("", |cell| &cell.template);
        joined::close(open, outcome, &subject.set, (&subject.name.to_string(), subject.labels(), template))?;
        outcome.join_checks(first_check);
        Ok(())
    }
}

impl ModelRun {
    /// Names it in tables.
    pub fn labels(&self) -> RunLabels<'_> {
        RunLabels { model: &self.name.name, checkpoint: self.name.checkpoint.as_deref().unwrap_or_default() }
    }

    /// Whether its prompts have several templates, so that one is to be named.
    fn has_several_templates(&self) -> bool {
        self.set.templates.len() > 1
    }

    /// What a step does with its prompts of one template, for who waits: `effects: model`, and the template where there are several.
    pub fn task_label(&self, step: &str, template: &str) -> String {
        match self.has_several_templates() {
            true => format!("{step}: {}, {template}", self.name),
            false => format!("{step}: {}", self.name),
        }
    }

    /// Work of a step on its prompts of one template, in parts.
    pub fn divided<'c>(
        &self,
        step: &'c str,
        template: &str,
        parts: Vec<Range<usize>>,
        context: &'c Context<'c>,
    ) -> Divided<'c> {
        Divided { step, what: format!("{}, template '{template}'", self.name), context, parts }
    }

    /// Its prompts by template and shape, of a step's prompt set: the shapes of a template after each other. A prompt that several draws
    /// of one seed have in common is there once.
    ///
    /// # Errors
    /// Prompts that cannot be had, at their place in the spec.
    pub fn cells(&self, step: &dyn Common, context: &Context) -> Result<Vec<TemplateBatch<'_>>, Error> {
        let mut cells = Vec::new();
        for (index, template) in self.set.templates.iter().enumerate() {
            if self.set.prompts.iter().any(|prompt| prompt.template == index) {
                let shapes = self.set.shapes(&template.name);
                let shapes = shapes.map_err(|error| context.refuse_prompts(step.prompts(), &self.name, error))?;
                let count = shapes.len();
                cells.extend(shapes.into_iter().enumerate().map(|(number, shape)| TemplateBatch {
                    template: template.name.clone(),
                    prompts: shape.prompts.iter().map(|&prompt| &self.set.prompts[prompt]).collect(),
                    positions: shape.positions,
                    shape: (number, count),
                }));
            }
        }
        Ok(cells)
    }

    /// Lets `work` have its prompts of each template.
    ///
    /// # Errors
    /// Prompts that cannot be had, and what `work` returns.
    pub fn each_template(
        &self,
        step: &dyn Common,
        context: &Context,
        outcome: &mut Outcome,
        mut work: impl FnMut(TemplateRun) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let cells = self.cells(step, context)?;
        cells.chunk_by(|one, other| one.template == other.template).try_for_each(|shapes| {
            let first_check = outcome.checks.len();
            work(TemplateRun { shapes, subject: self, context, outcome: &mut *outcome })?;
            if let (Some(cell), true) = (shapes.first(), self.has_several_templates()) {
                outcome.name_checks(first_check, &cell.template);
            }
            Ok(())
        })
    }

    /// Lets `work` have its prompts of each template and shape; the values of a template's shapes become rows together.
    ///
    /// # Errors
    /// Prompts that cannot be had, and what `work` returns.
    pub fn each_cell(
        &self,
        step: &dyn Common,
        context: &Context,
        outcome: &mut Outcome,
        mut work: impl FnMut(CellRun) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.each_template(step, context, outcome, |run| run.each_shape(&mut work))
    }
}

/// The prompts of a step as the spec has them, of steps that run models.
pub fn spec<'l>(step: &Step, loaded: &'l Loaded) -> Option<&'l Prompts> {
    step.models()?;
    set(step.common().prompts(), loaded)
}

/// A prompt set as the spec has it, `[prompts]` where none is named.
pub fn set<'l>(name: Option<&str>, loaded: &'l Loaded) -> Option<&'l Prompts> {
    match name {
        None => loaded.spec.prompts.as_ref(),
        Some(name) => loaded.spec.prompt_sets.get(name),
    }
}

/// Refuses prompts of words for steps that look for rules on numbers.
///
/// # Errors
/// Those, at their place in the spec.
pub fn check(step: &Step, loaded: &Loaded) -> Result<(), SpecErrors> {
    if !step.needs_operands() || !spec(step, loaded).is_some_and(Prompts::has_no_operands) {
        return Ok(());
    }
    let key = if step.common().prompts().is_some() { "prompts" } else { "kind" };
    let problem = format!(
        "a step of kind '{}' needs prompts that are made of operands, and these are made of words",
        step.kind()
    );
    let advice =
        "write prompts = \"NAME\" for a set of [prompt_sets] that has operands, or another kind of step".to_string();
    Err(loaded.refuse(&["step", step.name(), key], problem, Some(advice)))
}

/// The groups of a step's prompts.
///
/// # Errors
/// A prompt set that is not there, or is wrong.
pub fn groups(step: &dyn Common, context: &Context) -> Result<Vec<PromptGroup>, Error> {
    let spec = context.prompts(step.prompts(), step.name())?;
    let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec).map_err(Error::refused("prompts"))?;
    Ok(resolved.groups)
}

/// A group that a step's prompts have and a set of others has not.
pub fn lacking(step: &Step, others: &Prompts, loaded: &Loaded) -> Option<PromptGroup> {
    // Prompts that are wrong are refused by themselves.
    let (own, others) = (ResolvedPrompts::new(spec(step, loaded)?).ok()?, ResolvedPrompts::new(others).ok()?);
    own.groups.into_iter().find(|group| !others.groups.contains(group))
}

/// Prompts of one length as a batch.
pub fn tokens(prompts: &[&Prompt]) -> Result<Tokens, Error> {
    let rows: Vec<&[u32]> = prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
    Tokens::from_rows(&rows).ok_or_else(|| Error::failed("prompts")("no prompts of one length"))
}

/// Opens each of the step's models with its prompts and lets `work` add to the outcome.
///
/// # Errors
/// Models and prompts that cannot be had, and what `work` returns.
pub fn each(
    step: &dyn Common,
    context: &Context,
    work: impl FnMut(&ModelRun, &mut Outcome) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    each_on(step, context, Prompts::clone, work)
}

/// The same for the prompts of each template and shape; the values of a template's shapes become rows together.
///
/// # Errors
/// Models and prompts that cannot be had, and what `work` returns.
pub fn each_cell(
    step: &dyn Common,
    context: &Context,
    mut work: impl FnMut(CellRun) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    each(step, context, |subject, outcome| subject.each_cell(step, context, outcome, &mut work))
}

/// The same for the prompts of each template, its shapes together.
///
/// # Errors
/// Models and prompts that cannot be had, and what `work` returns.
pub fn each_template(
    step: &dyn Common,
    context: &Context,
    mut work: impl FnMut(TemplateRun) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    each(step, context, |subject, outcome| subject.each_template(step, context, outcome, &mut work))
}

/// The same on other prompts: what `change` makes of those that the spec says.
///
/// # Errors
/// Models and prompts that cannot be had, and what `work` returns.
pub fn each_on(
    step: &dyn Common,
    context: &Context,
    change: impl Fn(&Prompts) -> Prompts,
    mut work: impl FnMut(&ModelRun, &mut Outcome) -> Result<(), Error>,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for name in context.models.names(step.models().unwrap_or_default()) {
        let model = context.models.open(&name)?;
        let spec = change(context.prompts(step.prompts(), step.name())?);
        let refuse = |error| context.refuse_prompts(step.prompts(), &name, error);
        let set = built(&spec, context, &name, &model).map_err(refuse)?;
        context.ran_on(step.prompts(), &name, &set);
        outcome.notes.extend(set.notes.iter().map(|note| format!("{name}: {note}")));
        let sample = PromptSample::of(&set, &model);
        let subject = ModelRun { name, model, set, sample };
        work(&subject, &mut outcome).map_err(|error| match error {
            Error::NotFinite(fault) => {
                Error::failed(format!("step '{}': model '{}'", step.name(), subject.name))(fault)
            }
            error => error,
        })?;
        outcome.checks.extend(subject.sample.check(step.name(), (&subject.name, &subject.model), context)?);
    }
    Ok(outcome)
}

/// A prompt set in a model's tokens.
///
/// # Errors
/// Prompts that cannot be had.
pub fn prompts(
    set: Option<&str>,
    step: &dyn Common,
    context: &Context,
    name: &ModelName,
    model: &Rc<Model>,
) -> Result<Rc<PromptSet>, Error> {
    let spec = context.prompts(set, step.name())?;
    let built = built(spec, context, name, model).map_err(|error| context.refuse_prompts(set, name, error))?;
    context.ran_on(set, name, &built);
    Ok(built)
}

/// The prompts of a spec in a model's tokens; those that a step before had are there.
///
/// # Errors
/// Prompts that cannot be had.
pub fn built(
    spec: &Prompts,
    context: &Context,
    name: &ModelName,
    model: &Rc<Model>,
) -> Result<Rc<PromptSet>, PromptError> {
    let batch = context.batch(model);
    context.models.set(model, spec, batch, || {
        let network = ResumableNetwork { network: Network { model, sample: None }, name, blocks: context.blocks };
        let respondent = Respondent { network: &network, pace: Pace::of(batch) };
        let mut built = prompt::build(spec, model.tokenizer(), model.bos_override(), Some(respondent))?;
        built.fits(model.facts().n_vocab, model.facts().position_limit())?;
        built.note_context(model.facts());
        Ok(built)
    })
}
