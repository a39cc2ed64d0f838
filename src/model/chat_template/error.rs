//! What can be wrong with a chat template, or with what a spec asks of it.

/// Why prompts cannot be messages of a chat.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    /// The model's files have none.
    #[error(
        "this model has no chat template (chat_template.jinja, or chat_template in tokenizer_config.json; in a GGUF file \
         tokenizer.chat_template); write chat = false, or take a model that was trained on chats"
    )]
    Missing,
    /// It cannot be read, or fails.
    #[error(
        "the model's chat template cannot be evaluated: {problem}; write chat = false, and write the chat's text into the template"
    )]
    Malformed {
        /// What is wrong, with its line.
        problem: String,
    },
    /// It refuses the chat by itself.
    #[error("the model's chat template refuses the chat: {message}; {}", if *.has_system { "leave out chat.system" } else { "write chat = false" })]
    Refused {
        /// What it says.
        message: String,
        /// Whether the chat has a system's message.
        has_system: bool,
    },
    /// Prompts that have no text.
    #[error("prompts that are given as tokens cannot be messages of a chat; leave chat out, or give their texts")]
    OfTokens,
    /// It writes the day.
    #[error(
        "the model's chat template writes today's date, so that prompts would change from day to day; write a fixed day: chat = \
         {{ date = \"2024-07-26\" }}"
    )]
    NoDate,
    /// It changes messages.
    #[error(
        "the model's chat template {what}, so that the prompt cannot be found in it; write chat = false, and write the chat's text into \
         the template"
    )]
    Changes {
        /// What it does with them.
        what: String,
    },
}
