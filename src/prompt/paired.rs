//! Prompts that are given one by one, in one model's tokens: each as it is, with its answers and its corrupted prompt.

use super::answers::{Accepted, AcceptedAnswers};
use super::dropped::{Fault, Reason};
use super::fields::{FieldValue, Fields};
use super::pair_list::{GivenAnswers, GivenPrompt, PairList, PairedTexts, completed};
use super::set::{Prompt, SlotTokens};
use super::stock::{EncodedPrompt, Stock, slot_tokens};
use super::template::Slot;
use crate::model::tokenizer::Encoding;
use crate::spec::Answer;
use std::sync::Arc;

impl Stock<'_> {
    /// The prompt of a row, in tokens.
    pub(super) fn place_given(&self, pairs: &PairList, row: usize) -> Result<EncodedPrompt, Fault> {
        let given = pairs.rows.get(row).ok_or(Reason::Alike)?;
        let (text, encoding) = self.given(&given.clean)?;
        let slots = given.spans.iter().map(|span| self.placed(&given.clean, &text, &encoding, *span)).collect();
        Ok(EncodedPrompt { text, encoding, slots })
    }

    /// The prompt of a row with its answers, and with its corrupted prompt where there is one.
    pub(super) fn tokenise_given(
        &self,
        pairs: &PairList,
        id: u64,
        fields: &Fields,
        row: usize,
    ) -> Result<Prompt, Fault> {
        let EncodedPrompt { text, encoding, slots } = self.place_given(pairs, row)?;
        let given = pairs.rows.get(row).ok_or(Reason::Alike)?;
        let answers = self.accepted(&given.answers, &text, &encoding, Reason::AnswerLong)?;
        let wrong = match &given.wrong {
            Some(wrong) => self.accepted(wrong, &text, &encoding, Reason::Contrast)?,
            None => Vec::new(),
        };
        let clean = self.prompt_of(id, fields.clone(), (text, encoding, slots), answers, wrong)?;
        let paired = self.corrupted(pairs, given, &clean)?.map(Arc::new);
        Ok(Prompt { paired, ..clean })
    }

    /// The corrupted prompt of a row. Its places are the tokens that those of the clean prompt are.
    fn corrupted(&self, pairs: &PairList, given: &PairedTexts, clean: &Prompt) -> Result<Option<Prompt>, Fault> {
        let Some(corrupted) = &given.corrupted else { return Ok(None) };
        let (text, encoding) = self.given(corrupted)?;
        let answers = match &given.corrupted_answers {
            Some(answers) => self.accepted(answers, &text, &encoding, Reason::AnswerLong)?,
            // What the clean prompt is compared with; nothing else is known of it.
            None if !clean.wrong.is_empty() => clean.wrong.clone(),
            None => clean.answers.iter().cloned().collect(),
        };
        let fields =
            Fields::Pair { columns: pairs.other_columns.clone(), words: given.words.clone(), row: clean.id as usize };
        let slots = clean.slots.clone();
        self.prompt_of(clean.id, fields, (text, encoding, slots), answers, Vec::new()).map(Some)
    }

    fn prompt_of(
        &self,
        id: u64,
        fields: Fields,
        (text, encoding, slots): (String, Encoding, Vec<Option<SlotTokens>>),
        answers: Vec<Accepted>,
        wrong: Vec<Accepted>,
    ) -> Result<Prompt, Fault> {
        let mut answers = answers.into_iter();
        let first = answers.next().ok_or(Reason::UnknownAnswer)?;
        let answers = AcceptedAnswers::new(first, answers.collect());
        answers.apart_from(&wrong)?;
        Ok(Prompt {
            id,
            template: self.template_index,
            group: self.group.clone(),
            fields,
            answers,
            wrong,
            paired: None,
            tokens: self.bos.into_iter().chain(encoding.ids).collect(),
            text,
            slots,
            seed: None,
            number: None,
            correct: None,
        })
    }

    /// A prompt's text and its tokens; of tokens that are given, the text that they stand for.
    fn given(&self, given: &GivenPrompt) -> Result<(String, Encoding), Fault> {
        match given {
            GivenPrompt::Text(text) => {
                let message = if self.resolved.trimmed_from.is_some() { text.trim() } else { text };
                let text = format!("{}{message}{}", self.template.prefix, self.template.suffix);
                let encoding = self.tokenizer.encode(&text).map_err(|_| Reason::UnknownText)?;
                match encoding.ids.is_empty() && self.bos.is_none() {
                    true => Err(Reason::UnknownText.into()),
                    false => Ok((text, encoding)),
                }
            }
            GivenPrompt::Tokens(ids) => {
                let text = self.tokenizer.decode(ids).map_err(|_| Reason::UnknownText)?;
                Ok((text, Encoding { ids: ids.clone(), ..Encoding::default() }))
            }
        }
    }

    /// The tokens of a place that is given.
    fn placed(
        &self,
        given: &GivenPrompt,
        text: &str,
        encoding: &Encoding,
        (start, end): (usize, usize),
    ) -> Option<SlotTokens> {
        let offset = usize::from(self.bos.is_some());
        let tokens = match given {
            GivenPrompt::Tokens(_) if end > encoding.ids.len() => return None,
            GivenPrompt::Tokens(_) => SlotTokens { first: start, count: end - start, own: true },
            GivenPrompt::Text(own) => {
                // A chat has characters before the prompt, and may take off its first ones.
                let before = self.template.prefix.chars().count();
                let taken_off = if self.resolved.trimmed_from.is_some() {
                    own.chars().take_while(|c| c.is_whitespace()).count()
                } else {
                    0
                };
                let byte = |character: usize| {
                    let mut all = text.char_indices().map(|(at, _)| at).chain([text.len()]);
                    all.nth((before + character).saturating_sub(taken_off))
                };
                slot_tokens(encoding, text, &(byte(start)?..byte(end)?))
            }
        };
        Some(SlotTokens { first: tokens.first + offset, ..tokens })
    }

    /// Answers in tokens, each once.
    fn accepted(
        &self,
        given: &GivenAnswers,
        text: &str,
        prompt: &Encoding,
        long: Reason,
    ) -> Result<Vec<Accepted>, Fault> {
        let mut accepted: Vec<Accepted> = Vec::new();
        match given {
            GivenAnswers::Texts(texts) => {
                for answer in texts {
                    let written = completed(&self.resolved.completion, answer);
                    let fault = |reason| Fault { reason, word: Some((Slot::Answer, answer.to_string())) };
                    let tokens = self.after(text, prompt, &written).map_err(fault)?;
                    if self.resolved.answer == Answer::SingleToken && tokens.len() != 1 {
                        return Err(fault(long));
                    }
                    Accepted { value: value(answer), tokens }.join(&mut accepted);
                }
            }
            GivenAnswers::Tokens(ids) => {
                for id in ids {
                    let text = self.tokenizer.decode(&[*id]).unwrap_or_default();
                    Accepted { value: value(&text), tokens: vec![*id] }.join(&mut accepted);
                }
            }
        }
        Ok(accepted)
    }

    /// The tokens that follow a prompt's own when a text follows it.
    fn after(&self, text: &str, prompt: &Encoding, written: &str) -> Result<Vec<u32>, Reason> {
        let whole = self.tokenizer.encode(&format!("{text}{written}")).map_err(|_| Reason::UnknownAnswer)?;
        match whole.ids.split_at_checked(prompt.ids.len()) {
            Some((start, rest)) if start == prompt.ids && !rest.is_empty() => Ok(rest.to_vec()),
            _ => Err(Reason::Merges),
        }
    }
}

/// An answer as rows have it: without spaces around it, unless it is nothing else.
fn value(answer: &str) -> FieldValue {
    let trimmed = answer.trim();
    FieldValue::Text(Arc::from(if trimmed.is_empty() { answer } else { trimmed }))
}
