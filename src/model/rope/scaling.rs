//! How rotary frequencies change for longer contexts.

use super::super::config::{Config, ConfigError};
use super::keys::{ORIGINAL, ScalingContext};
use super::yarn::Yarn;
use serde_json::Value;

/// Change of the frequencies for longer contexts.
#[derive(Debug, Clone, PartialEq)]
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
    /// Yarn: as Llama 3.1's by places of the frequencies in place of their wavelengths, and larger scores.
    Yarn(Yarn),
    /// Longrope: each frequency divided by its own factor, one for short prompts and one for long ones, and larger scores.
    LongRope {
        /// Divisors of prompts up to `original` tokens.
        short: Vec<f64>,
        /// Divisors of longer prompts.
        long: Vec<f64>,
        /// What cosines and sines are multiplied by.
        magnitude: f64,
        /// Context the model was first trained on.
        original: f64,
    },
}

impl Scaling {
    /// The scaling of a section, and the keys of its own that count.
    pub(super) fn of(settings: &Config, context: &ScalingContext) -> Result<(Self, Vec<&'static str>), ConfigError> {
        let kind = match settings.names_key("rope_type") {
            true => settings.text_if("rope_type")?.unwrap_or("null"),
            false => settings.text_if("type")?.unwrap_or("default"),
        };
        let longrope_alone = context.keys.longrope_alone;
        match kind {
            "default" => Ok((Self::Default, Vec::new())),
            "longrope" => Self::longrope(settings, context),
            "su" if longrope_alone && !settings.names_key(ORIGINAL) => Err(ConfigError(format!(
                "transformers 5 reads the type \"su\" with '{ORIGINAL}' in the section alone: write \"longrope\""
            ))),
            "su" | "yarn" if longrope_alone => Self::longrope(settings, context),
            other if longrope_alone => {
                Err(ConfigError(format!("scaling \"{other}\" is not supported in this family; supported: longrope")))
            }
            "linear" => Ok((Self::Linear(settings.positive("factor")?), vec!["factor"])),
            "llama3" => {
                let (low, high) = (settings.positive("low_freq_factor")?, settings.positive("high_freq_factor")?);
                if high <= low {
                    return Err(ConfigError(format!(
                        "'high_freq_factor' ({high}) must be above 'low_freq_factor' ({low})"
                    )));
                }
                let (factor, original) = (settings.positive("factor")?, (context.original)()?);
                let read = vec!["factor", "low_freq_factor", "high_freq_factor", ORIGINAL];
                Ok((Self::Llama3 { factor, low, high, original }, read))
            }
            "yarn" => Yarn::of(settings, context).map(|(yarn, read)| (Self::Yarn(yarn), read)),
            other => Err(ConfigError(format!(
                "scaling \"{other}\" is not supported; supported: default, linear, llama3, yarn, longrope"
            ))),
        }
    }

    fn longrope(settings: &Config, context: &ScalingContext) -> Result<(Self, Vec<&'static str>), ConfigError> {
        let (short, long) = (divisors(settings, "short_factor")?, divisors(settings, "long_factor")?);
        let original = (context.original)()?;
        let mut read = vec!["short_factor", "long_factor", ORIGINAL, "attention_factor"];
        let magnitude = match settings.positive_if("attention_factor")? {
            Some(magnitude) => magnitude,
            None => {
                read.push("factor");
                let factor = context.factor(settings, original)?;
                if factor > 1.0 && original <= 1.0 {
                    return Err(ConfigError(format!("'{ORIGINAL}' must be above 1, found {original}")));
                }
                if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() }
            }
        };
        Ok((Self::LongRope { short, long, magnitude, original }, read))
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Linear(_) => "linear",
            Self::Llama3 { .. } => "llama3",
            Self::Yarn(_) => "yarn",
            Self::LongRope { .. } => "longrope",
        }
    }

    /// What cosines and sines are multiplied by.
    pub fn magnitude(&self) -> f64 {
        match self {
            Self::Default | Self::Linear(_) | Self::Llama3 { .. } => 1.0,
            Self::Yarn(yarn) => yarn.magnitude,
            Self::LongRope { magnitude, .. } => *magnitude,
        }
    }

    /// A frequency changed by what is the same for all.
    pub(super) fn apply(&self, frequency: f32) -> f32 {
        match self {
            Self::Linear(factor) => frequency / *factor as f32,
            &Self::Llama3 { factor, low, high, original } => {
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
            Self::Default | Self::Yarn(_) | Self::LongRope { .. } => frequency,
        }
    }
}

/// Frequencies of periods that have a divisor each, which `key` gives.
pub(super) fn longrope(key: &str, divisors: &[f64], periods: &[f32]) -> Result<Vec<f32>, ConfigError> {
    if divisors.len() != periods.len() {
        let (found, expected) = (divisors.len(), periods.len());
        return Err(ConfigError(format!("'{key}' has {found} factors for {expected} pairs of rotated dimensions")));
    }
    Ok(divisors.iter().zip(periods).map(|(&divisor, period)| 1.0 / (divisor as f32 * period)).collect())
}

/// A list of numbers above 0.
fn divisors(settings: &Config, key: &str) -> Result<Vec<f64>, ConfigError> {
    let found = settings.get(key).ok_or_else(|| ConfigError(format!("'{key}' is missing")))?;
    let number = |value: &Value| value.as_f64().filter(|number| *number > 0.0 && number.is_finite());
    let list: Option<Vec<f64>> = found.as_array().and_then(|list| list.iter().map(number).collect());
    list.ok_or_else(|| ConfigError(format!("'{key}' must be a list of numbers above 0")))
}
