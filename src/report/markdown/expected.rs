//! Numbers that were expected beside those of this run.

use crate::expectation::{Compared, Verdict};
use crate::table;
use std::fmt::Write as _;

/// The section of the report: every expectation, whatever is made of it.
pub(super) fn section(text: &mut String, all: &[Compared]) {
    text.push_str("\n## Expected\n\n");
    text.push_str(
        "| | source | expected | ours | expected of | ours is | |\n| --- | --- | ---: | ---: | --- | --- | --- |\n",
    );
    for compared in all {
        let Compared { expected, at_hand, verdict, .. } = compared;
        let cells = [
            expected.name.clone(),
            expected.source.clone().unwrap_or_default(),
            expected.to_string(),
            compared.shown(),
            expected.model.clone().unwrap_or_else(|| "any model".into()),
            at_hand.clone().unwrap_or_else(|| "no known model".into()),
        ];
        let verdict = if *verdict == Verdict::Differ { format!("**{verdict}**") } else { verdict.to_string() };
        let cells: Vec<String> = cells.iter().map(|cell| table::escaped(cell)).chain([verdict]).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    if let Some(count) = Compared::count(all) {
        let _ = write!(text, "\n{}.\n", capital(&count));
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
