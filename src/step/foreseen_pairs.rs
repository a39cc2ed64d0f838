//! Pairs that cannot be, told before any work: of a set whose prompts fit none of a step, and of prompts that have no counterfactual
//! among themselves, or that none can be made of.

use super::pairing::{Other, change_of, of_pair, refused_change, why_without_answer};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell};
use crate::prompt::{self, Census, Prompt, PromptError, PromptSet, ResolvedPrompts, SlotChange};
use crate::spec::step::{Common, Counterfactual, CounterfactualOperators};
use crate::spec::{Keep, Prompts};

/// Among fewer prompts than so many of a template, it may be that each has the same answer, or stands alone in its draw.
const FEW: usize = 64;

/// Legal prompts of a template that are looked at where the model's answers decide which of them there are.
const MOST: usize = 2048;

/// What a step takes of other prompts.
#[derive(Debug, Clone, Copy)]
pub enum TakenPairs {
    /// Of each prompt another, in any case.
    Always(Other),
    /// The same, unless nothing needs it.
    IfRead(Other),
}

impl TakenPairs {
    fn reads(self) -> Other {
        match self {
            TakenPairs::Always(reads) | TakenPairs::IfRead(reads) => reads,
        }
    }

    /// Whether a step does without counterfactuals where there are none, of prompts that have a contrast of their own or not.
    fn may_be_none(self, wanted: &Counterfactual, has_contrast: bool) -> bool {
        let TakenPairs::IfRead(reads) = self else { return false };
        let needs = reads.runs() || (reads == Other::Answer && !has_contrast);
        !needs && *wanted == Counterfactual::default()
    }
}

/// Refuses counterfactuals that no prompt of a template can have: of a set that has no prompt like those of the step, and of the step's own.
/// What is in a set that the model is not asked about may still fit no prompt.
///
/// Which of the step's own prompts there are may depend on the model's answers (`keep`). Then these are refused where none of the legal
/// prompts of any template has a counterfactual among all of these, so that none of any choice of them has one. Of more than [`MOST`] legal
/// prompts, and where some come in pairs and others do not, that is not known before.
///
/// # Errors
/// That, at its place in the spec.
pub fn foresee(
    wanted: &Counterfactual,
    taken: TakenPairs,
    step: &dyn Common,
    survey: &Survey,
    context: &Context,
) -> Result<(), Error> {
    match wanted.prompts.as_deref().filter(|_| !wanted.is_made()) {
        Some(set) => of_set(set, step, survey, context),
        None => of_own(wanted, taken, step, survey, context),
    }
}

/// What a run comes to of what is wrong with each template: with the first that has a fault; where a template may be left without prompts
/// by `keep`, with the first as long as all have one.
fn certain<F>(keep: Keep, faults: impl Iterator<Item = Result<Option<F>, Error>>) -> Result<Option<F>, Error> {
    let mut first = None;
    for fault in faults {
        match (fault?, keep) {
            (Some(fault), Keep::All) => return Ok(Some(fault)),
            (None, Keep::Correct | Keep::Incorrect) => return Ok(None),
            (fault, _) => first = first.or(fault),
        }
    }
    Ok(first)
}

/// Counterfactuals that are drawn from another set.
fn of_set(set: &str, step: &dyn Common, survey: &Survey, context: &Context) -> Result<(), Error> {
    let spec = context.prompts(Some(set), step.name())?;
    let own = context.prompts(step.prompts(), step.name())?;
    let refuse = |set, error| context.refuse_prompts(set, &survey.name, error);
    let resolved = ResolvedPrompts::new(own).map_err(|error| refuse(step.prompts(), PromptError::Spec(error)))?;
    let names: Vec<&str> = resolved.templates.iter().map(|template| template.name.as_str()).collect();
    let census = |name, spec| context.models.census(spec, &survey.sketch).map_err(|error| refuse(name, error));
    let (drawn, pool) = (census(step.prompts(), own)?, census(Some(set), spec)?);
    // Prompts that are drawn by the model's answers may have other shapes than those that are drawn without asking it.
    let is_known = |spec: &Prompts, census: &Census| spec.keep == Keep::All || census.has_all_shapes;
    if !is_known(own, &drawn) || !is_known(spec, &pool) {
        return Ok(());
    }
    let others = pool.shapes.numbered_as(&names);
    let fits = |cell: &SurveyedCell| others.iter().any(|other| prompt::alike(&cell.first, other));
    let templates = survey.cells.chunk_by(|one, other| one.template == other.template);
    // Of prompts of several shapes those that fit none are left out.
    let unfit = templates.map(|shapes| Ok(shapes.first().filter(|_| !shapes.iter().any(fits))));
    let Some(cell) = certain(own.keep, unfit)? else { return Ok(()) };
    let problem = format!(
        "prompt set '{set}' has no prompt with the same template and token positions as {:?} (model '{}')",
        cell.first.text, survey.name
    );
    let advice = format!(
        "write the template of the step's prompts, and operands or words of as many tokens, into [prompt_sets.{set}]"
    );
    let path = ["step", step.name(), "counterfactual", "prompts"];
    Err(context.loaded.refuse(&path, problem, Some(advice)).into())
}

/// Counterfactuals that are drawn from the step's own prompts, made of them, or given with them.
fn of_own(
    wanted: &Counterfactual,
    taken: TakenPairs,
    step: &dyn Common,
    survey: &Survey,
    context: &Context,
) -> Result<(), Error> {
    let spec = context.prompts(step.prompts(), step.name())?;
    let asks = spec.keep != Keep::All;
    if asks && survey.cells.iter().any(|cell| cell.legal > MOST) {
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
    // Why nothing can be made of a prompt, in any draw that it may be of.
    let make = |(resolved, change): &(ResolvedPrompts, SlotChange), clean: &Prompt| {
        let mut why = None;
        for seed in seeds(clean, spec) {
            let made = prompt::changed(resolved, tokenizer, bos, change, &[clean], seed).map_err(refuse)?;
            match made.into_iter().next() {
                Some(Err(fault)) => why = why.or(Some(fault)),
                _ => return Ok(None),
            }
        }
        Ok::<_, Error>(why)
    };
    let given = |clean: &Prompt| taken.reads().pair_of(clean).err().map(|fault| of_pair(clean, fault));
    let may_be_given = *wanted == Counterfactual::default();
    let comes_in_pair = |prompt: &Prompt| may_be_given && prompt.paired.is_some();
    let has_contrast = |prompt: &Prompt| !prompt.wrong.is_empty();

    let mut all: Option<PromptSet> = None;
    let fault_of = |shapes: &[SurveyedCell]| {
        if taken.may_be_none(wanted, shapes.iter().all(|cell| has_contrast(&cell.first))) {
            return Ok(None);
        }
        // Looking at all prompts takes long: only where their number or the first of each shape give reason to.
        let is_doubtful = match &made {
            Some(made) => {
                shapes.iter().try_fold(true, |is, cell| Ok::<_, Error>(is && make(made, &cell.first)?.is_some()))?
            }
            None if shapes.iter().any(|cell| comes_in_pair(&cell.first)) => {
                shapes.iter().all(|cell| given(&cell.first).is_some())
            }
            None => {
                let prompts = |cell: &SurveyedCell| if asks { cell.legal } else { cell.prompts };
                shapes.iter().all(|cell| prompts(cell) <= FEW || cell.answers <= 1)
            }
        };
        let Some(first) = shapes.first().filter(|_| is_doubtful) else { return Ok(None) };
        let set = match &mut all {
            Some(set) => set,
            none => none.insert(prompt::build(&unasked(spec), tokenizer, bos, None).map_err(refuse)?),
        };
        let of_template = || set.prompts.iter().filter(|prompt| prompt.template == first.first.template);
        // Those that are left by `keep`, or those of a shape, may be those that have a contrast.
        if taken.may_be_none(wanted, of_template().any(has_contrast)) {
            return Ok(None);
        }
        let in_pairs = set.prompts.iter().filter(|prompt| comes_in_pair(prompt)).count();
        // Of prompts that come in no pairs others are drawn, as long as none that does is left by `keep`.
        if asks && in_pairs > 0 && in_pairs < set.prompts.len() {
            return Ok(None);
        }
        let fault = match &made {
            Some(made) => none_made(of_template(), |clean| make(made, clean))?,
            None if in_pairs > 0 => none_made(of_template(), |clean| Ok(given(clean)))?,
            None => none_drawn(set, first.first.template, wanted.operators),
        };
        Ok(match (fault, taken) {
            (Some(PromptError::NoCounterfactual { text, why }), TakenPairs::IfRead(Other::Answer)) => {
                let of_operands = shapes.iter().all(|cell| cell.first.calculation().is_some());
                Some(PromptError::NoCounterfactual { text, why: why_without_answer(why, of_operands) })
            }
            (fault, _) => fault,
        })
    };
    let templates = survey.cells.chunk_by(|one, other| one.template == other.template);
    match certain(spec.keep, templates.map(fault_of))? {
        Some(fault) => Err(refuse(fault)),
        None => Ok(()),
    }
}

/// The prompts of a step; where the model's answers decide which of the legal ones these are, all of them, as long as no template has more
/// than [`MOST`].
fn unasked(spec: &Prompts) -> Prompts {
    match spec.keep {
        Keep::All => spec.clone(),
        Keep::Correct | Keep::Incorrect => {
            let sample = spec.sample.map(|_| MOST);
            Prompts { keep: Keep::All, sample, skip: 0, seeds: vec![0], ..spec.clone() }
        }
    }
}

/// The seeds that are drawn with for a prompt: its own, or, where which draw it is of depends on the model's answers, those of all draws.
fn seeds(prompt: &Prompt, spec: &Prompts) -> Vec<u64> {
    match spec.keep {
        Keep::All => vec![prompt.seed.unwrap_or(0)],
        _ if spec.sample.is_none() => vec![0],
        _ => spec.seeds.clone(),
    }
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
