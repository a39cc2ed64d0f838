//! Mean activations that edits put in the place of others (paper §2.1, appendix A).

use super::{Cell, Context, Outcome, SelfCheck, Subject, replays};
use crate::Error;
use crate::intervene::{Activation, Activations, Sums, Wanted, add_sums, capture_sums, means_of};
use crate::model::hook::Hook;
use crate::model::transformer::Tokens;
use crate::prompt::{self, Asked, Operator, PromptError, Resolved};
use crate::run::interrupt;
use crate::spec::step::{Legality, MeanOperators, MeanOver, MeanPositions};
use indexmap::IndexMap;
use std::cell::Cell as Counter;
use std::ops::Range;
use std::sync::Arc;

/// A sum over prompts, as [`Sums`] has it.
type Sum = (Activation, Vec<f64>);

/// Means by hook: of one row.
pub type Mean = IndexMap<Hook, Arc<Activation>>;

/// What a step says of its means.
#[derive(Debug, Clone, Copy)]
pub struct Over<'s> {
    /// Name of the step.
    pub step: &'s str,
    /// The step's own prompt set.
    pub prompts: Option<&'s str>,
    /// Its key `mean`.
    pub mean: &'s MeanOver,
}

/// The means of a cell's prompts.
pub struct Means {
    /// The operators of the prompts that the means are over.
    operators: Vec<&'static Operator>,
    /// Whether each of them has its own.
    same: bool,
    /// One for each of them, or one for all.
    means: Vec<Mean>,
}

impl<'s> Over<'s> {
    /// The prompt set whose operands, operators and templates are taken.
    pub fn set(&self) -> Option<&'s str> {
        self.mean.prompts.as_deref().or(self.prompts)
    }

    /// Prompts of a template that are run for them at most, for the plan.
    ///
    /// # Errors
    /// A prompt set that is not there.
    pub fn count(&self, context: &Context) -> Result<usize, Error> {
        Ok(self.mean.sample * context.prompts(self.set(), self.step)?.groups())
    }
}

impl Means {
    /// Runs the prompts that means are taken over; `wanted` is what is edited. Says over how many.
    ///
    /// # Errors
    /// Prompts that can not be had, at their place in the spec, and Ctrl-C.
    pub fn take(
        over: Over,
        wanted: &Wanted,
        cell: &Cell,
        subject: &Subject,
        context: &Context,
        outcome: &mut Outcome,
    ) -> Result<Self, Error> {
        let Over { step, mean, .. } = over;
        let set = over.set();
        let refuse = |error: PromptError| context.refuse_prompts(set, &subject.name, error);
        let resolved = Resolved::new(context.prompts(set, step)?).map_err(PromptError::Spec).map_err(refuse)?;
        let like = cell.prompts.first().ok_or_else(|| Error::failed(step)("no prompts to edit"))?;
        let draw = prompt::Wanted {
            template: &cell.template,
            like,
            legal: mean.legality == Legality::Legal,
            sample: mean.sample,
            seed: mean.seed,
        };
        let model = &subject.model;
        let drawn = prompt::every(&resolved, model.tokenizer(), model.bos_override(), &draw).map_err(refuse)?;
        let each = drawn.first().map_or(0, Vec::len);
        let note = note(mean, cell, subject, &resolved.operators, each);
        if !outcome.notes.contains(&note) {
            outcome.notes.push(note);
        }
        let asked: Vec<Asked> = drawn.into_iter().flatten().collect();
        check_vocabulary(&asked, model.facts().n_vocab).map_err(refuse)?;

        let same = mean.operators == MeanOperators::Same;
        let groups: Vec<usize> = (0..asked.len()).map(|index| if same { index / each } else { 0 }).collect();
        let operators = resolved.operators;
        if wanted.is_empty() {
            let count = groups.last().map_or(0, |group| group + 1);
            return Ok(Self { operators, same, means: vec![Mean::new(); count] });
        }
        let rows: Vec<&[u32]> = asked.iter().map(|asked| asked.tokens.as_slice()).collect();
        let tokens = Tokens::from_rows(&rows).ok_or_else(|| Error::failed(step)("no prompts of one length"))?;
        let task = context.progress.begin(&format!("{step} means: {}", subject.name), asked.len() as u64, "prompts");
        // What is read of a batch stays until it is added up.
        let bytes = replays::activation_bytes(wanted, model.facts(), tokens.pos);
        let batch = context.batch(model).min((replays::memory(context) / bytes.max(1)).max(1));
        let parts = replays::parts(asked.len(), replays::forwards_at_once(model.facts(), tokens.pos));
        let what = format!("means of {}, template '{}'", subject.name, cell.template);
        let divided = replays::Divided { step, what, context, parts };
        let work = |part: Range<usize>, _: &mut Vec<SelfCheck>| -> Result<Vec<Vec<(usize, Sum)>>, Error> {
            // Called before each batch: those before it are done by then.
            let (begun, done) = (Counter::new(0), Counter::new(0));
            let pause = || {
                task.advance((begun.get() - done.replace(begun.get())) as u64);
                begun.set((begun.get() + batch).min(part.len()));
                interrupt::check().map_err(Error::from)
            };
            let (tokens, groups) = (tokens.part(part.clone()), &groups[part.clone()]);
            let sums = capture_sums(model.transformer(), &tokens, groups, wanted, batch, pause)?;
            task.advance((part.len() - done.get()) as u64);
            let indexed = |(hook, sum)| Some((wanted.get_index_of(&hook)?, sum));
            Ok(sums.into_iter().map(|sums| sums.into_iter().filter_map(indexed).collect()).collect())
        };
        let mut all: Vec<Sums> = Vec::new();
        divided.each(
            outcome,
            |part| task.advance(part.len() as u64),
            work,
            |_, sums| {
                let named = |(index, sum)| Some((*wanted.get_index(index)?.0, sum));
                add_sums(&mut all, sums.into_iter().map(|sums| sums.into_iter().filter_map(named).collect()).collect());
            },
        )?;
        let means = means_of(all, &groups, mean.positions == MeanPositions::Pooled);
        let shared = |mean: Activations| mean.into_iter().map(|(hook, mean)| (hook, Arc::new(mean))).collect();
        let means = means.into_iter().map(shared).collect();
        Ok(Self { operators, same, means })
    }

    /// The mean of a hook that goes into the prompts of an operator.
    ///
    /// # Errors
    /// An operator that has none of its own, at its place in the spec.
    pub fn at(&self, hook: Hook, operator: &Operator, over: Over, context: &Context) -> Result<Arc<Activation>, Error> {
        let missing = || Error::failed(format!("step '{}'", over.step))(format!("{hook}: no mean was taken"));
        self.of(operator, over, context)?.get(&hook).cloned().ok_or_else(missing)
    }

    /// The means that go into the prompts of an operator.
    ///
    /// # Errors
    /// An operator that has none of its own, at its place in the spec.
    fn of(&self, operator: &Operator, over: Over, context: &Context) -> Result<&Mean, Error> {
        let index = if self.same { self.operators.iter().position(|&other| other == operator) } else { Some(0) };
        index.and_then(|index| self.means.get(index)).ok_or_else(|| {
            let problem = format!("no prompts with operator '{}' to take its mean over", operator.symbol);
            let advice = "write operators = \"all\", or prompts with that operator".to_string();
            context.loaded.refuse(&["step", over.step, "mean", "operators"], problem, Some(advice)).into()
        })
    }
}

fn note(over: &MeanOver, cell: &Cell, subject: &Subject, operators: &[&Operator], each: usize) -> String {
    let symbols = operators.iter().map(|operator| operator.symbol).collect::<Vec<_>>().join(" ");
    let words = cell.prompts.iter().any(|prompt| prompt.words.is_some());
    let what = match (over.legality, words) {
        (Legality::Any, true) => "prompts, legal or not".to_string(),
        (Legality::Any, false) => format!("prompts, legal or not, {each} of each of {symbols}"),
        (Legality::Legal, true) => "legal prompts".to_string(),
        (Legality::Legal, false) => format!("legal prompts {each} of each of {symbols}"),
    };
    let apart = if over.operators == MeanOperators::Same { "; each operator has its own" } else { "" };
    let fewer = match (each < over.sample, words) {
        (false, _) => String::new(),
        (true, true) => format!("; fewer than sample = {}: there are no more", over.sample),
        (true, false) => format!("; fewer than sample = {}: the operator with the fewest has no more", over.sample),
    };
    format!(
        "{}: template '{}': means are over {} {what}{apart}{fewer}",
        subject.name,
        cell.template,
        each * operators.len()
    )
}

fn check_vocabulary(asked: &[Asked], n_vocab: usize) -> Result<(), PromptError> {
    for prompt in asked {
        if let Some(&id) = prompt.tokens.iter().find(|&&id| id as usize >= n_vocab) {
            return Err(PromptError::OutsideVocabulary { text: prompt.text.clone(), id, n_vocab });
        }
    }
    Ok(())
}
