//! Colours that stay apart for readers who see few of them, and the same colour for the same thing everywhere.

use super::scene::Color;
use crate::table::palette;

/// Text, axes.
pub const INK: Color = Color::hex(0x262626);
/// Axis lines and ticks.
pub const AXIS: Color = Color::hex(0x595959);
/// Lines behind the data.
pub const GRID: Color = Color::hex(0xe6e6e6);
/// A cell that could have a value and has none.
pub const MISSING: Color = Color::hex(0xbdbdbd);
/// Behind everything.
pub const PAPER: Color = Color::hex(0xffffff);

/// Okabe and Ito's palette ("Color universal design", 2008) without its yellow, which is too light for a line.
const PALETTE: [Color; 7] = [
    Color::hex(0x0072b2),
    Color::hex(0xd55e00),
    Color::hex(0x009e73),
    Color::hex(0xcc79a7),
    Color::hex(0xe69f00),
    Color::hex(0x56b4e9),
    Color::hex(0x4d4d4d),
];

/// Colour of the series with that label, the `index`-th. Labels of a palette may have their own: of operators + blue, − vermilion,
/// × green, ÷ purple.
pub fn series(label: &str, index: usize) -> Color {
    PALETTE[palette::colour(label).unwrap_or(index) % PALETTE.len()]
}

/// How many series have a colour of their own.
pub const SERIES: usize = PALETTE.len();

/// Eleven equally spaced colours of matplotlib's viridis (van der Walt and Smith, CC0).
const VIRIDIS: [u32; 11] =
    [0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c, 0x22a884, 0x44bf70, 0x7ad151, 0xbddf26, 0xfde725];

/// ColorBrewer's RdBu (Brewer, Apache-2.0), reversed: negative blue, zero white, positive red.
const BLUE_WHITE_RED: [u32; 11] =
    [0x053061, 0x2166ac, 0x4393c3, 0x92c5de, 0xd1e5f0, 0xf7f7f7, 0xfddbc7, 0xf4a582, 0xd6604d, 0xb2182b, 0x67001f];

/// Steps of a colour scale; also how many different colours a heat map can have.
pub const STEPS: usize = 256;

/// From a value to a colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColourScale {
    /// Value of the lowest colour.
    pub low: f64,
    /// Value of the highest colour.
    pub high: f64,
    /// Blue, white, red instead of viridis.
    pub diverging: bool,
}

impl ColourScale {
    /// Colour of a value; values beyond the ends have the colour of the end.
    pub fn color(&self, value: f64) -> Color {
        self.step(self.place(value))
    }

    /// Place of a value's colour in the scale, 0 lowest. The middle of a diverging scale is zero, whatever its ends are.
    pub fn place(&self, value: f64) -> usize {
        let value = value.clamp(self.low, self.high);
        let share = match self.diverging {
            true => 0.5 + value / self.low.abs().max(self.high.abs()) / 2.0,
            false => (value - self.low) / (self.high - self.low),
        };
        (share.clamp(0.0, 1.0) * (STEPS - 1) as f64).round() as usize
    }

    /// The colour in that place of the scale, 0 lowest.
    pub fn step(&self, step: usize) -> Color {
        let stops = if self.diverging { &BLUE_WHITE_RED } else { &VIRIDIS };
        let place = step.min(STEPS - 1) as f64 / (STEPS - 1) as f64 * (stops.len() - 1) as f64;
        let index = (place.floor() as usize).min(stops.len() - 2);
        let (from, to) = (Color::hex(stops[index]).rgb, Color::hex(stops[index + 1]).rgb);
        let mix = |from: u8, to: u8| {
            (f64::from(from) + (f64::from(to) - f64::from(from)) * (place - index as f64)).round() as u8
        };
        Color { rgb: (mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2)), alpha: 1.0 }
    }
}

/// Black or white, whichever is easier to read on the colour (relative luminance of WCAG 2).
pub fn readable_on(color: Color) -> Color {
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * linear(color.rgb.0) + 0.7152 * linear(color.rgb.1) + 0.0722 * linear(color.rgb.2);
    // Where the contrast with white, 1.05 / (l + 0.05), equals that with ink, (l + 0.05) / 0.0694.
    if luminance < 0.22 { PAPER } else { INK }
}
