//! Attention that a causal model cannot have: cells whose key comes after their query.

use super::cell::Cell;
use super::data::Categories;

/// Columns of an attention pattern: those of the key and of the query.
const PAIRS: [(&str, &str); 2] = [("key", "query"), ("key_index", "query_index")];

/// Marks the masked cells of a panel, `[y][x]`, where its axes are keys and queries and no cell that would be masked has a
/// value.
pub fn apply((x_name, x): (&str, &Categories), (y_name, y): (&str, &Categories), cells: &mut [Cell]) {
    let keys_across = PAIRS.contains(&(x_name, y_name));
    if !keys_across && !PAIRS.contains(&(y_name, x_name)) {
        return;
    }
    let (keys, queries) = if keys_across { (x, y) } else { (y, x) };
    // A query attends to itself last of all, so that the order of keys has every query in it.
    let own: Vec<Option<usize>> =
        queries.labels.iter().map(|query| keys.labels.iter().position(|key| key == query)).collect();
    let masked: Vec<bool> = (0..cells.len())
        .map(|index| {
            let (column, line) = (index % x.len().max(1), index / x.len().max(1));
            let (key, query) = if keys_across { (column, line) } else { (line, column) };
            own.get(query).copied().flatten().is_some_and(|own| key > own)
        })
        .collect();
    if cells.iter().zip(&masked).any(|(cell, masked)| *masked && matches!(cell, Cell::Value(_))) {
        return;
    }
    cells.iter_mut().zip(masked).filter(|(_, masked)| *masked).for_each(|(cell, _)| *cell = Cell::Masked);
}
