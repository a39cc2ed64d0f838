//! OLMo 3: OLMo 2's blocks, three of four with a window, rotated by kind of layer.

use super::super::config::{Config, ConfigError};
use super::super::facts::Facts;
use super::llama::{self, ClassDefaults};
use super::names::ModelNames;
use super::olmo2::{self, OLMO2};
use super::reading::{Family, rotary_by_kind, sliding_layers, sliding_window, window};

/// OLMo 2's blocks with windows.
pub struct Olmo3;

impl Family for Olmo3 {
    fn model_types(&self) -> &'static [&'static str] {
        &["olmo3"]
    }

    fn about(&self) -> &'static str {
        "OLMo 3: OLMo 2's blocks, three of four with a window, rotated by kind of layer"
    }

    fn facts(&self, config: &Config) -> Result<Facts, ConfigError> {
        let facts = llama::facts_rotated("olmo3", config, &OLMO3, |keys, d_head| {
            // The base beside the sections is that of full attention alone.
            rotary_by_kind(config, d_head, [keys, crate::model::rope::RopeKeys { theta: None, ..keys }])
        })?;
        let layers = sliding_layers(config, facts.n_layers, |layer| (layer + 1) % 4 != 0)?;
        let window = window(sliding_window(config, Some(4096))?, layers, "'sliding_window'")?;
        Ok(Facts { window, ..olmo2::with_norms(facts) })
    }

    fn names(&self, config: &Config, facts: &Facts) -> Result<ModelNames, ConfigError> {
        olmo2::names(config, facts)
    }
}

/// What transformers' class takes for keys that are absent.
const OLMO3: ClassDefaults = ClassDefaults { rope_theta: 500_000.0, ..OLMO2 };
