//! Figures: one file per kind; SVG and PNG of one drawing.
//!
//! Rows become a [`Scene`] (shapes and measured texts, all in place), and one function paints a scene on any of plotters'
//! backends. The same rows give the same bytes.

pub mod axis;
mod bars;
pub mod colour;
mod data;
mod error;
mod font;
mod frame;
mod heatmap;
mod lines;
mod paint;
mod raster;
mod scene;
mod series;
mod svg;

pub use error::{FigureError, Problem};
pub use font::Face;
pub use scene::{Area, Color, Item, Point, Scene, Shape, Text};

use crate::run::atomic::write_atomic;
use crate::spec::{self, FigureKind, ImageFormat};
use crate::table;
use polars::prelude::{Column, DataFrame};
use std::path::{Path, PathBuf};

/// A figure in place, and what a reader should know that it does not show.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Shapes and texts.
    pub scene: Scene,
    /// Short sentences without a full stop: how many values were not finite, which cells are missing.
    pub notes: Vec<String>,
}

/// Files of a figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// One per format, in the order asked for.
    pub files: Vec<PathBuf>,
    /// See [`Drawing::notes`].
    pub notes: Vec<String>,
}

/// What went wrong, and the key of the spec it is about.
type Keyed<T> = Result<T, (String, Problem)>;

/// Draws the figure from the rows of its step or table and writes `NAME.svg` and `NAME.png` into the folder, each whole or
/// not at all.
///
/// # Errors
/// Names the figure, the key of its spec, and the column or file.
pub fn draw(
    figure: &spec::Figure,
    rows: &DataFrame,
    folder: &Path,
    formats: &[ImageFormat],
) -> Result<Drawn, FigureError> {
    let Drawing { scene, notes } = layout(figure, rows)?;
    let mut files = Vec::with_capacity(formats.len());
    for format in formats {
        let (extension, title) = match format {
            ImageFormat::Svg => ("svg", figure.title.as_deref().unwrap_or(&figure.name)),
            ImageFormat::Png => ("png", ""),
        };
        let path = folder.join(format!("{}.{extension}", figure.name));
        let written = write_atomic(&path, |out| match format {
            ImageFormat::Svg => out.write_all(svg::svg(&scene, title).as_bytes()),
            ImageFormat::Png => raster::png(&scene, out),
        });
        written.map_err(|error| named(figure, "name".to_string(), error.into()))?;
        files.push(path);
    }
    Ok(Drawn { files, notes })
}

/// Places everything that the figure shows, without drawing it.
///
/// # Errors
/// As [`draw`], but for those of writing.
pub fn layout(figure: &spec::Figure, rows: &DataFrame) -> Result<Drawing, FigureError> {
    let drawing = kept(figure, rows).and_then(|rows| match figure.kind {
        FigureKind::Heatmap | FigureKind::HeatmapGrid => heatmap::draw(figure, &rows),
        FigureKind::Lines => lines::draw(figure, &rows),
        FigureKind::Bars => bars::draw(figure, &rows),
    });
    drawing.map_err(|(key, problem)| named(figure, key, problem))
}

fn named(figure: &spec::Figure, key: String, problem: Problem) -> FigureError {
    FigureError { figure: figure.name.clone(), key, problem: Box::new(problem) }
}

/// The rows that `where` keeps, of which there must be some.
fn kept(figure: &spec::Figure, rows: &DataFrame) -> Keyed<DataFrame> {
    if rows.height() == 0 {
        return Err(at("from")(Problem::Empty { from: figure.from.clone() }));
    }
    let mut frame = rows.clone();
    for (name, condition) in &figure.filter {
        let one = std::iter::once((name.clone(), condition.clone())).collect();
        let kept =
            table::filter(&frame, &one).map_err(|(column, problem)| (format!("where.{column}"), problem.into()))?;
        if kept.height() == 0 {
            let values = frame.column(name).map(some_values).unwrap_or_default();
            return Err((format!("where.{name}"), Problem::NoRowsLeft { column: name.clone(), values }));
        }
        frame = kept;
    }
    Ok(frame)
}

/// The first different values of a column, for a message.
fn some_values(column: &Column) -> String {
    const SHOWN: usize = 8;
    let mut seen: Vec<String> = Vec::new();
    for row in 0..column.len() {
        let value = table::plain(column, row);
        if !seen.contains(&value) {
            if seen.len() == SHOWN {
                return format!("{} and others", seen.join(", "));
            }
            seen.push(value);
        }
    }
    seen.join(", ")
}

/// Titles of the panels (one, empty, without `facet`) and each row's panel.
fn facets(figure: &spec::Figure, rows: &DataFrame) -> Keyed<(Vec<String>, Vec<Option<usize>>)> {
    let Some(name) = &figure.facet else { return Ok((vec![String::new()], vec![Some(0); rows.height()])) };
    let column = table::column(rows, name).map_err(at("facet"))?;
    let (panels, places) = data::Categories::of(column, false).map_err(at("facet"))?;
    series::too_many(name, panels.len(), series::PANELS).map_err(at("facet"))?;
    // A number alone does not say what it is.
    let title = |label: String| if panels.numbers.is_some() { format!("{name} {label}") } else { label };
    Ok((panels.labels.iter().cloned().map(title).collect(), places))
}

fn at<P: Into<Problem>>(key: &'static str) -> impl Fn(P) -> (String, Problem) {
    move |problem| (key.to_string(), problem.into())
}
