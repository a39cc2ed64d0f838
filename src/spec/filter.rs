//! `--filter`: which of the specs that a command line names are meant: `name ~ fig0 and not kind = probe`.

use super::{Loaded, nearest};
use regex::Regex;
use std::ops::Range;

/// Conditions on specs.
#[derive(Debug, Clone)]
pub struct Filter {
    written: String,
    root: Condition,
}

#[derive(Debug, Clone)]
enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Is(Field, Test),
}

/// What of a spec is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Title,
    Kind,
    Model,
}

#[derive(Debug, Clone)]
enum Test {
    Equals(String),
    Matches(Regex),
}

/// A filter that cannot be read.
#[derive(Debug)]
pub struct FilterError {
    message: String,
    written: String,
    place: Range<usize>,
}

impl std::error::Error for FilterError {}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |part: Range<usize>| self.written.get(part).map_or(0, |part| part.chars().count());
        let (before, wrong) = (" ".repeat(count(0..self.place.start)), "^".repeat(count(self.place.clone()).max(1)));
        write!(f, "--filter: {}\n    {}\n    {before}{wrong}", self.message, self.written)
    }
}

const FIELDS: [(&str, Field); 4] =
    [("name", Field::Name), ("title", Field::Title), ("kind", Field::Kind), ("model", Field::Model)];
const OPERATORS: [&str; 4] = ["!=", "!~", "=", "~"];

/// Deeper than this nobody means it.
const DEEPEST: usize = 50;

impl Filter {
    /// Reads conditions `FIELD = TEXT`, `!=`, `~` (a regular expression that is found somewhere in it) and `!~`, put together with
    /// `and`, `or`, `not` and parentheses. Texts with spaces or parentheses stand in quotes.
    ///
    /// # Errors
    /// The first part that cannot stand where it does, and what to write.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let root = reader.any()?;
        match reader.token()? {
            None => Ok(Self { written: text.to_string(), root }),
            Some((token, place)) => {
                Err(reader.wrong(format!("'{token}' follows; write 'and' or 'or' before it"), place))
            }
        }
    }

    /// Whether a spec is meant; none where that depends on what is in a file that could not be read.
    pub fn holds(&self, name: &str, spec: Option<&Loaded>) -> Option<bool> {
        self.root.holds(name, spec)
    }
}

impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.written)
    }
}

impl Condition {
    fn holds(&self, name: &str, spec: Option<&Loaded>) -> Option<bool> {
        match self {
            Condition::Not(condition) => condition.holds(name, spec).map(|holds| !holds),
            Condition::And(all) => decided(all.iter().map(|one| one.holds(name, spec)), false),
            Condition::Or(any) => decided(any.iter().map(|one| one.holds(name, spec)), true),
            Condition::Is(field, test) => {
                field.values(name, spec).map(|values| values.iter().any(|value| test.holds(value)))
            }
        }
    }
}

/// The value that one of them suffices for; none where that is not known.
fn decided(all: impl Iterator<Item = Option<bool>>, suffices: bool) -> Option<bool> {
    let mut unknown = false;
    for one in all {
        match one {
            Some(holds) if holds == suffices => return Some(suffices),
            Some(_) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(!suffices)
}

impl Field {
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

impl Test {
    fn holds(&self, value: &str) -> bool {
        match self {
            Test::Equals(text) => text == value,
            Test::Matches(regex) => regex.is_match(value),
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn any(&mut self) -> Result<Condition, FilterError> {
        let mut any = vec![self.all()?];
        while self.takes("or")? {
            any.push(self.all()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Condition::Or(any) })
    }

    fn all(&mut self) -> Result<Condition, FilterError> {
        let mut all = vec![self.one()?];
        while self.takes("and")? {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::And(all) })
    }

    fn one(&mut self) -> Result<Condition, FilterError> {
        let end = self.text.len()..self.text.len();
        if self.depth > DEEPEST {
            return Err(self.wrong(format!("nested more than {DEEPEST} deep"), self.at..self.at));
        }
        self.depth += 1;
        let condition = match self.token()? {
            None => return Err(self.wrong("a condition is missing; write 'name ~ fig0'".into(), end)),
            Some(("not", _)) => Condition::Not(Box::new(self.one()?)),
            Some(("(", open)) => {
                let inner = self.any()?;
                if !self.takes(")")? {
                    return Err(self.wrong("this parenthesis is not closed; write ')'".into(), open));
                }
                inner
            }
            Some((field, place)) => self.condition(field.to_string(), place)?,
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn condition(&mut self, field: String, place: Range<usize>) -> Result<Condition, FilterError> {
        let Some((_, known)) = FIELDS.into_iter().find(|(name, _)| *name == field) else {
            let names = FIELDS.map(|(name, _)| name);
            let advice = match nearest(&field, names) {
                Some(near) => format!("write '{near}'"),
                None => format!("write one of {}", names.join(", ")),
            };
            return Err(self.wrong(format!("no '{field}' of specs; {advice}"), place));
        };
        let after = place.end..place.end;
        let operator = match self.token()? {
            Some((operator, _)) if OPERATORS.contains(&operator) => operator.to_string(),
            Some((other, place)) => {
                return Err(self.wrong(format!("'{other}' after '{field}'; write =, !=, ~ or !~"), place));
            }
            None => return Err(self.wrong(format!("nothing after '{field}'; write =, !=, ~ or !~ and a text"), after)),
        };
        let (value, place) = self.value(&operator)?;
        let test = match operator.as_str() {
            "=" | "!=" => Test::Equals(value),
            _ => Test::Matches(Regex::new(&value).map_err(|error| {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_string();
                self.wrong(format!("no regular expression: {reason}"), place)
            })?),
        };
        let condition = Condition::Is(known, test);
        Ok(if operator.starts_with('!') { Condition::Not(Box::new(condition)) } else { condition })
    }

    /// A text, in quotes or without.
    fn value(&mut self, operator: &str) -> Result<(String, Range<usize>), FilterError> {
        let start = self.skip();
        let rest = self.text.get(start..).unwrap_or_default();
        if let Some(quote) = rest.chars().next().filter(|first| matches!(first, '"' | '\'')) {
            let Some(length) = rest.get(1..).and_then(|rest| rest.find(quote)) else {
                return Err(self.wrong(format!("no second {quote}"), start..self.text.len()));
            };
            self.at = start + length + 2;
            return Ok((rest.get(1..=length).unwrap_or_default().to_string(), start..self.at));
        }
        let length = rest.find(|letter: char| letter.is_whitespace() || letter == ')').unwrap_or(rest.len());
        if length == 0 {
            return Err(self.wrong(format!("nothing after '{operator}'; write a text"), start..start));
        }
        self.at = start + length;
        Ok((rest.get(..length).unwrap_or_default().to_string(), start..self.at))
    }

    fn skip(&self) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at + rest.len() - rest.trim_start().len()
    }

    /// A parenthesis, an operator or a word.
    fn token(&mut self) -> Result<Option<(&'t str, Range<usize>)>, FilterError> {
        let start = self.skip();
        let rest: &'t str = self.text.get(start..).unwrap_or_default();
        let length = match rest.chars().next() {
            None => return Ok(None),
            Some('(' | ')') => 1,
            Some(letter) if letter.is_alphanumeric() => {
                rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len())
            }
            Some(_) => match OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
                Some(operator) => operator.len(),
                None => {
                    let place = start..start + rest.chars().next().map_or(1, char::len_utf8);
                    let found = self.text.get(place.clone()).unwrap_or_default();
                    let message = format!("'{found}' has no meaning here; write 'name ~ fig0 and not kind = probe'");
                    return Err(self.wrong(message, place));
                }
            },
        };
        self.at = start + length;
        Ok(Some((rest.get(..length).unwrap_or_default(), start..self.at)))
    }

    /// Takes the next token if it is this one.
    fn takes(&mut self, wanted: &str) -> Result<bool, FilterError> {
        let before = self.at;
        let is = self.token()?.is_some_and(|(token, _)| token == wanted);
        if !is {
            self.at = before;
        }
        Ok(is)
    }

    fn wrong(&self, message: String, place: Range<usize>) -> FilterError {
        FilterError { message, written: self.text.to_string(), place }
    }
}
