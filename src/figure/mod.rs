//! Figures: one file per kind; SVG, PNG and PDF of one drawing.
//!
//! Rows become a [`Scene`] (shapes and measured texts, all in place), and one function paints a scene on any of plotters'
//! backends. The same rows give the same bytes.

mod axis;
mod bars;
mod blank;
mod cell;
pub(crate) mod colour;
mod colour_bar;
mod dash;
mod data;
mod drawing;
mod error;
mod fold;
mod font;
mod frame;
mod geometry;
mod heatmap;
mod labels;
mod lines;
mod mask;
mod number;
mod order;
mod paint;
mod pdf;
mod plot;
mod raster;
mod scatter;
mod scene;
mod series;
mod svg;
mod vector;

pub use drawing::Drawn;
pub use error::{FigureError, FigureProblem};

#[doc(hidden)]
pub use drawing::Drawing;
#[doc(hidden)]
pub use font::Face;
#[doc(hidden)]
pub use geometry::{Area, Point};
#[doc(hidden)]
pub use scene::{Color, Item, MarkerShape, Scene, Text};

use crate::counted::counted;
use crate::spec::{self, FigureKind, ImageFormat, figure_kinds};
use crate::system::atomic::write_atomic;
use crate::table::{self, TableFault};
use bars::BarChart as Bars;
use drawing::{ColumnResult, Keyed, at, named};
pub(crate) use fold::Averaged;
use heatmap::{Heatmap, Heatmap as HeatmapGrid};
use lines::LineChart as Lines;
use plot::Plot;
use polars::prelude::DataFrame;
use scatter::ScatterPlot as Scatter;
use std::collections::BTreeSet;
use std::path::Path;

macro_rules! plots {
    ($($(#[$about:meta])* $kind:ident = $name:literal, needs $needs:expr, own $own:expr;)*) => {
        /// Reads rows and places what a figure shows of them.
        fn laid_out(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<Drawing> {
            match figure.kind {
                $(FigureKind::$kind => plot::laid_out::<$kind>(figure, rows),)*
            }
        }

        /// Reads rows that are not to be drawn.
        fn read(figure: &spec::Figure, rows: &DataFrame) -> ColumnResult<()> {
            match figure.kind {
                $(FigureKind::$kind => plot::read::<$kind>(figure, rows).map(drop),)*
            }
        }

        /// What a figure shows a mean of, where several rows fall on one place; `None` where each row is shown.
        pub(crate) fn averaged(figure: &spec::Figure) -> Option<Averaged> {
            match figure.kind {
                $(FigureKind::$kind => $kind::AVERAGED,)*
            }
        }
    };
}

figure_kinds!(plots);

/// Draws the figure from the rows of its step or table and writes `NAME.svg` and so on into the folder, each whole or not at all.
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
        let title = figure.title.as_deref().unwrap_or(&figure.name);
        let path = folder.join(format!("{}.{}", figure.name, format.extension()));
        let written = write_atomic(&path, |out| match format {
            ImageFormat::Svg => out.write_all(svg::svg(&scene, title).as_bytes()),
            ImageFormat::Png => raster::png(&scene, out),
            ImageFormat::Pdf => out.write_all(&pdf::pdf(&scene, title)?),
        });
        written.map_err(|error| named(figure, vec![at("name")(error)]))?;
        files.push(path);
    }
    Ok(Drawn { files, notes })
}

/// Places everything that the figure shows, without drawing it. Where there is nothing to show, the drawing and a note say why.
///
/// # Errors
/// As [`draw`], but for those of writing.
#[doc(hidden)]
pub fn layout(figure: &spec::Figure, rows: &DataFrame) -> Result<Drawing, FigureError> {
    let kept = kept(figure, rows).map_err(|fault| vec![fault]);
    let mut drawing = match kept.and_then(|rows| laid_out(figure, &rows)) {
        Ok(drawing) => drawing,
        // That there is nothing is a result.
        Err(faults) => match faults.as_slice() {
            [(_, problem)] if problem.is_absence() => blank::draw(figure, &problem.to_string()),
            _ => return Err(named(figure, faults)),
        },
    };
    drawing.notes.extend(letters_without_glyph(&drawing.scene));
    Ok(drawing)
}

/// Says which letters are written as their codes.
fn letters_without_glyph(scene: &Scene) -> Option<String> {
    const NAMED: usize = 12;
    let letters: BTreeSet<char> = scene.texts().flat_map(|text| font::without_glyph(&text.text)).collect();
    let name = |&letter: &char| match letter {
        hidden if font::invisible(hidden) || hidden.is_control() => format!("U+{:04X}", u32::from(hidden)),
        shown => format!("{shown} (U+{:04X})", u32::from(shown)),
    };
    let mut named: Vec<String> = letters.iter().take(NAMED).map(name).collect();
    if letters.len() > NAMED {
        named.push(counted(letters.len() - NAMED, "other"));
    }
    let last = named.pop()?;
    let all = if named.is_empty() { last } else { format!("{} and {last}", named.join(", ")) };
    let written = if letters.len() == 1 { "it is written as its code" } else { "they are written as their codes" };
    Some(format!("the fonts of figures have no glyph for {all}: {written}"))
}

/// Reads the columns of a figure before there are rows to draw, as [`layout`] reads them.
///
/// # Errors
/// Everything that is wrong with its keys.
#[doc(hidden)]
pub fn check(figure: &spec::Figure, columns: &DataFrame) -> Result<(), FigureError> {
    let none = columns.clear();
    let conditions = figure.filter.iter().filter_map(|(column, condition)| {
        table::meeting(&none, column, condition).err().map(table::at(&["where", column]))
    });
    let mut faults: Vec<TableFault<FigureProblem>> = conditions.collect();
    faults.extend(read(figure, &none).err().into_iter().flatten());
    if faults.is_empty() { Ok(()) } else { Err(named(figure, faults)) }
}

/// The rows that `where` keeps, which are some.
fn kept(figure: &spec::Figure, rows: &DataFrame) -> Keyed<DataFrame> {
    if rows.height() == 0 {
        return Err(at("from")(FigureProblem::Empty { from: figure.from.clone() }));
    }
    let mut frame = rows.clone();
    for (name, condition) in &figure.filter {
        let fault = |problem: FigureProblem| table::at(&["where", name])(problem);
        let kept = table::meeting(&frame, name, condition).map_err(|problem| fault(problem.into()))?;
        if kept.height() == 0 {
            let values = frame.column(name).map(table::some_values).unwrap_or_default();
            return Err(fault(FigureProblem::NoRowsLeft {
                column: name.clone(),
                wanted: condition.to_string(),
                values,
            }));
        }
        frame = kept;
    }
    Ok(frame)
}
