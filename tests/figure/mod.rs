//! Figures: what is where, that all text can be read, and that SVG and PNG are one drawing.

mod axes;
mod content;
mod errors;
mod files;
mod fold;
mod letters;
mod places;
mod print;
mod scale;
mod text;

use ablate::figure::{Drawing, layout};
use ablate::spec::Figure;
use polars::prelude::DataFrame;

fn spec(body: &str) -> Figure {
    toml::from_str(&format!("name = 'drawing'\nfrom = 'step'\n{body}")).unwrap()
}

fn drawing(body: &str, rows: &DataFrame) -> Drawing {
    layout(&spec(body), rows).unwrap()
}

/// All that is written.
fn texts(drawing: &Drawing) -> Vec<&str> {
    drawing.scene.texts().map(|text| text.text.as_str()).collect()
}
