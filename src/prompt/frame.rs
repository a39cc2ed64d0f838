//! Prompt sets as tidy tables.

use super::set::{Prompt, PromptSet};
use polars::prelude::*;

impl PromptSet {
    /// One row per prompt: `template`, `operator`, `seed` and `number` (null when nothing was drawn), `id`, `a`, `b`,
    /// `answer`, `text`, `tokens` and `answer_tokens` (ids with spaces between), `correct` (null when the model was not
    /// asked).
    ///
    /// # Errors
    /// None of its own.
    pub fn to_frame(&self) -> PolarsResult<DataFrame> {
        let prompts = &self.prompts;
        df!(
            "template" => each(prompts, |prompt| self.template_name(prompt)),
            "operator" => each(prompts, |prompt| prompt.operator.symbol),
            "seed" => each(prompts, |prompt| prompt.seed),
            "number" => each(prompts, |prompt| prompt.number.map(|number| number as u64)),
            "id" => each(prompts, |prompt| prompt.id),
            "a" => each(prompts, |prompt| prompt.a),
            "b" => each(prompts, |prompt| prompt.b),
            "answer" => each(prompts, |prompt| prompt.answer),
            "text" => each(prompts, |prompt| prompt.text.as_str()),
            "tokens" => each(prompts, |prompt| joined(&prompt.tokens)),
            "answer_tokens" => each(prompts, |prompt| joined(&prompt.answer_tokens)),
            "correct" => each(prompts, |prompt| prompt.correct),
        )
    }

    /// What was not legal: `template`, `operator`, `reason`, `count`, `example`.
    ///
    /// # Errors
    /// None of its own.
    pub fn dropped_to_frame(&self) -> PolarsResult<DataFrame> {
        let rows = &self.dropped;
        df!(
            "template" => rows.iter().map(|row| row.template.as_str()).collect::<Vec<_>>(),
            "operator" => rows.iter().map(|row| row.operator).collect::<Vec<_>>(),
            "reason" => rows.iter().map(|row| row.reason.text()).collect::<Vec<_>>(),
            "count" => rows.iter().map(|row| row.count as u64).collect::<Vec<_>>(),
            "example" => rows.iter().map(|row| row.example.as_str()).collect::<Vec<_>>(),
        )
    }
}

fn each<'a, T>(prompts: &'a [Prompt], value: impl Fn(&'a Prompt) -> T) -> Vec<T> {
    prompts.iter().map(value).collect()
}

/// Token ids in one cell.
pub(crate) fn joined(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
