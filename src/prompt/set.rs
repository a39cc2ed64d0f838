//! Prompt sets: the prompts a step runs on, and what became of those it does not.

use super::dropped::Dropped;
use super::error::PromptError;
use super::operator::{Operator, WORDS};
use super::template::Slot;
use super::words::{Names, Whole};
use crate::model::facts::Facts;
use crate::spec::Answer;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One prompt with its answer, in one model's tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its place in the enumeration of all prompts of the spec, legal or not: templates, operators, a, b, or templates and slots,
    /// the last fastest. The same for every model.
    pub id: u64,
    /// Index into [`PromptSet::templates`].
    pub template: usize,
    /// The operator; what stands for one where words are asked for.
    pub operator: &'static Operator,
    /// First operand; 0 of words.
    pub a: i64,
    /// Second operand; 0 of words.
    pub b: i64,
    /// The value; of words, a number that stands for the answer's text, the same in every set.
    pub answer: i64,
    /// What it is made of, where that is words.
    pub words: Option<Wording>,
    /// The whole text, shots included.
    pub text: String,
    /// Its tokens, the beginning-of-text token included where the model gets one.
    pub tokens: Vec<u32>,
    /// Tokens of the answer after the prompt, at least one.
    pub answer_tokens: Vec<u32>,
    /// Where a, op and b are in `tokens`, or each place of a word in template order; `None` for an operator that the template does
    /// not show.
    pub slots: Vec<Option<SlotTokens>>,
    /// Seed of the draw it is from; `None` when nothing was drawn.
    pub seed: Option<u64>,
    /// Its number within the draw of its seed, template and operator, from 0.
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

    /// Whether another prompt has the same answer.
    pub fn same_answer(&self, other: &Prompt) -> bool {
        match (&self.words, &other.words) {
            (Some(own), Some(other)) => own.answer == other.answer,
            (None, None) => self.answer == other.answer,
            _ => false,
        }
    }

    /// The answer as text.
    pub fn answer_text(&self) -> String {
        self.words.as_ref().map_or_else(|| self.answer.to_string(), |words| words.answer.to_string())
    }

    /// The first token of the wrong answer that measures compare with, where the spec says one.
    pub fn contrast(&self) -> Option<u32> {
        self.words.as_ref()?.contrast.as_ref().map(|contrast| contrast.token)
    }
}

/// What a prompt from words is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Names of the slots.
    pub names: Names,
    /// Which words are whole numbers, in all prompts of the set.
    pub whole: Arc<Whole>,
    /// The word of each.
    pub words: Vec<Arc<str>>,
    /// The answer, without spaces around it.
    pub answer: Arc<str>,
    /// The wrong answer that measures compare with, where the spec says one.
    pub contrast: Option<Contrast>,
}

/// A wrong answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrast {
    /// Its text, without spaces around it.
    pub text: Arc<str>,
    /// Its first token.
    pub token: u32,
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
    /// Tokens of fixed text in the first legal prompt, after the shots: index in [`Prompt::tokens`] and trimmed text.
    pub(super) literals: Vec<(usize, String)>,
    /// Names of the slots' positions, in the order of [`Prompt::slots`].
    pub(super) places: Vec<String>,
    /// The first slot found that is not a token of its own, by its number among the places, with its tokens.
    pub(super) unplaced: Option<(usize, String)>,
}

impl SetTemplate {
    /// Where its fixed text is in prompts, token by token.
    pub fn fixed(&self) -> impl Iterator<Item = usize> + '_ {
        self.literals.iter().map(|(position, _)| *position)
    }
}

/// Something a reader of the results should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Fewer prompts than `sample` asks for.
    FewerThanAsked {
        /// Name of the template.
        template: String,
        /// Operator symbol.
        operator: &'static str,
        /// What the spec asks for.
        asked: usize,
        /// What there is.
        there: usize,
        /// How many of each draw were passed over first.
        skip: usize,
    },
    /// `keep` left nothing of an operator.
    NoneKept {
        /// Name of the template.
        template: String,
        /// Operator symbol.
        operator: &'static str,
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
            Note::FewerThanAsked { template, operator, asked, there, skip } => {
                write!(f, "template '{template}'{}: {there} prompts, fewer than sample = {asked}", of(operator))?;
                if *skip > 0 { write!(f, " after the first {skip}") } else { Ok(()) }
            }
            Note::NoneKept { template, operator, wanted, evaluated } => write!(
                f,
                "template '{template}'{}: none of {evaluated} prompts is answered {wanted}ly; it has no rows",
                of(operator)
            ),
            Note::BeyondContext { why } => write!(f, "prompts of up to {why}"),
            Note::BeginsTwice { token, prompts } => write!(
                f,
                "{prompts} prompts begin with {token} twice: it is put before prompts, and the template writes it; take it out of \
                 the template, or write bos = false"
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

/// Which of a template's prompts: those of an operator, or of words all.
fn of(operator: &str) -> String {
    if operator == WORDS.symbol { String::new() } else { format!(", operator '{operator}'") }
}

/// Prompts in one model's tokens.
#[derive(Debug, Clone)]
pub struct PromptSet {
    /// The templates, in the spec's order.
    pub templates: Vec<SetTemplate>,
    /// The operators, in the spec's order.
    pub operators: Vec<&'static Operator>,
    /// Names of the slots, where words fill them.
    pub slots: Option<Names>,
    /// The prompts: by seed where there are several draws, then template, operator, then number or (a, b).
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
        prompt.tokens.len() + if self.answer == Answer::MultiToken { prompt.answer_tokens.len() } else { 0 }
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
            let outside = prompt.tokens.iter().chain(&prompt.answer_tokens).find(|&&id| id as usize >= n_vocab);
            if let Some(&id) = outside {
                return Err(PromptError::OutsideVocabulary { text: prompt.text.clone(), id, n_vocab });
            }
        }
        Ok(())
    }
}
