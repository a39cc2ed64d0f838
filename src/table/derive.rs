//! `derive`: columns computed from others, row by row.

use super::error::{TableFault, TableProblem, at, column, holds};
use crate::spec::Parsed;
use crate::spec::arithmetic::{Arithmetic, BinaryOperation, ExpressionPart, parse_arithmetic};
use indexmap::IndexMap;
use polars::prelude::*;

/// Adds the columns in their order, each of `f64`.
pub(super) fn derive(
    frame: &DataFrame,
    columns: &IndexMap<String, Parsed<Arithmetic>>,
) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    let mut frame = frame.clone();
    let mut faults = Vec::new();
    for (name, what) in columns {
        let values = match frame.column(name) {
            Ok(_) => Err(TableProblem::DuplicateColumn(name.clone())),
            Err(_) => values(&frame, &what.says().parts),
        };
        let added =
            values.and_then(|values| Ok(frame.with_column(Column::new(name.as_str().into(), values)).map(drop)?));
        if let Err(problem) = added {
            faults.push(at(&["derive", name])(problem));
            if frame.column(name).is_err() {
                // What reads it shall not be refused for its absence too.
                let _ = frame.with_column(Column::new(name.as_str().into(), vec![None::<f64>; frame.height()]));
            }
        }
    }
    if faults.is_empty() { Ok(frame) } else { Err(faults) }
}

/// What arithmetic of columns, such as `mean + std`, is in each row; null where a column that it reads is.
///
/// # Errors
/// What cannot be read, and columns that are not there or hold no numbers.
pub fn reckon(frame: &DataFrame, text: &str) -> Result<Vec<Option<f64>>, TableProblem> {
    parse_arithmetic(text).map_err(TableProblem::from).and_then(|what| values(frame, &what.parts))
}

/// A number for all rows, or one for each.
#[derive(Clone)]
enum Operand {
    Number(f64),
    Rows(Vec<Option<f64>>),
}

/// The value of an expression in each row; null where a column that it reads is.
fn values(frame: &DataFrame, parts: &[ExpressionPart]) -> Result<Vec<Option<f64>>, TableProblem> {
    let mut stack: Vec<Operand> = Vec::new();
    for part in parts {
        let operand = match part {
            ExpressionPart::Number(number) => Some(Operand::Number(*number)),
            ExpressionPart::Column(name) => Some(Operand::Rows(numbers(frame, name)?)),
            ExpressionPart::Negate => stack.pop().map(|operand| operand.each(|number| -number)),
            ExpressionPart::Binary(operation) => {
                let b = stack.pop();
                stack.pop().zip(b).map(|(a, b)| combine(*operation, a, b))
            }
        };
        stack.extend(operand);
    }
    Ok(match stack.pop() {
        Some(Operand::Rows(rows)) => rows,
        Some(Operand::Number(number)) => vec![Some(number); frame.height()],
        // The parser lets no expression without a value through.
        None => vec![None; frame.height()],
    })
}

impl Operand {
    fn each(self, of: impl Fn(f64) -> f64) -> Self {
        match self {
            Operand::Number(number) => Operand::Number(of(number)),
            Operand::Rows(rows) => Operand::Rows(rows.into_iter().map(|number| number.map(&of)).collect()),
        }
    }
}

fn combine(operation: BinaryOperation, a: Operand, b: Operand) -> Operand {
    match (a, b) {
        (a, Operand::Number(b)) => a.each(|a| operation.of(a, b)),
        (Operand::Number(a), b) => b.each(|b| operation.of(a, b)),
        (Operand::Rows(a), Operand::Rows(b)) => {
            Operand::Rows(a.into_iter().zip(b).map(|(a, b)| Some(operation.of(a?, b?))).collect())
        }
    }
}

/// A column's numbers; true is 1.
fn numbers(frame: &DataFrame, name: &str) -> Result<Vec<Option<f64>>, TableProblem> {
    let values = column(frame, name)?;
    let dtype = values.dtype();
    if !(dtype.is_primitive_numeric() || matches!(dtype, DataType::Boolean | DataType::Null)) {
        return Err(TableProblem::WrongType {
            column: name.to_string(),
            found: holds(dtype),
            wanted: "arithmetic needs numbers".into(),
        });
    }
    Ok(values.cast(&DataType::Float64)?.f64()?.iter().collect())
}
