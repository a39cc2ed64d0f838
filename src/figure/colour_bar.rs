//! The colour scale of a heat map beside its panels, and what the colours of cells without a value mean.

use super::axis::{AxisLabels, LABEL};
use super::colour::{AXIS, ColourScale, STEPS};
use super::drawing::Keyed;
use super::font;
use super::frame::{Frame, border, title_lines};
use super::geometry::Area;
use super::scene::{Anchor, Color, TextStyle};

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

/// Panels, and the colour scale in its place beside them.
pub struct BesideBar<P> {
    /// What is drawn so far, the scale not yet; free is where the panels have their data.
    pub frame: Frame,
    /// What was placed beside the scale.
    pub panels: P,
    /// From the top to the bottom of what was free.
    strip: Area,
    /// Lines of the scale's title.
    title: Vec<String>,
}

impl ColourBar {
    /// Places panels beside it, its title in as few lines as it fits: lines take room from the panels, and the panels' height says
    /// how long a line may be.
    ///
    /// # Errors
    /// What `panels` returns where even one line of the title leaves no room for them.
    pub fn beside<P>(&self, frame: &Frame, panels: impl Fn(&mut Frame) -> Keyed<P>) -> Keyed<BesideBar<P>> {
        let placed = |lines: usize| -> Keyed<BesideBar<P>> {
            let mut frame = frame.clone();
            let strip = self.reserve(&mut frame, lines);
            let panels = panels(&mut frame)?;
            let (above, below) = self.title_ends(&strip, &frame.free);
            let title = font::wrap(&self.title, BAR_TITLE.face, BAR_TITLE.size, below - above, lines);
            Ok(BesideBar { frame, panels, strip, title })
        };
        let whole = |beside: &BesideBar<P>| beside.title.join(" ").split_whitespace().eq(self.title.split_whitespace());
        let mut widest = placed(1)?;
        for lines in 2..=title_lines(BAR_TITLE, frame.free.width()) {
            if whole(&widest) {
                return Ok(widest);
            }
            match placed(lines) {
                Ok(wider) => widest = wider,
                Err(_) => break,
            }
        }
        // A word that no line has room for needs no further lines.
        let used = widest.title.len().max(1);
        if whole(&widest) { Ok(widest) } else { placed(used) }
    }

    /// Takes the room at the right that it needs with a title of so many lines.
    fn reserve(&self, frame: &mut Frame, lines: usize) -> Area {
        let beside = BAR + 8.0 + self.labels.depth + 6.0 + lines as f64 * BAR_TITLE.line();
        let blanks = self.blanks.iter().map(|(_, name)| BAR + 5.0 + LABEL.width(name));
        let width = blanks.fold(beside, f64::max);
        let strip = Area { x0: frame.free.x1 - width, ..frame.free };
        frame.free.x1 = strip.x0 - 16.0;
        strip
    }

    /// Where the bar ends above the boxes of cells without a value, beside data that end at `bottom`.
    fn foot(&self, bottom: f64) -> f64 {
        let boxes = self.blanks.len() as f64 * (BAR + 6.0);
        bottom - boxes - if self.blanks.is_empty() { 0.0 } else { 6.0 }
    }

    /// From where to where its title may reach: beyond the data, but not to the names of cells without a value.
    fn title_ends(&self, strip: &Area, data: &Area) -> (f64, f64) {
        (strip.y0, if self.blanks.is_empty() { strip.y1 } else { self.foot(data.y1) })
    }

    /// Draws it into its room.
    pub fn draw<P>(&self, beside: &mut BesideBar<P>) {
        const POINT: f64 = 9.0;
        let BesideBar { frame, strip, title, .. } = beside;
        let data = frame.free;
        let scene = &mut frame.scene;
        let mut bar = Area { x0: strip.x0, x1: strip.x0 + BAR, y0: data.y0, y1: data.y1 };
        for &(color, name) in &self.blanks {
            let swatch = Area { y0: bar.y1 - BAR, ..bar };
            scene.rect(swatch, color);
            border(scene, &swatch);
            scene.text(name, (bar.x1 + 5.0, bar.y1 - BAR / 2.0), Anchor::Start, LABEL);
            bar.y1 -= BAR + 6.0;
        }
        bar.y1 = self.foot(data.y1);
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
        let (above, below) = self.title_ends(strip, &data);
        for (line, text) in title.iter().enumerate() {
            let x = bar.x1 + 8.0 + self.labels.depth + 6.0 + (line as f64 + 0.5) * BAR_TITLE.line();
            // Centred on the bar, unless it is longer than that is high.
            let half = BAR_TITLE.width(text) / 2.0;
            let y = ((whole.y0 + whole.y1) / 2.0).min(below - half).max(above + half);
            scene.text(text, (x, y), Anchor::Middle, BAR_TITLE.upward().color(Color::hex(0x262626)));
        }
    }
}
