//! Rotary frequencies from a configuration: `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5).

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

/// Names that families give the base and the rotated share, and their defaults.
pub struct RopeKeys {
    /// Key of the base outside `rope_parameters`.
    pub theta: &'static str,
    /// Key of the rotated share outside `rope_parameters`.
    pub partial: &'static str,
    /// Share where the configuration is silent.
    pub default_partial: f64,
}

impl Rope {
    /// # Errors
    /// When a value is of the wrong kind, or the scaling is one ablate does not have.
    pub fn of(config: &Config, keys: &RopeKeys) -> Result<Self, ConfigError> {
        let new_style = config.object_if("rope_parameters")?;
        let old_style = config.object_if("rope_scaling")?;
        let (section, settings) = match (new_style, old_style) {
            (Some(settings), _) => ("rope_parameters", settings),
            (None, Some(settings)) => ("rope_scaling", settings),
            (None, None) => ("rope_scaling", Config::new(&serde_json::json!({}))?),
        };
        let within = |error: ConfigError| ConfigError(format!("'{section}': {error}"));
        if settings.get("full_attention").is_some() || settings.get("sliding_attention").is_some() {
            return Err(within(ConfigError("different rotations for different layers are not supported".into())));
        }
        let theta = match settings.positive_if("rope_theta").map_err(within)? {
            Some(theta) => theta,
            None => config.positive_if(keys.theta)?.unwrap_or(10_000.0),
        };
        let partial = match settings.positive_if("partial_rotary_factor").map_err(within)? {
            Some(partial) => partial,
            None => config.positive_if(keys.partial)?.unwrap_or(keys.default_partial),
        };
        if partial > 1.0 {
            return Err(ConfigError(format!("'{}' must be at most 1, found {partial}", keys.partial)));
        }
        let scaling = Scaling::of(&settings).map_err(within)?;
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

impl Scaling {
    fn of(settings: &Config) -> Result<Self, ConfigError> {
        let kind = match settings.text_if("rope_type")? {
            Some(kind) => kind,
            None => settings.text_if("type")?.unwrap_or("default"),
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
                let original = settings.positive("original_max_position_embeddings")?;
                Ok(Self::Llama3 { factor: settings.positive("factor")?, low, high, original })
            }
            other => {
                Err(ConfigError(format!("scaling \"{other}\" is not supported; supported: default, linear, llama3")))
            }
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
