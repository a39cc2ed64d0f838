//! What could not be made.

use crate::manifest::Failed;
use std::fmt::Write as _;

/// The section of the report.
pub(super) fn section(text: &mut String, all: &[Failed]) {
    text.push_str("\n## What failed\n\nFiles of these that an earlier run left in this folder are not of this one.\n");
    for Failed { what, why, skipped } in all {
        let _ = write!(text, "\n**{}** failed:\n\n{}", super::said(what), super::fenced("text", why));
        if !skipped.is_empty() {
            let _ = write!(text, "\nNot made because of it: {}.\n", super::said(&skipped.join(", ")));
        }
    }
}
