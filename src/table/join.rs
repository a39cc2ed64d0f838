//! `join`: rows of another frame beside those that have the same values.

use super::error::{TableFault, TableProblem, at, column, holds};
use super::order::numbered;
use super::undefined::comparable;
use crate::spec::{Join, JoinHow};
use polars::prelude::*;

/// More rows than this are not what anybody wanted: the columns that are joined on do not tell the rows apart.
const MOST_ROWS: usize = 50_000_000;

/// The rows of `left` in their order, each with the rows of `right` that have the same values in the columns `on`.
pub(super) fn join(
    left: &DataFrame,
    right: &DataFrame,
    spec: &Join,
) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    let keys = keys(left, right, spec)?;
    let failed = |problem: TableProblem| vec![at(&["join"])(problem)];
    let matches = Matches::find(&keys, left.height(), right.height()).map_err(|error| failed(error.into()))?;
    let (rows, others) = matches.pairs(spec.how).map_err(failed)?;
    let left = left.take(&IdxCa::from_vec("".into(), rows)).map_err(|error| failed(error.into()))?;
    match spec.how {
        JoinHow::Semi => Ok(left),
        JoinHow::Inner | JoinHow::Left => beside(left, right, &others, spec),
    }
}

/// The columns `on` of both, in types that can be compared.
fn keys(
    left: &DataFrame,
    right: &DataFrame,
    spec: &Join,
) -> Result<Vec<(Column, Column)>, Vec<TableFault<TableProblem>>> {
    let mut keys = Vec::with_capacity(spec.on.len());
    let mut faults = Vec::new();
    for (index, name) in spec.on.iter().enumerate() {
        let of_right = column(right, name)
            .map_err(|problem| TableProblem::OfOther { from: spec.with.clone(), problem: Box::new(problem) });
        let pair =
            column(left, name).and_then(|left| Ok((left, of_right?))).and_then(|(left, right)| alike(left, right));
        match pair {
            Ok(pair) => keys.push(pair),
            Err(problem) => faults.push(at(&["join", "on", &index.to_string()])(problem)),
        }
    }
    if faults.is_empty() { Ok(keys) } else { Err(faults) }
}

/// Two columns in one type: text as text, whole numbers as whole numbers, other numbers as `f64`.
fn alike(left: &Column, right: &Column) -> Result<(Column, Column), TableProblem> {
    let (a, b) = (left.dtype(), right.dtype());
    let whole = |dtype: &DataType| dtype.is_integer() && *dtype != DataType::UInt64;
    let common = match (a, b) {
        (a, b) if a == b => return Ok((left.clone(), right.clone())),
        (DataType::Null, other) | (other, DataType::Null) => other.clone(),
        (a, b) if whole(a) && whole(b) => DataType::Int64,
        (a, b) if a.is_primitive_numeric() && b.is_primitive_numeric() => DataType::Float64,
        _ => {
            return Err(TableProblem::WrongType {
                column: left.name().to_string(),
                found: holds(a),
                wanted: format!("the rows that are joined have {} there", holds(b)),
            });
        }
    };
    Ok((left.cast(&common)?, right.cast(&common)?))
}

/// Which rows of the right have the values of each row of the left.
struct Matches {
    /// For each row of the left the number of its values; none where one is null or NaN.
    left: Vec<Option<usize>>,
    /// For each such number the rows of the right, in their order.
    right: Vec<Vec<IdxSize>>,
}

impl Matches {
    fn find(keys: &[(Column, Column)], left: usize, right: usize) -> PolarsResult<Self> {
        let mut both = Vec::with_capacity(keys.len());
        let mut none = vec![false; left + right];
        for (index, (of_left, of_right)) in keys.iter().enumerate() {
            let mut column = of_left.clone();
            column.append(of_right)?;
            column.rename(format!("{index}").into());
            let comparable = comparable(column.as_materialized_series())?;
            none.iter_mut().zip(comparable.iter()).for_each(|(none, is)| *none |= is != Some(true));
            both.push(column);
        }
        let names: Vec<String> = both.iter().map(|column| column.name().to_string()).collect();
        let (numbers, first) = numbered(&DataFrame::new(left + right, both)?, &names)?;
        let mut matches = Self { left: Vec::with_capacity(left), right: vec![Vec::new(); first.len()] };
        for (row, (number, none)) in numbers.into_iter().zip(none).enumerate() {
            match row.checked_sub(left) {
                None => matches.left.push((!none).then_some(number)),
                Some(row) if !none => {
                    if let Some(rows) = matches.right.get_mut(number) {
                        rows.push(row as IdxSize);
                    }
                }
                Some(_) => {}
            }
        }
        Ok(matches)
    }

    /// Rows of the left and, beside each, of the right.
    fn pairs(&self, how: JoinHow) -> Result<(Vec<IdxSize>, Vec<Option<IdxSize>>), TableProblem> {
        let of =
            |number: &Option<usize>| number.and_then(|number| self.right.get(number)).map_or(&[][..], Vec::as_slice);
        let rows: usize = self.left.iter().map(|number| of(number).len().max(1)).sum();
        if how != JoinHow::Semi && rows > MOST_ROWS {
            return Err(TableProblem::TooManyRows { rows });
        }
        let mut pairs = (Vec::new(), Vec::new());
        for (row, number) in self.left.iter().enumerate() {
            let others = of(number);
            let others = if how == JoinHow::Semi { &others[..others.len().min(1)] } else { others };
            let lone = (how == JoinHow::Left && others.is_empty()).then_some(None);
            for other in others.iter().map(|other| Some(*other)).chain(lone) {
                pairs.0.push(row as IdxSize);
                pairs.1.push(other);
            }
        }
        Ok(pairs)
    }
}

/// Puts the other columns of the right beside the left, a suffix after names that are taken.
fn beside(
    mut left: DataFrame,
    right: &DataFrame,
    rows: &[Option<IdxSize>],
    spec: &Join,
) -> Result<DataFrame, Vec<TableFault<TableProblem>>> {
    let rows = IdxCa::from_iter_options("".into(), rows.iter().copied());
    let added: Vec<&Column> =
        right.columns().iter().filter(|column| !spec.on.iter().any(|name| name == column.name().as_str())).collect();
    let taken: Vec<String> = left.get_column_names().iter().map(|name| name.to_string()).collect();
    let mut faults = Vec::new();
    for column in added {
        let mut name = column.name().to_string();
        if taken.contains(&name) {
            name.push_str(&spec.suffix);
        }
        if left.column(&name).is_ok() {
            faults.push(at(&["join", "suffix"])(TableProblem::DuplicateColumn(name)));
            continue;
        }
        let values = column.take(&rows).map(|values| values.with_name(name.into()));
        let added = values.and_then(|values| left.with_column(values).map(drop));
        faults.extend(added.err().map(at(&["join"])));
    }
    if faults.is_empty() { Ok(left) } else { Err(faults) }
}
