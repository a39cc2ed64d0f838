//! Rotary embeddings from a configuration: `rope_theta` and `rope_scaling` (transformers 4) or `rope_parameters` (5), or both.

mod keys;
mod scaling;
mod section;
mod yarn;

pub use keys::RopeKeys;
pub use scaling::Scaling;
pub use yarn::Yarn;

use super::config::{Config, ConfigError};
use crate::kernel::{LongFrequencies, Pairing, Rotary};
use keys::{ORIGINAL, PARTIAL, ScalingContext, THETA};
use section::Section;

/// What a configuration says about rotary embeddings, of all layers or of one kind of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the frequencies.
    pub theta: f64,
    /// Share of each head's dimensions that is rotated.
    pub partial: f64,
    /// Change of the frequencies for longer contexts.
    pub scaling: Scaling,
}

/// Keys of a section that say which scaling it is, and those that every scaling has.
const OF_EVERY_SCALING: [&str; 4] = ["rope_type", "type", THETA, PARTIAL];

impl Rope {
    /// Of a family whose layers are all rotated alike.
    ///
    /// Read as transformers 5 does: `rope_scaling` where it is there and not empty, else `rope_parameters`, and nothing of the
    /// other; what the section lacks stands beside it.
    ///
    /// # Errors
    /// When a value is of the wrong kind, or the scaling is one ablate does not have.
    pub fn of(config: &Config, keys: &RopeKeys) -> Result<Self, ConfigError> {
        let section = Section::of_all_layers(config)?;
        // transformers lets a key of this name beside the section go before the one within.
        let beside = match config.names_key(ORIGINAL) {
            true => Some(config.positive(ORIGINAL)),
            false => keys.original.map(|original| Ok(original as f64)),
        };
        let rope = Self::read(config, keys, &section, beside)?;
        for key in [THETA, PARTIAL] {
            if config.get(key).is_some() && keys.theta != Some(key) && keys.partial != key {
                let (theta, partial) = (keys.theta.unwrap_or(THETA), keys.partial);
                config.note(format!(
                    "'{key}' is not read in this family, here and in transformers: '{theta}' and '{partial}' are"
                ));
            }
        }
        Ok(rope)
    }

    /// Of the layers of one kind, `full_attention` or `sliding_attention`, of a family that rotates each kind in its own way.
    ///
    /// Read as transformers 5 does: the section of that name in `rope_parameters`, changed for full attention alone by what
    /// `rope_scaling` says; the base, where the section lacks it, stands beside under the kind's own key.
    ///
    /// # Errors
    /// As [`Rope::of`]; and when there is one section for all layers, which transformers passes over.
    pub fn of_kind(config: &Config, keys: &RopeKeys, kind: &'static str) -> Result<Self, ConfigError> {
        let section = Section::of_kind(config, kind)?;
        let rope = Self::read(config, keys, &section, None)?;
        if let (None, Some(theta)) = (keys.theta, config.get(THETA).and_then(serde_json::Value::as_f64))
            && theta != rope.theta
            && !section.settings.names_key(THETA)
        {
            let base = rope.theta;
            config.note(format!(
                "'{THETA}' is not the base of \"{kind}\", here and in transformers 5, which is {base}; a section of that name \
                 in 'rope_parameters' could give another"
            ));
        }
        Ok(rope)
    }

    /// `original`: the context that a scaling starts from, where it is not the section's to say.
    fn read(
        config: &Config,
        keys: &RopeKeys,
        section: &Section,
        original: Option<Result<f64, ConfigError>>,
    ) -> Result<Self, ConfigError> {
        let Section { name, settings, .. } = section;
        let within = |error: ConfigError| ConfigError(format!("'{name}': {error}"));
        let theta = match (settings.names_key(THETA), keys.theta) {
            (true, _) => settings.positive_or(THETA, keys.default_theta).map_err(within)?,
            (false, Some(key)) => config.positive_or(key, keys.default_theta)?,
            (false, None) => keys.default_theta,
        };
        let partial = match settings.positive_if(PARTIAL).map_err(within)? {
            Some(partial) => partial,
            None => config.positive_if(keys.partial)?.unwrap_or(keys.default_partial),
        };
        if partial > 1.0 {
            return Err(ConfigError(format!("'{}' must be at most 1, found {partial}", keys.partial)));
        }
        let own = settings.get(ORIGINAL).and_then(serde_json::Value::as_f64);
        let overruled = matches!((&original, own), (Some(Ok(beside)), Some(own)) if *beside != own);
        let original = || match &original {
            Some(beside) => beside.clone(),
            None => settings.positive_or(ORIGINAL, keys.n_ctx as f64),
        };
        let context = ScalingContext { keys, theta, original: &original, truncate: section.truncate.as_ref() };
        let (scaling, read) = Scaling::of(settings, &context).map_err(within)?;
        for key in settings.keys().filter(|key| !OF_EVERY_SCALING.contains(key) && !read.contains(key)) {
            let kind = scaling.name();
            config.note(format!(
                "'{key}' in '{name}' changes nothing, here and in transformers: the rotation is of type \"{kind}\""
            ));
        }
        if overruled && read.contains(&ORIGINAL) {
            let original = original()?;
            config.note(format!(
                "'{ORIGINAL}' in '{name}' changes nothing, here and in transformers: the one beside it is {original}"
            ));
        }
        settings.notes().into_iter().for_each(|note| config.note(format!("'{name}': {note}")));
        Ok(Self { theta, partial, scaling })
    }

    /// The rotation of `rotated` dimensions of each head.
    ///
    /// Computed in the precision, and rounded where, transformers does: the angle at a late position is a large multiple.
    ///
    /// # Errors
    /// When a scaling has factors for another number of dimensions, or numbers that leave no finite frequencies.
    pub fn rotary(&self, rotated: usize, pairing: Pairing) -> Result<Rotary, ConfigError> {
        let periods: Vec<f32> = (0..rotated / 2)
            .map(|pair| {
                let exponent = (2 * pair) as f32 / rotated as f32;
                self.theta.powf(f64::from(exponent)) as f32
            })
            .collect();
        let (inv_freq, long) = match &self.scaling {
            Scaling::LongRope { short, long, original, .. } => {
                let beyond = *original as usize;
                let long = LongFrequencies { beyond, inv_freq: scaling::longrope("long_factor", long, &periods)? };
                (scaling::longrope("short_factor", short, &periods)?, Some(long))
            }
            Scaling::Yarn(yarn) => (yarn.frequencies(self.theta, rotated, &periods), None),
            scaling => (periods.iter().map(|period| scaling.apply(1.0 / period)).collect(), None),
        };
        let rotary = Rotary { inv_freq, pairing, magnitude: self.scaling.magnitude() as f32, long };
        let long = rotary.long.iter().flat_map(|long| &long.inv_freq);
        if rotary.inv_freq.iter().chain(long).chain([&rotary.magnitude]).all(|value| value.is_finite()) {
            Ok(rotary)
        } else {
            let kind = self.scaling.name();
            Err(ConfigError(format!("the rotation of type \"{kind}\" has frequencies that are not finite")))
        }
    }
}
