//! The right and the wrong answers of a prompt from words, in tokens.

use super::answer_rule::{AnswerRule, WithWord};
use super::answers::{Accepted, AcceptedAnswers};
use super::dropped::{Fault, Reason};
use super::fields::{FieldValue, Fields};
use super::stock::{Stock, written};
use super::template::{Fill, Slot, Template};
use super::words::Lexicon;
use crate::model::tokenizer::Encoding;
use std::collections::HashSet;
use std::sync::Arc;

/// A prompt whose answers are looked for: its text, and the tokens of this alone.
#[derive(Clone, Copy)]
struct Asked<'p> {
    text: &'p str,
    prompt: &'p Encoding,
    /// Words of its slots.
    own: &'p [Arc<str>],
}

impl Stock<'_> {
    /// The right answers, of which `first` is the first, and the wrong ones: none where the spec says none. No wrong one may begin as a
    /// right one does.
    pub(super) fn answer_sets<F: Fill>(
        &self,
        first: Accepted,
        (fields, with): (&Fields, &F),
        text: &str,
        prompt: &Encoding,
    ) -> Result<(AcceptedAnswers, Vec<Accepted>), Fault> {
        let (Some(words), Fields::Words { words: own, .. }) = (self.resolved.words(), fields) else {
            return Ok((first.into(), Vec::new()));
        };
        let asked = Asked { text, prompt, own };
        let mut others = Vec::new();
        if let Some(rule) = &words.right {
            others = self.of_rule(rule, words, asked, with, Reason::AnswerLong)?;
            others.retain(|answer| answer.tokens != first.tokens);
        }
        let answers = AcceptedAnswers::new(first, others);
        let mut wrong = Vec::new();
        if let Some(contrast) = &words.contrast {
            wrong.push(self.answer_in_tokens(contrast, asked, with, Reason::Contrast)?);
        }
        if let Some(rule) = &words.wrong {
            let all = self.of_rule(rule, words, asked, with, Reason::Contrast)?;
            // Words of a list are wrong where they are not right; what is written out must be.
            let is_right = |answer: &Accepted| answers.iter().any(|one| one.tokens == answer.tokens);
            wrong
                .extend(all.into_iter().filter(|answer| matches!(rule, AnswerRule::Templates(_)) || !is_right(answer)));
            if wrong.is_empty() {
                return Err(Reason::NoWrong.into());
            }
        }
        answers.apart_from(&wrong)?;
        Ok((answers, wrong))
    }

    fn of_rule<F: Fill>(
        &self,
        rule: &AnswerRule,
        words: &Lexicon,
        asked: Asked,
        with: &F,
        reason: Reason,
    ) -> Result<Vec<Accepted>, Fault> {
        let mut all: Vec<Accepted> = Vec::new();
        match rule {
            AnswerRule::Templates(templates) => {
                for template in templates {
                    self.answer_in_tokens(template, asked, with, reason)?.join(&mut all);
                }
            }
            AnswerRule::Words { slot, .. } => {
                let mut seen = HashSet::new();
                for word in rule.words(words.lists(), asked.own).filter(|word| seen.insert(*word)) {
                    let with = WithWord { with, slot: *slot, word };
                    self.answer_in_tokens(&self.resolved.completion, asked, &with, reason)?.join(&mut all);
                }
            }
        }
        Ok(all)
    }

    /// An answer in tokens; `reason` where it has none, or more than one where one is asked for.
    fn answer_in_tokens(
        &self,
        template: &Template,
        asked: Asked,
        with: &impl Fill,
        reason: Reason,
    ) -> Result<Accepted, Fault> {
        let written = written(template, with);
        match self.one_of_many(asked.text, asked.prompt, template, with) {
            Ok(tokens) => Ok(Accepted { value: FieldValue::Text(Arc::from(written.as_str())), tokens }),
            Err(_) => Err(Fault { reason, word: Some((Slot::Answer, written)) }),
        }
    }
}
