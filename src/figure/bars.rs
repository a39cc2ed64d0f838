//! `kind = "bars"`: bars side by side with error bars.

use super::axis::FigureAxis;
use super::colour::{self, AXIS, INK};
use super::drawing::{ColumnResult, Drawing, Keyed, at};
use super::fold::{Averaged, Folded};
use super::frame::{Frame, Panels, Sample, spines};
use super::geometry::Area;
use super::order::of_panel;
use super::plot::Plot;
use super::scene::Scene;
use super::series::{self, Chart, SeriesColumns};
use crate::spec;
use crate::table::palette::Palette;
use polars::prelude::DataFrame;
use std::slice::from_ref;

/// Most bars beside each other in one panel.
const BARS: usize = 400;
/// Share of a category's width that its bars fill.
const FILLED: f64 = 0.78;
/// Pixels that no bar is wider than.
const WIDEST: f64 = 72.0;

/// Bars, one for each series beside each other.
pub struct BarChart;

impl Plot for BarChart {
    type Columns = SeriesColumns;

    const AVERAGED: Option<Averaged> = Some(Averaged { key: "y", what: "bars", otherwise: "series = \"measure\"" });

    fn read(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<SeriesColumns> {
        series::read(figure, rows, None)
    }

    fn folded(columns: &SeriesColumns) -> Option<Folded<'_>> {
        Some(columns.folded())
    }

    fn draw(figure: &spec::Figure, columns: SeriesColumns) -> Keyed<Drawing> {
        let chart = series::gather(figure, columns);
        super::drawing::too_many(&figure.x, chart.x.most(), BARS / chart.series.len().max(1)).map_err(at("x"))?;
        let log = figure.y_scale == spec::Scale::Log;
        let (low, high) = chart.y_range(figure, !log)?;
        let x = chart.x.axes(|of| FigureAxis::Categories { of, downward: false });
        let y = FigureAxis::numbers(low, high, log, false);
        let mut frame = Frame::new(figure);
        frame.legend(figure.series.as_deref(), &chart.series, |index| (chart.color(0, index), Sample::Box));
        let panels = Panels { titles: &chart.panels, x: &x, y: from_ref(&y), y_title: &chart.y_title, grid: true };
        let areas = frame.panels(figure, &panels)?;
        // Bars that are labels with colours of their own have these.
        let own = figure.series.is_none() && Palette::colours(chart.x.of(0).labels.iter().map(String::as_str));
        for (panel, area) in areas.iter().enumerate() {
            let x = of_panel(&x, panel);
            let bars = Bars { chart: &chart, x, y: &y, log, own, beside: beside(&chart) };
            bars.draw(&mut frame.scene, area, panel);
            spines(&mut frame.scene, area);
        }
        Ok(Drawing { scene: frame.scene, notes: chart.notes })
    }
}

/// How many bars share a category's width: one where no category of a panel has bars of two series.
fn beside(chart: &Chart) -> usize {
    let crowded = chart.data.iter().any(|panel| {
        let mut places: Vec<f64> = panel.iter().flatten().map(|datum| datum.x).collect();
        places.sort_by(f64::total_cmp);
        places.windows(2).any(|pair| pair[0] == pair[1])
    });
    if crowded { chart.series.len() } else { 1 }
}

struct Bars<'a> {
    chart: &'a Chart,
    x: &'a FigureAxis,
    y: &'a FigureAxis,
    log: bool,
    /// The categories have colours of their own.
    own: bool,
    beside: usize,
}

impl Bars<'_> {
    fn draw(&self, scene: &mut Scene, area: &Area, panel: usize) {
        let height = |value: f64| {
            let place = self.y.place(value);
            area.y1 - if place.is_finite() { place.clamp(0.0, 1.0) } else { 0.0 } * area.height()
        };
        let base = if self.log { area.y1 } else { height(0.0) };
        let series = self.chart.data.get(panel).into_iter().flatten().enumerate();
        for (index, datum) in series.flat_map(|(index, points)| points.iter().map(move |datum| (index, datum))) {
            let place = match &self.chart.x.of(panel).numbers {
                Some(numbers) => numbers.iter().position(|number| *number == datum.x).unwrap_or(0),
                None => datum.x as usize,
            };
            let color = match self.chart.x.of(panel).labels.get(place).filter(|_| self.own) {
                Some(label) => colour::series(label, place),
                None => self.chart.color(panel, index),
            };
            let (left, right) = self.sides(area, place, index);
            let (top, bottom) = (height(datum.y).min(base), height(datum.y).max(base));
            let gap = if self.beside > 1 && right - left > 6.0 { 0.5 } else { 0.0 };
            scene.rect(Area { x0: left + gap, y0: top, x1: right - gap, y1: bottom }, color);
            if let Some((low, high)) = datum.band {
                let (middle, cap) = ((left + right) / 2.0, ((right - left) * 0.25).min(5.0));
                let (from, to) = (height(low), height(high));
                scene.line(vec![(middle, from), (middle, to)], INK, 1.1);
                scene.line(vec![(middle - cap, from), (middle + cap, from)], INK, 1.1);
                scene.line(vec![(middle - cap, to), (middle + cap, to)], INK, 1.1);
            }
        }
        if base < area.y1 {
            scene.line(vec![(area.x0, base), (area.x1, base)], AXIS, 1.0);
        }
    }

    /// Left and right end of a bar.
    fn sides(&self, area: &Area, place: usize, series: usize) -> (f64, f64) {
        let (start, end) = self.x.cell(place);
        let count = self.beside as f64;
        let width = ((end - start) * area.width() * FILLED / count).min(WIDEST);
        let centre = area.x0 + (start + end) / 2.0 * area.width();
        let left = if self.beside == 1 { centre - width / 2.0 } else { centre + (series as f64 - count / 2.0) * width };
        (left, left + width)
    }
}
