//! What edits write: numbers, the other prompt's values, means over prompts.

use super::edits::{At, Written, resolve};
use super::variations::Variation;
use crate::Error;
use crate::context::Context;
use crate::intervene::{HookPositions, Positions, Value};
use crate::model::hook::Hook;
use crate::prompt::PromptGroup;
use crate::spec::step::{EditValue, Intervention, MeanPositions};
use crate::step::means::{Means, Over};
use crate::step::{ModelRun, Outcome, Scope, TemplateBatch};
use indexmap::IndexMap;
use std::cell::RefCell;

/// The value of an edit before means are there: they change no less than a number does.
///
/// # Errors
/// None.
pub fn placeholder(value: &EditValue, _: Hook, _: &Positions) -> Result<Value, Error> {
    Ok(match value {
        EditValue::Counterfactual => Value::Source,
        EditValue::Constant(constant) => Value::Constant(*constant),
        // Directions have stand-ins of their own.
        EditValue::Mean | EditValue::Given(_) => Value::Constant(0.0),
    })
}

/// The means that a step's edits write, by the positions that they are pooled over; where each position has its own, of all.
pub struct MeanValues {
    pooled: bool,
    means: IndexMap<Positions, Means>,
}

impl MeanValues {
    /// Runs the prompts that the means are over, if any edit writes them.
    ///
    /// # Errors
    /// Edits that the model cannot have, prompts that cannot be had, and Ctrl-C.
    pub fn take(
        (step, variations): (&Intervention, &[Variation]),
        (target, at): (Scope, At),
        cell: &TemplateBatch,
        subject: &ModelRun,
        context: &Context,
        outcome: &mut Outcome,
    ) -> Result<Self, Error> {
        let pooled = step.mean.positions == MeanPositions::Pooled;
        let mut taken = Self { pooled, means: IndexMap::new() };
        let wanted: RefCell<IndexMap<Positions, HookPositions>> = RefCell::default();
        let values = |value: &EditValue, hook: Hook, positions: &Positions| {
            if *value == EditValue::Mean {
                let over = taken.over(positions);
                wanted.borrow_mut().entry(over.clone()).or_default().insert(hook, over);
            }
            placeholder(value, hook, positions)
        };
        resolve(
            step,
            variations,
            target,
            at,
            context,
            Written { values: &values, given: None, prompt: None, other: None },
        )?;
        let wanted = wanted.into_inner();
        if !wanted.is_empty() {
            let each: Vec<HookPositions> = wanted.values().cloned().collect();
            let means = Means::take_each(over(step), &each, cell, subject, context, outcome)?;
            taken.means.extend(wanted.into_keys().zip(means));
        }
        Ok(taken)
    }

    /// Whether no edit writes means.
    pub fn is_empty(&self) -> bool {
        self.means.is_empty()
    }

    /// What edits of a group's prompts write.
    pub fn of<'m>(
        &'m self,
        group: &'m PromptGroup,
        over: Over<'m>,
        context: &'m Context,
    ) -> impl Fn(&EditValue, Hook, &Positions) -> Result<Value, Error> + 'm {
        move |value: &EditValue, hook, positions: &Positions| {
            if *value != EditValue::Mean {
                return placeholder(value, hook, positions);
            }
            let missing = || Error::failed(format!("step '{}'", over.step))(format!("{hook}: no mean was taken"));
            let means = self.means.get(&self.over(positions)).ok_or_else(missing)?;
            Ok(Value::Fixed(means.at(hook, group, over, context)?))
        }
    }

    /// The positions whose means an edit of some takes.
    fn over(&self, positions: &Positions) -> Positions {
        if self.pooled { positions.clone() } else { Positions::All }
    }
}

/// What means are taken over.
pub fn over(step: &Intervention) -> Over<'_> {
    Over { step: &step.name, prompts: step.prompts.as_deref(), mean: &step.mean }
}
