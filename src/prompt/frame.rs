//! Prompt sets as tidy tables.

use super::set::{Prompt, PromptSet, Wording};
use polars::prelude::*;
use std::sync::Arc;

impl PromptSet {
    /// One row per prompt: `template`, `operator`, `seed` and `number` (null when nothing was drawn), `id`, `a`, `b` and `answer`, or
    /// each slot's word, `answer` and `contrast`; `text`, `tokens` and `answer_tokens` (ids with spaces between), `correct` (null when
    /// the model was not asked).
    ///
    /// # Errors
    /// None of its own.
    pub fn to_frame(&self) -> PolarsResult<DataFrame> {
        let prompts: Vec<&Prompt> = self.prompts.iter().collect();
        let first = df!(
            "template" => each(&prompts, |prompt| self.template_name(prompt)),
            "operator" => each(&prompts, |prompt| prompt.operator.symbol),
            "seed" => each(&prompts, |prompt| prompt.seed),
            "number" => each(&prompts, |prompt| prompt.number.map(|number| number as u64)),
            "id" => each(&prompts, |prompt| prompt.id),
        )?;
        let last = df!(
            "text" => each(&prompts, |prompt| prompt.text.as_str()),
            "tokens" => each(&prompts, |prompt| joined(&prompt.tokens)),
            "answer_tokens" => each(&prompts, |prompt| joined(&prompt.answer_tokens)),
            "correct" => each(&prompts, |prompt| prompt.correct),
        )?;
        first.hstack(content(&prompts)?.columns())?.hstack(last.columns())
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
            "reason" => rows.iter().map(super::Dropped::why).collect::<Vec<_>>(),
            "count" => rows.iter().map(|row| row.count as u64).collect::<Vec<_>>(),
            "example" => rows.iter().map(|row| row.example.as_str()).collect::<Vec<_>>(),
        )
    }
}

/// What prompts ask for: `a`, `b`, `answer`; or the word of each slot, `answer`, and `contrast` where they have one.
///
/// # Errors
/// None of its own.
pub(crate) fn content(prompts: &[&Prompt]) -> PolarsResult<DataFrame> {
    let Some(Wording { names, contrast, .. }) = prompts.first().and_then(|prompt| prompt.words.as_ref()) else {
        return df!(
            "a" => each(prompts, |prompt| prompt.a),
            "b" => each(prompts, |prompt| prompt.b),
            "answer" => each(prompts, |prompt| prompt.answer),
        );
    };
    let of = |value: &dyn Fn(&Wording) -> Option<Arc<str>>| -> Vec<Option<String>> {
        each(prompts, |prompt| prompt.words.as_ref().and_then(value).map(|text| text.to_string()))
    };
    let word = |(slot, name): (usize, &String)| {
        Column::new(name.as_str().into(), of(&|wording| wording.words.get(slot).cloned()))
    };
    let mut columns: Vec<Column> = names.iter().enumerate().map(word).collect();
    columns.push(answers("answer", prompts));
    if contrast.is_some() {
        let text = |wording: &Wording| wording.contrast.as_ref().map(|contrast| contrast.text.clone());
        columns.push(Column::new("contrast".into(), of(&text)));
    }
    DataFrame::new(prompts.len(), columns)
}

/// The answers of prompts: numbers or texts.
pub(crate) fn answers(column: &str, prompts: &[&Prompt]) -> Column {
    match prompts.first().is_some_and(|prompt| prompt.words.is_some()) {
        true => {
            let answer = |prompt: &Prompt| prompt.words.as_ref().map(|words| words.answer.to_string());
            Column::new(column.into(), each(prompts, answer))
        }
        false => Column::new(column.into(), each(prompts, |prompt| prompt.answer)),
    }
}

/// The frame of a step without rows as it is on prompts of words: the slots in place of `a` and `b`, answers that are texts.
///
/// # Errors
/// None of its own.
pub(crate) fn of_words(frame: DataFrame, slots: &[String], contrast: bool) -> PolarsResult<DataFrame> {
    let text = |name: &str| Column::new(name.into(), Vec::<String>::new());
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    let has_operands = names.contains(&"a") && names.contains(&"b");
    let mut columns = Vec::new();
    for column in frame.columns() {
        match column.name().as_str() {
            "a" if has_operands => columns.extend(slots.iter().map(|slot| text(slot))),
            "b" if has_operands => {}
            "answer" => {
                columns.push(text("answer"));
                if has_operands && contrast {
                    columns.push(text("contrast"));
                }
            }
            "other_answer" => columns.push(text("other_answer")),
            _ => columns.push(column.clone()),
        }
    }
    DataFrame::new(0, columns)
}

fn each<'a, T>(prompts: &[&'a Prompt], value: impl Fn(&'a Prompt) -> T) -> Vec<T> {
    prompts.iter().copied().map(value).collect()
}

/// Token ids in one cell.
pub(crate) fn joined(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
