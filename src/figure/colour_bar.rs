//! The colour scale of a heat map beside its panels, and what the colours of cells without a value mean.

use super::axis::{AxisLabels, LABEL};
use super::colour::{AXIS, ColourScale, STEPS};
use super::font;
use super::frame::{Frame, border};
use super::geometry::Area;
use super::scene::{Anchor, Color, Scene, TextStyle};

const BAR: f64 = 13.0;
const BAR_TITLE: TextStyle = TextStyle::new(13.0);

/// What the colours of a heat map mean.
pub struct ColourBar {
    /// Values to colours.
    pub scale: ColourScale,
    /// What the values are.
    pub title: String,
    /// Cells of no value, in their colour: what they are called.
    pub blanks: Vec<(Color, &'static str)>,
    /// There are values beneath the scale.
    pub below: bool,
    /// There are values beyond the scale.
    pub above: bool,
    /// Marks, for the room there is before the panels have theirs.
    pub labels: AxisLabels,
}

impl ColourBar {
    /// Takes the room it needs at the right.
    pub fn reserve(&self, frame: &mut Frame) -> Area {
        let beside = BAR + 8.0 + self.labels.depth + 6.0 + BAR_TITLE.line();
        let blanks = self.blanks.iter().map(|(_, name)| BAR + 5.0 + LABEL.width(name));
        let width = blanks.fold(beside, f64::max);
        let strip = Area { x0: frame.free.x1 - width, ..frame.free };
        frame.free.x1 = strip.x0 - 16.0;
        strip
    }

    /// Draws it into that room.
    pub fn draw(&self, scene: &mut Scene, strip: Area) {
        const POINT: f64 = 9.0;
        let mut bar = Area { x1: strip.x0 + BAR, ..strip };
        for &(color, name) in &self.blanks {
            let swatch = Area { y0: bar.y1 - BAR, ..bar };
            scene.rect(swatch, color);
            border(scene, &swatch);
            scene.text(name, (bar.x1 + 5.0, bar.y1 - BAR / 2.0), Anchor::Start, LABEL);
            bar.y1 -= BAR + 6.0;
        }
        bar.y1 -= if self.blanks.is_empty() { 0.0 } else { 6.0 };
        let middle = (bar.x0 + bar.x1) / 2.0;
        // A point at an end says that values beyond it have the colour of the end.
        let whole = bar;
        if self.above {
            bar.y0 += POINT;
            let point = vec![(bar.x0, bar.y0), (middle, whole.y0), (bar.x1, bar.y0)];
            scene.polygon(point, self.scale.color(self.scale.high));
        }
        if self.below {
            bar.y1 -= POINT;
            scene.polygon(
                vec![(bar.x0, bar.y1), (middle, whole.y1), (bar.x1, bar.y1)],
                self.scale.color(self.scale.low),
            );
        }
        for step in 0..STEPS {
            // Each over the last, up to the end: no gap between steps can show.
            let y1 = bar.y1 - step as f64 / STEPS as f64 * bar.height();
            let value = self.scale.low + step as f64 / (STEPS - 1) as f64 * (self.scale.high - self.scale.low);
            scene.rect(Area { y1, ..bar }, self.scale.color(value));
        }
        border(scene, &bar);
        let ticks = &self.labels.ticks;
        let apart = ticks.windows(2).map(|pair| pair[1].at - pair[0].at).fold(1.0, f64::min) * bar.height();
        let every = (LABEL.line() / apart).ceil().max(1.0) as usize;
        // Two at least, if there is any room, for one number says nothing of a size.
        let ends = ticks.len().saturating_sub(1).max(1);
        let every = if apart * ends as f64 >= LABEL.line() { every.min(ends) } else { every };
        for tick in ticks.iter().step_by(every) {
            let y = bar.y1 - tick.at * bar.height();
            scene.line(vec![(bar.x1, y), (bar.x1 + 4.0, y)], AXIS, 1.0);
            for text in &tick.label {
                scene.text(text, (bar.x1 + 8.0, y), Anchor::Start, LABEL);
            }
        }
        let x = bar.x1 + 8.0 + self.labels.depth + 6.0 + BAR_TITLE.line() / 2.0;
        let title = font::shorten(&self.title, BAR_TITLE.face, BAR_TITLE.size, whole.height());
        let y = (whole.y0 + whole.y1) / 2.0;
        scene.text(&title, (x, y), Anchor::Middle, BAR_TITLE.upward().color(Color::hex(0x262626)));
    }
}
