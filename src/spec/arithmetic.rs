//! The arithmetic of `derive`: `before - after`, `(a + b) / 2`, over columns and numbers.

use super::expression::{ExpressionError, wrong};
use super::infix::{Grammar, InfixToken, Lexed, rest, reverse_polish};

/// An expression in reverse Polish order: a stack evaluates it, however long or deep it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Arithmetic {
    /// What is put on the stack, or done with its top.
    pub parts: Vec<ExpressionPart>,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionPart {
    /// A number, put on the stack.
    Number(f64),
    /// A column's numbers, put on the stack.
    Column(String),
    /// Changes the sign of the top.
    Negate,
    /// Replaces the two on top.
    Binary(BinaryOperation),
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperation {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
}

impl BinaryOperation {
    /// The result; a division by zero is infinite, or no number for 0 / 0.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            BinaryOperation::Add => a + b,
            BinaryOperation::Subtract => a - b,
            BinaryOperation::Multiply => a * b,
            BinaryOperation::Divide => a / b,
        }
    }
}

/// Reads columns (letters, digits, `_` and `.`; any other name between backticks), numbers, `+ - * /` and parentheses.
///
/// # Errors
/// The first part that cannot stand where it does.
pub fn parse_arithmetic(text: &str) -> Result<Arithmetic, ExpressionError> {
    let grammar =
        Grammar { operand: "a column or a number", operators: "+ - * or /", whole: "columns and numbers with + - * /" };
    let mut after_column = false;
    let parts = reverse_polish(text, &grammar, |at, operand_next| {
        let found = token(text, at, operand_next)?;
        if let Some((InfixToken::Open, span)) = &found
            && std::mem::take(&mut after_column)
        {
            return Err(wrong("functions are not allowed here; write columns and numbers with + - * /", span.clone()));
        }
        after_column = matches!(found, Some((InfixToken::Operand(ExpressionPart::Column(_)), _)));
        Ok(found)
    })?;
    Ok(Arithmetic { parts })
}

/// The token at byte `from` and its place.
fn token(text: &str, from: usize, operand_next: bool) -> Lexed<ExpressionPart> {
    let (rest, start) = rest(text, from);
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let run = |fits: fn(char) -> bool| rest.find(|letter| !fits(letter)).unwrap_or(rest.len());
    let column = |name: &str| InfixToken::Operand(ExpressionPart::Column(name.to_string()));
    let binary = |operation, binds| (InfixToken::Binary(ExpressionPart::Binary(operation), binds), 1);
    let (token, length) = match first {
        '-' if operand_next => (InfixToken::Prefix(ExpressionPart::Negate), 1),
        '+' => binary(BinaryOperation::Add, 1),
        '-' => binary(BinaryOperation::Subtract, 1),
        '*' => binary(BinaryOperation::Multiply, 2),
        '/' => binary(BinaryOperation::Divide, 2),
        '(' => (InfixToken::Open, 1),
        ')' => (InfixToken::Close, 1),
        '`' => match rest.get(1..).and_then(|inside| inside.split_once('`')) {
            Some((name, _)) => (column(name), name.len() + 2),
            None => return Err(wrong("a backtick is not closed; write `a column`", start..text.len())),
        },
        '0'..='9' | '.' => {
            let written = rest.get(..number_length(rest)).unwrap_or_default();
            match written.parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    (InfixToken::Operand(ExpressionPart::Number(number)), written.len())
                }
                _ => {
                    return Err(wrong(
                        format!("'{written}' is not a number; write one such as 0.5"),
                        start..start + written.len(),
                    ));
                }
            }
        }
        letter if letter.is_alphabetic() || letter == '_' => {
            let end = run(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.');
            (column(rest.get(..end).unwrap_or_default()), end)
        }
        other => {
            let message = format!(
                "'{other}' has no meaning here; if it belongs to the name of a column, write the name between backticks: `{other}`"
            );
            return Err(wrong(message, start..start + other.len_utf8()));
        }
    };
    Ok(Some((token, start..start + length)))
}

/// Bytes of the number at the start of a text: digits, a point, an exponent with its sign.
fn number_length(text: &str) -> usize {
    let mut before = ' ';
    let end = text.find(|letter: char| {
        let sign = matches!(letter, '+' | '-') && matches!(before, 'e' | 'E');
        before = letter;
        !(letter.is_alphanumeric() || letter == '.' || sign)
    });
    end.unwrap_or(text.len())
}
