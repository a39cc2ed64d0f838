//! Whether prompts begin with the beginning-of-text token.

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
