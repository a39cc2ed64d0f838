//! `kind = "heatmap"` and `"heatmap-grid"`: cells coloured by a value, on one scale for all panels.

use super::axis::{self, FigureAxis};
use super::cell::Cell;
use super::colour::{self, ColourScale, MISSING, PAPER};
use super::colour_bar::ColourBar;
use super::data::{self, RunningMean};
use super::drawing::{CategoryColumn, ColumnResult, Drawing, Keyed, all_read, at, categories, ends, facets};
use super::error::FigureProblem;
use super::fold::{Averaged, Folded};
use super::frame::{Frame, Panels, border};
use super::geometry::Area;
use super::mask;
use super::order::{self, Along};
use super::plot::Plot;
use super::scene::{Anchor, Scene, TextStyle};
use crate::counted::{agreeing, counted};
use crate::spec;
use crate::spec::expression::ValueExpression;
use polars::prelude::DataFrame;

/// Most cells along one side.
const SIDE: usize = 2000;
/// Up to this many cells have their value written in them when the spec does not say.
const ANNOTATED: usize = 120;
/// The least share of the greater sign's largest value that makes the other sign matter. Below it its cells would all be of
/// the scale's near-white colours, and half of the scale would be empty for the sake of them.
const FAINT: f64 = 0.1;

/// The cells of all panels.
struct HeatmapCells {
    x: Along,
    y: Along,
    panels: Vec<String>,
    /// `[panel][y][x]`, in the panel's own order.
    cells: Vec<Vec<Cell>>,
    /// Title of the colour scale.
    title: String,
    column: String,
    notes: Vec<String>,
}

impl HeatmapCells {
    fn all(&self) -> impl Iterator<Item = Cell> {
        self.cells.iter().flatten().copied()
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.all().filter_map(Cell::value)
    }
}

/// The columns that a heat map reads, a value per row.
pub struct HeatmapColumns {
    x: CategoryColumn,
    y: CategoryColumn,
    panels: CategoryColumn,
    value: (ValueExpression, Vec<Option<f64>>),
}

/// A heat map, of one panel or of several.
pub struct Heatmap;

impl Plot for Heatmap {
    type Columns = HeatmapColumns;

    const AVERAGED: Option<Averaged> = Some(Averaged { key: "value", what: "cells", otherwise: "facet = \"measure\"" });

    fn read(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<HeatmapColumns> {
        let x = categories(rows, "x", Some(&figure.x), SIDE);
        let y = categories(rows, "y", Some(&figure.y), SIDE);
        let value = data::values(rows, figure.value.as_deref().unwrap_or_default()).map_err(at("value"));
        let panels = facets(figure, rows);
        let (x, y, value, panels) = all_read!(x, y, value, panels)?;
        Ok(HeatmapColumns { x, y, panels, value })
    }

    fn folded(columns: &HeatmapColumns) -> Option<Folded<'_>> {
        let HeatmapColumns { x, y, panels, value: (value, numbers) } = columns;
        Some(Folded::new(&value.column, numbers, [panels, y, x]))
    }

    fn draw(figure: &spec::Figure, columns: HeatmapColumns) -> Keyed<Drawing> {
        let mut cells = gather(figure, columns);
        let scale = scale(figure, &cells)?;
        let x = cells.x.axes(|of| FigureAxis::Categories { of, downward: false });
        // Numbers grow upwards, as on any axis (layers from the bottom, as in the paper's figure 2); text reads down.
        let y = cells.y.axes(|of| FigureAxis::Categories { downward: of.numbers.is_none(), of });
        let frame = Frame::new(figure);
        let axis = FigureAxis::numbers(scale.low, scale.high, false, false);
        let blanks = [(Cell::Missing, (MISSING, "no data")), (Cell::Masked, (PAPER, "masked"))];
        let bar = ColourBar {
            labels: axis.vertical(frame.free.height() - 60.0, frame.free.width() * 0.25),
            scale,
            title: figure.value_title.clone().unwrap_or_else(|| cells.title.clone()),
            blanks: blanks
                .into_iter()
                .filter(|(kind, _)| cells.all().any(|cell| cell == *kind))
                .map(|(_, blank)| blank)
                .collect(),
            below: cells.values().any(|value| value < scale.low),
            above: cells.values().any(|value| value > scale.high),
        };
        let y_title = figure.y_title.as_deref().unwrap_or(&figure.y);
        let panels = Panels { titles: &cells.panels, x: &x, y: &y, y_title, grid: false };
        let mut beside = bar.beside(&frame, |frame| frame.panels(figure, &panels))?;
        let (areas, scene) = (&beside.panels, &mut beside.frame.scene);
        let annotation = annotation(figure, &mut cells, areas.first());
        for (panel, (area, cells_of)) in areas.iter().zip(&cells.cells).enumerate() {
            let (x, y) = (order::of_panel(&x, panel), order::of_panel(&y, panel));
            let grid = Grid { area, x, y, columns: cells.x.of(panel).len(), cells: cells_of, scale };
            grid.fill(scene);
            if let Some(annotation) = &annotation {
                grid.annotate(scene, annotation);
            }
            border(scene, area);
        }
        bar.draw(&mut beside);
        Ok(Drawing { scene: beside.frame.scene, notes: cells.notes })
    }
}

fn gather(figure: &spec::Figure, columns: HeatmapColumns) -> HeatmapCells {
    let HeatmapColumns { x, y, panels: (panels, panel_places), value: (value, numbers) } = columns;
    let x = Along::new(&figure.x, x, &panel_places, panels.len());
    let y = Along::new(&figure.y, y, &panel_places, panels.len());
    let size = |panel: usize| x.of(panel).len() * y.of(panel).len();
    let mut means: Vec<Vec<RunningMean>> =
        (0..panels.len()).map(|panel| vec![RunningMean::default(); size(panel)]).collect();
    let mut nowhere = 0;
    for (row, &number) in numbers.iter().enumerate() {
        let panel = panel_places.get(row).copied().flatten();
        let cell = panel.and_then(|panel| {
            let (column, line) = (x.place(panel, row)?, y.place(panel, row)?);
            means.get_mut(panel)?.get_mut(line * x.of(panel).len() + column)
        });
        match cell {
            Some(mean) => mean.add(number),
            None => nowhere += 1,
        }
    }
    let mut undefined = 0;
    let mut shown = |mean: RunningMean| {
        let Some(mean) = mean.value() else { return Cell::Missing };
        let shown = data::transformed(value.transform, mean);
        undefined += usize::from(!shown.is_finite());
        if shown.is_finite() { Cell::Value(shown) } else { Cell::Missing }
    };
    let mut cells: Vec<Vec<Cell>> =
        means.into_iter().map(|means| means.into_iter().map(&mut shown).collect()).collect();
    for (panel, cells) in cells.iter_mut().enumerate() {
        mask::apply((&figure.x, x.of(panel)), (&figure.y, y.of(panel)), cells);
    }
    let mut notes = Vec::new();
    if nowhere > 0 {
        notes.push(format!(
            "{} without a value on an axis {} not drawn",
            counted(nowhere, "row"),
            agreeing(nowhere, "is", "are")
        ));
    }
    if undefined > 0 {
        notes.push(format!(
            "{} {} shown as missing: {value} is not finite",
            counted(undefined, "cell"),
            agreeing(undefined, "is", "are")
        ));
    }
    HeatmapCells { x, y, panels: panels.labels, cells, title: data::title(&value), column: value.column, notes }
}

fn scale(figure: &spec::Figure, cells: &HeatmapCells) -> Keyed<ColourScale> {
    let ends = ends(cells.values(), false, ("value", &cells.column))?;
    let given = match figure.value_range {
        Some([low, high]) if low.is_finite() && high.is_finite() && low < high => Some((low, high)),
        Some([low, high]) => return Err(at("value_range")(FigureProblem::Range(low, high, ""))),
        None => None,
    };
    let (low, high) = given.unwrap_or(ends);
    let diverging = figure.diverging.unwrap_or_else(|| both_signs_matter(low, high));
    let (low, high) = match given {
        Some(given) => given,
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
    Ok(ColourScale { low, high, diverging })
}

/// Whether values of both signs are there, and neither is as good as none beside the other.
fn both_signs_matter(low: f64, high: f64) -> bool {
    low < 0.0 && high > 0.0 && (-low).min(high) >= FAINT * (-low).max(high)
}

/// How values are written into cells.
struct Annotation {
    style: TextStyle,
    decimals: usize,
}

/// The largest writing that fits every cell; none where none fits or none is wanted.
fn annotation(figure: &spec::Figure, cells: &mut HeatmapCells, area: Option<&Area>) -> Option<Annotation> {
    let area = area?;
    let wanted = figure.annotate.unwrap_or(cells.all().count() <= ANNOTATED);
    if !wanted {
        return None;
    }
    let (width, height) = (area.width() / cells.x.most() as f64 - 4.0, area.height() / cells.y.most() as f64 - 2.0);
    let most = cells.values().fold(0.0f64, |most, value| most.max(value.abs()));
    let enough = match most {
        large if large >= 100.0 => 0,
        some if some >= 10.0 => 1,
        _ => 2,
    };
    let widest = |style: TextStyle, decimals: usize| {
        cells.values().map(|value| style.width(&axis::number_text(value, decimals))).fold(0.0, f64::max)
    };
    let sizes = [11.0, 10.0, 9.0, 8.0].map(TextStyle::new);
    let fitting = (0..=enough)
        .rev()
        .flat_map(|decimals| sizes.map(|style| Annotation { style, decimals }))
        // Fewer decimals than two would show different values of a share as the same.
        .filter(|annotation| figure.annotate == Some(true) || annotation.decimals == enough)
        .find(|&Annotation { style, decimals }| style.line() <= height && widest(style, decimals) <= width);
    if fitting.is_none() && figure.annotate == Some(true) {
        cells.notes.push("the cells are too small for their values; a larger width or height would show them".into());
    }
    fitting
}

struct Grid<'a> {
    area: &'a Area,
    x: &'a FigureAxis,
    y: &'a FigureAxis,
    columns: usize,
    cells: &'a [Cell],
    scale: ColourScale,
}

impl Grid<'_> {
    /// Cells that are side by side and of one colour, from the upper left, sorted by colour: that makes a small SVG.
    fn fill(&self, scene: &mut Scene) {
        scene.rect(*self.area, MISSING);
        let mut cells: Vec<(Option<usize>, Area)> = Vec::new();
        for (row, line) in self.cells.chunks(self.columns.max(1)).enumerate() {
            let step = |cell: Cell| cell.value().map(|value| self.scale.place(value));
            let alike = |a: &Cell, b: &Cell| step(*a) == step(*b) && (*a == Cell::Masked) == (*b == Cell::Masked);
            let mut start = 0;
            for run in line.chunk_by(alike) {
                let end = start + run.len();
                if let Some(cell) = run.first().filter(|cell| **cell != Cell::Missing) {
                    let (first, last) = (self.cell(start, row), self.cell(end - 1, row));
                    cells.push((step(*cell), Area { x1: last.x1, ..first }));
                }
                start = end;
            }
        }
        cells.sort_by_key(|(step, _)| *step);
        for (step, area) in cells {
            scene.rect(area, step.map_or(PAPER, |step| self.scale.step(step)));
        }
    }

    fn annotate(&self, scene: &mut Scene, annotation: &Annotation) {
        for (index, cell) in self.cells.iter().enumerate() {
            let Some(value) = cell.value() else { continue };
            let cell = self.cell(index % self.columns, index / self.columns);
            let middle = ((cell.x0 + cell.x1) / 2.0, (cell.y0 + cell.y1) / 2.0);
            let color = colour::readable_on(self.scale.color(value));
            let text = axis::number_text(value, annotation.decimals);
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
