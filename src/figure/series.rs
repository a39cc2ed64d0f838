//! The data of lines and bars: per panel, series and style of line, one mean per place on the horizontal axis.

use super::dash::Dash;
use super::data::{self, Categories, RunningMean};
use super::drawing::{self, CategoryColumn, ColumnResult, Keyed, all_read, at, categories, facets};
use super::error::FigureProblem;
use super::fold::Folded;
use super::order::Along;
use super::scene::MarkerShape;
use super::{axis, colour};
use crate::counted::{agreeing, counted};
use crate::spec;
use crate::spec::expression::{Transform, ValueExpression};
use crate::table::palette::Palette;
use polars::prelude::DataFrame;
use std::collections::BTreeMap;

/// Most lines, or bars side by side.
const SERIES: usize = 60;

/// One point of a line, or one bar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Datum {
    /// The number on the axis, or the place of the category.
    pub x: f64,
    /// Height, finite.
    pub y: f64,
    /// Ends of the band or error bar, where both are finite.
    pub band: Option<(f64, f64)>,
}

/// What lines and bars show.
pub struct Chart {
    /// Titles of the panels; one that is empty without `facet`.
    pub panels: Vec<String>,
    /// The series; one with an empty label without `series`.
    pub series: Categories,
    /// Values of the horizontal axis.
    pub x: Along,
    /// Whether those are whole numbers.
    pub whole: bool,
    /// The styles of line; one with an empty label without `dash`.
    pub dashes: Categories,
    /// `data[panel][line]`, by x: each series in each style, the style fastest.
    pub data: Vec<Vec<Vec<Datum>>>,
    /// Title of the vertical axis.
    pub y_title: String,
    /// Ends of the vertical axis, where the spec gives them.
    y_range: Option<(f64, f64)>,
    /// Column of the heights.
    pub y_column: String,
    /// What was left out, for the report.
    pub notes: Vec<String>,
}

/// One edge of a band, a value per row.
type BandEdge = Vec<Option<f64>>;

/// The columns that lines and bars read, a value per row.
pub struct SeriesColumns {
    x: CategoryColumn,
    whole: bool,
    y: (ValueExpression, Vec<Option<f64>>),
    series: CategoryColumn,
    dashes: CategoryColumn,
    panels: CategoryColumn,
    band: Option<(BandEdge, BandEdge)>,
    y_range: Option<(f64, f64)>,
}

/// Reads the rows, which are already filtered; `dash` is the column of the styles of line.
pub fn read(figure: &spec::Figure, rows: &DataFrame, dash: Option<&str>) -> ColumnResult<SeriesColumns> {
    let x = categories(rows, "x", Some(&figure.x), usize::MAX);
    let y = data::values(rows, &figure.y).map_err(at("y"));
    let series = categories(rows, "series", figure.series.as_deref(), SERIES);
    let dashes = categories(rows, "dash", dash, Dash::ALL.len());
    let panels = facets(figure, rows);
    let end = |end: usize| figure.band.as_ref().map(|band| band_end(rows, end, &band[end])).transpose();
    let (y_range, low, high) = (y_range(figure), end(0), end(1));
    let (x, y, series, dashes, panels, y_range, low, high) =
        all_read!(x, y, series, dashes, panels, y_range, low, high)?;
    let whole = rows.column(&figure.x).is_ok_and(|column| column.dtype().is_integer());
    Ok(SeriesColumns { x, whole, y, series, dashes, panels, band: low.zip(high), y_range })
}

impl SeriesColumns {
    /// Which rows are of one point or bar.
    pub fn folded(&self) -> Folded<'_> {
        let (value, heights) = &self.y;
        Folded::new(&value.column, heights, [&self.panels, &self.series, &self.dashes, &self.x])
    }
}

fn band_end(rows: &DataFrame, end: usize, name: &str) -> Keyed<Vec<Option<f64>>> {
    let fault = |problem| (vec!["band".to_string(), end.to_string()], problem);
    let column = data::plain(rows, name, ": the band is transformed as 'y' is").map_err(fault)?;
    data::numbers(column).map_err(|problem| fault(problem.into()))
}

/// Shape of the points of the `index`-th series, so that those of one colour differ too.
pub fn shape(index: usize) -> MarkerShape {
    const SHAPES: [MarkerShape; 5] =
        [MarkerShape::Circle, MarkerShape::Square, MarkerShape::Up, MarkerShape::Diamond, MarkerShape::Down];
    SHAPES[(index + index / colour::SERIES) % SHAPES.len()]
}

/// The ends of the vertical axis that the spec gives.
pub fn y_range(figure: &spec::Figure) -> Keyed<Option<(f64, f64)>> {
    let Some([low, high]) = figure.y_range else { return Ok(None) };
    let log = figure.y_scale == spec::Scale::Log;
    let ordered = low.is_finite() && high.is_finite() && low < high && (!log || low > 0.0);
    let why = if log { ", above zero on a logarithmic axis" } else { "" };
    if ordered { Ok(Some((low, high))) } else { Err(at("y_range")(FigureProblem::Range(low, high, why))) }
}

/// Puts the rows in their places.
pub fn gather(figure: &spec::Figure, columns: SeriesColumns) -> Chart {
    let SeriesColumns { x, whole, y: (value, heights), series, dashes, panels, band, y_range } = columns;
    let ((series, series_places), (dashes, dash_places), (panels, panel_places)) = (series, dashes, panels);
    let x = Along::new(&figure.x, x, &panel_places, panels.len());
    let place = |row: usize| {
        let of = |places: &[Option<usize>]| places.get(row).copied().flatten();
        let (panel, series, dash) = (of(&panel_places)?, of(&series_places)?, of(&dash_places)?);
        Some((panel, series * dashes.len() + dash, x.place(panel, row)?))
    };
    let mut means: BTreeMap<(usize, usize, usize), [RunningMean; 3]> = BTreeMap::new();
    let mut nowhere = 0;
    for (row, &height) in heights.iter().enumerate() {
        let Some(place) = place(row) else {
            nowhere += 1;
            continue;
        };
        let [mean, low, high] = means.entry(place).or_default();
        mean.add(height);
        if let Some((lows, highs)) = &band {
            low.add(lows.get(row).copied().flatten());
            high.add(highs.get(row).copied().flatten());
        }
    }
    let mut chart = Chart {
        data: vec![vec![Vec::new(); series.len() * dashes.len()]; panels.len()],
        whole,
        y_range,
        y_title: figure.y_title.clone().unwrap_or_else(|| data::title(&value)),
        y_column: value.column.clone(),
        notes: Vec::new(),
        panels: panels.labels,
        series,
        dashes,
        x,
    };
    let (mut undefined, mut averaged) = (0, 0);
    for ((panel, line, place), means) in means {
        let shown = |mean: RunningMean| {
            let number = data::transformed(value.transform, mean.value()?);
            let drawable = number.is_finite() && (figure.y_scale == spec::Scale::Linear || number > 0.0);
            drawable.then_some(number)
        };
        let [mean, low, high] = means;
        let Some(y) = shown(mean) else {
            undefined += usize::from(mean.value().is_some());
            continue;
        };
        let x = chart.x.of(panel).numbers.as_ref().map_or(Some(place as f64), |numbers| numbers.get(place).copied());
        let Some(x) = x else { continue };
        let several = low.count() > 1 || high.count() > 1;
        let band = match (shown_band(low, value.transform), shown_band(high, value.transform)) {
            // The mean of the ends of several intervals is the end of none.
            (Some(_), Some(_)) if several => {
                averaged += 1;
                None
            }
            (Some(low), Some(high)) => Some((low.min(high), low.max(high))),
            _ => None,
        };
        if let Some(points) = chart.data.get_mut(panel).and_then(|panel| panel.get_mut(line)) {
            points.push(Datum { x, y, band });
        }
    }
    if nowhere > 0 {
        chart.notes.push(format!(
            "{} without a value on an axis {} not drawn",
            counted(nowhere, "row"),
            agreeing(nowhere, "is", "are")
        ));
    }
    if undefined > 0 {
        let why = match figure.y_scale {
            spec::Scale::Log => "zero or less, on a logarithmic axis, or not finite",
            spec::Scale::Linear => "not finite",
        };
        chart.notes.push(format!(
            "{} {} not drawn: {} is {why}",
            counted(undefined, "point"),
            agreeing(undefined, "is", "are"),
            chart.y_column
        ));
    }
    if averaged > 0 {
        chart.notes.push(format!(
            "the band of {} is not drawn: each point averages several rows, and averaged ends of intervals are not an \
             interval; write conditions under 'where', or a table with ci_low(x) and ci_high(x) of the rows",
            counted(averaged, "point")
        ));
    }
    chart
}

fn shown_band(mean: RunningMean, transform: Transform) -> Option<f64> {
    Some(data::transformed(transform, mean.value()?)).filter(|number| number.is_finite())
}

impl Chart {
    /// Every datum.
    pub fn all(&self) -> impl Iterator<Item = &Datum> {
        self.data.iter().flatten().flatten()
    }

    /// Colour of a series in a panel: a label's own, be it the series or, without series, the panel.
    pub fn color(&self, panel: usize, series: usize) -> super::scene::Color {
        let alone = self.series.labels.iter().all(String::is_empty);
        let (labels, index) = if alone { (&self.panels, panel) } else { (&self.series.labels, series) };
        // A text such as "+" among others is no label of a palette.
        match labels.get(index).filter(|_| Palette::colours(labels.iter().map(String::as_str))) {
            Some(label) => colour::series(label, index),
            None => colour::series("", series),
        }
    }

    /// Ends of the vertical axis: those of the spec, or of the data with some room.
    pub fn y_range(&self, figure: &spec::Figure, from_zero: bool) -> Keyed<(f64, f64)> {
        let log = figure.y_scale == spec::Scale::Log;
        if let Some(given) = self.y_range {
            return Ok(given);
        }
        let ends = self.all().flat_map(|datum| {
            let (low, high) = datum.band.unwrap_or((datum.y, datum.y));
            [low, high, datum.y].into_iter().filter(move |&end| !log || end > 0.0)
        });
        let (low, high) = drawing::ends(ends, log, ("y", &self.y_column))?;
        if log {
            let room = (high / low).powf(0.05).max(1.1);
            return Ok((low / room, high * room));
        }
        let (base, top) = if from_zero { (low.min(0.0), high.max(0.0)) } else { (low, high) };
        if axis::same(base, top) {
            return Ok(axis::around(high));
        }
        let room = (top - base) * 0.06;
        // Room must not suggest values that cannot be: a share does not exceed 1, nor a count fall below 0.
        let start = if low >= 0.0 { (base - room).max(0.0) } else { base - room };
        let end = if high <= 0.0 { (top + room).min(0.0) } else { top + room };
        let share = low >= 0.0 && high <= 1.0 && end > 1.0;
        Ok((start, if share && start < 1.0 { 1.0 } else { end }))
    }
}
