//! How the specs of one command ended.

use crate::Error;
use crate::expectation::{Compared, Verdict};
use std::fmt::Write as _;

/// How a spec ended.
#[derive(Debug, Default)]
pub struct Ended {
    /// Steps that were computed.
    pub computed: usize,
    /// Steps that the store had.
    pub from_store: usize,
    /// Parts that failed.
    pub failed: usize,
    /// Parts that were not tried because of that.
    pub skipped: usize,
    /// Expectations that agree, and all that were judged.
    pub expected: (usize, usize),
    /// Seconds that it took.
    pub seconds: f64,
    /// What was wrong.
    pub error: Option<Error>,
}

impl Ended {
    /// One that did not get to its end.
    pub fn early(error: Error, seconds: f64) -> Self {
        Self { seconds, error: Some(error), ..Self::default() }
    }

    /// Expectations that agree, and all that were judged.
    pub fn judged(all: &[Compared]) -> (usize, usize) {
        let number = |verdict| all.iter().filter(|compared| compared.verdict == verdict).count();
        let (agree, differ) = (number(Verdict::Agree), number(Verdict::Differ));
        (agree, agree + differ)
    }

    fn outcome(&self) -> String {
        let skipped = if self.skipped > 0 { format!(", {} skipped", self.skipped) } else { String::new() };
        match &self.error {
            None => "done".into(),
            Some(_) if self.failed > 0 => format!("{} failed{skipped}", self.failed),
            Some(Error::Differ { .. }) => "differs".into(),
            Some(Error::SelfCheck(_)) => "self-check failed".into(),
            Some(_) => "failed".into(),
        }
    }
}

/// One line per spec, with a heading; the last without its end.
pub fn table(specs: &[(String, Ended)]) -> String {
    let heading = ["spec", "computed", "from store", "seconds", "expected", "outcome"];
    let mut rows = vec![heading.map(String::from)];
    for (name, ended) in specs {
        let expected = match ended.expected {
            (_, 0) => String::new(),
            (agree, judged) => format!("{agree} of {judged}"),
        };
        rows.push([
            name.clone(),
            ended.computed.to_string(),
            ended.from_store.to_string(),
            format!("{:.1}", ended.seconds),
            expected,
            ended.outcome(),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing to a string does not fail.
            let _ = match column {
                0 => write!(line, "{cell:<width$}"),
                5 => write!(line, "  {cell}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.truncate(text.trim_end().len());
    text
}
