//! The attention of one block.

use super::Linear;
use super::block_hooks::BlockHooks;
use super::rows::{OutputPositions, keep, split_heads};
use crate::kernel::{self, Past};
use crate::model::facts::{Facts, PositionEncoding};
use crate::model::hook::Site;
use burn::module::Module;
use burn::tensor::Tensor;

/// How the scores of a layer's attention differ from q·k/√d_head over all keys up to the query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// What they are multiplied by beside 1/√d_head.
    pub factor: f64,
    /// How many keys back a query sees, its own counted; `None` for all.
    pub window: Option<usize>,
}

impl Scores {
    /// Of a layer.
    pub fn of(facts: &Facts, layer: usize) -> Self {
        Self { factor: facts.score_factor(layer), window: facts.window_of(layer) }
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
    /// How a layer's scores differ from the usual ones.
    #[module(skip)]
    pub scores: Scores,
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
        let v = hooks.heads(Site::V, v);
        let (q, k) = match &facts.positions {
            PositionEncoding::Learned => (q, k),
            PositionEncoding::Rotary(rotary) => {
                let first_key = past.map_or(0, Past::len);
                let first_query = first_key + k.dims()[1] - q.dims()[1];
                let q = hooks.heads(Site::RotQ, kernel::rotate(q, rotary, first_query));
                let k = hooks.heads(Site::RotK, kernel::rotate(k, rotary, first_key));
                (q, k)
            }
        };
        let q = self.scaled(q);
        let z = if hooks.wants(Site::AttnScores) || hooks.wants(Site::Pattern) {
            let (k, v) = match past {
                Some(past) => past.before(k, v),
                None => (k, v),
            };
            let scores = hooks.heads(Site::AttnScores, kernel::attention_scores(q, k, self.scores.window));
            let pattern = hooks.heads(Site::Pattern, kernel::attention_pattern(scores));
            kernel::attention_mix(pattern, v)
        } else {
            self.mix(q, k, v, past)
        };
        let z = hooks.heads(Site::Z, z);
        if hooks.wants(Site::Result) { self.project_by_head(z, hooks) } else { self.o.forward(join_heads(z)) }
    }

    /// Queries whose products with keys have the factor of the scores.
    pub(super) fn scaled(&self, q: Tensor<4>) -> Tensor<4> {
        if self.scores.factor == 1.0 { q } else { q * self.scores.factor }
    }

    /// Values mixed by the pattern of scaled queries and keys, without hooks within.
    pub(super) fn mix(&self, q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, past: Option<&Past>) -> Tensor<4> {
        let keys = past.map_or(0, Past::len) + k.dims()[1];
        match (past, self.scores.window.filter(|&window| window < keys)) {
            (past, Some(window)) => {
                let (k, v) = match past {
                    Some(past) => past.before(k, v),
                    None => (k, v),
                };
                kernel::attention_mix(kernel::attention_pattern(kernel::attention_scores(q, k, Some(window))), v)
            }
            (Some(past), None) => kernel::attention_after(q, k, v, past),
            (None, None) => kernel::attention(q, k, v),
        }
    }

    /// The output projection with each head's share at hand; the sum differs from the fused one by float rounding.
    fn project_by_head(&self, z: Tensor<4>, hooks: &mut BlockHooks) -> Tensor<3> {
        let [batch, pos, heads, d_head] = z.dims();
        let weight = self.o.weight.val();
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
