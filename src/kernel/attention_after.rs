//! Attention of the last positions of prompts whose earlier keys and values are known.

use super::attention::{Scores, attention_mix, attention_pattern, attention_scores, softmax_row};
use super::elementwise::piece_rows;
use super::operation::{Array, run_without_gradient};
use super::threads::each_piece;
use super::vector::{add_weighted, vectorise};
use burn::tensor::Tensor;
use std::sync::Arc;

/// Keys and values of the positions before those at hand: of prompts, each shared by any number of rows.
#[derive(Debug, Clone)]
pub struct Past {
    /// `[prompt, pos, kv_head, d_head]`, rotated: the first positions are the past.
    pub keys: Tensor<4>,
    /// `[prompt, pos, kv_head, d_head]`
    pub values: Tensor<4>,
    /// How many; of the longest, where rows differ.
    pub len: usize,
    /// The prompt of each row.
    pub of: Arc<[usize]>,
    /// What rows have besides, where they go on from prompts that may differ in length.
    pub own: Option<OwnPast>,
}

/// What stands between a prompt that rows share and the positions at hand, each row its own: the tokens that were written there.
#[derive(Debug, Clone)]
pub struct OwnPast {
    /// How many positions the prompt of each row has.
    pub lens: Arc<[usize]>,
    /// Keys, rotated, and values of what was written, `[row, pos, kv_head, d_head]`; none where nothing was yet.
    pub held: Option<[Tensor<4>; 2]>,
}

impl Past {
    /// Number of positions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The position that follows in each row, where rows have tokens of their own; else [`Past::len`] is it in all.
    pub fn firsts(&self) -> Option<Vec<usize>> {
        let own = self.own.as_ref()?;
        let written = own.held.as_ref().map_or(0, |[keys, _]| keys.dims()[1]);
        Some(own.lens.iter().map(|len| len + written).collect())
    }

    /// `k` and `v`, `[row, pos, kv_head, d_head]`, with what each row has written before them.
    pub fn after_own(&self, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        match self.own.as_ref().and_then(|own| own.held.as_ref()) {
            Some([keys, values]) => (Tensor::cat(vec![keys.clone(), k], 1), Tensor::cat(vec![values.clone(), v], 1)),
            None => (k, v),
        }
    }

    /// How many positions of its prompt a row has.
    fn len_of(&self, row: usize) -> usize {
        self.own.as_ref().and_then(|own| own.lens.get(row).copied()).unwrap_or(self.len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of some key/value heads, ascending.
    pub fn of_heads(&self, heads: &[usize]) -> Self {
        let [.., kv_heads, _] = self.keys.dims();
        if heads.len() == kv_heads {
            return self.clone();
        }
        let heads = super::indices(heads.iter().copied(), &self.keys.device());
        let of = |past: &Tensor<4>| past.clone().select(2, heads.clone());
        Self { keys: of(&self.keys), values: of(&self.values), ..self.clone() }
    }

    /// `k` and `v`, `[row, pos, kv_head, d_head]`, with the past that each row shares before them; of rows that have as much of it.
    pub fn before(&self, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let prompts = super::indices(self.of.iter().copied(), &k.device());
        let gather = |past: &Tensor<4>| past.clone().narrow(1, 0, self.len).select(0, prompts.clone());
        (Tensor::cat(vec![gather(&self.keys), k], 1), Tensor::cat(vec![gather(&self.values), v], 1))
    }
}

/// [`attention`](fn@super::attention) of positions that come after a past: queries `[row, query_pos, head, d_head]`, own keys
/// and values `[row, pos, kv_head, d_head]`. The past is read where it lies, not copied for every row.
pub fn attention_after(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, past: &Past, scores: Scores) -> Tensor<4> {
    if past.is_empty() {
        return super::attention(q, k, v, scores);
    }
    let inputs = [q.into_dispatch(), k.into_dispatch(), v.into_dispatch()];
    let [q, k, v] = inputs;
    let inputs = [q, k, v, past.keys.clone().into_dispatch(), past.values.clone().into_dispatch()];
    run_without_gradient(
        |first, [q, k, v, keys, values]| attend_all(first, q, [k, v], [keys, values], past, scores),
        [true, true, true, false, false],
        inputs,
        |[q, k, v, ..]| {
            let (k, v) = past.before(Tensor::from_dispatch(k), Tensor::from_dispatch(v));
            attention_mix(attention_pattern(attention_scores(Tensor::from_dispatch(q), k, scores)), v)
        },
    )
}

/// The extents of one row.
#[derive(Clone, Copy)]
struct RowExtents {
    queries: usize,
    own: usize,
    past: usize,
    heads: usize,
    kv_heads: usize,
    d_head: usize,
    scores: Scores,
}

fn attend_all(
    first: usize,
    q: Array,
    own: [Array; 2],
    past: [Array; 2],
    of_rows: &Past,
    scores: Scores,
) -> (Vec<usize>, Vec<f32>) {
    let of = &of_rows.of;
    let (&[rows, queries, heads, d_head], &[_, own_len, kv_heads, _], &[prompts, held, ..]) =
        (q.shape, own[0].shape, past[0].shape)
    else {
        unreachable!("queries and keys have four dimensions");
    };
    assert!(own[0].shape == own[1].shape && past[0].shape == past[1].shape, "keys and values have one shape");
    let past_len = of_rows.len;
    assert!(
        (first..first + rows).all(|row| of_rows.len_of(row) <= past_len),
        "no row has more of its prompt than the longest"
    );
    assert!(
        past_len <= held && first + rows <= of.len() && of.iter().all(|&prompt| prompt < prompts),
        "each row has a prompt"
    );
    assert!(queries <= own_len && kv_heads > 0 && heads % kv_heads == 0, "queries are positions of the keys");
    let extents = RowExtents { queries, own: own_len, past: past_len, heads, kv_heads, d_head, scores };
    let keys = past_len + own_len;
    let (query_block, own_block, past_block) =
        (queries * heads * d_head, own_len * kv_heads * d_head, held * kv_heads * d_head);
    let mut z = vec![0.0; q.data.len()];
    let piece = piece_rows(query_block * keys);
    each_piece(&mut z, query_block * piece, |index, z| {
        let mut pattern = vec![0.0; keys];
        for (offset, z) in z.chunks_mut(query_block).enumerate() {
            let row = index * piece + offset;
            let extents = RowExtents { past: of_rows.len_of(first + row), ..extents };
            let own = own.map(|array| &array.data[row * own_block..][..own_block]);
            let past = past.map(|array| &array.data[of[first + row] * past_block..][..past_block]);
            attend(&extents, &q.data[row * query_block..][..query_block], past, own, &mut pattern, z);
        }
    });
    (q.shape.to_vec(), z)
}

vectorise! {
    // One row: z from zeros; `pattern` is room for all keys. `past` and `own` are keys and values.
    fn attend(extents: &RowExtents, q: &[f32], past: [&[f32]; 2], own: [&[f32]; 2], pattern: &mut [f32], z: &mut [f32]) {
        let RowExtents { queries, own: own_len, past: past_len, heads, kv_heads, d_head, scores } = *extents;
        let lanes = scores.lanes(d_head);
        let group = heads / kv_heads;
        for query in 0..queries {
            let query_position = past_len + own_len - queries + query;
            let visible = scores.first_key(query_position)..query_position + 1;
            // The keys that it sees among the past, and among the row's own.
            let (from_past, from_own) = (visible.start.min(past_len), visible.start.saturating_sub(past_len));
            let pattern = &mut pattern[..visible.len()];
            for head in 0..heads {
                let at = (query * heads + head) * d_head;
                let q = &q[at..at + d_head];
                let key = |position: usize| (position * kv_heads + head / group) * d_head;
                let (before, after) = pattern.split_at_mut(past_len - from_past);
                for (side, keys, first) in [(before, past[0], from_past), (after, own[0], from_own)] {
                    lanes.write::<FMA>(q, |position| &keys[key(first + position)..][..d_head], side);
                }
                softmax_row::<FMA>(pattern);
                let z = &mut z[at..at + d_head];
                let (before, after) = pattern.split_at(past_len - from_past);
                for (side, values, first) in [(before, past[1], from_past), (after, own[1], from_own)] {
                    add_weighted::<FMA>(z, side, |position| &values[key(first + position)..][..d_head]);
                }
            }
        }
    }
}
