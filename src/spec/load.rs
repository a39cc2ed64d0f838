//! A spec from its layers: defaults, `extends`, the file, the profile of a known model, the environment, flags.

mod resolved;
mod variants;

use super::error::{SpecError, SpecErrors};
use super::extends::{LayerFiles, normal};
use super::loaded::{Loaded, Outer, Recognised, SpecVariants, Variant};
use super::merge::{Layer, LayerStack};
use super::node::{Node, NodeContent, Origin};
use super::source::Source;
use super::write::{self};
use super::{overrides, profile};
use resolved::{all_sources, keys, spec_of};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a spec file with everything it extends, `ABLATE_…` variables of `env`, and `--set` values (`model.dtype=bf16`).
///
/// # Errors
/// Every error of the spec at once. Syntax errors and files that cannot be read come first and alone: nothing can be said
/// of a spec that is not all there.
pub fn load(path: &Path, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<Loaded, SpecErrors> {
    let mut files = LayerFiles::default();
    files.read(path);
    whole(files, sets, env)
}

/// Reads a spec from a text, named so in errors.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Loaded, SpecErrors> {
    let mut files = LayerFiles::default();
    files.add(Source::from_text(name, text.to_string()));
    whole(files, &[], std::iter::empty())
}

/// Reads a resolved spec again that [`Loaded::to_toml`] wrote, named so in errors. `folder` is where a relative path at a key
/// starts from, the key as [`super::SpecValue`] has it.
///
/// # Errors
/// As [`load`].
pub fn recorded(name: &str, text: &str, folder: &dyn Fn(&str) -> PathBuf) -> Result<Loaded, SpecErrors> {
    let mut places: Vec<Arc<Source>> = Vec::new();
    let mut place = |source: &Source, path: &[String]| {
        let folder = folder(&write::key_at(path));
        let known = places.iter().find(|place| place.directory() == folder).cloned();
        known.unwrap_or_else(|| {
            let place = source.in_folder(folder);
            places.push(place.clone());
            place
        })
    };
    let mut files = LayerFiles::default();
    files.add(Source::from_text(name, text.to_string()));
    // Files that the spec names are read from there; what a matrix makes of it has its places only afterwards.
    files.layers.iter_mut().for_each(|layer| relocate(&mut layer.node, &mut Vec::new(), &mut place));
    let mut loaded = whole(files, &[], std::iter::empty())?;
    relocate(&mut loaded.values, &mut Vec::new(), &mut place);
    for variant in loaded.sweep.iter_mut().flat_map(|sweep| &mut sweep.variants) {
        relocate(&mut variant.loaded.values, &mut Vec::new(), &mut place);
    }
    Ok(loaded)
}

/// Gives each value the folder that its paths start from.
fn relocate(node: &mut Node, path: &mut Vec<String>, place: &mut dyn FnMut(&Source, &[String]) -> Arc<Source>) {
    if let Origin::File { source, .. } = &mut node.origin {
        *source = place(source, path);
    }
    let mut below = |part: String, node: &mut Node| {
        path.push(part);
        relocate(node, path, place);
        path.pop();
    };
    match &mut node.content {
        NodeContent::Table(table) => table.iter_mut().for_each(|(key, node)| below(key.clone(), node)),
        NodeContent::List(list) => {
            for (index, node) in list.iter_mut().enumerate() {
                below(node.name().map_or_else(|| index.to_string(), String::from), node);
            }
        }
        _ => {}
    }
}

fn whole(
    files: LayerFiles,
    sets: &[String],
    env: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, SpecErrors> {
    if !files.errors.is_empty() {
        return Err(SpecErrors::new(files.errors.into_iter().chain(files.faults).collect()));
    }
    let outer =
        Outer { files: files.layers, variables: overrides::variables(env), flags: sets.to_vec(), variant: None };
    resolve(outer, &[], files.sources, files.faults)
}

/// The spec of layers; `errors` are those that were found before.
fn resolve(
    outer: Outer,
    profile: &[Layer],
    sources: Vec<Arc<Source>>,
    mut errors: Vec<SpecError>,
) -> Result<Loaded, SpecErrors> {
    let mut stack = LayerStack::default();
    outer.files.iter().chain(profile).for_each(|layer| stack.push(layer.clone()));
    let files = outer.files.len() + profile.len();
    overrides::add_variables(&mut stack, &outer.variables, &keys(), &mut errors);
    overrides::add_flags(&mut stack, &outer.flags, &mut errors);
    match (&outer.variant, stack.merged().get("matrix")) {
        (None, Some(matrix)) => variants::variants(&stack, files, matrix, errors, outer, sources),
        (variant, _) => {
            variant.iter().flatten().for_each(|layer| stack.push(layer.clone()));
            spec_of(&stack, !profile.is_empty(), errors, outer, sources)
        }
    }
}

impl Loaded {
    /// The spec for a model that is known under `name`: resolved again with that model's profile at its place, over the files
    /// and under the environment and flags. Where it has none, the spec as it is.
    ///
    /// # Errors
    /// A profile that cannot be read, and everything that is wrong with the spec it makes.
    pub fn with_profile(&self, name: &str) -> Result<Self, SpecErrors> {
        let Some(known) = self.spec.known.get(name) else {
            return Err(SpecError::new(format!("no known model '{name}'")).into());
        };
        let mut recognised = Recognised { name: name.to_string(), profile: None };
        let Some(file) = &known.profile else {
            return Ok(Self { recognised: Some(recognised), ..self.clone() });
        };
        let key = ["known", name, "profile"];
        let path = normal(&self.directory(&key).join(file));
        let (files, errors) = profile::read(&path, &self.origin(&key), &self.layers.files, &self.sources);
        recognised.profile = files.sources.first().cloned();
        let sources = self.sources.iter().cloned().chain(files.sources).collect();
        // A file that could not be read is no layer: the spec without it has no error of its own.
        match resolve(self.layers.clone(), &files.layers, sources, Vec::new()) {
            Ok(loaded) if errors.is_empty() => Ok(Self { recognised: Some(recognised), ..loaded }),
            Ok(_) => Err(SpecErrors::new(errors)),
            Err(further) => {
                let meant = further.meant().cloned();
                Err(SpecErrors::join([SpecErrors::new(errors), further]).meaning(meant))
            }
        }
    }

    /// The same with other specs for its variants, one for each in their order: what a profile made of them.
    ///
    /// # Errors
    /// Tables, figures, expectations or an output that are not the same in all: they are made of the rows of all.
    pub(crate) fn with_variants(&self, specs: Vec<Loaded>) -> Result<Self, SpecErrors> {
        let (Some(sweep), Some(first)) = (&self.sweep, specs.first().cloned()) else { return Ok(self.clone()) };
        for (variant, spec) in sweep.variants.iter().zip(&specs) {
            if let Some(key) = first.spec.differs_outside_of_steps(&spec.spec) {
                let message = format!(
                    "in variant '{}' the model's profile changes a [[{key}]], which must be the same in all variants",
                    variant.name
                );
                let advice = "leave it out of the profile, or run each model with a spec of its own".to_string();
                return Err(self.refuse(&["matrix"], message, Some(advice)));
            }
        }
        let mut whole = first;
        if let (NodeContent::Table(values), Some(matrix)) = (&mut whole.values.content, self.values.get("matrix")) {
            values.insert("matrix".into(), matrix.clone());
        }
        whole.spec.matrix.clone_from(&self.spec.matrix);
        whole.layers = self.layers.clone();
        whole.sources = all_sources(specs.iter());
        let variants = sweep.variants.iter().cloned().zip(specs);
        let variants = variants.map(|(variant, loaded)| Variant { loaded, ..variant }).collect();
        whole.sweep = Some(SpecVariants { axes: sweep.axes.clone(), variants });
        Ok(whole)
    }
}
