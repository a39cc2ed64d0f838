//! Figures in the page itself: SVG as it is, other images in base 64.

use super::{Html, table};
use crate::report::ReportFigure;
use data_encoding::BASE64;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// Outlines of letters that the page has already. All figures write with the same fonts, and call a letter's outline the
/// same, so that one of each is enough.
#[derive(Debug, Default)]
pub struct Glyphs(HashSet<String>);

impl Glyphs {
    /// The drawing without the outlines that were there before.
    fn without_known(&mut self, svg: &str) -> String {
        let new = |line: &&str| match line.strip_prefix("<path id=\"").and_then(|rest| rest.split_once('"')) {
            Some((id, _)) => self.0.insert(id.to_string()),
            None => true,
        };
        svg.lines().filter(new).collect::<Vec<_>>().join("\n")
    }
}

/// One figure, what it does not show, and links to its files.
pub fn figure(body: &mut Html, figure: &ReportFigure, folder: &Path, glyphs: &mut Glyphs) {
    body.open("figure");
    body.raw("<div class=\"drawing\">\n");
    match figure.shown() {
        Some(path) => drawing(body, path, figure.heading(), glyphs),
        None if figure.files.is_empty() => {
            body.element("p", "No image was asked for.");
        }
        None => {}
    }
    body.raw("</div>\n");
    body.raw("<figcaption>");
    for note in &figure.notes {
        body.inline("p class=\"remark\"", &format!("{note}."));
    }
    table::files(body, &figure.name, &figure.files, folder);
    body.raw("</figcaption>\n");
    body.close("figure");
}

fn drawing(body: &mut Html, path: &Path, title: &str, glyphs: &mut Glyphs) {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let is_svg = path.extension().is_some_and(|extension| extension == "svg");
    match fs::read(path) {
        Ok(bytes) if is_svg => {
            body.raw(&glyphs.without_known(&String::from_utf8_lossy(&bytes))).raw("\n");
        }
        Ok(bytes) => {
            let image = format!("data:image/png;base64,{}", BASE64.encode(&bytes));
            body.raw("<img alt=\"").text(title).raw("\" src=\"").raw(&image).raw("\">\n");
        }
        Err(error) => {
            body.element("p", &format!("{name} cannot be read: {error}"));
        }
    }
}
