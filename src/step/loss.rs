//! Step `loss`: how surprised the model is by each token of the prompts, or of their answers, with and without edits.

use super::answer_reads::AnswerReads;
use super::intervention::{self, EditedCell, InterventionColumns, VariationKey, columns_left_out, over_seeds};
use super::model_run::{self, CellRun};
use super::prompt_sample::sample_size;
use super::sequence::batch;
use super::summary::MeasuredValues;
use super::{ModelRun, Outcome, RowsInfo, Scope, pairing, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell, Workload};
use crate::intervene::{Activations, AnswerTokens, Edit, EditedPrompt, LogitRead, ReplayCheck, read_tokens};
use crate::manifest::{Recomputed, SelfCheck};
use crate::measure::{Property, Reading, TokenMeasure};
use crate::prompt::Prompt;
use crate::spec::step::{Intervention, Loss, LossOf};
use crate::spec::{Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::table::{Frames, Holds, rows};
use std::sync::Arc;

impl Kind for Loss {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let edits = self.as_intervention();
        model_run::each(self, context, |subject, outcome| {
            intervention::check_prompts(&edits, subject, context)?;
            subject.each_cell(self, context, outcome, |run| look(self, &edits, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let there = self.measures.iter().map(|measure| measure.name()).collect();
        let measures = (there, TokenMeasure::NAMES);
        let edits = self.as_intervention();
        let without = |rows: RowsInfo| columns_left_out(&edits).into_iter().fold(rows, RowsInfo::without);
        let all = MeasuredValues::declared::<(InterventionColumns, TokenColumns)>(measures, false, self.per_prompt);
        all.into_iter().map(without).chain([pairing::rows()]).collect()
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        self.as_intervention().check(loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        // Places that are not there are refused as those of interventions are; their values are of one run more.
        self.as_intervention().workload(survey, context)?;
        let edited = intervention::edited_runs(&self.as_intervention(), Scope::planned(facts), context)?;
        let (runs, sources) = (1 + edited, usize::from(edited > 0));
        let of = |cell: &SurveyedCell| {
            let runs = Workload::forwards((runs + sources) * cell.prompts, cell.positions.length, facts);
            runs.measured(self.measures.len(), self.bootstrap)
        };
        Ok(Some(survey.cells.iter().map(of).fold(Workload::default(), Workload::and)))
    }

    fn dependent_keys(&self, words: bool) -> Vec<DependentKey> {
        self.as_intervention().dependent_keys(words)
    }
}

rows! {
    /// What names a token of a text.
    TokenColumns(token: Option<usize>) {
        token: String = token.map_or("all".to_string(), |number| number.to_string()), "Number of the token that is read, from 1; `all` for the mean over them.";
        token_index: Option<i64> = *token, "The same as a number; null for `all`.";
    }
}

/// A run that is read: its tokens, and those that are read, the first of which comes after `first` others. The last of all is read off
/// what stands before it: an answer's is not run.
struct ReadText<'p> {
    tokens: Vec<u32>,
    first: usize,
    read: &'p [u32],
}

impl<'p> ReadText<'p> {
    fn of(step: &Loss, prompt: &'p Prompt) -> Self {
        let tokens = prompt.tokens.as_slice();
        match step.of {
            // Nothing stands before the first token of all: it is announced by none.
            LossOf::Text => Self { tokens: tokens.to_vec(), first: 1, read: tokens.get(1..).unwrap_or_default() },
            LossOf::Answer => {
                let answer = prompt.answer_tokens();
                let run = answer.split_last().map_or(answer, |(_, before)| before);
                Self { tokens: [tokens, run].concat(), first: tokens.len(), read: answer }
            }
        }
    }
}

/// Tokens filled up to a length: what follows changes nothing before it, and is not read.
fn filled(tokens: &[u32], length: usize) -> Vec<u32> {
    let last = tokens.last().copied().unwrap_or_default();
    let mut tokens = tokens.to_vec();
    tokens.resize(length, last);
    tokens
}

/// Runs the longest of some texts, and where they are many the shortest, without edits once more: alone and not filled up. `logits`,
/// `[text, most]`, are those of the tokens that are read, of their run together. Nothing where a text is by itself, or where
/// layers are read while the model runs, as each text would read all of them.
fn checked_alone(
    step: &str,
    texts: &[ReadText],
    (logits, most): (&[f32], usize),
    subject: &ModelRun,
    context: &Context,
) -> Result<Option<SelfCheck>, Error> {
    let transformer = subject.model.transformer();
    if texts.len() < 2 || transformer.reads().is_some() {
        return Ok(None);
    }
    let each = texts.iter().zip(logits.chunks_exact(most)).filter(|(text, _)| !text.read.is_empty());
    let longest = each.clone().max_by_key(|(text, _)| text.tokens.len());
    let shortest = each.min_by_key(|(text, _)| text.tokens.len());
    let mut check = ReplayCheck::default();
    for (text, beside) in longest.into_iter().chain(shortest).take(sample_size(texts.len())) {
        let tokens = batch(std::iter::once(text.tokens.clone()))?;
        let row = EditedPrompt { prompt: 0, source: None, edits: Arc::from([]) };
        let wanted = LogitRead { picks: 1, distribution: true, ..LogitRead::default() };
        let read = (text.first, text.read);
        let alone = read_tokens(transformer, &tokens, &[row], &Activations::new(), read, wanted)
            .map_err(Error::failed(format!("step '{step}'")))?;
        let largest = alone.picked.iter().chain(&alone.largest).map(|logit| logit.abs()).fold(0.0, f32::max);
        check.add(&beside[..text.read.len()], &alone.picked, largest);
    }
    let dtype = context.models.dtype(&subject.name);
    Ok((check.rows > 0).then(|| SelfCheck::new(Recomputed::Texts, step, &subject.name, check, dtype)))
}

/// Every token of the prompts of one cell.
fn look(step: &Loss, edits: &Intervention, run: CellRun) -> Result<(), Error> {
    let CellRun { cell, subject, context, outcome } = run;
    let (name, facts) = (step.name.as_str(), subject.model.facts());
    let edited = intervention::edited(edits, cell, subject, context, outcome)?;
    let named: Vec<VariationKey> = std::iter::once(VariationKey::none()).chain(edited.keys(edits)).collect();
    let left_out = columns_left_out(edits);
    let EditedCell { hooks, pairs, variations, edits } = edited;
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let texts: Vec<ReadText> = prompts.iter().map(|prompt| ReadText::of(step, prompt)).collect();
    let most = texts.iter().map(|text| text.read.len()).max().unwrap_or(0);
    let first = texts.first().map_or(1, |text| text.first);
    let length = texts.iter().map(|text| text.tokens.len()).max().unwrap_or(0);
    if most == 0 {
        return Err(Error::refused(format!("step '{name}'"))(
            "every prompt is one token, and a loss needs a token that comes after another; write longer prompts",
        ));
    }
    let runs = 1 + variations.len();
    let keys_of_run = 1 + most;
    let total = runs * prompts.len();
    let task = context.progress.begin(&subject.task_label(name, &cell.template), total as u64, "runs");
    // Logits of every position, beside what they are made of.
    let bytes = 4 * 4 * length * facts.n_vocab;
    let at_once = (replays::memory(context) / 2 / bytes.max(1)).clamp(1, context.batch(&subject.model));
    let block = replays::prompts_at_once(context, &subject.model, length, &hooks, (1, runs));
    let width = step.measures.len();
    let ranks = step.measures.iter().any(|measure| measure.has(Property::Rank));
    let divided = subject.divided(name, &cell.template, parts(prompts.len(), block), context);
    let data = divided.values(width, (&task, runs), outcome, |range, checks| {
        let tokens = batch(texts[range.clone()].iter().map(|text| filled(&text.tokens, length)))?;
        let targets: Vec<u32> = texts[range.clone()].iter().flat_map(|text| filled(text.read, most)).collect();
        let sources = match hooks.is_empty() {
            true => Activations::new(),
            false => {
                let others = range.clone().map(|pair| filled(&pairs.others[pairs.other[pair]].tokens, length));
                replays::capture(subject, &batch(others)?, &hooks, context)?.0
            }
        };
        let row = |number: usize, prompt: usize| {
            let edits: Arc<[Edit]> = match number.checked_sub(1) {
                None => Arc::from([]),
                Some(number) => {
                    let edits = edits[number][range.start + prompt].iter();
                    edits.map(|edit| edit.in_prompt(cell.positions.length)).collect()
                }
            };
            EditedPrompt { prompt, source: Some(prompt), edits }
        };
        let rows: Vec<EditedPrompt> = (0..runs)
            .flat_map(|number| (0..range.len()).map(move |prompt| (number, prompt)))
            .map(|(number, prompt)| row(number, prompt))
            .collect();
        let mut data = vec![f64::NAN; runs * keys_of_run * range.len() * width];
        // The first of the runs, those without edits, as they come out beside each other.
        let mut logits: Vec<f32> = Vec::new();
        for (first_row, some) in (0..rows.len()).step_by(at_once).zip(rows.chunks(at_once)) {
            let read = |prompt: usize, place: usize| AnswerTokens::new([targets[prompt * most + place]], []);
            let each = some.iter().flat_map(|row| (0..most).map(move |place| read(row.prompt, place)));
            let answers = AnswerReads::new(each.collect());
            let wanted = answers.wanted(true, false, ranks);
            let read = (first, targets.as_slice());
            let reads = read_tokens(subject.model.transformer(), &tokens, some, &sources, read, wanted)
                .map_err(Error::failed(format!("step '{name}'")))?;
            if first_row < range.len() {
                logits.extend(&reads.picked);
            }
            for (row, edited) in some.iter().enumerate() {
                let number = (first_row + row) / range.len();
                let count = texts[range.start + edited.prompt].read.len();
                let reading = |place: usize| answers.reading(&reads, row * most + place, row * most + place);
                let readings: Vec<Reading> = (0..count).map(reading).collect();
                for (index, measure) in step.measures.iter().enumerate() {
                    let values: Vec<f64> = readings.iter().map(|reading| measure.value(reading)).collect();
                    let mean = values.iter().sum::<f64>() / count as f64;
                    for (key, value) in std::iter::once(mean).chain(values).enumerate() {
                        let at = (number * keys_of_run + key) * range.len() + edited.prompt;
                        data[at * width + index] = value;
                    }
                }
            }
            replays::pause(&task, some.len()).map_err(|stopped| stopped.error(name))?;
        }
        if range.start == 0 {
            checks.extend(checked_alone(name, &texts[range.clone()], (&logits, most), subject, context)?);
        }
        Ok(over_seeds(&data, &variations, keys_of_run * range.len() * width))
    })?;
    let keys: Vec<(&VariationKey, Option<usize>)> = named
        .iter()
        .flat_map(|name| std::iter::once(None).chain((1..=most).map(Some)).map(move |token| (name, token)))
        .collect();
    let names = InterventionColumns::frame(keys.iter().map(|(name, _)| *name))?.drop_many(left_out);
    let keys = names.hstack(TokenColumns::frame(keys.iter().map(|(_, token)| *token))?.columns())?;
    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let fewest = texts.iter().map(|text| text.read.len()).min().unwrap_or(0);
    if fewest < most {
        let note = "beyond an answer's end nothing is read";
        let (model, template) = (&subject.name, &cell.template);
        outcome.notes.push(format!("{model}: template '{template}': answers are {fewest} to {most} tokens: {note}"));
    }
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data: &data, baseline: None };
    outcome.add_values(name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}
