//! How Python writes values, where the engine writes them otherwise: numbers with a point, lists and tables, and texts in title case.

use minijinja::Value;
use minijinja::value::ValueKind;

/// What `str` of Python makes of a value that the engine writes otherwise; `None` of the others.
pub(super) fn text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::Number => as_float(value).map(float),
        ValueKind::None | ValueKind::Bool | ValueKind::Seq | ValueKind::Map => Some(repr(value)),
        _ => None,
    }
}

/// A number with a point, as `repr` writes it: the fewest digits that give it again.
pub(super) fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = number.to_string();
    if plain.contains('.') { plain } else { plain + ".0" }
}

fn as_float(value: &Value) -> Option<f64> {
    if value.is_integer() { None } else { f64::try_from(value.clone()).ok() }
}

fn repr(value: &Value) -> String {
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::None => "None".into(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.into(),
        ValueKind::Number => as_float(value).map_or_else(|| value.to_string(), float),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Seq => format!("[{}]", items().map(|item| repr(&item)).collect::<Vec<_>>().join(", ")),
        ValueKind::Map => {
            let pair =
                |key: Value| format!("{}: {}", repr(&key), value.get_item(&key).as_ref().map_or(String::new(), repr));
            format!("{{{}}}", items().map(pair).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

/// A text in quotes: single ones, unless it has such and no double ones.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            letter if letter == quote => written.extend(['\\', letter]),
            letter if letter == ' ' || !(letter.is_control() || letter.is_whitespace()) => written.push(letter),
            letter => match u32::from(letter) {
                code @ ..=0xff => written += &format!("\\x{code:02x}"),
                code => written += &format!("\\u{code:04x}"),
            },
        }
    }
    written.push(quote);
    written
}

/// `str.title`: a letter behind one that has a case is small, every other is large, behind an apostrophe too.
pub(super) fn title(text: &str) -> String {
    let mut titled = String::with_capacity(text.len());
    let mut behind_a_letter = false;
    for letter in text.chars() {
        match behind_a_letter {
            true => titled.extend(letter.to_lowercase()),
            false => {
                // What is several letters when it is large has the first of them large.
                let mut large = letter.to_uppercase();
                titled.extend(large.next());
                large.for_each(|rest| titled.extend(rest.to_lowercase()));
            }
        }
        behind_a_letter = letter.is_lowercase() || letter.is_uppercase();
    }
    titled
}
