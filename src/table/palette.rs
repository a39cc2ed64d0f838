//! Labels that are shown in a way of their own: which there are, in which order, by which sign, how large, in which colour.
//!
//! Rows hold labels as texts and nothing more. So what tables and figures need to know of those that a source of prompts gives to its
//! groups, and of other closed lists of labels, is said here, once: a list is one [`Palette`]. Labels that are in none
//! come as they are, in the order in which they are first seen.

use crate::spec::Operator;
use crate::spec::step::HeuristicType;
use polars::prelude::{Column, DataType};

/// A list of labels, and how they are shown.
pub struct Palette {
    /// Of each place in their order, how rows write the label and how readers see it; `None` behind the last.
    at: fn(usize) -> Option<[&'static str; 2]>,
    /// Whether rows are in their order too, not only the axes of figures.
    orders_rows: bool,
    /// Whether a label has the colour of its place in every figure.
    has_colours: bool,
    /// How much larger than other text a label is drawn that is a text by itself.
    scale: f64,
}

/// Every list.
static PALETTES: [Palette; 2] = [
    // Signs are small in their line.
    Palette {
        at: |place| Operator::ALL.get(place).map(|operator| [operator.symbol(), operator.sign()]),
        orders_rows: true,
        has_colours: true,
        scale: 1.35,
    },
    Palette {
        at: |place| HeuristicType::ALL.get(place).map(|kind| [kind.name(); 2]),
        orders_rows: false,
        has_colours: false,
        scale: 1.0,
    },
];

impl Palette {
    /// The list that all of these labels are of; none where there is no label.
    pub fn of<'t>(labels: impl IntoIterator<Item = &'t str, IntoIter: Clone>) -> Option<&'static Self> {
        let labels = labels.into_iter();
        Self::find(|| labels.clone())
    }

    fn find<'t, I: Iterator<Item = &'t str>>(labels: impl Fn() -> I) -> Option<&'static Self> {
        labels().next()?;
        PALETTES.iter().find(|palette| labels().all(|label| palette.place(label).is_some()))
    }

    /// The list whose order rows with these labels are in.
    pub fn of_rows<'t>(labels: impl IntoIterator<Item = &'t str, IntoIter: Clone>) -> Option<&'static Self> {
        Self::of(labels).filter(|palette| palette.orders_rows)
    }

    /// The same of a column that holds labels of one list and nothing else.
    pub fn of_column(column: &Column) -> Option<&'static Self> {
        let texts = (column.dtype() == &DataType::String).then(|| column.str().ok())??;
        Self::find(|| texts.iter().flatten()).filter(|palette| palette.orders_rows)
    }

    /// Whether these labels have colours of their own.
    pub fn colours<'t>(labels: impl IntoIterator<Item = &'t str, IntoIter: Clone>) -> bool {
        Self::of(labels).is_some_and(|palette| palette.has_colours)
    }

    /// Place of a label in their order, as rows write it or as readers see it.
    pub fn place(&self, label: &str) -> Option<usize> {
        (0..).map_while(self.at).position(|texts| texts.contains(&label))
    }
}

/// A label as readers see it: `−` for `-`, `×` for `*`, `÷` for `/`; any other text unchanged.
pub fn shown(label: &str) -> &str {
    let own = Palette::of([label]).and_then(|palette| (palette.at)(palette.place(label)?));
    own.map_or(label, |[_, shown]| shown)
}

/// Which of the figures' colours a label has by itself.
pub fn colour(label: &str) -> Option<usize> {
    Palette::of([label]).filter(|palette| palette.has_colours)?.place(label)
}

/// How much larger than other text a label is drawn.
pub fn scale(label: &str) -> f64 {
    Palette::of([label]).map_or(1.0, |palette| palette.scale)
}
