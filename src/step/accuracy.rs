//! Step `accuracy`: share of prompts the model answers correctly, with its interval (paper appendix H, table 3).
//!
//! Models are run one at a time, so that one is in memory at a time: [`Accuracies::run`] for each, then the tables.

use super::labels::{ModelColumns, RunColumns, RunLabels};
use super::network::{Network, ResumableNetwork};
use super::prompt_sample::PromptSample;
use super::{Outcome, RowsInfo, model_run};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::measure::{Extent, Pace, RightAnswers};
use crate::model::tokenizer::Tokenizer;
use crate::prompt::{
    AskedColumns, DroppedColumns, Prompt, PromptError, PromptGroup, PromptSet, Respondent, Response, SetColumns,
    joined, respond,
};
use crate::spec::{Answer, Keep, step};
use crate::step::kind::Kind;
use crate::table::{Frames, Holds, rows};
use indexmap::IndexMap;
use polars::prelude::{DataFrame, PolarsResult};
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
                Answer::MultiToken => prompt.answer_tokens().len() as u64 + 1,
            });
            let task = context.progress.begin(
                &format!("{}: {name}", self.name),
                passes.sum(),
                "prompts and answer tokens run",
            );
            let done = |rows: usize| task.advance(rows as u64);
            let labels = RunLabels { model: &name.name, checkpoint: name.checkpoint.as_deref().unwrap_or_default() };
            let sample = PromptSample::of(&set, &model);
            let network = Network { model: &model, sample: Some(&sample) };
            let network = ResumableNetwork { network, name: &name, blocks: context.blocks };
            let respondent = Respondent { network: &network, pace: Pace { batch: context.batch(&model), done: &done } };
            accuracies.run(labels, &set, model.tokenizer(), respondent).map_err(refuse)?;
            task.complete();
            outcome.checks.extend(sample.check(&self.name, (&name, &model), context)?);

            // Checkpoints share a tokenizer: only `keep` makes their prompts differ.
            if spec.keep != Keep::All || shown.insert(name.name.clone()) {
                outcome.add_rows(&format!("{}.set", self.name), labels, set.to_frame()?)?;
                outcome.add_rows(&format!("{}.dropped", self.name), labels, set.dropped_to_frame()?)?;
            }
            outcome.notes.extend(set.notes.iter().map(|note| format!("{name}: {note}")));
        }
        outcome.notes.extend(accuracies.notes().iter().cloned());
        outcome.frames.push((self.name.clone(), accuracies.to_frame()?));
        let prompts = accuracies.prompts_to_frame()?;
        outcome.frames.extend(prompts.map(|prompts| (format!("{}.prompts", self.name), prompts)));
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let own = RowsInfo::alone::<RateColumns>("");
        let prompts = self.per_prompt.then(|| RowsInfo::alone::<GivenColumns>("prompts"));
        let set = RowsInfo::alone::<(ModelColumns, SetColumns)>("set");
        let dropped = RowsInfo::alone::<(ModelColumns, DroppedColumns)>("dropped");
        std::iter::once(own).chain(prompts).chain([set, dropped]).collect()
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
            Some(Response { tokens: prompt.answer_tokens().to_vec(), first: true, whole: None })
        }
        Answer::SingleToken if !per_prompt => Some(Response { tokens: Vec::new(), first: false, whole: None }),
        Answer::MultiToken if right && !per_prompt => {
            Some(Response { tokens: prompt.answer_tokens().to_vec(), first: true, whole: Some(true) })
        }
        Answer::SingleToken | Answer::MultiToken => None,
    }
}

/// Collects the rows of one step over its models and checkpoints.
#[derive(Debug, Default)]
pub struct Accuracies {
    per_prompt: bool,
    rows: Vec<AccuracyRow>,
    prompts: Vec<PromptRow>,
    notes: Vec<String>,
}

#[derive(Debug)]
struct AccuracyRow {
    model: String,
    checkpoint: String,
    template: String,
    group: PromptGroup,
    decode: &'static str,
    accuracy: RightAnswers,
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
        labels: RunLabels,
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
                "{}: the sample is drawn to have many different answers, so that its accuracy is not that of all prompts; to \
                 estimate that, write spread_answers = false, or leave out sample",
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

    fn count(&mut self, labels: RunLabels, set: &PromptSet, prompts: &[&Prompt], responses: &[Response]) {
        let mut counts: HashMap<(usize, &PromptGroup), (RightAnswers, Option<RightAnswers>)> = HashMap::new();
        for (prompt, response) in prompts.iter().zip(responses) {
            let (first, whole) = counts.entry((prompt.template, &prompt.group)).or_default();
            first.add(response.first);
            if let Some(correct) = response.whole {
                whole.get_or_insert_default().add(correct);
            }
        }
        // In the spec's order; a group that `keep` left nothing of has no row.
        for (index, template) in set.templates.iter().enumerate() {
            for group in &set.groups {
                let Some(&(first, whole)) = counts.get(&(index, group)) else { continue };
                let decodes = [(FIRST_TOKEN, Some(first)), (WHOLE_ANSWER, whole)];
                self.rows.extend(decodes.into_iter().filter_map(|(decode, accuracy)| {
                    Some(AccuracyRow {
                        model: labels.model.to_string(),
                        checkpoint: labels.checkpoint.to_string(),
                        template: template.name.clone(),
                        group: group.clone(),
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

    /// The rows `NAME`.
    ///
    /// # Errors
    /// None of its own.
    pub fn to_frame(&self) -> PolarsResult<DataFrame> {
        RateColumns::frame(&self.rows)
    }

    /// The rows `NAME.prompts`, one per model, checkpoint and prompt; `None` without `per_prompt`.
    ///
    /// # Errors
    /// None of its own.
    pub fn prompts_to_frame(&self) -> PolarsResult<Option<DataFrame>> {
        self.per_prompt.then(|| GivenColumns::frame(&self.prompts)).transpose()
    }
}

rows! {
    /// How many prompts of a group are answered correctly.
    RateColumns<'r>(row: &'r AccuracyRow) {
        of: RunColumns = (RunLabels { model: &row.model, checkpoint: &row.checkpoint }, row.template.as_str());
        operator: String = row.group.label();
        decode: String = row.decode, "`first-token`, or `whole-answer` decoded greedily.", in [FIRST_TOKEN, WHOLE_ANSWER];
        n: i64 = row.accuracy.n, "How many prompts the row is of.";
        correct: i64 = row.accuracy.correct, "How many answers are right.";
        rate: Option<f64> = row.accuracy.rate(), "Share of correct answers.";
        ci_low: f64 = row.accuracy.interval().low;
        ci_high: f64 = row.accuracy.interval().high;
    }

    /// What a model answers.
    GivenColumns<'r>(row: &'r PromptRow) {
        of: ModelColumns = RunLabels { model: &row.model, checkpoint: &row.checkpoint };
        template: String = &row.template;
        operator: String = row.prompt.group.label();
        id: i64 = row.prompt.id;
        asked: AskedColumns = &row.prompt;
        text: String = &row.prompt.text;
        given: String = &row.given, "What the model answered.";
        given_tokens: String = joined(&row.response.tokens), "Ids of the tokens of what the model answered.";
        first_correct: bool = row.response.first, "Whether the first token of the model's answer is right.";
        correct: bool = row.response.correct(), "Whether the model's answer is right; null where it was not asked.";
    }
}
