//! What the prompts of one template and group are made from, and their tokens.

use super::answers::Accepted;
use super::dropped::{Fault, Reason};
use super::fields::{FieldValue, Fields};
use super::group::PromptGroup;
use super::limits::MOST_LOOKED_AT;
use super::order::RandomOrder;
use super::random::Random;
use super::resolved::{NamedTemplate, ResolvedPrompts};
use super::set::{Prompt, SlotTokens};
use super::template::{Fill, Slot, Template};
use crate::model::tokenizer::{Encoding, Tokenizer};
use crate::spec::Answer;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What the prompts of one template and group are made from.
pub(super) struct Stock<'a> {
    pub resolved: &'a ResolvedPrompts,
    pub tokenizer: &'a Tokenizer,
    pub bos: Option<u32>,
    pub template: &'a NamedTemplate,
    pub template_index: usize,
    pub group: PromptGroup,
    pub group_index: usize,
    pub first_id: u64,
    /// Answers in tokens, by the prompt's last tokens and what follows them.
    pub(super) answers_after: Mutex<AnswersAfter>,
}

/// The tokens of an answer, or why it has none, by the prompt's last tokens and the text that follows them.
pub(super) type AnswersAfter = HashMap<(Vec<u32>, String), Result<Vec<u32>, Reason>>;

/// A prompt in tokens, whatever its answer.
pub(super) struct EncodedPrompt {
    /// The whole text.
    pub text: String,
    /// The tokens of the text alone.
    pub encoding: Encoding,
    /// Where the slots are once the beginning-of-text token is put before.
    pub slots: Vec<Option<SlotTokens>>,
}

impl<'a> Stock<'a> {
    pub fn new(
        resolved: &'a ResolvedPrompts,
        tokenizer: &'a Tokenizer,
        bos: Option<u32>,
        template_index: usize,
        group_index: usize,
    ) -> Self {
        let (template, group) = (&resolved.templates[template_index], resolved.groups[group_index].clone());
        let before = template_index * resolved.groups.len() + group_index;
        // Prompts that are given one by one are numbered as they are given, whatever their groups.
        let before = if resolved.pairs().is_some() { 0 } else { before };
        let first_id = before as u64 * resolved.source.count() as u64;
        Self {
            resolved,
            tokenizer,
            bos,
            template,
            template_index,
            group,
            group_index,
            first_id,
            answers_after: Mutex::default(),
        }
    }

    /// How many prompts there are, legal or not.
    pub fn count(&self) -> usize {
        self.resolved.source.count()
    }

    /// The prompts that are looked at: all, or of very many combinations of words, where a sample of them is asked for, some: the same
    /// for every sample.
    pub fn indices(&self) -> Box<dyn Iterator<Item = usize>> {
        let count = self.count();
        if let Some(pairs) = self.resolved.pairs() {
            return Box::new(pairs.of_group(self.group_index).into_iter());
        }
        if self.resolved.words().is_none() || self.resolved.sample.is_none() || count <= MOST_LOOKED_AT {
            return Box::new(0..count);
        }
        let random = Random::new(0, &["words", &self.template.name]);
        let mut some: Vec<usize> = RandomOrder::new(count, random).take(MOST_LOOKED_AT).collect();
        some.sort_unstable();
        Box::new(some.into_iter())
    }

    /// What fills the template of a prompt, where its answer is one that the spec wants.
    pub fn solve(&self, index: usize) -> Result<Fields, Reason> {
        self.resolved.source.solve(self.group_index, index)
    }

    /// What fills the template of a prompt, whatever its answer; `None` where words are the same that must differ.
    pub fn unsolved(&self, index: usize) -> Option<Fields> {
        self.resolved.source.unsolved(self.group_index, index)
    }

    /// A prompt where it is legal.
    pub fn legal(&self, index: usize) -> Option<Prompt> {
        self.tokenise(self.first_id + index as u64, &self.solve(index).ok()?).ok()
    }

    /// The tokens of a prompt whose fields these are, and of its slots.
    pub fn place_fields(&self, fields: &Fields) -> Result<EncodedPrompt, Fault> {
        match (fields, self.resolved.pairs()) {
            (Fields::Pair { row, .. }, Some(pairs)) => self.place_given(pairs, *row),
            _ => self.place(fields),
        }
    }

    /// The tokens of a prompt and of its slots, each of which must be one token of its own where the spec says so.
    pub fn place(&self, with: &impl Fill) -> Result<EncodedPrompt, Fault> {
        let (text, spans) = render(self.template, with);
        if let Some(start) = self.resolved.trimmed_from {
            let ends = start..text.len() - self.template.suffix.len();
            let message = text.get(ends).unwrap_or_default();
            if message.trim() != message {
                return Err(Reason::Trimmed.into());
            }
        }
        let encoding = self.tokenizer.encode(&text).map_err(|_| Reason::UnknownText)?;
        let offset = usize::from(self.bos.is_some());
        let mut slots = vec![None; self.template.places.len()];
        if spans.iter().any(|(_, span)| span.is_empty()) {
            return Err(Reason::BeyondList.into());
        }
        for (slot, span) in &spans {
            let tokens = slot_tokens(&encoding, &text, span);
            if self.resolved.single_words {
                let fault = |reason| {
                    let word = text.get(span.clone()).unwrap_or_default().to_string();
                    Fault { reason, word: matches!(slot, Slot::Word { .. }).then_some((*slot, word)) }
                };
                if tokens.count != 1 {
                    return Err(fault(Reason::Long(*slot)));
                }
                if !tokens.own {
                    return Err(fault(Reason::Shared(*slot)));
                }
            }
            if let Some(place) = self.template.places.iter().position(|(other, _)| other == slot) {
                slots[place] = Some(SlotTokens { first: tokens.first + offset, ..tokens });
            }
        }
        Ok(EncodedPrompt { text, encoding, slots })
    }

    /// A prompt in tokens, with its answer.
    pub fn tokenise(&self, id: u64, fields: &Fields) -> Result<Prompt, Fault> {
        self.tokenise_filled(id, fields, fields)
    }

    /// The same of a template that is filled with other than its fields at some places.
    pub fn tokenise_filled(&self, id: u64, fields: &Fields, with: &impl Fill) -> Result<Prompt, Fault> {
        if let Fields::Tokens(_) = fields {
            return self.prompt_in_tokens(id, fields);
        }
        if let (Fields::Pair { row, .. }, Some(pairs)) = (fields, self.resolved.pairs()) {
            return self.tokenise_given(pairs, id, fields, *row);
        }
        let EncodedPrompt { text, encoding: prompt, slots } = self.place(with)?;
        let completion = &self.resolved.completion;
        let answer_tokens = self.answer_tokens(&text, &prompt, completion, with).map_err(|reason| {
            let long = matches!((reason, fields), (Reason::AnswerLong, Fields::Words { .. }));
            Fault { reason, word: long.then(|| (Slot::Answer, written(completion, with))) }
        })?;
        let value = match fields {
            Fields::Calculation(calculation) => FieldValue::Integer(calculation.result),
            Fields::Words { .. } | Fields::Pair { .. } | Fields::Tokens(_) => {
                FieldValue::Text(Arc::from(written(completion, with)))
            }
        };
        let first = Accepted { value, tokens: answer_tokens };
        let (answers, wrong) = self.answer_sets(first, (fields, with), &text, &prompt)?;
        Ok(Prompt {
            id,
            template: self.template_index,
            group: self.group.clone(),
            fields: fields.clone(),
            answers,
            wrong,
            paired: None,
            tokens: self.bos.into_iter().chain(prompt.ids).collect(),
            text,
            slots,
            seed: None,
            number: None,
            correct: None,
        })
    }

    /// The same of one of many answers. What an answer is in tokens follows from the word that it comes after: prompts that end in the
    /// same one, in the same tokens, have it once.
    pub(super) fn one_of_many(
        &self,
        text: &str,
        prompt: &Encoding,
        completion: &Template,
        with: &impl Fill,
    ) -> Result<Vec<u32>, Reason> {
        let word = text.rfind(char::is_whitespace).filter(|&start| start > 0);
        let after = word.and_then(|start| prompt.offsets.iter().position(|&(first, _)| first >= start));
        // A token that holds part of the word before depends on what is before it.
        let apart = |token: &usize| {
            let before = token.checked_sub(1).and_then(|before| prompt.offsets.get(before));
            before.zip(word).is_some_and(|(&(_, end), start)| end <= start)
        };
        let Some(last) = after.filter(apart).and_then(|token| prompt.ids.get(token..)) else {
            return self.answer_tokens(text, prompt, completion, with);
        };
        let mut written = String::new();
        completion.render(with, &mut written);
        let key = (last.to_vec(), written);
        let found = || self.answers_after.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = found().get(&key).cloned() {
            return known;
        }
        let tokens = self.answer_tokens(text, prompt, completion, with);
        found().insert(key, tokens.clone());
        tokens
    }

    /// The tokens that follow the prompt's own when the answer follows its text.
    pub fn answer_tokens(
        &self,
        text: &str,
        prompt: &Encoding,
        completion: &Template,
        with: &impl Fill,
    ) -> Result<Vec<u32>, Reason> {
        let mut whole = text.to_string();
        let spans = completion.render(with, &mut whole);
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
pub(super) fn written(completion: &Template, with: &impl Fill) -> String {
    let mut text = String::new();
    completion.render(with, &mut text);
    text.trim().to_string()
}

/// A prompt's text, and the bytes of its slots.
pub(super) fn render(template: &NamedTemplate, with: impl Fill) -> (String, Vec<(Slot, Range<usize>)>) {
    let mut text = template.prefix.clone();
    let spans = template.template.render(with, &mut text);
    text.push_str(&template.suffix);
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
