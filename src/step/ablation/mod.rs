//! Step `ablation`: components, or all but a circuit, replaced by their means, by zero or by another prompt's values, and
//! what is left of the answer (paper §2.1, eq. 2; appendix A).

mod circuits;
mod means;
mod ranking;
mod runs;
mod sets;

use super::accuracy::Labels;
use super::pairing::{Pairs, pair_rows};
use super::subject::{self, Cell, Subject};
use super::summary::Values;
use super::{Context, Outcome, places};
use crate::Error;
use crate::intervene::{Edit, Units, Wanted};
use crate::model::hook::Hook;
use crate::prompt::{Operator, Prompt};
use crate::run::Frames;
use crate::spec::step::{Ablation, AblationMeasure, AblationMode, AblationValue, MeanOperators};
use crate::spec::{Loaded, SpecErrors};
use circuits::{Circuits, circuits};
use means::Means;
use polars::prelude::*;
use runs::{Arm, Case};

/// Runs the step on each of its models.
pub(super) fn run(step: &Ablation, context: &Context) -> Result<Outcome, Error> {
    subject::each(step, context, |subject, outcome| {
        let refuse = |error| context.refuse_prompts(step.prompts.as_deref(), &subject.name, error);
        for cell in subject.cells().map_err(refuse)? {
            ablate(step, &without_zero_answers(step, cell, subject, outcome)?, subject, context, outcome)?;
        }
        Ok(())
    })
}

/// What is wrong with the step that shows without a model: `frames` are the rows of all steps, empty.
///
/// # Errors
/// Nothing to ablate, and a ranking by columns that its rows do not have, at their place in the spec.
pub(super) fn check(step: &Ablation, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
    if step.mode == AblationMode::Ablate && step.components.is_empty() && step.ranked.is_none() {
        let advice = "write components = [\"L3H1\"], a table 'ranked', or mode = \"keep\"".to_string();
        return Err(loaded.refuse(&["step", &step.name, "components"], "no components to ablate", Some(advice)));
    }
    let Some(ranked) = &step.ranked else { return Ok(()) };
    let refused = |fault| ranking::refused(&step.name, fault, loaded);
    let rows = frames.get(&ranked.from).map_err(|problem| refused(("from", problem)))?;
    ranking::check_columns(ranked, rows).map_err(refused)
}

/// Its frames without rows.
pub(super) fn empty_frames(step: &Ablation) -> PolarsResult<Vec<(String, DataFrame)>> {
    let name = &step.name;
    let mut frames = Outcome::empty_values(name, &circuits::keys(&[])?, step.per_prompt)?;
    let labels = Labels { model: "", checkpoint: "" };
    let mut further = Outcome::default();
    further.add_rows(&format!("{name}.components"), labels, circuits::member_rows("", &[], None))?;
    if step.value == AblationValue::Resample {
        further.add_rows(&format!("{name}.pairs"), labels, pair_rows("", &[], &[]))?;
    }
    frames.extend(further.frames);
    Ok(frames)
}

/// The cell with the prompts that are ablated.
fn without_zero_answers<'s>(
    step: &Ablation,
    mut cell: Cell<'s>,
    subject: &Subject,
    outcome: &mut Outcome,
) -> Result<Cell<'s>, Error> {
    if step.skip_zero_answers {
        let all = cell.prompts.len();
        cell.prompts.retain(|prompt| prompt.answer != 0);
        let (name, template, skipped) = (&subject.name, &cell.template, all - cell.prompts.len());
        if cell.prompts.is_empty() {
            let problem = format!("model '{name}', template '{template}': the answer of every prompt is 0");
            return Err(Error::refused(format!("step '{}'", step.name))(problem));
        }
        outcome.notes.push(format!(
            "{name}: template '{template}': {skipped} of {all} prompts have the answer 0 and are left out"
        ));
    }
    Ok(cell)
}

/// Every circuit on the prompts of one cell.
fn ablate(
    step: &Ablation,
    cell: &Cell,
    subject: &Subject,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let (name, facts) = (&step.name, subject.model.facts());
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let positions = places::together(&at);
    let mut operators: Vec<&'static Operator> = cell.prompts.iter().map(|prompt| prompt.operator).collect();
    operators.sort_by_key(|operator| subject.set.operators.iter().position(|other| other == operator));
    operators.dedup();
    let all = circuits(step, &operators, cell, subject, context)?;
    let rows = circuits::member_rows(&cell.template, &all, Some(facts));
    outcome.add_rows(&format!("{name}.components"), subject.labels(), rows)?;

    let against_empty = step.measures.contains(&AblationMeasure::Faithfulness);
    if against_empty && step.mode == AblationMode::Ablate && step.ranked.is_none() {
        let note = "with mode = \"ablate\" and no 'ranked' the empty circuit ablates the same: the faithfulness is 0";
        outcome.notes.push(format!("{}: {note}", subject.name));
    }
    let means = match step.value {
        AblationValue::Mean => {
            let sets = all.iter().flat_map(|one| {
                one.circuits.iter().map(|circuit| &circuit.ablated).chain(against_empty.then_some(&one.empty))
            });
            let wanted: Wanted = sets.flat_map(|set| set.units()).map(|(hook, _)| (hook, positions.clone())).collect();
            Some(Means::take(step, &wanted, cell, subject, context, outcome)?)
        }
        AblationValue::Zero | AblationValue::Resample => None,
    };
    let arm = |circuits: &Circuits, operator: &'static Operator| -> Result<Arm, Error> {
        let mean = means.as_ref().map(|means| means.of(operator, step, context)).transpose()?;
        Arm::new(circuits, against_empty, |hook: Hook, units: Units| {
            let positions = positions.clone();
            match (step.value, mean) {
                (AblationValue::Resample, _) => Ok(Edit::patch(hook, positions, units)),
                (AblationValue::Zero, _) => Ok(Edit::zero(hook, positions, units)),
                (AblationValue::Mean, mean) => match mean.and_then(|mean| mean.get(&hook)) {
                    Some(mean) => Ok(Edit::set(hook, positions, units, mean.clone())),
                    None => Err(Error::failed(format!("step '{name}'"))(format!("{hook}: no mean was taken"))),
                },
            }
        })
    };
    // Prompts of different operators are one arm unless something of theirs differs.
    let apart = all.iter().any(|circuits| circuits.operator.is_some())
        || means.is_some() && step.mean.operators == MeanOperators::Same;
    let arms: Vec<Arm> = match apart {
        true => {
            let of = |index: usize| all.get(index).or(all.first());
            let pairs = operators.iter().enumerate().filter_map(|(index, operator)| Some((of(index)?, *operator)));
            pairs.map(|(circuits, operator)| arm(circuits, operator)).collect::<Result<_, Error>>()?
        }
        false => {
            let pair = all.first().zip(operators.first());
            pair.map(|(circuits, operator)| arm(circuits, operator)).transpose()?.into_iter().collect()
        }
    };

    let pairs = match step.value {
        AblationValue::Resample => {
            let pairs = Pairs::draw(cell, subject, &step.counterfactual, step, context)?;
            pairs.record(name, cell, subject, outcome)?;
            Some(pairs)
        }
        AblationValue::Mean | AblationValue::Zero => None,
    };
    let case = |prompt: usize, other: Option<usize>| {
        let prompt = cell.prompts[prompt];
        let own = operators.iter().position(|operator| *operator == prompt.operator).filter(|_| apart);
        let other = pairs.as_ref().zip(other).map(|(pairs, other)| &pairs.others[other]);
        Case { prompt, other, arm: own.unwrap_or(0) }
    };
    let cases: Vec<Case> = match &pairs {
        Some(pairs) => pairs.clean.iter().zip(&pairs.other).map(|(&clean, &other)| case(clean, Some(other))).collect(),
        None => (0..cell.prompts.len()).map(|prompt| case(prompt, None)).collect(),
    };
    let total: usize = cases.iter().map(|case| arms[case.arm].runs()).sum();
    let task = context.progress.begin(&format!("{name}: {}", subject.name), total as u64, "rows");
    let data = runs::measure(step, &arms, &cases, &positions, subject, (context, &task), outcome)?;

    let keys = circuits::keys(&all)?;
    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let prompts: Vec<&Prompt> = cases.iter().map(|case| case.prompt).collect();
    let values = Values { keys: &keys, measures: &measures, prompts: &prompts, data: &data };
    outcome.add_values(name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}
