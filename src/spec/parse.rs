//! TOML text to nodes, with every syntax error and the place of every value.

use super::error::SpecError;
use super::node::{NAME_LETTERS, Node, NodeContent, Origin};
use super::source::Source;
use indexmap::IndexMap;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::lexer::TokenKind;

/// The deepest nesting of tables and lists; the language needs five.
const DEEPEST: usize = 16;

/// The most syntax errors kept of one file.
const KEPT: usize = 1000;

/// Reads a file's text. Errors are all of its syntax errors.
pub(super) fn parse(source: &Arc<Source>) -> Result<Node, Vec<SpecError>> {
    refuse_long_keys(source)?;
    let (table, errors) = DeTable::parse_recoverable(source.text());
    if !errors.is_empty() {
        // After another error it may come of what the parser made of that one: an unclosed `[prompts` takes what follows for its own.
        let twice = |error: &toml::de::Error| error.message() == "duplicate key";
        let others = errors.iter().any(|error| !twice(error));
        let told = errors.iter().filter(|error| !(others && twice(error)));
        return Err(told.take(KEPT).map(|error| syntax_error(source, error)).collect());
    }
    let mut reader = TomlReader { source, errors: Vec::new() };
    let origin = Origin::File { source: source.clone(), key: None, value: 0..0 };
    let node = Node { content: reader.table(table.get_ref(), 1), origin };
    if reader.errors.is_empty() { Ok(node) } else { Err(reader.errors) }
}

/// `a.a.a.a…` makes a table per part, and the parser's limit on nesting counts brackets only: taking apart the tables of
/// a key of a million parts would overflow the stack.
fn refuse_long_keys(source: &Arc<Source>) -> Result<(), Vec<SpecError>> {
    let mut parts = 0;
    let mut start = 0;
    for token in toml_parser::Source::new(source.text()).lex() {
        match token.kind() {
            TokenKind::Dot => {
                parts += 1;
                if parts > DEEPEST {
                    let span = start..token.span().end();
                    let error = SpecError::new(format!("a key of more than {DEEPEST} parts; no spec has one"));
                    return Err(vec![error.at(source, span, "")]);
                }
            }
            TokenKind::Whitespace | TokenKind::Atom | TokenKind::BasicString | TokenKind::LiteralString => {
                if parts == 0 {
                    start = token.span().start();
                }
            }
            _ => parts = 0,
        }
    }
    Ok(())
}

fn syntax_error(source: &Arc<Source>, error: &toml::de::Error) -> SpecError {
    let span = error.span().unwrap_or(0..0);
    let span = if span.is_empty() { span.start..span.start + 1 } else { span };
    // To whom ß is a letter.
    let message = error.message().replace("letters, numbers, `-`, `_`", NAME_LETTERS).replace(
        "string values must be quoted, expected literal string",
        "a value is missing here, or a text has no quotes around it",
    );
    SpecError::new(format!("not TOML: {message}")).at(source, span, "")
}

struct TomlReader<'s> {
    source: &'s Arc<Source>,
    errors: Vec<SpecError>,
}

impl TomlReader<'_> {
    fn table(&mut self, table: &DeTable, depth: usize) -> NodeContent {
        let mut read = IndexMap::new();
        for (key, value) in table {
            read.insert(key.get_ref().to_string(), self.node(value, Some(key.span()), depth));
        }
        NodeContent::Table(read)
    }

    fn node(&mut self, value: &Spanned<DeValue>, key: Option<Range<usize>>, depth: usize) -> Node {
        let span = value.span();
        let content = match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if depth > DEEPEST => {
                self.refuse(format!("nested more than {DEEPEST} deep; no spec is"), span.clone());
                NodeContent::Boolean(false)
            }
            DeValue::String(text) => NodeContent::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => NodeContent::Integer(number),
                Err(_) => {
                    self.refuse(format!("{number} does not fit 64 bits"), span.clone());
                    NodeContent::Integer(0)
                }
            },
            DeValue::Float(number) => match number.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => NodeContent::Float(number),
                _ => {
                    self.refuse(format!("{} is not a finite number", number.as_str()), span.clone());
                    NodeContent::Float(0.0)
                }
            },
            DeValue::Boolean(truth) => NodeContent::Boolean(*truth),
            DeValue::Datetime(date) => NodeContent::Datetime(date.to_string()),
            DeValue::Array(list) => {
                NodeContent::List(list.iter().map(|value| self.node(value, None, depth + 1)).collect())
            }
            DeValue::Table(table) => self.table(table, depth + 1),
        };
        Node { content, origin: Origin::File { source: self.source.clone(), key, value: span } }
    }

    fn refuse(&mut self, message: String, span: Range<usize>) {
        self.errors.push(SpecError::new(message).at(self.source, span, ""));
    }
}
