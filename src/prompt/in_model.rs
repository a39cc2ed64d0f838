//! A prompt set as one model writes it: what depends on the model's tokenizer and not on any one prompt.

use super::begins::Begins;
use super::error::PromptError;
use super::resolved::{NamedTemplate, ResolvedPrompts};
use super::source::PromptSource;
use super::tokens::{TokenSource, known};
use crate::model::chat_template::{ChatError, ChatFrame};
use crate::model::tokenizer::Tokenizer;
use crate::spec::ChatSettings;
use std::borrow::Cow;

impl ResolvedPrompts {
    /// The prompts as the model of a tokenizer has them; `bos` overrides whether there is a beginning-of-text token.
    ///
    /// # Errors
    /// Tokens that the model does not have, and chats that it cannot be written.
    pub(super) fn in_model(&self, tokenizer: &Tokenizer, bos: Option<bool>) -> Result<Cow<'_, Self>, PromptError> {
        match (&self.source, &self.chat) {
            (PromptSource::Tokens(source), _) => {
                let source = source.of(tokenizer)?;
                let begins = match &source {
                    TokenSource::Random(_) => Begins::AsTokenizer,
                    given if given.begins_with(tokenizer.bos()) => Begins::With,
                    TokenSource::Given(_) => Begins::Without,
                };
                Ok(Cow::Owned(Self { source: PromptSource::Tokens(source), begins, ..self.clone() }))
            }
            (PromptSource::Pairs(pairs), chat) => {
                known(pairs.tokens(), tokenizer)?;
                match (pairs.begin_with(tokenizer.bos()), chat) {
                    (Some(_), Some(_)) => Err(ChatError::OfTokens.into()),
                    (Some(true), None) => Ok(Cow::Owned(Self { begins: Begins::With, ..self.clone() })),
                    (Some(false), None) => Ok(Cow::Owned(Self { begins: Begins::Without, ..self.clone() })),
                    (None, Some(chat)) => self.as_messages(chat, tokenizer, bos),
                    (None, None) => Ok(Cow::Borrowed(self)),
                }
            }
            (_, Some(chat)) => self.as_messages(chat, tokenizer, bos),
            (_, None) => Ok(Cow::Borrowed(self)),
        }
    }

    fn as_messages(
        &self,
        chat: &ChatSettings,
        tokenizer: &Tokenizer,
        bos: Option<bool>,
    ) -> Result<Cow<'_, Self>, PromptError> {
        let template = tokenizer.chat_template().ok_or(ChatError::Missing)?;
        Ok(Cow::Owned(self.in_chat(template.frame(chat)?, tokenizer, bos)))
    }

    /// The prompts with a chat around each. Whether it begins with the beginning-of-text token is the template's to say: the tokenizer
    /// puts none before it.
    fn in_chat(&self, frame: ChatFrame, tokenizer: &Tokenizer, bos: Option<bool>) -> Self {
        let ChatFrame { before, after, trims } = frame;
        let token = tokenizer.bos().and_then(|id| tokenizer.token(id)).filter(|token| !token.is_empty());
        let (before, begins) = match token.and_then(|token| before.strip_prefix(&token)) {
            Some(rest) if bos == Some(false) => (rest, Begins::Without),
            Some(_) => (before.as_str(), Begins::With),
            None => (before.as_str(), Begins::Without),
        };
        let around = |template: &NamedTemplate| {
            let shots = if trims { template.prefix.trim_start() } else { &template.prefix };
            let own = &template.template;
            NamedTemplate {
                template: if trims { own.trimmed(shots.is_empty()) } else { own.clone() },
                prefix: format!("{before}{shots}"),
                suffix: after.clone(),
                ..template.clone()
            }
        };
        let trimmed_from = trims.then_some(before.len());
        Self { templates: self.templates.iter().map(around).collect(), begins, trimmed_from, ..self.clone() }
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
