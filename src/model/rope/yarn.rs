//! Yarn's change of rotary frequencies, and how much it enlarges scores.

use super::super::config::{Config, ConfigError};
use super::keys::{ORIGINAL, ScalingContext};
use serde_json::Value;
use std::f64::consts::PI;

/// High frequencies kept, low ones divided by `factor`, a linear ramp by their places between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Yarn {
    /// Divisor of the low frequencies.
    pub factor: f64,
    /// What cosines and sines are multiplied by.
    pub magnitude: f64,
    /// Frequencies that turn this often in the context are the last that are kept.
    pub fast: f64,
    /// Frequencies that turn this often in the context are the first that are divided.
    pub slow: f64,
    /// Whether the two ends of the ramp are whole places.
    pub truncate: bool,
    /// Context the model was first trained on.
    pub original: f64,
}

impl Yarn {
    /// Of a section, and the keys that count.
    pub(super) fn of(settings: &Config, context: &ScalingContext) -> Result<(Self, Vec<&'static str>), ConfigError> {
        if context.theta <= 1.0 {
            return Err(ConfigError(format!("\"yarn\" needs a base above 1, found {}", context.theta)));
        }
        let original = (context.original)()?;
        if !settings.names_key("factor") {
            return Err(ConfigError("'factor' is missing".into()));
        }
        let factor = context.factor(settings, original)?;
        let mut read = vec!["factor", "attention_factor", "beta_fast", "beta_slow", ORIGINAL, MSCALE, MSCALE_ALL];
        let given = settings.positive_if("attention_factor")?;
        let mscales =
            given.is_none().then_some((positive_or_0(settings, MSCALE)?, positive_or_0(settings, MSCALE_ALL)?));
        let magnitude = match (given, mscales) {
            (None, Some((Some(mscale), Some(all)))) => magnitude(factor, mscale) / magnitude(factor, all),
            (given, _) => {
                let why = if given.is_some() {
                    "'attention_factor' is there"
                } else {
                    "'mscale' and 'mscale_all_dim' count together alone"
                };
                for key in [MSCALE, MSCALE_ALL] {
                    if settings.get(key).is_some() {
                        settings.note(format!("'{key}' changes nothing, here and in transformers: {why}"));
                    }
                }
                given.unwrap_or_else(|| magnitude(factor, 1.0))
            }
        };
        let truncate = match context.truncate {
            None => settings.names_key(TRUNCATE).then(|| settings.get(TRUNCATE).cloned().unwrap_or(Value::Null)),
            Some(beside) => {
                if settings.get(TRUNCATE).is_some() {
                    settings.note(format!(
                        "'{TRUNCATE}' changes nothing, here and in transformers, which reads it beside the sections"
                    ));
                }
                Some(beside.clone())
            }
        };
        read.push(TRUNCATE);
        let truncate = match truncate {
            None | Some(Value::Bool(true)) => true,
            Some(Value::Bool(false) | Value::Null) => false,
            Some(other) => return Err(ConfigError(format!("'{TRUNCATE}' must be true or false, found {other}"))),
        };
        let fast = positive_or_0(settings, "beta_fast")?.unwrap_or(32.0);
        let slow = positive_or_0(settings, "beta_slow")?.unwrap_or(1.0);
        Ok((Self { factor, magnitude, fast, slow, truncate, original }, read))
    }

    /// The frequencies of periods, those of `rotated` dimensions with base `theta`.
    pub(super) fn frequencies(&self, theta: f64, rotated: usize, periods: &[f32]) -> Vec<f32> {
        let dimensions = rotated as f64;
        // the place, among all, of a frequency that turns so often in the context
        let place = |turns: f64| dimensions * (self.original / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
        let (low, high) = (place(self.fast), place(self.slow));
        let (low, high) = if self.truncate { (low.floor(), high.ceil()) } else { (low, high) };
        let (low, mut high) = (low.max(0.0), high.min(dimensions - 1.0));
        if low == high {
            high += 0.001;
        }
        let ramp = |pair: usize| ((pair as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
        periods
            .iter()
            .enumerate()
            .map(|(pair, period)| {
                let kept = 1.0 - ramp(pair);
                let divided = 1.0 / (self.factor as f32 * period);
                divided * (1.0 - kept) + 1.0 / period * kept
            })
            .collect()
    }
}

const MSCALE: &str = "mscale";
const MSCALE_ALL: &str = "mscale_all_dim";
const TRUNCATE: &str = "truncate";

/// What the paper multiplies cosines and sines by.
fn magnitude(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * scale * factor.ln() + 1.0 }
}

/// A number above 0, if there; transformers takes 0 for absent too.
fn positive_or_0(settings: &Config, key: &str) -> Result<Option<f64>, ConfigError> {
    if settings.get(key).and_then(Value::as_f64) == Some(0.0) { Ok(None) } else { settings.positive_if(key) }
}
