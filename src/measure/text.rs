//! What is measured of texts that a model writes.

/// A measure of a text that a model wrote after a prompt; of several texts of one prompt, their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextMeasure {
    /// How probable the text's tokens are under the run that wrote them.
    ///
    /// Formula: the mean over the tokens of ln P(token | all before it), at temperature 1, the token that ends the text included.
    LogProbability,
    /// How probable the text's tokens are for the model as it is.
    ///
    /// Formula: the mean over the tokens of ln P(token | all before it) of a run without edits on the prompt and the text.
    ///
    /// Limits: a text that says one thing over and over is probable: a high value does not mean good language.
    CleanLogProbability,
    /// 1 where the text is not that of the same number without edits, else 0.
    Changed,
    /// 1 where the text, without spaces around it, is an answer of the prompt that counts as right, else 0.
    ExactAnswer,
    /// How many tokens the text has, the one that ends it included.
    Tokens,
}

impl TextMeasure {
    /// All of them, as specs and rows write them.
    pub const NAMES: &[&str] = &["log-probability", "clean-log-probability", "changed", "exact-answer", "tokens"];

    /// As a spec writes it.
    pub fn name(self) -> &'static str {
        match self {
            TextMeasure::LogProbability => "log-probability",
            TextMeasure::CleanLogProbability => "clean-log-probability",
            TextMeasure::Changed => "changed",
            TextMeasure::ExactAnswer => "exact-answer",
            TextMeasure::Tokens => "tokens",
        }
    }
}
