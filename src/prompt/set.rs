//! Prompt sets: the prompts a step runs on, and what became of those it does not.

use super::answers::{Accepted, AcceptedAnswers};
use super::calculation::Calculation;
use super::dropped::Dropped;
use super::error::PromptError;
use super::fields::Fields;
use super::group::PromptGroup;
use super::template::Slot;
use crate::counted::{agreeing, counted};
use crate::model::facts::Facts;
use crate::spec::Answer;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One prompt with its answer, in one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its place in the enumeration of all prompts of the spec, legal or not: templates, groups, and what fills the template, the last
    /// slot fastest. The same for every model.
    pub id: u64,
    /// Index into [`PromptSet::templates`].
    pub template: usize,
    /// What it is drawn and averaged with.
    pub group: PromptGroup,
    /// What its template is filled with.
    pub fields: Fields,
    /// The answers that count as right.
    pub answers: AcceptedAnswers,
    /// The wrong answers that measures compare with, none where the spec says none. They begin otherwise than every right one.
    pub wrong: Vec<Accepted>,
    /// The prompt that its pair file pairs it with, where there is one: what it is compared with in place of one that is drawn.
    pub paired: Option<Arc<Prompt>>,
    /// The whole text, shots included.
    pub text: String,
    /// Its tokens, the beginning-of-text token included where the model gets one.
    pub tokens: Vec<u32>,
    /// Where a, op and b are in `tokens`, or each place of a word in template order; `None` for an operator that the template does
    /// not show.
    pub slots: Vec<Option<SlotTokens>>,
    /// Seed of the draw it is from; `None` when nothing was drawn.
    pub seed: Option<u64>,
    /// Its number within the draw of its seed, template and group, from 0.
    pub number: Option<usize>,
    /// Whether the model answers it correctly; `None` when it was not asked.
    pub correct: Option<bool>,
}

impl Prompt {
    /// The tokens of an operand or the operator.
    pub fn slot(&self, slot: Slot) -> Option<SlotTokens> {
        let place = Slot::OF_PROMPTS.iter().position(|other| *other == slot)?;
        self.slots.get(place).copied().flatten()
    }

    /// The answer that measures read.
    pub fn answer(&self) -> &Accepted {
        self.answers.first()
    }

    /// The tokens of that answer.
    pub fn answer_tokens(&self) -> &[u32] {
        &self.answer().tokens
    }

    /// The first of these.
    pub fn answer_token(&self) -> u32 {
        self.answer().tokens[0]
    }

    /// Whether another prompt has an answer of this one.
    pub fn same_answer(&self, other: &Prompt) -> bool {
        self.answers.iter().any(|own| other.answers.iter().any(|other| own.value == other.value))
    }

    /// The wrong answer that is read where a single one is, if the spec says any.
    pub fn contrast(&self) -> Option<&Accepted> {
        self.wrong.first()
    }

    /// What it asks to calculate, where it is of arithmetic.
    pub fn calculation(&self) -> Option<&Calculation> {
        self.fields.calculation()
    }
}

/// The tokens that hold a slot's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotTokens {
    /// Index of the first in [`Prompt::tokens`].
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Whether they hold nothing else but white space.
    pub own: bool,
}

/// A template as one model's tokenizer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetTemplate {
    /// Its name in the spec.
    pub name: String,
    /// Tokens of fixed text in the first legal prompt, after the shots.
    pub(super) literals: Vec<LiteralToken>,
    /// Names of the slots' positions, in the order of [`Prompt::slots`].
    pub(super) places: Vec<String>,
    /// The first slot found that is not a token of its own, by its number among the places, with its tokens.
    pub(super) unplaced: Option<(usize, String)>,
}

impl SetTemplate {
    /// Where its fixed text is in prompts that have their slots there, token by token.
    pub fn fixed<'t>(&'t self, slots: &'t [Option<SlotTokens>]) -> impl Iterator<Item = Option<usize>> + 't {
        self.literals.iter().map(|literal| literal.position(slots))
    }
}

/// A token of a template's fixed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LiteralToken {
    /// Its text without spaces around it.
    pub text: String,
    /// The slot that ends last before it, by its number among the places, if any does.
    pub after: Option<usize>,
    /// Tokens between that slot's end, or the prompt's beginning, and it.
    pub offset: usize,
}

impl LiteralToken {
    /// The token at `position` of a prompt with its slots there.
    pub fn new(text: String, position: usize, slots: &[Option<SlotTokens>]) -> Self {
        let end = |(place, slot): (usize, &Option<SlotTokens>)| slot.map(|slot| (slot.first + slot.count, place));
        match slots.iter().enumerate().filter_map(end).filter(|(end, _)| *end <= position).max() {
            Some((end, place)) => Self { text, after: Some(place), offset: position - end },
            None => Self { text, after: None, offset: position },
        }
    }

    /// Where it is in a prompt with its slots there; `None` where that one has not the slot before it.
    pub fn position(&self, slots: &[Option<SlotTokens>]) -> Option<usize> {
        let Some(place) = self.after else { return Some(self.offset) };
        let slot = (*slots.get(place)?)?;
        Some(slot.first + slot.count + self.offset)
    }
}

/// Something a reader of the results should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Fewer prompts than `sample` asks for.
    FewerThanAsked {
        /// Name of the template.
        template: String,
        /// Of which prompts.
        group: PromptGroup,
        /// What the spec asks for.
        asked: usize,
        /// What there is.
        there: usize,
        /// How many of each draw were passed over first.
        skip: usize,
    },
    /// `keep` left nothing of a group.
    NoneKept {
        /// Name of the template.
        template: String,
        /// Of which prompts.
        group: PromptGroup,
        /// `correct` or `incorrect`.
        wanted: &'static str,
        /// Prompts the model was run on.
        evaluated: usize,
    },
    /// Prompts longer than the context that the model was made for.
    BeyondContext {
        /// How long, and what becomes of them.
        why: String,
    },
    /// The token that the tokenizer puts first is the first of the template as well.
    BeginsTwice {
        /// The token.
        token: String,
        /// How many prompts have it twice.
        prompts: usize,
    },
    /// Answers that go on with the last word of their prompt.
    AnswersJoined {
        /// Of how many prompts.
        prompts: usize,
    },
    /// Prompts that have text and answer of another one.
    Repeated {
        /// How many.
        repeated: usize,
        /// Of how many.
        prompts: usize,
    },
    /// Words that are in no prompt.
    WordsDropped {
        /// Why, and which: `word is more than one token: io "Agnes"`.
        why: Vec<String>,
    },
}

impl Note {
    /// Words that are in no prompt, each once.
    pub(super) fn words_dropped(mut why: Vec<String>) -> Self {
        let mut seen = std::collections::HashSet::new();
        why.retain(|one| seen.insert(one.clone()));
        Note::WordsDropped { why }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::FewerThanAsked { template, group, asked, there, skip } => {
                write!(
                    f,
                    "template '{template}'{}: {}, fewer than sample = {asked}",
                    group.among(),
                    counted(*there, "prompt")
                )?;
                if *skip > 0 { write!(f, " after the first {skip}") } else { Ok(()) }
            }
            Note::NoneKept { template, group, wanted, evaluated } => write!(
                f,
                "template '{template}'{}: none of {} is answered {wanted}ly; it has no rows",
                group.among(),
                counted(*evaluated, "prompt")
            ),
            Note::BeyondContext { why } => write!(f, "prompts of up to {why}"),
            Note::BeginsTwice { token, prompts } => write!(
                f,
                "{} {} with {token} twice, because the tokenizer puts it before every prompt and the template writes it as \
                 well; take it out of the template, or write bos = false",
                counted(*prompts, "prompt"),
                agreeing(*prompts, "begins", "begin")
            ),
            Note::AnswersJoined { prompts } => write!(
                f,
                "the answers of {} follow a letter without a space between, so that they continue the prompt's last word; \
                 if they should be words of their own, write completion = \" {{answer}}\", or a space before each answer",
                counted(*prompts, "prompt")
            ),
            Note::Repeated { repeated, prompts } => write!(
                f,
                "{repeated} of {} {} the text and the answer of another one, and {} counted like the others in n and in intervals; write \
                 templates that have the same slots, and no row twice",
                counted(*prompts, "prompt"),
                agreeing(*repeated, "has", "have"),
                agreeing(*repeated, "is", "are")
            ),
            Note::WordsDropped { why } => {
                const SHOWN: usize = 12;
                let more = match why.len().checked_sub(SHOWN) {
                    Some(more @ 1..) => format!("; {more} more"),
                    _ => String::new(),
                };
                let shown = why.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
                write!(f, "prompts with these words are left out: {shown}{more}")
            }
        }
    }
}

/// Prompts in one model's tokens.
#[derive(Debug, Clone)]
pub struct PromptSet {
    /// The templates, in the spec's order.
    pub templates: Vec<SetTemplate>,
    /// The groups, in the order of their source.
    pub groups: Vec<PromptGroup>,
    /// The prompts: by seed where there are several draws, then template, group, then number or the order of their source.
    pub prompts: Vec<Prompt>,
    /// The beginning-of-text token before each prompt, where there is one.
    pub bos: Option<u32>,
    /// Whether answers are single tokens.
    pub answer: Answer,
    /// What was dropped for not being legal.
    pub dropped: Vec<Dropped>,
    /// Whether the prompts were drawn to have many different answers, so that rates over them are not rates over all.
    pub spread: bool,
    /// What a reader should know.
    pub notes: Vec<Note>,
}

impl PromptSet {
    /// The prompts with their templates numbered as in a set whose templates have these names: sets may name them in another order.
    /// As they are where one of the names is no template here.
    pub fn numbered_as(&self, names: &[&str]) -> Vec<Prompt> {
        let place = |template: &SetTemplate| names.iter().position(|name| *name == template.name);
        let places: Vec<Option<usize>> = self.templates.iter().map(place).collect();
        let all = names.iter().all(|name| self.templates.iter().any(|template| template.name == *name));
        let numbered = |prompt: &Prompt| {
            // A template that the other set has not is like none of its.
            let template = if all { places[prompt.template].unwrap_or(usize::MAX) } else { prompt.template };
            Prompt { template, ..prompt.clone() }
        };
        self.prompts.iter().map(numbered).collect()
    }

    /// Indices of the prompts by number of tokens: the prompts that can share a batch.
    pub fn by_length(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, prompt) in self.prompts.iter().enumerate() {
            groups.entry(prompt.tokens.len()).or_default().push(index);
        }
        groups
    }

    /// Name of a prompt's template.
    pub fn template_name(&self, prompt: &Prompt) -> &str {
        self.templates.get(prompt.template).map_or("", |template| &template.name)
    }

    /// Seeds in the order of their draws; `[None]` when nothing was drawn.
    pub fn seeds(&self) -> Vec<Option<u64>> {
        let mut seeds = Vec::new();
        for prompt in &self.prompts {
            if !seeds.contains(&prompt.seed) {
                seeds.push(prompt.seed);
            }
        }
        seeds
    }

    /// Tokens that a model is given of a prompt at most: those of an answer that is decoded with them.
    fn length(&self, prompt: &Prompt) -> usize {
        let answer = prompt.answers.iter().map(|answer| answer.tokens.len()).max().unwrap_or(0);
        prompt.tokens.len() + if self.answer == Answer::MultiToken { answer } else { 0 }
    }

    /// Notes prompts that are longer than the context that a model was made for.
    pub fn note_context(&mut self, facts: &Facts) {
        let longest = self.prompts.iter().map(|prompt| self.length(prompt)).max().unwrap_or_default();
        self.notes.extend(facts.beyond_context(longest).map(|why| Note::BeyondContext { why }));
    }

    /// Makes sure that a model can run every prompt: `n_vocab` rows in its embedding, `position_limit` positions
    /// (`None`: any number).
    ///
    /// # Errors
    /// The first prompt that does not fit.
    pub fn fits(&self, n_vocab: usize, position_limit: Option<usize>) -> Result<(), PromptError> {
        for prompt in &self.prompts {
            let tokens = self.length(prompt);
            if let Some(n_ctx) = position_limit.filter(|&limit| tokens > limit) {
                let (text, answer) = (prompt.text.clone(), self.answer == Answer::MultiToken);
                return Err(PromptError::TooLong { text, tokens, answer, n_ctx });
            }
            let answers = prompt.answers.iter().chain(&prompt.wrong).flat_map(|answer| &answer.tokens);
            let outside = prompt.tokens.iter().chain(answers).find(|&&id| id as usize >= n_vocab);
            if let Some(&id) = outside {
                return Err(PromptError::OutsideVocabulary { text: prompt.text.clone(), id, n_vocab });
            }
        }
        Ok(())
    }
}
