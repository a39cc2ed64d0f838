//! A figure before it is drawn: shapes and texts in pixels from the upper left corner, everything already placed.

use super::dash::Dash;
use super::font::{self, Face};
use super::geometry::{Area, Point};
use crate::table::palette;
use std::ops::Range;

/// A colour with its opacity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Color {
    /// Red, green, blue.
    pub rgb: (u8, u8, u8),
    /// 1 covers what is beneath.
    pub alpha: f64,
}

impl Color {
    /// From `0xRRGGBB`.
    pub const fn hex(code: u32) -> Self {
        Self { rgb: ((code >> 16) as u8, (code >> 8) as u8, code as u8), alpha: 1.0 }
    }

    /// The same colour, partly transparent.
    pub const fn alpha(self, alpha: f64) -> Self {
        Self { rgb: self.rgb, alpha }
    }
}

/// Shape of a point's marker, so that series differ without colour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerShape {
    /// Circle.
    Circle,
    /// Square.
    Square,
    /// Triangle that points up.
    Up,
    /// Square on its corner.
    Diamond,
    /// Triangle that points down.
    Down,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// What it says.
    pub text: String,
    /// Start of the baseline.
    pub at: Point,
    /// Size in pixels.
    pub size: f64,
    /// Weight.
    pub face: Face,
    /// Colour.
    pub color: Color,
    /// Read from bottom to top.
    pub upward: bool,
}

impl Text {
    /// The box that the line fills, from the highest ascender to the lowest descender.
    pub fn area(&self) -> Area {
        let ((x, y), width) = (self.at, font::width(&self.text, self.face, self.size));
        let (above, below) = (font::ASCENT * self.size, font::DESCENT * self.size);
        match self.upward {
            false => Area { x0: x, y0: y - above, x1: x + width, y1: y + below },
            true => Area { x0: x - above, y0: y - width, x1: x + below, y1: y },
        }
    }
}

/// One thing to draw.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A filled rectangle.
    Rect(Area, Color),
    /// A line through points.
    Line {
        /// At least two.
        points: Vec<Point>,
        /// Colour.
        color: Color,
        /// Width in pixels.
        width: f64,
    },
    /// A filled polygon.
    Polygon(Vec<Point>, Color),
    /// A point of a series.
    Marker {
        /// Centre.
        at: Point,
        /// Shape.
        shape: MarkerShape,
        /// Half its width in pixels.
        radius: f64,
        /// Colour.
        color: Color,
    },
    /// A line of text.
    Text(Text),
}

impl Item {
    /// From where to where it reaches at most, from top to bottom.
    pub(super) fn height(&self) -> Range<f64> {
        let around = |points: &[Point], more: f64| {
            let top = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
            let bottom = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
            top - more..bottom + more
        };
        // All are rounded to whole pixels of some backend.
        const ROUNDING: f64 = 1.0;
        match self {
            Self::Rect(area, _) => area.y0 - ROUNDING..area.y1 + ROUNDING,
            Self::Line { points, width, .. } => around(points, width + ROUNDING),
            Self::Polygon(points, _) => around(points, ROUNDING),
            Self::Marker { at, radius, .. } => around(&[*at], 2.0 * radius + ROUNDING),
            Self::Text(text) => {
                // Accents are above the highest letter.
                let area = text.area();
                area.y0 - text.size - ROUNDING..area.y1 + text.size + ROUNDING
            }
        }
    }
}

/// Where a text is relative to its point, across the reading direction first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// The point is where the line starts.
    Start,
    /// The point is in the middle of the line.
    Middle,
    /// The point is where the line ends.
    End,
}

/// A drawing, ready for any backend.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// How wide it is in print, in millimetres; none where pixels are all there is to say.
    pub print: Option<f64>,
    /// From the lowest to the topmost.
    pub items: Vec<Item>,
}

impl Scene {
    /// Points (1/72 inch) of a pixel: in print as its width says, else those of CSS.
    pub(super) fn points_per_pixel(&self) -> f64 {
        const CSS: f64 = 0.75;
        const POINTS_PER_MM: f64 = 72.0 / 25.4;
        self.print.map_or(CSS, |width| width * POINTS_PER_MM / f64::from(self.width.max(1)))
    }

    /// Every text with the box that it fills: inside the drawing, and apart from one another.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.items.iter().filter_map(|item| match item {
            Item::Text(text) => Some(text),
            _ => None,
        })
    }

    pub(super) fn rect(&mut self, area: Area, color: Color) {
        self.items.push(Item::Rect(area, color));
    }

    pub(super) fn line(&mut self, points: Vec<Point>, color: Color, width: f64) {
        if points.len() > 1 {
            self.items.push(Item::Line { points, color, width });
        }
    }

    pub(super) fn dashed(&mut self, points: Vec<Point>, color: Color, width: f64, dash: Dash) {
        for stroke in dash.cut(points, width) {
            self.line(stroke, color, width);
        }
    }

    pub(super) fn polygon(&mut self, points: Vec<Point>, color: Color) {
        self.items.push(Item::Polygon(points, color));
    }

    pub(super) fn marker(&mut self, at: Point, shape: MarkerShape, radius: f64, color: Color) {
        self.items.push(Item::Marker { at, shape, radius, color });
    }

    /// A text whose middle height is at `at.1`, anchored along its reading direction.
    pub(super) fn text(&mut self, text: &str, at: Point, anchor: Anchor, style: TextStyle) {
        if text.is_empty() {
            return;
        }
        let width = font::width(text, style.face, style.size);
        let back = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let down = font::HALF_CAP * style.size;
        let at = if style.upward { (at.0 + down, at.1 + back) } else { (at.0 - back, at.1 + down) };
        let TextStyle { size, face, color, upward } = style;
        self.items.push(Item::Text(Text { text: text.to_string(), at, size, face, color, upward }));
    }
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// Size in pixels.
    pub size: f64,
    /// Weight.
    pub face: Face,
    /// Colour.
    pub color: Color,
    /// Read from bottom to top.
    pub upward: bool,
}

impl TextStyle {
    /// Dark grey in the regular face.
    pub const fn new(size: f64) -> Self {
        Self { size, face: Face::Regular, color: Color::hex(0x262626), upward: false }
    }

    /// The semibold face.
    pub const fn semibold(self) -> Self {
        Self { face: Face::Semibold, ..self }
    }

    /// From bottom to top.
    pub const fn upward(self) -> Self {
        Self { upward: true, ..self }
    }

    /// In that colour.
    pub const fn color(self, color: Color) -> Self {
        Self { color, ..self }
    }

    /// Larger where the text is nothing but a label that is drawn so.
    pub fn suited_to(self, text: &str) -> Self {
        Self { size: self.size * palette::scale(text), ..self }
    }

    /// Height of one line.
    pub fn line(&self) -> f64 {
        self.size * font::LINE
    }

    /// Width of a text in it.
    pub fn width(&self, text: &str) -> f64 {
        font::width(text, self.face, self.size)
    }
}
