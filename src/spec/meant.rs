//! A spec that is refused, as it was probably meant: so that what else is wrong with it, and shows only once it can be read, is said
//! with the rest.

use super::error::SpecError;
use super::node::{Content, Node, Origin};
use super::source::Source;
use std::ops::Range;
use std::sync::Arc;

/// Tables whose keys are the user's own: without one of them the rest means what it meant.
const OWN_KEYS: [&str; 3] = ["where", "derive", "aggregate"];

/// The values without what is wrong with them: misspelt keys and words as they were meant, elements of lists and conditions left out.
/// `None` where something is wrong in another way, or the error has no place in a file.
pub(super) fn meant(values: &Node, errors: &[SpecError]) -> Option<Node> {
    let mut repaired = values.clone();
    for error in errors {
        let (source, span) = error.place()?;
        let fault = Fault { source, span, meant: error.meant() };
        if fault.mend(&mut repaired, false) != Mended::Yes {
            return None;
        }
    }
    Some(repaired)
}

/// What is wrong, and where.
struct Fault<'e> {
    source: &'e Arc<Source>,
    span: &'e Range<usize>,
    meant: Option<&'e str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mended {
    Yes,
    /// It is not here.
    Elsewhere,
    /// It is here and can not be mended.
    No,
}

impl Fault<'_> {
    /// Mends what is within a value; `own` says whether its keys are the user's own.
    fn mend(&self, node: &mut Node, own: bool) -> Mended {
        match &mut node.content {
            Content::Table(table) => {
                for index in 0..table.len() {
                    let Some((key, below)) = table.get_index_mut(index) else { break };
                    let key = key.clone();
                    if self.is_key(below) {
                        let value = table.shift_remove_index(index);
                        if let (Some(meant), Some((_, value))) = (self.meant, value)
                            && !table.contains_key(meant)
                        {
                            table.insert(meant.to_string(), value);
                        }
                        return Mended::Yes;
                    }
                    match self.mend(below, OWN_KEYS.contains(&key.as_str())) {
                        Mended::No if own => {
                            table.shift_remove_index(index);
                            return Mended::Yes;
                        }
                        Mended::Elsewhere => {}
                        done => return done,
                    }
                }
                Mended::Elsewhere
            }
            Content::List(list) => {
                for index in 0..list.len() {
                    match self.mend(&mut list[index], false) {
                        Mended::No => {
                            list.remove(index);
                            return Mended::Yes;
                        }
                        Mended::Elsewhere => {}
                        done => return done,
                    }
                }
                self.at(node)
            }
            _ => match (self.at(node), self.meant, &mut node.content) {
                (Mended::No, Some(meant), Content::Text(text)) => {
                    *text = meant.to_string();
                    Mended::Yes
                }
                (mended, ..) => mended,
            },
        }
    }

    /// Whether it is about the key of a value.
    fn is_key(&self, node: &Node) -> bool {
        let Origin::File { source, key: Some(key), value } = &node.origin else { return false };
        Arc::ptr_eq(source, self.source) && key == self.span && value != self.span
    }

    /// Whether it is about a value, or a part of it.
    fn at(&self, node: &Node) -> Mended {
        match &node.origin {
            Origin::File { source, value, .. }
                if Arc::ptr_eq(source, self.source) && value.start <= self.span.start && self.span.end <= value.end =>
            {
                Mended::No
            }
            _ => Mended::Elsewhere,
        }
    }
}
