//! Prompts that are written in tokens, with their answers.

use super::answers::{Accepted, AcceptedAnswers};
use super::dropped::{Fault, Reason};
use super::fields::{FieldValue, Fields};
use super::set::Prompt;
use super::source::PromptSource;
use super::stock::Stock;

impl Stock<'_> {
    /// A prompt of these tokens, of which the last is its answer.
    pub(super) fn prompt_in_tokens(&self, id: u64, fields: &Fields) -> Result<Prompt, Fault> {
        let (Fields::Tokens(tokens), PromptSource::Tokens(source)) = (fields, &self.resolved.source) else {
            return Err(Reason::UnknownText.into());
        };
        let Some((&answer, asked)) = tokens.split_last() else { return Err(Reason::UnknownAnswer.into()) };
        let text = self.tokenizer.decode(asked).map_err(|_| Reason::UnknownText)?;
        let spelled = self.tokenizer.token(answer).ok_or(Reason::UnknownAnswer)?;
        Ok(Prompt {
            id,
            template: self.template_index,
            group: self.group.clone(),
            fields: fields.clone(),
            answers: AcceptedAnswers::from(Accepted { value: FieldValue::Text(spelled.into()), tokens: vec![answer] }),
            wrong: Vec::new(),
            paired: None,
            tokens: self.bos.iter().chain(asked).copied().collect(),
            text,
            slots: source.slots(usize::from(self.bos.is_some())),
            seed: None,
            number: None,
            correct: None,
        })
    }
}
