//! Step `ablation`: components, or all but a circuit, replaced by their means, by zero or by another prompt's values, and
//! what is left of the answer (paper §2.1, eq. 2; appendix A).

mod cell;
mod circuits;
mod planned;
mod runs;
mod sets;

use super::pairing::{self, pair_rows};
use super::ranking::{self, Ranking};
use super::{Outcome, dry_ranking, means, model_run, places};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::Edit;
use crate::spec::choices;
use crate::spec::step::{Ablation, AblationMode, AblationValue};
use crate::spec::{Loaded, SpecErrors};
use crate::step::kind::Kind;
use crate::step::labels::Labels;
use crate::table::Frames;
use polars::prelude::*;

impl Kind for Ablation {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        run(self, context)
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        empty_frames(self)
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        check(self, loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        workload(self, survey, context).map(Some)
    }

    fn rankings(&self) -> Vec<Ranking<'_>> {
        self.ranked.iter().map(Ranking::from).chain(self.listed.iter().map(Ranking::from)).collect()
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "measure").then(|| choices("AblationMeasure"))
    }

    fn measured(&self) -> Vec<&'static str> {
        self.measures.iter().map(|measure| measure.name()).collect()
    }
}

/// Runs the step on each of its models.
fn run(step: &Ablation, context: &Context) -> Result<Outcome, Error> {
    model_run::each(step, context, |subject, outcome| {
        let refuse = |error| context.refuse_prompts(step.prompts.as_deref(), &subject.name, error);
        for cell in subject.cells().map_err(refuse)? {
            cell::ablate(step, cell, subject, context, outcome)?;
        }
        Ok(())
    })
}

/// What is wrong with the step that shows without a model: `frames` are the rows of all steps, empty.
///
/// # Errors
/// Nothing to ablate, and rankings by columns that their rows do not have, at their place in the spec.
fn check(step: &Ablation, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    let nothing = step.components.is_empty() && step.listed.is_empty() && step.ranked.is_none();
    if step.mode == AblationMode::Ablate && nothing {
        let advice = "write components = [\"L3H1\"], a table 'ranked' or 'listed', or mode = \"keep\"".to_string();
        return Err(loaded.refuse(&["step", &step.name, "components"], "no components to ablate", Some(advice)));
    }
    for (number, listed) in step.listed.iter().enumerate() {
        let path = ["step", &step.name, "listed", &number.to_string()];
        if listed.top.is_some() && listed.share.is_some() {
            let path = [&path[..], &["share"]].concat();
            return Err(loaded.refuse(&path, "both 'top' and 'share'", Some("write one of them".to_string())));
        }
        check_rows(&listed.into(), &path, loaded, frames)?;
    }
    step.ranked
        .iter()
        .try_for_each(|ranked| check_rows(&ranked.into(), &["step", &step.name, "ranked"], loaded, frames))
}

fn check_rows(ranking: &Ranking, path: &[&str], loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    let refused = |fault| ranking::refused(path, fault, loaded);
    let rows = frames.get(ranking.from).map_err(|problem| refused(ranking::fault("from", problem)))?;
    ranking::check_columns(ranking, rows).map_err(refused)?;
    dry_ranking::check_measure(ranking, loaded).map_err(refused)
}

/// Its frames without rows.
fn empty_frames(step: &Ablation) -> PolarsResult<Vec<(String, DataFrame)>> {
    let name = &step.name;
    let mut frames = Outcome::empty_values(name, &circuits::keys(&[])?, true, step.per_prompt)?;
    let labels = Labels { model: "", checkpoint: "" };
    let mut further = Outcome::default();
    further.add_rows(&format!("{name}.components"), labels, circuits::member_rows("", &[], None))?;
    if step.value == AblationValue::Resample {
        further.add_rows(&format!("{name}.pairs"), labels, pair_rows("", &[], &[]))?;
    }
    frames.extend(further.frames);
    Ok(frames)
}

/// What it would compute, at most: which components rows of other steps add is not known before they are there.
fn workload(step: &Ablation, survey: &Survey, context: &Context) -> Result<Workload, Error> {
    let (name, facts) = (&step.name, &survey.sketch.card.facts);
    let ablated = planned::ablated(step, facts, context)?;
    let further = match step.value {
        AblationValue::Mean => {
            means::Over { step: name, prompts: step.prompts.as_deref(), mean: &step.mean }.foresee(survey, context)?
        }
        AblationValue::Resample => {
            pairing::foresee(&step.counterfactual, step, survey, context)?;
            survey.cells.iter().map(|cell| cell.prompts).collect()
        }
        AblationValue::Zero => vec![0; survey.cells.len()],
    };
    for cell in &survey.cells {
        planned::check(step, &survey.name, facts, &cell.template, context)?;
    }
    let mut whole = Workload::default();
    for (cell, further) in survey.cells.iter().zip(further) {
        let length = cell.positions.length;
        let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
        let positions = places::together(&at);
        let edit = |(hook, units)| Edit::zero(hook, positions.clone(), units);
        let edits: Vec<Vec<Edit>> = ablated.iter().map(|set| set.units().map(edit).collect()).collect();
        let edits = edits.iter().map(Vec::as_slice);
        let replay = Workload::replay(edits, cell.prompts, length, facts, survey.memory);
        let forwards = Workload::forwards(cell.prompts + cell.asked + further, length, facts);
        whole = whole.and(replay.measured(step.measures.len(), step.bootstrap).and(forwards));
    }
    Ok(whole)
}
