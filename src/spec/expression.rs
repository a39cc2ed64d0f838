//! The three one-line languages inside a spec: aggregates (`mean(correct)`), figure values (`log1p(mean)`) and the
//! conditions of `where` (`">= 0.5"`). Parsed to plain data; whether a column exists is known only where rows are.

use std::fmt;
use std::ops::Range;

/// What a cell of a grouped table is computed from: `mean(correct)`, `quantile(effect, 0.9)`, `count`.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What is done with the group's values.
    pub function: Function,
    /// The column they come from; only `count` may leave it out, and then counts rows.
    pub column: Option<String>,
    /// The second argument: the `q` of `quantile`, in `0..=1`.
    pub argument: Option<f64>,
}

/// A function from the values of a group to one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Arithmetic mean.
    Mean,
    /// Sample standard deviation (n − 1).
    Std,
    /// Standard error of the mean: `std / sqrt(count)`.
    Sem,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// Sum.
    Sum,
    /// Middle value, or the mean of the two in the middle.
    Median,
    /// Number of values that are not null, or of rows.
    Count,
    /// Value below which the share `q` lies, linearly interpolated.
    Quantile,
    /// Lower end of the 95 % normal interval of the mean: `mean − 1.96 sem`.
    CiLow,
    /// Upper end of it.
    CiHigh,
}

impl Function {
    /// Every function with the name a spec writes.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Mean, "mean"),
        (Self::Std, "std"),
        (Self::Sem, "sem"),
        (Self::Min, "min"),
        (Self::Max, "max"),
        (Self::Sum, "sum"),
        (Self::Median, "median"),
        (Self::Count, "count"),
        (Self::Quantile, "quantile"),
        (Self::CiLow, "ci_low"),
        (Self::CiHigh, "ci_high"),
    ];

    /// The name a spec writes.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, _)| *function == self).map_or("", |(_, name)| name)
    }
}

/// What gives a heat map its colour: a column, or a transform of one.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueExpression {
    /// What is done with each number.
    pub transform: Transform,
    /// The column.
    pub column: String,
}

/// A function from a number to a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transform {
    /// The number itself.
    Identity,
    /// `ln(1 + x)`, as the paper shows indirect effects (§2.1).
    Log1p,
    /// `log10(x)`
    Log10,
}

/// What a row's value in one column must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Comparison {
    /// The value itself.
    Equal(Literal),
    /// Anything else.
    NotEqual(Literal),
    /// Any of these.
    OneOf(Vec<Literal>),
    /// `< x`
    Less(f64),
    /// `<= x`
    LessEqual(f64),
    /// `> x`
    Greater(f64),
    /// `>= x`
    GreaterEqual(f64),
}

/// A value a cell can be compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
}

/// Why a text is none of the expressions above.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// What is wrong and what to write instead.
    pub message: String,
    /// The bytes of the text it is about.
    pub span: Range<usize>,
}

/// Reads `function(column)`, `quantile(column, q)`, `count` or `count()`.
pub fn parse_aggregate(text: &str) -> Result<Aggregate, ExpressionError> {
    let Call { name: piece, arguments } = Call::parse(text)?;
    let (name, at) = (piece.text, piece.span());
    let Some((function, _)) = Function::ALL.into_iter().find(|(_, known)| *known == name) else {
        return Err(match arguments {
            None => wrong(format!("'{name}' is a column without a function; write \"mean({name})\""), at),
            Some(_) => unknown_function(name, at, Function::ALL.map(|(_, name)| name)),
        });
    };
    let (column, argument) = match (function, arguments.as_deref().unwrap_or_default()) {
        (Function::Count, []) => (None, None),
        (Function::Quantile, [column, share]) => (Some(column.text.to_string()), Some(share_of(share)?)),
        (Function::Quantile, _) => {
            return Err(wrong("quantile takes a column and a share; write \"quantile(effect, 0.9)\"", 0..text.len()));
        }
        (_, [column]) => (Some(column.text.to_string()), None),
        (_, found) => {
            let message = format!("{name} takes one column, not {}; write \"{name}(effect)\"", found.len());
            return Err(wrong(message, 0..text.len()));
        }
    };
    Ok(Aggregate { function, column, argument })
}

/// Reads `column`, `log1p(column)` or `log10(column)`.
pub fn parse_value(text: &str) -> Result<ValueExpression, ExpressionError> {
    let Call { name, arguments } = Call::parse(text)?;
    let Some(arguments) = arguments else {
        return Ok(ValueExpression { transform: Transform::Identity, column: name.text.to_string() });
    };
    let transform = match name.text {
        "log1p" => Transform::Log1p,
        "log10" => Transform::Log10,
        other => return Err(unknown_function(other, name.span(), ["log1p", "log10"])),
    };
    match arguments.as_slice() {
        [column] => Ok(ValueExpression { transform, column: column.text.to_string() }),
        _ => Err(wrong(format!("{0} takes one column; write \"{0}(mean)\"", name.text), 0..text.len())),
    }
}

/// Reads one value of a `where`: a number, text or boolean to equal, a list of them, or a text such as `">= 0.5"` or
/// `"!= x"`. `"="` is the text itself (a position of the prompt has that name); `"== ="` says the same.
pub fn parse_condition(value: &toml::Value) -> Result<Comparison, ExpressionError> {
    match value {
        toml::Value::Array(values) => values.iter().map(literal).collect::<Result<_, _>>().map(Comparison::OneOf),
        toml::Value::String(text) => parse_comparison(text),
        other => literal(other).map(Comparison::Equal),
    }
}

fn parse_comparison(text: &str) -> Result<Comparison, ExpressionError> {
    const OPERATORS: [&str; 6] = [">=", "<=", "!=", "==", ">", "<"];
    let trimmed = text.trim_start();
    let Some(operator) = OPERATORS.into_iter().find(|operator| trimmed.starts_with(operator)) else {
        return Ok(Comparison::Equal(Literal::Text(text.to_string())));
    };
    let operand = trimmed[operator.len()..].trim();
    if operand.is_empty() {
        let message = format!("nothing to compare with after '{operator}'; write \"{operator} 0.5\"");
        return Err(wrong(message, 0..text.len()));
    }
    let number = || {
        operand.parse::<f64>().ok().filter(|number| !number.is_nan()).ok_or_else(|| {
            let message =
                format!("'{operand}' is not a number, and '{operator}' compares numbers; write \"{operator} 0.5\"");
            let start = text.len() - text.trim_end().len();
            let end = text.len() - start;
            wrong(message, end - operand.len()..end)
        })
    };
    Ok(match operator {
        ">=" => Comparison::GreaterEqual(number()?),
        "<=" => Comparison::LessEqual(number()?),
        ">" => Comparison::Greater(number()?),
        "<" => Comparison::Less(number()?),
        "!=" => Comparison::NotEqual(written_literal(operand)),
        _ => Comparison::Equal(written_literal(operand)),
    })
}

fn literal(value: &toml::Value) -> Result<Literal, ExpressionError> {
    match value {
        toml::Value::String(text) => Ok(Literal::Text(text.clone())),
        toml::Value::Integer(number) => Ok(Literal::Integer(*number)),
        toml::Value::Float(number) if number.is_nan() => {
            Err(wrong("NaN is equal to nothing; write \"!= nan\" for the rows without NaN", 0..0))
        }
        toml::Value::Float(number) => Ok(Literal::Float(*number)),
        toml::Value::Boolean(truth) => Ok(Literal::Boolean(*truth)),
        other => Err(wrong(format!("a {} cannot be compared; write text or a number", other.type_str()), 0..0)),
    }
}

/// What stands after `!=` or `==`: a number or boolean where it reads as one, text otherwise.
fn written_literal(text: &str) -> Literal {
    if let Ok(number) = text.parse() {
        return Literal::Integer(number);
    }
    match (text.parse::<f64>(), text) {
        (Ok(number), _) if number.is_finite() => Literal::Float(number),
        (_, "true") => Literal::Boolean(true),
        (_, "false") => Literal::Boolean(false),
        _ => Literal::Text(text.to_string()),
    }
}

/// `name`, or `name(argument, …)`.
struct Call<'t> {
    name: TextPiece<'t>,
    arguments: Option<Vec<TextPiece<'t>>>,
}

/// A trimmed part of the text and where it starts.
#[derive(Clone, Copy)]
struct TextPiece<'t> {
    text: &'t str,
    start: usize,
}

impl<'t> TextPiece<'t> {
    fn trimmed(text: &'t str, start: usize) -> Self {
        let before = text.len() - text.trim_start().len();
        Self { text: text.trim(), start: start + before }
    }

    fn span(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

impl<'t> Call<'t> {
    fn parse(text: &'t str) -> Result<Self, ExpressionError> {
        let all = 0..text.len();
        let Some(open) = text.find('(') else {
            return match TextPiece::trimmed(text, 0) {
                TextPiece { text: "", .. } => Err(wrong("the text is empty; write a column", all)),
                TextPiece { text, start } if text.contains([')', ',']) => Err(wrong(
                    format!("'{text}' has no opening parenthesis; write it as mean(effect)"),
                    start..start + text.len(),
                )),
                name => Ok(Call { name, arguments: None }),
            };
        };
        let name = TextPiece::trimmed(&text[..open], 0);
        let rest = text[open + 1..].trim_end();
        let Some(inside) = rest.strip_suffix(')') else {
            return Err(wrong("the closing parenthesis is missing; write ')' at the end", all));
        };
        if let Some(at) = inside.find(['(', ')']) {
            let at = open + 1 + at;
            return Err(wrong("functions cannot be nested; write one function of one column", at..at + 1));
        }
        if inside.trim().is_empty() {
            return Ok(Call { name, arguments: Some(Vec::new()) });
        }
        let mut start = open + 1;
        let mut arguments = Vec::new();
        for argument in inside.split(',') {
            let piece = TextPiece::trimmed(argument, start);
            if piece.text.is_empty() {
                return Err(wrong("an argument is empty; write a column", start..start + argument.len().max(1)));
            }
            arguments.push(piece);
            start += argument.len() + 1;
        }
        Ok(Call { name, arguments: Some(arguments) })
    }
}

fn share_of(piece: &TextPiece) -> Result<f64, ExpressionError> {
    match piece.text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(wrong(format!("'{}' is not a share; write a number from 0 to 1", piece.text), piece.span())),
    }
}

fn unknown_function<const N: usize>(name: &str, span: Range<usize>, known: [&str; N]) -> ExpressionError {
    let advice = super::advise(name, &known, '\'', "write one of");
    wrong(format!("no function '{name}'; {advice}"), span)
}

pub(super) fn wrong(message: impl Into<String>, span: Range<usize>) -> ExpressionError {
    ExpressionError { message: message.into(), span }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.column, self.argument) {
            (None, _) => f.write_str(self.function.name()),
            (Some(column), None) => write!(f, "{}({column})", self.function.name()),
            (Some(column), Some(argument)) => write!(f, "{}({column}, {argument})", self.function.name()),
        }
    }
}

impl fmt::Display for ValueExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transform {
            Transform::Identity => f.write_str(&self.column),
            Transform::Log1p => write!(f, "log1p({})", self.column),
            Transform::Log10 => write!(f, "log10({})", self.column),
        }
    }
}
