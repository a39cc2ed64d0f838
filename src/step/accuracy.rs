//! Step `accuracy`: share of prompts the model answers correctly, with its interval (paper appendix H, table 3).
//!
//! Models are run one at a time, so that one is in memory at a time: [`Accuracies::run`] for each, then the tables.

use super::labels::Labels;
use super::network::Asked;
use super::{Network, Outcome, model_run};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::measure::{Accuracy, Extent, Pace};
use crate::model::tokenizer::Tokenizer;
use crate::prompt::{Prompt, PromptError, PromptSet, Respondent, Response, content, joined, respond};
use crate::spec::{Answer, Keep, step};
use crate::step::kind::Kind;
use crate::table::Frames;
use crate::table::whole;
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::{HashMap, HashSet};

impl Kind for step::Accuracy {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let spec = context.prompts(self.prompts.as_deref(), &self.name)?;
        let mut accuracies = Accuracies::new(self.per_prompt);
        let mut outcome = Outcome::default();
        let mut shown = HashSet::new();
        for name in context.models.names(&self.models) {
            let model = context.models.open(&name)?;
            let refuse = |error: PromptError| context.refuse_prompts(self.prompts.as_deref(), &name, error);
            let set = model_run::built(spec, context, &name, &model).map_err(refuse)?;
            context.ran_on(self.prompts.as_deref(), &name, &set);

            let asked = set.prompts.iter().filter(|prompt| known(prompt, set.answer, self.per_prompt).is_none());
            let passes = asked.map(|prompt| match set.answer {
                Answer::SingleToken => 1,
                // The answer's tokens, and one more to see that it ends there; fewer where one is wrong.
                Answer::MultiToken => prompt.answer_tokens.len() as u64 + 1,
            });
            let task =
                context.progress.begin(&format!("{}: {name}", self.name), passes.sum(), "prompts and answer tokens");
            let done = |rows: usize| task.advance(rows as u64);
            let labels = Labels { model: &name.name, checkpoint: name.checkpoint.as_deref().unwrap_or_default() };
            let network = Asked { network: Network { model: &model }, name: &name, blocks: context.blocks };
            let respondent = Respondent { network: &network, pace: Pace { batch: context.batch(&model), done: &done } };
            accuracies.run(labels, &set, model.tokenizer(), respondent).map_err(refuse)?;
            task.complete();

            // Checkpoints share a tokenizer: only `keep` makes their prompts differ.
            if spec.keep != Keep::All || shown.insert(name.name.clone()) {
                outcome.add_rows(&format!("{}.set", self.name), labels, set.to_frame())?;
                outcome.add_rows(&format!("{}.dropped", self.name), labels, set.dropped_to_frame())?;
            }
            outcome.notes.extend(set.notes.iter().map(|note| format!("{name}: {note}")));
        }
        outcome.notes.extend(accuracies.notes().iter().cloned());
        outcome.frames.extend(frames(self, &accuracies)?);
        Ok(outcome)
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let labels = || df!("model" => Vec::<String>::new(), "checkpoint" => Vec::<String>::new());
        let mut empty = frames(self, &Accuracies::new(self.per_prompt))?;
        let set = PromptSet {
            templates: Vec::new(),
            operators: Vec::new(),
            slots: None,
            prompts: Vec::new(),
            bos: None,
            answer: Answer::default(),
            dropped: Vec::new(),
            spread: false,
            notes: Vec::new(),
        };
        for (part, frame) in [("set", set.to_frame()?), ("dropped", set.dropped_to_frame()?)] {
            empty.push((format!("{}.{part}", self.name), labels()?.hstack(frame.columns())?));
        }
        Ok(empty)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let spec = context.prompts(self.prompts.as_deref(), &self.name)?;
        let facts = &survey.sketch.card.facts;
        let mut whole = Workload::default();
        for cell in &survey.cells {
            // What `keep` has asked for says the verdict, and not what is written in place of the answer.
            let again = match (spec.keep, spec.answer) {
                (Keep::All, _) => true,
                (_, Answer::MultiToken) => self.per_prompt,
                (keep, Answer::SingleToken) => self.per_prompt && keep == Keep::Incorrect,
            };
            let asked = if again { (cell.prompts as f64 * cell.passes).ceil() as usize } else { 0 };
            let memory = survey.batch.min(cell.prompts) * crate::context::row_bytes(facts);
            let runs = Workload::forwards(asked, cell.positions.length, facts);
            whole = whole.and(runs.keeping(memory as u64));
        }
        Ok(Some(whole))
    }

    fn reads_positions(&self) -> bool {
        false
    }

    fn words(&self, column: &str) -> Option<Vec<&'static str>> {
        (column == "decode").then(|| vec![FIRST_TOKEN, WHOLE_ANSWER])
    }
}

fn frames(step: &step::Accuracy, accuracies: &Accuracies) -> PolarsResult<Vec<(String, DataFrame)>> {
    let prompts = accuracies.prompts_to_frame()?.map(|frame| (format!("{}.prompts", step.name), frame));
    Ok(std::iter::once((step.name.clone(), accuracies.to_frame()?)).chain(prompts).collect())
}

/// The first token is the answer's first (for single-token answers: is the answer).
pub const FIRST_TOKEN: &str = "first-token";
/// Greedy decoding gives the whole answer, and then stops the number.
pub const WHOLE_ANSWER: &str = "whole-answer";

/// What the model answers, as far as the verdict that `keep` asked for says it; none where more of it is wanted: the token that
/// stands for a wrong answer, what follows a right one, or whether at least its first token is right.
fn known(prompt: &Prompt, answer: Answer, per_prompt: bool) -> Option<Response> {
    let right = prompt.correct?;
    match answer {
        Answer::SingleToken if right => {
            Some(Response { tokens: prompt.answer_tokens.clone(), first: true, whole: None })
        }
        Answer::SingleToken if !per_prompt => Some(Response { tokens: Vec::new(), first: false, whole: None }),
        Answer::MultiToken if right && !per_prompt => {
            Some(Response { tokens: prompt.answer_tokens.clone(), first: true, whole: Some(true) })
        }
        Answer::SingleToken | Answer::MultiToken => None,
    }
}

/// Collects the rows of one step over its models and checkpoints.
#[derive(Debug, Default)]
pub struct Accuracies {
    per_prompt: bool,
    rows: Vec<Row>,
    prompts: Vec<PromptRow>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct Row {
    model: String,
    checkpoint: String,
    template: String,
    operator: &'static str,
    decode: &'static str,
    accuracy: Accuracy,
}

#[derive(Debug)]
struct PromptRow {
    model: String,
    checkpoint: String,
    template: String,
    prompt: Prompt,
    response: Response,
    given: String,
}

impl Accuracies {
    /// No rows yet; `per_prompt` as the spec says.
    pub fn new(per_prompt: bool) -> Self {
        Self { per_prompt, ..Self::default() }
    }

    /// Runs one model on its prompts.
    ///
    /// A prompt that several draws have in common is run and counted once; one whose answer `keep` has asked for is not run
    /// again where that verdict says all that is wanted.
    ///
    /// # Errors
    /// A prompt that the model cannot run, and what the model reports.
    pub fn run(
        &mut self,
        labels: Labels,
        set: &PromptSet,
        tokenizer: &Tokenizer,
        respondent: Respondent,
    ) -> Result<(), PromptError> {
        set.fits(respondent.network.n_vocab(), respondent.network.position_limit())?;
        let mut distinct: IndexMap<u64, &Prompt> = IndexMap::with_capacity(set.prompts.len());
        for prompt in &set.prompts {
            distinct.entry(prompt.id).or_insert(prompt);
        }
        let prompts: Vec<&Prompt> = distinct.into_values().collect();
        let known: Vec<Option<Response>> =
            prompts.iter().map(|prompt| known(prompt, set.answer, self.per_prompt)).collect();
        let asked: Vec<&Prompt> =
            prompts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(prompt, _)| *prompt).collect();
        let extent = if self.per_prompt { Extent::AnswerLength } else { Extent::FirstMismatch };
        let mut given = respond(&asked, set.answer, tokenizer, respondent, extent)?.into_iter();
        let responses: Vec<Response> = known.into_iter().filter_map(|known| known.or_else(|| given.next())).collect();

        self.count(labels, set, &prompts, &responses);
        if set.spread {
            self.note(format!(
                "{}: the prompts are drawn to have many different answers: their accuracy is not that of all prompts; \
                 write spread_answers = false, or leave out sample, for that",
                labels.model
            ));
        }
        if self.per_prompt {
            for (prompt, response) in prompts.into_iter().zip(responses) {
                // An id beyond the tokenizer's vocabulary (rows that pad the embedding) has no text.
                let given = tokenizer.decode(&response.tokens).unwrap_or_default();
                self.prompts.push(PromptRow {
                    model: labels.model.to_string(),
                    checkpoint: labels.checkpoint.to_string(),
                    template: set.template_name(prompt).to_string(),
                    prompt: prompt.clone(),
                    response,
                    given,
                });
            }
        }
        Ok(())
    }

    fn count(&mut self, labels: Labels, set: &PromptSet, prompts: &[&Prompt], responses: &[Response]) {
        let mut counts: HashMap<(usize, &str), (Accuracy, Option<Accuracy>)> = HashMap::new();
        for (prompt, response) in prompts.iter().zip(responses) {
            let (first, whole) = counts.entry((prompt.template, prompt.operator.symbol)).or_default();
            first.add(response.first);
            if let Some(correct) = response.whole {
                whole.get_or_insert_default().add(correct);
            }
        }
        // In the spec's order; an operator that `keep` left nothing of has no row.
        for (index, template) in set.templates.iter().enumerate() {
            for operator in &set.operators {
                let Some(&(first, whole)) = counts.get(&(index, operator.symbol)) else { continue };
                let decodes = [(FIRST_TOKEN, Some(first)), (WHOLE_ANSWER, whole)];
                self.rows.extend(decodes.into_iter().filter_map(|(decode, accuracy)| {
                    Some(Row {
                        model: labels.model.to_string(),
                        checkpoint: labels.checkpoint.to_string(),
                        template: template.name.clone(),
                        operator: operator.symbol,
                        decode,
                        accuracy: accuracy?,
                    })
                }));
            }
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// What a reader of the rows should know.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The rows `NAME`: `model`, `checkpoint`, `step` (the number its name ends in, null without one), `template`, `operator`, `decode` (`first-token`, and with multi-token
    /// answers also `whole-answer`), `n` and `correct` (prompts), `rate` (share), `ci_low` and `ci_high` (its 95 % Wilson
    /// interval).
    ///
    /// # Errors
    /// None of its own.
    pub fn to_frame(&self) -> PolarsResult<DataFrame> {
        let rows = &self.rows;
        whole(df!(
            "model" => rows.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(),
            "checkpoint" => rows.iter().map(|row| row.checkpoint.as_str()).collect::<Vec<_>>(),
            "step" => rows.iter().map(|row| number_in(&row.checkpoint)).collect::<Vec<_>>(),
            "template" => rows.iter().map(|row| row.template.as_str()).collect::<Vec<_>>(),
            "operator" => rows.iter().map(|row| row.operator).collect::<Vec<_>>(),
            "decode" => rows.iter().map(|row| row.decode).collect::<Vec<_>>(),
            "n" => rows.iter().map(|row| row.accuracy.n).collect::<Vec<_>>(),
            "correct" => rows.iter().map(|row| row.accuracy.correct).collect::<Vec<_>>(),
            "rate" => rows.iter().map(|row| row.accuracy.rate()).collect::<Vec<_>>(),
            "ci_low" => rows.iter().map(|row| row.accuracy.interval().low).collect::<Vec<_>>(),
            "ci_high" => rows.iter().map(|row| row.accuracy.interval().high).collect::<Vec<_>>(),
        )?)
    }

    /// The rows `NAME.prompts`, one per model, checkpoint and prompt: `model`, `checkpoint`, `template`, `operator`, `id`,
    /// `a`, `b`, `answer` (or the slots' words, `answer`, `contrast`), `text`, `given` (what the model wrote), `given_tokens`, `first_correct`, `correct`. `None` without
    /// `per_prompt`.
    ///
    /// # Errors
    /// None of its own.
    pub fn prompts_to_frame(&self) -> PolarsResult<Option<DataFrame>> {
        if !self.per_prompt {
            return Ok(None);
        }
        let rows = &self.prompts;
        let first = df!(
            "model" => rows.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(),
            "checkpoint" => rows.iter().map(|row| row.checkpoint.as_str()).collect::<Vec<_>>(),
            "template" => rows.iter().map(|row| row.template.as_str()).collect::<Vec<_>>(),
            "operator" => rows.iter().map(|row| row.prompt.operator.symbol).collect::<Vec<_>>(),
            "id" => rows.iter().map(|row| row.prompt.id).collect::<Vec<_>>(),
        )?;
        let prompts = content(&rows.iter().map(|row| &row.prompt).collect::<Vec<_>>())?;
        let last = df!(
            "text" => rows.iter().map(|row| row.prompt.text.as_str()).collect::<Vec<_>>(),
            "given" => rows.iter().map(|row| row.given.as_str()).collect::<Vec<_>>(),
            "given_tokens" => rows.iter().map(|row| joined(&row.response.tokens)).collect::<Vec<_>>(),
            "first_correct" => rows.iter().map(|row| row.response.first).collect::<Vec<_>>(),
            "correct" => rows.iter().map(|row| row.response.correct()).collect::<Vec<_>>(),
        )?;
        whole(first.hstack(prompts.columns())?.hstack(last.columns())?).map(Some)
    }
}

/// The number that a checkpoint's name ends in: 143000 of `step143000`.
pub(super) fn number_in(checkpoint: &str) -> Option<u64> {
    checkpoint.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
