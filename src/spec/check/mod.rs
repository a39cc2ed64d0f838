//! Checks a spec's values against its schema and the names in it against each other, gathering every error.

mod format;
mod mend;
mod names;
mod place;
mod prompts;
mod structure;
mod types;

pub(super) use place::{wrong_key, wrong_value};

use super::error::SpecError;
use super::node::{Node, NodeContent};
use super::rows;
use super::value_schema::ValueSchema;
use indexmap::IndexMap;

/// How often errors are mended and looked behind. What is behind an error is seldom behind another, too.
const ROUNDS: usize = 10;

/// Of a spec with more errors nobody knows what was meant.
const MENDED: usize = 100;

/// Every error of a merged spec; `files` are those of rows. What is wrong is unknown in it then, or as it was probably meant, so
/// that nothing is said that comes of another error alone.
pub(super) fn check(spec: &mut Node, files: &rows::RowsFiles) -> Vec<SpecError> {
    let mut errors = Vec::new();
    for _ in 0..ROUNDS {
        let mut walk = structure::Walk::default();
        walk.check(spec);
        let structure::Walk { mut faults, references, absent, .. } = walk;
        let many = faults.len() > MENDED;
        let mut changed = !many && faults.mend(spec);
        // Names are judged once keys are in their places.
        if !changed {
            names::check(spec, &references, &absent, &mut faults);
            prompts::check(spec, files, &mut faults);
            changed = !many && faults.mend(spec);
        }
        errors.append(&mut faults.errors);
        if !changed {
            break;
        }
    }
    errors
}

/// Leaves out of a spec what cannot be without something that was left out before; `None` where the rest is no spec, and whether
/// anything was left out.
pub(super) fn leave_out(spec: &mut Node, files: &rows::RowsFiles) -> Option<bool> {
    let mut walk = structure::Walk::default();
    walk.check(spec);
    let structure::Walk { mut faults, references, absent, .. } = walk;
    names::check(spec, &references, &absent, &mut faults);
    prompts::check(spec, files, &mut faults);
    match (faults.is_empty(), faults.leave_out(spec)) {
        (true, _) => Some(false),
        (false, true) => Some(true),
        (false, false) => None,
    }
}

/// Every error of the form of `[matrix]`, before it makes variants. What is wrong is unknown in it then.
pub(super) fn check_matrix(matrix: &mut Node) -> Vec<SpecError> {
    const KEY: &str = "matrix";
    let Some(schema) = ValueSchema::named("Matrix") else { return Vec::new() };
    let mut errors = Vec::new();
    let origin = matrix.origin.clone();
    let unknown = Node { content: NodeContent::Unknown, origin: origin.clone() };
    let held = std::mem::replace(matrix, unknown);
    let mut root = Node { content: NodeContent::Table(IndexMap::from([(KEY.to_string(), held)])), origin };
    for _ in 0..ROUNDS {
        let mut walk = structure::Walk::default();
        if let Some(matrix) = root.get(KEY) {
            walk.check_at(matrix, schema, KEY);
        }
        let mut faults = walk.faults;
        let changed = faults.mend(&mut root);
        errors.append(&mut faults.errors);
        if !changed {
            break;
        }
    }
    if let NodeContent::Table(table) = &mut root.content
        && let Some(held) = table.shift_remove(KEY)
    {
        *matrix = held;
    }
    errors
}
