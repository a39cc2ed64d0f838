//! `kind = "activation-patching"`, `"neuron-patching"` and `"attribution-patching"`.

use super::fields::step;
use super::relations::relations;
use super::shared::{Direction, indirect_effect, last_position, sites_schema};
use crate::measure::{AttributionMeasure, EffectMeasure};
use crate::spec::defaults::defaults;
use crate::spec::{Layers, Numbers, Parsed, PositionName, SitePattern, layers_of};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// Replaces activations by another run's, one place at a time, and measures the change of the answer.
    ///
    /// Each site, unit and position of one run is replaced by its value in the other run of the pair; everything after it is computed.
    ///
    /// Formula: x* = x' at the site, unit and position; what is measured is in `measures`.
    ///
    /// Source: paper §2.1; Vig et al. 2020, Causal mediation analysis (arXiv 2004.12265); Meng et al. 2022 (arXiv 2202.05262); Zhang and Nanda
    /// 2024, Towards best practices of activation patching (arXiv 2309.16042).
    ///
    /// Limits: `noising` finds what the answer needs, `denoising` what is enough for it; they are different questions.
    /// Two places that do the same work hide each other, because only one is patched at a time.
    ///
    /// ```toml
    /// [[step]]
    /// name      = "effects"
    /// kind      = "activation-patching"
    /// sites     = ["z[head]", "mlp_post"]
    /// positions = ["op", "last"]
    /// measures  = ["indirect-effect", "logit-difference"]
    ///
    /// [[step]]
    /// name      = "tracing"
    /// kind      = "activation-patching"
    /// corrupt   = { noise = 3.0, positions = ["a"], seeds = [0, 1, 2] }
    /// direction = "denoising"
    /// sites     = ["mlp_out"]
    /// window    = 2
    /// positions = ["each"]
    /// ```
    ActivationPatching {
        /// What is patched: hooks by TransformerLens's name or its shorthand, `blocks.*.attn.hook_z[head]` for each head,
        /// `mlp_post` for every whole MLP.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where: each position on its own.
        positions = "last_position",
        /// How many layers to patch together, the same site in each, around the row's layer: 10 means from 5 before it to 4 after
        /// it, as far as the model has them (Meng et al. 2022, appendix B.1, and their code). Left out: one layer at a time.
        #[schemars(range(min = 1))]
        window: Option<usize>,
        /// Causal tracing: the other run is not another prompt's, but the prompt's own with noise on its embeddings. With
        /// `direction = "denoising"` clean values are restored in the noised run; with `"noising"` the noised run's values are
        /// written into the clean one. r is the prompt's own answer in both.
        corrupt: Option<Corruption>,
        counterfactual,
        /// Whose values go where.
        #[serde(default)]
        direction: Direction,
        measures(EffectMeasure, "indirect_effect"),
        per_prompt,
        bootstrap,
        test,
    }
}

step! {
    /// Activation patching of every neuron of some layers, exactly or approximated.
    ///
    /// `mlp.hook_post`, one neuron at a time.
    ///
    /// Formula: `exact`: x* = x' at the neuron; `attribution`: ∂m/∂x · (x' − x).
    ///
    /// Source: paper §3.1.
    ///
    /// Limits: neurons that carry one thing together each have a small effect alone.
    ///
    /// ```toml
    /// [[step]]
    /// name   = "neurons"
    /// kind   = "neuron-patching"
    /// layers = "2..4"
    /// ```
    NeuronPatching {
        /// Layers: `*`, `15`, `16..32`, or `{NAME}`, those that the step NAME of kind `probe` finds.
        #[serde(default = "every_layer")]
        #[schemars(extend("format" = "layers"))]
        layers: Parsed<Layers>,
        /// `exact`, or its first-order approximation where exact patching of every neuron takes too long.
        #[serde(default)]
        method: NeuronMethod,
        /// Where: each position on its own.
        positions = "last_position",
        counterfactual,
        /// Whose values go where.
        #[serde(default)]
        direction: Direction,
        measures(EffectMeasure, "indirect_effect"),
        per_prompt,
        bootstrap,
        test,
    }
}

step! {
    /// The first-order approximation of patching, from gradients, for all units at once.
    ///
    /// Two forward passes and one backward pass per pair of prompts, however many units there are.
    ///
    /// Formula: attribution = ∂m/∂x · (x' − x), m = logit(r) − logit(r') at the last position of the clean run.
    ///
    /// Source: Nanda 2023, Attribution patching; Syed et al. 2023 (arXiv 2310.10348); integrated gradients: Sundararajan et al. 2017
    /// (arXiv 1703.01365), Hanna et al. 2024 (arXiv 2403.17806).
    ///
    /// Limits: good where the model is nearly linear between the two values, bad where a softmax or norm is saturated.
    /// Write `compare`, and read the order of units, not their sizes.
    ///
    /// ```toml
    /// [[step]]
    /// name  = "exact"
    /// kind  = "activation-patching"
    /// sites = ["z[head]"]
    ///
    /// [[step]]
    /// name    = "gradients"
    /// kind    = "attribution-patching"
    /// sites   = ["z[head]"]
    /// compare = "exact"
    /// top     = [3, 5]
    /// ```
    AttributionPatching {
        /// What would be patched; see `activation-patching`.
        #[schemars(schema_with = "sites_schema")]
        sites: Vec<Parsed<SitePattern>>,
        /// Where: each position on its own.
        positions = "last_position",
        counterfactual,
        /// What is approximated.
        #[serde(default)]
        measure: AttributionMeasure,
        /// Points of integrated gradients: the gradient is the mean over this many points between the clean and the
        /// counterfactual prompt's embeddings. 0: the gradient of the clean run alone.
        #[serde(default)]
        #[schemars(range(max = 1000))]
        integrated_points: usize,
        /// A step of exact patching to compare with: rank correlation and overlap of the top units in table `NAME.agreement`.
        #[schemars(extend("x-refers-to" = "step"))]
        compare: Option<String>,
        /// Which of that step's measures to compare with. Take `log-indirect-effect` if a few prompts decide the mean
        /// of E. Left out: the measure that is approximated.
        compare_measure: Option<EffectMeasure>,
        /// Sizes k of the top-k sets that are compared.
        #[serde(default = "default_top")]
        #[schemars(inner(range(min = 1)), extend("uniqueItems" = true))]
        top: Vec<usize>,
        per_prompt,
        bootstrap,
        test,
    }
}

/// Noise on the embeddings of some tokens: Gaussian, independent in every dimension, drawn for each seed, prompt and position, and the
/// same in every row of a prompt.
///
/// Formula: x* = x + noise · σ · ε at `hook_embed`, ε of mean 0 and variance 1, σ the standard deviation of all values of the embeddings of
/// these tokens in the step's prompts
///
/// Source: Meng et al. 2022 (arXiv 2202.05262), §2.1 and appendix B.1: three times the standard deviation of the subjects' embeddings, ten
/// draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Corruption {
    /// How many standard deviations of the embeddings: 3 in Meng et al. 2022.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub noise: f32,
    /// The positions whose embeddings get noise, together.
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub positions: Vec<PositionName>,
    /// A run of each prompt for each of these; what is measured of a prompt is the mean over them.
    #[serde(default = "first_seed")]
    #[schemars(length(min = 1), extend("uniqueItems" = true))]
    pub seeds: Vec<u64>,
}

/// How the effect of a neuron is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NeuronMethod {
    /// Each neuron is patched.
    #[default]
    Exact,
    /// Gradient × (counterfactual − clean), as in `attribution-patching` (what the paper's code does). Only for
    /// `direction = "noising"` and the measure `indirect-effect`.
    Attribution,
}

impl AttributionPatching {
    /// `top` where it is left out.
    pub(crate) fn default_top() -> Vec<usize> {
        default_top()
    }

    /// The measure of exact patching that it is compared with.
    pub fn compared(&self) -> EffectMeasure {
        self.compare_measure.unwrap_or(self.measure.exact())
    }
}

defaults! {
    every_layer: Parsed<Layers> = Parsed::unwritten("*".into(), Layers::Written(Numbers::All));
    default_top: Vec<usize> = vec![10, 50, 100, 200];
    pub(super) first_seed: Vec<u64> = vec![0];
}

relations! { ActivationPatching |step|
    counterfactual: &step.counterfactual;
    layers: layers_of(&step.sites);
}

relations! { NeuronPatching |step|
    counterfactual: &step.counterfactual;
    layers: vec![step.layers.says()];
}

relations! { AttributionPatching |step|
    reads: step.compare.as_deref().into_iter().collect();
    counterfactual: &step.counterfactual;
    layers: layers_of(&step.sites);
}
