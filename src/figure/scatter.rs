//! `kind = "scatter"`: a point per row, its place two numbers of it.

use super::axis::{self, FigureAxis};
use super::colour::{self, AXIS};
use super::dash::Dash;
use super::drawing::{self, CategoryColumn, ColumnResult, Drawing, Keyed, all_read, at, categories, facets};
use super::frame::{Frame, Panels, Sample, spines};
use super::geometry::{Area, Point};
use super::plot::Plot;
use super::scene::Color;
use super::{data, series};
use crate::counted::{agreeing, counted};
use crate::spec;
use crate::spec::expression::ValueExpression;
use crate::table::palette::Palette;
use polars::prelude::DataFrame;
use std::slice::from_ref;

/// Most points of a figure; of more, evenly spaced ones are drawn.
const POINTS: usize = 5000;
/// Most series: as many as have a colour of their own.
const SERIES: usize = colour::SERIES;
/// With more points than this they are smaller, and show what is beneath them.
const CROWD: usize = 400;

/// The columns that a scatter plot reads, a value per row.
pub struct ScatterColumns {
    x: Vec<Option<f64>>,
    y: (ValueExpression, Vec<Option<f64>>),
    series: CategoryColumn,
    panels: CategoryColumn,
}

/// A point of a row: its panel, its series, and where it is.
struct Dot {
    panel: usize,
    series: usize,
    at: Point,
}

/// A point for each row.
pub struct ScatterPlot;

impl Plot for ScatterPlot {
    type Columns = ScatterColumns;

    fn read(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<ScatterColumns> {
        let x = data::plain(rows, &figure.x, "").and_then(|column| Ok(data::numbers(column)?)).map_err(at("x"));
        let y = data::values(rows, &figure.y).map_err(at("y"));
        let series = categories(rows, "series", figure.series.as_deref(), SERIES);
        let (panels, range) = (facets(figure, rows), series::y_range(figure));
        let (x, y, series, panels, _) = all_read!(x, y, series, panels, range)?;
        Ok(ScatterColumns { x, y, series, panels })
    }

    fn draw(figure: &spec::Figure, columns: ScatterColumns) -> Keyed<Drawing> {
        let ScatterColumns { x, y: (value, heights), series: (series, of_series), panels: (panels, of_panels) } =
            columns;
        let (log_x, log_y) = (figure.x_scale == spec::Scale::Log, figure.y_scale == spec::Scale::Log);
        let place = |row: usize| {
            let x = x.get(row).copied().flatten()?;
            let y = data::transformed(value.transform, heights.get(row).copied().flatten()?);
            let drawable = |number: f64, log: bool| number.is_finite() && (!log || number > 0.0);
            let (panel, series) = (of_panels.get(row).copied().flatten()?, of_series.get(row).copied().flatten()?);
            (drawable(x, log_x) && drawable(y, log_y)).then_some(Dot { panel, series, at: (x, y) })
        };
        let mut dots: Vec<Dot> = (0..heights.len()).filter_map(place).collect();
        let mut notes = Vec::new();
        if dots.len() < heights.len() {
            let log = if log_x || log_y { ", or zero or less on a logarithmic axis" } else { "" };
            let lost = heights.len() - dots.len();
            notes.push(format!(
                "{} {} not drawn: a value is missing or not finite{log}",
                counted(lost, "row"),
                agreeing(lost, "is", "are")
            ));
        }
        let across = ends(dots.iter().map(|dot| dot.at.0), log_x, ("x", figure.x.as_str()))?;
        let up = ends(dots.iter().map(|dot| dot.at.1), log_y, ("y", value.column.as_str()))?;
        let up = figure.y_range.map_or(up, |[low, high]| (low, high));
        // A line of equal values is read best where both axes have the same ends.
        let both = (across.0.min(up.0), across.1.max(up.1));
        let (across, up) = if figure.diagonal && log_x == log_y { (both, both) } else { (across, up) };
        if dots.len() > POINTS {
            notes.push(format!("{POINTS} of {} points are drawn", dots.len()));
            let all = dots.len();
            let mut row = 0;
            // The first of every so many.
            dots.retain(|_| {
                row += 1;
                row * POINTS / all != (row - 1) * POINTS / all
            });
        }
        let (x_axis, y_axis) =
            (FigureAxis::numbers(across.0, across.1, log_x, false), FigureAxis::numbers(up.0, up.1, log_y, false));
        let own = Palette::colours(series.labels.iter().map(String::as_str));
        let color =
            |index: usize| colour::series(series.labels.get(index).filter(|_| own).map_or("", String::as_str), index);
        let mut frame = Frame::new(figure);
        let sample = |index| (color(index), Sample::Marker(series::shape(index)));
        frame.legend(figure.series.as_deref(), &series, sample);
        let y_title = figure.y_title.clone().unwrap_or_else(|| data::title(&value));
        let around = Panels {
            titles: &panels.labels,
            x: from_ref(&x_axis),
            y: from_ref(&y_axis),
            y_title: &y_title,
            grid: true,
        };
        let areas = frame.panels(figure, &around)?;
        let (radius, alpha) = if dots.len() > CROWD { (1.8, 0.55) } else { (2.8, 0.8) };
        for (panel, area) in areas.iter().enumerate() {
            let place =
                |(x, y): Point| (area.x0 + x_axis.place(x) * area.width(), area.y1 - y_axis.place(y) * area.height());
            if figure.diagonal {
                let (low, high) = (across.0.max(up.0), across.1.min(up.1));
                if low < high {
                    frame.scene.dashed(vec![place((low, low)), place((high, high))], AXIS, 1.0, Dash::Dashed);
                }
            }
            for dot in dots.iter().filter(|dot| dot.panel == panel) {
                let at = place(dot.at);
                if inside(area, at) {
                    let color: Color = color(dot.series).alpha(alpha);
                    frame.scene.marker(at, series::shape(dot.series), radius, color);
                }
            }
            spines(&mut frame.scene, area);
        }
        Ok(Drawing { scene: frame.scene, notes })
    }
}

/// The ends of an axis, with some room.
fn ends(numbers: impl Iterator<Item = f64>, log: bool, column: (&'static str, &str)) -> Keyed<(f64, f64)> {
    let (low, high) = drawing::ends(numbers, log, column)?;
    Ok(match (log, axis::same(low, high)) {
        (true, true) => (low / 2.0, high * 2.0),
        (false, true) => axis::around(low),
        (_, false) => axis::roomy((low, high), log, 0.04),
    })
}

fn inside(area: &Area, (x, y): Point) -> bool {
    const ROUNDING: f64 = 1e-6;
    (area.x0 - ROUNDING..=area.x1 + ROUNDING).contains(&x) && (area.y0 - ROUNDING..=area.y1 + ROUNDING).contains(&y)
}
