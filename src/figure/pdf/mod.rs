//! PDF: the same shapes as the SVG, and texts as texts, in the letters of the fonts that they need, which are embedded. LaTeX takes it as
//! it is, and a search finds what a figure says.

mod fonts;

use super::font::{self, Face};
use super::paint::paint;
use super::scene::Scene;
use fonts::EmbeddedFonts;
use pdf_writer::types::LineJoinStyle;
use pdf_writer::writers::ExtGraphicsState;
use pdf_writer::{Content, Filter, Finish, Name, Pdf as Document, Rect, Ref, Str, TextStr};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind, FontStyle,
    FontTransform,
};
use std::collections::BTreeMap;
use std::io;

/// Units per pixel of the scene: coordinates are whole tenths.
const SCALE: f64 = 10.0;
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
    let mut page = PdfPage::new((scene.width * 10, scene.height * 10));
    // The page's origin is its lower left corner, and it is measured in points.
    let unit = (points / SCALE) as f32;
    page.content.save_state().transform([unit, 0.0, 0.0, -unit, 0.0, height as f32]);
    page.content.set_line_join(LineJoinStyle::RoundJoin);
    paint(scene.items.iter(), &mut page, SCALE).map_err(|error| io::Error::other(error.to_string()))?;
    page.content.restore_state();
    page.document(title, (width as f32, height as f32))
}

struct PdfPage {
    size: (u32, u32),
    content: Content,
    fonts: EmbeddedFonts,
    /// Opacities in thousandths, each with its number.
    opacities: BTreeMap<u16, usize>,
    filled: Option<(u8, u8, u8)>,
    stroked: Option<((u8, u8, u8), u32)>,
    opacity: Option<u16>,
}

type PageResult = Result<(), DrawingErrorKind<io::Error>>;

impl PdfPage {
    fn new(size: (u32, u32)) -> Self {
        Self {
            size,
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

impl DrawingBackend for PdfPage {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> PageResult {
        Ok(())
    }

    fn present(&mut self) -> PageResult {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> PageResult {
        self.fill(color);
        self.content.rect(x as f32, y as f32, 1.0, 1.0).fill_nonzero();
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (x0, y0): BackendCoord,
        (x1, y1): BackendCoord,
        style: &S,
        _fill: bool,
    ) -> PageResult {
        let (width, height) = ((x1 - x0) as f32, (y1 - y0) as f32);
        if width <= 0.0 || height <= 0.0 {
            return Ok(());
        }
        let color = style.color();
        self.fill(color);
        // Transparent ones would be darker where they overlap.
        let more = if color.alpha < 1.0 { 0.0 } else { OVERLAP };
        let (x, y) = (x0 as f32 - more / 2.0, y0 as f32 - more / 2.0);
        self.content.rect(x, y, width + more, height + more).fill_nonzero();
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> PageResult {
        self.stroke(style.color(), style.stroke_width());
        self.polyline(path);
        self.content.stroke();
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vertices: I,
        style: &S,
    ) -> PageResult {
        self.fill(style.color());
        self.polyline(vertices);
        self.content.close_path().fill_nonzero();
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> PageResult {
        // A quarter of a circle is a cubic curve whose handles have this share of the radius, to 0.03 %.
        const HANDLE: f32 = 0.552_285;
        self.fill(style.color());
        let (x, y, r) = (x as f32, y as f32, radius as f32);
        let h = r * HANDLE;
        self.content.move_to(x + r, y);
        self.content.cubic_to(x + r, y + h, x + h, y + r, x, y + r);
        self.content.cubic_to(x - h, y + r, x - r, y + h, x - r, y);
        self.content.cubic_to(x - r, y - h, x - h, y - r, x, y - r);
        self.content.cubic_to(x + h, y - r, x + r, y - h, x + r, y);
        self.content.close_path().fill_nonzero();
        Ok(())
    }

    fn draw_text<TStyle: BackendTextStyle>(&mut self, text: &str, style: &TStyle, (x, y): BackendCoord) -> PageResult {
        let face = if matches!(style.style(), FontStyle::Bold) { Face::Semibold } else { Face::Regular };
        // Where a text goes to on the page, and where up is in it. The page has been turned over: up is towards smaller y.
        let ((dx, dy), (ux, uy)) = match style.transform() {
            FontTransform::None => ((1.0, 0.0), (0.0, -1.0)),
            FontTransform::Rotate90 => ((0.0, 1.0), (1.0, 0.0)),
            FontTransform::Rotate180 => ((-1.0, 0.0), (0.0, 1.0)),
            FontTransform::Rotate270 => ((0.0, -1.0), (-1.0, 0.0)),
        };
        self.fill(style.color());
        let glyphs = font::place(text, face).0;
        self.content.begin_text();
        for run in glyphs.chunk_by(|one, next| one.of == next.of) {
            let Some(first) = run.first() else { continue };
            let size = style.size() * first.of.drawn();
            let along = (first.at / font::EM * style.size()) as f32;
            let font = self.fonts.name(first.of);
            self.content.set_font(Name(font.as_bytes()), size as f32);
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
        Ok(())
    }
}
