//! `config.json`, as transformers 4 and transformers 5 write it, read with checks.

use serde_json::{Map, Value};

use super::facts::Activation;

/// A key of a model's configuration that is missing, of the wrong kind, or asks for something ablate does not have.
/// Displays as a fragment that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// The parsed object of a `config.json`.
#[derive(Debug, Clone)]
pub struct Config {
    values: Map<String, Value>,
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
            Value::Object(values) => Ok(Self { values: values.clone() }),
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

    /// A whole number from 1.
    pub fn size(&self, key: &str) -> Result<usize, ConfigError> {
        self.size_if(key)?.ok_or_else(|| ConfigError(format!("'{key}' is missing")))
    }

    /// A whole number from 1, or `default` where there is none.
    pub fn size_or(&self, key: &str, default: usize) -> Result<usize, ConfigError> {
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
        self.size_to(key, MOST_LAYERS)
    }

    /// The number of heads under `key`.
    pub fn heads(&self, key: &str) -> Result<usize, ConfigError> {
        self.size_to(key, MOST_HEADS)
    }

    fn size_to(&self, key: &str, most: usize) -> Result<usize, ConfigError> {
        match self.size(key)? {
            size if size <= most => Ok(size),
            size => Err(ConfigError(format!("'{key}' must be at most {most}, found {size}"))),
        }
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

    /// `true` or `false`, or `default` where there is none.
    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
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

    /// The non-linearity named under `key`, or `default` where there is none.
    pub fn activation(&self, key: &str, default: &str) -> Result<Activation, ConfigError> {
        match self.text_if(key)?.unwrap_or(default) {
            "silu" | "swish" => Ok(Activation::Silu),
            "gelu" => Ok(Activation::Gelu),
            "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Activation::GeluTanh),
            "relu" => Ok(Activation::Relu),
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
