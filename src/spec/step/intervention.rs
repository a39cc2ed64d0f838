//! `kind = "intervention"`, and the edits that it names.

use super::fields::step;
use super::mean::MeanOver;
use super::relations::relations;
use super::shared::all_positions;
use crate::measure::EffectMeasure;
use crate::spec::defaults::defaults;
use crate::spec::text_or::schema_of;
use crate::spec::{ComponentPattern, Parsed, SitePattern, layers_of};
use crate::spec::{Condition, PositionName};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Edits written out, any number of them together: replace, scale, add, cut attention.
    ///
    /// Each named intervention is one run of the model, measured as patching is.
    ///
    /// Formula: x* = x + strength · (value − x); with `add`, x* = x + strength · value; cut edges have score −∞ before the softmax.
    ///
    /// Source: cut attention: paper appendix B.2; Geva et al. 2023, Dissecting recall of factual associations (arXiv 2304.14767).
    ///
    /// Limits: an edit of large strength takes the stream where the model never was; what it then answers need not be what it computes with.
    ///
    /// ```toml
    /// [[step]]
    /// name = "edits"
    /// kind = "intervention"
    /// interventions = [
    ///   { name = "first_mlp_out", edits = [{ site = "0.mlp_post", value = 0.0 }] },
    ///   { name = "last_looks_back_no_more", edits = [{ cut = ["L2..4H*"], positions = ["last"], to = ["a"] }] },
    /// ]
    /// ```
    Intervention {
        /// The interventions, by name.
        #[schemars(length(min = 1))]
        interventions: Vec<NamedIntervention>,
        counterfactual,
        /// What means are taken over, for edits with `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        measures(EffectMeasure, "default_measures"),
        per_prompt,
        bootstrap,
    }
}

/// Edits made together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedIntervention {
    /// Its name in the rows.
    #[schemars(extend("format" = "name"), regex(pattern = "^[A-Za-z0-9_-]+$"))]
    pub name: String,
    /// The edits.
    #[schemars(length(min = 1))]
    pub edits: Vec<EditSpec>,
}

impl Intervention {
    /// Whether any edit writes means.
    pub(crate) fn writes_means(&self) -> bool {
        self.interventions.iter().flat_map(|one| &one.edits).any(|edit| edit.value == EditValue::Mean)
    }
}

/// One edit: of an activation (`site`), or of attention (`cut`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EditSpec {
    /// What is changed: a hook with its layers and units, as in `activation-patching`; all of them together.
    #[schemars(extend("format" = "site"))]
    pub site: Option<Parsed<SitePattern>>,
    /// Heads whose attention edges are cut before the softmax, from `positions` to `to`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "heads_schema")]
    pub cut: Vec<Parsed<ComponentPattern>>,
    /// Where; together. Of cut edges, the positions that read.
    #[serde(default = "all_positions")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub positions: Vec<PositionName>,
    /// Of cut edges, the positions that are no longer read; `before`: those before the one that reads (paper appendix B.2).
    #[serde(default = "all_positions")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub to: Vec<PositionName>,
    /// What the values become, or what is added to them: `counterfactual` (the other prompt's), `mean` (over the prompts that the
    /// step's `mean` says), or a number.
    #[serde(default)]
    pub value: EditValue,
    /// How far they go there: 1 all the way, 0.5 half, 0 nowhere.
    #[serde(default = "one")]
    pub strength: f32,
    /// Add `strength` times the value instead of going there.
    #[serde(default)]
    pub add: bool,
    /// The prompts that it is of; the others keep what they have. Each column's value, list of values, or comparison, as in a table:
    /// `operator`, `a`, `b`, `answer`, `seed`, `text`, or a slot of words.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
}

/// What an edit writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EditValue {
    /// The other prompt's values.
    #[default]
    Counterfactual,
    /// Means over prompts.
    Mean,
    /// A number everywhere.
    #[serde(untagged)]
    Constant(f32),
}

schema_of!(EditValue, |_| {
    "description": "What an edit writes: \"counterfactual\" (the other prompt's values), \"mean\" (means over prompts) or a number.",
    "anyOf": [
        { "type": "string", "format": "edit-value", "pattern": "^(counterfactual|mean)$" },
        { "type": "number" },
    ],
});

fn heads_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "array", "items": { "type": "string", "format": "component" }, "uniqueItems": true })
}

defaults! {
    default_measures: Vec<EffectMeasure> = vec![EffectMeasure::Accuracy, EffectMeasure::IndirectEffect];
    one: f32 = 1.0;
}

relations! { Intervention |step|
    counterfactual: &step.counterfactual;
    mean: step.writes_means().then_some(&step.mean);
    layers: {
        let edits = step.interventions.iter().flat_map(|intervention| &intervention.edits);
        edits.flat_map(|edit| [layers_of(edit.site.as_slice()), layers_of(&edit.cut)].concat()).collect()
    };
}
