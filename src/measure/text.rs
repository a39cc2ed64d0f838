//! What is measured of texts that a model writes.

/// A measure of a text that a model wrote after a prompt; of several texts of one prompt, their mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextMeasure {
    /// How probable the text's tokens are under the run that wrote them.
    ///
    /// Formula: the mean over the tokens of ln P(token | all before it), at temperature 1, the token that ends the text included.
    ///
    /// Source: the logarithm of one over the perplexity (Jelinek et al. 1977), of the run that wrote the text.
    LogProbability,
    /// How probable the text's tokens are for the model as it is.
    ///
    /// Formula: the mean over the tokens of ln P(token | all before it) of a run without edits on the prompt and the text.
    ///
    /// Source: the logarithm of one over the perplexity (Jelinek et al. 1977), of the model as it is.
    ///
    /// Limits: a text that says one thing over and over is probable: a high value does not mean good language.
    CleanLogProbability,
    /// Whether the edit makes another text.
    ///
    /// Formula: 1 where the text is not that of the same number without edits, else 0.
    ///
    /// Source: by definition.
    Changed,
    /// Whether the text is the answer.
    ///
    /// Formula: 1 where the text, without spaces around it, is an answer of the prompt that counts as right, else 0.
    ///
    /// Source: exact match, as in Rajpurkar et al. 2016 (arXiv 1606.05250), with spaces and letters as they are.
    ExactAnswer,
    /// How long the text is.
    ///
    /// Formula: how many tokens it has, the one that ends it included.
    ///
    /// Source: by definition.
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
