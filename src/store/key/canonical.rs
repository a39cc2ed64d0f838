//! Values as texts that are the same for the same value, and back.

use std::fmt::Write;
use toml::Value;

/// A value as one text, the same for the same value: numbers as the shortest decimals that read back, keys in the order of the
/// types that the value was made from.
pub fn text(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::String(text) => write!(out, "{text:?}"),
        Value::Integer(number) => write!(out, "{number}"),
        // `1.0`, `-0.0`, `inf`, `NaN`: apart from each other and from integers.
        Value::Float(number) => write!(out, "{number:?}"),
        Value::Boolean(truth) => write!(out, "{truth}"),
        Value::Datetime(time) => write!(out, "{time}"),
        Value::Array(list) => {
            out.push('[');
            for item in list {
                write(item, out);
                out.push(',');
            }
            out.push(']');
            Ok(())
        }
        Value::Table(table) => {
            out.push('{');
            for (key, value) in table {
                let _ = write!(out, "{key:?}:");
                write(value, out);
                out.push(',');
            }
            out.push('}');
            Ok(())
        }
    };
}

/// A value as its text says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A number, truth or date.
    Bare(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A table, in the order of its keys.
    Table(Vec<(String, Tree)>),
}

impl Default for Tree {
    fn default() -> Self {
        Self::Table(Vec::new())
    }
}

impl Tree {
    /// The value under a key of a table.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Self::Table(table) = self else { return None };
        table.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        matches!(self, Self::Table(_))
    }
}

/// As TOML writes it.
impl std::fmt::Display for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all = |parts: Vec<String>| parts.join(", ");
        match self {
            Self::Bare(text) => f.write_str(text),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(list) => write!(f, "[{}]", all(list.iter().map(ToString::to_string).collect())),
            Self::Table(table) => {
                write!(f, "{{ {} }}", all(table.iter().map(|(key, value)| format!("{key} = {value}")).collect()))
            }
        }
    }
}

/// Reads what [`text`] wrote; none for anything else.
pub fn parse(text: &str) -> Option<Tree> {
    let mut rest = text;
    let value = value(&mut rest)?;
    rest.is_empty().then_some(value)
}

fn value(rest: &mut &str) -> Option<Tree> {
    if take(rest, '[') {
        let mut list = Vec::new();
        while !take(rest, ']') {
            list.push(value(rest)?);
            take(rest, ',').then_some(())?;
        }
        return Some(Tree::List(list));
    }
    if take(rest, '{') {
        let mut table = Vec::new();
        while !take(rest, '}') {
            let key = quoted(rest)?;
            take(rest, ':').then_some(())?;
            table.push((key, value(rest)?));
            take(rest, ',').then_some(())?;
        }
        return Some(Tree::Table(table));
    }
    if rest.starts_with('"') {
        return quoted(rest).map(Tree::Text);
    }
    let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
    let (bare, after) = rest.split_at_checked(end).filter(|(bare, _)| !bare.is_empty())?;
    *rest = after;
    Some(Tree::Bare(bare.to_string()))
}

fn take(rest: &mut &str, letter: char) -> bool {
    let after = rest.strip_prefix(letter);
    *rest = after.unwrap_or(rest);
    after.is_some()
}

/// A text as Rust's `{:?}` writes it.
fn quoted(rest: &mut &str) -> Option<String> {
    let mut letters = rest.strip_prefix('"')?.chars();
    let mut text = String::new();
    loop {
        match letters.next()? {
            '"' => break,
            '\\' => text.push(escaped(&mut letters)?),
            letter => text.push(letter),
        }
    }
    *rest = letters.as_str();
    Some(text)
}

fn escaped(letters: &mut std::str::Chars) -> Option<char> {
    match letters.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '0' => Some('\0'),
        'u' => {
            let (code, after) = letters.as_str().strip_prefix('{')?.split_once('}')?;
            *letters = after.chars();
            char::from_u32(u32::from_str_radix(code, 16).ok()?)
        }
        letter => Some(letter),
    }
}
