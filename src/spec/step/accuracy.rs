//! `kind = "accuracy"`.

use super::fields::step;
use super::relations::relations;

step! {
    /// Share of prompts that the model answers correctly, with its interval.
    ///
    /// Per model, checkpoint, template and operator; by the answer's first token and, where answers have several, by all of them.
    ///
    /// Formula: rate = correct / n; `ci_low` and `ci_high` are its 95 % Wilson interval.
    ///
    /// Source: paper appendix H, table 3; Wilson 1927, Probable inference, the law of succession, and statistical inference.
    ///
    /// Limits: the interval is over prompts as if drawn at random; of all prompts there are (no `sample`) it says nothing more than the rate.
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
