//! Places and areas of a drawing.

/// A place in pixels, x to the right, y down.
pub type Point = (f64, f64);

/// A rectangle of the drawing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left.
    pub x0: f64,
    /// Top.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// Bottom.
    pub y1: f64,
}

impl Area {
    /// Pixels from left to right.
    pub fn width(&self) -> f64 {
        self.x1 - self.x0
    }

    /// Pixels from top to bottom.
    pub fn height(&self) -> f64 {
        self.y1 - self.y0
    }

    /// Whether the two share more than an edge.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.x0 < other.x1 && other.x0 < self.x1 && self.y0 < other.y1 && other.y0 < self.y1
    }
}
