//! The embedded fonts: every figure looks the same on every machine, and text is measured before it is placed.
//!
//! Letters that Source Sans 3 lacks come from a part of DejaVu Sans. One that neither has is written as its code, `[65E5]`:
//! boxes would make all such words one.

use ab_glyph::{Font, FontRef, GlyphId};
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Face {
    /// Labels and axis titles.
    Regular,
    /// Titles of figures and panels.
    Semibold,
}

/// A font of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Typeface {
    /// Source Sans 3 (Adobe, SIL Open Font License 1.1), unchanged; `assets/fonts/SourceSans3-LICENSE.md`.
    Own(Face),
    /// Part of DejaVu Sans; `assets/fonts/DejaVuSans-LICENSE.md`.
    Further,
}

static REGULAR: LazyLock<FontRef<'static>> = LazyLock::new(|| embedded(Typeface::Own(Face::Regular)));
static SEMIBOLD: LazyLock<FontRef<'static>> = LazyLock::new(|| embedded(Typeface::Own(Face::Semibold)));
static FURTHER: LazyLock<FontRef<'static>> = LazyLock::new(|| embedded(Typeface::Further));

/// Units of outlines and widths per size of the text, in every font.
pub const EM: f64 = 1000.0;

/// Height above the baseline that a line of text may fill, as a share of its size.
pub const ASCENT: f64 = 0.75;
/// Depth below the baseline that a line of text may fill, as a share of its size.
pub const DESCENT: f64 = 0.22;
/// Half the height of digits and capitals: what looks like the middle of a line.
pub const HALF_CAP: f64 = 0.325;
/// Distance between baselines, as a share of the size.
pub const LINE: f64 = 1.18;

fn embedded(of: Typeface) -> FontRef<'static> {
    FontRef::try_from_slice(of.bytes()).expect("the embedded font is part of the source and a test reads it")
}

impl Typeface {
    /// Its file.
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Own(Face::Regular) => include_bytes!("../../assets/fonts/SourceSans3-Regular.otf"),
            Self::Own(Face::Semibold) => include_bytes!("../../assets/fonts/SourceSans3-Semibold.otf"),
            Self::Further => include_bytes!("../../assets/fonts/DejaVuSans-Subset.ttf"),
        }
    }

    /// Its PostScript name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Own(Face::Regular) => "SourceSans3-Regular",
            Self::Own(Face::Semibold) => "SourceSans3-Semibold",
            Self::Further => "DejaVuSans",
        }
    }

    /// Width of its upright strokes in thousandths of its size, about.
    pub fn stem(self) -> f32 {
        match self {
            Self::Own(Face::Regular) | Self::Further => 84.0,
            Self::Own(Face::Semibold) => 121.0,
        }
    }

    /// The parsed font.
    pub fn font(self) -> &'static FontRef<'static> {
        match self {
            Self::Own(Face::Regular) => &REGULAR,
            Self::Own(Face::Semibold) => &SEMIBOLD,
            Self::Further => &FURTHER,
        }
    }

    /// The share of a text's size that its letters are drawn in; DejaVu's are made as large as Source Sans's look.
    pub fn drawn(self) -> f64 {
        match self {
            Self::Own(_) => 1.0,
            Self::Further => 0.9,
        }
    }

    /// From the font's own units to those of [`EM`].
    pub fn scale(self) -> f64 {
        EM / f64::from(self.font().units_per_em().unwrap_or(EM as f32)) * self.drawn()
    }

    /// How far the next glyph is from this one, in units of [`EM`].
    pub fn advance(self, glyph: GlyphId) -> f64 {
        f64::from(self.font().h_advance_unscaled(glyph)) * self.scale()
    }
}

/// A glyph in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacedGlyph {
    /// Its font.
    pub of: Typeface,
    /// Its number in the font.
    pub id: GlyphId,
    /// The letter that it is.
    pub letter: char,
    /// Distance from the start of the text in units of [`EM`].
    pub at: f64,
}

/// The glyph of a letter in the first font that has it.
fn glyph(letter: char, face: Face) -> Option<(Typeface, GlyphId)> {
    let fonts = [Typeface::Own(face), Typeface::Further].into_iter();
    let found = fonts.map(|of| (of, of.font().glyph_id(letter))).find(|(_, id)| id.0 != 0);
    found.filter(|_| !invisible(letter))
}

/// Letters that show nothing, and would make two words look like one.
pub fn invisible(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Letters that ask for another form of the one before them, in which there is none here.
fn selects_form(letter: char) -> bool {
    matches!(letter, '\u{fe00}'..='\u{fe0f}')
}

/// The text as it is drawn: letters that no font has as their codes, control characters as signs.
fn written(text: &str, face: Face) -> String {
    let mut written = String::with_capacity(text.len());
    let mut in_codes = false;
    for letter in text.chars().filter(|letter| !selects_form(*letter)) {
        let shown = match letter {
            '\n' => Some('↵'),
            '\t' => Some('⇥'),
            other => glyph(other, face).map(|_| other),
        };
        match shown {
            Some(shown) => {
                if std::mem::take(&mut in_codes) {
                    written.push(']');
                }
                written.push(shown);
            }
            None => {
                written.push(if in_codes { ' ' } else { '[' });
                in_codes = true;
                written.push_str(&format!("{:04X}", u32::from(letter)));
            }
        }
    }
    if in_codes {
        written.push(']');
    }
    written
}

/// The letters of a text that are drawn as their codes.
pub fn without_glyph(text: &str) -> BTreeSet<char> {
    let signs = ['\n', '\t'];
    let lacks =
        |letter: &char| !signs.contains(letter) && !selects_form(*letter) && glyph(*letter, Face::Regular).is_none();
    text.chars().filter(lacks).collect()
}

/// Each glyph with its distance from the start of the text, and the width of the text.
pub fn place(text: &str, face: Face) -> (Vec<PlacedGlyph>, f64) {
    let mut glyphs: Vec<PlacedGlyph> = Vec::with_capacity(text.len());
    let mut at = 0.0;
    for letter in written(text, face).chars() {
        let Some((of, id)) = glyph(letter, face) else { continue };
        if let Some(previous) = glyphs.last().filter(|previous| previous.of == of) {
            at += f64::from(of.font().kern_unscaled(previous.id, id)) * of.scale();
        }
        glyphs.push(PlacedGlyph { of, id, letter, at });
        at += of.advance(id);
    }
    (glyphs, at)
}

/// Width of a text in pixels.
pub fn width(text: &str, face: Face, size: f64) -> f64 {
    place(text, face).1 / EM * size
}

/// The text, or as much of its beginning as fits with an ellipsis.
pub fn shorten(text: &str, face: Face, size: f64, space: f64) -> String {
    if width(text, face, size) <= space {
        return text.to_string();
    }
    let mut kept = text.to_string();
    while kept.pop().is_some() {
        let shown = format!("{}…", kept.trim_end());
        if width(&shown, face, size) <= space {
            return shown;
        }
    }
    String::new()
}

/// The text in lines no wider than `space`, broken between words; the last of `lines` ends in an ellipsis if need be.
pub fn wrap(text: &str, face: Face, size: f64, space: f64, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let mut line = word.to_string();
        let last = wrapped.len() + 1 >= lines;
        while let Some(next) = words.peek() {
            let longer = format!("{line} {next}");
            if !last && width(&longer, face, size) > space {
                break;
            }
            line = longer;
            words.next();
        }
        wrapped.push(shorten(&line, face, size, space));
    }
    wrapped
}
