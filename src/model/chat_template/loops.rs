//! Loops over the letters of a text: the engine does not tell such a loop how long it is, so that `loop.last` is never true in it. What
//! loops run over is therefore handed to a filter that makes a list of letters of a text.

use minijinja::Value;
use minijinja::value::ValueKind;

/// Name of the filter.
pub(super) const LETTERS: &str = "__letters";

/// The letters of a text as a list; what else loops run over as it is.
pub(super) fn letters(value: Value) -> Value {
    match value.as_str().filter(|_| value.kind() == ValueKind::String) {
        Some(text) => text.chars().map(Value::from).collect(),
        None => value,
    }
}

/// A template whose loops run over what the filter makes.
pub(super) fn over_lists(source: &str) -> String {
    let mut made = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%").into_iter().chain(rest.find("{{")).chain(rest.find("{#")).min() {
        let (before, tag) = rest.split_at(start);
        made.push_str(before);
        let close = match tag.as_bytes()[1] {
            b'%' => "%}",
            b'{' => "}}",
            _ => "#}",
        };
        let Some(end) =
            (if close == "#}" { tag.find(close) } else { outside_texts(tag, 2, |at| at.starts_with(close)) })
        else {
            made.push_str(tag);
            return made;
        };
        let (inner, after) = (&tag[2..end], &tag[end + 2..]);
        let word = first_word(inner);
        match word {
            "for" if close == "%}" => {
                made.push_str("{%");
                made.push_str(&wrapped(inner).unwrap_or_else(|| inner.to_string()));
                made.push_str(close);
            }
            _ => made.push_str(&tag[..end + 2]),
        }
        // What is raw has no tags.
        let skipped = if word == "raw" && close == "%}" { after_raw(after) } else { 0 };
        made.push_str(&after[..skipped]);
        rest = &after[skipped..];
    }
    made.push_str(rest);
    made
}

/// The first word of a tag.
fn first_word(inner: &str) -> &str {
    let inner = inner.trim_start_matches(['-', '+']).trim_start();
    inner.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default()
}

/// Where the tag begins that ends what is raw; where there is none, the end.
fn after_raw(text: &str) -> usize {
    let ends = |(at, _): &(usize, &str)| first_word(&text[at + 2..]) == "endraw";
    text.match_indices("{%").find(ends).map_or(text.len(), |(at, _)| at)
}

/// A loop's tag with the filter behind what it runs over: up to a condition, the word `recursive`, or its end.
fn wrapped(inner: &str) -> Option<String> {
    let start = word_outside(inner, 0, &["in"])? + "in".len();
    let end = word_outside(inner, start, &["if", "recursive"]);
    let end = end.unwrap_or_else(|| inner.trim_end_matches(['-', '+']).len());
    let (before, over, after) = (inner.get(..start)?, inner.get(start..end)?.trim(), inner.get(end..)?);
    Some(format!("{before} ({over})|{LETTERS} {after}"))
}

/// Where one of some words stands from a byte on, not within brackets or a text.
fn word_outside(text: &str, from: usize, words: &[&str]) -> Option<usize> {
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut depth = 0_usize;
    let mut before = None;
    outside_texts(text, from, |rest| {
        let letter = rest.chars().next().unwrap_or_default();
        let begins = before.replace(letter).is_none_or(|before| !is_letter(before) && before != '.');
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_word = |word: &&str| rest.strip_prefix(*word).is_some_and(|rest| !rest.starts_with(is_letter));
        depth == 0 && begins && words.iter().any(is_word)
    })
}

/// The first place from a byte on, outside of texts in quotes, whose rest is as wanted.
fn outside_texts(text: &str, from: usize, mut wanted: impl FnMut(&str) -> bool) -> Option<usize> {
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (at, letter) in text.get(from..)?.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if letter == '\\' => escaped = true,
            Some(open) => quote = (letter != open).then_some(open),
            None if wanted(&text[from + at..]) => return Some(from + at),
            None => quote = ['"', '\''].contains(&letter).then_some(letter),
        }
    }
    None
}
