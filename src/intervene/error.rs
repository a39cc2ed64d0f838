//! Edits that a model cannot have.

use super::activation::Layout;
use crate::counted::counted;
use crate::model::NotFinite;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};

/// What is wrong with an edit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EditError {
    /// The layer is not there.
    #[error("{hook}: the model has {}; write one of 0 to {}", counted(*n_layers, "layer"), n_layers - 1)]
    Layer {
        /// The hook.
        hook: Hook,
        /// Layers of the model.
        n_layers: usize,
    },
    /// The model's architecture has no such place.
    #[error("{hook}: a model of family {family} has no such hook: {why}")]
    Absent {
        /// The hook.
        hook: Hook,
        /// The model's family.
        family: &'static str,
        /// What the architecture lacks.
        why: &'static str,
    },
    /// The unit is not there.
    #[error("{hook}: there is no {0} {unit}, because there are {units} {0}s; write one of 0 to {1}", if *.heads { "head" } else { "unit" }, units - 1)]
    Unit {
        /// The hook.
        hook: Hook,
        /// The unit.
        unit: usize,
        /// How many there are.
        units: usize,
        /// Whether they are heads.
        heads: bool,
    },
    /// The position is not there.
    #[error("{hook}: there is no position {position} in a prompt of {}; write one of 0 to {}", counted(*length, "token"), length - 1)]
    Position {
        /// The hook.
        hook: Hook,
        /// The position.
        position: usize,
        /// Tokens of the prompt.
        length: usize,
    },
    /// Attention edges are cut in the scores.
    #[error("{0}: edges are cut at attn_scores; write blocks.LAYER.attn.hook_attn_scores")]
    CutElsewhere(Hook),
    /// Scores are minus infinity where the mask is: they have no difference between two runs.
    #[error(
        "{0}: attribution is not available for attention scores and patterns; write attn.hook_q, attn.hook_k or attn.hook_z"
    )]
    NoAttribution(Hook),
    /// Experts that are not chosen are not computed.
    #[error(
        "{0}: attribution is not available for experts' weights, because experts that were not chosen have no gradient; write \
         mlp.hook_router_logits, whose gradient is that of the chosen experts, or hook_mlp_out"
    )]
    NoExpertAttribution(Hook),
    /// Given values of another shape.
    #[error("{hook}: given values lie as {found:?}, the activation as {expected:?}")]
    Shape {
        /// The hook.
        hook: Hook,
        /// Of the activation.
        expected: Layout,
        /// Of the values.
        found: Layout,
    },
    /// A subspace of vectors of another width.
    #[error(
        "{hook}: the vectors of the subspace have {width} values, {}",
        expected.map_or("and single values have no subspace; edit the whole activation, or heads".to_string(), |expected| format!("and the edited activation has {expected}"))
    )]
    Subspace {
        /// The hook.
        hook: Hook,
        /// Values of the subspace's vectors.
        width: usize,
        /// Those of what is edited, where a subspace of it can be.
        expected: Option<usize>,
    },
    /// A row that reads a source run which is not there.
    #[error("{hook}: no source run {} with values there", source_run.map_or("(none given)".to_string(), |run| run.to_string()))]
    NoSource {
        /// The hook.
        hook: Hook,
        /// Index of the run, where the row names one.
        source_run: Option<usize>,
    },
    /// The run that edits would be made in is not finite itself.
    #[error(transparent)]
    NotFinite(#[from] NotFinite),
    /// Gradients of a model whose layers are not in memory: what is recorded for them would hold every layer.
    #[error(
        "gradients need every layer in the memory of one device, and here layers are read while the model runs, or spread over devices; leave \
         memory_mib out, write a device that holds the model, or patch exactly (activation-patching)"
    )]
    NoGradients,
    /// A row of a prompt that is not there.
    #[error("row {row}: there is no prompt {prompt}, because there are {prompts}; write one of 0 to {}", prompts.saturating_sub(1))]
    Prompt {
        /// Index of the row.
        row: usize,
        /// The prompt it names.
        prompt: usize,
        /// How many there are.
        prompts: usize,
    },
}

impl EditError {
    /// Why a model has no such hook.
    pub(super) fn no_hook(hook: Hook, facts: &Facts) -> Self {
        let why = match hook {
            Hook::Block(layer, _) if layer >= facts.n_layers => {
                return EditError::Layer { hook, n_layers: facts.n_layers };
            }
            Hook::PosEmbed => "its positions are rotations of queries and keys",
            Hook::Block(_, Site::RotQ | Site::RotK) => "its positions are learned vectors",
            Hook::Block(_, Site::ResidMid) => "attention and MLP read the same stream",
            Hook::Block(_, Site::Ln2Scale | Site::Ln2Standardized | Site::Ln2Normalized | Site::Ln2Out) => {
                "attention and MLP share one norm"
            }
            Hook::Block(layer, Site::MlpPre | Site::MlpPreLinear | Site::MlpPost)
                if facts.experts_of(layer).is_some() =>
            {
                "the layer has experts, each with neurons of its own for the tokens that are sent to it; the whole MLP is at \
                 hook_mlp_out, and what each expert counts for at mlp.hook_expert_weights"
            }
            Hook::Block(_, Site::RouterLogits | Site::ExpertWeights) => {
                "the layer has one MLP for all tokens, no experts"
            }
            Hook::Block(_, Site::MlpPreLinear) => "its MLP is not gated",
            _ => "it is not part of the architecture",
        };
        EditError::Absent { hook, family: facts.family, why }
    }
}
