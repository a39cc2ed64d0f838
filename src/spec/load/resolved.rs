//! A spec of its merged layers: checked, and read into its types.

use crate::spec::check::check;
use crate::spec::error::{SpecError, SpecErrors};
use crate::spec::loaded::{Loaded, Outer};
use crate::spec::meant::{meant, within};
use crate::spec::merge::{LayerStack, inherit};
use crate::spec::node::{Node, NodeContent, Origin};
use crate::spec::source::Source;
use crate::spec::value_schema::ValueSchema;
use crate::spec::{Prompts, Spec, rows};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use std::sync::Arc;

/// Errors of a spec that are left out at most, to look for further ones.
pub(super) const MENDED: usize = 20;

/// The spec of layers that are all there.
pub(super) fn spec_of(
    stack: &LayerStack,
    profiled: bool,
    mut errors: Vec<SpecError>,
    layers: Outer,
    mut sources: Vec<Arc<Source>>,
) -> Result<Loaded, SpecErrors> {
    let mut values = stack.merged_lists();
    inherit(&mut values);
    let files = rows::read(&mut values, &mut sources, &mut errors);
    if profiled {
        forget_profiles(&mut values);
    }
    if let (Some(_), NodeContent::Table(values)) = (&layers.variant, &mut values.content) {
        values.shift_remove("matrix");
    }
    errors.extend(check(&mut values, &files));
    // What is unknown without an error here was refused where it stands, as the values of an axis are.
    if !errors.is_empty() || within(&values) {
        let errors = SpecErrors::new(errors);
        // Of a file with very many nobody knows what was meant.
        let few = errors.len() <= MENDED;
        let meant = few.then(|| meant(&values, &files)).flatten();
        let meant = meant.and_then(|values| of_values(values, &files, layers, sources).ok());
        return Err(errors.meaning(meant));
    }
    of_values(values, &files, layers, sources)
}

/// The spec of values that have been checked.
pub(super) fn of_values(
    values: Node,
    files: &rows::RowsFiles,
    layers: Outer,
    sources: Vec<Arc<Source>>,
) -> Result<Loaded, SpecErrors> {
    let mut spec: Spec = read_as(&values)?;
    rows::fill(&mut spec, files.clone());
    spec.prompts = spec.prompts.map(Prompts::settled);
    spec.prompt_sets = spec.prompt_sets.into_iter().map(|(name, prompts)| (name, prompts.settled())).collect();
    Ok(Loaded { spec, sources, values, layers, recognised: None, sweep: None })
}

/// The files of several specs, each once.
pub(super) fn all_sources<'l>(specs: impl Iterator<Item = &'l Loaded>) -> Vec<Arc<Source>> {
    let mut all: Vec<Arc<Source>> = Vec::new();
    for source in specs.flat_map(|spec| &spec.sources) {
        if all.iter().all(|known| known.name() != source.name()) {
            all.push(source.clone());
        }
    }
    all
}

/// A profile that is laid is part of the spec, which can then be read again where the files of profiles are not.
pub(super) fn forget_profiles(values: &mut Node) {
    let NodeContent::Table(spec) = &mut values.content else { return };
    let Some(NodeContent::Table(known)) = spec.get_mut("known").map(|node| &mut node.content) else { return };
    for known in known.values_mut() {
        if let NodeContent::Table(known) = &mut known.content {
            known.shift_remove("profile");
        }
    }
}

/// The keys of a spec's top level that a layer may set.
pub(super) fn keys() -> Vec<String> {
    ValueSchema::spec().keys().into_iter().map(|(key, _)| key.to_string()).filter(|key| key != "extends").collect()
}

/// Values as their type.
///
/// # Errors
/// What only the type refuses, since the schema is wider, at the value that it is about.
pub(super) fn read_as<T: DeserializeOwned>(values: &Node) -> Result<T, SpecErrors> {
    serde_path_to_error::deserialize(values.to_toml()).map_err(|error: serde_path_to_error::Error<toml::de::Error>| {
        let node = nearest(values, error.path());
        SpecError::about(&node.origin, error.inner().message()).into()
    })
}

/// The value at a path, or the nearest one around it that is written: what is read by the kind that it names has no path of its own.
fn nearest<'n>(values: &'n Node, path: &serde_path_to_error::Path) -> &'n Node {
    let mut node = values;
    for segment in path {
        let below = match segment {
            Segment::Map { key } => node.get(key),
            Segment::Seq { index } => node.list().and_then(|list| list.get(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let Some(below) = below.filter(|below| !matches!(below.origin, Origin::Default)) else { break };
        node = below;
    }
    node
}
