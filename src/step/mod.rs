//! What each kind of step does: one file per kind, which implements `kind::Kind`.

mod ablation;
pub mod accuracy;
mod agreement;
mod answer_reads;
mod attention_heads;
mod attention_patterns;
mod attention_toward;
mod attribution;
mod bag_of_heuristics;
mod capture;
mod convention;
mod corruption;
mod declared;
pub mod dependent_key;
mod direction;
mod directions;
mod divided;
mod dry_ranking;
mod foreseen_pairs;
mod generate;
mod inference;
mod intervention;
mod joined;
mod kind;
mod labels;
mod logit_attribution;
mod logit_lens;
mod loss;
mod matched;
mod max_activations;
mod means;
mod model_run;
mod moments;
mod network;
mod neurons;
mod noise;
mod outcome;
mod pairing;
mod patched_places;
mod patching;
mod path_patching;
mod places;
mod probe;
mod prompt_sample;
mod ranked;
mod ranking;
mod replays;
mod scope;
mod sequence;
mod shapes;
mod smallest;
mod summary;
mod tensor_rows;
pub mod train;
mod words;

pub use declared::RowsInfo;
pub use labels::RunLabels;
pub use model_run::{CellRun, ModelRun, TemplateBatch, spec as prompts_of};
#[doc(hidden)]
pub use noise::standard_noise;
pub use outcome::Outcome;
pub use scope::Scope;
pub use words::{measured, rows, words};

use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::model::ModelName;
use crate::prompt::{ResolvedPrompts, of_words};
use crate::spec::step::{Counterfactual, CounterfactualOperators};
use crate::spec::{Loaded, Prompts, SpecErrors, Step};
use crate::table::{Frames, without_rows};
use dependent_key::DependentKey;
use polars::prelude::{DataFrame, PolarsResult};

/// Runs a step.
///
/// # Errors
/// [`Error::Refused`] for input that turns out wrong only with the model at hand, [`Error::Failed`] for the rest.
pub fn run(step: &Step, context: &Context) -> Result<Outcome, Error> {
    let mut outcome = kind::of(step).run(context)?;
    for ranking in kind::of(step).rankings() {
        if let Ok(rows) = context.frames.get(ranking.from) {
            outcome.notes.extend(ranking::notes(&ranking, rows)?);
        }
    }
    Ok(outcome)
}

/// Checks what a step asks of the rows of others, and what its schema cannot say; `frames` are those of all steps, without
/// rows.
///
/// # Errors
/// What shows to be wrong without any work, at its place in the spec.
pub fn check(step: &Step, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    scope::check(step, loaded)?;
    pairing::check(step, loaded)?;
    means::check(step, loaded)?;
    model_run::check(step, loaded)?;
    kind::of(step).check(loaded, frames)
}

/// The rows whose texts the rows of a step pass on.
pub fn passes_on(step: &Step) -> Option<&str> {
    kind::of(step).passes_on()
}

/// The keys of a step that change something only beside others.
pub fn dependent_keys(step: &Step, loaded: &Loaded) -> Vec<DependentKey> {
    let words = prompts_of(step, loaded).is_some_and(Prompts::has_no_operands);
    let mut keys = kind::of(step).dependent_keys(words);
    if let Some(Counterfactual { operators, .. }) = step.counterfactual() {
        let advice = "leave it out: prompts made of words have no operators";
        let key = DependentKey::new("operators", *operators != CounterfactualOperators::All, !words, advice);
        keys.push(key.below(&["counterfactual"]));
    }
    keys
}

/// Refuses what a step that runs no model will not find in the rows that it reads, as far as that shows before they are there.
///
/// # Errors
/// That, at its place in the spec.
pub fn foresee(step: &Step, context: &Context) -> Result<(), Error> {
    kind::of(step).foresee(context)
}

/// The frames of a step without any rows, to check tables and figures against before any work; `frames` are those of the steps
/// that it needs.
///
/// # Errors
/// None of its own.
pub fn empty_frames(step: &Step, loaded: &Loaded, frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
    let prompts = model_run::spec(step, loaded);
    let mut declared = rows(step, frames);
    declared.extend(prompts.and_then(|prompts| pairing::rows_of_given(&declared, prompts)));
    let empty = declared.into_iter().map(|rows| Ok((rows.name(step.name()), without_rows(&rows.columns)?)));
    let empty = empty.collect::<PolarsResult<Vec<_>>>()?;
    let words = prompts.filter(|prompts| prompts.has_no_operands());
    let Some(Ok(resolved)) = words.map(ResolvedPrompts::new) else { return Ok(empty) };
    let Some(slots) = resolved.slot_columns() else { return Ok(empty) };
    let has_contrast = resolved.has_contrast();
    let other = pairing::whole_answers(step, loaded).unwrap_or(slots.whole_answer);
    let of_words = |(name, frame)| Ok((name, of_words(frame, &slots, has_contrast, other)?));
    empty.into_iter().map(of_words).collect()
}

/// The prompts that a step runs on, in the tokens of one of its models.
///
/// # Errors
/// Models and prompts that cannot be had.
pub fn survey(step: &Step, name: &ModelName, context: &Context) -> Result<(Prompts, Survey), Error> {
    let (kind, set) = (kind::of(step), step.common().prompts());
    let prompts = kind.prompts_run(context.prompts(set, step.name())?);
    let survey = Survey::make((set, &prompts), kind.reads_positions(), name, context)?;
    Ok((prompts, survey))
}

/// What a step that runs no model of the spec would take; `None` where that is not known before.
///
/// # Errors
/// Prompts that are not there.
pub fn workload_alone(step: &Step, context: &Context) -> Result<Option<Workload>, Error> {
    kind::of(step).workload_alone(context)
}

/// What a step would compute on the prompts of one model, beside asking it which of them it answers; `None` where that is not known
/// before.
///
/// # Errors
/// Sites, components and positions that the model or the template has not.
pub fn workload(step: &Step, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
    kind::of(step).workload(survey, context)
}
