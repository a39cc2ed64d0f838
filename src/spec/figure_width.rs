//! How wide a figure is: in pixels, or in print.

use super::text_or::{TextOr, schema_of};
use serde::{Deserialize, Serialize};

/// Pixels of the drawing per millimetre in print: labels of 12 pixels are 7.6 points high there.
pub const PIXELS_PER_MM: f64 = 4.5;

const COLUMN: f64 = 84.0;
const PAGE: f64 = 174.0;
/// The narrowest and the widest in print, in millimetres.
const NARROWEST: f64 = 30.0;
const WIDEST: f64 = 800.0;

/// How wide a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "TextOr<u32>")]
pub enum FigureWidth {
    /// Pixels of the SVG.
    Pixels(u32),
    /// A column of a page with two, 84 mm.
    Column,
    /// A page, 174 mm.
    Page,
    /// Millimetres in print.
    Millimetres(f64),
}

impl FigureWidth {
    /// The width in print, in millimetres; none of a figure that is measured in pixels.
    pub fn millimetres(self) -> Option<f64> {
        match self {
            Self::Pixels(_) => None,
            Self::Column => Some(COLUMN),
            Self::Page => Some(PAGE),
            Self::Millimetres(width) => Some(width),
        }
    }

    /// Reads `"column"`, `"page"` or `"120 mm"`.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("'{text}' is not a width; write pixels (640), \"column\", \"page\", or millimetres (\"120 mm\")")
        };
        match text.trim() {
            "column" => Ok(Self::Column),
            "page" => Ok(Self::Page),
            other => {
                let number = other.strip_suffix("mm").ok_or_else(wrong)?.trim();
                let width: f64 = number.parse().map_err(|_| wrong())?;
                if !(NARROWEST..=WIDEST).contains(&width) {
                    return Err(format!("'{text}' is not between {NARROWEST} mm and {WIDEST} mm"));
                }
                Ok(Self::Millimetres(width))
            }
        }
    }
}

impl From<u32> for FigureWidth {
    fn from(pixels: u32) -> Self {
        Self::Pixels(pixels)
    }
}

impl Serialize for FigureWidth {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pixels(pixels) => pixels.serialize(serializer),
            Self::Column => serializer.serialize_str("column"),
            Self::Page => serializer.serialize_str("page"),
            Self::Millimetres(width) => serializer.collect_str(&format_args!("{width} mm")),
        }
    }
}

impl TryFrom<TextOr<u32>> for FigureWidth {
    type Error = String;

    fn try_from(written: TextOr<u32>) -> Result<Self, String> {
        match written {
            TextOr::Text(text) => Self::parse(&text),
            TextOr::Other(pixels) => Ok(Self::Pixels(pixels)),
        }
    }
}

schema_of!(FigureWidth, |_| {
    "description": "Pixels, \"column\" (84 mm), \"page\" (174 mm), or millimetres such as \"120 mm\".",
    "anyOf": [
        { "type": "integer", "minimum": 120, "maximum": 4000 },
        { "type": "string", "format": "figure-width", "pattern": "^ *(column|page|[0-9]+([.][0-9]+)? *mm) *$" },
    ],
});
