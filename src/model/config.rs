//! `config.json`, as transformers 4 and transformers 5 write it, read with checks.

use crate::kernel::ActivationFunction;
use serde_json::{Map, Value};
use std::cell::RefCell;

/// A key of a model's configuration that is missing, of the wrong kind, or asks for something ablate does not have.
/// Displays as a fragment that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// The parsed object of a `config.json`, and what there is to note of it.
#[derive(Debug, Clone)]
pub struct Config {
    values: Map<String, Value>,
    notes: RefCell<Vec<String>>,
}

/// No extent of a real model is larger; a file that says so is wrong, and products of two stay far from overflow.
const LARGEST_SIZE: u64 = 1 << 28;
/// Published models have a few hundred blocks and heads.
const MOST_LAYERS: usize = 1000;
const MOST_HEADS: usize = 4096;

impl Config {
    /// # Errors
    /// When `value` is not an object.
    pub fn new(value: &Value) -> Result<Self, ConfigError> {
        match value {
            Value::Object(values) => Ok(Self { values: values.clone(), notes: RefCell::default() }),
            other => Err(ConfigError(format!("expected an object of settings, found {}", kind(other)))),
        }
    }

    /// The value of `key`; `null` counts as not there.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Whether `key` is there, be it `null`.
    pub fn names_key(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Every key that is there.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The same with some keys of another where it lacks them.
    #[must_use]
    pub fn with_fallback(mut self, other: &Self, keys: &[&str]) -> Self {
        for &key in keys {
            if let (false, Some(value)) = (self.values.contains_key(key), other.values.get(key)) {
                self.values.insert(key.into(), value.clone());
            }
        }
        self
    }

    /// The same with every key of `aliases` (its name, and the name that families read) under its second name. Where both are
    /// there the first is followed, as by transformers, which sets it last.
    #[must_use]
    pub fn with_aliases(mut self, aliases: &[(&str, &str)]) -> Self {
        for (alias, name) in aliases {
            if let Some(value) = self.values.remove(*alias) {
                self.values.insert((*name).into(), value);
            }
        }
        self
    }

    /// Keeps something that a user of the model should know.
    pub fn note(&self, note: impl Into<String>) {
        let (mut notes, note) = (self.notes.borrow_mut(), note.into());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// What was noted.
    pub fn notes(&self) -> Vec<String> {
        self.notes.borrow().clone()
    }

    /// Refuses a `null` where transformers has a value of its own for an absent key alone.
    fn not_null(&self, key: &str) -> Result<(), ConfigError> {
        match self.values.get(key) {
            Some(Value::Null) => Err(ConfigError(format!("'{key}' is null: write a value, or leave the key out"))),
            _ => Ok(()),
        }
    }

    /// A whole number from 1.
    pub fn size(&self, key: &str) -> Result<usize, ConfigError> {
        self.size_if(key)?.ok_or_else(|| ConfigError(format!("'{key}' is missing")))
    }

    /// A whole number from 1, or `default` where the key is absent.
    pub fn size_or(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        self.not_null(key)?;
        Ok(self.size_if(key)?.unwrap_or(default))
    }

    /// A whole number from 1, if there.
    pub fn size_if(&self, key: &str) -> Result<Option<usize>, ConfigError> {
        self.get(key)
            .map(|value| match value.as_u64() {
                Some(size @ 1..=LARGEST_SIZE) => Ok(size as usize),
                _ => {
                    Err(ConfigError(format!("'{key}' must be a whole number from 1 to {LARGEST_SIZE}, found {value}")))
                }
            })
            .transpose()
    }

    /// The number of blocks under `key`.
    pub fn layers(&self, key: &str) -> Result<usize, ConfigError> {
        at_most(MOST_LAYERS, key, self.size(key)?)
    }

    /// The number of blocks under `key`, or `default` where the key is absent.
    pub fn layers_or(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        at_most(MOST_LAYERS, key, self.size_or(key, default)?)
    }

    /// The number of heads under `key`.
    pub fn heads(&self, key: &str) -> Result<usize, ConfigError> {
        at_most(MOST_HEADS, key, self.size(key)?)
    }

    /// The number of heads under `key`, or `default` where the key is absent.
    pub fn heads_or(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
        at_most(MOST_HEADS, key, self.size_or(key, default)?)
    }

    /// A finite number above 0.
    pub fn positive(&self, key: &str) -> Result<f64, ConfigError> {
        self.positive_if(key)?.ok_or_else(|| ConfigError(format!("'{key}' is missing")))
    }

    /// A finite number above 0, if there.
    pub fn positive_if(&self, key: &str) -> Result<Option<f64>, ConfigError> {
        self.get(key)
            .map(|value| match value.as_f64() {
                Some(number) if number > 0.0 && number.is_finite() => Ok(number),
                _ => Err(ConfigError(format!("'{key}' must be a number above 0, found {value}"))),
            })
            .transpose()
    }

    /// A finite number above 0, or `default` where the key is absent.
    pub fn positive_or(&self, key: &str, default: f64) -> Result<f64, ConfigError> {
        self.not_null(key)?;
        Ok(self.positive_if(key)?.unwrap_or(default))
    }

    /// `true` or `false`, or `default` where the key is absent.
    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        self.not_null(key)?;
        self.get(key).map_or(Ok(default), |value| {
            value.as_bool().ok_or_else(|| ConfigError(format!("'{key}' must be true or false, found {value}")))
        })
    }

    /// A string, if there.
    pub fn text_if(&self, key: &str) -> Result<Option<&str>, ConfigError> {
        self.get(key)
            .map(|value| {
                value.as_str().ok_or_else(|| ConfigError(format!("'{key}' must be a string, found {}", kind(value))))
            })
            .transpose()
    }

    /// The object under `key`, if there.
    pub fn object_if(&self, key: &str) -> Result<Option<Config>, ConfigError> {
        self.get(key)
            .map(|value| Config::new(value).map_err(|error| ConfigError(format!("'{key}': {error}"))))
            .transpose()
    }

    /// The non-linearity named under `key`, or `default` where the key is absent.
    pub fn activation(&self, key: &str, default: &str) -> Result<ActivationFunction, ConfigError> {
        self.not_null(key)?;
        match self.text_if(key)?.unwrap_or(default) {
            "silu" | "swish" => Ok(ActivationFunction::Silu),
            "gelu" => Ok(ActivationFunction::Gelu),
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(ActivationFunction::GeluTanh),
            "relu" => Ok(ActivationFunction::Relu),
            other => Err(ConfigError(format!(
                "'{key}' is \"{other}\"; supported: silu, gelu, gelu_new, gelu_fast, gelu_pytorch_tanh, relu"
            ))),
        }
    }

    /// Refuses a setting that would change the computation in a way ablate does not have.
    pub fn refuse(&self, key: &str, unless: impl Fn(&Value) -> bool, what: &str) -> Result<(), ConfigError> {
        match self.get(key) {
            Some(value) if !unless(value) => Err(ConfigError(format!("'{key}' is {value}: {what} is not supported"))),
            _ => Ok(()),
        }
    }
}

fn at_most(most: usize, key: &str, size: usize) -> Result<usize, ConfigError> {
    if size <= most { Ok(size) } else { Err(ConfigError(format!("'{key}' must be at most {most}, found {size}"))) }
}

/// The JSON kind of a value, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
