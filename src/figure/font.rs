//! The embedded font: every figure looks the same on every machine, and text is measured before it is placed.

use ab_glyph::{Font, FontRef, GlyphId};
use std::sync::LazyLock;

/// Weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Face {
    /// Labels and axis titles.
    Regular,
    /// Titles of figures and panels.
    Semibold,
}

/// Source Sans 3 (Adobe, SIL Open Font License 1.1), unchanged; `assets/fonts/SourceSans3-LICENSE.md`.
static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| embedded(include_bytes!("../../assets/fonts/SourceSans3-Regular.otf")));
static SEMIBOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| embedded(include_bytes!("../../assets/fonts/SourceSans3-Semibold.otf")));

/// Height above the baseline that a line of text may fill, as a share of its size.
pub const ASCENT: f64 = 0.75;
/// Depth below the baseline that a line of text may fill, as a share of its size.
pub const DESCENT: f64 = 0.22;
/// Half the height of digits and capitals: what looks like the middle of a line.
pub const HALF_CAP: f64 = 0.325;
/// Distance between baselines, as a share of the size.
pub const LINE: f64 = 1.18;

fn embedded(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the embedded font is part of the source and a test reads it")
}

/// The parsed font.
pub fn font(face: Face) -> &'static FontRef<'static> {
    match face {
        Face::Regular => &REGULAR,
        Face::Semibold => &SEMIBOLD,
    }
}

/// Units of the outlines per size of the text.
pub fn units_per_em(face: Face) -> f64 {
    f64::from(font(face).units_per_em().unwrap_or(1000.0))
}

/// Each glyph with its distance from the start of the text, and the width of the text, all in font units.
pub fn place(text: &str, face: Face) -> (Vec<(GlyphId, f64)>, f64) {
    let font = font(face);
    let mut glyphs = Vec::with_capacity(text.len());
    let mut at = 0.0;
    for character in text.chars() {
        let glyph = font.glyph_id(if character.is_control() { ' ' } else { character });
        if let Some((previous, _)) = glyphs.last() {
            at += f64::from(font.kern_unscaled(*previous, glyph));
        }
        glyphs.push((glyph, at));
        at += f64::from(font.h_advance_unscaled(glyph));
    }
    (glyphs, at)
}

/// Width of a text in pixels.
pub fn width(text: &str, face: Face, size: f64) -> f64 {
    place(text, face).1 / units_per_em(face) * size
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

/// The text, or its beginning and end with an ellipsis between: labels of one axis often begin alike.
pub fn shorten_middle(text: &str, face: Face, size: f64, space: f64) -> String {
    let characters: Vec<char> = text.chars().collect();
    if width(text, face, size) <= space {
        return text.to_string();
    }
    for kept in (1..characters.len()).rev() {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let start: String = characters.iter().take(head).collect();
        let end: String = characters.iter().skip(characters.len() - tail).collect();
        let shown = format!("{}…{}", start.trim_end(), end.trim_start());
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
