//! `group_by` and `aggregate`.

// The eager aggregations are deprecated in favour of polars' lazy engine, which would double the crates to compile and
// gives the same numbers.
#![allow(deprecated)]

use super::error::{Fault, Problem, at, column, holds};
use super::{all_there, order};
use crate::spec::expression::{Aggregate, Function, parse_aggregate};
use indexmap::IndexMap;
use polars::prelude::*;

/// 97.5 % quantile of the normal distribution: half the width of a 95 % interval, in standard errors.
const NORMAL_975: f64 = 1.959_963_984_540_054;
/// A column name that no step uses: groups all rows when there is no `group_by`.
const EVERYTHING: &str = "\u{0}everything";
const VALUES: &str = "\u{0}values";

/// One row per combination of `keys` that occurs, with one column per aggregate. Without aggregates: the combinations.
pub(super) fn group(
    rows: &DataFrame,
    keys: &[String],
    aggregates: &IndexMap<String, String>,
) -> Result<DataFrame, Vec<Fault<Problem>>> {
    let by = |problem: Problem| vec![at(&["group_by"])(problem)];
    all_there(rows, "group_by", keys)?;
    let mut rows = rows.clone();
    let mut names: Vec<&str> = keys.iter().map(String::as_str).collect();
    if names.is_empty() {
        let constant = Column::new(EVERYTHING.into(), vec![0u32; rows.height()]);
        rows.with_column(constant).map_err(|error| by(error.into()))?;
        names.push(EVERYTHING);
    }
    let mut grouped = keys_of(&rows, &names).map_err(by)?;
    let mut faults = Vec::new();
    for (name, text) in aggregates {
        let values = match grouped.column(name) {
            Ok(_) => Err(Problem::DuplicateColumn(name.clone())),
            Err(_) => parse_aggregate(text).map_err(Problem::from).and_then(|what| aggregate(&rows, &names, &what)),
        };
        let added =
            values.and_then(|values| Ok(grouped.with_column(values.with_name(name.as_str().into())).map(drop)?));
        faults.extend(added.err().map(at(&["aggregate", name])));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let grouped = if keys.is_empty() { grouped.drop(EVERYTHING).map_err(|error| by(error.into()))? } else { grouped };
    order::operators_first_to_last(&grouped, keys).map_err(by)
}

fn keys_of(rows: &DataFrame, keys: &[&str]) -> Result<DataFrame, Problem> {
    let groups = rows.group_by_stable(keys.iter().copied())?;
    Ok(DataFrame::new_infer_height(groups.keys())?)
}

/// One value per group, in the order of the groups' first rows.
fn aggregate(rows: &DataFrame, keys: &[&str], what: &Aggregate) -> Result<Column, Problem> {
    let values = match &what.column {
        Some(name) => column(rows, name)?.clone(),
        None => Column::new(VALUES.into(), vec![0u32; rows.height()]),
    };
    let values = suited(values, what.function)?.with_name(VALUES.into());
    let mut frame = rows.select(keys.iter().copied())?;
    frame.with_column(values)?;
    let groups = || Ok::<_, Problem>(frame.group_by_stable(keys.iter().copied())?.select([VALUES]));
    let last = |frame: DataFrame| {
        let width = frame.width();
        frame
            .columns()
            .get(width.saturating_sub(1))
            .cloned()
            .ok_or_else(|| Problem::DuplicateColumn(VALUES.to_string()))
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
        Function::Sem => sem(&std()?, &number(&frame, keys)?),
        Function::CiLow | Function::CiHigh => {
            let half = &sem(&std()?, &number(&frame, keys)?)? * NORMAL_975;
            let mean = last(groups()?.mean()?)?;
            Ok(if what.function == Function::CiLow { (&mean - &half)? } else { (&mean + &half)? })
        }
    }
}

fn sem(std: &Column, number: &Column) -> Result<Column, Problem> {
    let root = number.cast(&DataType::Float64)?.f64()?.apply_values(f64::sqrt).into_column();
    Ok((std / &root)?)
}

/// How many values of each group are not null.
fn number(frame: &DataFrame, keys: &[&str]) -> Result<Column, Problem> {
    let what = Aggregate { function: Function::Count, column: Some(VALUES.to_string()), argument: None };
    aggregate(frame, keys, &what)
}

/// The column as the function needs it: numbers as `f64` (true is 1), what is counted as 1 and 0.
fn suited(values: Column, function: Function) -> Result<Column, Problem> {
    let dtype = values.dtype().clone();
    let numbers = dtype.is_primitive_numeric() || matches!(dtype, DataType::Boolean | DataType::Null);
    match function {
        Function::Count => Ok(values.is_not_null().cast(&DataType::UInt32)?.into_column()),
        Function::Min | Function::Max if numbers || dtype == DataType::String => Ok(values),
        Function::Sum if dtype.is_integer() || dtype == DataType::Boolean => Ok(values.cast(&DataType::Int64)?),
        _ if numbers => Ok(values.cast(&DataType::Float64)?),
        _ => Err(Problem::WrongType {
            column: values.name().to_string(),
            found: holds(&dtype),
            wanted: format!("{} needs numbers", function.name()),
        }),
    }
}
