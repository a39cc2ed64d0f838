use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Accuracy per model, checkpoint, template and operator (paper appendix H, table 3): rate, count and 95 % Wilson interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
    /// Name of the step.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// Models to run: names of `[models.NAME]`, or `model` for `[model]`. Left out: every model of the spec.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-refers-to" = "model"))]
    pub models: Vec<String>,
    /// Prompt set: a name of `[prompt_sets.NAME]`. Left out: `[prompts]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-refers-to" = "prompts"))]
    pub prompts: Option<String>,
    /// Steps to run before this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-refers-to" = "step"))]
    pub needs: Vec<String>,
    /// Also keep a row per prompt, with the answer the model gave: table `NAME.prompts`.
    #[serde(default)]
    pub per_prompt: bool,
}
