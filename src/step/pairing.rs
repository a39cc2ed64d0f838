//! Pairs of prompts: clean and counterfactual, each run once however many pairs it is in.

use super::labels::ModelColumns;
use super::model_run::{self, ModelRun, TemplateBatch};
use super::shapes::UnpairedPrompts;
use super::{Outcome, RowsInfo};
use crate::Error;
use crate::context::Context;
use crate::intervene::AnswerTokens;
use crate::model::transformer::Tokens;
use crate::prompt::{
    self, Accepted, AnswerColumn, ChangeFault, Dropped, DroppedColumns, Fields, Prompt, PromptError, Reason,
    ResolvedPrompts, SlotChange,
};
use crate::spec::step::{Common, Counterfactual, CounterfactualOperators, Direction};
use crate::spec::{Loaded, Prompts, SpecErrors, Step};
use crate::table::{Holds, rows};
use indexmap::IndexMap;
use polars::prelude::*;
use std::ops::Range;

/// The pairs of a cell.
pub struct PromptPairs {
    /// The clean prompt of each pair: index into the cell's prompts.
    pub clean: Vec<usize>,
    /// The counterfactual prompt of each pair: index into [`PromptPairs::others`].
    pub other: Vec<usize>,
    /// The counterfactual prompts, each once.
    pub others: Vec<Prompt>,
    /// Whether each prompt is its own other, as no other prompt fits and none is read.
    alone: bool,
    /// Clean prompts that have no counterfactual, and are in no pair.
    unpaired: Unpaired,
}

/// Clean prompts without a counterfactual: how many, why the first of them has none, and of prompts that a file pairs how many for which
/// reason.
#[derive(Debug, Default)]
struct Unpaired {
    count: usize,
    first: Option<PromptError>,
    dropped: Vec<Dropped>,
}

impl Unpaired {
    /// What was drawn or made for a prompt, if anything was; counted otherwise.
    fn or_counted<T>(&mut self, found: Result<T, PromptError>) -> Option<T> {
        found.map_err(|why| self.add(why)).ok()
    }

    fn add(&mut self, why: PromptError) {
        self.count += 1;
        self.first.get_or_insert(why);
    }

    /// A prompt of a template whose pair a step cannot use.
    fn drop(&mut self, prompt: &Prompt, template: &str, reason: Reason, advice: &str) {
        let (template, group, example) = (template.to_string(), prompt.group.clone(), prompt.text.clone());
        Dropped { template, group, reason, word: None, count: 1, example }.join(&mut self.dropped);
        self.add(of_pair(prompt, (reason, advice)));
    }
}

/// Why no prompt of a cell has a counterfactual: why the first has none, and of prompts that a file pairs how many for which reason.
struct NonePaired {
    why: PromptError,
    dropped: Vec<Dropped>,
}

/// What a step reads of the other prompt of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// Its activations or its logits, and its answer, where the prompt has no contrast of its own.
    RunAndAnswer,
    /// Its activations or its logits.
    Run,
    /// Its answer alone, where the prompt has no contrast of its own.
    Answer,
    /// Nothing.
    Nothing,
}

impl Other {
    /// What is read where other prompts are run, and where a measure compares with another answer.
    pub fn of(runs: bool, compares: bool) -> Self {
        match (runs, compares) {
            (true, true) => Self::RunAndAnswer,
            (true, false) => Self::Run,
            (false, true) => Self::Answer,
            (false, false) => Self::Nothing,
        }
    }

    pub(super) fn runs(self) -> bool {
        matches!(self, Self::RunAndAnswer | Self::Run)
    }

    fn compares(self) -> bool {
        matches!(self, Self::RunAndAnswer | Self::Answer)
    }

    /// The other prompt of one that comes in a pair.
    ///
    /// # Errors
    /// Why a step that reads this of it cannot use the pair, and what to write.
    pub(super) fn pair_of(self, prompt: &Prompt) -> Result<&Prompt, (Reason, &'static str)> {
        let Some(paired) = prompt.paired.as_deref() else {
            return Err((Reason::NoPair, "write a prompt into 'corrupted'"));
        };
        if self.runs() && !prompt::alike(prompt, paired) {
            return Err((Reason::PairLength, "write a corrupted prompt with the same number of tokens"));
        }
        if self.compares() && prompt.wrong.is_empty() && prompt.answer_token() == paired.answer_token() {
            let advice =
                "write 'wrong' or 'corrupted_answers', or measures that need no wrong answer, such as kl and accuracy";
            return Err((Reason::PairAnswer, advice));
        }
        Ok(paired)
    }
}

/// That a prompt has no counterfactual, as its pair cannot be used.
pub(super) fn of_pair(prompt: &Prompt, (reason, advice): (Reason, &str)) -> PromptError {
    PromptError::NoCounterfactual { text: prompt.text.clone(), why: format!("{}; {advice}", reason.text()) }
}

impl PromptPairs {
    /// Draws a counterfactual for each prompt of a cell, with the prompt's own seed. A prompt that no other fits is left out.
    ///
    /// # Errors
    /// When no prompt has one: [`Error::NonePaired`] where its template has prompts of other shapes.
    pub fn draw(
        reads: Other,
        (cell, subject): (&TemplateBatch, &ModelRun),
        wanted: &Counterfactual,
        step: &dyn Common,
        context: &Context,
    ) -> Result<Self, Error> {
        let set = wanted.prompts.as_deref().or(step.prompts());
        Self::found(reads, (cell, subject), wanted, step, context)?
            .map_err(|none| of_shape(cell, none, |error| context.refuse_prompts(set, &subject.name, error)))
    }

    /// The same for a step that may read nothing of the other prompts: then, where some prompt has none, each prompt is its own.
    ///
    /// # Errors
    /// When others are needed and no prompt has one.
    pub fn draw_if_read(
        reads: Other,
        (cell, subject): (&TemplateBatch, &ModelRun),
        wanted: &Counterfactual,
        step: &dyn Common,
        context: &Context,
    ) -> Result<Self, Error> {
        let set = wanted.prompts.as_deref().or(step.prompts());
        let has_contrast = cell.prompts.iter().all(|prompt| !prompt.wrong.is_empty());
        let needs = reads.runs() || (reads == Other::Answer && !has_contrast);
        let may_be_alone = !needs && *wanted == Counterfactual::default();
        match Self::found(reads, (cell, subject), wanted, step, context)? {
            Ok(pairs) if may_be_alone && pairs.unpaired.count > 0 => Ok(Self::alone(cell)),
            Ok(pairs) => Ok(pairs),
            Err(NonePaired { why: PromptError::NoCounterfactual { .. }, .. }) if may_be_alone => Ok(Self::alone(cell)),
            Err(NonePaired { why: PromptError::NoCounterfactual { text, why }, dropped }) if reads == Other::Answer => {
                let why = why_without_answer(why, cell.prompts.iter().all(|prompt| prompt.calculation().is_some()));
                let refuse = |error| context.refuse_prompts(set, &subject.name, error);
                let why = PromptError::NoCounterfactual { text, why };
                Err(of_shape(cell, NonePaired { why, dropped }, refuse))
            }
            Err(none) => Err(of_shape(cell, none, |error| context.refuse_prompts(set, &subject.name, error))),
        }
    }

    /// Each prompt with itself.
    fn alone(cell: &TemplateBatch) -> Self {
        let mut others: IndexMap<&[u32], Prompt> = IndexMap::new();
        let mut other = Vec::with_capacity(cell.prompts.len());
        for prompt in &cell.prompts {
            let entry = others.entry(&prompt.tokens);
            other.push(entry.index());
            entry.or_insert_with(|| (*prompt).clone());
        }
        let (clean, others) = ((0..cell.prompts.len()).collect(), others.into_values().collect());
        Self { clean, other, others, alone: true, unpaired: Unpaired::default() }
    }

    /// Draws or makes them; what no prompt fits is told apart from what cannot be had at all.
    fn found(
        reads: Other,
        (cell, subject): (&TemplateBatch, &ModelRun),
        wanted: &Counterfactual,
        step: &dyn Common,
        context: &Context,
    ) -> Result<Result<Self, NonePaired>, Error> {
        let set = wanted.prompts.as_deref();
        if wanted.is_made() {
            return Self::made(cell, subject, wanted, step, context).map(Self::unless_empty);
        }
        let is_given = |prompt: &Prompt| prompt.paired.is_some();
        if *wanted == Counterfactual::default() && subject.set.prompts.iter().any(is_given) {
            return Ok(Self::given(reads, cell).unless_empty());
        }
        // Another set's, its templates numbered as here; none where counterfactuals are of the clean prompts' own set.
        let other_set = match set {
            None => Vec::new(),
            Some(_) => {
                let templates: Vec<&str> =
                    subject.set.templates.iter().map(|template| template.name.as_str()).collect();
                model_run::prompts(set, step, context, &subject.name, &subject.model)?.numbered_as(&templates)
            }
        };
        let from = match wanted.operators {
            CounterfactualOperators::All => prompt::From::AnyGroup,
            CounterfactualOperators::Same => prompt::From::SameGroup,
        };
        let mut clean = Vec::new();
        let mut other = Vec::new();
        let mut others: IndexMap<u64, Prompt> = IndexMap::new();
        let mut unpaired = Unpaired::default();
        for seed in subject.set.seeds() {
            let members: Vec<usize> =
                (0..cell.prompts.len()).filter(|&index| cell.prompts[index].seed == seed).collect();
            let prompts: Vec<Prompt> = members.iter().map(|&index| cell.prompts[index].clone()).collect();
            // Counterfactuals are of the clean prompt's own draw, so that draws stay independent.
            let own: Vec<Prompt>;
            let pool = match set {
                None => {
                    own = subject.set.prompts.iter().filter(|prompt| prompt.seed == seed).cloned().collect();
                    &own
                }
                Some(_) => &other_set,
            };
            let drawn = prompt::pairs(&prompts, pool, from, seed.unwrap_or(0));
            for (member, index) in members.into_iter().zip(drawn) {
                let Some(index) = unpaired.or_counted(index) else { continue };
                let entry = others.entry(pool[index].id);
                other.push(entry.index());
                entry.or_insert_with(|| pool[index].clone());
                clean.push(member);
            }
        }
        let others = others.into_values().collect();
        Ok(Self { clean, other, others, alone: false, unpaired }.unless_empty())
    }

    /// The pairs that the prompts' file gives. One that a step cannot use is left out, and counted.
    fn given(reads: Other, cell: &TemplateBatch) -> Self {
        let (clean, other, unpaired) = (Vec::new(), Vec::new(), Unpaired::default());
        let mut pairs = Self { clean, other, others: Vec::new(), alone: false, unpaired };
        // What is compared with may differ where the tokens are the same.
        let mut others: IndexMap<(&[u32], &[u32]), &Prompt> = IndexMap::new();
        for (member, &prompt) in cell.prompts.iter().enumerate() {
            let paired = match reads.pair_of(prompt) {
                Ok(paired) => paired,
                Err((reason, advice)) => {
                    pairs.unpaired.drop(prompt, &cell.template, reason, advice);
                    continue;
                }
            };
            let entry = others.entry((&paired.tokens, paired.answer_tokens()));
            pairs.other.push(entry.index());
            entry.or_insert(paired);
            pairs.clean.push(member);
        }
        Self { others: others.into_values().cloned().collect(), ..pairs }
    }

    /// Itself, unless no prompt has a counterfactual.
    fn unless_empty(mut self) -> Result<Self, NonePaired> {
        match self.unpaired.first.take_if(|_| self.clean.is_empty()) {
            Some(why) => Err(NonePaired { why, dropped: self.unpaired.dropped }),
            None => Ok(self),
        }
    }

    /// Makes a counterfactual of each prompt of a cell, as the step says, with the prompt's own seed.
    fn made(
        cell: &TemplateBatch,
        subject: &ModelRun,
        wanted: &Counterfactual,
        step: &dyn Common,
        context: &Context,
    ) -> Result<Self, Error> {
        let refuse = |error| context.refuse_prompts(step.prompts(), &subject.name, error);
        let spec = context.prompts(step.prompts(), step.name())?;
        let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec).map_err(refuse)?.swapped(&wanted.swap);
        let change = change_of(&resolved, wanted)
            .map_err(|fault| Error::from(refused_change(step.name(), fault, context.loaded)))?;
        let Some(change) = change else { return Err(Error::failed(step.name())("the clean prompts are not changed")) };
        let (tokenizer, bos) = (subject.model.tokenizer(), subject.model.bos_override());
        let (clean, other, unpaired) = (Vec::new(), Vec::new(), Unpaired::default());
        let mut pairs = Self { clean, other, others: Vec::new(), alone: false, unpaired };
        let mut others: IndexMap<Vec<u32>, Prompt> = IndexMap::new();
        for seed in subject.set.seeds() {
            let members: Vec<usize> =
                (0..cell.prompts.len()).filter(|&index| cell.prompts[index].seed == seed).collect();
            let clean: Vec<&Prompt> = members.iter().map(|&index| cell.prompts[index]).collect();
            let made =
                prompt::changed(&resolved, tokenizer, bos, &change, &clean, seed.unwrap_or(0)).map_err(refuse)?;
            for (member, made) in members.into_iter().zip(made) {
                let Some(made) = pairs.unpaired.or_counted(made) else { continue };
                let entry = others.entry(made.tokens.clone());
                pairs.other.push(entry.index());
                entry.or_insert(made);
                pairs.clean.push(member);
            }
        }
        Ok(Self { others: others.into_values().collect(), ..pairs })
    }

    /// Some of the pairs, with the cell of their clean prompts.
    pub fn part<'s>(&self, range: Range<usize>, cell: &TemplateBatch<'s>) -> (TemplateBatch<'s>, Self) {
        let mut others: IndexMap<usize, Prompt> = IndexMap::new();
        let mut other = Vec::with_capacity(range.len());
        for &index in &self.other[range.clone()] {
            let entry = others.entry(index);
            other.push(entry.index());
            entry.or_insert_with(|| self.others[index].clone());
        }
        let prompts = self.clean[range.clone()].iter().map(|&index| cell.prompts[index]).collect();
        let (template, positions) = (cell.template.clone(), cell.positions.clone());
        let cell = TemplateBatch { template, prompts, positions, shape: cell.shape };
        let others = others.into_values().collect();
        let clean = (0..range.len()).collect();
        (cell, Self { clean, other, others, alone: self.alone, unpaired: Unpaired::default() })
    }

    /// Tokens of the counterfactual prompts.
    pub fn tokens(&self) -> Result<Tokens, Error> {
        model_run::tokens(&self.others.iter().collect::<Vec<_>>())
    }

    /// r and r' of a pair as one prompt asks them: the first tokens of the clean prompt's right answers, and of its wrong ones, where the
    /// spec says any, or of the counterfactual's right ones.
    pub fn answers(&self, pair: usize, cell: &TemplateBatch) -> AnswerTokens {
        let clean = cell.prompts[self.clean[pair]];
        let first = |answer: &Accepted| answer.tokens.first().copied();
        let right = clean.answers.iter().filter_map(first);
        match clean.wrong.is_empty() {
            false => AnswerTokens::new(right, clean.wrong.iter().filter_map(first)),
            true => {
                let other = &self.others[self.other[pair]];
                AnswerTokens::new(right, other.answers.iter().filter_map(first))
            }
        }
    }

    /// All tokens of the answer of the prompt that is edited: of the first right one of a clean prompt, or of the first wrong one.
    pub fn whole_answer<'s>(&'s self, pair: usize, cell: &TemplateBatch<'s>, direction: Direction) -> &'s [u32] {
        let clean = cell.prompts[self.clean[pair]];
        match (direction, clean.contrast()) {
            (Direction::Noising, _) => clean.answer_tokens(),
            (Direction::Denoising, Some(wrong)) => &wrong.tokens,
            (Direction::Denoising, None) => self.others[self.other[pair]].answer_tokens(),
        }
    }

    /// Adds the rows `NAME.pairs`: the prompts of each pair.
    pub fn record(
        &self,
        name: &str,
        cell: &TemplateBatch,
        subject: &ModelRun,
        outcome: &mut Outcome,
    ) -> PolarsResult<()> {
        let clean: Vec<&Prompt> = self.clean.iter().map(|&index| cell.prompts[index]).collect();
        let other: Vec<&Prompt> = self.other.iter().map(|&index| &self.others[index]).collect();
        let (count, of) = (self.unpaired.count, self.unpaired.count + self.clean.len());
        let first = self.unpaired.first.as_ref().map(ToString::to_string);
        match &mut outcome.template {
            Some(open) => open.unpaired.add(count, of, first),
            None => {
                let mut unpaired = UnpairedPrompts::default();
                unpaired.add(count, of, first);
                outcome.notes.extend(unpaired.note(&subject.name.to_string(), &cell.template));
            }
        }
        let of = clean.into_iter().zip(other).map(|(clean, other)| (clean, other, cell.template.as_str()));
        let mut rows = PairColumns::frame(of)?;
        if self.alone {
            rows = rows.clear();
            let note = format!(
                "{}: template '{}': no other prompt fits, and {name} reads nothing of one: {name}.pairs has no rows",
                subject.name, cell.template
            );
            if !outcome.notes.contains(&note) {
                outcome.notes.push(note);
            }
        }
        outcome.add_rows(&format!("{name}.pairs"), subject.labels(), rows)?;
        let is_given = cell.prompts.iter().any(|prompt| matches!(prompt.fields, Fields::Pair { .. }));
        let name = format!("{name}.{DROPPED}");
        match &mut outcome.template {
            _ if !is_given => {}
            Some(open) => open.add_dropped(&name, &self.unpaired.dropped),
            None => outcome.add_rows(&name, subject.labels(), DroppedColumns::frame(&self.unpaired.dropped)?)?,
        }
        Ok(())
    }
}

/// That no prompt of a cell has a counterfactual, which is of no weight where those of other shapes have one.
fn of_shape(cell: &TemplateBatch, none: NonePaired, refuse: impl Fn(PromptError) -> Error) -> Error {
    let NonePaired { why, dropped } = none;
    if !cell.is_one_of_several() || !matches!(why, PromptError::NoCounterfactual { .. }) {
        return refuse(why);
    }
    Error::NonePaired { first: why.to_string(), dropped, refused: Box::new(refuse(why)) }
}

/// Whether the answers of a step's counterfactual prompts are all whole numbers; none where it has no such prompts, or they are
/// wrong, for which they are refused by themselves.
pub(super) fn whole_answers(step: &Step, loaded: &Loaded) -> Option<bool> {
    let wanted = step.counterfactual()?;
    let spec = match &wanted.prompts {
        Some(set) => loaded.spec.prompt_sets.get(set)?,
        None => model_run::spec(step, loaded)?,
    };
    // The answers of operands are numbers.
    let resolved = ResolvedPrompts::new(spec).ok()?.swapped(&wanted.swap);
    if let Some(pairs) = resolved.pairs().filter(|pairs| *wanted == Counterfactual::default() && pairs.has_corrupted())
    {
        return Some(pairs.other_columns.whole_answer);
    }
    Some(resolved.slot_columns().is_none_or(|slots| slots.whole_answer))
}

/// Refuses a counterfactual that the prompts of its step cannot have.
///
/// # Errors
/// That, at its place in the spec.
pub fn check(step: &Step, loaded: &Loaded) -> Result<(), SpecErrors> {
    let Some(wanted) = step.counterfactual() else { return Ok(()) };
    let Counterfactual { prompts, operators, .. } = wanted;
    if !wanted.is_made() {
        let set = prompts.as_ref().filter(|_| *operators == CounterfactualOperators::Same);
        let lacking =
            set.and_then(|set| Some((set, model_run::lacking(step, loaded.spec.prompt_sets.get(set)?, loaded)?)));
        let Some((set, group)) = lacking else { return Ok(()) };
        let problem = format!("prompt set '{set}' has no prompts with {group}");
        let advice = format!("write operators = \"all\", or add \"{}\" to [prompt_sets.{set}]", group.label());
        return Err(loaded.refuse(&["step", step.name(), "counterfactual", "operators"], problem, Some(advice)));
    }
    // Prompts that are wrong are refused by themselves.
    let Some(Ok(resolved)) = model_run::spec(step, loaded).map(ResolvedPrompts::new) else { return Ok(()) };
    let change = change_of(&resolved, wanted);
    let change = change.map_err(|fault| refused_change(step.name(), fault, loaded))?;
    if change.is_some() && prompts.is_some() {
        let problem = "'prompts' draws counterfactual prompts from a set, and 'swap', 'redraw' and 'write' make them from the clean ones";
        let advice = "leave out 'prompts', or leave out the others".to_string();
        return Err(loaded.refuse(&["step", step.name(), "counterfactual", "prompts"], problem, Some(advice)));
    }
    Ok(())
}

/// Why there is no counterfactual, and what to write where only its answer is needed of it.
pub(super) fn why_without_answer(why: String, of_operands: bool) -> String {
    let contrast = if of_operands { "" } else { ", or write contrast = \"…\" in the prompts" };
    format!(
        "{why}; only the answer of the counterfactual is needed here, so you may also write measures that do not compare with it, such as \
         accuracy and kl{contrast}"
    )
}

/// How the other prompt is made of the clean one.
pub(super) fn change_of(
    resolved: &ResolvedPrompts,
    wanted: &Counterfactual,
) -> Result<Option<SlotChange>, ChangeFault> {
    if wanted.write.is_empty() {
        return prompt::change(resolved, &wanted.swap, &wanted.redraw);
    }
    if !(wanted.swap.is_empty() && wanted.redraw.is_empty()) {
        let problem = "'write' excludes 'swap' and 'redraw'".to_string();
        return Err(ChangeFault { key: "write", index: None, problem, advice: "write one of them".into() });
    }
    prompt::written(resolved, &wanted.write)
}

pub(super) fn refused_change(step: &str, fault: ChangeFault, loaded: &Loaded) -> SpecErrors {
    let number = fault.index.map(|index| index.to_string());
    let path: Vec<&str> = ["step", step, "counterfactual", fault.key].into_iter().chain(number.as_deref()).collect();
    loaded.refuse(&path, fault.problem, Some(fault.advice))
}

/// The part of the rows `NAME.dropped`.
const DROPPED: &str = "dropped";

/// The rows of a step on prompts that a file pairs, besides those that it has on others: the pairs that it could not use, where it has
/// rows of pairs.
pub(super) fn rows_of_given(own: &[RowsInfo], prompts: &Prompts) -> Option<RowsInfo> {
    let has_pairs = own.iter().any(|rows| rows.part == "pairs");
    (has_pairs && prompts.pairs.is_some()).then(|| RowsInfo::alone::<(ModelColumns, DroppedColumns)>(DROPPED))
}

/// The rows `NAME.pairs` of a step that runs pairs.
pub(super) fn rows() -> RowsInfo {
    RowsInfo::alone::<(ModelColumns, PairColumns)>("pairs")
}

rows! {
    /// A pair of prompts of a template.
    PairColumns<'p>((clean, other, template): (&'p Prompt, &'p Prompt, &'p str)) {
        template: String = template;
        operator: String = clean.group.label();
        seed: Option<i64> = clean.seed;
        id: i64 = clean.id;
        text: String = &clean.text;
        answer: AnswerColumn = *clean;
        other_operator: String = other.group.label(), "Operator of the other prompt of the pair.";
        other_id: i64 = other.id, "Its `id`.";
        other_text: String = &other.text, "Its text.";
        other_answer: AnswerColumn = *other, "Its answer.";
    }
}
