//! Words for a shell's command line.

/// A text as one word.
pub(crate) fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-./=:,+%@".contains(letter);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_string(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// A path as one word, `~/` at its beginning being the home folder of whoever's shell reads it.
pub(crate) fn path_word(path: &str) -> String {
    match path.strip_prefix("~/") {
        Some("") => "~/".to_string(),
        Some(rest) => format!("~/{}", word(rest)),
        None => word(path),
    }
}
