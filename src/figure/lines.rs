//! `kind = "lines"`: one line per series, with bands, on linear and logarithmic axes.

use super::axis::{self, FigureAxis};
use super::colour::INK;
use super::dash::Dash;
use super::drawing::{ColumnResult, Drawing, Keyed, at, ends};
use super::fold::{Averaged, Folded};
use super::frame::{Frame, Panels, Sample, spines};
use super::geometry::{Area, Point};
use super::order::of_panel;
use super::plot::Plot;
use super::scene::{Color, MarkerShape, Scene};
use super::series::{self, Chart, Datum, SeriesColumns, shape};
use crate::counted::{agreeing, counted};
use crate::spec;
use polars::prelude::DataFrame;
use std::slice::from_ref;

/// With more points than this a line has no markers.
const MARKED: usize = 40;
const WIDTH: f64 = 1.8;
const RADIUS: f64 = 3.0;

/// Lines, one for each series and style.
pub struct LineChart;

impl Plot for LineChart {
    type Columns = SeriesColumns;

    const AVERAGED: Option<Averaged> = Some(Averaged { key: "y", what: "points", otherwise: "series = \"measure\"" });

    fn read(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<SeriesColumns> {
        series::read(figure, rows, figure.dash.as_deref())
    }

    fn folded(columns: &SeriesColumns) -> Option<Folded<'_>> {
        Some(columns.folded())
    }

    fn draw(figure: &spec::Figure, columns: SeriesColumns) -> Keyed<Drawing> {
        let mut chart = series::gather(figure, columns);
        // First of all there must be heights; then those that the horizontal axis has no place for are taken out.
        chart.y_range(figure, false)?;
        let x = x_axis(figure, &mut chart)?;
        let (low, high) = chart.y_range(figure, false)?;
        let y = FigureAxis::numbers(low, high, figure.y_scale == spec::Scale::Log, false);
        let mut frame = Frame::new(figure);
        legends(&mut frame, figure, &chart);
        let panels = Panels { titles: &chart.panels, x: &x, y: from_ref(&y), y_title: &chart.y_title, grid: true };
        let areas = frame.panels(figure, &panels)?;
        for (panel, (area, lines)) in areas.iter().zip(&chart.data).enumerate() {
            let along = chart.x.of(panel);
            let categories = along.numbers.is_none().then(|| along.len());
            let place = PlotArea { area, x: of_panel(&x, panel), y: &y, categories };
            let styles = chart.dashes.len();
            for (line, points) in lines.iter().enumerate() {
                place.band(&mut frame.scene, points, chart.color(panel, line / styles));
            }
            for (line, points) in lines.iter().enumerate() {
                let (series, dash) = (line / styles, Dash::ALL[line % styles]);
                place.line(&mut frame.scene, points, chart.color(panel, series), dash, shape(series));
            }
            spines(&mut frame.scene, area);
        }
        Ok(Drawing { scene: frame.scene, notes: chart.notes })
    }
}

/// What the colours mean, and beneath it what the styles of line mean.
fn legends(frame: &mut Frame, figure: &spec::Figure, chart: &Chart) {
    let series = |index| (chart.color(0, index), Sample::Line(Dash::Solid, Some(shape(index))));
    frame.legend(figure.series.as_deref(), &chart.series, series);
    frame.legend(figure.dash.as_deref(), &chart.dashes, |index| (INK, Sample::Line(Dash::ALL[index], None)));
}

/// The horizontal axis of all panels, or of each; points that it has no place for are taken out of the chart.
fn x_axis(figure: &spec::Figure, chart: &mut Chart) -> Keyed<Vec<FigureAxis>> {
    const CATEGORIES: usize = 200;
    if chart.x.of(0).numbers.is_none() {
        super::drawing::too_many(&figure.x, chart.x.most(), CATEGORIES).map_err(at("x"))?;
        return Ok(chart.x.axes(|of| FigureAxis::Categories { of, downward: false }));
    }
    let log = figure.x_scale == spec::Scale::Log;
    if log {
        let before = chart.all().count();
        chart.data.iter_mut().flatten().for_each(|points| points.retain(|datum| datum.x > 0.0));
        let lost = before - chart.all().count();
        if lost > 0 {
            let note = format!(
                "{} {} not drawn: {} is zero or less, on a logarithmic axis",
                counted(lost, "point"),
                agreeing(lost, "is", "are"),
                figure.x
            );
            chart.notes.push(note);
        }
    }
    let (low, high) = ends(chart.all().map(|datum| datum.x), log, ("x", &figure.x))?;
    let (low, high) = if axis::same(low, high) { (low, high) } else { axis::roomy((low, high), log, 0.025) };
    Ok(vec![FigureAxis::numbers(low, high, log, chart.whole)])
}

/// Pixels by which a value at the very end of an axis may come to lie beside it.
const ROUNDING: f64 = 1e-6;

struct PlotArea<'a> {
    area: &'a Area,
    x: &'a FigureAxis,
    y: &'a FigureAxis,
    /// How many categories the horizontal axis has, if it has categories.
    categories: Option<usize>,
}

impl PlotArea<'_> {
    fn point(&self, x: f64, y: f64) -> Point {
        let across = match self.categories {
            Some(count) => (x + 0.5) / count as f64,
            None => self.x.place(x),
        };
        (self.area.x0 + across * self.area.width(), self.height(y))
    }

    fn height(&self, y: f64) -> f64 {
        // A band may reach below what a logarithmic axis can show.
        let place = self.y.place(y);
        let place = if place.is_finite() { place.clamp(-1e3, 1e3) } else { -1e3 };
        self.area.y1 - place * self.area.height()
    }

    /// The band, clipped to the panel; an error bar where a point has no neighbour with a band.
    fn band(&self, scene: &mut Scene, points: &[Datum], color: Color) {
        for run in points.split(|datum| datum.band.is_none()) {
            let bands = || run.iter().filter_map(|datum| Some((datum.x, datum.band?)));
            if run.len() == 1 {
                for (x, (low, high)) in bands() {
                    let ((x, from), (_, to)) = (self.point(x, low), self.point(x, high));
                    let (from, to) = (self.inside(from), self.inside(to));
                    scene.line(vec![(x, from), (x, to)], color, 1.2);
                    scene.line(vec![(x - 3.5, from), (x + 3.5, from)], color, 1.2);
                    scene.line(vec![(x - 3.5, to), (x + 3.5, to)], color, 1.2);
                }
                continue;
            }
            let upper = bands().map(|(x, (_, high))| self.point(x, high));
            let lower = bands().map(|(x, (low, _))| self.point(x, low));
            let outline: Vec<Point> = upper.chain(lower.collect::<Vec<_>>().into_iter().rev()).collect();
            let outline = cut(cut(outline, self.area.y0, false), self.area.y1, true);
            if outline.len() > 2 {
                scene.polygon(outline, color.alpha(0.18));
            }
        }
    }

    fn line(&self, scene: &mut Scene, points: &[Datum], color: Color, dash: Dash, shape: MarkerShape) {
        let places: Vec<Point> = points.iter().map(|datum| self.point(datum.x, datum.y)).collect();
        let mut run: Vec<Point> = Vec::new();
        for pair in places.windows(2) {
            let [from, to] = [pair[0], pair[1]];
            let Some((from, to)) = self.visible(from, to) else { continue };
            if run.last() != Some(&from) {
                scene.dashed(std::mem::take(&mut run), color, WIDTH, dash);
                run.push(from);
            }
            run.push(to);
        }
        scene.dashed(run, color, WIDTH, dash);
        if points.len() <= MARKED {
            for place in places.into_iter().filter(|(_, y)| (self.inside(*y) - y).abs() <= ROUNDING) {
                scene.marker(place, shape, RADIUS, color);
            }
        }
    }

    fn inside(&self, y: f64) -> f64 {
        y.clamp(self.area.y0, self.area.y1)
    }

    /// The part of a segment between the panel's top and bottom.
    fn visible(&self, from: Point, to: Point) -> Option<(Point, Point)> {
        let (top, bottom) = (self.area.y0, self.area.y1);
        if (from.1 < top - ROUNDING && to.1 < top - ROUNDING)
            || (from.1 > bottom + ROUNDING && to.1 > bottom + ROUNDING)
        {
            return None;
        }
        let end = |inner: Point, outer: Point| match self.inside(inner.1) {
            y if (y - inner.1).abs() <= ROUNDING => (inner.0, y),
            y => (inner.0 + (y - inner.1) / (outer.1 - inner.1) * (outer.0 - inner.0), y),
        };
        Some((end(from, to), end(to, from)))
    }
}

/// The part of a polygon below (in pixels: beneath) or above a horizontal line (Sutherland and Hodgman).
fn cut(polygon: Vec<Point>, y: f64, keep_above: bool) -> Vec<Point> {
    let inside = |point: &Point| if keep_above { point.1 <= y } else { point.1 >= y };
    let Some(mut from) = polygon.last().copied() else { return polygon };
    let mut kept = Vec::with_capacity(polygon.len() + 2);
    for to in polygon {
        if inside(&from) != inside(&to) {
            kept.push((from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0), y));
        }
        if inside(&to) {
            kept.push(to);
        }
        from = to;
    }
    kept
}
