//! The variants that a matrix makes of a spec.

use super::resolved::{all_sources, read_as, spec_of};
use crate::spec::check::check_matrix;
use crate::spec::check::wrong_value;
use crate::spec::error::{SpecError, SpecErrors};
use crate::spec::loaded::{Loaded, Outer, SpecVariants, Variant, VariantKey};
use crate::spec::matrix::{self, Combination, Setting};
use crate::spec::merge::{INHERITING, Layer, LayerStack, takes};
use crate::spec::node::{Node, NodeContent};
use crate::spec::source::Source;
use crate::spec::{Spec, overrides};
use std::sync::Arc;

/// The first variant of a matrix, with all of them; of the layers of `stack` the lowest so many are `files`.
pub(super) fn variants(
    stack: &LayerStack,
    files: usize,
    written: &Node,
    mut errors: Vec<SpecError>,
    outer: Outer,
    sources: Vec<Arc<Source>>,
) -> Result<Loaded, SpecErrors> {
    let mut matrix = written.clone();
    errors.extend(check_matrix(&mut matrix));
    let matrix::MatrixReading { axes, lost, combinations } = matrix::combinations(&matrix, &mut errors);
    let mut refused = if errors.is_empty() { Vec::new() } else { vec![SpecErrors::new(errors)] };
    let mut variants = Vec::with_capacity(combinations.len());
    let mut complete = true;
    for Combination { name, labels, settings } in combinations {
        let (loaded, mut reach) = variant(stack, files, (axes.as_slice(), settings), &outer, sources.clone());
        let loaded = match loaded {
            Ok(loaded) => Some(loaded),
            Err(errors) => {
                let loaded = errors.meant().cloned();
                refused.push(errors);
                loaded
            }
        };
        reach.extend(lost.iter().map(|&axis| VariantKey { axes: vec![axis], path: Vec::new() }));
        // Rows are those of all variants.
        complete &= loaded.is_some();
        variants.extend(loaded.map(|loaded| Variant { name, labels, loaded, reach }));
    }
    if !refused.is_empty() {
        in_all(&mut variants);
    }
    let first = variants.first().filter(|_| complete).map(|variant| variant.loaded.clone());
    let whole = first.map(|first| {
        let sources = all_sources(variants.iter().map(|variant| &variant.loaded));
        let mut whole = Loaded { sweep: Some(SpecVariants { axes, variants }), sources, layers: outer, ..first };
        if let NodeContent::Table(values) = &mut whole.values.content {
            values.insert("matrix".into(), written.clone());
        }
        whole
    });
    match whole {
        Some(mut whole) if refused.is_empty() => {
            whole.spec.matrix = Some(read_as(written)?);
            Ok(whole)
        }
        whole => Err(SpecErrors::join(refused).meaning(whole)),
    }
}

/// Leaves what is made of rows that are not those of all variants out of each.
fn in_all(variants: &mut [Variant]) {
    let specs: Vec<&Spec> = variants.iter().map(|variant| &variant.loaded.spec).collect();
    let Some(first) = specs.first() else { return };
    let tables = first.tables.iter().filter(|table| specs.iter().all(|spec| spec.tables.contains(table)));
    let figures = first.figures.iter().filter(|figure| specs.iter().all(|spec| spec.figures.contains(figure)));
    let expected = first.expectations.iter().filter(|one| specs.iter().all(|spec| spec.expectations.contains(one)));
    let (tables, figures): (Vec<_>, Vec<_>) = (tables.cloned().collect(), figures.cloned().collect());
    let expected: Vec<_> = expected.cloned().collect();
    for Variant { loaded, .. } in variants {
        loaded.spec.tables.clone_from(&tables);
        loaded.spec.figures.clone_from(&figures);
        loaded.spec.expectations.clone_from(&expected);
    }
}

/// A spec with settings laid over it, or what is wrong with it, and the keys that these reach.
fn variant(
    stack: &LayerStack,
    files: usize,
    (names, settings): (&[String], Vec<Setting>),
    outer: &Outer,
    sources: Vec<Arc<Source>>,
) -> (Result<Loaded, SpecErrors>, Vec<VariantKey>) {
    let mut stack = stack.clone();
    // Flags that are wrong have no layer.
    let outside = stack.above(files).len();
    let mut laid = Vec::with_capacity(settings.len());
    let mut reach = Vec::new();
    let mut errors = Vec::new();
    for Setting { axes, path, value } in settings {
        let merged = stack.merged();
        let written = value.clone();
        match overrides::set(&merged, &path, value) {
            Ok((layer, path)) => {
                errors.extend(laid.iter().any(|other| overrides::says(other, &path)).then(|| twice(&written, &path)));
                let set = stack.above(files).iter().take(outside).filter(|other| overrides::says(other, &path));
                errors.extend(set.map(|other| fixed(other, &path, &axes, names)));
                reach.extend(reached(&merged, &path, &axes));
                stack.push(layer.clone());
                laid.push(layer);
            }
            Err(error) => errors.push(error),
        }
    }
    let layers = Outer { variant: Some(laid), ..outer.clone() };
    (spec_of(&stack, false, errors, layers, sources), reach)
}

/// A variable or flag for a key that the matrix varies.
fn fixed(layer: &Layer, path: &[String], axes: &[usize], names: &[String]) -> SpecError {
    let key = path.join(".");
    let axis = axes.first().and_then(|&axis| names.get(axis)).map_or("AXIS", String::as_str);
    SpecError::new(format!("{}: the matrix already varies {key}", layer.name))
        .advise(format!("write the values into its axis: --set 'matrix.{axis}.values=[…]'"))
}

/// A key that two axes vary, or an axis and what is included.
fn twice(value: &Node, path: &[String]) -> SpecError {
    wrong_value(value, format!("{} is set twice for this variant", path.join("."))).advise("vary it in one axis")
}

/// The keys that have a value once it is set: the key itself, and those of further models and prompt sets that take it from there.
fn reached(merged: &Node, path: &[String], axes: &[usize]) -> Vec<VariantKey> {
    let mut paths = vec![path.to_vec()];
    for (parent, children) in INHERITING {
        let Some((_, rest)) = path.split_first().filter(|(root, _)| *root == parent) else { continue };
        for (name, child) in merged.get(children).and_then(Node::table).into_iter().flatten() {
            let own = rest.iter().try_fold(child, |node, part| node.get(part));
            let takes = rest.first().is_none_or(|key| merged.get(parent).is_none_or(|from| takes(child, from, key)));
            if takes && own.is_none_or(|own| own.table().is_some()) {
                paths.push(
                    [children, name.as_str()]
                        .into_iter()
                        .chain(rest.iter().map(String::as_str))
                        .map(String::from)
                        .collect(),
                );
            }
        }
    }
    paths.into_iter().map(|path| VariantKey { axes: axes.to_vec(), path }).collect()
}
