//! Floating-point operations of the parts of a model: two for each weight that a position is multiplied with.

use crate::model::facts::Facts;

/// Floating-point operations of one position of one layer; where layers differ, the mean.
pub fn layer_operations(facts: &Facts) -> u64 {
    let attention = facts.d_model * facts.d_head * (2 * facts.n_heads + 2 * facts.n_kv_heads);
    let mlps: u64 = (0..facts.n_layers).map(|layer| mlp_operations(facts, layer)).sum();
    2 * attention as u64 + mlps / facts.n_layers.max(1) as u64
}

/// Those of one row's logits.
pub fn unembedding_operations(facts: &Facts) -> u64 {
    2 * (facts.d_model * facts.n_vocab) as u64
}

/// Those of one position of a layer's MLP: of experts, of the router and as many as are chosen.
pub(super) fn mlp_operations(facts: &Facts, layer: usize) -> u64 {
    match facts.experts_of(layer) {
        None => neuron_operations(facts) * facts.d_mlp as u64,
        Some(experts) => {
            let router = 2 * (facts.d_model * experts.count) as u64;
            router + neuron_operations(facts) * (experts.width * experts.chosen) as u64
        }
    }
}

/// Those of one neuron.
pub(super) fn neuron_operations(facts: &Facts) -> u64 {
    2 * (facts.d_model * if facts.gated { 3 } else { 2 }) as u64
}
