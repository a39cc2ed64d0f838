use burn::tensor::{Bool, DType, Tensor, activation};

/// Causal attention: queries `[batch, query_pos, head, d_head]`, keys and values `[batch, key_pos, kv_head, d_head]`, to
/// `[batch, query_pos, head, d_head]`. Where there are fewer queries than keys, they are the last positions.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    attention_mix(attention_pattern(attention_scores(q, k)), v)
}

/// Scaled and masked scores, `[batch, head, query_pos, key_pos]`; -inf where the key comes after the query.
pub fn attention_scores(q: Tensor<4>, k: Tensor<4>) -> Tensor<4> {
    let [_, queries, heads, d_head] = q.dims();
    let keys = k.dims()[1];
    let scale = 1.0 / (d_head as f64).sqrt();
    let scores = q.swap_dims(1, 2).matmul(repeat_heads(k, heads).swap_dims(1, 2).swap_dims(2, 3)) * scale;
    let offset = (keys - queries) as i64;
    let future = Tensor::<2, Bool>::tril_mask([queries, keys], offset, &scores.device());
    scores.mask_fill(future.unsqueeze::<4>(), f32::NEG_INFINITY)
}

/// Softmax over the keys, computed in f32.
pub fn attention_pattern(scores: Tensor<4>) -> Tensor<4> {
    let dtype = scores.dtype();
    activation::softmax(scores.cast(DType::F32), 3).cast(dtype)
}

/// Values mixed by the pattern `[batch, head, query_pos, key_pos]`: `[batch, query_pos, head, d_head]`.
pub fn attention_mix(pattern: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let heads = pattern.dims()[1];
    pattern.matmul(repeat_heads(v, heads).swap_dims(1, 2)).swap_dims(1, 2)
}

/// `[batch, pos, kv_head, d_head]` to `[batch, pos, head, d_head]`: each key/value head serves `heads / kv_heads` query heads.
fn repeat_heads(x: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, pos, kv_heads, d_head] = x.dims();
    if kv_heads == heads {
        return x;
    }
    let group = heads / kv_heads;
    x.unsqueeze_dim::<5>(3).expand([batch, pos, kv_heads, group, d_head]).reshape([batch, pos, heads, d_head])
}
