//! What is in a cell of a heat map.

/// What is in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// The finite transformed mean.
    Value(f64),
    /// No row, or no such number.
    Missing,
    /// A key after its query: a causal model has no attention there.
    Masked,
}

impl Cell {
    pub fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Missing | Self::Masked => None,
        }
    }
}
