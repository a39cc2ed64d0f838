//! A prompt set as one model writes it: what depends on the model's tokenizer and not on any one prompt.

use super::error::PromptError;
use super::resolved::ResolvedPrompts;
use super::source::PromptSource;
use crate::model::tokenizer::Tokenizer;
use std::borrow::Cow;

/// Who says whether prompts begin with the beginning-of-text token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Begins {
    /// The tokenizer.
    #[default]
    AsTokenizer,
    /// The prompts themselves, which have it.
    With,
    /// The prompts themselves, which do not have it.
    Without,
}

impl ResolvedPrompts {
    /// The prompts as the model of a tokenizer has them.
    ///
    /// # Errors
    /// Tokens that the model does not have.
    pub(super) fn in_model(&self, tokenizer: &Tokenizer) -> Result<Cow<'_, Self>, PromptError> {
        if let PromptSource::Pairs(pairs) = &self.source {
            if let Some(id) = pairs.tokens().find(|id| tokenizer.token(*id).is_none()) {
                return Err(PromptError::NoToken { id, tokenizer: tokenizer.description() });
            }
            let begins = match pairs.begin_with(tokenizer.bos()) {
                None => return Ok(Cow::Borrowed(self)),
                Some(true) => Begins::With,
                Some(false) => Begins::Without,
            };
            return Ok(Cow::Owned(Self { begins, ..self.clone() }));
        }
        let PromptSource::Tokens(source) = &self.source else { return Ok(Cow::Borrowed(self)) };
        let source = source.of(tokenizer)?;
        let begins = match &source {
            super::TokenSource::Random(_) => Begins::AsTokenizer,
            given if given.begins_with(tokenizer.bos()) => Begins::With,
            super::TokenSource::Given(_) => Begins::Without,
        };
        Ok(Cow::Owned(Self { source: PromptSource::Tokens(source), begins, ..self.clone() }))
    }

    /// The beginning-of-text token that is put before each prompt; `wanted` overrides whether there is one.
    ///
    /// # Errors
    /// One is wanted and the tokenizer has none.
    pub(super) fn bos_before(&self, tokenizer: &Tokenizer, wanted: Option<bool>) -> Result<Option<u32>, PromptError> {
        let puts = match self.begins {
            Begins::AsTokenizer => wanted.unwrap_or(tokenizer.adds_bos()),
            Begins::With => false,
            Begins::Without => wanted == Some(true),
        };
        puts.then(|| tokenizer.bos().ok_or(PromptError::NoBos)).transpose()
    }

    /// The beginning-of-text token that each prompt has, by itself or because it is put there.
    pub(super) fn bos_of_each(&self, tokenizer: &Tokenizer, before: Option<u32>) -> Option<u32> {
        before.or_else(|| tokenizer.bos().filter(|_| self.begins == Begins::With))
    }
}
