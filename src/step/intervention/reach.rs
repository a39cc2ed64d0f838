//! Which prompts an edit is of: the `where` of edits.

use super::variations::Variation;
use crate::Error;
use crate::context::Context;
use crate::intervene::Edit;
use crate::prompt::{Prompt, PromptColumns};
use crate::spec::step::{EditSpec, Intervention};
use crate::spec::{Loaded, Prompts, SpecErrors};
use crate::step::model_run;
use crate::table::{self, Holds, never};
use polars::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Of each intervention and edit, whether it is of a prompt; `None` where it is of all.
pub struct PromptReach(Vec<Vec<Option<Vec<bool>>>>);

impl PromptReach {
    /// Of some prompts.
    ///
    /// # Errors
    /// Conditions on columns that prompts have not, at their place in the spec.
    pub fn of(step: &Intervention, prompts: &[&Prompt], context: &Context) -> Result<Self, Error> {
        if !has_conditions(step) {
            return Ok(Self(step.interventions.iter().map(|named| vec![None; named.edits.len()]).collect()));
        }
        let mut reach = vec![Vec::new(); step.interventions.len()];
        let columns = PromptColumns::frame(prompts.iter().copied()).map_err(Error::failed(&step.name))?;
        for (intervention, number, edit) in edits(step) {
            let some = !edit.filter.is_empty();
            let mask = some.then(|| mask(step, (intervention, number, edit), &columns, context.loaded)).transpose()?;
            reach[intervention].push(mask);
        }
        Ok(Self(reach))
    }

    /// The edits of each variation on each prompt, those that are alike shared: `[variation][prompt]`. `resolved` are all edits of
    /// a variation on a prompt, each with the number of the spec's edit that it is from.
    pub fn edits<'e>(
        &self,
        variations: &[Variation],
        prompts: usize,
        resolved: impl Fn(usize, usize) -> &'e [(usize, Edit)],
    ) -> Vec<Vec<Arc<[Edit]>>> {
        // Edits are the same where they lie at one place and the same of them hold.
        let mut made: HashMap<(usize, Vec<bool>), Arc<[Edit]>> = HashMap::new();
        let mut of = |variation: usize, prompt: usize| {
            let edits = resolved(variation, prompt);
            let holds: Vec<bool> = self.0[variations[variation].of]
                .iter()
                .map(|mask| mask.as_ref().is_none_or(|mask| mask[prompt]))
                .collect();
            let kept = || edits.iter().filter(|(number, _)| holds[*number]).map(|(_, edit)| edit.clone());
            made.entry((edits.as_ptr() as usize, holds.clone())).or_insert_with(|| kept().collect()).clone()
        };
        (0..variations.len()).map(|number| (0..prompts).map(|prompt| of(number, prompt)).collect()).collect()
    }
}

/// Refuses conditions that the prompts of a step cannot meet: shows without any prompt which columns there are.
///
/// # Errors
/// Those, at their place in the spec.
pub fn check(step: &Intervention, loaded: &Loaded, prompts: Option<&Prompts>) -> Result<(), SpecErrors> {
    // The columns of words are those of the slots, which are known when the prompts are made.
    let Some(prompts) = prompts.filter(|prompts| !prompts.has_no_operands()) else { return Ok(()) };
    let Ok(columns) = PromptColumns::frame([]) else { return Ok(()) };
    for (intervention, number, edit) in edits(step) {
        mask(step, (intervention, number, edit), &columns, loaded)?;
        let asked = edit.filter.get("operator").map(table::texts).unwrap_or_default();
        let known = |text: &String| prompts.operators.contains(text);
        if let Some(text) = asked.iter().find(|text| !known(text)) {
            let problem =
                format!("no prompt has the operator '{text}'; the prompts have '{}'", prompts.operators.join("', '"));
            return Err(loaded.refuse(&path(step, intervention, &number.to_string(), &["operator"]), problem, None));
        }
    }
    Ok(())
}

/// Refuses an edit that is of none of the prompts of a step.
///
/// # Errors
/// It, at its place in the spec.
pub fn check_prompts(step: &Intervention, subject: &model_run::ModelRun, context: &Context) -> Result<(), Error> {
    if !has_conditions(step) {
        return Ok(());
    }
    let columns = PromptColumns::frame(&subject.set.prompts).map_err(Error::failed(&step.name))?;
    for (intervention, number, edit) in edits(step).filter(|(.., edit)| !edit.filter.is_empty()) {
        if mask(step, (intervention, number, edit), &columns, context.loaded)?.contains(&true) {
            continue;
        }
        let unmet = edit.filter.iter().find_map(|(column, condition)| {
            let (_, has) = never(&columns, column, condition).ok().flatten()?;
            Some((
                column.as_str(),
                format!("no prompt of step '{}' meets this condition; the values of '{column}' are {has}", step.name),
            ))
        });
        let (keys, problem) = match &unmet {
            Some((column, problem)) => (vec![*column], problem.clone()),
            None => (Vec::new(), format!("no prompt of step '{}' meets all of these conditions", step.name)),
        };
        let number = number.to_string();
        let path = path(step, intervention, &number, &keys);
        return Err(context.loaded.refuse(&path, problem, None).into());
    }
    Ok(())
}

/// Number of the intervention, number in it and edit, of each edit.
fn edits(step: &Intervention) -> impl Iterator<Item = (usize, usize, &EditSpec)> {
    step.interventions.iter().enumerate().flat_map(|(intervention, named)| {
        named.edits.iter().enumerate().map(move |(number, edit)| (intervention, number, edit))
    })
}

/// Whether any edit is not of all prompts.
fn has_conditions(step: &Intervention) -> bool {
    edits(step).any(|(.., edit)| !edit.filter.is_empty())
}

fn path<'p>(step: &'p Intervention, intervention: usize, edit: &'p str, keys: &[&'p str]) -> Vec<&'p str> {
    let name = &step.interventions[intervention].name;
    [&["step", &step.name, "interventions", name, "edits", edit, "where"][..], keys].concat()
}

/// Which rows of `columns` meet the conditions of an edit.
fn mask(
    step: &Intervention,
    (intervention, number, edit): (usize, usize, &EditSpec),
    columns: &DataFrame,
    loaded: &Loaded,
) -> Result<Vec<bool>, SpecErrors> {
    table::mask_of_all(columns, &edit.filter).map_err(|(column, problem)| {
        loaded.refuse(&path(step, intervention, &number.to_string(), &[column]), problem.to_string(), None)
    })
}
