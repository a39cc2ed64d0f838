//! Prompt sets as tidy tables.

use super::calculation::Calculation;
use super::dropped::Dropped;
use super::fields::{FieldValue, Fields, SlotColumns};
use super::set::{Prompt, PromptSet};
use crate::table::{ColumnInfo, ColumnSet, Holds, rows};
use polars::prelude::*;
use std::borrow::Cow;

impl PromptSet {
    /// One row per prompt.
    ///
    /// # Errors
    /// None of its own.
    pub fn to_frame(&self) -> PolarsResult<DataFrame> {
        SetColumns::frame(self.prompts.iter().map(|prompt| (prompt, self.template_name(prompt))))
    }

    /// What was not legal.
    ///
    /// # Errors
    /// None of its own.
    pub fn dropped_to_frame(&self) -> PolarsResult<DataFrame> {
        DroppedColumns::frame(&self.dropped)
    }
}

rows! {
    /// The prompts of a set, whose template has that name.
    pub(crate) SetColumns<'p>((prompt, template): (&'p Prompt, &'p str)) {
        template: String = template;
        operator: String = prompt.group.label();
        seed: Option<i64> = prompt.seed;
        number: Option<i64> = prompt.number, "The prompt's place in its draw, from 0.";
        id: i64 = prompt.id;
        asked: AskedColumns = *prompt;
        text: String = &prompt.text;
        tokens: String = joined(&prompt.tokens), "Ids of the prompt's tokens.";
        answer_tokens: String = joined(prompt.answer_tokens()), "Ids of the answer's tokens.";
        correct: Option<bool> = prompt.correct, "Whether the model's answer is right; null where it was not asked.";
    }

    /// Prompts that are not legal.
    pub(crate) DroppedColumns<'d>(row: &'d Dropped) {
        template: String = &row.template;
        operator: String = row.group.label();
        reason: String = row.why(), "Why prompts are not legal.";
        count: i64 = row.count, "How many prompts.";
        example: String = &row.example, "One of them.";
    }

    /// What names a prompt in rows.
    pub(crate) PromptColumns<'p>(prompt: &'p Prompt) {
        operator: String = prompt.group.label(), "The operator, as a spec writes it; `all` for all together (of probes).";
        seed: Option<i64> = prompt.seed, "Seed of the draw that the prompt is of.";
        id: i64 = prompt.id, "The prompt's number in the whole set of its template and operator: the same in every draw.";
        asked: AskedColumns = *prompt;
        text: String = &prompt.text, "The prompt's text.";
    }

    /// What prompts of arithmetic ask for.
    OperandColumns<'p>(one: &'p Calculation) {
        a: i64 = one.a, "First operand.";
        b: i64 = one.b, "Second operand.";
        answer: i64 = one.result, "The right answer.";
    }
}

/// What prompts ask for: their fields (`a` and `b`, or the word of each slot), `answer`, and `contrast` where they have one. Words that
/// are whole numbers throughout are numbers.
pub(crate) struct AskedColumns;

impl ColumnSet for AskedColumns {
    fn declared(name: &str, about: &'static str) -> Vec<ColumnInfo> {
        OperandColumns::declared(name, about)
    }
}

impl<'p> Holds<&'p Prompt> for AskedColumns {
    fn columns(name: &str, prompts: impl Iterator<Item = &'p Prompt>) -> Vec<Column> {
        let prompts: Vec<&Prompt> = prompts.collect();
        let slots = match prompts.first().map(|prompt| &prompt.fields) {
            Some(Fields::Words { columns, .. } | Fields::Pair { columns, .. }) => columns,
            Some(Fields::Tokens(_)) => return vec![answers("answer", &prompts)],
            Some(Fields::Calculation(_)) | None => {
                return OperandColumns::columns(name, prompts.into_iter().filter_map(Prompt::calculation));
            }
        };
        let slot = |(name, &whole): (&String, &bool)| column(name, whole, &prompts, |prompt| prompt.fields.get(name));
        let mut columns: Vec<Column> = slots.names.iter().zip(&slots.whole).map(slot).collect();
        columns.push(answers("answer", &prompts));
        if prompts.first().is_some_and(|prompt| !prompt.wrong.is_empty()) {
            columns.push(column("contrast", slots.whole_contrast, &prompts, |prompt| {
                prompt.contrast().map(|contrast| contrast.value.borrowed())
            }));
        }
        columns
    }
}

/// The answer of a prompt, a number or a text.
pub(crate) struct AnswerColumn;

impl ColumnSet for AnswerColumn {
    fn declared(name: &str, about: &'static str) -> Vec<ColumnInfo> {
        i64::declared(name, about)
    }
}

impl<'p> Holds<&'p Prompt> for AnswerColumn {
    fn columns(name: &str, prompts: impl Iterator<Item = &'p Prompt>) -> Vec<Column> {
        vec![answers(name, &prompts.collect::<Vec<_>>())]
    }
}

/// The answers of prompts: numbers or texts.
fn answers(name: &str, prompts: &[&Prompt]) -> Column {
    let whole = match prompts.first().map(|prompt| &prompt.fields) {
        Some(Fields::Words { columns, .. } | Fields::Pair { columns, .. }) => columns.whole_answer,
        Some(Fields::Tokens(_)) => false,
        Some(Fields::Calculation(_)) | None => true,
    };
    column(name, whole, prompts, |prompt| Some(prompt.answer().value.borrowed()))
}

/// A value of each prompt: a number where all are, else a text.
fn column<'p>(
    name: &str,
    whole: bool,
    prompts: &[&'p Prompt],
    value: impl Fn(&'p Prompt) -> Option<FieldValue<&'p str>>,
) -> Column {
    let values = prompts.iter().map(|prompt| value(prompt));
    let number = |value: Option<FieldValue<&str>>| match value? {
        FieldValue::Integer(number) => Some(number),
        FieldValue::Text(text) => text.parse::<i64>().ok(),
    };
    let text = |value: Option<FieldValue<&'p str>>| match value? {
        FieldValue::Integer(number) => Some(Cow::from(number.to_string())),
        FieldValue::Text(text) => Some(Cow::from(text)),
    };
    match whole {
        true => Column::new(name.into(), values.map(number).collect::<Vec<_>>()),
        false => Column::new(name.into(), values.map(text).collect::<Vec<_>>()),
    }
}

/// The frame of a step without rows as it is on prompts that are not of arithmetic: the slots in place of `a` and `b`, answers that are
/// texts or whole numbers, those of counterfactual prompts as `other_answer` says.
///
/// # Errors
/// None of its own.
pub(crate) fn of_words(
    frame: DataFrame,
    slots: &SlotColumns,
    has_contrast: bool,
    other_answer: bool,
) -> PolarsResult<DataFrame> {
    let empty = |name: &str, whole: bool| column(name, whole, &[], |_| None);
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    let has_operands = names.contains(&"a") && names.contains(&"b");
    let mut columns = Vec::new();
    for column in frame.columns() {
        match column.name().as_str() {
            "a" if has_operands => {
                columns.extend(slots.names.iter().zip(&slots.whole).map(|(slot, &whole)| empty(slot, whole)));
            }
            "b" if has_operands => {}
            "answer" => {
                columns.push(empty("answer", slots.whole_answer));
                if has_operands && has_contrast {
                    columns.push(empty("contrast", slots.whole_contrast));
                }
            }
            "other_answer" => columns.push(empty("other_answer", other_answer)),
            _ => columns.push(column.clone()),
        }
    }
    DataFrame::new(0, columns)
}

/// Token ids in one cell.
pub(crate) fn joined(tokens: &[u32]) -> String {
    tokens.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}
