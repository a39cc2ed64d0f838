//! `kind = "accuracy"`.

use super::fields::step;
use super::relations::relations;

step! {
    /// Share of prompts that the model answers correctly, with its interval.
    ///
    /// There is a row for each model, checkpoint, template and operator. It is about the answer's first token; if
    /// answers have several tokens, a second row is about the whole answer.
    ///
    /// Formula: rate = correct / n; `ci_low` and `ci_high` are its 95 % Wilson interval.
    ///
    /// Source: paper appendix H, table 3; Wilson 1927, Probable inference, the law of succession, and statistical inference.
    ///
    /// Limits: the interval treats the prompts as drawn at random. Without `sample` they are all the prompts there are,
    /// and it says no more than the rate.
    ///
    /// ```toml
    /// [[step]]
    /// name = "accuracy"
    /// kind = "accuracy"
    /// ```
    Accuracy {
        /// Also keep a row per prompt, with the answer the model gave: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
    }
}

relations! { Accuracy |_step| }
