//! What a chat template writes around a message: the same whatever the message is.

use super::{ChatError, ChatTemplate};
use crate::spec::ChatSettings;

/// Stands for a message: letters of the private area are in no template, and no method of Python changes them.
const MARK: &str = "\u{e000}message\u{e001}";

/// What is before and after a user's message in a chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatFrame {
    /// The text before it, the name of a beginning-of-text token in it where the template writes one.
    pub before: String,
    /// The text after it, and what the model's reply begins with.
    pub after: String,
    /// Whether spaces and line breaks at the message's ends are taken off.
    pub trims: bool,
}

impl ChatTemplate {
    /// What is around a message.
    ///
    /// # Errors
    /// As [`ChatTemplate::render`], and templates that do not write the message once as it is, but for spaces at its ends.
    pub fn frame(&self, settings: &ChatSettings) -> Result<ChatFrame, ChatError> {
        let changes = |what: String| ChatError::Changes { what };
        let bare = self.render(MARK, settings)?;
        let (before, after) = match bare.matches(MARK).count() {
            1 => bare.split_once(MARK).unwrap_or_default(),
            count => return Err(changes(format!("writes the user's message {count} times"))),
        };
        let padded = format!(" \n{MARK}\n ");
        let rendered = self.render(&padded, settings)?;
        let trims = rendered == bare;
        if !trims && rendered != format!("{before}{padded}{after}") {
            return Err(changes("changes spaces within the user's message".into()));
        }
        let after = format!("{after}{}", settings.prefill.as_deref().unwrap_or_default());
        Ok(ChatFrame { before: before.to_string(), after, trims })
    }
}
