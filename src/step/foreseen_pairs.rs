//! Pairs that cannot be, told before any work: of a set whose prompts fit none of a step, and of prompts that have no counterfactual
//! among themselves, or that none can be made of.

use super::pairing::{Other, change_of, refused_change, why_without_answer};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell};
use crate::prompt::{self, Prompt, PromptError, PromptSet, ResolvedPrompts, SlotChange};
use crate::spec::Keep;
use crate::spec::step::{Common, Counterfactual, CounterfactualOperators};

/// Among fewer prompts than so many of a template, it may be that each has the same answer, or stands alone in its draw.
const FEW: usize = 64;

/// Refuses counterfactuals that no prompt of a template can have: of a set that has no prompt like those of the step, and, as far as
/// which prompts these are is known before the model has answered, of the step's own. `reads` is what the step reads of other prompts;
/// `None` where it takes them in any case. What is in a set that the model is not asked about may still fit no prompt.
///
/// # Errors
/// That, at its place in the spec.
pub fn foresee(
    wanted: &Counterfactual,
    reads: Option<Other>,
    step: &dyn Common,
    survey: &Survey,
    context: &Context,
) -> Result<(), Error> {
    match wanted.prompts.as_deref().filter(|_| !wanted.is_made()) {
        Some(set) => of_set(set, step, survey, context),
        None => of_own(wanted, reads, step, survey, context),
    }
}

/// Counterfactuals that are drawn from another set.
fn of_set(set: &str, step: &dyn Common, survey: &Survey, context: &Context) -> Result<(), Error> {
    let spec = context.prompts(Some(set), step.name())?;
    let own = ResolvedPrompts::new(context.prompts(step.prompts(), step.name())?)
        .map_err(|error| context.refuse_prompts(step.prompts(), &survey.name, PromptError::Spec(error)))?;
    let names: Vec<&str> = own.templates.iter().map(|template| template.name.as_str()).collect();
    let drawn = context.models.census(spec, &survey.sketch);
    let pool = drawn.map_err(|error| context.refuse_prompts(Some(set), &survey.name, error))?;
    let others = pool.shapes.numbered_as(&names);
    for shapes in survey.cells.chunk_by(|one, other| one.template == other.template) {
        let fits = |cell: &SurveyedCell| others.iter().any(|other| prompt::alike(&cell.first, other));
        // Of prompts of several shapes those that fit none are left out.
        if let Some(cell) = shapes.first().filter(|_| !shapes.iter().any(fits)) {
            let problem = format!(
                "prompt set '{set}' has no prompt with the same template and token positions as {:?} (model '{}')",
                cell.first.text, survey.name
            );
            let advice = format!(
                "write the template of the step's prompts, and operands or words of as many tokens, into [prompt_sets.{set}]"
            );
            let path = ["step", step.name(), "counterfactual", "prompts"];
            return Err(context.loaded.refuse(&path, problem, Some(advice)).into());
        }
    }
    Ok(())
}

/// Counterfactuals that are drawn from the step's own prompts, or made of them.
fn of_own(
    wanted: &Counterfactual,
    reads: Option<Other>,
    step: &dyn Common,
    survey: &Survey,
    context: &Context,
) -> Result<(), Error> {
    let spec = context.prompts(step.prompts(), step.name())?;
    // Which prompts there are is otherwise known only once the model has answered.
    if spec.keep != Keep::All {
        return Ok(());
    }
    let refuse = |error| context.refuse_prompts(step.prompts(), &survey.name, error);
    let (tokenizer, bos) = (&survey.sketch.tokenizer, survey.sketch.bos);
    let made = match wanted.is_made() {
        false => None,
        true => {
            let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec).map_err(refuse)?.swapped(&wanted.swap);
            let change = change_of(&resolved, wanted)
                .map_err(|fault| Error::from(refused_change(step.name(), fault, context.loaded)))?;
            change.map(|change| (resolved, change))
        }
    };
    let make = |(resolved, change): &(ResolvedPrompts, SlotChange), clean: &Prompt| {
        let made = prompt::changed(resolved, tokenizer, bos, change, &[clean], seed(clean)).map_err(refuse)?;
        Ok::<_, Error>(made.into_iter().next().and_then(Result::err))
    };
    let mut all: Option<PromptSet> = None;
    for shapes in survey.cells.chunk_by(|one, other| one.template == other.template) {
        if is_spared(reads, wanted, shapes) {
            continue;
        }
        let mut is_doubtful = shapes.iter().all(|cell| cell.prompts <= FEW || cell.answers <= 1);
        if let Some(made) = &made {
            is_doubtful = true;
            for cell in shapes {
                is_doubtful = is_doubtful && make(made, &cell.first)?.is_some();
            }
        }
        let Some(first) = shapes.first().filter(|_| is_doubtful) else { continue };
        if all.is_none() {
            all = Some(prompt::build(spec, tokenizer, bos, None).map_err(refuse)?);
        }
        let Some(set) = &all else { continue };
        // Those that come in pairs have theirs.
        if *wanted == Counterfactual::default() && set.prompts.iter().any(|prompt| prompt.paired.is_some()) {
            return Ok(());
        }
        let fault = match &made {
            Some(made) => {
                none_made(set.prompts.iter().filter(|prompt| prompt.template == first.first.template), |clean| {
                    make(made, clean)
                })?
            }
            None => none_drawn(set, first.first.template, wanted.operators),
        };
        let fault = match (fault, reads) {
            (Some(PromptError::NoCounterfactual { text, why }), Some(Other::Answer)) => {
                let of_operands = shapes.iter().all(|cell| cell.first.calculation().is_some());
                Some(PromptError::NoCounterfactual { text, why: why_without_answer(why, of_operands) })
            }
            (fault, _) => fault,
        };
        if let Some(fault) = fault {
            return Err(refuse(fault));
        }
    }
    Ok(())
}

/// Whether a step does without counterfactuals where there are none.
fn is_spared(reads: Option<Other>, wanted: &Counterfactual, shapes: &[SurveyedCell]) -> bool {
    let Some(reads) = reads else { return false };
    let has_contrast = shapes.iter().all(|cell| !cell.first.wrong.is_empty());
    let needs = reads.runs() || (reads == Other::Answer && !has_contrast);
    !needs && *wanted == Counterfactual::default()
}

/// The seed that is drawn with for a prompt.
fn seed(prompt: &Prompt) -> u64 {
    prompt.seed.unwrap_or(0)
}

/// Why the first of some prompts has no counterfactual, where none can be made of any.
fn none_made<'p>(
    prompts: impl Iterator<Item = &'p Prompt>,
    make: impl Fn(&Prompt) -> Result<Option<PromptError>, Error>,
) -> Result<Option<PromptError>, Error> {
    let mut first = None;
    for prompt in prompts {
        match make(prompt)? {
            Some(why) => first = first.or(Some(why)),
            None => return Ok(None),
        }
    }
    Ok(first)
}

/// Why the first prompt of a template has no counterfactual, where none has one among the prompts of its draw.
fn none_drawn(set: &PromptSet, template: usize, operators: CounterfactualOperators) -> Option<PromptError> {
    let from = match operators {
        CounterfactualOperators::All => prompt::From::AnyGroup,
        CounterfactualOperators::Same => prompt::From::SameGroup,
    };
    let mut first = None;
    for seed in set.seeds() {
        let pool: Vec<Prompt> = set.prompts.iter().filter(|prompt| prompt.seed == seed).cloned().collect();
        let clean: Vec<Prompt> = pool.iter().filter(|prompt| prompt.template == template).cloned().collect();
        for drawn in prompt::pairs(&clean, &pool, from, seed.unwrap_or(0)) {
            first = first.or(Some(drawn.err()?));
        }
    }
    first
}
