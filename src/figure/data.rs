//! From rows to what a figure shows: places on axes, and means of the rows that fall on one place.

use crate::spec::expression::{Transform, ValueExpression, parse_value};
use crate::table::palette::{self, Palette};
use crate::table::{self, TableProblem};
use polars::prelude::*;
use std::collections::BTreeMap;

/// Different values of a column, in the order in which they are shown: numbers ascending, labels that have
/// an order in theirs, other text as first seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Categories {
    /// What is written for each.
    pub labels: Vec<String>,
    /// The numbers they are, where the column holds numbers.
    pub numbers: Option<Vec<f64>>,
}

impl Categories {
    /// The categories of a column, and for each row the place of its own (none for a null or a NaN).
    pub fn of(column: &Column) -> Result<(Self, Vec<Option<usize>>), TableProblem> {
        if column.dtype().is_primitive_numeric() {
            let values = numbers(column)?;
            let numbers = ascending(&values);
            let place = |value: f64| numbers.binary_search_by(|other| other.total_cmp(&value)).ok();
            let places = values.iter().map(|value| value.and_then(|value| place(value + 0.0))).collect();
            let labels = super::number::numbers(&numbers);
            return Ok((Self { labels, numbers: Some(numbers) }, places));
        }
        let mut labels: Vec<String> = Vec::new();
        let mut known = BTreeMap::new();
        let mut places = Vec::with_capacity(column.len());
        let nulls = column.is_null();
        for (row, null) in nulls.iter().enumerate() {
            if null == Some(true) {
                places.push(None);
                continue;
            }
            let text = table::plain(column, row);
            let next = known.len();
            let place = *known.entry(text.clone()).or_insert(next);
            if place == next {
                labels.push(text);
            }
            places.push(Some(place));
        }
        if let Some(palette) = Palette::of(labels.iter().map(String::as_str)) {
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by_key(|&place| labels.get(place).and_then(|label| palette.place(label)));
            let moved: BTreeMap<usize, usize> = order.iter().enumerate().map(|(new, &old)| (old, new)).collect();
            labels.sort_by_key(|label| palette.place(label));
            places.iter_mut().for_each(|place| *place = place.and_then(|old| moved.get(&old).copied()));
        }
        let labels = labels.iter().map(|label| palette::shown(label).to_string()).collect();
        Ok((Self { labels, numbers: None }, places))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }
}

/// The different finite numbers, ascending.
fn ascending(values: &[Option<f64>]) -> Vec<f64> {
    // Adding zero makes -0 and 0 one number.
    let mut distinct: Vec<f64> = values.iter().flatten().filter(|value| value.is_finite()).map(|v| v + 0.0).collect();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    distinct
}

/// A column as numbers; true is 1.
pub fn numbers(column: &Column) -> Result<Vec<Option<f64>>, TableProblem> {
    let dtype = column.dtype();
    if !(dtype.is_primitive_numeric() || matches!(dtype, DataType::Boolean | DataType::Null)) {
        return Err(TableProblem::WrongType {
            column: column.name().to_string(),
            found: table::holds(dtype),
            wanted: "height and colour need numbers".to_string(),
        });
    }
    Ok(column.cast(&DataType::Float64)?.f64()?.iter().collect())
}

/// The column of that name, for a key that takes no transform.
pub fn plain<'r>(
    rows: &'r DataFrame,
    name: &str,
    because: &'static str,
) -> Result<&'r Column, super::error::FigureProblem> {
    table::column(rows, name).map_err(|missing| match parse_value(name) {
        Ok(ValueExpression { transform, column }) if transform != Transform::Identity => {
            super::error::FigureProblem::Transform { column, because }
        }
        _ => missing.into(),
    })
}

/// What a `value` (or the `y` of lines and bars) asks for, and the numbers of its column.
pub fn values(rows: &DataFrame, text: &str) -> Result<(ValueExpression, Vec<Option<f64>>), TableProblem> {
    // A column may have any name, even one that reads like a function.
    let value = match rows.column(text) {
        Ok(_) => ValueExpression { transform: Transform::Identity, column: text.to_string() },
        Err(_) => parse_value(text)?,
    };
    let numbers = numbers(table::column(rows, &value.column)?)?;
    Ok((value, numbers))
}

/// The transformed number; not finite where it is not defined.
pub fn transformed(transform: Transform, number: f64) -> f64 {
    match transform {
        Transform::Identity => number,
        Transform::Log1p => number.ln_1p(),
        Transform::Log10 => number.log10(),
    }
}

/// What an axis or a colour scale is called when the spec does not say.
pub fn title(value: &ValueExpression) -> String {
    match value.transform {
        Transform::Identity => value.column.clone(),
        Transform::Log1p => format!("log(1 + {})", value.column),
        Transform::Log10 => format!("log₁₀ {}", value.column),
    }
}

/// A mean under way. Nulls are never added; a NaN or an infinity makes the mean one.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunningMean {
    sum: f64,
    count: usize,
}

impl RunningMean {
    /// Adds a value.
    pub fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// Of how many values it is.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mean, if there was a value.
    pub fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}
