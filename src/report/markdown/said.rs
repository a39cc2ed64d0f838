//! Text of the report as Markdown.

use crate::report::one_line;
use crate::table;

/// Text on one line that Markdown shows as it is, also at the beginning of a heading or an item.
pub(super) fn said(text: &str) -> String {
    let text = table::escaped(&one_line(text));
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match text.as_bytes().get(digits) {
        Some(b'.' | b')') if digits > 0 => format!("{}\\{}", &text[..digits], &text[digits..]),
        Some(b'#' | b'+' | b'-' | b'=' | b'>') if digits == 0 => format!("\\{text}"),
        _ => text,
    }
}
