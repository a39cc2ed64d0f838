//! SVG with its text as outlines of the embedded font: no viewer needs the font, and none shows another.
//!
//! Neighbouring shapes of one colour share a path, and each glyph's outline is written once, so that a grid of heat maps
//! stays small.

use super::font::{self, Face, PlacedGlyph, Typeface};
use super::scene::Scene;
use super::vector::{self, VectorShapes, VectorText};
use ab_glyph::{Font, GlyphId, OutlineCurve};
use plotters_backend::{BackendColor, BackendCoord, FontTransform};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The scene as an SVG document.
pub fn svg(scene: &Scene, title: &str) -> String {
    let mut svg = Svg::default();
    vector::add(scene, &mut svg);
    svg.document(scene, title)
}

#[derive(Default)]
struct Svg {
    body: String,
    /// The path under construction: its attributes and data.
    open: Option<(String, String)>,
    glyphs: BTreeMap<(Typeface, u16), String>,
}

impl Svg {
    fn document(mut self, scene: &Scene, title: &str) -> String {
        self.close();
        let (width, height) = match scene.print {
            None => (scene.width.to_string(), scene.height.to_string()),
            Some(width) => {
                let height = width * f64::from(scene.height) / f64::from(scene.width.max(1));
                (format!("{width}mm"), format!("{height:.2}mm"))
            }
        };
        let (across, down) = vector::units(scene);
        let mut text = String::with_capacity(self.body.len() + 4096);
        let _ = writeln!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"{width}\" \
             height=\"{height}\" viewBox=\"0 0 {across} {down}\" role=\"img\">"
        );
        let _ = writeln!(text, "<title>{}</title>", escaped(title));
        text.push_str("<defs>\n");
        for ((of, id), outline) in &self.glyphs {
            let _ = writeln!(text, "<path id=\"{}\" d=\"{outline}\"/>", glyph_name(*of, *id));
        }
        text.push_str("</defs>\n");
        text.push_str(&self.body);
        text.push_str("</svg>\n");
        text
    }

    /// Adds to the open path where the attributes are the same.
    fn shape(&mut self, color: BackendColor, attributes: String, data: &str) {
        match &mut self.open {
            Some((open, path)) if *open == attributes => path.push_str(data),
            _ => {
                self.close();
                self.open = Some((attributes, data.to_string()));
            }
        }
        // Overlapping transparent shapes would not darken each other within one path.
        if color.alpha < 1.0 {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some((attributes, data)) = self.open.take() {
            let _ = writeln!(self.body, "<path {attributes} d=\"{data}\"/>");
        }
    }

    fn fill(&mut self, color: BackendColor, data: &str) {
        self.shape(color, paint_of("fill", color), data);
    }
}

fn paint_of(what: &str, BackendColor { alpha, rgb: (r, g, b) }: BackendColor) -> String {
    let mut text = format!("{what}=\"#{r:02x}{g:02x}{b:02x}\"");
    if alpha < 1.0 {
        let _ = write!(text, " {what}-opacity=\"{alpha:.2}\"");
    }
    text
}

fn polyline(points: &[BackendCoord]) -> String {
    let mut data = String::new();
    let mut previous = None;
    for &(x, y) in points {
        let _ = match previous {
            None => write!(data, "M{x} {y}"),
            Some((px, py)) if (px, py) == (x, y) => Ok(()),
            Some((px, py)) => write!(data, "l{} {}", x - px, y - py),
        };
        previous = Some((x, y));
    }
    data
}

impl VectorShapes for Svg {
    fn rect(&mut self, (x, y): BackendCoord, (width, height): (i32, i32), color: BackendColor) {
        // Smoothed edges of cells that touch would let what is beneath shine through.
        let attributes = format!("{} shape-rendering=\"crispEdges\"", paint_of("fill", color));
        self.shape(color, attributes, &format!("M{x} {y}h{width}v{height}h{}z", -width));
    }

    fn pixel(&mut self, (x, y): BackendCoord, color: BackendColor) {
        self.fill(color, &format!("M{x} {y}h1v1h-1z"));
    }

    fn line(&mut self, points: Vec<BackendCoord>, color: BackendColor, width: u32) {
        let stroke = paint_of("stroke", color);
        let attributes = format!("fill=\"none\" {stroke} stroke-width=\"{width}\" stroke-linejoin=\"round\"");
        self.shape(color, attributes, &polyline(&points));
    }

    fn polygon(&mut self, points: Vec<BackendCoord>, color: BackendColor) {
        self.fill(color, &format!("{}z", polyline(&points)));
    }

    fn circle(&mut self, (x, y): BackendCoord, radius: u32, color: BackendColor) {
        let (left, across) = (x - radius as i32, 2 * radius as i32);
        let half = |sign: &str| format!("a{radius} {radius} 0 1 0 {sign}{across} 0");
        self.fill(color, &format!("M{left} {y}{}{}z", half(""), half("-")));
    }

    fn text(&mut self, text: &str, VectorText { face, size, turn, color }: VectorText, (x, y): BackendCoord) {
        self.close();
        let scale = size / font::EM;
        let turn = match turn {
            FontTransform::None => "",
            FontTransform::Rotate90 => " rotate(90)",
            FontTransform::Rotate180 => " rotate(180)",
            FontTransform::Rotate270 => " rotate(-90)",
        };
        let _ = write!(
            self.body,
            "<g aria-label=\"{}\" transform=\"translate({x} {y}){turn} scale({scale:.4} {:.4})\" {}>",
            escaped(text),
            -scale,
            paint_of("fill", color)
        );
        for PlacedGlyph { of, id, at, .. } in font::place(text, face).0 {
            let outline = self.glyphs.entry((of, id.0)).or_insert_with(|| outline(of, id));
            if !outline.is_empty() {
                let _ = write!(self.body, "<use xlink:href=\"#{}\" x=\"{at:.0}\"/>", glyph_name(of, id.0));
            }
        }
        self.glyphs.retain(|_, outline| !outline.is_empty());
        self.body.push_str("</g>\n");
    }
}

fn glyph_name(of: Typeface, id: u16) -> String {
    match of {
        Typeface::Own(Face::Regular) => format!("r{id}"),
        Typeface::Own(Face::Semibold) => format!("s{id}"),
        Typeface::Further => format!("f{id}"),
    }
}

/// The outline as path data in units of [`font::EM`], y up.
fn outline(of: Typeface, id: GlyphId) -> String {
    let mut data = String::new();
    let Some(outline) = of.font().outline(id) else { return data };
    let scaled = |number: f32| (f64::from(number) * of.scale()).round() as i32;
    let whole = |point: ab_glyph::Point| (scaled(point.x), scaled(point.y));
    let mut at = None;
    for curve in outline.curves {
        let (start, end) = match &curve {
            OutlineCurve::Line(a, b) => (whole(*a), whole(*b)),
            OutlineCurve::Quad(a, _, b) => (whole(*a), whole(*b)),
            OutlineCurve::Cubic(a, _, _, b) => (whole(*a), whole(*b)),
        };
        if at != Some(start) {
            let _ = write!(data, "{}M{} {}", if at.is_some() { "z" } else { "" }, start.0, start.1);
        }
        let relative = |point: ab_glyph::Point| (whole(point).0 - start.0, whole(point).1 - start.1);
        let (x, y) = (end.0 - start.0, end.1 - start.1);
        let _ = match curve {
            // Contours are closed anyway.
            OutlineCurve::Line(..) if (x, y) == (0, 0) => Ok(()),
            OutlineCurve::Line(..) => write!(data, "l{x} {y}"),
            OutlineCurve::Quad(_, c, _) => {
                let (cx, cy) = relative(c);
                write!(data, "q{cx} {cy} {x} {y}")
            }
            OutlineCurve::Cubic(_, c, d, _) => {
                let ((cx, cy), (dx, dy)) = (relative(c), relative(d));
                write!(data, "c{cx} {cy} {dx} {dy} {x} {y}")
            }
        };
        at = Some(end);
    }
    if at.is_some() {
        data.push('z');
    }
    data
}

/// Text as XML has it: no control character, nor any of the two codes that are none.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
