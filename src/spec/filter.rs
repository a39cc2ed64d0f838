//! `--filter`: which of the specs that a command line names are meant: `name ~ fig0 and not kind = probe`.

use super::expression::{ExpressionError, wrong};
use super::infix::{Grammar, InfixToken, Lexed, rest, reverse_polish};
use super::{Loaded, advise};
use regex::Regex;
use std::ops::Range;

/// Conditions on specs.
#[derive(Debug, Clone)]
pub struct Filter {
    written: String,
    /// In reverse Polish order.
    parts: Vec<Test>,
}

#[derive(Debug, Clone)]
enum Test {
    And,
    Or,
    Not,
    Equals(Field, bool, String),
    Matches(Field, bool, Regex),
}

/// What of a spec is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Title,
    Kind,
    Model,
}

/// A filter that cannot be read.
#[derive(Debug)]
pub struct FilterError {
    error: ExpressionError,
    written: String,
}

impl std::error::Error for FilterError {}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |part: Range<usize>| self.written.get(part).map_or(0, |part| part.chars().count());
        let ExpressionError { message, span } = &self.error;
        let (before, wrong) = (" ".repeat(count(0..span.start)), "^".repeat(count(span.clone()).max(1)));
        write!(f, "--filter: {message}\n    {}\n    {before}{wrong}", self.written)
    }
}

const FIELDS: [(&str, Field); 4] =
    [("name", Field::Name), ("title", Field::Title), ("kind", Field::Kind), ("model", Field::Model)];
const OPERATORS: [&str; 4] = ["!=", "!~", "=", "~"];

impl Filter {
    /// Reads conditions `FIELD = TEXT`, `!=`, `~` (a regular expression that is found somewhere in it) and `!~`, put together with
    /// `and`, `or`, `not` and parentheses. Texts with spaces or parentheses stand in quotes.
    ///
    /// # Errors
    /// The first part that cannot stand where it does, and what to write.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let grammar = Grammar {
            operand: "a condition such as 'name ~ fig0'",
            operators: "'and' or 'or'",
            whole: "'name ~ fig0'",
        };
        match reverse_polish(text, &grammar, |at, operand_next| token(text, at, operand_next)) {
            Ok(parts) => Ok(Self { written: text.to_string(), parts }),
            Err(error) => Err(FilterError { error, written: text.to_string() }),
        }
    }

    /// Whether a spec is meant; none where that depends on what is in a file that could not be read.
    pub fn holds(&self, name: &str, spec: Option<&Loaded>) -> Option<bool> {
        let mut stack: Vec<Option<bool>> = Vec::new();
        for part in &self.parts {
            let mut pop = || stack.pop().flatten();
            let holds = match part {
                Test::Not => pop().map(|holds| !holds),
                Test::And => decided(pop(), pop(), false),
                Test::Or => decided(pop(), pop(), true),
                Test::Equals(field, negated, text) => field.any(name, spec, |value| value == text, *negated),
                Test::Matches(field, negated, regex) => field.any(name, spec, |value| regex.is_match(value), *negated),
            };
            stack.push(holds);
        }
        stack.pop().flatten()
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

/// The value that one of two suffices for; none where that is not known.
fn decided(a: Option<bool>, b: Option<bool>, suffices: bool) -> Option<bool> {
    match a == Some(suffices) || b == Some(suffices) {
        true => Some(suffices),
        false => a.and(b).map(|_| !suffices),
    }
}

impl Field {
    /// Whether a test holds for one of the values, or for none of them.
    fn any(self, name: &str, spec: Option<&Loaded>, test: impl Fn(&str) -> bool, negated: bool) -> Option<bool> {
        Some(self.values(name, spec)?.iter().any(|value| test(value)) != negated)
    }

    /// Of a kind or a model, of every step and every variant; of a name, the path without its ending, and its last part.
    fn values(self, name: &str, spec: Option<&Loaded>) -> Option<Vec<String>> {
        let path = std::path::Path::new(name).with_extension("");
        match self {
            Field::Name => {
                let stem = path.file_name().map(|stem| stem.to_string_lossy().into_owned());
                Some(std::iter::once(path.display().to_string()).chain(stem).collect())
            }
            Field::Title => Some(vec![spec?.spec.title.clone()]),
            Field::Kind => Some(spec?.spec.steps.iter().map(|step| step.kind().to_string()).collect()),
            Field::Model => {
                let models =
                    spec?.variants().into_iter().flat_map(|one| one.spec.model.iter().chain(one.spec.models.values()));
                Some(models.map(|model| model.source.clone()).collect())
            }
        }
    }
}

/// What is at a byte: a whole condition is an operand.
fn token(text: &str, from: usize, operand_next: bool) -> Lexed<Test> {
    let (rest, start) = rest(text, from);
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let length = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()).max(first.len_utf8());
    let (found, place) = (rest.get(..length).unwrap_or_default(), start..start + length);
    let token = match found {
        "(" => InfixToken::Open,
        ")" => InfixToken::Close,
        "or" => InfixToken::Binary(Test::Or, 1),
        "and" => InfixToken::Binary(Test::And, 2),
        "not" if operand_next => InfixToken::Prefix(Test::Not),
        _ if !first.is_alphanumeric() => {
            let message = format!("'{found}' has no meaning here; write 'name ~ fig0 and not kind = probe'");
            return Err(wrong(message, place));
        }
        _ if operand_next => return condition(text, found, place).map(Some),
        _ => return Err(wrong(format!("'{found}' follows a condition; write 'and' or 'or' before it"), place)),
    };
    Ok(Some((token, place)))
}

/// A field, an operator and a text.
fn condition(
    text: &str,
    field: &str,
    place: Range<usize>,
) -> Result<(InfixToken<Test>, Range<usize>), ExpressionError> {
    let Some((_, known)) = FIELDS.into_iter().find(|(name, _)| *name == field) else {
        let names = FIELDS.map(|(name, _)| name);
        let advice = advise(field, &names, '\'', "write one of");
        return Err(wrong(format!("specs have no '{field}'; {advice}"), place));
    };
    let (rest, start) = rest(text, place.end);
    let Some(operator) = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)) else {
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        return Err(match rest.get(..length).unwrap_or_default() {
            "" => {
                wrong(format!("nothing stands after '{field}'; write =, !=, ~ or !~ and a text"), place.end..place.end)
            }
            other => {
                wrong(format!("'{other}' cannot stand after '{field}'; write =, !=, ~ or !~"), start..start + length)
            }
        });
    };
    let (value, span) = value(text, operator, start + operator.len())?;
    let negated = operator.starts_with('!');
    let test = match operator.ends_with('=') {
        true => Test::Equals(known, negated, value.to_string()),
        false => Test::Matches(
            known,
            negated,
            Regex::new(value).map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
                wrong(format!("not a regular expression: {reason}"), span.clone())
            })?,
        ),
    };
    Ok((InfixToken::Operand(test), place.start..span.end))
}

/// A text, in quotes or without, and its place with them.
fn value<'t>(text: &'t str, operator: &str, from: usize) -> Result<(&'t str, Range<usize>), ExpressionError> {
    let (rest, start) = rest(text, from);
    if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
        return match rest.get(1..).and_then(|rest| rest.split_once(quote)) {
            Some((inside, _)) => Ok((inside, start..start + inside.len() + 2)),
            None => Err(wrong(format!("the quote is not closed; write {quote} at its end"), start..text.len())),
        };
    }
    let length = rest.find(|letter: char| letter.is_whitespace() || letter == ')').unwrap_or(rest.len());
    match rest.get(..length).unwrap_or_default() {
        "" => Err(wrong(format!("nothing stands after '{operator}'; write a text"), start..start)),
        value => Ok((value, start..start + length)),
    }
}
