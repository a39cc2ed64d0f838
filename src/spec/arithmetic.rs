//! The arithmetic of `derive`: `before - after`, `(a + b) / 2`, over columns and numbers.

use super::expression::ExpressionError;
use std::ops::Range;

/// An expression in reverse Polish order: a stack evaluates it, however long or deep it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Arithmetic {
    /// What is put on the stack, or done with its top.
    pub parts: Vec<Part>,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A number, put on the stack.
    Number(f64),
    /// A column's numbers, put on the stack.
    Column(String),
    /// Changes the sign of the top.
    Negate,
    /// Replaces the two on top.
    Binary(Operation),
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `a + b`
    Add,
    /// `a - b`
    Subtract,
    /// `a * b`
    Multiply,
    /// `a / b`
    Divide,
}

impl Operation {
    /// The result; a division by zero is infinite, or no number for 0 / 0.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Operation::Add => a + b,
            Operation::Subtract => a - b,
            Operation::Multiply => a * b,
            Operation::Divide => a / b,
        }
    }

    fn precedence(self) -> u8 {
        match self {
            Operation::Add | Operation::Subtract => 1,
            Operation::Multiply | Operation::Divide => 2,
        }
    }
}

/// Reads columns (letters, digits, `_` and `.`; any other name between backticks), numbers, `+ - * /` and parentheses.
///
/// # Errors
/// The first part that cannot stand where it does.
pub fn parse_arithmetic(text: &str) -> Result<Arithmetic, ExpressionError> {
    let mut reader = Reader { text, parts: Vec::new(), waiting: Vec::new() };
    let mut at = 0;
    let mut operand_next = true;
    while let Some((token, span)) = token(text, at)? {
        at = span.end;
        operand_next = match operand_next {
            true => reader.operand(token, span)?,
            false => reader.operator(token, span)?,
        };
    }
    if operand_next {
        let message = match reader.waiting.last().map(|(_, span)| text.get(span.clone()).unwrap_or_default()) {
            None => "nothing written; write columns and numbers with + - * /".to_string(),
            Some(last) => format!("nothing after '{last}'; write a column or a number"),
        };
        let span = reader.waiting.last().map_or(0..text.len(), |(_, span)| span.clone());
        return Err(wrong(message, span));
    }
    while let Some((waiting, span)) = reader.waiting.pop() {
        if waiting == Waiting::Open {
            return Err(wrong("this parenthesis is not closed; write ')' after what belongs in it", span));
        }
        reader.done(waiting);
    }
    Ok(Arithmetic { parts: reader.parts })
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Number(f64),
    Column(String),
    Operation(Operation),
    Open,
    Close,
}

/// What waits on the way to the reverse order (Dijkstra's shunting yard).
#[derive(Debug, Clone, Copy, PartialEq)]
enum Waiting {
    Open,
    Negate,
    Binary(Operation),
}

struct Reader<'t> {
    text: &'t str,
    parts: Vec<Part>,
    waiting: Vec<(Waiting, Range<usize>)>,
}

impl Reader<'_> {
    /// Takes what stands where a column or number must begin; whether another must follow.
    fn operand(&mut self, token: Token, span: Range<usize>) -> Result<bool, ExpressionError> {
        match token {
            Token::Number(number) => self.parts.push(Part::Number(number)),
            Token::Column(column) => self.parts.push(Part::Column(column)),
            Token::Open => {
                self.waiting.push((Waiting::Open, span));
                return Ok(true);
            }
            Token::Operation(Operation::Subtract) => {
                self.waiting.push((Waiting::Negate, span));
                return Ok(true);
            }
            Token::Operation(_) | Token::Close => {
                let message = format!("'{}' has nothing before it; write a column or a number", self.written(&span));
                return Err(wrong(message, span));
            }
        }
        Ok(false)
    }

    /// Takes what follows a column or number.
    fn operator(&mut self, token: Token, span: Range<usize>) -> Result<bool, ExpressionError> {
        match token {
            Token::Operation(operation) => {
                while let Some((waiting, _)) = self.waiting.pop_if(|(waiting, _)| binds(*waiting, operation)) {
                    self.done(waiting);
                }
                self.waiting.push((Waiting::Binary(operation), span));
                Ok(true)
            }
            Token::Close => {
                while let Some((waiting, _)) = self.waiting.pop() {
                    if waiting == Waiting::Open {
                        return Ok(false);
                    }
                    self.done(waiting);
                }
                Err(wrong("no '(' before this", span))
            }
            Token::Open if matches!(self.parts.last(), Some(Part::Column(_))) => {
                Err(wrong("no functions here, only columns, numbers and + - * /", span))
            }
            Token::Open | Token::Number(_) | Token::Column(_) => {
                Err(wrong(format!("no operator before '{}'; write + - * or /", self.written(&span)), span))
            }
        }
    }

    fn done(&mut self, waiting: Waiting) {
        match waiting {
            Waiting::Open => {}
            Waiting::Negate => self.parts.push(Part::Negate),
            Waiting::Binary(operation) => self.parts.push(Part::Binary(operation)),
        }
    }

    fn written(&self, span: &Range<usize>) -> &str {
        self.text.get(span.clone()).unwrap_or_default()
    }
}

/// Whether what waits comes before an operation that is read after it: from left to right, and `*` before `+`.
fn binds(waiting: Waiting, next: Operation) -> bool {
    match waiting {
        Waiting::Open => false,
        Waiting::Negate => true,
        Waiting::Binary(operation) => operation.precedence() >= next.precedence(),
    }
}

/// The token after byte `from` and its place.
fn token(text: &str, from: usize) -> Result<Option<(Token, Range<usize>)>, ExpressionError> {
    let rest = text.get(from..).unwrap_or_default();
    let start = from + rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let Some(first) = rest.chars().next() else { return Ok(None) };
    let single = |token| Ok(Some((token, start..start + first.len_utf8())));
    let run = |fits: fn(char) -> bool| rest.find(|letter| !fits(letter)).unwrap_or(rest.len());
    match first {
        '+' => single(Token::Operation(Operation::Add)),
        '-' => single(Token::Operation(Operation::Subtract)),
        '*' => single(Token::Operation(Operation::Multiply)),
        '/' => single(Token::Operation(Operation::Divide)),
        '(' => single(Token::Open),
        ')' => single(Token::Close),
        '`' => match rest.get(1..).and_then(|inside| inside.split_once('`')) {
            Some((name, _)) => Ok(Some((Token::Column(name.to_string()), start..start + name.len() + 2))),
            None => Err(wrong("no second backtick; write `a column`", start..text.len())),
        },
        '0'..='9' | '.' => {
            let span = start..start + number_length(rest);
            let written = text.get(span.clone()).unwrap_or_default();
            match written.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Some((Token::Number(number), span))),
                _ => Err(wrong(format!("'{written}' is no number"), span)),
            }
        }
        letter if letter.is_alphabetic() || letter == '_' => {
            let end = run(|letter| letter.is_alphanumeric() || letter == '_' || letter == '.');
            Ok(Some((Token::Column(rest.get(..end).unwrap_or_default().to_string()), start..start + end)))
        }
        other => {
            let message =
                format!("'{other}' has no meaning here; a column of any name stands between backticks: `{other}`");
            Err(wrong(message, start..start + other.len_utf8()))
        }
    }
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

fn wrong(message: impl Into<String>, span: Range<usize>) -> ExpressionError {
    ExpressionError { message: message.into(), span }
}
