//! `kind = "path-patching"`.

use super::fields::step;
use super::relations::relations;
use super::shared::{components_schema, indirect_effect, last_position, receivers_schema};
use crate::spec::{ComponentPattern, NormScale, Parsed, ReceiverPattern, layers_of};

step! {
    /// Changes what one component tells another, through the residual stream alone.
    ///
    /// Only the receiver sees the sender's counterfactual output; every head and MLP between them stays as in the clean
    /// run.
    ///
    /// Formula: receiver's input = clean stream + (sender's output in the counterfactual run − in the clean run).
    ///
    /// Source: Wang et al. 2023, Interpretability in the wild, §3.1 (arXiv 2211.00593); Goldowsky-Dill et al. 2023 (arXiv 2304.05969).
    ///
    /// Limits: direct paths alone: what goes through a component between them is left out.
    ///
    /// ```toml
    /// [[step]]
    /// name       = "paths"
    /// kind       = "path-patching"
    /// senders    = ["L0H*", "L0MLP"]
    /// receivers  = ["L2H*.v", "L3MLP", "logits"]
    /// test       = "sign-flip"
    /// correction = "holm"
    /// ```
    PathPatching {
        /// Heads and MLPs that write: `L2H2`, `L3MLP`, `L*H*`.
        #[schemars(schema_with = "components_schema")]
        senders: Vec<Parsed<ComponentPattern>>,
        /// Inputs that read: `L15H13.q`, `.k`, `.v`, `L16MLP`, `logits`. Pairs whose sender does not come before its
        /// receiver are left out.
        #[schemars(schema_with = "receivers_schema")]
        receivers: Vec<Parsed<ReceiverPattern>>,
        /// Where the sender writes and the receiver reads: each position on its own.
        positions = "last_position",
        /// For models with a norm after attention: which scale of this norm a head's change is divided by on its way to the
        /// stream; `"frozen"` if not said. If the spec says it, rows have it as a column.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        norm: Option<NormScale>,
        counterfactual,
        measures(EffectMeasure, "indirect_effect"),
        per_prompt,
        bootstrap,
        test,
    }
}

relations! { PathPatching |step|
    counterfactual: &step.counterfactual;
    layers: [layers_of(&step.senders), layers_of(&step.receivers)].concat();
}
