//! Which row of one table is which of another: those that have the same key.

use super::tolerance::same;
use super::values::ColumnValues;
use indexmap::IndexMap;
use std::cmp::Ordering;
use std::collections::HashSet;

/// A column that both tables have.
#[derive(Debug)]
pub(super) struct Both {
    pub name: String,
    /// Its cells in the one and in the other.
    pub values: [ColumnValues; 2],
}

/// Rows of two tables put together.
#[derive(Debug, Default)]
pub(super) struct RowPairs {
    /// Places in the list of columns of those that make the key.
    pub keys: Vec<usize>,
    /// Row of the one, row of the other, in the order of the one.
    pub pairs: Vec<(usize, usize)>,
    /// Rows that the other has not.
    pub only: [Vec<usize>; 2],
}

/// Joins the rows. `preferred` columns are tried first as a key, then the others from left to right, but for computed numbers; a
/// column that tells no more rows apart is none of it.
pub(super) fn join(columns: &[Both], rows: [usize; 2], preferred: &[String]) -> RowPairs {
    let keys = keys(columns, rows, preferred);
    let mut groups: IndexMap<String, [Vec<usize>; 2]> = IndexMap::new();
    for side in [0, 1] {
        for (row, key) in row_keys(columns, &keys, side, rows[side]).into_iter().enumerate() {
            groups.entry(key).or_default()[side].push(row);
        }
    }
    let mut joined = RowPairs { keys, ..RowPairs::default() };
    for [mut a, mut b] in groups.into_values() {
        if a.len() > 1 && b.len() > 1 {
            align(columns, &mut a, &mut b);
        }
        let both = a.len().min(b.len());
        joined.only[0].extend(a.split_off(both));
        joined.only[1].extend(b.split_off(both));
        joined.pairs.extend(a.into_iter().zip(b));
    }
    joined.pairs.sort_unstable();
    joined.only.iter_mut().for_each(|rows| rows.sort_unstable());
    joined
}

/// The columns of the key, as few as tell apart what can be told apart on both sides.
fn keys(columns: &[Both], rows: [usize; 2], preferred: &[String]) -> Vec<usize> {
    let usable = |&index: &usize| columns[index].values.iter().all(ColumnValues::tells_apart);
    let is_preferred = |index: &usize| preferred.contains(&columns[*index].name);
    let (first, rest): (Vec<usize>, Vec<usize>) = (0..columns.len()).filter(usable).partition(is_preferred);
    let mut keys: Vec<usize> = Vec::new();
    let mut apart = [rows[0].min(1), rows[1].min(1)];
    for index in first.into_iter().chain(rest) {
        if apart == rows {
            break;
        }
        keys.push(index);
        let now = [0, 1].map(|side| {
            let keys = row_keys(columns, &keys, side, rows[side]);
            keys.iter().collect::<HashSet<_>>().len()
        });
        if now == apart {
            keys.pop();
        }
        apart = now;
    }
    keys.sort_unstable();
    keys
}

fn row_keys(columns: &[Both], keys: &[usize], side: usize, rows: usize) -> Vec<String> {
    let key = |row: usize| {
        let mut key = String::new();
        keys.iter().for_each(|&index| columns[index].values[side].append(row, &mut key));
        key
    };
    (0..rows).map(key).collect()
}

/// Puts rows that have one key in an order in which each is beside its like: as they are, or else by their computed numbers.
fn align(columns: &[Both], a: &mut [usize], b: &mut [usize]) {
    let alike = |a: &[usize], b: &[usize]| {
        let same_row = |(&a, &b): (&usize, &usize)| columns.iter().all(|column| same_cell(column, a, b));
        a.iter().zip(b).filter(|(a, b)| same_row((a, b))).count()
    };
    let mut sorted = [a.to_vec(), b.to_vec()];
    for (side, rows) in sorted.iter_mut().enumerate() {
        rows.sort_by(|&one, &other| by_numbers(columns, side, one, other));
    }
    if alike(&sorted[0], &sorted[1]) > alike(a, b) {
        a.copy_from_slice(&sorted[0]);
        b.copy_from_slice(&sorted[1]);
    }
}

fn same_cell(column: &Both, a: usize, b: usize) -> bool {
    let [left, right] = &column.values;
    match (left.number(a), right.number(b)) {
        (Some(a), Some(b)) => same(a, b),
        _ => left.shown(a) == right.shown(b),
    }
}

fn by_numbers(columns: &[Both], side: usize, one: usize, other: usize) -> Ordering {
    let orders = columns.iter().map(|column| {
        let number = |row| column.values[side].number(row).unwrap_or(f64::NEG_INFINITY) + 0.0;
        number(one).total_cmp(&number(other))
    });
    orders.fold(Ordering::Equal, Ordering::then)
}
