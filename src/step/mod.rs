//! What each kind of step does: one file per kind, one line each in [`run`] and [`empty_frames`].

mod ablation;
pub mod accuracy;
mod agreement;
mod attention_patterns;
mod attribution;
mod capture;
mod divided;
mod dry_ranking;
mod heuristic_overlap;
mod heuristics;
mod intervention;
mod knockout;
mod labels;
mod logit_attribution;
mod logit_lens;
mod means;
mod model_run;
mod network;
mod neuron_overlap;
mod neurons;
mod outcome;
mod pairing;
mod patching;
mod path_patching;
mod places;
mod probe;
mod ranking;
mod replays;
mod scope;
mod serialize;
mod smallest;
mod summary;
pub mod train;
mod words;

pub use labels::Labels;
pub use model_run::{ModelRun, TemplateBatch, spec as prompts_of};
pub use network::Network;
pub use outcome::Outcome;
pub use scope::Scope;
pub use words::{measured, words};

use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::prompt::{Resolved, of_words};
use crate::spec::{Loaded, Prompts, SpecErrors, Step};
use crate::table::{Frames, whole};
use polars::prelude::{DataFrame, PolarsResult};
use ranking::Ranking;

/// Runs a step.
///
/// # Errors
/// [`Error::Refused`] for input that turns out wrong only with the model at hand, [`Error::Failed`] for the rest.
pub fn run(step: &Step, context: &Context) -> Result<Outcome, Error> {
    let mut outcome = run_kind(step, context)?;
    for (_, frame) in &mut outcome.frames {
        *frame = whole(std::mem::take(frame))?;
    }
    for ranking in rankings(step) {
        if let Ok(rows) = context.frames.get(ranking.from) {
            outcome.notes.extend(ranking::notes(&ranking, rows)?);
        }
    }
    Ok(outcome)
}

/// The rankings that a step reads from rows of others.
fn rankings(step: &Step) -> Vec<Ranking<'_>> {
    match step {
        Step::Ablation(step) => {
            step.ranked.iter().map(Ranking::from).chain(step.listed.iter().map(Ranking::from)).collect()
        }
        Step::Heuristics(step) => vec![Ranking::from(&step.ranked)],
        Step::NeuronOverlap(step) => vec![Ranking::from(step)],
        _ => Vec::new(),
    }
}

fn run_kind(step: &Step, context: &Context) -> Result<Outcome, Error> {
    match step {
        Step::Accuracy(step) => accuracy::run(step, context),
        Step::Train(step) => train::run(step, context),
        Step::ActivationPatching(step) => patching::run(step.into(), context),
        Step::NeuronPatching(step) => neurons::run(step, context),
        Step::Ablation(step) => ablation::run(step, context),
        Step::AttributionPatching(step) => attribution::run(step, context),
        Step::Intervention(step) => intervention::run(step, context),
        Step::PathPatching(step) => path_patching::run(step, context),
        Step::LogitLens(step) => logit_lens::run(step, context),
        Step::LogitAttribution(step) => logit_attribution::run(step, context),
        Step::AttentionPatterns(step) => attention_patterns::run(step, context),
        Step::Capture(step) => capture::run(step, context),
        Step::Heuristics(step) => heuristics::run(step, context),
        Step::NeuronOverlap(step) => neuron_overlap::run(step, context),
        Step::HeuristicKnockout(step) => knockout::by_heuristic::run(step, context),
        Step::PromptKnockout(step) => knockout::by_prompt::run(step, context),
        Step::HeuristicSupport(step) => knockout::support::run(step, context),
        Step::HeuristicOverlap(step) => heuristic_overlap::run(step, context),
        Step::Probe(step) => probe::run(step, context),
        Step::Smallest(step) => smallest::run(step, context),
    }
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
    match step {
        Step::Ablation(step) => ablation::check(step, loaded, frames),
        Step::NeuronPatching(step) => neurons::check(step, loaded),
        Step::AttributionPatching(step) => attribution::check(step, loaded),
        Step::Intervention(step) => intervention::check(step, loaded),
        Step::PathPatching(step) => path_patching::check(step, loaded),
        Step::Heuristics(step) => heuristics::check(step, loaded, frames),
        Step::NeuronOverlap(step) => neuron_overlap::check(step, loaded, frames),
        Step::HeuristicKnockout(step) => knockout::check(&step.name, &step.from, loaded, frames),
        Step::PromptKnockout(step) => knockout::check(&step.name, &step.from, loaded, frames),
        Step::HeuristicSupport(step) => knockout::check(&step.name, &step.from, loaded, frames),
        Step::HeuristicOverlap(step) => knockout::check(&step.name, &step.from, loaded, frames),
        Step::Probe(step) => probe::check(step, loaded),
        Step::Smallest(step) => smallest::check(step, loaded, frames),
        _ => Ok(()),
    }
}

/// Refuses what a step that runs no model will not find in the rows that it reads, as far as that shows before they are there.
///
/// # Errors
/// That, at its place in the spec.
pub fn foresee(step: &Step, context: &Context) -> Result<(), Error> {
    match step {
        Step::NeuronOverlap(step) => neuron_overlap::foresee(step, context),
        _ => Ok(()),
    }
}

/// The frames of a step without any rows, to check tables and figures against before any work; `frames` are those of the steps
/// that it needs.
///
/// # Errors
/// None of its own.
pub fn empty_frames(step: &Step, loaded: &Loaded, frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
    let empty = frames_of_operands(step, frames)?;
    let empty = empty.into_iter().map(|(name, frame)| Ok((name, whole(frame)?))).collect::<PolarsResult<Vec<_>>>()?;
    let words = model_run::spec(step, loaded).filter(|prompts| prompts.is_words());
    let Some(Ok(resolved)) = words.map(Resolved::new) else { return Ok(empty) };
    let Some(words) = resolved.words else { return Ok(empty) };
    let other = pairing::whole_answers(step, loaded).unwrap_or(words.whole.answer);
    let of_words = |(name, frame)| Ok((name, of_words(frame, &words, other)?));
    empty.into_iter().map(of_words).collect()
}

/// The frames of a step whose prompts, if it has any, are of operands.
fn frames_of_operands(step: &Step, frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
    match step {
        Step::Accuracy(step) => accuracy::empty_frames(step),
        Step::Train(step) => train::empty_frames(step),
        Step::ActivationPatching(step) => patching::empty_frames(&step.into()),
        Step::NeuronPatching(step) => neurons::empty_frames(step),
        Step::Ablation(step) => ablation::empty_frames(step),
        Step::AttributionPatching(step) => attribution::empty_frames(step),
        Step::Intervention(step) => intervention::empty_frames(step),
        Step::PathPatching(step) => path_patching::empty_frames(step),
        Step::LogitLens(step) => logit_lens::empty_frames(step),
        Step::LogitAttribution(step) => logit_attribution::empty_frames(step),
        Step::AttentionPatterns(step) => attention_patterns::empty_frames(step),
        Step::Capture(step) => capture::empty_frames(step),
        Step::Heuristics(step) => heuristics::empty_frames(step),
        Step::NeuronOverlap(step) => neuron_overlap::empty_frames(step),
        Step::HeuristicKnockout(step) => knockout::by_heuristic::empty_frames(step),
        Step::PromptKnockout(step) => knockout::by_prompt::empty_frames(step),
        Step::HeuristicSupport(step) => knockout::support::empty_frames(step),
        Step::HeuristicOverlap(step) => heuristic_overlap::empty_frames(step),
        Step::Probe(step) => probe::empty_frames(step),
        Step::Smallest(step) => smallest::empty_frames(step, frames),
    }
}

/// The prompts that a step runs on, of those that its spec says.
pub fn surveyed(step: &Step, prompts: &Prompts) -> Prompts {
    match step {
        Step::Heuristics(_) => heuristics::surveyed(prompts),
        _ => prompts.clone(),
    }
}

/// What a step that runs no model of the spec would take; `None` where that is not known before.
///
/// # Errors
/// Prompts that are not there.
pub fn workload_alone(step: &Step, context: &Context) -> Result<Option<Workload>, Error> {
    match step {
        Step::Train(step) => train::workload(step, context),
        // What they make of some thousand rows is done in a moment.
        _ => Ok(Some(Workload::default())),
    }
}

/// What a step would compute on the prompts of one model; `None` where that is not known before.
///
/// # Errors
/// Sites, components and positions that the model or the template has not.
pub fn workload(
    step: &Step,
    context: &Context,
    survey: impl FnOnce() -> Result<Survey, Error>,
) -> Result<Option<Workload>, Error> {
    match step {
        Step::ActivationPatching(step) => patching::workload(&step.into(), &survey()?, context).map(Some),
        Step::NeuronPatching(step) => neurons::workload(step, &survey()?, context).map(Some),
        Step::Ablation(step) => ablation::workload(step, &survey()?, context).map(Some),
        Step::AttributionPatching(step) => attribution::workload(step, &survey()?, context).map(Some),
        Step::Intervention(step) => intervention::workload(step, &survey()?, context).map(Some),
        Step::PathPatching(step) => path_patching::workload(step, &survey()?, context).map(Some),
        Step::LogitLens(step) => logit_lens::workload(step, &survey()?, context).map(Some),
        Step::LogitAttribution(step) => logit_attribution::workload(step, &survey()?, context).map(Some),
        Step::AttentionPatterns(step) => attention_patterns::workload(step, &survey()?, context).map(Some),
        Step::Capture(step) => capture::workload(step, &survey()?, context).map(Some),
        Step::HeuristicKnockout(step) => knockout::by_heuristic::workload(step, &survey()?, context).map(Some),
        Step::PromptKnockout(step) => knockout::by_prompt::workload(step, &survey()?, context).map(Some),
        Step::HeuristicSupport(step) => knockout::support::workload(step, &survey()?, context).map(Some),
        Step::Probe(step) => probe::workload(step, &survey()?, context).map(Some),
        Step::Accuracy(step) => accuracy::workload(step, &survey()?, context).map(Some),
        Step::Train(_) | Step::NeuronOverlap(_) | Step::HeuristicOverlap(_) | Step::Smallest(_) => Ok(None),
        Step::Heuristics(step) => heuristics::workload(step, &survey()?, context).map(Some),
    }
}
