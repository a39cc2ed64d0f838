//! A spec from its layers: defaults, `extends`, the file, the profile of a known model, the environment, flags.

mod variants;

use super::check::check;
use super::error::{SpecError, SpecErrors};
use super::extends::{Files, normal};
use super::matrix::{Sweep, Variant};
use super::meant::meant;
use super::merge::{Layer, Layers, inherit};
use super::node::{Content, Node, Origin};
use super::source::Source;
use super::write::Written;
use super::{Prompts, Spec, overrides, profile, rows, schema, write};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Errors of a spec that are left out at most, to look for further ones.
const MENDED: usize = 20;

/// A spec that has passed every check that needs no model, with the origin of each of its values.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The spec, complete: every entry of `models` and `prompt_sets` has what it takes from `[model]` and `[prompts]`.
    pub spec: Spec,
    /// The files it was read from, itself first.
    pub sources: Vec<Arc<Source>>,
    values: Node,
    layers: Outer,
    recognised: Option<Recognised>,
    /// The variants that a matrix makes of it; its own values are those of the first.
    sweep: Option<Sweep>,
}

/// The layers that a profile comes between.
#[derive(Debug, Clone, Default)]
struct Outer {
    /// Those of files, lowest first.
    files: Vec<Layer>,
    variables: Vec<(String, String)>,
    flags: Vec<String>,
    /// What a matrix lays over all of them, of one of its variants.
    variant: Option<Vec<Layer>>,
}

/// Which of the known models the spec's model is.
#[derive(Debug, Clone)]
pub struct Recognised {
    /// Its name under `known`.
    pub name: String,
    /// The file that was laid over the spec for it, if it has one.
    pub profile: Option<Arc<Source>>,
}

impl std::fmt::Display for Recognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "model 'model' is known as {}", self.name)?;
        self.profile.as_ref().map_or(Ok(()), |profile| write!(f, ": profile {}", profile.name()))
    }
}

/// Reads a spec file with everything it extends, `ABLATE_…` variables of `env`, and `--set` values (`model.dtype=bf16`).
///
/// # Errors
/// Every error of the spec at once. Syntax errors and files that can not be read come first and alone: nothing can be said
/// of a spec that is not all there.
pub fn load(path: &Path, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<Loaded, SpecErrors> {
    let mut files = Files::default();
    files.read(path);
    whole(files, sets, env)
}

/// Reads a spec from a text, named so in errors.
///
/// # Errors
/// As [`load`].
pub fn parse(name: &str, text: &str) -> Result<Loaded, SpecErrors> {
    let mut files = Files::default();
    files.add(Source::from_text(name, text.to_string()));
    whole(files, &[], std::iter::empty())
}

/// Reads a resolved spec again that [`Loaded::to_toml`] wrote, named so in errors. `folder` is where a relative path at a key
/// starts from, the key as [`Written`] has it.
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
    let mut files = Files::default();
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
        Content::Table(table) => table.iter_mut().for_each(|(key, node)| below(key.clone(), node)),
        Content::List(list) => {
            for (index, node) in list.iter_mut().enumerate() {
                below(node.get("name").and_then(Node::text).map_or_else(|| index.to_string(), String::from), node);
            }
        }
        _ => {}
    }
}

fn whole(files: Files, sets: &[String], env: impl Iterator<Item = (String, String)>) -> Result<Loaded, SpecErrors> {
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
    let mut stack = Layers::default();
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

/// The spec of layers that are all there.
fn spec_of(
    stack: &Layers,
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
    if let (Some(_), Content::Table(values)) = (&layers.variant, &mut values.content) {
        values.shift_remove("matrix");
    }
    errors.extend(check(&mut values, &files));
    if !errors.is_empty() {
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
fn of_values(
    values: Node,
    files: &rows::Files,
    layers: Outer,
    sources: Vec<Arc<Source>>,
) -> Result<Loaded, SpecErrors> {
    let mut spec = Spec::deserialize(values.to_toml()).map_err(|error| unchecked(&values, &error))?;
    rows::fill(&mut spec, files.clone());
    spec.prompts = spec.prompts.map(Prompts::settled);
    spec.prompt_sets = spec.prompt_sets.into_iter().map(|(name, prompts)| (name, prompts.settled())).collect();
    Ok(Loaded { spec, sources, values, layers, recognised: None, sweep: None })
}

/// The files of several specs, each once.
fn all_sources<'l>(specs: impl Iterator<Item = &'l Loaded>) -> Vec<Arc<Source>> {
    let mut all: Vec<Arc<Source>> = Vec::new();
    for source in specs.flat_map(|spec| &spec.sources) {
        if all.iter().all(|known| known.name() != source.name()) {
            all.push(source.clone());
        }
    }
    all
}

/// A profile that is laid is part of the spec, which can then be read again where the files of profiles are not.
fn forget_profiles(values: &mut Node) {
    let Content::Table(spec) = &mut values.content else { return };
    let Some(Content::Table(known)) = spec.get_mut("known").map(|node| &mut node.content) else { return };
    for known in known.values_mut() {
        if let Content::Table(known) = &mut known.content {
            known.shift_remove("profile");
        }
    }
}

/// The keys of a spec's top level that a layer may set.
fn keys() -> Vec<String> {
    let properties = schema::resolved().get("properties").and_then(serde_json::Value::as_object);
    properties.into_iter().flatten().map(|(key, _)| key.clone()).filter(|key| key != "extends").collect()
}

/// An error that only serde found: the schema is wider than the type.
fn unchecked(values: &Node, error: &toml::de::Error) -> SpecErrors {
    let error = SpecError::new(error.message().to_string());
    match &values.origin {
        Origin::File { source, value, .. } => error.at(source, value.clone(), "in this spec"),
        _ => error,
    }
    .into()
}

impl Loaded {
    /// The spec for a model that is known under `name`: resolved again with that model's profile at its place, over the files
    /// and under the environment and flags. Where it has none, the spec as it is.
    ///
    /// # Errors
    /// A profile that can not be read, and everything that is wrong with the spec it makes.
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

    /// Its variants, where it has a matrix.
    pub fn sweep(&self) -> Option<&Sweep> {
        self.sweep.as_ref()
    }

    /// The specs that are run for it: those of its variants, or else itself.
    pub fn variants(&self) -> Vec<&Loaded> {
        match &self.sweep {
            Some(sweep) => sweep.variants.iter().map(|variant| &variant.loaded).collect(),
            None => vec![self],
        }
    }

    /// The same with other specs for its variants, one for each in their order: what a profile made of them.
    ///
    /// # Errors
    /// Tables, figures, expectations or an output that are not the same in all: they are made of the rows of all.
    pub fn with_variants(&self, specs: Vec<Loaded>) -> Result<Self, SpecErrors> {
        let (Some(sweep), Some(first)) = (&self.sweep, specs.first().cloned()) else { return Ok(self.clone()) };
        for (variant, spec) in sweep.variants.iter().zip(&specs) {
            if let Some(key) = first.spec.differs_outside_of_steps(&spec.spec) {
                let message =
                    format!("variant '{}' would have another [[{key}]]: its model's profile changes it", variant.name);
                let advice = "write a [[table]] or [[figure]] that is right for all, or run the models by themselves"
                    .to_string();
                return Err(self.refuse(&["matrix"], message, Some(advice)));
            }
        }
        let mut whole = first;
        if let (Content::Table(values), Some(matrix)) = (&mut whole.values.content, self.values.get("matrix")) {
            values.insert("matrix".into(), matrix.clone());
        }
        whole.spec.matrix.clone_from(&self.spec.matrix);
        whole.layers = self.layers.clone();
        whole.sources = all_sources(specs.iter());
        let variants = sweep.variants.iter().cloned().zip(specs);
        let variants = variants.map(|(variant, loaded)| Variant { loaded, ..variant }).collect();
        whole.sweep = Some(Sweep { axes: sweep.axes.clone(), variants });
        Ok(whole)
    }

    /// Which of the known models the spec's model is, once [`Loaded::with_profile`] was told.
    pub fn recognised(&self) -> Option<&Recognised> {
        self.recognised.as_ref()
    }

    /// Where the value at a path comes from. Entries of `step`, `table`, `figure` and `expect` go by
    /// name: `["step", "effects", "models"]`.
    pub fn origin(&self, path: &[&str]) -> Origin {
        self.find(path).map_or(Origin::Default, |node| node.origin.clone())
    }

    /// The folder that a relative path at this key starts from: that of the file that wrote it, or the current one where a
    /// flag or a variable did.
    pub fn directory(&self, path: &[&str]) -> PathBuf {
        match self.origin(path) {
            Origin::File { source, .. } => source.directory().to_path_buf(),
            _ => PathBuf::new(),
        }
    }

    /// An error about the value at a path, for what is found only once a model is there: "layer 33 of 32". Points at the
    /// nearest table that is written where the value itself is not.
    pub fn refuse(&self, path: &[&str], message: impl Into<String>, advice: Option<String>) -> SpecErrors {
        let node = (0..=path.len()).rev().find_map(|length| self.find(path.get(..length)?));
        let error = match node.map(|node| &node.origin) {
            Some(Origin::File { source, value, .. }) => SpecError::new(message).at(source, value.clone(), ""),
            Some(Origin::Variable(text) | Origin::Flag(text)) => SpecError::new(format!("{text}: {}", message.into())),
            Some(Origin::Default) | None => SpecError::new(message),
        };
        error.advise_option(advice).into()
    }

    /// The whole spec as TOML, every default written out. Reading it gives the same spec.
    pub fn to_toml(&self) -> String {
        write::write(&self.spec, None)
    }

    /// The same with where each value comes from at the end of its line: `file:line:column`, a variable, a flag, or `default`.
    pub fn to_toml_with_origins(&self) -> String {
        write::write(&self.spec, Some(&|path: &[&str]| self.origin(path).to_string()))
    }

    /// The same with something else said of each value, by its key as [`Written`] has it.
    pub fn to_toml_with(&self, note: &dyn Fn(&str) -> String) -> String {
        write::write(&self.spec, Some(&|path: &[&str]| note(&write::key_at(path))))
    }

    /// Every value with its origin.
    pub fn values(&self) -> Vec<Written> {
        write::values(&self.spec, &|path: &[&str]| self.origin(path))
    }

    /// `--set` values that were laid over it, in order.
    pub fn flags(&self) -> &[String] {
        &self.layers.flags
    }

    /// `ABLATE_…` variables that were laid over it, by name.
    pub fn variables(&self) -> &[(String, String)] {
        &self.layers.variables
    }

    /// Every value that is written, with its origin; what `models` and `prompt_sets` take from `[model]` and `[prompts]` too.
    pub(super) fn nodes(&self) -> &Node {
        &self.values
    }

    fn find(&self, path: &[&str]) -> Option<&Node> {
        let mut node = &self.values;
        for part in path {
            node = match &node.content {
                Content::Table(table) => table.get(*part)?,
                Content::List(list) => {
                    let named = list.iter().find(|entry| entry.get("name").and_then(Node::text) == Some(*part));
                    named.or_else(|| list.get(part.parse::<usize>().ok()?))?
                }
                _ => return None,
            };
        }
        Some(node)
    }
}
