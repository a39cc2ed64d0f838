//! A figure of no rows: an empty panel that says why.

use super::axis::LABEL;
use super::colour::INK;
use super::drawing::Drawing;
use super::font;
use super::frame::{Frame, border};
use super::scene::Anchor;
use crate::spec;

/// Most lines of the reason.
const LINES: usize = 6;

/// Draws the title, a panel, and the reason in it; the same is the drawing's note.
pub fn draw(figure: &spec::Figure, reason: &str) -> Drawing {
    let Frame { mut scene, free } = Frame::new(figure);
    border(&mut scene, &free);
    let room = ((free.height() / LABEL.line()) as usize).clamp(1, LINES);
    let lines = font::wrap(reason, LABEL.face, LABEL.size, free.width() - 2.0 * LABEL.line(), room);
    let middle = ((free.x0 + free.x1) / 2.0, (free.y0 + free.y1) / 2.0);
    for (line, text) in lines.iter().enumerate() {
        let below = (line as f64 - (lines.len() as f64 - 1.0) / 2.0) * LABEL.line();
        scene.text(text, (middle.0, middle.1 + below), Anchor::Middle, LABEL.color(INK));
    }
    Drawing { scene, notes: vec![reason.to_string()] }
}
