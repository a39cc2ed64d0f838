//! The attention of one block.

use super::block_hooks::BlockHooks;
use super::rows::{OutputPositions, keep, split_heads};
use super::{Linear, Norm};
use crate::kernel::{self, Past, Rotary, Scores};
use crate::model::facts::{Facts, HeadNorm};
use crate::model::hook::Site;
use burn::module::Module;
use burn::tensor::Tensor;

/// What tells a layer's attention from another's.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerAttention {
    /// How queries and keys become scores.
    pub scores: Scores,
    /// How they are rotated; `None` where they are not.
    pub rotary: Option<Rotary>,
}

impl LayerAttention {
    pub(super) fn of(facts: &Facts, layer: usize) -> Self {
        Self { scores: facts.scores_of(layer), rotary: facts.rotary_of(layer).cloned() }
    }
}

/// Causal self-attention; query head h reads key/value head h / (n_heads / n_kv_heads).
#[derive(Module, Debug)]
pub struct Attention {
    /// `[d_model, n_heads * d_head]`
    pub q: Linear,
    /// `[d_model, n_kv_heads * d_head]`
    pub k: Linear,
    /// `[d_model, n_kv_heads * d_head]`
    pub v: Linear,
    /// `[n_heads * d_head, d_model]`
    pub o: Linear,
    /// Of queries before rotation: see [`HeadNorm`].
    pub q_norm: Option<Norm>,
    /// Of keys before rotation.
    pub k_norm: Option<Norm>,
    /// What tells this layer's from others.
    #[module(skip)]
    pub of_layer: LayerAttention,
}

impl Attention {
    /// `[batch, pos, d_model]` (normalised) to `[batch, pos or 1, d_model]`. With a past, the positions of `x` come after it.
    pub(super) fn forward(
        &self,
        facts: &Facts,
        x: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let q = split_heads(self.q.forward(keep(x.clone(), rows)), facts.n_heads);
        let k = split_heads(self.k.forward(x.clone()), facts.n_kv_heads);
        let v = split_heads(self.v.forward(x), facts.n_kv_heads);
        let q = hooks.heads(Site::Q, q);
        let k = hooks.heads(Site::K, k);
        let v = held(hooks.heads(Site::V, v), facts);
        let (q, k) = match facts.head_norm {
            None => (q, k),
            Some(_) => {
                let q = hooks.heads(Site::QNormed, normed(&self.q_norm, facts, q));
                (q, hooks.heads(Site::KNormed, normed(&self.k_norm, facts, k)))
            }
        };
        let (q, k) = (held(q, facts), held(k, facts));
        let (q, k) = match &self.of_layer.rotary {
            None => (q, k),
            Some(rotary) => {
                let (q, k) = match past.and_then(Past::firsts) {
                    Some(firsts) => (kernel::rotate_each(q, rotary, &firsts), kernel::rotate_each(k, rotary, &firsts)),
                    None => {
                        let first_key = past.map_or(0, Past::len);
                        let first_query = first_key + k.dims()[1] - q.dims()[1];
                        (kernel::rotate(q, rotary, first_query), kernel::rotate(k, rotary, first_key))
                    }
                };
                let q = hooks.heads(Site::RotQ, q);
                (q, hooks.heads(Site::RotK, k))
            }
        };
        let (k, v) = match past {
            Some(past) => past.after_own(k, v),
            None => (k, v),
        };
        hooks.attended(&k, &v);
        let z = if hooks.wants(Site::AttnScores) || hooks.wants(Site::Pattern) {
            let (k, v) = match past {
                Some(past) => past.before(k, v),
                None => (k, v),
            };
            let scores = hooks.heads(Site::AttnScores, kernel::attention_scores(q, k, self.of_layer.scores));
            let pattern = hooks.heads(Site::Pattern, kernel::attention_pattern(scores));
            kernel::attention_mix(pattern, v)
        } else {
            self.mix(q, k, v, past)
        };
        let z = hooks.heads(Site::Z, z);
        if hooks.wants(Site::Result) { self.project_by_head(z, hooks) } else { self.o.forward(join_heads(z)) }
    }

    /// Values mixed by the pattern of queries and keys, without hooks within.
    pub(super) fn mix(&self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, past: Option<&Past>) -> Tensor<4> {
        match past {
            Some(past) => kernel::attention_after(q, k, v, past, self.of_layer.scores),
            None => kernel::attention(q, k, v, self.of_layer.scores),
        }
    }

    /// The output projection with each head's share at hand; the sum differs from the fused one by float rounding.
    fn project_by_head(&self, z: Tensor<4>, hooks: &mut BlockHooks) -> Tensor<3> {
        let [batch, pos, heads, d_head] = z.dims();
        let weight = self.o.whole().cast(z.dtype());
        let [_, d_model] = weight.dims();
        let by_head = z.reshape([batch * pos, heads, d_head]).swap_dims(0, 1);
        let result = by_head.matmul(weight.reshape([heads, d_head, d_model]));
        let result = hooks.heads(Site::Result, result.swap_dims(0, 1).reshape([batch, pos, heads, d_model]));
        let sum = result.sum_dim(2).reshape([batch, pos, d_model]);
        match &self.o.bias {
            Some(bias) => sum + bias.val().unsqueeze(),
            None => sum,
        }
    }
}

fn join_heads(x: Tensor<4>) -> Tensor<3> {
    let [batch, pos, heads, d_head] = x.dims();
    x.reshape([batch, pos, heads * d_head])
}

/// Queries, keys or values as attention reads them: held to what the model holds them to.
pub(crate) fn held<const D: usize>(x: Tensor<D>, facts: &Facts) -> Tensor<D> {
    match facts.clip {
        Some(most) => x.clamp(-most, most),
        None => x,
    }
}

/// Queries or keys, `[batch, pos, head, d_head]`, after their norm.
pub(super) fn normed(norm: &Option<Norm>, facts: &Facts, x: Tensor<4>) -> Tensor<4> {
    let Some(norm) = norm else { return x };
    let [batch, pos, heads, d_head] = x.dims();
    let rows = match facts.head_norm {
        Some(HeadNorm::AllHeads) => [batch, pos, heads * d_head],
        _ => [batch, pos * heads, d_head],
    };
    norm.apply(&facts.norm, x.reshape(rows)).reshape([batch, pos, heads, d_head])
}
