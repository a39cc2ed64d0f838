//! The models of a spec, opened when a step asks for them.

use super::cache::Identity;
use super::{ModelCache, Usage};
use crate::Error;
pub use crate::model::ModelName;
use crate::model::facts::Facts;
use crate::model::files::{ModelInput, parts, revision};
use crate::model::{Lookup, Model, Sketch, device};
use crate::prompt::{self, Census, PromptError, PromptSet};
use crate::spec::{self, Loaded};
use std::path::Path;
use std::rc::Rc;

/// Opens models; holds the last one, so that memory is never asked for two.
pub struct Models<'a> {
    loaded: &'a Loaded,
    quiet: bool,
    cache: Rc<ModelCache>,
    usage: Usage,
}

impl<'a> Models<'a> {
    /// The models of a spec; none is opened yet. Downloads are shown unless `quiet`.
    pub fn new(loaded: &'a Loaded, quiet: bool) -> Self {
        Self::sharing(loaded, quiet, Rc::default())
    }

    /// The models of a spec that shares them with others.
    pub fn sharing(loaded: &'a Loaded, quiet: bool, cache: Rc<ModelCache>) -> Self {
        Self { loaded, quiet, cache, usage: Usage::default() }
    }

    /// What was asked of the spec.
    pub fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Every model and checkpoint that `selected` names; all of the spec when it is empty.
    pub fn names(&self, selected: &[String]) -> Vec<ModelName> {
        let all = std::iter::once("model").chain(self.loaded.spec.models.keys().map(String::as_str));
        let chosen = all.filter(|name| selected.is_empty() || selected.iter().any(|wanted| wanted == name));
        chosen.filter_map(|name| Some((name, self.spec(name)?))).flat_map(|(name, spec)| expand(name, spec)).collect()
    }

    fn spec(&self, name: &str) -> Option<&'a spec::Model> {
        match name {
            "model" => self.loaded.spec.model.as_ref(),
            _ => self.loaded.spec.models.get(name),
        }
    }

    /// What the spec says of a model.
    pub fn settings(&self, name: &ModelName) -> Option<&'a spec::Model> {
        self.spec(&name.name)
    }

    /// The precision a model runs in.
    pub fn dtype(&self, name: &ModelName) -> spec::Dtype {
        self.settings(name).map_or_else(Default::default, |spec| spec.dtype)
    }

    /// A model's facts and tokenizer, its files found and checked, its device there. Looked at once, while its files stay as
    /// they are.
    pub fn sketch(&self, name: &ModelName) -> Result<Rc<Sketch>, Error> {
        let (spec, base) = self.find(name)?;
        let lookup = self.lookup(&base, name);
        self.cache.sketch(Identity::of(spec, lookup), || {
            device::open_for(spec).map_err(|error| self.refuse(name, error.key(), error.to_string()))?;
            let sketch = Model::sketch(spec, lookup)
                .map_err(|error| self.refuse(name, error.key(), format!("model '{name}': {error}")))?;
            let (bytes, largest) = (sketch.card.held_bytes(), sketch.card.largest_matrix());
            device::hold(spec, bytes, largest).map_err(|error| self.refuse(name, error.key(), error.to_string()))?;
            Ok(sketch)
        })
    }

    /// A model's architecture, from its files.
    pub fn facts(&self, name: &ModelName) -> Result<Facts, Error> {
        let (spec, base) = self.find(name)?;
        Model::architecture(spec, self.lookup(&base, name))
            .map_err(|error| self.refuse(name, "source", format!("model '{name}': {error}")))
    }

    /// What is wrong with a key of a model.
    fn refuse(&self, name: &ModelName, key: &str, problem: String) -> Error {
        let path: &[&str] = if name.name == "model" { &["model", key] } else { &["models", &name.name, key] };
        self.loaded.refuse(path, problem, None).into()
    }

    /// The model, opened now unless it is the one that was asked for last and its files are as they were.
    pub fn open(&self, name: &ModelName) -> Result<Rc<Model>, Error> {
        self.usage.model(name);
        let (spec, base) = self.find(name)?;
        let lookup = self.lookup(&base, name);
        let model = self.cache.model(Identity::of(spec, lookup), || {
            Model::open(spec, lookup).map_err(Error::refused(format!("model '{name}'")))
        })?;
        model.transformer().reads().iter().for_each(|reads| self.usage.reads(name, reads));
        Ok(model)
    }

    /// Seconds that reading one layer takes, where not all layers are held in memory.
    ///
    /// # Errors
    /// Files that are not there.
    pub fn time_reading(&self, name: &ModelName) -> Result<Option<f64>, Error> {
        let (spec, base) = self.find(name)?;
        Model::time_reading(spec, self.lookup(&base, name)).map_err(Error::refused(format!("model '{name}'")))
    }

    /// Prompts in the tokens of an opened model, `batch` at a time; made by the first step that asks for them.
    ///
    /// # Errors
    /// What `make` returns.
    pub fn set<E>(
        &self,
        model: &Rc<Model>,
        prompts: &spec::Prompts,
        batch: usize,
        make: impl FnOnce() -> Result<PromptSet, E>,
    ) -> Result<Rc<PromptSet>, E> {
        self.cache.set(model, (prompts, batch), make)
    }

    /// What plans need of prompts in the tokens of a model that is not opened; counted once.
    ///
    /// # Errors
    /// Prompts that cannot be had.
    pub fn census(&self, prompts: &spec::Prompts, sketch: &Rc<Sketch>) -> Result<Rc<Census>, PromptError> {
        self.cache.censuses.of(prompts, sketch)
    }

    /// How many prompts means are taken over, of a model that is not opened; counted once.
    ///
    /// # Errors
    /// Prompts that cannot be had.
    pub fn drawn(
        &self,
        prompts: &spec::Prompts,
        sketch: &Rc<Sketch>,
        wanted: &prompt::Wanted,
    ) -> Result<usize, PromptError> {
        self.cache.censuses.every(prompts, sketch, wanted)
    }

    /// Everything that a model is read from.
    ///
    /// # Errors
    /// Files that are not there.
    pub fn parts(&self, name: &ModelName) -> Result<Vec<ModelInput>, Error> {
        let (spec, base) = self.find(name)?;
        parts(spec, self.lookup(&base, name)).map_err(Error::refused(format!("model '{name}'")))
    }

    /// The commit that a model of the hub is read at.
    pub fn revision(&self, name: &ModelName) -> Option<String> {
        let (spec, base) = self.find(name).ok()?;
        revision(spec, self.lookup(&base, name))
    }

    fn lookup<'l>(&self, base: &'l Path, name: &'l ModelName) -> Lookup<'l> {
        Lookup { base, checkpoint: name.checkpoint.as_deref(), quiet: self.quiet }
    }

    fn find(&self, name: &ModelName) -> Result<(&'a spec::Model, std::path::PathBuf), Error> {
        let spec = self.spec(&name.name).ok_or_else(|| Error::refused(format!("model '{name}'"))("no such model"))?;
        let path: &[&str] = match name.name.as_str() {
            "model" => &["model", "source"],
            name => &["models", name, "source"],
        };
        Ok((spec, self.loaded.directory(path)))
    }
}

fn expand(name: &str, spec: &spec::Model) -> Vec<ModelName> {
    let at = |checkpoint: Option<String>| ModelName { name: name.to_string(), checkpoint };
    match spec.checkpoints.as_slice() {
        [] => vec![at(None)],
        checkpoints => checkpoints.iter().map(|checkpoint| at(Some(checkpoint.clone()))).collect(),
    }
}
