//! PDF: the same shapes as the SVG, and texts as texts, in the letters of the fonts that they need, which are embedded. LaTeX takes it as
//! it is, and a search finds what a figure says.

mod fonts;

use super::font;
use super::scene::Scene;
use super::vector::{self, SCALE, VectorShapes, VectorText};
use fonts::EmbeddedFonts;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::writers::ExtGraphicsState;
use pdf_writer::{Content, Filter, Finish, Name, Pdf as Document, Rect, Ref, Str, TextStr};
use plotters_backend::{BackendColor, BackendCoord, FontTransform};
use std::collections::BTreeMap;
use std::io;

/// Edges of cells that touch are smoothed by viewers, and what is beneath would shine through: so much wider is each, in units.
const OVERLAP: f32 = 2.0;

/// Numbers of the document's objects.
const CATALOG: Ref = Ref::new(1);
const PAGES: Ref = Ref::new(2);
const PAGE: Ref = Ref::new(3);
const CONTENT: Ref = Ref::new(4);
const INFO: Ref = Ref::new(5);
const FIRST_FREE: i32 = 6;

/// The scene as a PDF document of one page, as large as the figure.
///
/// # Errors
/// A font of the program that cannot be cut down to the letters that are used.
pub fn pdf(scene: &Scene, title: &str) -> io::Result<Vec<u8>> {
    let points = scene.points_per_pixel();
    let (width, height) = (f64::from(scene.width) * points, f64::from(scene.height) * points);
    let mut page = PdfPage::new();
    // The page's origin is its lower left corner, and it is measured in points.
    let unit = (points / SCALE) as f32;
    page.content.save_state().transform([unit, 0.0, 0.0, -unit, 0.0, height as f32]);
    page.content.set_line_join(LineJoinStyle::RoundJoin);
    vector::add(scene, &mut page);
    page.content.restore_state();
    page.document(title, (width as f32, height as f32))
}

struct PdfPage {
    content: Content,
    fonts: EmbeddedFonts,
    /// Opacities in thousandths, each with its number.
    opacities: BTreeMap<u16, usize>,
    filled: Option<(u8, u8, u8)>,
    stroked: Option<((u8, u8, u8), u32)>,
    opacity: Option<u16>,
}

impl PdfPage {
    fn new() -> Self {
        Self {
            content: Content::new(),
            fonts: EmbeddedFonts::default(),
            opacities: BTreeMap::new(),
            filled: None,
            stroked: None,
            opacity: None,
        }
    }

    fn document(self, title: &str, (width, height): (f32, f32)) -> io::Result<Vec<u8>> {
        let mut document = Document::new();
        // Transparency came with 1.4, which every LaTeX takes without a word.
        document.set_version(1, 4);
        document.catalog(CATALOG).pages(PAGES);
        document.pages(PAGES).kids([PAGE]).count(1);
        document.document_info(INFO).title(TextStr(title)).producer(TextStr("ablate"));
        let mut page = document.page(PAGE);
        page.parent(PAGES).media_box(Rect::new(0.0, 0.0, width, height)).contents(CONTENT);
        let mut resources = page.resources();
        let mut fonts = resources.fonts();
        for (number, name) in self.fonts.names().enumerate() {
            fonts.pair(Name(name.as_bytes()), fonts::reference(FIRST_FREE, number));
        }
        fonts.finish();
        let mut states = resources.ext_g_states();
        for (thousandths, number) in &self.opacities {
            let share = f32::from(*thousandths) / 1000.0;
            let name = opacity_name(*number);
            let mut state = states.insert(Name(name.as_bytes())).start::<ExtGraphicsState>();
            state.non_stroking_alpha(share).stroking_alpha(share);
        }
        states.finish();
        resources.finish();
        page.finish();
        let content = fonts::deflated(self.content.finish().as_slice());
        document.stream(CONTENT, &content).filter(Filter::FlateDecode);
        self.fonts.write(&mut document, FIRST_FREE)?;
        Ok(document.finish())
    }

    fn opacity(&mut self, alpha: f64) {
        let thousandths = (alpha.clamp(0.0, 1.0) * 1000.0).round() as u16;
        if self.opacity.unwrap_or(1000) != thousandths {
            let next = self.opacities.len();
            let number = *self.opacities.entry(thousandths).or_insert(next);
            self.content.set_parameters(Name(opacity_name(number).as_bytes()));
            self.opacity = Some(thousandths);
        }
    }

    fn fill(&mut self, BackendColor { alpha, rgb }: BackendColor) {
        self.opacity(alpha);
        if self.filled != Some(rgb) {
            let [r, g, b] = shares(rgb);
            self.content.set_fill_rgb(r, g, b);
            self.filled = Some(rgb);
        }
    }

    fn stroke(&mut self, BackendColor { alpha, rgb }: BackendColor, width: u32) {
        self.opacity(alpha);
        if self.stroked.map(|(rgb, _)| rgb) != Some(rgb) {
            let [r, g, b] = shares(rgb);
            self.content.set_stroke_rgb(r, g, b);
        }
        if self.stroked.map(|(_, width)| width) != Some(width) {
            self.content.set_line_width(width as f32);
        }
        self.stroked = Some((rgb, width));
    }

    fn polyline(&mut self, points: impl IntoIterator<Item = BackendCoord>) {
        let mut previous = None;
        for (x, y) in points {
            match previous {
                Some(before) if before == (x, y) => continue,
                Some(_) => self.content.line_to(x as f32, y as f32),
                None => self.content.move_to(x as f32, y as f32),
            };
            previous = Some((x, y));
        }
    }
}

fn opacity_name(number: usize) -> String {
    format!("O{number}")
}

fn shares((r, g, b): (u8, u8, u8)) -> [f32; 3] {
    [r, g, b].map(|part| f32::from(part) / 255.0)
}

impl VectorShapes for PdfPage {
    fn rect(&mut self, (x, y): BackendCoord, (width, height): (i32, i32), color: BackendColor) {
        self.fill(color);
        // Transparent ones would be darker where they overlap.
        let more = if color.alpha < 1.0 { 0.0 } else { OVERLAP };
        let (x, y) = (x as f32 - more / 2.0, y as f32 - more / 2.0);
        self.content.rect(x, y, width as f32 + more, height as f32 + more).fill_nonzero();
    }

    fn pixel(&mut self, (x, y): BackendCoord, color: BackendColor) {
        self.fill(color);
        self.content.rect(x as f32, y as f32, 1.0, 1.0).fill_nonzero();
    }

    fn line(&mut self, points: Vec<BackendCoord>, color: BackendColor, width: u32) {
        self.stroke(color, width);
        self.polyline(points);
        self.content.stroke();
    }

    fn polygon(&mut self, points: Vec<BackendCoord>, color: BackendColor) {
        self.fill(color);
        self.polyline(points);
        self.content.close_path().fill_nonzero();
    }

    fn circle(&mut self, (x, y): BackendCoord, radius: u32, color: BackendColor) {
        // A quarter of a circle is a cubic curve whose handles have this share of the radius, to 0.03 %.
        const HANDLE: f32 = 0.552_285;
        self.fill(color);
        let (x, y, r) = (x as f32, y as f32, radius as f32);
        let h = r * HANDLE;
        self.content.move_to(x + r, y);
        self.content.cubic_to(x + r, y + h, x + h, y + r, x, y + r);
        self.content.cubic_to(x - h, y + r, x - r, y + h, x - r, y);
        self.content.cubic_to(x - r, y - h, x - h, y - r, x, y - r);
        self.content.cubic_to(x + h, y - r, x + r, y - h, x + r, y);
        self.content.close_path().fill_nonzero();
    }

    fn text(&mut self, text: &str, VectorText { face, size, turn, color }: VectorText, (x, y): BackendCoord) {
        // Where a text goes to on the page, and where up is in it. The page has been turned over: up is towards smaller y.
        let ((dx, dy), (ux, uy)) = match turn {
            FontTransform::None => ((1.0, 0.0), (0.0, -1.0)),
            FontTransform::Rotate90 => ((0.0, 1.0), (1.0, 0.0)),
            FontTransform::Rotate180 => ((-1.0, 0.0), (0.0, 1.0)),
            FontTransform::Rotate270 => ((0.0, -1.0), (-1.0, 0.0)),
        };
        self.fill(color);
        let glyphs = font::place(text, face).0;
        self.content.begin_text();
        for run in glyphs.chunk_by(|one, next| one.of == next.of) {
            let Some(first) = run.first() else { continue };
            let along = (first.at / font::EM * size) as f32;
            let font = self.fonts.name(first.of);
            self.content.set_font(Name(font.as_bytes()), (size * first.of.drawn()) as f32);
            self.content.set_text_matrix([dx, dy, ux, uy, x as f32 + dx * along, y as f32 + dy * along]);
            let mut shown = self.content.show_positioned();
            let mut items = shown.items();
            let mut expected = first.at;
            for glyph in run {
                // In thousandths of the font's size, to the left.
                let back = ((expected - glyph.at) / first.of.drawn()) as f32;
                if back.abs() > 0.05 {
                    items.adjust(back);
                }
                let id = self.fonts.glyph(glyph);
                items.show(Str(&id.to_be_bytes()));
                expected = glyph.at + glyph.of.advance(glyph.id);
            }
        }
        self.content.end_text();
    }
}
