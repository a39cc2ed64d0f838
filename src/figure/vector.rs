//! What SVG and PDF have in common: both are made of shapes, which plotters' elements become, and neither can fail to take one.

use super::font::Face;
use super::paint::paint;
use super::scene::Scene;
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use std::convert::Infallible;

/// Units per pixel of the scene: coordinates are whole tenths.
pub(super) const SCALE: f64 = 10.0;

/// A document that shapes are added to, at whole units.
pub(super) trait VectorShapes {
    /// A filled rectangle with its upper left corner there, at least a unit wide and high.
    fn rect(&mut self, corner: BackendCoord, size: (i32, i32), color: BackendColor);

    /// A single unit.
    fn pixel(&mut self, corner: BackendCoord, color: BackendColor);

    /// A line through points, so many units wide.
    fn line(&mut self, points: Vec<BackendCoord>, color: BackendColor, width: u32);

    /// A filled polygon.
    fn polygon(&mut self, points: Vec<BackendCoord>, color: BackendColor);

    /// A filled circle.
    fn circle(&mut self, centre: BackendCoord, radius: u32, color: BackendColor);

    /// A line of text whose baseline starts there.
    fn text(&mut self, text: &str, style: VectorText, start: BackendCoord);
}

/// How a text is written.
#[derive(Clone)]
pub(super) struct VectorText {
    pub face: Face,
    /// In units.
    pub size: f64,
    pub turn: FontTransform,
    pub color: BackendColor,
}

/// Adds everything that a scene has to a document.
pub(super) fn add(scene: &Scene, document: &mut impl VectorShapes) {
    let mut backend = VectorBackend { document, size: units(scene) };
    match paint(scene.items.iter(), &mut backend, SCALE) {
        Ok(()) => {}
        // Neither of the backend's error types has a value.
        Err(DrawingErrorKind::DrawingError(never)) => match never {},
        Err(DrawingErrorKind::FontError(_)) => {}
    }
}

/// How large a scene is, in units.
pub(super) fn units(scene: &Scene) -> (u32, u32) {
    (scene.width * SCALE as u32, scene.height * SCALE as u32)
}

struct VectorBackend<'d, D> {
    document: &'d mut D,
    size: (u32, u32),
}

type Added = Result<(), DrawingErrorKind<Infallible>>;

impl<D: VectorShapes> DrawingBackend for VectorBackend<'_, D> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Added {
        Ok(())
    }

    fn present(&mut self) -> Added {
        Ok(())
    }

    fn draw_pixel(&mut self, corner: BackendCoord, color: BackendColor) -> Added {
        self.document.pixel(corner, color);
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        _fill: bool,
    ) -> Added {
        let (width, height) = (x1 - x0, y1 - y0);
        if width > 0 && height > 0 {
            self.document.rect((x0, y0), (width, height), style.color());
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Added {
        self.document.line(path.into_iter().collect(), style.color(), style.stroke_width());
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, vertices: I, style: &S) -> Added {
        self.document.polygon(vertices.into_iter().collect(), style.color());
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, centre: BackendCoord, radius: u32, style: &S, _fill: bool) -> Added {
        self.document.circle(centre, radius, style.color());
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, start: BackendCoord) -> Added {
        let face = if matches!(style.style(), FontStyle::Bold) { Face::Semibold } else { Face::Regular };
        let style = VectorText { face, size: style.size(), turn: style.transform(), color: style.color() };
        self.document.text(text, style, start);
        Ok(())
    }
}
