//! What can be wrong with a figure.

use crate::counted::counted;
use crate::system::atomic::WriteError;
use crate::table::{self, TableFault};

/// A figure that cannot be drawn, with the keys of its spec that are at fault.
#[derive(Debug, thiserror::Error)]
#[error("figure '{figure}', {}", table::listed(faults))]
pub struct FigureError {
    /// Name of the figure.
    pub figure: String,
    /// Everything that is wrong.
    pub faults: Vec<TableFault<FigureProblem>>,
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
pub enum FigureProblem {
    /// A column that is not there or holds something else, a condition that cannot be read.
    #[error("{0}")]
    Rows(#[from] table::TableProblem),
    /// `log1p(x)` where a column is read as it is.
    #[error("a function is not allowed here; write '{column}'{because}")]
    Transform {
        /// The column in it.
        column: String,
        /// Why there is none, where that is not plain.
        because: &'static str,
    },
    /// The rows that the figure reads are none to begin with.
    #[error("no rows: '{from}' has none")]
    Empty {
        /// The step or table.
        from: String,
    },
    /// A condition that no row meets.
    #[error("no rows: '{column}' is never {wanted}; its values are {values}")]
    NoRowsLeft {
        /// The column of the condition.
        column: String,
        /// What it asks for.
        wanted: String,
        /// The values that there were before it.
        values: String,
    },
    /// Rows, but not a number among them that could be drawn.
    #[error("no numbers: '{column}' has none to draw{because}")]
    NoNumbers {
        /// The column.
        column: String,
        /// On a logarithmic axis: that zero and less have no place there.
        because: &'static str,
    },
    /// A key that this kind of figure needs.
    #[error("a figure of kind \"{kind}\" needs this key; write {key} = \"{column}\"")]
    Missing {
        /// The kind.
        kind: &'static str,
        /// The key.
        key: &'static str,
        /// A column that it could name.
        column: &'static str,
    },
    /// More different values than a reader could tell apart.
    #[error(
        "'{column}' has {found} different values, and a figure can show {most}; write conditions under 'where', or group the rows first"
    )]
    TooMany {
        /// The column.
        column: String,
        /// How many.
        found: usize,
        /// The limit.
        most: usize,
    },
    /// A range whose ends are not in order, or not on the axis.
    #[error("[{0}, {1}] is not a range; write the smaller end first{2}")]
    Range(f64, f64, &'static str),
    /// The labels leave no room for the data.
    #[error("titles and labels leave no room for {}; write a larger 'width' or 'height'", counted(*.panels, "panel"))]
    TooSmall {
        /// How many panels were to fit.
        panels: usize,
    },
    /// A file.
    #[error("{0}")]
    Write(#[from] WriteError),
}

impl FigureProblem {
    /// Whether nothing is wrong but that there is nothing to draw.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::Empty { .. } | Self::NoRowsLeft { .. } | Self::NoNumbers { .. })
    }
}
