//! `group_by` and `aggregate`.

// The eager aggregations are deprecated in favour of polars' lazy engine, which would double the crates to compile and
// gives the same numbers.
#![allow(deprecated)]

use super::error::{TableFault, TableProblem, at, column, holds};
use super::selected::all_there;
use super::undefined::undefined;
use super::{identity, order};
use crate::counted::{agreeing, counted};
use crate::spec::Parsed;
use crate::spec::expression::{Aggregate, Function};
use indexmap::IndexMap;
use polars::prelude::*;

/// 97.5 % quantile of the normal distribution: half the width of a 95 % interval, in standard errors.
const NORMAL_975: f64 = 1.959_963_984_540_054;
/// A column name that no step uses: groups all rows when there is no `group_by`.
const EVERYTHING: &str = "\u{0}everything";
const VALUES: &str = "\u{0}values";

/// One row per combination of `keys` that occurs, with one column per aggregate; and what a reader of them should know. Without
/// aggregates: the combinations.
pub(super) fn group(
    rows: &DataFrame,
    keys: &[String],
    aggregates: &IndexMap<String, Parsed<Aggregate>>,
) -> Result<(DataFrame, Vec<String>), Vec<TableFault<TableProblem>>> {
    let by = |problem: TableProblem| vec![at(&["group_by"])(problem)];
    all_there(rows, "group_by", keys)?;
    let mut rows = rows.clone();
    let mut names: Vec<&str> = keys.iter().map(String::as_str).collect();
    if names.is_empty() {
        let constant = Column::new(EVERYTHING.into(), vec![0i64; rows.height()]);
        rows.with_column(constant).map_err(|error| by(error.into()))?;
        names.push(EVERYTHING);
    }
    let groups = RowGroups { rows: &rows, keys: &names };
    let mut grouped = groups.keys().map_err(by)?;
    let mut undefined: IndexMap<String, Undefined> = IndexMap::new();
    let mut faults = Vec::new();
    for (name, what) in aggregates {
        let values = match grouped.column(name) {
            Ok(_) => Err(TableProblem::DuplicateColumn(name.clone())),
            Err(_) => groups.one_measure(what.says()).and_then(|()| {
                let (values, found) = groups.aggregate(what.says())?;
                if let (Some(found), Some(column)) = (found, what.says().column.clone()) {
                    undefined.entry(column).or_insert(found).names.push(format!("'{name}'"));
                }
                Ok(values)
            }),
        };
        let added =
            values.and_then(|values| Ok(grouped.with_column(values.with_name(name.as_str().into())).map(drop)?));
        faults.extend(added.err().map(at(&["aggregate", name])));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let grouped = if keys.is_empty() { grouped.drop(EVERYTHING).map_err(|error| by(error.into()))? } else { grouped };
    let notes = undefined.iter().map(|(column, undefined)| undefined.note(column)).collect();
    Ok((order::in_order(&grouped, keys).map_err(by)?, notes))
}

/// Groups in which a column is somewhere NaN.
struct Undefined {
    /// What is made of them.
    names: Vec<String>,
    /// Of each group, whether.
    groups: Vec<bool>,
    /// In how many rows.
    rows: usize,
}

impl Undefined {
    fn note(&self, column: &str) -> String {
        let undefined = self.groups.iter().filter(|undefined| **undefined).count();
        format!(
            "{} {} NaN in {undefined} of {}, because '{column}' is NaN in {} of those they are made of; where = {{ {} = \
             \"!= nan\" }} leaves these out",
            self.names.join(", "),
            agreeing(self.names.len(), "is", "are"),
            counted(self.groups.len(), "row"),
            self.rows,
            crate::spec::key(column)
        )
    }
}

/// Rows, and the columns that tell their groups apart.
struct RowGroups<'r> {
    rows: &'r DataFrame,
    keys: &'r [&'r str],
}

impl RowGroups<'_> {
    fn keys(&self) -> Result<DataFrame, TableProblem> {
        let groups = self.rows.group_by_stable(self.keys.iter().copied())?;
        Ok(DataFrame::new_infer_height(groups.keys())?)
    }

    /// The keys, and beside them these values.
    fn of(&self, values: Column) -> Result<DataFrame, TableProblem> {
        let mut frame = self.rows.select(self.keys.iter().copied())?;
        frame.with_column(values.with_name(VALUES.into()))?;
        Ok(frame)
    }

    /// Refuses what would make one number of several measures.
    fn one_measure(&self, what: &Aggregate) -> Result<(), TableProblem> {
        let Some(name) = what.column.as_deref().filter(|_| what.function != Function::Count) else { return Ok(()) };
        if self.keys.contains(&identity::MEASURE) || self.rows.column(identity::MEASURE).is_err() {
            return Ok(());
        }
        column(self.rows, name)?;
        let places = identity::places(self.rows, self.keys, name)?;
        identity::one_measure(self.rows, name, &places, "'measure' into group_by")
    }

    /// One value per group, in the order of the groups' first rows; and where they are NaN because a value is.
    fn aggregate(&self, what: &Aggregate) -> Result<(Column, Option<Undefined>), TableProblem> {
        let values = match &what.column {
            Some(name) => column(self.rows, name)?.clone(),
            None => Column::new(VALUES.into(), vec![0i64; self.rows.height()]),
        };
        let undefined = match what.function {
            Function::Count => None,
            _ => self.undefined(&values)?,
        };
        let frame = self.of(suited(values, what.function)?)?;
        let reduced = reduced(&frame, self.keys, what)?;
        let Some(undefined) = undefined else { return Ok((reduced, None)) };
        // A NaN is neither large nor small: of it there is no least and no middle value either.
        let numbers = reduced.cast(&DataType::Float64)?;
        let numbers = numbers.f64()?.iter().zip(&undefined.groups);
        let numbers: Float64Chunked =
            numbers.map(|(number, &undefined)| if undefined { Some(f64::NAN) } else { number }).collect();
        Ok((numbers.into_column(), Some(undefined)))
    }

    fn undefined(&self, values: &Column) -> Result<Option<Undefined>, TableProblem> {
        let Some(undefined) = undefined(values.as_materialized_series())? else { return Ok(None) };
        let rows = undefined.iter().flatten().filter(|undefined| *undefined).count();
        let frame = self.of(undefined.into_column().cast(&DataType::Int64)?)?;
        let what = Aggregate { function: Function::Sum, column: Some(VALUES.to_string()), argument: None };
        let counts = reduced(&frame, self.keys, &what)?;
        let groups = counts.i64()?.iter().map(|count| count.is_some_and(|count| count > 0)).collect();
        Ok(Some(Undefined { names: Vec::new(), groups, rows }))
    }
}

/// The values of each group as one number, where none is NaN.
fn reduced(frame: &DataFrame, keys: &[&str], what: &Aggregate) -> Result<Column, TableProblem> {
    let groups = || Ok::<_, TableProblem>(frame.group_by_stable(keys.iter().copied())?.select([VALUES]));
    let last = |frame: DataFrame| {
        let width = frame.width();
        frame
            .columns()
            .get(width.saturating_sub(1))
            .cloned()
            .ok_or_else(|| TableProblem::DuplicateColumn(VALUES.to_string()))
    };
    let std = || last(groups()?.std(1)?);
    match what.function {
        Function::Mean => last(groups()?.mean()?),
        Function::Std => std(),
        Function::Min => last(groups()?.min()?),
        Function::Max => last(groups()?.max()?),
        // `suited` made ones and zeros of what is counted.
        Function::Sum | Function::Count => last(groups()?.sum()?),
        Function::Median => last(groups()?.median()?),
        Function::Quantile => last(groups()?.quantile(what.argument.unwrap_or(0.5), QuantileMethod::Linear)?),
        Function::Sem => sem(&std()?, &number(frame, keys)?),
        Function::CiLow | Function::CiHigh => {
            let half = &sem(&std()?, &number(frame, keys)?)? * NORMAL_975;
            let mean = last(groups()?.mean()?)?;
            Ok(if what.function == Function::CiLow { (&mean - &half)? } else { (&mean + &half)? })
        }
    }
}

fn sem(std: &Column, number: &Column) -> Result<Column, TableProblem> {
    let root = number.cast(&DataType::Float64)?.f64()?.apply_values(f64::sqrt).into_column();
    Ok((std / &root)?)
}

/// How many values of each group are not null.
fn number(frame: &DataFrame, keys: &[&str]) -> Result<Column, TableProblem> {
    let what = Aggregate { function: Function::Count, column: Some(VALUES.to_string()), argument: None };
    let mut frame = frame.clone();
    let counted = suited(column(&frame, VALUES)?.clone(), Function::Count)?;
    frame.with_column(counted.with_name(VALUES.into()))?;
    reduced(&frame, keys, &what)
}

/// The column as the function needs it: numbers as `f64` (true is 1), what is counted as 1 and 0.
fn suited(values: Column, function: Function) -> Result<Column, TableProblem> {
    let dtype = values.dtype().clone();
    let numbers = dtype.is_primitive_numeric() || matches!(dtype, DataType::Boolean | DataType::Null);
    match function {
        Function::Count => Ok(values.is_not_null().into_column().cast(&DataType::Int64)?),
        Function::Min | Function::Max if numbers || dtype == DataType::String => Ok(values),
        Function::Sum if dtype.is_integer() || dtype == DataType::Boolean => Ok(values.cast(&DataType::Int64)?),
        _ if numbers => Ok(values.cast(&DataType::Float64)?),
        _ => Err(TableProblem::WrongType {
            column: values.name().to_string(),
            found: holds(&dtype),
            wanted: format!("{} needs numbers", function.name()),
        }),
    }
}
