//! What rows are of: the columns that tell one measurement from another, and rows that a single number would be made of though
//! they differ in these.

use super::error::TableProblem;
use super::order::numbered;
use polars::prelude::*;

/// What a row measures: numbers of different measures have no mean.
pub(crate) const MEASURE: &str = "measure";

/// Columns that say what a row is of, and what several of their values are called.
const IDENTITY: [(&str, &str); 21] = [
    ("model", "models"),
    ("checkpoint", "checkpoints"),
    ("template", "templates"),
    ("operator", "operators"),
    ("site", "sites"),
    ("layer", "layers"),
    ("head", "heads"),
    ("neuron", "neurons"),
    ("position", "positions"),
    ("intervention", "interventions"),
    ("sender", "senders"),
    ("receiver", "receivers"),
    ("receiver_input", "inputs of receivers"),
    ("query", "queries"),
    ("key", "keys"),
    ("seed", "seeds"),
    ("k", "values of k"),
    ("group", "groups"),
    ("split", "splits"),
    ("decode", "ways of decoding"),
    ("token", "tokens"),
];

/// Columns that are the same whatever is measured, besides those of [`IDENTITY`].
const WHATEVER_IS_MEASURED: [&str; 11] =
    ["step", "component", "position_index", "token_index", "n", "seeds", "id", "a", "b", "answer", "text"];

/// The place that each row's number goes to, with others of that place; none where it goes nowhere.
pub(crate) type Places = Vec<Option<usize>>;

/// The places of rows whose numbers are told apart by these columns alone; nowhere where there is no number.
///
/// # Errors
/// A column that is not there.
pub(crate) fn places(rows: &DataFrame, apart: &[&str], numbers: &str) -> PolarsResult<Places> {
    let apart: Vec<String> = apart.iter().map(ToString::to_string).collect();
    let (groups, _) = numbered(rows, &apart)?;
    let there = rows.column(numbers)?.is_not_null();
    Ok(groups.into_iter().zip(there.iter()).map(|(group, there)| (there == Some(true)).then_some(group)).collect())
}

/// Refuses to make one number of several measures. `otherwise` is what keeps them apart.
///
/// # Errors
/// That, with the `where` to write.
pub(crate) fn one_measure(
    rows: &DataFrame,
    column: &str,
    places: &Places,
    otherwise: &'static str,
) -> Result<(), TableProblem> {
    if !measured(column) || rows.column(MEASURE).is_err() || most(rows, MEASURE, places)? < 2 {
        return Ok(());
    }
    let there = rows.column(MEASURE)?.unique_stable()?;
    let measures = there.str()?.iter().flatten().map(String::from).collect();
    Err(TableProblem::SeveralMeasures { measures, otherwise })
}

/// Whether the numbers of a column depend on what is measured.
pub(crate) fn measured(column: &str) -> bool {
    IDENTITY.iter().all(|(name, _)| *name != column) && !WHATEVER_IS_MEASURED.contains(&column)
}

/// What the numbers are means over, of columns that are not among `told`: `3 positions and 2 templates`. Columns before that of
/// the model are a matrix's axes.
pub(crate) fn averaged_over(rows: &DataFrame, told: &[&str], places: &Places) -> PolarsResult<Option<String>> {
    let columns = rows.get_column_names();
    // As the rows of steps have them.
    let model = columns.windows(2).position(|pair| pair[0] == "model" && pair[1] == "checkpoint").unwrap_or(0);
    let axes = columns.into_iter().take(model).filter(|axis| measured(axis));
    let axes = axes.map(|axis| (axis.as_str(), format!("values of {axis}")));
    let named = IDENTITY.into_iter().map(|(name, several)| (name, several.to_string()));
    let mut over = Vec::new();
    for (name, several) in axes.chain(named).filter(|(name, _)| !told.contains(name)) {
        if rows.column(name).is_ok() {
            let most = most(rows, name, places)?;
            over.extend((most > 1).then(|| format!("{most} {several}")));
        }
    }
    Ok(match over.split_last() {
        None => None,
        Some((last, [])) => Some(last.clone()),
        Some((last, others)) => Some(format!("{} and {last}", others.join(", "))),
    })
}

/// How many different values a column has at one place, at most; nulls are none.
fn most(rows: &DataFrame, name: &str, places: &Places) -> PolarsResult<usize> {
    let (values, first) = numbered(rows, &[name.to_string()])?;
    if first.len() < 2 {
        return Ok(first.len());
    }
    let there = rows.column(name)?.is_not_null();
    let mut pairs: Vec<(usize, usize)> = places
        .iter()
        .zip(values)
        .zip(there.iter())
        .filter_map(|((place, value), there)| Some(((*place)?, value)).filter(|_| there == Some(true)))
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    Ok(pairs.chunk_by(|one, other| one.0 == other.0).map(<[_]>::len).max().unwrap_or(0))
}
