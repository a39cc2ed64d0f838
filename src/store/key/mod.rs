//! Keys of steps: two steps with the same key have the same results. Everything that can change a number is in the key; how
//! things are called, and how much memory or how many threads they take, is not (docs/store.md has the list).

pub mod difference;
pub mod inputs;
pub mod parameters;

use crate::Error;
use crate::context::Models;
use crate::model::ModelName;
use crate::model::files::ModelInput;
use crate::spec::{Loaded, Step, Table};
use crate::system::digests::{of_bytes, of_program};
use crate::system::{Digests, environment};
use inputs::{Inputs, json};
use parameters::NameResolver;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;
use toml::Value;

/// Version of keys themselves.
const FORMAT: u32 = 2;

/// What a step's results depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of the inputs as JSON, in hex.
    pub digest: String,
    /// Everything that the results depend on.
    pub inputs: Inputs,
}

impl Key {
    /// The same for results that have names in them, which are then to be had under these names alone.
    pub fn named(&self, names: &[String]) -> String {
        of_bytes(format!("{}\nnames {names:?}\n", self.digest).as_bytes())
    }
}

/// Makes the keys of one spec's steps.
pub struct Keys<'a> {
    loaded: &'a Loaded,
    models: &'a Models<'a>,
    /// Without them, models are told apart by where they come from alone.
    digests: Option<&'a Digests>,
    build: String,
    processor: String,
    made: RefCell<HashMap<String, Rc<Key>>>,
}

impl<'a> Keys<'a> {
    /// For the steps of this spec with these models.
    ///
    /// # Errors
    /// A program that cannot read itself.
    pub fn new(loaded: &'a Loaded, models: &'a Models<'a>, digests: &'a Digests) -> Result<Self, Error> {
        let build = environment::build(digests).map_err(Error::failed("the running program"))?;
        let processor = environment::processor();
        Ok(Self { loaded, models, digests: Some(digests), build, processor, made: RefCell::default() })
    }

    /// Keys that say which steps of several specs are the same, made without reading any file. They are no keys of results:
    /// they do not have what is in the models' files, nor what computes.
    pub fn to_compare(loaded: &'a Loaded, models: &'a Models<'a>) -> Self {
        let [build, processor] = [String::new(), String::new()];
        Self { loaded, models, digests: None, build, processor, made: RefCell::default() }
    }

    /// A step's key, made the first time that it is asked for. What it reads must have been asked for before it is run: the
    /// models that that step ran may be others later.
    ///
    /// # Errors
    /// Files of a model that cannot be read.
    pub fn of(&self, step: &Step) -> Result<Rc<Key>, Error> {
        if let Some(key) = self.made.borrow().get(step.name()) {
            return Ok(key.clone());
        }
        let key = Rc::new(self.now(step)?);
        self.made.borrow_mut().insert(step.name().to_string(), key.clone());
        Ok(key)
    }

    /// A step's key as its models' files are now.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn now(&self, step: &Step) -> Result<Key, Error> {
        let names = step.models().map(|selected| self.models.names(selected)).unwrap_or_default();
        let mut parameters = parameters::of_step(step, self)?;
        let files = self.files(step)?;
        if let (Value::Table(table), false) = (&mut parameters, files.is_empty()) {
            table.insert("files".into(), Value::Table(files));
        }
        let inputs = Inputs {
            format: FORMAT,
            build: self.build.clone(),
            processor: self.processor.clone(),
            step: format!("{} version {}", step.kind(), step.version()),
            models: names.iter().map(|name| Ok(json(&self.model(name)?))).collect::<Result<_, Error>>()?,
            parameters: json(&parameters),
        };
        let text = serde_json::to_vec(&inputs).map_err(Error::failed(format!("step '{}'", step.name())))?;
        Ok(Key { digest: of_bytes(&text), inputs })
    }

    /// A model: what it is called in the rows, its weights and tokenizer, and all that the spec says of it but where its files
    /// are, which of several devices of a kind it runs on, and how much of it is in memory.
    fn model(&self, name: &ModelName) -> Result<Value, Error> {
        let about = || format!("model '{name}'");
        let settings = self.models.settings(name).ok_or_else(|| Error::refused(about())("no such model"))?;
        let mut value = Value::try_from(settings).map_err(Error::failed(about()))?;
        if let Value::Table(table) = &mut value {
            table.retain(|key, _| !["source", "checkpoints", "device", "memory_mib"].contains(&key));
            table.insert("name".into(), name.name.clone().into());
            table.insert("checkpoint".into(), name.checkpoint.clone().unwrap_or_default().into());
            table.insert("device".into(), settings.device.first().kind().into());
            let files = match self.digests {
                Some(digests) => fingerprint(self.models, name, digests)?,
                None => self.models.parts(name)?.into_iter().map(place).collect::<Vec<_>>().join("\n"),
            };
            table.insert("files".into(), files.into());
        }
        Ok(value)
    }

    /// What is in the files that a step names, by the keys that name them.
    fn files(&self, step: &Step) -> Result<toml::Table, Error> {
        let mut files = toml::Table::new();
        for key in step.common().files() {
            let path: Vec<&str> = ["step", step.name()].into_iter().chain(key.iter().map(String::as_str)).collect();
            let Some(name) = self.loaded.text(&path) else { continue };
            let file = self.loaded.directory(&path).join(name);
            let digest = match self.digests {
                Some(digests) => {
                    let about = || format!("step '{}': {}", step.name(), file.display());
                    digests.of(&file).map_err(|error| Error::failed(about())(error))?
                }
                None => format!("{file:?}"),
            };
            files.insert(key.join("."), digest.into());
        }
        Ok(files)
    }

    /// The step or table whose rows stand in keys under this checksum.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn called(&self, digest: &str) -> Result<Option<String>, Error> {
        let spec = &self.loaded.spec;
        let names = spec.steps.iter().map(Step::name).chain(spec.tables.iter().map(|table| table.name.as_str()));
        for name in names {
            if self.rows(name)? == digest {
                return Ok(Some(name.to_string()));
            }
        }
        Ok(None)
    }

    fn step(&self, name: &str) -> Option<&'a Step> {
        self.loaded.spec.steps.iter().find(|step| step.name() == name)
    }

    fn table(&self, name: &str) -> Option<&'a Table> {
        self.loaded.spec.tables.iter().find(|table| table.name == name)
    }
}

/// Where something is that a model is read from.
fn place(part: ModelInput) -> String {
    match part {
        ModelInput::File { name, path } => format!("{name:?} {path:?}"),
        ModelInput::Bytes { name, bytes } => format!("{name:?} {}", of_program(bytes)),
        ModelInput::Seed(seed) => format!("seed {seed}"),
    }
}

/// SHA-256 over the names and checksums of everything that a model is read from.
///
/// # Errors
/// Files that cannot be read.
pub fn fingerprint(models: &Models, name: &ModelName, digests: &Digests) -> Result<String, Error> {
    let mut text = String::new();
    for part in models.parts(name)? {
        let _ = match part {
            ModelInput::File { name: file, path } => {
                let about = || format!("model '{name}': {}", path.display());
                let digest = digests.of(&path).map_err(|error| Error::failed(about())(error))?;
                writeln!(text, "{file:?} {digest}")
            }
            ModelInput::Bytes { name, bytes } => writeln!(text, "{name:?} {}", of_program(bytes)),
            ModelInput::Seed(seed) => writeln!(text, "seed {seed}"),
        };
    }
    Ok(of_bytes(text.as_bytes()))
}

/// SHA-256 over everything that what can be said of a model without running it depends on: the program, what the spec says of it, and
/// where its files are and what is in them.
///
/// # Errors
/// Files that cannot be read.
pub fn of_model(models: &Models, name: &ModelName, digests: &Digests, build: &str) -> Result<String, Error> {
    let about = || format!("model '{name}'");
    let settings = models.settings(name).ok_or_else(|| Error::refused(about())("no such model"))?;
    let settings = serde_json::to_string(settings).map_err(Error::failed(about()))?;
    let places: Vec<String> = models.parts(name)?.into_iter().map(place).collect();
    let files = fingerprint(models, name, digests)?;
    let checkpoint = name.checkpoint.as_deref().unwrap_or_default();
    Ok(of_bytes(format!("{build}\n{settings}\n{checkpoint:?}\n{}\n{files}", places.join("\n")).as_bytes()))
}

impl NameResolver for Keys<'_> {
    fn prompts(&self, set: Option<&str>) -> Option<Value> {
        let spec = &self.loaded.spec;
        let prompts = match set {
            None => spec.prompts.as_ref(),
            Some(name) => spec.prompt_sets.get(name),
        };
        Value::try_from(prompts?).ok()
    }

    fn rows(&self, name: &str) -> Result<String, Error> {
        let (root, part) = name.split_at(name.find('.').unwrap_or(name.len()));
        if let Some(step) = self.step(root) {
            return Ok(format!("{}{part}", self.of(step)?.digest));
        }
        match self.table(root) {
            Some(table) => Ok(of_bytes(json(&parameters::of_table(table, self)?).to_string().as_bytes())),
            None => Err(Error::failed(format!("rows '{name}'"))("no step or table of that name")),
        }
    }
}
