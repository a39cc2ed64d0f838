//! `[known.NAME]`: models that a spec knows by their architecture, each with what the spec says otherwise for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A model that is recognised by its architecture: all facts written here must be the model's. One fact is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Known {
    /// Its family, as `ablate list models` names it: `llama`, `qwen2`, `gpt_neox` and so on.
    #[schemars(length(min = 1))]
    pub family: Option<String>,
    /// Number of blocks.
    #[schemars(range(min = 1))]
    pub layers: Option<usize>,
    /// Number of query heads of a block.
    #[schemars(range(min = 1))]
    pub heads: Option<usize>,
    /// Number of key/value heads of a block.
    #[schemars(range(min = 1))]
    pub kv_heads: Option<usize>,
    /// Width of the residual stream.
    #[schemars(range(min = 1))]
    pub d_model: Option<usize>,
    /// Width of the MLP's hidden layer.
    #[schemars(range(min = 1))]
    pub d_mlp: Option<usize>,
    /// Rows of the embedding.
    #[schemars(range(min = 1))]
    pub n_vocab: Option<usize>,
    /// Positions that it was made for.
    #[schemars(range(min = 1))]
    pub n_ctx: Option<usize>,
    /// What readers of results on this model should know. The report has it as a note if the spec runs this model.
    #[schemars(length(min = 1))]
    pub note: Option<String>,
    /// A file with settings for this model, relative to the file that names it. If `[model]` is this model, they override the
    /// spec; the environment and `--set` override them. A profile changes entries and adds none: entries of `step`, `table`,
    /// `figure`, `expect`, `models` and `prompt_sets` that the spec does not have are ignored.
    #[schemars(length(min = 1))]
    pub profile: Option<String>,
}

impl Known {
    /// The keys that tell a model; all but `note` and `profile`.
    pub const FACTS: [&str; 8] = ["family", "layers", "heads", "kv_heads", "d_model", "d_mlp", "n_vocab", "n_ctx"];
}
