//! Differences as text, for the terminal: what is the same in a line, what differs with its worst cells.

use super::folders::{FileDifference, FileVerdict, FolderDifference};
use super::specs::ValueChange;
use super::tables::{ColumnDifference, Likeness, NAMED, TableDifference};
use crate::counted::{agreeing, counted};
use std::cmp::Ordering;
use std::fmt::Write;

/// What the two sides are called: `["committed", "rerun"]`, `["in A", "in B"]`.
pub type Sides<'a> = [&'a str; 2];

/// Everything that differs between two results folders, and how many files do not.
pub fn folder(difference: &FolderDifference, sides: Sides) -> String {
    let mut text = String::new();
    if !difference.spec.is_empty() {
        text.push_str("  the specs differ:\n");
        text.push_str(&values(&difference.spec, "    "));
    }
    let mut files: Vec<&FileDifference> = difference.files.iter().collect();
    files.sort_by(|one, other| importance(other).partial_cmp(&importance(one)).unwrap_or(Ordering::Equal));
    files.iter().for_each(|difference| file(&mut text, difference, sides));
    for (what, [one, other]) in &difference.judged {
        line(&mut text, 1, &format!("{what}: {one} {}, {other} {}", sides[0], sides[1]));
    }
    let of =
        |wanted: fn(&FileVerdict) -> bool| difference.files.iter().filter(move |file| wanted(&file.outcome)).count();
    let identical = of(|outcome| matches!(outcome, FileVerdict::Identical));
    let left_out = of(|outcome| matches!(outcome, FileVerdict::NotKept));
    let rest = if left_out > 0 {
        format!(
            "; {left_out} more {} not kept, which does not count as a difference",
            agreeing(left_out, "was", "were")
        )
    } else {
        String::new()
    };
    line(
        &mut text,
        1,
        &format!("{identical} of {} identical to the byte{rest}", counted(difference.files.len() - left_out, "file")),
    );
    text
}

/// The lines of those files that are no tables.
pub(super) fn other_files(difference: &FolderDifference, sides: Sides) -> String {
    let mut text = String::new();
    let others = difference.files.iter().filter(|file| !matches!(file.outcome, FileVerdict::Table(_)));
    others.for_each(|difference| file(&mut text, difference, sides));
    text
}

/// Values of specs that are not the same, each on a line.
pub fn values(changes: &[ValueChange], indent: &str) -> String {
    let mut text = String::new();
    for ValueChange { key, values: [one, other], origins } in changes {
        let shown = |value: &Option<String>, origin: &Option<String>| {
            let value = value.as_deref().map_or("not there".to_string(), shortened);
            origin.as_ref().map_or(value.clone(), |origin| format!("{value} ({origin})"))
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{indent}{key}: {} → {}", shown(one, &origins[0]), shown(other, &origins[1]));
    }
    text
}

/// What matters first: what differs before what is within tolerance, tables before drawings before rows, large differences
/// before small ones.
fn importance(file: &FileDifference) -> (Likeness, usize, f64) {
    let kinds = ["rows/", "figures/", "tables/"];
    let kind = kinds.iter().position(|kind| file.path.starts_with(kind)).unwrap_or(0);
    let excess = match &file.outcome {
        FileVerdict::Table(difference) => difference.excess(),
        _ => f64::INFINITY,
    };
    (file.verdict(), kind, excess)
}

fn file(text: &mut String, file: &FileDifference, sides: Sides) {
    let path = &file.path;
    let edited = if file.edited { format!("; {} it was changed since its run", sides[0]) } else { String::new() };
    match &file.outcome {
        FileVerdict::Identical | FileVerdict::NotKept => {}
        FileVerdict::Table(difference) => table(text, path, difference, sides, &edited),
        FileVerdict::SameDrawing => line(text, 1, &format!("{path}: the same drawing, written in other bytes{edited}")),
        FileVerdict::Redrawn if file.edited => {
            line(text, 1, &format!("{path}: differs, while the rows it is drawn from do not{edited}"));
        }
        FileVerdict::Redrawn => {
            line(text, 1, &format!("{path}: drawn differently, from rows that agree within tolerance"))
        }
        FileVerdict::DrawnFromOthers => {
            line(text, 1, &format!("{path}: differs, because the rows it is drawn from differ{edited}"))
        }
        FileVerdict::Bytes => line(text, 1, &format!("{path}: differs{edited}")),
        FileVerdict::Unreadable(problem) => line(text, 1, &format!("{path}: cannot be compared: {problem}{edited}")),
        FileVerdict::Only(side) => {
            let (there, missing) = (sides[*side], sides[1 - side]);
            line(text, 1, &format!("{path}: {there}, but not {missing}"));
        }
    }
}

fn table(text: &mut String, path: &str, difference: &TableDifference, sides: Sides, edited: &str) {
    let TableDifference {
        rows: [a, b], only_columns, only_rows, named_rows, columns, rows_moved, columns_moved, ..
    } = difference;
    let verdict = difference.verdict();
    let moved = match (rows_moved, columns_moved) {
        (true, true) => ", rows and columns in another order",
        (true, false) => ", rows in another order",
        (false, true) => ", columns in another order",
        (false, false) => "",
    };
    let rows = if a == b { counted(*a, "row") } else { format!("{a} rows {}, {b} {}", sides[0], sides[1]) };
    line(text, 1, &format!("{path}: {verdict}{moved} ({rows}){edited}"));
    for side in [0, 1] {
        if !only_columns[side].is_empty() {
            line(text, 2, &format!("columns only {}: {}", sides[side], only_columns[side].join(", ")));
        }
        if only_rows[side] > 0 {
            let named: Vec<String> = named_rows[side].iter().map(|key| key_text(key)).collect();
            let more = if only_rows[side] > named.len() { "; …" } else { "" };
            line(
                text,
                2,
                &format!("{} only {}: {}{more}", counted(only_rows[side], "row"), sides[side], named.join("; ")),
            );
        }
    }
    let (differing, within): (Vec<_>, Vec<_>) = columns.iter().partition(|column| column.beyond > 0);
    differing.into_iter().for_each(|difference| column(text, difference, sides));
    for ColumnDifference { name, changed, cells, largest, .. } in within {
        let by = largest.map_or(String::new(), |largest| format!(", by {} at most", short(largest)));
        line(text, 2, &format!("'{name}': {changed} of {} within tolerance{by}", counted(*cells, "cell")));
    }
}

fn column(text: &mut String, difference: &ColumnDifference, sides: Sides) {
    let ColumnDifference { name, cells, beyond, largest, mean, worst, .. } = difference;
    let by = match (largest, mean) {
        (Some(largest), Some(mean)) => format!(", by {} at most and {} on average", short(*largest), short(*mean)),
        _ => String::new(),
    };
    line(
        text,
        2,
        &format!("'{name}': {beyond} of {} {}{by}", counted(*cells, "cell"), agreeing(*beyond, "differs", "differ")),
    );
    for cell in worst.iter().take((*beyond).min(NAMED)) {
        let [one, other] = &cell.values;
        let by = cell.difference.map_or(String::new(), |difference| format!(" (difference {})", short(difference)));
        let (one, other) = (shortened(one), shortened(other));
        line(text, 3, &format!("at {}: {one} {}, {other} {}{by}", key_text(&cell.key), sides[0], sides[1]));
    }
}

/// `operator +, layer 3`
pub(super) fn key_text(key: &[(String, String)]) -> String {
    key.iter().map(|(name, value)| format!("{name} {}", shortened(value))).collect::<Vec<_>>().join(", ")
}

fn line(text: &mut String, depth: usize, what: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{:indent$}{what}", "", indent = 2 * depth);
}

/// A number by its first digits.
pub(super) fn short(number: f64) -> String {
    match number.abs() {
        _ if number.fract() == 0.0 && number.abs() < 1e9 => format!("{number}"),
        size if (1e-3..1e6).contains(&size) => {
            let decimals = (3 - size.log10().floor() as i32).max(0) as usize;
            format!("{number:.decimals$}")
        }
        _ => format!("{number:.2e}"),
    }
}

/// A text short enough for a line.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 72;
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
