//! The order of categories along an axis: one for all panels, or, where two prompts' places come in different orders, each
//! panel's own.

use super::axis::FigureAxis;
use super::data::Categories;
use super::drawing::CategoryColumn;
use std::collections::BTreeSet;

/// Columns of places in a prompt, whose order is that of the prompt.
const PLACES: [&str; 3] = ["position", "query", "key"];

/// Categories along an axis, and where each row is among them.
pub struct Along {
    /// One for all panels, or one for each.
    of: Vec<Categories>,
    /// Of each panel: the place of each category of the column; one for all, or one for each.
    places: Vec<Vec<Option<usize>>>,
    /// The category of each row.
    rows: Vec<Option<usize>>,
}

impl Along {
    /// From the categories of a column and each row's panel.
    pub fn new(name: &str, (all, rows): CategoryColumn, panels: &[Option<usize>], count: usize) -> Self {
        if !PLACES.contains(&name) || all.numbers.is_some() || count < 2 {
            return Self { places: vec![(0..all.len()).map(Some).collect()], of: vec![all], rows };
        }
        let reordered = |order: &Vec<usize>| Categories {
            labels: order.iter().filter_map(|&category| all.labels.get(category).cloned()).collect(),
            numbers: None,
        };
        let of = |panel| first_seen((&rows, all.len()), panels, panel);
        let mut orders: Vec<Vec<usize>> = (0..count).map(of).collect();
        if let Some(one) = merged(&orders, all.len()) {
            orders = vec![one];
        }
        let places = orders.iter().map(|order| places(order, all.len())).collect();
        Self { of: orders.iter().map(reordered).collect(), places, rows }
    }

    /// The categories of a panel.
    pub fn of(&self, panel: usize) -> &Categories {
        of_panel(&self.of, panel)
    }

    /// The most categories that a panel has.
    pub fn most(&self) -> usize {
        self.of.iter().map(Categories::len).max().unwrap_or(0)
    }

    /// Where a row of a panel is among its categories.
    pub fn place(&self, panel: usize, row: usize) -> Option<usize> {
        let category = self.rows.get(row).copied().flatten()?;
        of_panel(&self.places, panel).get(category).copied().flatten()
    }

    /// An axis for all panels, or one for each.
    pub fn axes(&self, axis: impl Fn(Categories) -> FigureAxis) -> Vec<FigureAxis> {
        self.of.iter().cloned().map(axis).collect()
    }
}

/// Of what all panels share, or each has its own: that of one panel.
pub fn of_panel<T>(of: &[T], panel: usize) -> &T {
    if of.len() == 1 { &of[0] } else { &of[panel] }
}

/// The categories of a panel's rows, in the order first seen.
fn first_seen((rows, count): (&[Option<usize>], usize), panels: &[Option<usize>], panel: usize) -> Vec<usize> {
    let mut seen = vec![false; count];
    let own = rows.iter().zip(panels).filter(|(_, of)| **of == Some(panel)).filter_map(|(category, _)| *category);
    own.filter(|&category| seen.get_mut(category).is_some_and(|seen| !std::mem::replace(seen, true))).collect()
}

/// One order that keeps each panel's, if there is one; of those that may come next the first.
fn merged(orders: &[Vec<usize>], count: usize) -> Option<Vec<usize>> {
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut waits_for = vec![0usize; count];
    for pair in orders.iter().flat_map(|order| order.windows(2)) {
        after[pair[0]].push(pair[1]);
        waits_for[pair[1]] += 1;
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|&category| waits_for[category] == 0).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(next) = ready.pop_first() {
        order.push(next);
        for &other in &after[next] {
            waits_for[other] -= 1;
            if waits_for[other] == 0 {
                ready.insert(other);
            }
        }
    }
    (order.len() == count).then_some(order)
}

/// Of each of so many categories its place in an order.
fn places(order: &[usize], count: usize) -> Vec<Option<usize>> {
    let mut places = vec![None; count];
    order.iter().enumerate().for_each(|(place, &category)| places[category] = Some(place));
    places
}
