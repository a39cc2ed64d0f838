//! `[[expect]]`: numbers that were expected beside those that came out.

use crate::spec::Expectation;
use crate::table::{self, TableFault, TableProblem, at, column, holds};
use polars::prelude::*;
use serde::{Deserialize, Serialize};

/// An expectation and the number of this run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// What was expected.
    #[serde(flatten)]
    pub expected: Expectation,
    /// The number of this run; none for a null, and where not one row alone was selected.
    pub ours: Option<f64>,
    /// Rows that `where` selected.
    pub rows: usize,
    /// The known model that the row is about; none for a model that is not known.
    pub at_hand: Option<String>,
    /// What they make of each other.
    pub verdict: Verdict,
}

/// What is said of an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The number is as expected.
    Agree,
    /// It is not, or there is none.
    Differ,
    /// It is another model's: not judged.
    OtherModel,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Agree => "agree",
            Verdict::Differ => "differ",
            Verdict::OtherModel => "other model",
        })
    }
}

/// Reads the columns of an expectation before there are rows.
///
/// # Errors
/// Everything that is wrong with its keys.
pub fn check(expected: &Expectation, columns: &DataFrame) -> Result<(), Vec<TableFault<TableProblem>>> {
    selected(expected, &columns.clear()).map(drop)
}

/// Compares an expectation with the rows it names. `known` gives the known model that a model of the spec is (`model` for
/// `[model]`), and for none the one that rows are about which name no model.
///
/// # Errors
/// As [`check`], for columns that are there only with the rows.
pub fn compare<'k>(
    expected: &Expectation,
    rows: &DataFrame,
    known: impl Fn(Option<&str>) -> Option<&'k str>,
) -> Result<Compared, Vec<TableFault<TableProblem>>> {
    let (rows, values) = selected(expected, rows)?;
    let ours = if rows.height() == 1 { values.iter().next().flatten() } else { None };
    let of_row = rows.column("model").ok().and_then(|models| models.str().ok()?.iter().next()?);
    // Where there is no row, the model that it would be about.
    let wanted = expected.filter.get("model").and_then(|condition| condition.text());
    let at_hand = known(of_row.or(wanted));
    let verdict = match (&expected.model, ours) {
        (Some(model), _) if at_hand != Some(model) => Verdict::OtherModel,
        (_, Some(ours)) if expected.holds(ours) => Verdict::Agree,
        _ => Verdict::Differ,
    };
    Ok(Compared { expected: expected.clone(), ours, rows: rows.height(), at_hand: at_hand.map(String::from), verdict })
}

/// The rows that `where` selects and their numbers.
fn selected(
    expected: &Expectation,
    rows: &DataFrame,
) -> Result<(DataFrame, Float64Chunked), Vec<TableFault<TableProblem>>> {
    let mut rows = rows.clone();
    let mut faults = Vec::new();
    for (name, condition) in &expected.filter {
        match table::meeting(&rows, name, condition) {
            Ok(kept) => rows = kept,
            Err(problem) => faults.push(at(&["where", name])(problem)),
        }
    }
    match numbers(&rows, &expected.value) {
        Ok(values) if faults.is_empty() => return Ok((rows, values)),
        Ok(_) => {}
        Err(problem) => faults.push(at(&["value"])(problem)),
    }
    Err(faults)
}

fn numbers(rows: &DataFrame, name: &str) -> Result<Float64Chunked, TableProblem> {
    let values = column(rows, name)?;
    if !values.dtype().is_primitive_numeric() {
        let (found, wanted) = (holds(values.dtype()), "only a number can be expected".to_string());
        return Err(TableProblem::WrongType { column: name.to_string(), found, wanted });
    }
    Ok(values.cast(&DataType::Float64)?.f64()?.clone())
}

impl Compared {
    /// The number of this run as it is shown: three decimals, and more where the expected number has more, for small
    /// numbers, and where fewer would be judged otherwise; else what there is in its place.
    pub fn shown(&self) -> String {
        match (self.ours, self.rows) {
            (Some(ours), _) => self.rounded(ours),
            (None, 1) => "null".to_string(),
            (None, 0) => "no row".to_string(),
            (None, rows) => format!("{rows} rows, not one"),
        }
    }

    fn rounded(&self, ours: f64) -> String {
        const MOST: usize = 15;
        let Expectation { is, at_least, at_most, .. } = &self.expected;
        let written = |number: &f64| number.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let as_expected = [is, at_least, at_most].into_iter().flatten().map(written).max().unwrap_or(0).min(MOST - 1);
        let size = ours.abs();
        let first = match size {
            _ if ours.fract() == 0.0 && size < 1e9 => 0,
            // Two digits of it.
            size if size > 0.0 && size < 0.1 => ((1.0 - size.log10().floor()) as usize).max(3).max(as_expected),
            _ => as_expected.max(3),
        };
        let fair = |text: &String| {
            text.parse::<f64>().is_ok_and(|shown| self.expected.holds(shown) == self.expected.holds(ours))
        };
        (first.min(MOST)..=MOST)
            .map(|decimals| format!("{ours:.decimals$}"))
            .find(fair)
            .unwrap_or_else(|| ours.to_string())
    }

    /// How many numbers differ, agree and are other models', as a line; none without expectations.
    pub fn count(all: &[Compared]) -> Option<String> {
        let number = |verdict| all.iter().filter(|compared| compared.verdict == verdict).count();
        let (agree, differ, other) = (number(Verdict::Agree), number(Verdict::Differ), number(Verdict::OtherModel));
        (!all.is_empty()).then(|| format!("expected: {agree} agree, {differ} differ, {other} of another model"))
    }
}

/// `'addition': 0.930, expected 0.97 ± 0.02 (table 3)`
impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}': {}, expected {}", self.expected.name, self.shown(), self.expected)?;
        self.expected.source.as_ref().map_or(Ok(()), |source| write!(f, " ({source})"))
    }
}
