//! Two tables: rows joined on their keys, and every cell that differs.

use super::pairs::{self, Both, RowPairs};
use super::tolerance::{Tolerance, same};
use super::values::{self, ColumnValues};
use polars::prelude::{DataFrame, PolarsResult};
use serde::Serialize;

/// Cells, and rows, that a difference names; the others it counts.
pub const NAMED: usize = 3;

/// How two tables differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableDifference {
    /// Rows of each.
    pub rows: [usize; 2],
    /// Columns that tell the rows apart.
    pub keys: Vec<String>,
    /// Columns that only one of them has.
    pub only_columns: [Vec<String>; 2],
    /// How many rows only one of them has.
    pub only_rows: [usize; 2],
    /// The first of these, by key.
    pub named_rows: [Vec<RowKey>; 2],
    /// Columns whose cells are not all the same, the worst first.
    pub columns: Vec<ColumnDifference>,
    /// The same rows come in another order.
    pub rows_moved: bool,
    /// The same columns come in another order.
    pub columns_moved: bool,
}

/// What tells a row from others: columns and their values. Without any, the number of the row, from 1.
pub type RowKey = Vec<(String, String)>;

/// A column whose cells are not all the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ColumnDifference {
    /// Its name.
    pub name: String,
    /// Cells that have been compared.
    pub cells: usize,
    /// Cells that are not the same.
    pub changed: usize,
    /// Cells that are further apart than the tolerance.
    pub beyond: usize,
    /// Largest absolute difference, of numbers.
    pub largest: Option<f64>,
    /// Mean absolute difference over all cells, of numbers.
    pub mean: Option<f64>,
    /// How bad the worst is (see [`Tolerance::excess`]).
    #[serde(skip)]
    pub excess: f64,
    /// The worst cells.
    pub worst: Vec<CellDifference>,
}

/// A cell that is not the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellDifference {
    /// Its row.
    pub key: RowKey,
    /// The two values.
    pub values: [String; 2],
    /// The second less the first.
    pub difference: Option<f64>,
}

/// What two results make of each other, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Likeness {
    /// The same values.
    Identical,
    /// Numbers differ, by no more than the tolerance.
    WithinTolerance,
    /// Something differs by more.
    Differs,
}

impl std::fmt::Display for Likeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Likeness::Identical => "identical",
            Likeness::WithinTolerance => "within tolerance",
            Likeness::Differs => "differs",
        })
    }
}

/// A cell on both sides.
#[derive(Debug, Clone, Copy)]
pub struct CellPair {
    /// Rows in the one and the other.
    pub rows: (usize, usize),
    /// Their numbers.
    pub numbers: (f64, f64),
}

/// Compares two tables. Their rows are joined on columns that tell them apart, of which `preferred` ones are tried first;
/// computed numbers (floats) may differ by the tolerance, everything else is the same or not.
///
/// # Errors
/// Columns that polars cannot read as what they are.
pub fn tables(
    a: &DataFrame,
    b: &DataFrame,
    preferred: &[String],
    tolerance: Tolerance,
) -> PolarsResult<TableDifference> {
    let names = [a, b].map(|frame| frame.get_column_names().iter().map(|name| name.to_string()).collect::<Vec<_>>());
    let common = common(&names, a, b)?;
    let joined = pairs::join(&common, [a.height(), b.height()], preferred);
    let key = |side: usize, row: usize| -> RowKey {
        if joined.keys.is_empty() {
            return vec![("row".into(), (row + 1).to_string())];
        }
        joined.keys.iter().map(|&at| (common[at].name.clone(), common[at].values[side].shown(row))).collect()
    };
    let values = common.iter().enumerate().filter(|(at, _)| !joined.keys.contains(at));
    let mut columns: Vec<ColumnDifference> =
        values.filter_map(|(_, both)| column(both, &joined, tolerance, |row| key(0, row))).collect();
    columns.sort_by(|one, other| (other.beyond > 0).cmp(&(one.beyond > 0)).then(other.excess.total_cmp(&one.excess)));
    let named = |side: usize| joined.only[side].iter().take(NAMED).map(|&row| key(side, row)).collect();
    let only =
        |side: usize| names[side].iter().filter(|name| !names[1 - side].contains(name)).cloned().collect::<Vec<_>>();
    let shared = |side: usize| names[side].iter().filter(|name| names[1 - side].contains(name)).collect::<Vec<_>>();
    Ok(TableDifference {
        rows: [a.height(), b.height()],
        keys: joined.keys.iter().map(|&at| common[at].name.clone()).collect(),
        only_columns: [only(0), only(1)],
        only_rows: [joined.only[0].len(), joined.only[1].len()],
        named_rows: [named(0), named(1)],
        columns,
        rows_moved: !joined.pairs.is_sorted_by_key(|&(_, b)| b),
        columns_moved: shared(0) != shared(1),
    })
}

/// The pairs of numbers of every column of numbers that both tables have.
///
/// # Errors
/// As [`tables`].
pub fn numbers(a: &DataFrame, b: &DataFrame, preferred: &[String]) -> PolarsResult<Vec<(String, Vec<CellPair>)>> {
    let names = [a, b].map(|frame| frame.get_column_names().iter().map(|name| name.to_string()).collect::<Vec<_>>());
    let common = common(&names, a, b)?;
    let joined = pairs::join(&common, [a.height(), b.height()], preferred);
    let cells = |both: &Both| {
        let cell = |&rows: &(usize, usize)| {
            Some(CellPair { rows, numbers: (both.values[0].number(rows.0)?, both.values[1].number(rows.1)?) })
        };
        joined.pairs.iter().filter_map(cell).collect()
    };
    let columns = common.iter().enumerate().filter(|(at, both)| !joined.keys.contains(at) && both.is_of_numbers());
    Ok(columns.map(|(_, both)| (both.name.clone(), cells(both))).collect())
}

/// The columns that both have: in their order, or by name where each has its own, so that neither side is the first.
fn common(names: &[Vec<String>; 2], a: &DataFrame, b: &DataFrame) -> PolarsResult<Vec<Both>> {
    let [mut one, mut other] =
        [0, 1].map(|side| names[side].iter().filter(|name| names[1 - side].contains(name)).collect::<Vec<_>>());
    if one != other {
        one.sort();
        other.sort();
    }
    let both = |name: &String| Ok(Both { name: name.clone(), values: values::both(a.column(name)?, b.column(name)?)? });
    one.into_iter().map(both).collect()
}

/// How a column differs, if it does.
fn column(
    both: &Both,
    joined: &RowPairs,
    tolerance: Tolerance,
    key: impl Fn(usize) -> RowKey,
) -> Option<ColumnDifference> {
    let [left, right] = &both.values;
    let scale = largest(both, joined);
    let mut changed: Vec<(usize, usize, f64)> = Vec::new();
    let (mut largest, mut sum, mut numbers, mut beyond) = (0.0f64, 0.0, 0usize, 0);
    for &(a, b) in &joined.pairs {
        let (excess, is_beyond) = cell(left, right, (a, b), tolerance, scale);
        if let (Some(one), Some(other)) = (left.number(a), right.number(b)) {
            let apart = if same(one, other) { 0.0 } else { (one - other).abs() };
            if !apart.is_nan() {
                (largest, sum, numbers) = (largest.max(apart), sum + apart, numbers + 1);
            }
        }
        if excess > 0.0 {
            changed.push((a, b, excess));
            beyond += usize::from(is_beyond);
        }
    }
    changed.sort_by(|one, other| other.2.total_cmp(&one.2));
    let worst = changed.iter().take(NAMED).map(|&(a, b, _)| CellDifference {
        key: key(a),
        values: [left.shown(a), right.shown(b)],
        difference: left.number(a).zip(right.number(b)).map(|(a, b)| b - a),
    });
    let of_numbers = both.is_of_numbers() && numbers > 0;
    Some(ColumnDifference {
        name: both.name.clone(),
        cells: joined.pairs.len(),
        changed: changed.len(),
        beyond,
        largest: of_numbers.then_some(largest),
        mean: of_numbers.then(|| sum / numbers as f64),
        excess: changed.first()?.2,
        worst: worst.collect(),
    })
}

/// The largest finite number of a column, on either side.
fn largest(both: &Both, joined: &RowPairs) -> f64 {
    let numbers = joined.pairs.iter().flat_map(|&(a, b)| [both.values[0].number(a), both.values[1].number(b)]);
    numbers.flatten().map(f64::abs).filter(|size| size.is_finite()).fold(0.0, f64::max)
}

/// How bad the difference of two cells is (see [`Tolerance::excess`]), zero for the same, and whether it is too large.
fn cell(
    left: &ColumnValues,
    right: &ColumnValues,
    (a, b): (usize, usize),
    tolerance: Tolerance,
    scale: f64,
) -> (f64, bool) {
    match (left, right) {
        (ColumnValues::Floats(left), ColumnValues::Floats(right)) => match (left.get(a), right.get(b)) {
            (Some(Some(one)), Some(Some(other))) => {
                (tolerance.excess(*one, *other, scale), !tolerance.holds(*one, *other))
            }
            (Some(None), Some(None)) => (0.0, false),
            _ => (f64::INFINITY, true),
        },
        (ColumnValues::Integers(one), ColumnValues::Integers(other)) => match (one.get(a), other.get(b)) {
            (one, other) if one == other => (0.0, false),
            (Some(Some(one)), Some(Some(other))) => {
                // Different ones may be one f64.
                (Tolerance::NONE.excess(*one as f64, *other as f64, scale).max(f64::MIN_POSITIVE), true)
            }
            _ => (f64::INFINITY, true),
        },
        (ColumnValues::Texts(one), ColumnValues::Texts(other)) if one.get(a) == other.get(b) => (0.0, false),
        _ => (f64::INFINITY, true),
    }
}

impl Both {
    fn is_of_numbers(&self) -> bool {
        self.values.iter().all(ColumnValues::are_numbers)
    }
}

impl TableDifference {
    /// What is made of it. The order of rows and columns makes no difference.
    pub fn verdict(&self) -> Likeness {
        let only = |sides: &[Vec<String>; 2]| sides.iter().any(|side| !side.is_empty());
        if only(&self.only_columns) || self.only_rows != [0, 0] || self.columns.iter().any(|column| column.beyond > 0) {
            return Likeness::Differs;
        }
        if self.columns.is_empty() { Likeness::Identical } else { Likeness::WithinTolerance }
    }

    /// How bad its worst difference is (see [`Tolerance::excess`]); infinite where rows or columns are missing.
    pub fn excess(&self) -> f64 {
        let missing = self.only_rows != [0, 0] || self.only_columns.iter().any(|side| !side.is_empty());
        let worst = self.columns.iter().map(|column| column.excess).fold(0.0, f64::max);
        if missing { f64::INFINITY } else { worst }
    }
}
