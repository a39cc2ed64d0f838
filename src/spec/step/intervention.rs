//! `kind = "intervention"`, and the edits that it names.

use super::fields::step;
use super::given_value::GivenValue;
use super::mean::MeanOver;
use super::shared::all_positions;
use crate::measure::EffectMeasure;
use crate::spec::defaults::defaults;
use crate::spec::text_or::schema_of;
use crate::spec::{ComponentKind, ComponentPattern, Layers, Numbers, Parsed, SitePattern, UnitPattern, layers_of};
use crate::spec::{Condition, PositionName};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Edits written out, any number of them together: replace, scale, add, cut attention.
    ///
    /// Each named intervention is one run of the model, measured as patching is.
    ///
    /// Formula: x* = x + strength · (value − x); with `add`, x* = x + strength · value; within a subspace, x* = x + strength · P (value − x), P
    /// the projection on it; cut edges have score −∞ before the softmax.
    ///
    /// Source: cut attention: paper appendix B.2; Geva et al. 2023, Dissecting recall of factual associations (arXiv 2304.14767). Steering
    /// along a difference of means: Turner et al. 2023 (arXiv 2308.10248), Rimsky et al. 2023 (arXiv 2312.06681). Projecting a direction out:
    /// Arditi et al. 2024 (arXiv 2406.11717). Interchange within a subspace: Geiger et al. 2023 (arXiv 2303.02536).
    ///
    /// Limits: an edit of large strength moves the stream to where the model never was. What the model answers there
    /// may say nothing about how it works.
    ///
    /// ```toml
    /// [[step]]
    /// name = "edits"
    /// kind = "intervention"
    /// interventions = [
    ///   { name = "first_mlp_out", edits = [{ site = "0.mlp_post", value = 0.0 }] },
    ///   { name = "last_looks_back_no_more", edits = [{ cut = ["L2..4H*"], positions = ["last"], to = ["a"] }] },
    /// ]
    ///
    /// [[step]]
    /// name = "scaled"
    /// kind = "intervention"
    /// interventions = [
    ///   { name = "attention_less", layers = "*", strengths = [0.5, 1.0], edits = [{ site = "attn_out", value = 0.0 }] },
    /// ]
    /// ```
    Intervention {
        /// The interventions, by name.
        #[schemars(length(min = 1))]
        interventions: Vec<NamedIntervention>,
        /// If it is written, interventions that name heads or neurons have controls: as many random others of the same
        /// kind in each layer, in rows of their own, `NAME (random 1)`.
        ///
        /// Interventions that write a direction or a subspace have placebos: random ones of the same length or size, in
        /// rows of their own, `NAME (placebo 1)`. Left out: 3 draws; `{ draws = 0 }` for none.
        control: Option<Placebos>,
        counterfactual,
        /// What means are taken over, for edits with `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        measures(EffectMeasure, "default_measures"),
        per_prompt,
        bootstrap,
        test,
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
    /// Makes the intervention once in each of these layers, with those of the edits' sites and heads that are in the
    /// layer; sites outside the blocks are edited every time. Rows have a column `layer`. Layers are `*`, `15`,
    /// `16..32`, or `{NAME}`, those that the step NAME of kind `probe` finds.
    #[schemars(extend("format" = "layers"))]
    pub layers: Option<Parsed<Layers>>,
    /// Makes the intervention once at each of these strengths: the strength of each edit is multiplied by it. Rows have
    /// a column `strength`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub strengths: Vec<f32>,
}

/// Random directions and subspaces in place of those that edits write: they show what any direction would do.
///
/// A vector that is added is replaced by one of random direction and the same length, a subspace by a random one of as
/// many dimensions. They are Gaussian. Each draw has one for each direction, the same for every prompt, strength and
/// place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placebos {
    /// How many are drawn, each with rows of its own.
    #[serde(default = "three")]
    #[schemars(range(max = 1000))]
    pub draws: usize,
    /// The seed that they are drawn with.
    #[serde(default)]
    pub seed: u64,
}

impl Default for Placebos {
    fn default() -> Self {
        Self { draws: three(), seed: 0 }
    }
}

impl NamedIntervention {
    /// Whether it writes a direction or a subspace, which placebos are drawn for.
    pub(crate) fn has_placebos(&self) -> bool {
        self.edits.iter().any(|edit| matches!(&edit.value, EditValue::Given(given) if given.noise.is_none()))
    }

    /// Whether it names heads or neurons, which others of their layers can stand in for.
    pub(crate) fn names_units(&self) -> bool {
        let some = |numbers: &Numbers| !matches!(numbers, Numbers::All);
        let of_site =
            |site: &Parsed<SitePattern>| matches!(&site.says().units, UnitPattern::Each(units) if some(units));
        let of_cut =
            |heads: &Parsed<ComponentPattern>| matches!(&heads.says().kind, ComponentKind::Heads(heads) if some(heads));
        self.edits.iter().any(|edit| edit.site.as_ref().is_some_and(of_site) || edit.cut.iter().any(of_cut))
    }
}

impl Intervention {
    /// How many placebos stand beside an intervention.
    pub(crate) fn placebos_of(&self, named: &NamedIntervention) -> usize {
        match &self.control {
            control if named.has_placebos() => control.clone().unwrap_or_default().draws,
            Some(control) if named.names_units() => control.draws,
            _ => 0,
        }
    }

    /// Whether any edit writes means.
    pub(crate) fn writes_means(&self) -> bool {
        writes_means(&self.interventions)
    }
}

fn edits_of(interventions: &[NamedIntervention]) -> impl Iterator<Item = &EditSpec> {
    interventions.iter().flat_map(|one| &one.edits)
}

/// Whether any edit writes means.
pub(super) fn writes_means(interventions: &[NamedIntervention]) -> bool {
    edits_of(interventions).any(|edit| edit.value == EditValue::Mean)
}

/// The steps whose directions edits write.
pub(super) fn directions(interventions: &[NamedIntervention]) -> Vec<&str> {
    edits_of(interventions).filter_map(|edit| edit.value.given()?.step()).collect()
}

/// The keys, below a step's own, of the files that edits read.
pub(super) fn files_of(interventions: &[NamedIntervention]) -> Vec<Vec<String>> {
    let edits = interventions.iter().flat_map(|one| one.edits.iter().enumerate().map(move |edit| (one, edit)));
    let of_file = edits.filter(|(_, (_, edit))| edit.value.given().is_some_and(|given| given.file.is_some()));
    let key = |(named, number): (&NamedIntervention, usize)| {
        let path = ["interventions", named.name.as_str(), "edits", &number.to_string(), "value", "file"];
        path.map(String::from).to_vec()
    };
    of_file.map(|(named, (number, _))| key((named, number))).collect()
}

/// The layers that interventions name.
pub(super) fn layers_named(interventions: &[NamedIntervention]) -> Vec<&Layers> {
    let swept = interventions.iter().filter_map(|intervention| Some(intervention.layers.as_ref()?.says()));
    let edited =
        edits_of(interventions).flat_map(|edit| [layers_of(edit.site.as_slice()), layers_of(&edit.cut)].concat());
    swept.chain(edited).collect()
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
    /// Where: at all of these positions together. Of cut edges, the positions that read.
    #[serde(default = "all_positions")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub positions: Vec<PositionName>,
    /// Of cut edges, the positions that are no longer read; `before`: those before the one that reads (paper appendix B.2).
    #[serde(default = "all_positions")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub to: Vec<PositionName>,
    /// What the values become, or what is added to them: `counterfactual` (the other prompt's), `mean` (over the prompts that the
    /// step's `mean` says), a number, or a table: a direction or subspace that a step found, a vector of a file, noise.
    #[serde(default)]
    pub value: EditValue,
    /// How far they go there: 1 all the way, 0.5 half, 0 nowhere.
    #[serde(default = "one")]
    pub strength: f32,
    /// Add `strength` times the value instead of going there.
    #[serde(default)]
    pub add: bool,
    /// In `generate`: the tokens at which the edit is made. Left out: `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<EditTokens>,
    /// The prompts that are edited; the others stay as they are. Each column's value, list of values, or comparison, as
    /// in a table: `operator`, `a`, `b`, `answer`, `seed`, `text`, or a slot of words.
    #[serde(default, rename = "where", skip_serializing_if = "IndexMap::is_empty")]
    pub filter: IndexMap<String, Condition>,
}

/// Tokens of a text that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EditTokens {
    /// Those of the prompt, at `positions`.
    Prompt,
    /// Each that the model has written, where it is read.
    New,
    /// Both.
    All,
}

/// What an edit writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    /// A direction, a subspace, a vector of a file, noise.
    #[serde(untagged)]
    Given(Box<GivenValue>),
}

impl EditValue {
    /// What a table says.
    pub(crate) fn given(&self) -> Option<&GivenValue> {
        match self {
            EditValue::Given(given) => Some(given),
            _ => None,
        }
    }
}

schema_of!(EditValue, |generator| {
    "description": "What an edit writes: \"counterfactual\" (the other prompt's values), \"mean\" (means over prompts), a number, or a table: { direction = \"STEP\" } and others.",
    "anyOf": [
        { "type": "string", "format": "edit-value", "pattern": "^(counterfactual|mean)$" },
        { "type": "number" },
        generator.subschema_for::<GivenValue>(),
    ],
});

fn heads_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "array", "items": { "type": "string", "format": "component" }, "uniqueItems": true })
}

defaults! {
    default_measures: Vec<EffectMeasure> = vec![EffectMeasure::Accuracy, EffectMeasure::IndirectEffect];
    one: f32 = 1.0;
    three: usize = 3;
}

/// The relations of kinds of steps that make interventions: all of them are the edits' own.
macro_rules! edit_relations {
    ($kind:ident) => {
        $crate::spec::step::relations::relations! { $kind |step|
            reads: $crate::spec::step::intervention::directions(&step.interventions);
            files: $crate::spec::step::intervention::files_of(&step.interventions);
            counterfactual: &step.counterfactual;
            mean: $crate::spec::step::intervention::writes_means(&step.interventions).then_some(&step.mean);
            layers: $crate::spec::step::intervention::layers_named(&step.interventions);
        }
    };
}
edit_relations!(Intervention);

/// Says of a kind of step that makes interventions, and measures something of its own under them, what a step of kind `intervention` has
/// of it: edits mean the same in both.
macro_rules! makes_interventions {
    ($kind:ident) => {
        impl $kind {
            /// Its interventions, as a step that has them alone.
            pub(crate) fn as_intervention(&self) -> $crate::spec::step::Intervention {
                $crate::spec::step::Intervention {
                    name: self.name.clone(),
                    models: self.models.clone(),
                    prompts: self.prompts.clone(),
                    needs: self.needs.clone(),
                    interventions: self.interventions.clone(),
                    control: self.control.clone(),
                    counterfactual: self.counterfactual.clone(),
                    mean: self.mean.clone(),
                    measures: Vec::new(),
                    per_prompt: false,
                    bootstrap: 0,
                    test: None,
                    correction: None,
                }
            }
        }

        $crate::spec::step::intervention::edit_relations!($kind);
    };
}
pub(super) use {edit_relations, makes_interventions};
