//! `kind = "heatmap"` and `"heatmap-grid"`: cells coloured by a value, on one scale for all panels.

use super::axis::{self, Axis, LABEL, Labels};
use super::colour::{self, AXIS, MISSING, STEPS, Scale};
use super::data::{self, Categories, Mean};
use super::error::Problem;
use super::fold::{self, Folded};
use super::frame::{Frame, Panels, border};
use super::scene::{Anchor, Area, Color, Scene, Style};
use super::{Drawing, Keyed, Placed, Read, at, categories, facets};
use crate::spec;
use crate::spec::expression::Value;
use polars::prelude::DataFrame;

/// Most cells along one side.
const SIDE: usize = 2000;
/// Up to this many cells have their value written in them when the spec does not say.
const ANNOTATED: usize = 120;
const BAR: f64 = 13.0;
const BAR_TITLE: Style = Style::new(13.0);

/// The cells of all panels.
struct Cells {
    x: Categories,
    y: Categories,
    panels: Vec<String>,
    /// `[panel][y][x]`, the finite transformed mean; none where there is no row or no such number.
    values: Vec<Vec<Option<f64>>>,
    /// Title of the colour scale.
    title: String,
    column: String,
    notes: Vec<String>,
}

/// The columns that a heat map reads, a value per row.
pub struct Columns {
    x: Placed,
    y: Placed,
    panels: Placed,
    value: (Value, Vec<Option<f64>>),
}

/// Reads the rows, which are already filtered.
pub fn read(figure: &spec::Figure, rows: &DataFrame) -> Read<Columns> {
    let kind = if figure.kind == spec::FigureKind::Heatmap { "heatmap" } else { "heatmap-grid" };
    let x = categories(rows, "x", Some(&figure.x), true, SIDE);
    let y = categories(rows, "y", Some(&figure.y), true, SIDE);
    let panels = match (figure.kind, &figure.facet) {
        (spec::FigureKind::HeatmapGrid, None) => {
            Err(at("facet")(Problem::Missing { kind, example: "facet = \"operator\"" }))
        }
        _ => facets(figure, rows),
    };
    let value = match &figure.value {
        Some(text) => data::values(rows, text).map_err(at("value")),
        None => Err(at("value")(Problem::Missing { kind, example: "value = \"mean\"" })),
    };
    match (x, y, panels, value) {
        (Ok(x), Ok(y), Ok(panels), Ok(value)) => Ok(Columns { x, y, panels, value }),
        (x, y, panels, value) => Err([x.err(), y.err(), value.err(), panels.err()].into_iter().flatten().collect()),
    }
}

impl Columns {
    /// Which rows are of one cell.
    pub fn folded(&self) -> Folded<'_> {
        let Self { x: (x, x_places), y: (y, y_places), panels: (panels, panel_places), value: (value, numbers) } = self;
        let of = |places: &[Option<usize>], row: usize| places.get(row).copied().flatten();
        let place = |(row, number): (usize, &Option<f64>)| {
            let within =
                [(of(panel_places, row), panels.len()), (of(y_places, row), y.len()), (of(x_places, row), x.len())];
            fold::place(number.is_some(), &within)
        };
        Folded { key: "value", column: &value.column, numbers, places: numbers.iter().enumerate().map(place).collect() }
    }
}

/// Draws what was read.
pub fn draw(figure: &spec::Figure, columns: Columns) -> Keyed<Drawing> {
    let mut cells = gather(columns);
    let scale = scale(figure, &cells)?;
    // Numbers grow upwards, as on any axis (layers from the bottom, as in the paper's figure 2); text reads down.
    let downward = cells.y.numbers.is_none();
    let x = Axis::Categories { of: cells.x.clone(), downward: false };
    let y = Axis::Categories { of: cells.y.clone(), downward };
    let mut frame = Frame::new(figure);
    let shown = || cells.values.iter().flatten();
    let axis = Axis::numbers(scale.low, scale.high, false, false);
    let bar = ColorBar {
        labels: axis.vertical(frame.free.height() - 60.0, frame.free.width() * 0.25),
        scale,
        title: figure.value_title.clone().unwrap_or_else(|| cells.title.clone()),
        missing: shown().any(Option::is_none),
        below: shown().flatten().any(|&value| value < scale.low),
        above: shown().flatten().any(|&value| value > scale.high),
    };
    let strip = bar.reserve(&mut frame);
    let x_title = figure.x_title.as_deref().unwrap_or(&figure.x);
    let y_title = figure.y_title.as_deref().unwrap_or(&figure.y);
    let panels = Panels { titles: &cells.panels, x: &x, y: &y, x_title, y_title, grid: false };
    let areas = frame.panels(&panels).map_err(at("width"))?;
    let annotation = annotation(figure, &mut cells, areas.first());
    for (area, values) in areas.iter().zip(&cells.values) {
        let grid = Grid { area, x: &x, y: &y, columns: cells.x.len(), values, scale };
        grid.fill(&mut frame.scene);
        if let Some(annotation) = &annotation {
            grid.annotate(&mut frame.scene, annotation);
        }
        border(&mut frame.scene, area);
    }
    bar.draw(&mut frame.scene, Area { y0: frame.free.y0, y1: frame.free.y1, ..strip });
    Ok(Drawing { scene: frame.scene, notes: cells.notes })
}

fn gather(columns: Columns) -> Cells {
    let Columns { x: (x, x_places), y: (y, y_places), panels: (panels, panel_places), value: (value, numbers) } =
        columns;
    let mut means = vec![vec![Mean::default(); x.len() * y.len()]; panels.len()];
    let mut nowhere = 0;
    for (row, &number) in numbers.iter().enumerate() {
        let place = |places: &[Option<usize>]| places.get(row).copied().flatten();
        let cell = match (place(&panel_places), place(&y_places), place(&x_places)) {
            (Some(panel), Some(y), Some(column)) => {
                means.get_mut(panel).and_then(|cells| cells.get_mut(y * x.len() + column))
            }
            _ => None,
        };
        match cell {
            Some(mean) => mean.add(number),
            None => nowhere += 1,
        }
    }
    let mut undefined = 0;
    let mut finite = |mean: Mean| {
        let shown = data::transformed(value.transform, mean.value()?);
        undefined += usize::from(!shown.is_finite());
        shown.is_finite().then_some(shown)
    };
    let values = means.into_iter().map(|cells| cells.into_iter().map(&mut finite).collect()).collect();
    let mut notes = Vec::new();
    if nowhere > 0 {
        notes.push(format!("{nowhere} rows without a value on an axis are not drawn"));
    }
    if undefined > 0 {
        notes.push(format!("{undefined} cells are shown as missing: {value} is not finite"));
    }
    Cells { x, y, panels: panels.labels, values, title: data::title(&value), column: value.column, notes }
}

fn scale(figure: &spec::Figure, cells: &Cells) -> Keyed<Scale> {
    let all = || cells.values.iter().flatten().flatten().copied();
    let (low, high) = all().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), value| (a.min(value), b.max(value)));
    if low > high {
        return Err(at("value")(Problem::NoNumbers { column: cells.column.clone(), because: "" }));
    }
    let diverging = figure.diverging.unwrap_or(low < 0.0 && high > 0.0);
    let (low, high) = match figure.value_range {
        Some([low, high]) if low.is_finite() && high.is_finite() && low < high => (low, high),
        Some([low, high]) => return Err(at("value_range")(Problem::Range(low, high, ""))),
        None if diverging => {
            let most = low.abs().max(high.abs());
            if most == 0.0 { (-1.0, 1.0) } else { (-most, most) }
        }
        None if axis::same(low, high) => match low {
            0.0 => (0.0, 1.0),
            other => (other.min(0.0), other.max(0.0)),
        },
        None => (low, high),
    };
    Ok(Scale { low, high, diverging })
}

/// How values are written into cells.
struct Annotation {
    style: Style,
    decimals: usize,
}

/// The largest writing that fits every cell; none where none fits or none is wanted.
fn annotation(figure: &spec::Figure, cells: &mut Cells, area: Option<&Area>) -> Option<Annotation> {
    let area = area?;
    let wanted = figure.annotate.unwrap_or(cells.x.len() * cells.y.len() * cells.panels.len() <= ANNOTATED);
    if !wanted {
        return None;
    }
    let (width, height) = (area.width() / cells.x.len() as f64 - 4.0, area.height() / cells.y.len() as f64 - 2.0);
    let most = cells.values.iter().flatten().flatten().fold(0.0f64, |most, value| most.max(value.abs()));
    let enough = match most {
        large if large >= 100.0 => 0,
        some if some >= 10.0 => 1,
        _ => 2,
    };
    let widest = |style: Style, decimals: usize| {
        let width = |value: &f64| style.width(&axis::number_text(*value, decimals));
        cells.values.iter().flatten().flatten().map(width).fold(0.0, f64::max)
    };
    let sizes = [11.0, 10.0, 9.0, 8.0].map(Style::new);
    let fitting = (0..=enough)
        .rev()
        .flat_map(|decimals| sizes.map(|style| Annotation { style, decimals }))
        // Fewer decimals than two would show different values of a share as the same.
        .filter(|annotation| figure.annotate == Some(true) || annotation.decimals == enough)
        .find(|annotation| {
            let Annotation { style, decimals } = *annotation;
            style.line() <= height && widest(style, decimals) <= width
        });
    if fitting.is_none() && figure.annotate == Some(true) {
        cells
            .notes
            .push("the cells are too small for their values; a larger width or height would show them".to_string());
    }
    fitting
}

struct Grid<'a> {
    area: &'a Area,
    x: &'a Axis,
    y: &'a Axis,
    columns: usize,
    values: &'a [Option<f64>],
    scale: Scale,
}

impl Grid<'_> {
    /// Cells that are side by side and of one colour, from the upper left, sorted by colour: that makes a small SVG.
    fn fill(&self, scene: &mut Scene) {
        scene.rect(*self.area, MISSING);
        let mut cells: Vec<(usize, Area)> = Vec::new();
        for (row, values) in self.values.chunks(self.columns.max(1)).enumerate() {
            let steps: Vec<Option<usize>> =
                values.iter().map(|value| value.map(|value| self.scale.place(value))).collect();
            let mut start = 0;
            for run in steps.chunk_by(|a, b| a == b) {
                let end = start + run.len();
                if let Some(Some(step)) = run.first() {
                    let (first, last) = (self.cell(start, row), self.cell(end - 1, row));
                    cells.push((*step, Area { x1: last.x1, ..first }));
                }
                start = end;
            }
        }
        cells.sort_by_key(|(step, _)| *step);
        for (step, area) in cells {
            scene.rect(area, self.scale.step(step));
        }
    }

    fn annotate(&self, scene: &mut Scene, annotation: &Annotation) {
        for (index, value) in self.values.iter().enumerate() {
            let Some(value) = value else { continue };
            let cell = self.cell(index % self.columns, index / self.columns);
            let middle = ((cell.x0 + cell.x1) / 2.0, (cell.y0 + cell.y1) / 2.0);
            let color = colour::readable_on(self.scale.color(*value));
            let text = axis::number_text(*value, annotation.decimals);
            scene.text(&text, middle, Anchor::Middle, annotation.style.color(color));
        }
    }

    fn cell(&self, column: usize, row: usize) -> Area {
        let ((left, right), (bottom, top)) = (self.x.cell(column), self.y.cell(row));
        let (width, height) = (self.area.width(), self.area.height());
        Area {
            x0: self.area.x0 + left * width,
            x1: self.area.x0 + right * width,
            y0: self.area.y1 - top * height,
            y1: self.area.y1 - bottom * height,
        }
    }
}

struct ColorBar {
    scale: Scale,
    title: String,
    /// There are cells without a value.
    missing: bool,
    /// There are values beneath the scale.
    below: bool,
    /// There are values beyond the scale.
    above: bool,
    /// Marks, for the room there is before the panels have theirs.
    labels: Labels,
}

impl ColorBar {
    const NO_DATA: &'static str = "no data";

    /// Takes the room it needs at the right.
    fn reserve(&self, frame: &mut Frame) -> Area {
        let beside = BAR + 8.0 + self.labels.depth + 6.0 + BAR_TITLE.line();
        let width = if self.missing { beside.max(BAR + 5.0 + LABEL.width(Self::NO_DATA)) } else { beside };
        let strip = Area { x0: frame.free.x1 - width, ..frame.free };
        frame.free.x1 = strip.x0 - 16.0;
        strip
    }

    fn draw(&self, scene: &mut Scene, strip: Area) {
        const POINT: f64 = 9.0;
        let mut bar = Area { x1: strip.x0 + BAR, ..strip };
        if self.missing {
            let swatch = Area { y0: bar.y1 - BAR, ..bar };
            scene.rect(swatch, MISSING);
            border(scene, &swatch);
            scene.text(Self::NO_DATA, (bar.x1 + 5.0, bar.y1 - BAR / 2.0), Anchor::Start, LABEL);
            bar.y1 -= BAR + 12.0;
        }
        let middle = (bar.x0 + bar.x1) / 2.0;
        // A point at an end says that values beyond it have the colour of the end.
        let whole = bar;
        if self.above {
            bar.y0 += POINT;
            let point = vec![(bar.x0, bar.y0), (middle, whole.y0), (bar.x1, bar.y0)];
            scene.polygon(point, self.scale.step(STEPS - 1));
        }
        if self.below {
            bar.y1 -= POINT;
            scene.polygon(vec![(bar.x0, bar.y1), (middle, whole.y1), (bar.x1, bar.y1)], self.scale.step(0));
        }
        for step in 0..STEPS {
            // Each over the last, up to the end: no gap between steps can show.
            let y1 = bar.y1 - step as f64 / STEPS as f64 * bar.height();
            scene.rect(Area { y1, ..bar }, self.scale.step(step));
        }
        border(scene, &bar);
        let apart = self.labels.ticks.windows(2).map(|pair| pair[1].at - pair[0].at).fold(1.0, f64::min) * bar.height();
        let every = (LABEL.line() / apart).ceil().max(1.0) as usize;
        for tick in self.labels.ticks.iter().step_by(every) {
            let y = bar.y1 - tick.at * bar.height();
            scene.line(vec![(bar.x1, y), (bar.x1 + 4.0, y)], AXIS, 1.0);
            for text in &tick.label {
                scene.text(text, (bar.x1 + 8.0, y), Anchor::Start, LABEL);
            }
        }
        let x = bar.x1 + 8.0 + self.labels.depth + 6.0 + BAR_TITLE.line() / 2.0;
        let title = super::font::shorten(&self.title, BAR_TITLE.face, BAR_TITLE.size, whole.height());
        let y = (whole.y0 + whole.y1) / 2.0;
        scene.text(&title, (x, y), Anchor::Middle, BAR_TITLE.upward().color(Color::hex(0x262626)));
    }
}
