//! Rotary frequencies from a configuration: `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5), or both.

use serde_json::Value;

use super::config::{Config, ConfigError};

/// What a configuration says about rotary embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the frequencies.
    pub theta: f64,
    /// Share of each head's dimensions that is rotated.
    pub partial: f64,
    /// Change of the frequencies for longer contexts.
    pub scaling: Scaling,
}

/// Change of the frequencies for longer contexts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scaling {
    /// None.
    Default,
    /// Every frequency divided by this.
    Linear(f64),
    /// Llama 3.1: long wavelengths divided by `factor`, short ones kept, a linear ramp between.
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f64,
        /// Wavelengths longer than `original / low` are low frequencies.
        low: f64,
        /// Wavelengths shorter than `original / high` are high frequencies.
        high: f64,
        /// Context the model was first trained on.
        original: f64,
    },
}

/// Names that families give the base and the rotated share outside of the section, and what transformers' class of the family
/// takes where the configuration is silent.
pub struct RopeKeys {
    /// Key of the base.
    pub theta: &'static str,
    /// Key of the rotated share.
    pub partial: &'static str,
    /// Share where the configuration is silent.
    pub default_partial: f64,
    /// Longest prompt of the class, for the scalings that go by it.
    pub n_ctx: usize,
}

/// Keys of a section that say which scaling it is, and those that every scaling has.
const OF_EVERY_SCALING: [&str; 4] = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

impl Rope {
    /// Read as transformers 5 does: `rope_scaling` where it is there and not empty, else `rope_parameters`, and nothing of the
    /// other; what the section lacks stands beside it.
    ///
    /// # Errors
    /// When a value is of the wrong kind, or the scaling is one ablate does not have.
    pub fn of(config: &Config, keys: &RopeKeys) -> Result<Self, ConfigError> {
        let (section, settings) = section(config)?;
        let within = |error: ConfigError| ConfigError(format!("'{section}': {error}"));
        if let Some(nested) = settings.keys().find(|key| settings.get(key).is_some_and(Value::is_object)) {
            let problem = format!("'{nested}': different rotations for different layers are not supported");
            return Err(within(ConfigError(problem)));
        }
        let theta = match settings.names_key("rope_theta") {
            true => settings.positive_or("rope_theta", DEFAULT_THETA).map_err(within)?,
            false => config.positive_or(keys.theta, DEFAULT_THETA)?,
        };
        let partial = match settings.positive_if("partial_rotary_factor").map_err(within)? {
            Some(partial) => partial,
            None => config.positive_if(keys.partial)?.unwrap_or(keys.default_partial),
        };
        if partial > 1.0 {
            return Err(ConfigError(format!("'{}' must be at most 1, found {partial}", keys.partial)));
        }
        // transformers lets a key of this name beside the section go before the one within.
        let original = || match config.names_key(ORIGINAL) {
            true => config.positive(ORIGINAL),
            false => settings.positive_or(ORIGINAL, keys.n_ctx as f64),
        };
        let scaling = Scaling::of(&settings, original).map_err(within)?;
        for key in settings.keys().filter(|key| !OF_EVERY_SCALING.contains(key) && !scaling.keys().contains(key)) {
            let name = scaling.name();
            config.note(format!(
                "'{key}' in '{section}' changes nothing, here and in transformers: the rotation is of type \"{name}\""
            ));
        }
        for key in ["rope_theta", "partial_rotary_factor"] {
            if config.get(key).is_some() && ![keys.theta, keys.partial].contains(&key) {
                let [theta, partial] = [keys.theta, keys.partial];
                config.note(format!(
                    "'{key}' is not read in this family, here and in transformers: '{theta}' and '{partial}' are"
                ));
            }
        }
        Ok(Self { theta, partial, scaling })
    }

    /// Radians per position of each of `rotated / 2` pairs.
    ///
    /// Computed in the precision, and rounded where, transformers does: the angle at a late position is a large multiple.
    pub fn inv_freq(&self, rotated: usize) -> Vec<f32> {
        (0..rotated / 2)
            .map(|pair| {
                let exponent = (2 * pair) as f32 / rotated as f32;
                let frequency = 1.0 / self.theta.powf(f64::from(exponent)) as f32;
                self.scaling.apply(frequency)
            })
            .collect()
    }
}

/// Base where neither the section nor the configuration has one.
const DEFAULT_THETA: f64 = 10_000.0;
/// Key of the context that a scaling starts from.
const ORIGINAL: &str = "original_max_position_embeddings";

/// The settings that are followed, with the key they stand under.
fn section(config: &Config) -> Result<(&'static str, Config), ConfigError> {
    const OLD: &str = "rope_scaling";
    const NEW: &str = "rope_parameters";
    let filled = |key| match config.get(key) {
        None | Some(Value::Bool(false)) => Ok(None),
        Some(_) => config.object_if(key).map(|settings| settings.filter(|settings| settings.keys().next().is_some())),
    };
    match (filled(OLD)?, filled(NEW)?) {
        (Some(old), new) => {
            if new.is_some() {
                config.note(format!("'{OLD}' is followed and nothing of '{NEW}', as in transformers"));
            }
            Ok((OLD, old))
        }
        (None, Some(new)) => Ok((NEW, new)),
        (None, None) => Ok((NEW, Config::new(&serde_json::json!({}))?)),
    }
}

impl Scaling {
    fn of(settings: &Config, original: impl Fn() -> Result<f64, ConfigError>) -> Result<Self, ConfigError> {
        let kind = match settings.names_key("rope_type") {
            true => settings.text_if("rope_type")?.unwrap_or("null"),
            false => settings.text_if("type")?.unwrap_or("default"),
        };
        match kind {
            "default" => Ok(Self::Default),
            "linear" => Ok(Self::Linear(settings.positive("factor")?)),
            "llama3" => {
                let (low, high) = (settings.positive("low_freq_factor")?, settings.positive("high_freq_factor")?);
                if high <= low {
                    return Err(ConfigError(format!(
                        "'high_freq_factor' ({high}) must be above 'low_freq_factor' ({low})"
                    )));
                }
                Ok(Self::Llama3 { factor: settings.positive("factor")?, low, high, original: original()? })
            }
            other => {
                Err(ConfigError(format!("scaling \"{other}\" is not supported; supported: default, linear, llama3")))
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Linear(_) => "linear",
            Self::Llama3 { .. } => "llama3",
        }
    }

    /// Keys of its own.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Default => &[],
            Self::Linear(_) => &["factor"],
            Self::Llama3 { .. } => &["factor", "low_freq_factor", "high_freq_factor", ORIGINAL],
        }
    }

    fn apply(self, frequency: f32) -> f32 {
        match self {
            Self::Default => frequency,
            Self::Linear(factor) => frequency / factor as f32,
            Self::Llama3 { factor, low, high, original } => {
                let (factor, low, high, original) = (factor as f32, low as f32, high as f32, original as f32);
                let wavelength = 2.0 * std::f32::consts::PI / frequency;
                if wavelength > original / low {
                    frequency / factor
                } else if wavelength < original / high {
                    frequency
                } else {
                    let ramp = (original / wavelength - low) / (high - low);
                    (1.0 - ramp) * frequency / factor + ramp * frequency
                }
            }
        }
    }
}
