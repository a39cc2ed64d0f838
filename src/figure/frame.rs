//! Everything around the data: title, legend, panels, axes. Text is measured first, and what is left is for the data.

use super::axis::{AxisLabels, FigureAxis, LABEL, Tick, label_width};
use super::colour::{AXIS, GRID, PAPER};
use super::dash::Dash;
use super::data::Categories;
use super::drawing::{Keyed, at};
use super::error::FigureProblem;
use super::geometry::Area;
use super::order::of_panel;
use super::scene::{Anchor, Color, MarkerShape, Scene, TextStyle};
use super::{font, labels};
use crate::spec;

const MARGIN: f64 = 12.0;
const TITLE: TextStyle = TextStyle::new(15.0).semibold();
const AXIS_TITLE: TextStyle = TextStyle::new(13.0);
const PANEL_TITLE: TextStyle = TextStyle::new(12.5).semibold();
const TICK: f64 = 4.0;
/// From the end of a tick to its label.
const TICK_GAP: f64 = 4.0;
/// Fewest pixels of a panel in each direction that can show anything.
const SMALLEST: f64 = 24.0;
const LEGEND_ROWS: usize = 4;

/// The share of a drawing that the lines of a title may take, across them.
const TITLES: f64 = 0.2;
/// Lines that a title may have in any case.
const TITLE_LINES: usize = 2;

/// Most lines of a title, where there are so many pixels across them. What does not fit is cut.
pub fn title_lines(style: TextStyle, across: f64) -> usize {
    ((across * TITLES / style.line()) as usize).max(TITLE_LINES)
}

/// A drawing under way: what is drawn, and the area that is still free.
#[derive(Clone)]
pub struct Frame {
    /// What is drawn so far.
    pub scene: Scene,
    /// What is still free.
    pub free: Area,
}

/// What an entry of a legend shows.
pub enum Sample {
    /// A filled box.
    Box,
    /// A line in a style, with a marker or without.
    Line(Dash, Option<MarkerShape>),
    /// A point.
    Marker(MarkerShape),
}

/// What the panels of a figure share.
pub struct Panels<'a> {
    /// A title for each panel; one empty title for a figure of one panel.
    pub titles: &'a [String],
    /// Horizontal axis of all panels, or of each.
    pub x: &'a [FigureAxis],
    /// Vertical axis of all panels, or of each.
    pub y: &'a [FigureAxis],
    /// Title of the vertical axis.
    pub y_title: &'a str,
    /// Lines behind the data at the marks of the vertical axis.
    pub grid: bool,
}

impl Frame {
    /// An empty drawing with its title.
    pub fn new(figure: &spec::Figure) -> Self {
        let ((width, height), print) = (figure.size(), figure.width.millimetres());
        let page = Area { x0: 0.0, y0: 0.0, x1: f64::from(width), y1: f64::from(height) };
        let mut scene = Scene { width, height, print, items: Vec::new() };
        scene.rect(page, PAPER);
        let free = Area { x0: MARGIN, y0: MARGIN, x1: page.x1 - MARGIN, y1: page.y1 - MARGIN };
        let mut frame = Self { scene, free };
        if let Some(title) = &figure.title {
            let lines = title_lines(TITLE, frame.free.height());
            for line in font::wrap(title, TITLE.face, TITLE.size, frame.free.width(), lines) {
                let middle = frame.free.y0 + TITLE.line() / 2.0;
                frame.scene.text(&line, (page.x1 / 2.0, middle), Anchor::Middle, TITLE);
                frame.free.y0 += TITLE.line();
            }
            frame.free.y0 += 8.0;
        }
        frame
    }

    /// A legend in rows above the data: the categories of a column, each with what is beside its label; none without a column.
    pub fn legend(&mut self, column: Option<&str>, of: &Categories, sample: impl Fn(usize) -> (Color, Sample)) {
        const SAMPLE: f64 = 24.0;
        const GAP: f64 = 5.0;
        const BETWEEN: f64 = 16.0;
        let Some(column) = column else { return };
        let room = self.free.width();
        // Numbers, true and false alone do not say what they are.
        let truths = || of.labels.iter().all(|label| label == "true" || label == "false");
        let heading = (of.numbers.is_some() || truths()).then(|| format!("{column}:"));
        let heading_width = heading.as_ref().map_or(0.0, |text| LABEL.width(text) + 8.0);
        let labels = labels::fitted(&of.labels, label_width, room - SAMPLE - GAP - heading_width);
        let width = |label: &String| SAMPLE + GAP + label_width(label);
        let mut rows: Vec<(f64, Vec<usize>)> = vec![(heading_width, Vec::new())];
        for (index, label) in labels.iter().enumerate() {
            let Some(row) = rows.last_mut() else { break };
            let more = if row.1.is_empty() { width(label) } else { BETWEEN + width(label) };
            if row.0 + more > room && !row.1.is_empty() {
                rows.push((width(label), vec![index]));
            } else {
                row.0 += more;
                row.1.push(index);
            }
        }
        let hidden: usize = rows.iter().skip(LEGEND_ROWS).map(|(_, row)| row.len()).sum();
        for (number, (row_width, row)) in rows.iter().take(LEGEND_ROWS).enumerate() {
            let y = self.free.y0 + LABEL.line() / 2.0;
            let mut x = self.free.x0 + (room - row_width) / 2.0;
            if let (0, Some(heading)) = (number, &heading) {
                self.scene.text(heading, (x, y), Anchor::Start, LABEL);
                x += heading_width;
            }
            for &index in row {
                let Some(label) = labels.get(index) else { continue };
                let (color, sample) = sample(index);
                match sample {
                    Sample::Line(dash, marker) => {
                        self.scene.dashed(vec![(x, y), (x + SAMPLE, y)], color, 2.0, dash);
                        if let Some(shape) = marker {
                            self.scene.marker((x + SAMPLE / 2.0, y), shape, 3.2, color);
                        }
                    }
                    Sample::Marker(shape) => {
                        self.scene.marker((x + SAMPLE - 6.0, y), shape, 3.2, color);
                    }
                    Sample::Box => {
                        let side = Area { x0: x + SAMPLE - 12.0, y0: y - 6.0, x1: x + SAMPLE, y1: y + 6.0 };
                        self.scene.rect(side, color);
                    }
                }
                self.scene.text(label, (x + SAMPLE + GAP, y), Anchor::Start, LABEL.suited_to(label));
                x += width(label) + BETWEEN;
            }
            self.free.y0 += LABEL.line() + 2.0;
        }
        if hidden > 0 {
            let at = (self.free.x0 + room / 2.0, self.free.y0 + LABEL.line() / 2.0);
            self.scene.text(&format!("and {hidden} more"), at, Anchor::Middle, LABEL);
            self.free.y0 += LABEL.line();
        }
        self.free.y0 += 6.0;
    }

    /// Draws titles and axes of the panels and returns the area of each for its data.
    ///
    /// # Errors
    /// No room for data between them.
    pub fn panels(&mut self, figure: &spec::Figure, panels: &Panels) -> Keyed<Vec<Area>> {
        let lines = |across| title_lines(AXIS_TITLE, across);
        let placed = self.placed(figure, panels, (lines(self.free.height()), lines(self.free.width())));
        // Cut titles are better than no figure.
        placed.or_else(|_| self.placed(figure, panels, (TITLE_LINES, TITLE_LINES)))
    }

    /// The same with so many lines at most of the titles of the axes, x before y.
    fn placed(
        &mut self,
        figure: &spec::Figure,
        panels: &Panels,
        (x_lines, y_lines): (usize, usize),
    ) -> Keyed<Vec<Area>> {
        let count = panels.titles.len().max(1);
        let (columns, rows) = arrangement(count, self.free.width() / self.free.height().max(1.0));
        let x_title = font::wrap(
            figure.x_title.as_deref().unwrap_or(&figure.x),
            AXIS_TITLE.face,
            AXIS_TITLE.size,
            self.free.width(),
            x_lines,
        );
        let titled =
            |lines: &[String]| if lines.is_empty() { 0.0 } else { lines.len() as f64 * AXIS_TITLE.line() + 5.0 };
        let below_title = titled(&x_title);
        let beside = self.free.height() - below_title;
        let y_title = font::wrap(panels.y_title, AXIS_TITLE.face, AXIS_TITLE.size, beside, y_lines);
        let left_title = titled(&y_title);
        let top = if panels.titles.iter().any(|title| !title.is_empty()) { PANEL_TITLE.line() + 3.0 } else { 0.0 };
        let mut layout = FrameLayout {
            columns,
            rows,
            left: left_title,
            below: below_title,
            top,
            between: 14.0,
            right: 0.0,
            under: 0.0,
        };
        let (mut x, mut y) = (Vec::new(), Vec::new());
        // Labels take room from the panels, which changes which labels fit: a few rounds settle it.
        for _ in 0..4 {
            let (width, height) = layout.panel(&self.free);
            y = panels.y.iter().map(|axis| axis.vertical(height, self.free.width() * 0.3)).collect::<Vec<_>>();
            x = panels.x.iter().map(|axis| axis.horizontal(width, self.free.height() * 0.3)).collect::<Vec<_>>();
            let room =
                |labels: &[AxisLabels]| labels.iter().map(|labels| labels.depth).fold(0.0, f64::max) + TICK + TICK_GAP;
            layout.left = layout.left.max(left_title + room(&y));
            layout.below = layout.below.max(below_title + room(&x));
            let out = |labels: &[AxisLabels], before: bool| {
                labels.iter().map(|labels| labels.overhang(width, before)).fold(0.0, f64::max)
            };
            layout.right = layout.right.max(out(&x, false));
            let before = out(&x, true);
            layout.left = layout.left.max(before);
            let beside = if y.len() > 1 { before.max(room(&y)) } else { before };
            layout.between = layout.between.max(layout.right + beside + 8.0);
            if x.len() > 1 {
                layout.under = layout.under.max(room(&x));
            }
        }
        let (width, height) = layout.panel(&self.free);
        if width < SMALLEST || height < SMALLEST {
            return Err(at("width")(FigureProblem::TooSmall { panels: count }));
        }
        let areas: Vec<Area> = (0..count).map(|index| layout.area(&self.free, index)).collect();
        let title_width = |title: &str| PANEL_TITLE.suited_to(title).width(title);
        let titles = labels::fitted(panels.titles, title_width, width);
        for (index, area) in areas.iter().enumerate() {
            let title = titles.get(index).cloned().unwrap_or_default();
            let middle = area.y0 - 3.0 - PANEL_TITLE.line() / 2.0;
            self.scene.text(&title, ((area.x0 + area.x1) / 2.0, middle), Anchor::Middle, PANEL_TITLE.suited_to(&title));
            let labelled = Labelled { x: of_panel(&x, index), y: of_panel(&y, index), grid: panels.grid };
            let (below, left) = (index + columns >= count, index % columns == 0);
            labelled.draw(&mut self.scene, area, below || x.len() > 1, left || y.len() > 1);
        }
        let data = Area {
            x0: self.free.x0 + layout.left,
            y0: self.free.y0 + top,
            x1: self.free.x1 - layout.right,
            y1: self.free.y1 - layout.below,
        };
        for (line, text) in y_title.iter().enumerate() {
            let x = self.free.x0 + (line as f64 + 0.5) * AXIS_TITLE.line();
            // Centred on the data, unless it is longer than they are high.
            let half = AXIS_TITLE.width(text) / 2.0;
            let y = ((data.y0 + data.y1) / 2.0).min(self.free.y1 - below_title - half).max(self.free.y0 + half);
            self.scene.text(text, (x, y), Anchor::Middle, AXIS_TITLE.upward());
        }
        for (line, text) in x_title.iter().rev().enumerate() {
            let y = self.free.y1 - (line as f64 + 0.5) * AXIS_TITLE.line();
            let half = AXIS_TITLE.width(text) / 2.0;
            let x = ((data.x0 + data.x1) / 2.0).min(self.free.x1 - half).max(self.free.x0 + half);
            self.scene.text(text, (x, y), Anchor::Middle, AXIS_TITLE);
        }
        self.free = data;
        Ok(areas)
    }
}

/// Columns and rows of panels that make them about a third wider than high, with few empty places.
fn arrangement(count: usize, shape: f64) -> (usize, usize) {
    let cost = |columns: usize| {
        let rows = count.div_ceil(columns);
        let panel = shape * rows as f64 / columns as f64;
        (panel / 1.3).ln().abs() + (rows * columns - count) as f64 / count as f64
    };
    let columns = (1..=count).min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(1);
    (columns, count.div_ceil(columns))
}

impl AxisLabels {
    /// Pixels by which a label reaches beyond the axis' start or end, of `width` pixels.
    fn overhang(&self, width: f64, before: bool) -> f64 {
        let reach = |tick: &Tick| {
            let lines = tick.label.iter().map(|line| label_width(line)).fold(0.0, f64::max);
            let half = if self.upward && !tick.label.is_empty() { LABEL.line() / 2.0 } else { lines / 2.0 };
            half - if before { tick.at } else { 1.0 - tick.at } * width
        };
        self.ticks.iter().map(reach).fold(0.0, f64::max)
    }
}

struct FrameLayout {
    columns: usize,
    rows: usize,
    /// From the left edge to the first panel.
    left: f64,
    /// From the last panel to the lower edge.
    below: f64,
    /// For each panel's title.
    top: f64,
    /// Between panels.
    between: f64,
    /// From the last panel to the right edge.
    right: f64,
    /// Beneath each row of panels but the last, where each has labels of its own.
    under: f64,
}

impl FrameLayout {
    fn panel(&self, free: &Area) -> (f64, f64) {
        let (columns, rows) = (self.columns as f64, self.rows as f64);
        let width = (free.width() - self.left - self.right - (columns - 1.0) * self.between) / columns;
        let height = (free.height() - self.below - (rows - 1.0) * (12.0 + self.under)) / rows - self.top;
        (width, height)
    }

    fn area(&self, free: &Area, index: usize) -> Area {
        let (width, height) = self.panel(free);
        let x0 = free.x0 + self.left + (index % self.columns) as f64 * (width + self.between);
        let y0 = free.y0 + self.top + (index / self.columns) as f64 * (height + self.top + 12.0 + self.under);
        Area { x0, y0, x1: x0 + width, y1: y0 + height }
    }
}

struct Labelled<'a> {
    x: &'a AxisLabels,
    y: &'a AxisLabels,
    grid: bool,
}

impl Labelled<'_> {
    /// Marks on both axes; labels only where no other panel is below or to the left.
    fn draw(&self, scene: &mut Scene, area: &Area, below: bool, left: bool) {
        let across = |at: f64| area.x0 + at * area.width();
        let up = |at: f64| area.y1 - at * area.height();
        let length = |tick: &Tick| if tick.label.is_empty() { TICK * 0.6 } else { TICK };
        if self.grid {
            for tick in self.y.ticks.iter().filter(|tick| !tick.label.is_empty()) {
                scene.line(vec![(area.x0, up(tick.at)), (area.x1, up(tick.at))], GRID, 1.0);
            }
        }
        for tick in &self.x.ticks {
            let x = across(tick.at);
            scene.line(vec![(x, area.y1), (x, area.y1 + length(tick))], AXIS, 1.0);
            for (line, text) in tick.label.iter().enumerate().filter(|_| below) {
                let y = area.y1 + TICK + TICK_GAP;
                match self.x.upward {
                    true => scene.text(text, (x, y), Anchor::End, LABEL.suited_to(text).upward()),
                    false => scene.text(
                        text,
                        (x, y + (line as f64 + 0.5) * LABEL.line()),
                        Anchor::Middle,
                        LABEL.suited_to(text),
                    ),
                }
            }
        }
        for tick in &self.y.ticks {
            let y = up(tick.at);
            scene.line(vec![(area.x0 - length(tick), y), (area.x0, y)], AXIS, 1.0);
            for text in tick.label.iter().filter(|_| left) {
                scene.text(text, (area.x0 - TICK - TICK_GAP, y), Anchor::End, LABEL.suited_to(text));
            }
        }
    }
}

/// The lines at the left and the bottom of a panel, over its data.
pub fn spines(scene: &mut Scene, area: &Area) {
    scene.line(vec![(area.x0, area.y0), (area.x0, area.y1), (area.x1, area.y1)], AXIS, 1.0);
}

/// A line around a panel, over its data.
pub fn border(scene: &mut Scene, area: &Area) {
    let corners = [(area.x0, area.y0), (area.x1, area.y0), (area.x1, area.y1), (area.x0, area.y1), (area.x0, area.y0)];
    scene.line(corners.to_vec(), AXIS, 1.0);
}
