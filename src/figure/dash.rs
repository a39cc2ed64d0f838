//! Styles of lines: what tells series apart that share a colour.

use super::geometry::Point;

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    /// Without a gap.
    Solid,
    /// Long strokes.
    Dashed,
    /// Short strokes.
    Dotted,
}

impl Dash {
    /// Every style, in the order in which a figure gives them out.
    pub const ALL: [Self; 3] = [Self::Solid, Self::Dashed, Self::Dotted];

    /// Pixels of a stroke and of the gap after it, for a line that many pixels wide.
    fn strokes(self, width: f64) -> Option<(f64, f64)> {
        match self {
            Self::Solid => None,
            Self::Dashed => Some((2.8 * width, 1.8 * width)),
            Self::Dotted => Some((width, 1.5 * width)),
        }
    }

    /// The strokes that a line through these points is drawn with. They are part of the drawing, so that every backend shows
    /// the same.
    pub fn cut(self, points: Vec<Point>, width: f64) -> Vec<Vec<Point>> {
        let Some((stroke, gap)) = self.strokes(width) else { return vec![points] };
        let mut strokes: Vec<Vec<Point>> = Vec::new();
        // Pixels that are left of the stroke or gap under way.
        let (mut drawing, mut left) = (true, stroke);
        for (index, pair) in points.windows(2).enumerate() {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = (x1 - x0).hypot(y1 - y0);
            let at = |along: f64| (x0 + (x1 - x0) * along / length, y0 + (y1 - y0) * along / length);
            if index == 0 {
                strokes.push(vec![(x0, y0)]);
            }
            let mut along = 0.0;
            while length - along > left {
                along += left;
                match (drawing, strokes.last_mut()) {
                    (true, Some(stroke)) => stroke.push(at(along)),
                    _ => strokes.push(vec![at(along)]),
                }
                drawing = !drawing;
                left = if drawing { stroke } else { gap };
            }
            left -= length - along;
            if let (true, Some(stroke)) = (drawing, strokes.last_mut()) {
                stroke.push((x1, y1));
            }
        }
        strokes
    }
}
