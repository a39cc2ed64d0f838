//! Prompt sets as tidy tables.

use super::set::{Prompt, PromptSet, Wording};
use super::words::Words;
use crate::table::whole;
use polars::prelude::*;

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
        whole(first.hstack(content(&prompts)?.columns())?.hstack(last.columns())?)
    }

    /// What was not legal: `template`, `operator`, `reason`, `count`, `example`.
    ///
    /// # Errors
    /// None of its own.
    pub fn dropped_to_frame(&self) -> PolarsResult<DataFrame> {
        let rows = &self.dropped;
        whole(df!(
            "template" => rows.iter().map(|row| row.template.as_str()).collect::<Vec<_>>(),
            "operator" => rows.iter().map(|row| row.operator).collect::<Vec<_>>(),
            "reason" => rows.iter().map(super::Dropped::why).collect::<Vec<_>>(),
            "count" => rows.iter().map(|row| row.count as u64).collect::<Vec<_>>(),
            "example" => rows.iter().map(|row| row.example.as_str()).collect::<Vec<_>>(),
        )?)
    }
}

/// What prompts ask for: `a`, `b`, `answer`; or the word of each slot, `answer`, and `contrast` where they have one. Words that are
/// whole numbers throughout are numbers.
///
/// # Errors
/// None of its own.
pub(crate) fn content(prompts: &[&Prompt]) -> PolarsResult<DataFrame> {
    let Some(Wording { names, whole, contrast, .. }) = prompts.first().and_then(|prompt| prompt.words.as_ref()) else {
        return df!(
            "a" => each(prompts, |prompt| prompt.a),
            "b" => each(prompts, |prompt| prompt.b),
            "answer" => each(prompts, |prompt| prompt.answer),
        );
    };
    let slots = names.iter().zip(&whole.slots).enumerate();
    let mut columns: Vec<Column> = slots
        .map(|(slot, (name, &whole))| {
            column(name, whole, prompts, |wording| wording.words.get(slot).map(|word| &**word))
        })
        .collect();
    columns.push(answers("answer", prompts));
    if contrast.is_some() {
        columns.push(column("contrast", whole.contrast, prompts, |wording| {
            wording.contrast.as_ref().map(|contrast| &*contrast.text)
        }));
    }
    DataFrame::new(prompts.len(), columns)
}

/// The answers of prompts: numbers or texts.
pub(crate) fn answers(name: &str, prompts: &[&Prompt]) -> Column {
    match prompts.first().and_then(|prompt| prompt.words.as_ref()) {
        Some(words) => column(name, words.whole.answer, prompts, |wording| Some(&*wording.answer)),
        None => Column::new(name.into(), each(prompts, |prompt| prompt.answer)),
    }
}

/// A text of each prompt, as a number where all are.
fn column(name: &str, whole: bool, prompts: &[&Prompt], text: impl Fn(&Wording) -> Option<&str>) -> Column {
    let texts = prompts.iter().map(|prompt| prompt.words.as_ref().and_then(&text));
    match whole {
        true => Column::new(name.into(), texts.map(|text| text?.parse::<i64>().ok()).collect::<Vec<_>>()),
        false => Column::new(name.into(), texts.collect::<Vec<_>>()),
    }
}

/// The frame of a step without rows as it is on prompts of words: the slots in place of `a` and `b`, answers that are texts or
/// whole numbers, those of counterfactual prompts as `other_answer` says.
///
/// # Errors
/// None of its own.
pub(crate) fn of_words(frame: DataFrame, words: &Words, other_answer: bool) -> PolarsResult<DataFrame> {
    let empty = |name: &str, whole: bool| column(name, whole, &[], |_| None);
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    let has_operands = names.contains(&"a") && names.contains(&"b");
    let whole = &words.whole;
    let mut columns = Vec::new();
    for column in frame.columns() {
        match column.name().as_str() {
            "a" if has_operands => {
                columns.extend(words.names.iter().zip(&whole.slots).map(|(slot, &whole)| empty(slot, whole)));
            }
            "b" if has_operands => {}
            "answer" => {
                columns.push(empty("answer", whole.answer));
                if has_operands && words.contrast.is_some() {
                    columns.push(empty("contrast", whole.contrast));
                }
            }
            "other_answer" => columns.push(empty("other_answer", other_answer)),
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
