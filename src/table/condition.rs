//! `where`: the rows whose columns have the wanted values.

use super::error::{TableProblem, column, holds};
use super::some_values;
use super::undefined::comparable;
use crate::spec::Condition;
use crate::spec::expression::{Comparison, Literal};
use indexmap::IndexMap;
use polars::prelude::*;

/// The rows whose value in that column meets the condition, in their order. A null meets none, nor does a NaN.
///
/// # Errors
/// No such column, text compared with a number.
pub fn meeting(rows: &DataFrame, name: &str, condition: &Condition) -> Result<DataFrame, TableProblem> {
    Ok(rows.filter(&mask(rows, name, condition)?)?)
}

/// Which rows [`meeting`] has.
fn mask(rows: &DataFrame, name: &str, condition: &Condition) -> Result<BooleanChunked, TableProblem> {
    let values = column(rows, name)?.as_materialized_series();
    let numbers = || match values.dtype().is_primitive_numeric() {
        // polars would cast the bound to the column's type, and 2.5 to 2.
        true => Ok(values.cast(&DataType::Float64)?),
        false => Err(wrong(values, "\"<\", \"<=\", \">\" and \">=\" compare numbers")),
    };
    let met = match condition.says() {
        Comparison::Equal(literal) => equal(values, literal)?,
        // All that there is differs from it.
        Comparison::NotEqual(literal) if is_nan(values, literal) => {
            BooleanChunked::full(name.into(), true, values.len())
        }
        Comparison::NotEqual(literal) => !equal(values, literal)?,
        Comparison::OneOf(literals) => {
            literals.iter().try_fold(BooleanChunked::full(name.into(), false, values.len()), |any, literal| {
                Ok::<_, TableProblem>(any | equal(values, literal)?)
            })?
        }
        Comparison::Less(bound) => numbers()?.lt(*bound)?,
        Comparison::LessEqual(bound) => numbers()?.lt_eq(*bound)?,
        Comparison::Greater(bound) => numbers()?.gt(*bound)?,
        Comparison::GreaterEqual(bound) => numbers()?.gt_eq(*bound)?,
    };
    Ok(met & comparable(values)?)
}

/// Which rows meet all of some conditions, each on the column of its name.
///
/// # Errors
/// As [`meeting`], with the column that is asked.
pub fn mask_of_all<'c>(
    rows: &DataFrame,
    conditions: &'c IndexMap<String, Condition>,
) -> Result<Vec<bool>, (&'c str, TableProblem)> {
    let mut all = vec![true; rows.height()];
    for (column, condition) in conditions {
        let meets = mask(rows, column, condition).map_err(|problem| (column.as_str(), problem))?;
        all.iter_mut().zip(meets.iter()).for_each(|(all, meets)| *all &= meets == Some(true));
    }
    Ok(all)
}

/// The texts that a condition asks for, or against.
pub fn texts(condition: &Condition) -> Vec<String> {
    let literals = match condition.says() {
        Comparison::Equal(literal) | Comparison::NotEqual(literal) => std::slice::from_ref(literal),
        Comparison::OneOf(literals) => literals,
        _ => &[],
    };
    literals.iter().map(written).collect()
}

/// The values that a condition asks for and a column never has, and those that it has instead: what a misspelt name looks
/// like. None where the condition is a comparison, or of true and false, or where there are no rows.
///
/// # Errors
/// As [`meeting`].
pub fn never<'c>(
    rows: &DataFrame,
    name: &str,
    condition: &'c Condition,
) -> Result<Option<(&'c [Literal], String)>, TableProblem> {
    let values = column(rows, name)?;
    let asked = match condition.says() {
        Comparison::Equal(literal) => std::slice::from_ref(literal),
        Comparison::OneOf(literals) => literals.as_slice(),
        _ => return Ok(None),
    };
    let open = values.null_count() < rows.height() && *values.dtype() != DataType::Boolean;
    let never = open && meeting(rows, name, condition)?.height() == 0;
    Ok(never.then(|| (asked, some_values(values))))
}

fn equal(values: &Series, literal: &Literal) -> Result<BooleanChunked, TableProblem> {
    match (values.dtype(), literal) {
        // An answer is text even where it reads as a number, and a spec may write it either way.
        (DataType::String, literal) => Ok(values.equal(written(literal).as_str())?),
        (DataType::Boolean, Literal::Boolean(true)) => Ok(values.bool()?.clone()),
        (DataType::Boolean, Literal::Boolean(false)) => Ok(!values.bool()?.clone()),
        (DataType::Boolean, _) => Err(wrong(values, "write true or false, without quotes")),
        (DataType::UInt64, Literal::Integer(number)) => match u64::try_from(*number) {
            Ok(number) => Ok(values.equal(number)?),
            Err(_) => Ok(BooleanChunked::full(values.name().clone(), false, values.len())),
        },
        (dtype, Literal::Integer(number)) if dtype.is_integer() => Ok(values.cast(&DataType::Int64)?.equal(*number)?),
        (dtype, Literal::Integer(number)) if dtype.is_primitive_numeric() => {
            Ok(values.cast(&DataType::Float64)?.equal(*number as f64)?)
        }
        (dtype, Literal::Float(number)) if dtype.is_primitive_numeric() => {
            Ok(values.cast(&DataType::Float64)?.equal(*number)?)
        }
        (dtype, literal @ Literal::Text(text)) if dtype.is_primitive_numeric() => match text.parse::<f64>() {
            Ok(_) if is_nan(values, literal) => {
                Err(wrong(values, "NaN is equal to nothing; write \"!= nan\" for the rows without NaN"))
            }
            // After "==" and "!=" it has no other form.
            Ok(number) if number.is_infinite() => Ok(values.cast(&DataType::Float64)?.equal(number)?),
            Ok(_) => Err(wrong(values, &format!("write {text}, without quotes"))),
            Err(_) => Err(wrong(values, &format!("'{text}' is not a number"))),
        },
        _ => Err(wrong(values, &format!("none of them is '{}'", written(literal)))),
    }
}

/// Whether a condition on numbers asks for what is undefined.
fn is_nan(values: &Series, literal: &Literal) -> bool {
    let nan = matches!(literal, Literal::Text(text) if text.parse::<f64>().is_ok_and(f64::is_nan));
    nan && values.dtype().is_primitive_numeric()
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        Literal::Integer(number) => number.to_string(),
        Literal::Float(number) => number.to_string(),
        Literal::Boolean(truth) => truth.to_string(),
    }
}

fn wrong(values: &Series, wanted: &str) -> TableProblem {
    TableProblem::WrongType {
        column: values.name().to_string(),
        found: holds(values.dtype()),
        wanted: wanted.to_string(),
    }
}
