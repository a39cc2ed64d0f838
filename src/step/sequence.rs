//! How likely whole answers are under edits: their tokens are put behind the prompt one after the other, as they are written, and each is
//! read where it would come next.
//!
//! Edits are at positions of the prompt alone, so that what they do reaches the answer's tokens through the prompt. What comes later
//! changes nothing earlier: the runs with more tokens are the same up to them.

use super::ModelRun;
use super::replays;
use crate::Error;
use crate::context::Context;
use crate::intervene::{Activations, Edit, EditedPrompt, HookPositions, LogitRead, LogitReads};
use crate::manifest::SelfCheck;
use crate::model::transformer::Tokens;
use std::collections::HashMap;
use std::sync::Arc;

/// A prompt that is edited, and the answer that is looked for.
#[derive(Debug, Clone, Copy)]
pub struct SequenceCase<'p> {
    /// Tokens of the prompt that is edited.
    pub prompt: &'p [u32],
    /// Tokens of the prompt whose values are read, of the same length.
    pub source: Option<&'p [u32]>,
    /// Tokens of the answer, at least one.
    pub answer: &'p [u32],
}

impl SequenceCase<'_> {
    /// Its token that comes after `number` others; after its last that again, which is not read.
    fn token(&self, number: usize) -> u32 {
        self.answer.get(number).or(self.answer.last()).copied().unwrap_or_default()
    }
}

/// The whole answers' log-probabilities, in nats: of each case without an edit, and of each row, one edit of a case. `first` are those of the
/// answers' first tokens alone. All prompts are of one length.
///
/// # Errors
/// Edits that the model cannot have, logits that are not finite, and Ctrl-C.
pub fn log_probabilities(
    name: &str,
    cases: &[SequenceCase],
    rows: &[(usize, Arc<[Edit]>)],
    first: (Vec<f64>, Vec<f64>),
    (subject, hooks): (&ModelRun, &HookPositions),
    context: &Context,
    checks: &mut Vec<SelfCheck>,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let (mut unedited, mut edited) = first;
    let most = cases.iter().map(|case| case.answer.len()).max().unwrap_or(0);
    let length = cases.first().map_or(0, |case| case.prompt.len());
    let mut within: HashMap<*const Edit, Arc<[Edit]>> = HashMap::new();
    let in_prompt = |edits: &[Edit]| edits.iter().map(|edit| edit.in_prompt(length)).collect();
    let mut rows_of = |rows: &[(usize, Arc<[Edit]>)]| -> Vec<EditedPrompt> {
        let of = |(case, edits): &(usize, Arc<[Edit]>)| EditedPrompt {
            prompt: *case,
            source: cases[*case].source.map(|_| *case),
            edits: within.entry(edits.as_ptr()).or_insert_with(|| in_prompt(edits)).clone(),
        };
        rows.iter().map(of).collect()
    };
    let rows_of_prompt = if most > 1 { rows_of(rows) } else { Vec::new() };
    for number in 1..most {
        let longer = |tokens: &[u32], case: &SequenceCase| -> Vec<u32> {
            tokens.iter().copied().chain((0..number).map(|number| case.token(number))).collect()
        };
        let base = replays::base(subject, batch(cases.iter().map(|case| longer(case.prompt, case)))?, hooks, context)?;
        let sources = match cases.iter().all(|case| case.source.is_some()) && !cases.is_empty() {
            true => {
                let tokens = batch(cases.iter().filter_map(|case| Some(longer(case.source?, case))))?;
                replays::capture(subject, &tokens, hooks, context)?.0
            }
            false => Activations::new(),
        };
        let task =
            context.progress.begin(&format!("{name}: token {} of answers", number + 1), rows.len() as u64, "rows");
        let wanted = LogitRead { picks: 1, distribution: true, ..LogitRead::default() };
        let tokens = |row: usize| vec![cases[rows[row].0].token(number)];
        let progress = (context, &task);
        let read =
            replays::read(name, subject, (&base, &sources), &rows_of_prompt, (&tokens, wanted), progress, checks)?;
        let runs: Vec<usize> = (0..cases.len()).collect();
        let alone = LogitReads::of(&base.logits, &runs, &|case| vec![cases[case].token(number)], wanted);
        let log_probability =
            |reads: &LogitReads, row: usize| f64::from(reads.picked[row]) - f64::from(reads.log_total[row]);
        let goes_on = |case: usize| cases[case].answer.len() > number;
        for (case, value) in unedited.iter_mut().enumerate().filter(|(case, _)| goes_on(*case)) {
            *value += log_probability(&alone, case);
        }
        for (row, value) in edited.iter_mut().enumerate().filter(|(row, _)| goes_on(rows[*row].0)) {
            *value += log_probability(&read, row);
        }
    }
    Ok((unedited, edited))
}

/// Rows of tokens as one batch.
///
/// # Errors
/// None of them, or rows of different lengths.
pub fn batch(rows: impl Iterator<Item = Vec<u32>>) -> Result<Tokens, Error> {
    let rows: Vec<Vec<u32>> = rows.collect();
    let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
    Tokens::from_rows(&rows).ok_or_else(|| Error::failed("prompts")("no prompts of one length"))
}
