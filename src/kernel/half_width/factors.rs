//! The factors of a product of values of two bytes.

/// The factors of a product, row by row, and what is added to every row of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::kernel) struct HalfFactors<'a, H> {
    /// `[rows, depth]`
    pub x: &'a [H],
    /// `[depth, columns]`
    pub weight: &'a [H],
    /// `[columns]`
    pub bias: Option<&'a [H]>,
    /// Rows, depth and columns.
    pub extents: [usize; 3],
}
