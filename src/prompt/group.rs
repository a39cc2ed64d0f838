//! The prompts of one template and operator, or of one template and words: what each asks for, and its tokens.

use super::dropped::{Fault, Reason};
use super::error::PromptError;
use super::limits::MOST_LOOKED_AT;
use super::operator::{NoValue, Operator};
use super::order::Order;
use super::random::Random;
use super::resolved::{NamedTemplate, Resolved};
use super::set::{Contrast, Prompt, SlotTokens, Wording};
use super::template::{Fill, Problem, Slot, Template};
use super::words::{Filling, Words};
use crate::model::tokenizer::{Encoding, Tokenizer};
use crate::spec::Answer;
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::Arc;

/// The beginning-of-text token before each prompt; `wanted` overrides whether there is one.
///
/// # Errors
/// One is wanted and the tokenizer has none.
pub(super) fn bos_token(tokenizer: &Tokenizer, wanted: Option<bool>) -> Result<Option<u32>, PromptError> {
    wanted.unwrap_or(tokenizer.adds_bos()).then(|| tokenizer.bos().ok_or(PromptError::NoBos)).transpose()
}

/// The prompts of one template and operator, or of one template and words.
pub(super) struct Group<'a> {
    pub resolved: &'a Resolved,
    pub tokenizer: &'a Tokenizer,
    pub bos: Option<u32>,
    pub template: &'a NamedTemplate,
    pub template_index: usize,
    pub operator: &'static Operator,
    pub first_id: u64,
}

/// A prompt in tokens, whatever its answer.
pub(super) struct Placed {
    /// The whole text.
    pub text: String,
    /// The tokens of the text alone.
    pub encoding: Encoding,
    /// Where the slots are once the beginning-of-text token is put before.
    pub slots: Vec<Option<SlotTokens>>,
}

/// What a prompt asks for.
#[derive(Debug, Clone)]
pub(super) enum Asks {
    Numbers(Problem<'static>),
    Words(Filling),
}

impl Fill for Asks {
    fn fill(&self, slot: Slot, text: &mut String) {
        match self {
            Asks::Numbers(problem) => problem.fill(slot, text),
            Asks::Words(filling) => filling.fill(slot, text),
        }
    }
}

impl<'a> Group<'a> {
    pub fn new(
        resolved: &'a Resolved,
        tokenizer: &'a Tokenizer,
        bos: Option<u32>,
        template_index: usize,
        operator_index: usize,
    ) -> Self {
        let (template, operator) = (&resolved.templates[template_index], resolved.operators[operator_index]);
        let group = Self { resolved, tokenizer, bos, template, template_index, operator, first_id: 0 };
        let before = template_index * resolved.operators.len() + operator_index;
        Self { first_id: before as u64 * group.count() as u64, ..group }
    }

    /// How many prompts there are, legal or not.
    pub fn count(&self) -> usize {
        let Resolved { a, b, words, .. } = self.resolved;
        words.as_ref().map_or(a.len() * b.len(), Words::count)
    }

    /// The operands of a prompt; 0 where it has words.
    pub fn operands(&self, index: usize) -> (i64, i64) {
        let Resolved { a, b, words, .. } = self.resolved;
        if words.is_some() { (0, 0) } else { (a[index / b.len()], b[index % b.len()]) }
    }

    /// The prompts that are looked at: all, or of very many combinations of words, where a sample of them is asked for, some: the same
    /// for every sample.
    pub fn indices(&self) -> Box<dyn Iterator<Item = usize>> {
        let count = self.count();
        if self.resolved.words.is_none() || self.resolved.sample.is_none() || count <= MOST_LOOKED_AT {
            return Box::new(0..count);
        }
        let random = Random::new(0, &["words", &self.template.name]);
        let mut some: Vec<usize> = Order::new(count, random).take(MOST_LOOKED_AT).collect();
        some.sort_unstable();
        Box::new(some.into_iter())
    }

    /// What a prompt asks for, where its answer is one that the spec wants.
    pub fn solve(&self, index: usize) -> Result<Asks, Reason> {
        if let Some(words) = &self.resolved.words {
            return words.combination(index).map(Asks::Words).ok_or(Reason::Alike);
        }
        let (a, b) = self.operands(index);
        let answer = (self.operator.apply)(a, b).map_err(|why| match why {
            NoValue::DivisionByZero => Reason::DivisionByZero,
            NoValue::Overflow | NoValue::NothingComputed => Reason::Overflow,
        })?;
        match self.resolved.answers {
            None if answer < 0 => Err(Reason::Negative),
            Some((low, high)) if !(low..high).contains(&answer) => Err(Reason::OutsideAnswers),
            _ => Ok(self.problem(a, b, answer)),
        }
    }

    pub fn problem(&self, a: i64, b: i64, answer: i64) -> Asks {
        Asks::Numbers(Problem { a, op: self.operator.symbol, b, answer })
    }

    /// What a prompt asks for, whatever its answer; `None` where words are the same that must differ.
    pub fn unanswered(&self, index: usize) -> Option<Asks> {
        let (a, b) = self.operands(index);
        match &self.resolved.words {
            Some(words) => words.combination(index).map(Asks::Words),
            None => Some(self.problem(a, b, 0)),
        }
    }

    /// A prompt where it is legal.
    pub fn legal(&self, index: usize) -> Option<Prompt> {
        self.tokenise(0, &self.solve(index).ok()?).ok()
    }

    /// The tokens of a prompt and of its slots; with single-token answers each slot must be one token of its own.
    pub fn place(&self, asks: &Asks) -> Result<Placed, Fault> {
        let (text, spans) = render(self.template, asks);
        let encoding = self.tokenizer.encode(&text).map_err(|_| Reason::UnknownText)?;
        let offset = usize::from(self.bos.is_some());
        let mut slots = vec![None; self.template.places.len()];
        for (slot, span) in &spans {
            let tokens = slot_tokens(&encoding, &text, span);
            if self.resolved.answer == Answer::SingleToken {
                let fault = |reason| {
                    let word = text.get(span.clone()).unwrap_or_default().to_string();
                    Fault { reason, word: matches!(slot, Slot::Word { .. }).then_some((*slot, word)) }
                };
                if tokens.count != 1 {
                    return Err(fault(Reason::long(*slot)));
                }
                if !tokens.own {
                    return Err(fault(Reason::shared(*slot)));
                }
            }
            if let Some(place) = self.template.places.iter().position(|(other, _)| other == slot) {
                slots[place] = Some(SlotTokens { first: tokens.first + offset, ..tokens });
            }
        }
        Ok(Placed { text, encoding, slots })
    }

    /// A prompt in tokens, with its answer.
    pub fn tokenise(&self, id: u64, asks: &Asks) -> Result<Prompt, Fault> {
        let Placed { text, encoding: prompt, slots } = self.place(asks)?;
        let completion = &self.resolved.completion;
        let answer_tokens = self.answer_tokens(&text, &prompt, completion, asks).map_err(|reason| {
            let long = matches!((reason, asks), (Reason::AnswerLong, Asks::Words(_)));
            Fault { reason, word: long.then(|| (Slot::Answer, written(completion, asks))) }
        })?;
        let (a, b, answer, words) = match asks {
            Asks::Numbers(Problem { a, b, answer, .. }) => (*a, *b, *answer, None),
            Asks::Words(filling) => {
                let words = self.wording(filling, &text, &prompt, &answer_tokens)?;
                (0, 0, number(&words.answer), Some(words))
            }
        };
        Ok(Prompt {
            id,
            template: self.template_index,
            operator: self.operator,
            a,
            b,
            answer,
            words,
            tokens: self.bos.into_iter().chain(prompt.ids).collect(),
            text,
            answer_tokens,
            slots,
            seed: None,
            number: None,
            correct: None,
        })
    }

    /// What is kept of the words of a prompt; its contrast must begin otherwise than its answer.
    fn wording(&self, filling: &Filling, text: &str, prompt: &Encoding, answer: &[u32]) -> Result<Wording, Fault> {
        let asks = Asks::Words(filling.clone());
        let words = self.resolved.words.as_ref();
        let contrast = match words.and_then(|words| words.contrast.as_ref()) {
            None => None,
            Some(template) => {
                let written = written(template, &asks);
                let fault = |reason| Fault { reason, word: Some((Slot::Answer, written.clone())) };
                let tokens = self.answer_tokens(text, prompt, template, &asks).map_err(|_| fault(Reason::Contrast))?;
                match tokens.first() {
                    Some(token) if answer.first() != Some(token) => {
                        Some(Contrast { text: Arc::from(written.as_str()), token: *token })
                    }
                    _ => return Err(fault(Reason::ContrastAlike)),
                }
            }
        };
        Ok(Wording {
            names: words.map_or_else(|| Arc::from([]), |words| words.names.clone()),
            whole: words.map_or_else(Arc::default, |words| words.whole.clone()),
            words: filling.words.clone(),
            answer: Arc::from(written(&self.resolved.completion, &asks)),
            contrast,
        })
    }

    /// The tokens that follow the prompt's own when the answer follows its text.
    pub fn answer_tokens(
        &self,
        text: &str,
        prompt: &Encoding,
        completion: &Template,
        asks: &Asks,
    ) -> Result<Vec<u32>, Reason> {
        let mut whole = text.to_string();
        let spans = completion.render(asks, &mut whole);
        let whole_encoding = self.tokenizer.encode(&whole).map_err(|_| Reason::UnknownAnswer)?;
        let answer = match whole_encoding.ids.split_at_checked(prompt.ids.len()) {
            Some((start, rest)) if start == prompt.ids && !rest.is_empty() => rest,
            _ => return Err(Reason::Merges),
        };
        let answer_start = spans.first().map_or(text.len(), |(_, span)| span.start);
        let first_end = whole_encoding.offsets.get(prompt.ids.len()).map_or(0, |&(_, end)| end);
        if first_end <= answer_start {
            return Err(Reason::CompletionApart);
        }
        if self.resolved.answer == Answer::SingleToken && answer.len() != 1 {
            return Err(Reason::AnswerLong);
        }
        Ok(answer.to_vec())
    }
}

/// What follows a prompt, without spaces around it.
fn written(completion: &Template, asks: &Asks) -> String {
    let mut text = String::new();
    completion.render(asks, &mut text);
    text.trim().to_string()
}

/// A number that stands for a text: the first eight bytes of its SHA-256.
fn number(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

/// A prompt's text, and the bytes of its slots.
pub(super) fn render(template: &NamedTemplate, with: impl Fill) -> (String, Vec<(Slot, Range<usize>)>) {
    let mut text = template.prefix.clone();
    let spans = template.template.render(with, &mut text);
    (text, spans)
}

/// The tokens that overlap a span of the text.
pub(super) fn slot_tokens(encoding: &Encoding, text: &str, span: &Range<usize>) -> SlotTokens {
    let overlaps = |&(start, end): &(usize, usize)| start < span.end && end > span.start;
    let first = encoding.offsets.iter().position(overlaps).unwrap_or(0);
    let held: Vec<(usize, usize)> = encoding.offsets.iter().skip(first).copied().take_while(overlaps).collect();
    let blank = |bytes: Range<usize>| text.get(bytes).is_some_and(|outside| outside.trim().is_empty());
    let own = held.iter().all(|&(start, end)| blank(start..span.start.max(start)) && blank(span.end.min(end)..end));
    SlotTokens { first, count: held.len(), own: own && !held.is_empty() }
}
