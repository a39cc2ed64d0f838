//! The fonts of a document: of each the letters that are used, and which letter each glyph is, so that texts can be searched and copied.

use super::super::font::{PlacedGlyph, Typeface};
use ab_glyph::{Font, GlyphId};
use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use std::io;
use subsetter::GlyphRemapper;

/// Objects of a font: itself, its glyphs, what is known of it, its file, and which letters its glyphs are.
const OBJECTS: i32 = 5;

const ADOBE: SystemInfo = SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// The number of a font's first object.
pub(super) fn reference(first: i32, font: usize) -> Ref {
    Ref::new(first + OBJECTS * font as i32)
}

/// Bytes as streams of a document have them.
pub(super) fn deflated(bytes: &[u8]) -> Vec<u8> {
    const LEVEL: u8 = 6;
    miniz_oxide::deflate::compress_to_vec_zlib(bytes, LEVEL)
}

/// Fonts with what is used of them, in the order in which they are first used.
#[derive(Default)]
pub(super) struct EmbeddedFonts {
    used: Vec<(Typeface, UsedFont)>,
}

#[derive(Default)]
struct UsedFont {
    glyphs: GlyphRemapper,
    /// By its number in the document: the glyph and its letter.
    letters: BTreeMap<u16, (GlyphId, char)>,
}

impl EmbeddedFonts {
    /// The names that pages call them by.
    pub fn names(&self) -> impl Iterator<Item = String> {
        (0..self.used.len()).map(|number| format!("F{number}"))
    }

    /// The name of a font.
    pub fn name(&mut self, of: Typeface) -> String {
        format!("F{}", self.number(of))
    }

    /// The number of a glyph in the document.
    pub fn glyph(&mut self, glyph: &PlacedGlyph) -> u16 {
        let number = self.number(glyph.of);
        let (_, font) = &mut self.used[number];
        let id = font.glyphs.remap(glyph.id.0);
        font.letters.entry(id).or_insert((glyph.id, glyph.letter));
        id
    }

    fn number(&mut self, of: Typeface) -> usize {
        self.used.iter().position(|(used, _)| *used == of).unwrap_or_else(|| {
            self.used.push((of, UsedFont::default()));
            self.used.len() - 1
        })
    }

    /// Writes all of them, from the object of this number on.
    ///
    /// # Errors
    /// A font that cannot be cut down.
    pub fn write(&self, document: &mut Pdf, first: i32) -> io::Result<()> {
        self.used
            .iter()
            .enumerate()
            .try_for_each(|(number, (of, font))| font.write(*of, document, first + OBJECTS * number as i32))
    }
}

impl UsedFont {
    fn write(&self, of: Typeface, document: &mut Pdf, first: i32) -> io::Result<()> {
        let [font, glyphs, descriptor, file, letters] = [0, 1, 2, 3, 4].map(|offset| Ref::new(first + offset));
        let subset = subsetter::subset(of.bytes(), 0, &self.glyphs).map_err(io::Error::other)?;
        // PDF has the outlines of PostScript fonts without the rest of the file.
        let outlines = postscript(&subset);
        let name = format!("{}+{}", self.tag(), of.name());
        let name = Name(name.as_bytes());
        document
            .type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(glyphs)
            .to_unicode(letters);
        let mut cid = document.cid_font(glyphs);
        cid.subtype(if outlines.is_some() { CidFontType::Type0 } else { CidFontType::Type2 });
        cid.base_font(name).system_info(ADOBE).font_descriptor(descriptor).default_width(0.0);
        if outlines.is_none() {
            cid.cid_to_gid_map_predefined(Name(b"Identity"));
        }
        let mut widths = cid.widths();
        for (&id, &(glyph, _)) in &self.letters {
            widths.consecutive(id, [(of.advance(glyph) / of.drawn()) as f32]);
        }
        widths.finish();
        cid.finish();
        let of_em = |units: f32| (f64::from(units) * of.scale() / of.drawn()) as f32;
        let (ascent, descent) = (of_em(of.font().ascent_unscaled()), of_em(of.font().descent_unscaled()));
        let mut about = document.font_descriptor(descriptor);
        about.name(name).flags(FontFlags::SYMBOLIC).italic_angle(0.0).stem_v(of.stem());
        about.bbox(Rect::new(0.0, descent, 1000.0, ascent)).ascent(ascent).descent(descent).cap_height(650.0);
        match outlines {
            Some(_) => about.font_file3(file),
            None => about.font_file2(file),
        };
        about.finish();
        let bytes = deflated(outlines.unwrap_or(&subset));
        let mut stream = document.stream(file, &bytes);
        stream.filter(Filter::FlateDecode);
        if outlines.is_some() {
            stream.pair(Name(b"Subtype"), Name(b"CIDFontType0C"));
        } else {
            stream.pair(Name(b"Length1"), subset.len() as i32);
        }
        stream.finish();
        let mut map = UnicodeCmap::new(Name(b"Custom"), ADOBE);
        self.letters.iter().for_each(|(&id, &(_, letter))| map.pair(id, letter));
        document.cmap(letters, &deflated(map.finish().as_slice())).filter(Filter::FlateDecode);
        Ok(())
    }

    /// Six letters that tell this part of a font from others.
    fn tag(&self) -> String {
        // FNV-1a, as there are no more than 26^6 tags anyway.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for (glyph, _) in self.letters.values() {
            hash = (hash ^ u64::from(glyph.0)).wrapping_mul(0x0100_0000_01b3);
        }
        let letter = |place: u32| char::from(b'A' + ((hash >> (8 * place)) % 26) as u8);
        (0..6).map(letter).collect()
    }
}

/// The table of PostScript outlines of a font; none of one that has TrueType outlines.
fn postscript(font: &[u8]) -> Option<&[u8]> {
    const HEAD: usize = 12;
    const RECORD: usize = 16;
    let number = |at: usize| font.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let count = u16::from_be_bytes(font.get(4..6)?.try_into().ok()?);
    let record =
        (0..usize::from(count)).map(|index| HEAD + RECORD * index).find(|&at| font.get(at..at + 4) == Some(b"CFF "))?;
    let (start, length) = (number(record + 8)? as usize, number(record + 12)? as usize);
    font.get(start..start.checked_add(length)?)
}
