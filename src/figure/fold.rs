//! Rows that fall on one place of a figure, which shows their mean: what that is a mean over.

use super::drawing::{Keyed, at};
use crate::spec::{self, FigureKind};
use crate::table::identity::{self, Places};
use polars::prelude::DataFrame;
use std::collections::{HashMap, HashSet};

/// The numbers of a figure before their means are taken.
pub struct Folded<'f> {
    /// The key of the spec that names them.
    pub key: &'static str,
    /// Their column.
    pub column: &'f str,
    /// The number of each row.
    pub numbers: &'f [Option<f64>],
    /// Where each goes.
    pub places: Places,
}

/// A place in a grid of so many values of each column, as one number; nowhere where there is no number, or a column has no value.
pub fn place(there: bool, within: &[(Option<usize>, usize)]) -> Option<usize> {
    let place = within.iter().try_fold(0, |place, &(value, values)| Some(place * values.max(1) + value?));
    place.filter(|_| there)
}

/// What the means are over, where the figure does not tell it apart.
///
/// # Errors
/// Numbers of several measures, whose mean is of nothing.
pub fn over(figure: &spec::Figure, rows: &DataFrame, folded: Folded) -> Keyed<Option<String>> {
    let Folded { key, column, numbers, places } = folded;
    let (what, otherwise) = match figure.kind {
        FigureKind::Heatmap | FigureKind::HeatmapGrid | FigureKind::Scatter => ("cells", "facet = \"measure\""),
        FigureKind::Lines => ("points", "series = \"measure\""),
        FigureKind::Bars => ("bars", "series = \"measure\""),
    };
    identity::one_measure(rows, column, &places, otherwise).map_err(at(key))?;
    let of_cells = matches!(figure.kind, FigureKind::Heatmap | FigureKind::HeatmapGrid).then_some(figure.y.as_str());
    let named =
        [Some(figure.x.as_str()), of_cells, figure.series.as_deref(), figure.dash.as_deref(), figure.facet.as_deref()];
    let told: Vec<&str> = named.into_iter().flatten().collect();
    let places = of_different(numbers, places);
    let over = identity::averaged_over(rows, &told, &places);
    let over = over.map_err(|error| at(key)(crate::table::Problem::from(error)))?;
    Ok(over.map(|over| format!("{what} are means over {over}")))
}

/// The places whose numbers are not all one: of equal numbers the mean is each of them.
fn of_different(numbers: &[Option<f64>], places: Places) -> Places {
    let mut first: HashMap<usize, f64> = HashMap::new();
    let mut different: HashSet<usize> = HashSet::new();
    for (place, number) in places.iter().zip(numbers) {
        if let (Some(place), Some(number)) = (*place, *number)
            && *first.entry(place).or_insert(number) != number
        {
            different.insert(place);
        }
    }
    places.into_iter().map(|place| place.filter(|place| different.contains(place))).collect()
}
