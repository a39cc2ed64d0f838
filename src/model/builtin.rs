//! Models that are part of the binary.

use super::checkpoint::Checkpoint;
use super::tokenizer::{Tokenizer, TokenizerError};
use super::weights::WeightError;
use std::path::Path;

/// The files of one model.
struct Builtin {
    name: &'static str,
    /// What it is, in a line.
    about: &'static str,
    config: &'static [u8],
    tokenizer: &'static [u8],
    weights: &'static [u8],
}

/// Every built-in model, by name.
static BUILTINS: [Builtin; 1] = [
    // Trained by experiments/models/arith.toml.
    Builtin {
        name: "arith",
        about: "a four-layer transformer trained on arithmetic of integers below 100; part of the program",
        config: include_bytes!("../../experiments/models/arith/config.json"),
        tokenizer: include_bytes!("../../experiments/models/arith/tokenizer.json"),
        weights: include_bytes!("../../experiments/models/arith/model.safetensors"),
    },
];

/// A built-in model that is not there.
#[derive(Debug, thiserror::Error)]
pub enum BuiltinError {
    /// No such name.
    #[error("no built-in model '{0}'; write {known}", known = known())]
    Unknown(String),
    /// A checkpoint of one.
    #[error(
        "the program holds no checkpoint '{checkpoint}' of the built-in model '{name}'; its checkpoints are folders of the repository: write source = \"experiments/models/{name}\" and checkpoints = [\"{checkpoint}\"]"
    )]
    NoCheckpoint {
        /// The model.
        name: String,
        /// What was asked for.
        checkpoint: String,
    },
    /// The embedded weights are damaged.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// The embedded tokenizer is damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
}

fn known() -> String {
    BUILTINS.iter().map(|builtin| format!("builtin:{}", builtin.name)).collect::<Vec<_>>().join(" or ")
}

/// Each built-in model's source and a line about it.
pub fn described() -> impl Iterator<Item = (String, &'static str)> {
    BUILTINS.iter().map(|builtin| (format!("builtin:{}", builtin.name), builtin.about))
}

/// A built-in model's weights and tokenizer.
///
/// # Errors
/// When there is none of that name.
pub fn open(name: &str, checkpoint: Option<&str>) -> Result<(Checkpoint, Tokenizer), BuiltinError> {
    let builtin = find(name, checkpoint)?;
    let place = format!("builtin:{name}");
    let model = Checkpoint::from_bytes(Path::new(&place), builtin.config, builtin.weights)?;
    Ok((model, Tokenizer::from_json_bytes(builtin.tokenizer, &place)?))
}

/// The files of a built-in model, by name.
///
/// # Errors
/// When there is none of that name.
pub fn files(name: &str, checkpoint: Option<&str>) -> Result<[(&'static str, &'static [u8]); 3], BuiltinError> {
    let Builtin { config, tokenizer, weights, .. } = *find(name, checkpoint)?;
    Ok([("config.json", config), ("tokenizer.json", tokenizer), ("model.safetensors", weights)])
}

fn find(name: &str, checkpoint: Option<&str>) -> Result<&'static Builtin, BuiltinError> {
    let builtin = BUILTINS.iter().find(|builtin| builtin.name == name);
    let builtin = builtin.ok_or_else(|| BuiltinError::Unknown(name.to_string()))?;
    match checkpoint {
        None => Ok(builtin),
        Some(checkpoint) => Err(BuiltinError::NoCheckpoint { name: name.into(), checkpoint: checkpoint.into() }),
    }
}
