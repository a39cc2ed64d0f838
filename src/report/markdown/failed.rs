//! What could not be made.

use crate::manifest::Failed;
use std::fmt::Write as _;

/// The section of the report.
pub(super) fn section(text: &mut String, all: &[Failed]) {
    text.push_str("\n## What failed\n\nIf this folder has files of these parts, an earlier run made them.\n");
    for Failed { what, why, skipped } in all {
        let _ = write!(text, "\n**{}** failed:\n\n{}", super::said(what), super::fenced("text", why));
        if !skipped.is_empty() {
            let _ = write!(text, "\nSkipped because of this: {}.\n", super::said(&skipped.join(", ")));
        }
    }
}
