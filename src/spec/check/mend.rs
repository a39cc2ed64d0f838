//! How checking goes on after an error: what is wrong is taken as it was probably meant, or marked as unknown, so that what else is
//! wrong is said in the same run, and nothing that comes of the first error alone.

use super::place::SpecPlace;
use crate::spec::error::SpecError;
use crate::spec::node::{Node, NodeContent, Origin};

/// Errors, and how to go on after each.
#[derive(Default)]
pub(super) struct Faults {
    pub errors: Vec<SpecError>,
    mends: Vec<Mend>,
}

/// A place and what is done there.
struct Mend {
    place: SpecPlace,
    how: How,
    /// What cannot be without it.
    whole: SpecPlace,
}

enum How {
    /// Nothing is known of it.
    Unknown,
    /// The value is of this key.
    Key(String),
    /// The text is this one.
    Text(String),
    /// The value is the only one of a list.
    List,
    /// It stays: what else is said of it is right.
    Leave,
}

impl Faults {
    pub fn len(&self) -> usize {
        self.errors.len()
    }

    pub fn is_empty(&self) -> bool {
        self.errors.is_empty() && self.mends.is_empty()
    }

    /// A value is wrong.
    pub fn value(&mut self, place: SpecPlace, error: SpecError) {
        self.push(error, Mend { whole: place.clone(), place, how: How::Unknown });
    }

    /// A value is wrong, and was probably meant to be this text.
    pub fn word(&mut self, place: SpecPlace, meant: Option<&str>, error: SpecError) {
        let how = meant.map_or(How::Unknown, |meant| How::Text(meant.to_string()));
        self.push(error, Mend { whole: place.clone(), place, how });
    }

    /// A value stands alone where a list is wanted.
    pub fn alone(&mut self, place: SpecPlace, error: SpecError) {
        self.push(error, Mend { whole: place.clone(), place, how: How::List });
    }

    /// A reference of an entry names nothing: without it the entry is another one.
    pub fn name(&mut self, place: SpecPlace, entry: SpecPlace, meant: Option<&str>, error: SpecError) {
        let how = meant.map_or(How::Unknown, |meant| How::Text(meant.to_string()));
        self.push(error, Mend { whole: entry, place, how });
    }

    /// A table lacks a key.
    pub fn lacks(&mut self, table: &SpecPlace, key: &str, error: SpecError) {
        self.push(error, Mend { place: table.child(key), how: How::Unknown, whole: table.clone() });
    }

    /// An entry lacks something that stands elsewhere in the spec.
    pub fn lacks_elsewhere(&mut self, entry: &SpecPlace, place: SpecPlace, error: SpecError) {
        self.push(error, Mend { place, how: How::Unknown, whole: entry.clone() });
    }

    /// A key is none, or was probably meant to be another.
    pub fn key(&mut self, place: SpecPlace, meant: Option<&str>, error: SpecError) {
        self.errors.push(error);
        self.said_elsewhere(place, meant);
    }

    /// Such a key, of which it is said where it is taken over from.
    pub fn said_elsewhere(&mut self, place: SpecPlace, meant: Option<&str>) {
        // What stands there was to say something that nothing else says.
        let how = meant.map_or(How::Unknown, |meant| How::Key(meant.to_string()));
        self.mends.push(Mend { whole: place.clone(), place, how });
    }

    /// A key that is lacking where it would be taken over from, which is said there.
    pub fn lacks_like_another(&mut self, table: &SpecPlace, key: &str) {
        self.mends.push(Mend { place: table.child(key), how: How::Unknown, whole: table.clone() });
    }

    /// A value that is wrong as what it takes over is, of which it is said there.
    pub fn value_like_another(&mut self, place: SpecPlace) {
        self.mends.push(Mend { whole: place.clone(), place, how: How::Unknown });
    }

    /// An entry is there twice, each right by itself.
    pub fn again(&mut self, entry: SpecPlace, error: SpecError) {
        self.push(error, Mend { place: entry.clone(), how: How::Leave, whole: entry });
    }

    fn push(&mut self, error: SpecError, mend: Mend) {
        self.errors.push(error);
        self.mends.push(mend);
    }

    /// Takes what is wrong as it was meant, or as unknown; whether anything has changed.
    pub fn mend(&self, spec: &mut Node) -> bool {
        let mut changed = false;
        for mend in &self.mends {
            changed |= mend.make(spec);
        }
        changed
    }

    /// Marks what cannot be without what is wrong; whether anything has changed.
    pub fn leave_out(&self, spec: &mut Node) -> bool {
        let mut changed = false;
        for Mend { whole: SpecPlace(parts), .. } in &self.mends {
            // Without the spec itself nothing is left.
            let there =
                if parts.is_empty() { None } else { parts.iter().try_fold(&mut *spec, |node, part| below(node, part)) };
            if let Some(node) = there.filter(|node| !node.is_unknown()) {
                node.content = NodeContent::Unknown;
                changed = true;
            }
        }
        changed
    }
}

impl Mend {
    /// Whether anything has changed.
    fn make(&self, spec: &mut Node) -> bool {
        let Some((last, parents)) = self.place.0.split_last() else { return false };
        let Some(parent) = parents.iter().try_fold(spec, |node, part| below(node, part)) else { return false };
        if let How::Unknown = self.how {
            let origin = parent.origin.clone();
            return match below(parent, last) {
                Some(node) if node.is_unknown() => false,
                Some(node) => {
                    node.content = NodeContent::Unknown;
                    true
                }
                None => insert(parent, last, origin),
            };
        }
        match (&self.how, &mut parent.content) {
            (How::Text(text), _) => below(parent, last).is_some_and(|node| {
                let is_other = node.text() != Some(text.as_str());
                node.content = NodeContent::Text(text.clone());
                is_other
            }),
            (How::List, _) => below(parent, last).is_some_and(|node| {
                let alone = node.list().is_none() && !node.is_unknown();
                if alone {
                    node.content = NodeContent::List(vec![node.clone()]);
                }
                alone
            }),
            (How::Key(key), NodeContent::Table(table)) => match table.shift_remove(last) {
                Some(value) => {
                    table.entry(key.clone()).or_insert(value);
                    true
                }
                None => false,
            },
            _ => false,
        }
    }
}

/// The value under a key, or the entry of a list by its name or index.
fn below<'n>(node: &'n mut Node, part: &str) -> Option<&'n mut Node> {
    match &mut node.content {
        NodeContent::Table(table) => table.get_mut(part),
        NodeContent::List(list) => {
            let is = |entry: &Node| entry.name() == Some(part);
            let index = list.iter().position(is).or_else(|| part.parse().ok())?;
            list.get_mut(index)
        }
        _ => None,
    }
}

/// Puts a key into a table that lacks it.
fn insert(parent: &mut Node, key: &str, origin: Origin) -> bool {
    let NodeContent::Table(table) = &mut parent.content else { return false };
    table.insert(key.to_string(), Node { content: NodeContent::Unknown, origin });
    true
}
