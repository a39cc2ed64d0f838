use super::fields::step;

step! {
    /// Accuracy per model, checkpoint, template and operator (paper appendix H, table 3): rate, count and 95 % Wilson interval.
    Accuracy {
        /// Also keep a row per prompt, with the answer the model gave: table `NAME.prompts`.
        #[serde(default)]
        per_prompt: bool,
    }
}
