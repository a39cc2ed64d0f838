//! Dense arrays, as kernels read them.

/// A dense row-major array.
#[derive(Debug)]
pub(super) struct Array<'a, T = f32> {
    /// Extent of each dimension.
    pub shape: &'a [usize],
    /// Values, last dimension fastest.
    pub data: &'a [T],
}

// Written out: derived, they would ask the same of `T`, of which there is only a reference here.
impl<T> Clone for Array<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Array<'_, T> {}

impl<T> Array<'_, T> {
    /// Extent of the last dimension.
    pub fn width(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }
}
