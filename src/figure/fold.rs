//! Rows that fall on one place of a figure, which shows their mean: what that is a mean over.

use super::drawing::{CategoryColumn, Keyed, at};
use crate::spec;
use crate::table::identity::{self, Places};
use polars::prelude::DataFrame;
use std::collections::{HashMap, HashSet};

/// What a kind of figure shows the mean of, where several rows fall on one place.
pub(crate) struct Averaged {
    /// The key of the spec that names the numbers.
    pub key: &'static str,
    /// What shows a mean: "cells".
    pub what: &'static str,
    /// What shows each measure by itself.
    pub otherwise: &'static str,
}

impl Averaged {
    /// The columns whose values a figure keeps apart.
    pub fn told<'f>(&self, figure: &'f spec::Figure) -> impl Iterator<Item = &'f str> {
        let keys = ["x", "y", "series", "dash", "facet"].into_iter().filter(move |key| *key != self.key);
        keys.filter_map(move |key| figure.column(key))
    }
}

/// The numbers of a figure before their means are taken.
pub struct Folded<'f> {
    /// Their column.
    pub column: &'f str,
    /// The number of each row.
    pub numbers: &'f [Option<f64>],
    /// Where each goes.
    pub places: Places,
}

impl<'f> Folded<'f> {
    /// Rows are of one place where they have the same values of these columns; a row without a number, or without one of the values, is
    /// nowhere.
    pub fn new<const N: usize>(column: &'f str, numbers: &'f [Option<f64>], within: [&CategoryColumn; N]) -> Self {
        let place = |(row, number): (usize, &Option<f64>)| {
            let place = within.iter().try_fold(0, |place, (values, places)| {
                Some(place * values.len().max(1) + places.get(row).copied().flatten()?)
            });
            place.filter(|_| number.is_some())
        };
        Self { column, numbers, places: numbers.iter().enumerate().map(place).collect() }
    }
}

/// What the means are over, where the figure does not tell it apart.
///
/// # Errors
/// Numbers of several measures, whose mean is of nothing.
pub fn over(figure: &spec::Figure, rows: &DataFrame, averaged: &Averaged, folded: Folded) -> Keyed<Option<String>> {
    let Folded { column, numbers, places } = folded;
    identity::one_measure(rows, column, &places, averaged.otherwise).map_err(at(averaged.key))?;
    let told: Vec<&str> = averaged.told(figure).collect();
    let places = of_different(numbers, places);
    let over = identity::averaged_over(rows, &told, &places);
    let over = over.map_err(|error| at(averaged.key)(crate::table::TableProblem::from(error)))?;
    Ok(over.map(|over| format!("{} are means over {over}", averaged.what)))
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
