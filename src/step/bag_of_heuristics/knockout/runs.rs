//! Knock-outs replayed: which prompts are still answered correctly.

use super::bag::Bag;
use super::hook;
use super::keys::KnockoutKeys;
use crate::Error;
use crate::context::Context;
use crate::intervene::{Activations, Edit, EditedPrompt, HookPositions, LogitRead, LogitReads, Positions, Units};
use crate::manifest::SelfCheck;
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step::KnockoutValue;
use crate::step::divided::parts;
use crate::step::means::Means;
use crate::step::{ModelRun, Outcome, TemplateBatch, model_run, places, replays};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Some neurons out in the run of one prompt.
pub struct Job {
    /// Its own number.
    pub number: usize,
    /// Index of the prompt.
    pub prompt: usize,
    /// The edits; shared by the jobs of one set of neurons.
    pub edits: Arc<[Edit]>,
}

/// Whether the arg-max is the answer's first token.
pub struct Answers {
    /// Of each prompt, with nothing knocked out.
    pub clean: Vec<bool>,
    /// Of each job.
    pub after: Vec<bool>,
}

/// Runs `count` jobs on prompts of one length, in blocks of prompts that fit `run.memory_mib`. `jobs` makes those of a block of
/// prompts, those with the same edits one after the other: all of them at once would be a list of neurons for each.
///
/// # Errors
/// What `jobs` returns, edits that the model cannot have, and Ctrl-C.
pub fn answers(
    knock: &Knock,
    (template, prompts): (&str, &[&Prompt]),
    count: usize,
    mut jobs: impl FnMut(Range<usize>) -> Result<Vec<Job>, Error>,
    subject: &ModelRun,
    (context, outcome): (&Context, &mut Outcome),
) -> Result<Answers, Error> {
    let task = context.progress.begin(&subject.task_label(knock.keys.step, template), count as u64, "rows");
    let wanted = knock.wanted();
    let length = prompts.first().map_or(0, |prompt| prompt.tokens.len());
    let rows = count.div_ceil(prompts.len().max(1));
    let block = replays::prompts_at_once(context, &subject.model, length, &wanted, (1, rows));
    let divided = subject.divided(knock.keys.step, template, parts(prompts.len(), block), context);
    let readout = LogitRead { picks: 1, ranked: 0, distribution: true, divergence: false };
    let answer = |prompt: usize| prompts[prompt].answer_token();
    let mut found = Answers { clean: Vec::with_capacity(prompts.len()), after: vec![false; count] };
    let skipped = |part: Range<usize>| task.advance((rows * part.len()) as u64);
    let work = |part: Range<usize>, checks: &mut Vec<SelfCheck>| {
        let base = replays::base(subject, model_run::tokens(&prompts[part.clone()])?, &wanted, context)?;
        let order: Vec<usize> = (0..part.len()).collect();
        let whole = LogitReads::of(&base.logits, &order, &|row| vec![answer(part.start + row)], readout);
        let clean: Vec<bool> =
            whole.arg_max.iter().zip(part.clone()).map(|(token, prompt)| *token == answer(prompt)).collect();
        let jobs = jobs(part.clone())?;
        if jobs.is_empty() {
            return Ok((clean, Vec::new()));
        }
        let row = |job: &Job| EditedPrompt { prompt: job.prompt - part.start, source: None, edits: job.edits.clone() };
        let rows: Vec<EditedPrompt> = jobs.iter().map(row).collect();
        let tokens = |row: usize| vec![answer(jobs[row].prompt)];
        let (name, nothing) = (knock.keys.step, Activations::new());
        let progress = (context, &task);
        let read = replays::read(name, subject, (&base, &nothing), &rows, (&tokens, readout), progress, checks)?;
        let after = jobs.iter().zip(&read.arg_max).map(|(job, token)| (job.number, *token == answer(job.prompt)));
        Ok((clean, after.collect::<Vec<(usize, bool)>>()))
    };
    divided.each(outcome, skipped, work, |_, (clean, after)| {
        found.clean.extend(clean);
        after.into_iter().for_each(|(job, correct)| found.after[job] = correct);
    })?;
    Ok(found)
}

/// Makes edits of sets of neurons: zero, or the mean.
pub struct Knock<'s> {
    keys: KnockoutKeys<'s>,
    positions: Positions,
    layers: Vec<usize>,
    means: Option<Means>,
}

impl<'s> Knock<'s> {
    /// For the neurons of some bags; takes the means where they are wanted.
    ///
    /// # Errors
    /// Positions that the template has not, prompts of the means that cannot be had, at their place in the spec, and Ctrl-C.
    pub fn new(
        keys: KnockoutKeys<'s>,
        bags: &HashMap<PromptGroup, Bag>,
        cell: &TemplateBatch,
        (subject, context, outcome): (&ModelRun, &Context, &mut Outcome),
    ) -> Result<Self, Error> {
        let at = places::positions(keys.step, keys.positions, &cell.positions, &cell.template, context)?;
        let mut knock = Self { keys, positions: places::together(&at), layers: super::layers(bags), means: None };
        if keys.value == KnockoutValue::Mean {
            knock.means = Some(Means::take(keys.over(), knock.wanted(), cell, subject, context, outcome)?);
        }
        Ok(knock)
    }

    /// What it may change.
    fn wanted(&self) -> HookPositions {
        self.layers.iter().map(|&layer| (hook(layer), self.positions.clone())).collect()
    }

    /// The edits of neurons by layer, in prompts of a group.
    ///
    /// # Errors
    /// A group that has no mean of its own, at its place in the spec.
    pub fn edits(
        &self,
        layers: &BTreeMap<usize, Vec<usize>>,
        group: &PromptGroup,
        context: &Context,
    ) -> Result<Arc<[Edit]>, Error> {
        let edit = |(&layer, neurons): (&usize, &Vec<usize>)| {
            let mut neurons = neurons.clone();
            neurons.sort_unstable();
            neurons.dedup();
            let (hook, positions, units) = (hook(layer), self.positions.clone(), Units::Of(neurons));
            let Some(means) = &self.means else { return Ok(Edit::zero(hook, positions, units)) };
            Ok(Edit::set(hook, positions, units, means.at(hook, group, self.keys.over(), context)?))
        };
        layers.iter().filter(|(_, neurons)| !neurons.is_empty()).map(edit).collect()
    }
}
