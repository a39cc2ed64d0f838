//! The logit lens of value vectors (paper §3.2; Geva et al. 2021, "transformer feed-forward layers are key-value memories"): what a
//! neuron of an MLP adds to logits per unit of its activation.
//!
//! With v the neuron's row of the MLP's output matrix, γ the final norm's scale (1 once folded) and u a token's column of the
//! unembedding, its logit is v · (γ ∘ u); before a layer norm the mean over d_model is taken off γ ∘ u. The final norm's division by
//! the size of the stream is left out, as are biases: they are the prompt's and the token's, not the neuron's. So is, for a norm after
//! the MLP, its division by the size of what the MLP writes; its scale is the direction's, and stays.

use super::direct_attribution::{column, full, through_norm};
use crate::kernel::to_f32;
use crate::model::transformer::Transformer;

/// Logits of tokens in the value vectors of some neurons of a layer, `[neuron, token]`, in f32; none of a layer with experts.
pub fn value_logits(transformer: &Transformer, layer: usize, neurons: &[usize], tokens: &[u32]) -> Vec<f32> {
    let block = transformer.layer(layer);
    let Some(mlp) = block.mlp.dense() else { return Vec::new() };
    if neurons.is_empty() || tokens.is_empty() {
        return Vec::new();
    }
    let values = full(mlp.down.inputs(neurons));
    let read = through_norm(column(&transformer.unembed, tokens), transformer);
    let read = match block.ln2_post.as_ref().and_then(|norm| norm.scale.as_ref()) {
        Some(scale) => read * full(scale.val().unsqueeze()),
        None => read,
    };
    to_f32(values.matmul(read.transpose()))
}
