//! Floating-point operations of the parts of a model.

use crate::model::facts::Facts;

/// Floating-point operations of one position of one layer: two per weight.
pub fn layer_operations(facts: &Facts) -> u64 {
    let attention = facts.d_model * facts.d_head * (2 * facts.n_heads + 2 * facts.n_kv_heads);
    2 * attention as u64 + neuron_operations(facts) * facts.d_mlp as u64
}

/// Those of one row's logits.
pub fn unembedding_operations(facts: &Facts) -> u64 {
    2 * (facts.d_model * facts.n_vocab) as u64
}

pub(super) fn neuron_operations(facts: &Facts) -> u64 {
    2 * (facts.d_model * if facts.gated { 3 } else { 2 }) as u64
}
