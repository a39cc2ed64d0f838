//! What the columns of rows mean, wherever they occur.

use super::example::rows;
use super::topic::Topic;
use indexmap::IndexMap;

/// What the columns of some kinds of steps mean, in their order: as the first rows say it that say anything, and of which rows they mean
/// something else.
pub(super) fn columns(kinds: &[Topic]) -> Vec<(String, String)> {
    let mut all: IndexMap<String, IndexMap<&'static str, Vec<String>>> = IndexMap::new();
    for kind in kinds {
        for rows in rows(kind) {
            let of = if rows.part.is_empty() { kind.name.clone() } else { format!("{}.{}", kind.name, rows.part) };
            for column in rows.columns {
                let meanings = all.entry(column.name).or_default();
                if !column.about.is_empty() {
                    meanings.entry(column.about).or_default().push(format!("`{of}`"));
                }
            }
        }
    }
    let text = |(name, meanings): (String, IndexMap<&'static str, Vec<String>>)| {
        let others = meanings.iter().skip(1).map(|(about, of)| format!(" Of {}: {about}", of.join(", ")));
        let first = meanings.keys().next().copied().unwrap_or_default();
        (name, std::iter::once(first.to_string()).chain(others).collect())
    };
    all.into_iter().map(text).collect()
}
