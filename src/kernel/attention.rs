//! Attention: scores, patterns, and what is mixed by them.

use super::elementwise::piece_rows;
use super::half_width::Pieces;
use super::operation::{Array, Operation, at_least_f32, run};
use super::soft_cap::{soft_cap, soft_cap_lane};
use super::threads::each_piece;
use super::vector::{add_scaled, add_weighted, dots, exp_lane, largest, vectorise};
use burn::tensor::{Bool, Tensor, activation};
use rayon::prelude::*;

/// How the products of queries and keys become scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// What q·k/√d_head is multiplied by.
    pub factor: f64,
    /// c of the soft cap c·tanh(score/c); `None` for none.
    pub cap: Option<f64>,
    /// How many keys back a query sees, its own counted; `None` for all.
    pub window: Option<usize>,
}

impl Scores {
    /// q·k/√d_head, over all keys up to the query.
    pub const STANDARD: Self = Self { factor: 1.0, cap: None, window: None };

    /// The first key that a query sees, both counted from the first key.
    pub(super) fn first_key(&self, query: usize) -> usize {
        self.window.map_or(0, |window| (query + 1).saturating_sub(window))
    }

    pub(super) fn lanes(&self, d_head: usize) -> ScoreLanes {
        ScoreLanes { scale: self.factor as f32 / (d_head as f32).sqrt(), cap: self.cap.map(|cap| cap as f32) }
    }
}

/// Causal attention: queries `[batch, query_pos, head, d_head]`, keys and values `[batch, key_pos, kv_head, d_head]`, to
/// `[batch, query_pos, head, d_head]`. Where there are fewer queries than keys, they are the last positions.
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, scores: Scores) -> Tensor<4> {
    run(AttentionOperation(scores), [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()], |[q, k, v]| {
        let scores = attention_scores(Tensor::from_dispatch(q), Tensor::from_dispatch(k), scores);
        attention_mix(attention_pattern(scores), Tensor::from_dispatch(v))
    })
}

/// Scaled, capped and masked scores, `[batch, head, query_pos, key_pos]`; -inf where the key comes after the query, and where it
/// comes before the window.
pub fn attention_scores(q: Tensor<4>, k: Tensor<4>, Scores { factor, cap, window }: Scores) -> Tensor<4> {
    let [_, queries, heads, d_head] = q.dims();
    let keys = k.dims()[1];
    let scale = factor / (d_head as f64).sqrt();
    let scores = q.swap_dims(1, 2).matmul(repeat_heads(k, heads).swap_dims(1, 2).swap_dims(2, 3)) * scale;
    let scores = match cap {
        Some(cap) => soft_cap(scores, cap),
        None => scores,
    };
    let offset = (keys - queries) as i64;
    let after = |offset: i64| Tensor::<2, Bool>::tril_mask([queries, keys], offset, &scores.device());
    let future = after(offset);
    let past = window.filter(|&window| window < keys).map(|window| after(offset - window as i64).bool_not());
    let scores = scores.mask_fill(future.unsqueeze::<4>(), f32::NEG_INFINITY);
    match past {
        Some(past) => scores.mask_fill(past.unsqueeze::<4>(), f32::NEG_INFINITY),
        None => scores,
    }
}

/// Softmax over the keys, computed in f32 at least.
pub fn attention_pattern(scores: Tensor<4>) -> Tensor<4> {
    let dtype = scores.dtype();
    activation::softmax(scores.cast(at_least_f32(dtype)), 3).cast(dtype)
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

#[derive(Debug, Clone)]
struct AttentionOperation(Scores);

/// The extents of one attention.
#[derive(Debug, Clone, Copy)]
struct AttentionExtents {
    queries: usize,
    keys: usize,
    heads: usize,
    kv_heads: usize,
    d_head: usize,
    scores: Scores,
}

impl AttentionExtents {
    fn of(q: Array, k: Array, v: Array, scores: Scores) -> Self {
        let (&[batch, queries, heads, d_head], &[_, keys, kv_heads, _]) = (q.shape, k.shape) else {
            unreachable!("queries and keys have four dimensions");
        };
        assert_eq!(k.shape, v.shape, "keys and values have one shape");
        assert_eq!((k.shape[0], k.shape[3]), (batch, d_head), "queries and keys agree in batch and d_head");
        assert!(queries <= keys && kv_heads > 0 && heads % kv_heads == 0, "queries are positions of the keys");
        Self { queries, keys, heads, kv_heads, d_head, scores }
    }

    /// Values of one prompt's queries.
    fn query_block(&self) -> usize {
        self.queries * self.heads * self.d_head
    }

    /// Values of one prompt's keys.
    fn key_block(&self) -> usize {
        self.keys * self.kv_heads * self.d_head
    }

    fn query(&self, query: usize, head: usize) -> std::ops::Range<usize> {
        let start = (query * self.heads + head) * self.d_head;
        start..start + self.d_head
    }

    fn key(&self, key: usize, head: usize) -> std::ops::Range<usize> {
        let start = (key * self.kv_heads + head / (self.heads / self.kv_heads)) * self.d_head;
        start..start + self.d_head
    }

    /// The keys that a query sees.
    fn visible(&self, query: usize) -> std::ops::Range<usize> {
        let query = self.keys - self.queries + query;
        self.scores.first_key(query)..query + 1
    }
}

/// [`Scores`] of single values, window aside.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScoreLanes {
    scale: f32,
    cap: Option<f32>,
}

impl ScoreLanes {
    /// Scaled and capped scores of a query with keys, which `key` has by their numbers.
    #[inline(always)]
    pub fn write<'k, const FMA: bool>(self, q: &[f32], key: impl Fn(usize) -> &'k [f32], scores: &mut [f32]) {
        dots::<FMA>(q, key, scores);
        scores.iter_mut().for_each(|score| *score *= self.scale);
        if let Some(cap) = self.cap {
            scores.iter_mut().for_each(|score| *score = soft_cap_lane::<FMA>(*score, cap));
        }
    }

    /// The cap's derivative at a capped score.
    #[inline(always)]
    fn slope(self, capped: f32) -> f32 {
        self.cap.map_or(1.0, |cap| 1.0 - (capped / cap) * (capped / cap))
    }
}

/// Scores become weights that sum to one.
#[inline(always)]
pub(super) fn softmax_row<const FMA: bool>(row: &mut [f32]) {
    let largest = largest(row);
    for score in row.iter_mut() {
        *score = exp_lane::<FMA>(*score - largest);
    }
    // One after the other, and so apart from what is computed side by side.
    let mut total = 0.0;
    for score in row.iter() {
        total += *score;
    }
    let factor = 1.0 / total;
    for score in row {
        *score *= factor;
    }
}

vectorise! {
    // One prompt: z from zeros, `pattern` is room for `keys` values.
    fn attend(extents: &AttentionExtents, q: &[f32], k: &[f32], v: &[f32], pattern: &mut [f32], z: &mut [f32]) {
        let lanes = extents.scores.lanes(extents.d_head);
        for query in 0..extents.queries {
            let visible = extents.visible(query);
            let first = visible.start;
            let pattern = &mut pattern[..visible.len()];
            for head in 0..extents.heads {
                let place = extents.query(query, head);
                lanes.write::<FMA>(&q[place.clone()], |key| &k[extents.key(first + key, head)], pattern);
                softmax_row::<FMA>(pattern);
                add_weighted::<FMA>(&mut z[place], pattern, |key| &v[extents.key(first + key, head)]);
            }
        }
    }
}

vectorise! {
    // One prompt's gradients from zeros. With p the pattern and g = dz: dv_j = Σ p_ij·g_i; dp_ij = g_i·v_j;
    // ds_ij = p_ij·(dp_ij - Σ_k p_ik·dp_ik), times the cap's derivative; dq_i = scale·Σ ds_ij·k_j; dk_j = scale·Σ ds_ij·q_i.
    fn attend_gradients(
        extents: &AttentionExtents,
        inputs: [&[f32]; 3],
        gradient: &[f32],
        room: &mut [f32],
        outputs: [&mut [f32]; 3],
    ) {
        let [q, k, v] = inputs;
        let [to_q, to_k, to_v] = outputs;
        let lanes = extents.scores.lanes(extents.d_head);
        let (pattern, rest) = room.split_at_mut(extents.keys);
        let (slope, bend) = rest.split_at_mut(extents.keys);
        for query in 0..extents.queries {
            let visible = extents.visible(query);
            let (first, count) = (visible.start, visible.len());
            let (pattern, slope, bend) = (&mut pattern[..count], &mut slope[..count], &mut bend[..count]);
            for head in 0..extents.heads {
                let place = extents.query(query, head);
                lanes.write::<FMA>(&q[place.clone()], |key| &k[extents.key(first + key, head)], pattern);
                bend.iter_mut().zip(pattern.iter()).for_each(|(bend, score)| *bend = lanes.slope(*score));
                softmax_row::<FMA>(pattern);
                let gradient = &gradient[place.clone()];
                dots::<FMA>(gradient, |key| &v[extents.key(first + key, head)], slope);
                for (key, weight) in pattern.iter().enumerate() {
                    add_scaled::<FMA>(&mut to_v[extents.key(first + key, head)], *weight, gradient);
                }
                let mean: f32 = pattern.iter().zip(slope.iter()).map(|(weight, slope)| weight * slope).sum();
                for (key, ((weight, slope), bend)) in pattern.iter().zip(slope.iter()).zip(bend.iter()).enumerate() {
                    let factor = lanes.scale * weight * (slope - mean) * bend;
                    let key = extents.key(first + key, head);
                    add_scaled::<FMA>(&mut to_q[place.clone()], factor, &k[key.clone()]);
                    add_scaled::<FMA>(&mut to_k[key], factor, &q[place.clone()]);
                }
            }
        }
    }
}

impl Operation<3> for AttentionOperation {
    const PIECES: Pieces<3> = Pieces::First([true; 3]);

    fn forward(&self, [q, k, v]: [Array; 3]) -> (Vec<usize>, Vec<f32>) {
        let extents = AttentionExtents::of(q, k, v, self.0);
        let (query_block, key_block) = (extents.query_block().max(1), extents.key_block());
        let mut z = vec![0.0; q.data.len()];
        let prompts = piece_rows(query_block * extents.keys.max(1));
        each_piece(&mut z, query_block * prompts, |piece, z| {
            let mut pattern = vec![0.0; extents.keys];
            for (prompt, z) in z.chunks_mut(query_block).enumerate() {
                let prompt = piece * prompts + prompt;
                let q = &q.data[prompt * query_block..][..query_block];
                let (k, v) = (&k.data[prompt * key_block..][..key_block], &v.data[prompt * key_block..][..key_block]);
                attend(&extents, q, k, v, &mut pattern, z);
            }
        });
        (q.shape.to_vec(), z)
    }

    fn backward(&self, [q, k, v]: [Array; 3], _: &[f32], gradient: &[f32], _: [bool; 3]) -> [Option<Vec<f32>>; 3] {
        let extents = AttentionExtents::of(q, k, v, self.0);
        let (query_block, key_block) = (extents.query_block().max(1), extents.key_block().max(1));
        let (mut to_q, mut to_k, mut to_v) =
            (vec![0.0; q.data.len()], vec![0.0; k.data.len()], vec![0.0; v.data.len()]);
        let prompts = piece_rows(query_block * extents.keys.max(1));
        let pieces = to_q
            .par_chunks_mut(query_block * prompts)
            .zip(to_k.par_chunks_mut(key_block * prompts))
            .zip(to_v.par_chunks_mut(key_block * prompts));
        pieces.enumerate().for_each(|(piece, ((to_q, to_k), to_v))| {
            let mut room = vec![0.0; 3 * extents.keys];
            let blocks = to_q.chunks_mut(query_block).zip(to_k.chunks_mut(key_block)).zip(to_v.chunks_mut(key_block));
            for (prompt, ((to_q, to_k), to_v)) in blocks.enumerate() {
                let prompt = piece * prompts + prompt;
                let queries = prompt * query_block..(prompt + 1) * query_block;
                let keys = prompt * key_block..(prompt + 1) * key_block;
                let inputs = [&q.data[queries.clone()], &k.data[keys.clone()], &v.data[keys]];
                attend_gradients(&extents, inputs, &gradient[queries], &mut room, [to_q, to_k, to_v]);
            }
        });
        [Some(to_q), Some(to_k), Some(to_v)]
    }
}
