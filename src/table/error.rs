//! What can be wrong with a table, or with the rows of a figure.

use crate::spec;
use crate::spec::expression::ExpressionError;
use crate::system::atomic::WriteError;
use polars::prelude::{Column, DataFrame, DataType, PolarsError};

/// A table that cannot be made, with the keys of its spec that are at fault.
#[derive(Debug, thiserror::Error)]
#[error("table '{table}', {}", listed(faults))]
pub struct TableError {
    /// Name of the table.
    pub table: String,
    /// Everything that is wrong.
    pub faults: Vec<TableFault<TableProblem>>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum TableProblem {
    /// There is no such column.
    #[error("no column '{column}'{}; there are: {}", hint(nearest), list(columns))]
    UnknownColumn {
        /// As the spec writes it.
        column: String,
        /// The column that was probably meant.
        nearest: Option<String>,
        /// All there are.
        columns: Vec<String>,
    },
    /// A column does not hold what is needed of it.
    #[error("column '{column}' holds {found}; {wanted}")]
    WrongType {
        /// The column.
        column: String,
        /// What it holds: `text`, `numbers`, …
        found: String,
        /// What is needed, or what to write instead.
        wanted: String,
    },
    /// An aggregate, a value or a condition that cannot be read.
    #[error("{0}")]
    Expression(#[from] ExpressionError),
    /// Two columns of one name.
    #[error("the table would have two columns '{0}'; choose another name")]
    DuplicateColumn(String),
    /// A cell of a pivot that several rows would fill.
    #[error(
        "{rows} rows have {cell}, and a cell takes one; write group_by and aggregate so that one row is left for each cell"
    )]
    SeveralRows {
        /// How many.
        rows: usize,
        /// `layer = 3, operator = +`
        cell: String,
    },
    /// Numbers of different measures that would be one.
    #[error(
        "{} measures ({}) would be averaged into one number; write where = {{ measure = \"{}\" }}, or {otherwise}",
        measures.len(), measures.join(", "), measures.first().map_or("", String::as_str)
    )]
    SeveralMeasures {
        /// Which.
        measures: Vec<String>,
        /// What else keeps them apart.
        otherwise: &'static str,
    },
    /// Something about the rows that a table is joined with.
    #[error("in '{from}': {problem}")]
    OfOther {
        /// The step or table.
        from: String,
        /// What.
        problem: Box<TableProblem>,
    },
    /// Rows to join with that are not there.
    #[error("there are no rows of '{from}'")]
    NoRows {
        /// The step or table.
        from: String,
    },
    /// A join whose columns do not tell rows apart.
    #[error("the join would have {rows} rows; write more columns to join on, or group the rows first")]
    TooManyRows {
        /// How many.
        rows: usize,
    },
    /// From polars.
    #[error("{0}")]
    Polars(#[from] PolarsError),
    /// A file.
    #[error("{0}")]
    Write(#[from] WriteError),
}

/// What is wrong, under the key of `[[table]]` or `[[figure]]` that it is about, followed by the entry of a map or list:
/// `["where", "site"]`, `["sort", "0"]`, `["pivot", "on"]`.
pub type TableFault<P> = (Vec<String>, P);

/// Puts a problem under a key.
pub(crate) fn at<P, Q: From<P>>(key: &[&str]) -> impl Fn(P) -> TableFault<Q> {
    let key: Vec<String> = key.iter().map(ToString::to_string).collect();
    move |problem| (key.clone(), problem.into())
}

/// Each fault with its key.
pub(crate) fn listed<P: std::fmt::Display>(faults: &[TableFault<P>]) -> String {
    faults.iter().map(|(key, problem)| format!("{}: {problem}", key.join("."))).collect::<Vec<_>>().join("; ")
}

/// The column of that name, or the error that says which there are.
pub(crate) fn column<'f>(frame: &'f DataFrame, name: &str) -> Result<&'f Column, TableProblem> {
    frame.column(name).map_err(|_| {
        // Those that grouping adds for itself begin with a zero.
        let names = frame.get_column_names().into_iter().filter(|name| !name.starts_with('\0'));
        let columns: Vec<String> = names.map(|name| name.to_string()).collect();
        let nearest = spec::nearest(name, columns.iter().map(String::as_str)).map(str::to_string);
        TableProblem::UnknownColumn { nearest, column: name.to_string(), columns }
    })
}

/// What a column holds, in words.
pub(crate) fn holds(dtype: &DataType) -> String {
    match dtype {
        DataType::String => "text".to_string(),
        DataType::Boolean => "true and false".to_string(),
        other if other.is_primitive_numeric() => "numbers".to_string(),
        DataType::Null => "nothing".to_string(),
        other => format!("values of type {other}"),
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!("; write '{nearest}'")).unwrap_or_default()
}

fn list(columns: &[String]) -> String {
    const SHOWN: usize = 40;
    let mut text = columns.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if columns.len() > SHOWN {
        text.push_str(&format!(" and {} more", columns.len() - SHOWN));
    }
    text
}
