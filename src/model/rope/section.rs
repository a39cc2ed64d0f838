//! The settings of a rotation, out of the places where versions of transformers wrote them.

use super::super::config::{Config, ConfigError};
use serde_json::{Map, Value};

/// The settings that are followed.
pub(super) struct Section {
    /// Where they stand.
    pub name: String,
    pub settings: Config,
    /// What stands for yarn's `truncate` outside of them; `None` where it is theirs to say.
    pub truncate: Option<Value>,
}

const OLD: &str = "rope_scaling";
const NEW: &str = "rope_parameters";
/// The kinds of layers that may have a section each.
const KINDS: [&str; 2] = ["full_attention", "sliding_attention"];
/// The kind that `rope_scaling` is of.
const SCALED: &str = KINDS[0];

impl Section {
    /// One for all layers.
    pub fn of_all_layers(config: &Config) -> Result<Self, ConfigError> {
        let filled = |key| match config.get(key) {
            None | Some(Value::Bool(false)) => Ok(None),
            Some(_) => {
                config.object_if(key).map(|settings| settings.filter(|settings| settings.keys().next().is_some()))
            }
        };
        let (name, settings) = match (filled(OLD)?, filled(NEW)?) {
            (Some(old), new) => {
                if new.is_some() {
                    config.note(format!("'{OLD}' is followed and nothing of '{NEW}', as in transformers"));
                }
                (OLD, old)
            }
            (None, Some(new)) => (NEW, new),
            (None, None) => (NEW, Config::new(&Value::Object(Map::new()))?),
        };
        if let Some(nested) = nested(&settings) {
            return Err(ConfigError(format!(
                "'{name}': '{nested}': different rotations for different layers are not supported"
            )));
        }
        Ok(Self { name: name.into(), settings, truncate: None })
    }

    /// That of one kind of layer.
    pub fn of_kind(config: &Config, kind: &str) -> Result<Self, ConfigError> {
        let all = config.object_if(NEW)?;
        if let Some(all) = &all {
            one_for_all(config, all)?;
        }
        let inside = format!("{NEW}.{kind}");
        let given = match &all {
            Some(all) => all.object_if(kind).map_err(|error| ConfigError(format!("'{NEW}': {error}")))?,
            None => None,
        };
        let (name, settings) = match config.object_if(OLD)?.filter(|_| kind == SCALED) {
            None => (inside, given.map_or_else(|| Config::new(&Value::Object(Map::new())), Ok)?),
            Some(scaling) => (OLD.into(), changed(all.is_some(), given, &scaling)?),
        };
        if let Some(nested) = nested(&settings) {
            return Err(ConfigError(format!(
                "'{name}': '{nested}' is an object: the sections of kinds of layers stand in '{NEW}', none within another"
            )));
        }
        // transformers looks for yarn's 'truncate' beside the sections.
        let truncate = all.as_ref().filter(|all| all.names_key("truncate"));
        let truncate = truncate.map_or(Value::Bool(true), |all| all.get("truncate").cloned().unwrap_or(Value::Null));
        Ok(Self { name, settings, truncate: Some(truncate) })
    }
}

/// Refuses settings without a section for a kind; notes those that stand beside the sections.
fn one_for_all(config: &Config, all: &Config) -> Result<(), ConfigError> {
    let beside: Vec<&str> = all.keys().filter(|key| !KINDS.contains(key) && *key != "truncate").collect();
    if let (Some(key), true) = (beside.first(), KINDS.iter().all(|kind| all.get(kind).is_none())) {
        let [full, sliding] = KINDS;
        return Err(ConfigError(format!(
            "'{NEW}': '{key}' stands in no section, where transformers passes over it: write it in '{full}', in '{sliding}' or \
             in both"
        )));
    }
    for key in beside {
        config.note(format!("'{key}' in '{NEW}' changes nothing, here and in transformers: it stands in no section"));
    }
    Ok(())
}

/// The section of full attention with the changes of `rope_scaling`. `sections`: whether there are any.
fn changed(sections: bool, given: Option<Config>, scaling: &Config) -> Result<Config, ConfigError> {
    let given = match (sections, given) {
        (true, None) => {
            return Err(ConfigError(format!(
                "'{OLD}' changes the section '{SCALED}' of '{NEW}', which is not there: write it there"
            )));
        }
        (true, Some(given)) => given,
        // Then transformers 5 has a section that says "default", which `type` does not overrule; its version 4 scales.
        (false, _) if scaling.names_key("type") && !scaling.names_key("rope_type") => {
            return Err(ConfigError(format!(
                "'{OLD}': transformers 5 reads 'rope_type' in this family and passes over 'type': write 'rope_type'"
            )));
        }
        (false, _) => Config::new(&Value::Object(Map::new()))?,
    };
    let mut merged = Map::new();
    for settings in [&given, scaling] {
        for key in settings.keys() {
            merged.insert(key.into(), settings.get(key).cloned().unwrap_or(Value::Null));
        }
    }
    Config::new(&Value::Object(merged))
}

fn nested(settings: &Config) -> Option<&str> {
    settings.keys().find(|key| settings.get(key).is_some_and(Value::is_object))
}
