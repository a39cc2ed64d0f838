//! What neurons write, read as logits: the logit lens of value vectors (paper §3.2; Geva et al. 2021, "Transformer feed-forward
//! layers are key-value memories").

use super::direct_attribution::{column, full, through_norm};
use crate::model::to_f32;
use crate::model::transformer::Transformer;
use burn::tensor::{Int, Tensor, TensorData};

/// v_out · (γ ∘ W_U) of some neurons of a layer at some tokens, `[neuron, token]`: how much each token's logit grows with the
/// neuron's activation, times the final norm's scale, which differs from prompt to prompt. γ is the norm's weight; before a layer
/// norm, what is read is centred. Biases add the same whatever the neuron does and are left out.
pub fn value_vector_logits(transformer: &Transformer, layer: usize, neurons: &[usize], tokens: &[u32]) -> Vec<f32> {
    if neurons.is_empty() || tokens.is_empty() {
        return Vec::new();
    }
    let down = transformer.blocks[layer].down.weight.val();
    let rows: Vec<i64> = neurons.iter().map(|&neuron| neuron as i64).collect();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [neurons.len()]), &down.device());
    let read = through_norm(column(&transformer.unembed, tokens), transformer);
    to_f32(full(down.select(0, rows)).matmul(read.transpose()))
}
