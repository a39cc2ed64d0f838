//! A spec with syntax colours, and where each value comes from beside it.

use super::Html;

/// TOML as [`crate::spec::Loaded::to_toml_with_origins`] writes it: one value a line, its origin in the comment.
pub fn toml(body: &mut Html, text: &str) {
    body.raw("<div class=\"scroll\"><pre class=\"listing\"><code>");
    for line in text.trim_end().lines() {
        if line.starts_with('[') {
            span(body, "header", line);
        } else {
            value(body, line);
        }
        body.raw("\n");
    }
    body.raw("</code></pre></div>\n");
}

/// A line with a key and its value.
fn value(body: &mut Html, line: &str) {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let (class, length) = match first {
            '#' => ("origin", rest.len()),
            '"' => {
                let length = string(rest);
                (if is_key(&rest[length..]) { "key" } else { "string" }, length)
            }
            letter if is_bare(letter) => {
                let length = rest.find(|letter| !is_bare(letter)).unwrap_or(rest.len());
                (if is_key(&rest[length..]) { "key" } else { "literal" }, length)
            }
            letter => {
                body.text(&rest[..letter.len_utf8()]);
                rest = &rest[letter.len_utf8()..];
                continue;
            }
        };
        span(body, class, &rest[..length]);
        rest = &rest[length..];
    }
}

fn span(body: &mut Html, class: &str, text: &str) {
    body.with("span", "class", class, text);
}

fn is_bare(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-+_.:".contains(letter)
}

/// Whether what comes before is a key.
fn is_key(after: &str) -> bool {
    after.trim_start().starts_with('=')
}

/// Bytes of the string at the start of a line, its quotes included.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}
