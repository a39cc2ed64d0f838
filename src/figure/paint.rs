//! One drawing on any of plotters' backends: SVG and PNG come from here, so they show the same.

use super::font::{self, Face};
use super::geometry::Point;
use super::scene::{Color, Item, MarkerShape, Text};
use ab_glyph::{Font, Glyph, PxScale, point};
use plotters::style::{RGBAColor, ShapeStyle};
use plotters_backend::text_anchor::Pos;
use plotters_backend::{
    BackendColor, BackendCoord, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontFamily, FontStyle,
    FontTransform,
};

/// Draws items of a scene with `scale` of the backend's units per pixel.
pub fn paint<'s, DB: DrawingBackend>(
    items: impl Iterator<Item = &'s Item>,
    backend: &mut DB,
    scale: f64,
) -> Result<(), DrawingErrorKind<DB::ErrorType>> {
    let at = |(x, y): Point| -> BackendCoord { ((x * scale).round() as i32, (y * scale).round() as i32) };
    let path = |points: &[Point]| -> Vec<BackendCoord> { points.iter().map(|&point| at(point)).collect() };
    backend.ensure_prepared()?;
    for item in items {
        match item {
            Item::Rect(area, color) => {
                backend.draw_rect(at((area.x0, area.y0)), at((area.x1, area.y1)), &fill(*color), true)?;
            }
            Item::Line { points, color, width } => {
                let Color { rgb: (red, green, blue), alpha } = *color;
                let stroke_width = (width * scale).round().max(1.0) as u32;
                let color = RGBAColor(red, green, blue, alpha);
                backend.draw_path(path(points), &ShapeStyle { color, filled: false, stroke_width })?;
            }
            Item::Polygon(points, color) => backend.fill_polygon(path(points), &fill(*color))?,
            Item::Marker { at: centre, shape: MarkerShape::Circle, radius, color } => {
                backend.draw_circle(at(*centre), (radius * scale).round() as u32, &fill(*color), true)?;
            }
            Item::Marker { at: centre, shape, radius, color } => {
                let corners = corners(*shape, *centre, *radius);
                backend.fill_polygon(path(&corners), &fill(*color))?;
            }
            Item::Text(text) => backend.draw_text(&text.text, &PlottersText { text, scale }, at(text.at))?,
        }
    }
    backend.present()
}

/// Corners of a marker that is not round, of about the area of the circle.
fn corners(shape: MarkerShape, (x, y): Point, radius: f64) -> Vec<Point> {
    let unit: &[Point] = match shape {
        MarkerShape::Circle => &[],
        MarkerShape::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
        MarkerShape::Up => &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)],
        MarkerShape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        MarkerShape::Down => &[(0.0, 1.25), (1.15, -0.8), (-1.15, -0.8)],
    };
    unit.iter().map(|(dx, dy)| (x + dx * radius, y + dy * radius)).collect()
}

/// A colour as plotters has it: also the style of what is filled with it.
fn fill(Color { rgb, alpha }: Color) -> BackendColor {
    BackendColor { alpha, rgb }
}

/// A text as plotters' backends take it. The point they are given is the start of the baseline, so anchors play no part.
struct PlottersText<'t> {
    text: &'t Text,
    scale: f64,
}

impl BackendTextStyle for PlottersText<'_> {
    type FontError = std::convert::Infallible;

    fn color(&self) -> BackendColor {
        fill(self.text.color)
    }

    fn size(&self) -> f64 {
        self.text.size * self.scale
    }

    fn transform(&self) -> FontTransform {
        if self.text.upward { FontTransform::Rotate270 } else { FontTransform::None }
    }

    fn style(&self) -> FontStyle {
        match self.text.face {
            Face::Regular => FontStyle::Normal,
            Face::Semibold => FontStyle::Bold,
        }
    }

    fn anchor(&self) -> Pos {
        Pos::default()
    }

    fn family(&self) -> FontFamily<'_> {
        FontFamily::Name("Source Sans 3")
    }

    fn layout_box(&self, _: &str) -> Result<((i32, i32), (i32, i32)), Self::FontError> {
        Ok(((0, 0), (0, 0)))
    }

    fn draw<E, DrawFunc: FnMut(i32, i32, BackendColor) -> Result<(), E>>(
        &self,
        text: &str,
        (x, y): BackendCoord,
        mut draw: DrawFunc,
    ) -> Result<Result<(), E>, Self::FontError> {
        let (face, color) = (self.text.face, self.color());
        for glyph in font::place(text, face).0 {
            let (font, unit) = (glyph.of.font(), self.size() / font::EM);
            // A font's scale is its height in pixels, not its em.
            let height = f64::from(font.height_unscaled()) * glyph.of.scale();
            let scale = PxScale::from((height * unit) as f32);
            let position = point(x as f32 + (glyph.at * unit) as f32, y as f32);
            let Some(outline) = font.outline_glyph(Glyph { id: glyph.id, scale, position }) else { continue };
            let corner = outline.px_bounds().min;
            let mut result = Ok(());
            outline.draw(|dx, dy, coverage| {
                if coverage > 0.0 && result.is_ok() {
                    let color = color.mix(f64::from(coverage.min(1.0)));
                    result = draw(corner.x as i32 + dx as i32, corner.y as i32 + dy as i32, color);
                }
            });
            if result.is_err() {
                return Ok(result);
            }
        }
        Ok(Ok(()))
    }
}
