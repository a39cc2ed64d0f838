//! `kind = "max-activations"`.

use super::fields::step;
use super::relations::relations;
use super::shared::components_schema;
use crate::spec::PositionName;
use crate::spec::defaults::defaults;
use crate::spec::{ComponentPattern, Parsed, layers_of};

step! {
    /// The prompts and tokens that activate neurons or heads most.
    ///
    /// Formula: of each component the `top` largest values over all prompts of a template and all positions: of a neuron its activation
    /// (`mlp.hook_post`), of a head the length of what it gives, ‖z‖₂ (`attn.hook_z`).
    ///
    /// Source: Geva et al. 2021 (arXiv 2012.14913) read neurons by the texts that activate them most.
    ///
    /// Limits: the largest values are a neuron's tail; what it does on everything else may be something else (Bolukbasi et al. 2021, arXiv 2104.07143).
    /// The most negative values are not looked for.
    ///
    /// ```toml
    /// [[step]]
    /// name       = "strongest"
    /// kind       = "max-activations"
    /// components = ["L2N0..8", "L1H3"]
    /// top        = 5
    /// ```
    MaxActivations {
        /// Neurons and heads: `L2N17`, `L2H3`, `L*H*`.
        #[schemars(schema_with = "components_schema")]
        components: Vec<Parsed<ComponentPattern>>,
        /// Where values are looked for: `each` for every position.
        positions = "each_position",
        /// How many are kept of each component and template.
        #[serde(default = "ten")]
        #[schemars(range(min = 1, max = 10000))]
        top: usize,
    }
}

defaults! {
    each_position: Vec<PositionName> = vec![PositionName::each()];
    ten: usize = 10;
}

relations! { MaxActivations |step| layers: layers_of(&step.components); }
