//! Some heads or neurons of a block, where what the others write is known.

use super::Linear;
use super::attention::{Attention, held, normed};
use super::rows::{OutputPositions, keep, split_heads};
use crate::kernel::{self, Past};
use crate::model::facts::{Facts, HeadNorm};
use burn::tensor::{Int, Tensor};

/// Units of a layer's attention (heads) or MLP (neurons) that are computed, where what the others write is known.
#[derive(Debug, Clone)]
pub struct BlockPart {
    /// The units, ascending.
    pub units: Vec<usize>,
    /// What the others write, without the output's bias: `[1, pos or 1, d_model]`
    pub others: Tensor<3>,
}

/// What is computed of a block.
#[derive(Debug, Clone, Copy, Default)]
pub struct BlockParts<'p> {
    /// Some heads alone; `None` for all.
    pub heads: Option<&'p BlockPart>,
    /// Some neurons alone; `None` for all.
    pub neurons: Option<&'p BlockPart>,
}

impl BlockPart {
    /// What all units write, of the computed ones' values, `[batch, pos, unit * width]`, and the weights of all.
    pub(super) fn write(&self, values: Option<Tensor<3>>, output: &Linear, batch: usize) -> Tensor<3> {
        let [_, pos, d_model] = self.others.dims();
        let known = match &output.bias {
            Some(bias) => self.others.clone() + bias.val().unsqueeze(),
            None => self.others.clone(),
        };
        match values {
            None => known.expand([batch, pos, d_model]),
            Some(values) => {
                let [.., width] = values.dims();
                let weight = output.rows(&self.units, width / self.units.len().max(1));
                kernel::linear(values, weight, None) + known
            }
        }
    }
}

impl Attention {
    /// As [`Attention::forward`] without hooks within, of some heads: only the key/value heads that they read are computed.
    pub(super) fn forward_part(
        &self,
        facts: &Facts,
        x: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        part: &BlockPart,
    ) -> Tensor<3> {
        if part.units.is_empty() {
            return part.write(None, &self.o, x.dims()[0]);
        }
        let group = facts.n_heads / facts.n_kv_heads;
        let mut kv_heads: Vec<usize> = part.units.iter().map(|head| head / group).collect();
        kv_heads.dedup();
        let heads: Vec<usize> = kv_heads.iter().flat_map(|head| head * group..(head + 1) * group).collect();
        let v = split_heads(outputs(&self.v, x.clone(), &kv_heads, facts.d_head), kv_heads.len());
        let (q, k) = match facts.head_norm {
            // The norm of each reads all of them.
            Some(HeadNorm::AllHeads) => {
                let q = split_heads(self.q.forward(keep(x.clone(), rows)), facts.n_heads);
                let k = split_heads(self.k.forward(x), facts.n_kv_heads);
                let some = |x: Tensor<4>, heads: &[usize]| {
                    let heads = indices(heads, 1, &x.device());
                    x.select(2, heads)
                };
                let (q, k) = (normed(&self.q_norm, facts, q), normed(&self.k_norm, facts, k));
                (some(q, &heads), some(k, &kv_heads))
            }
            Some(HeadNorm::EachHead) | None => {
                let q = split_heads(outputs(&self.q, keep(x.clone(), rows), &heads, facts.d_head), heads.len());
                let k = split_heads(outputs(&self.k, x, &kv_heads, facts.d_head), kv_heads.len());
                (normed(&self.q_norm, facts, q), normed(&self.k_norm, facts, k))
            }
        };
        let (q, k, v) = (held(q, facts), held(k, facts), held(v, facts));
        let first_key = past.map_or(0, Past::len);
        let first_query = first_key + k.dims()[1] - q.dims()[1];
        let (q, k) = match &self.of_layer.rotary {
            None => (q, k),
            Some(rotary) => (kernel::rotate(q, rotary, first_query), kernel::rotate(k, rotary, first_key)),
        };
        let past = past.map(|past| past.of_heads(&kv_heads));
        let z = self.mix(q, k, v, past.as_ref());
        let wanted: Vec<usize> = part.units.iter().filter_map(|head| heads.binary_search(head).ok()).collect();
        let z = if wanted.len() == heads.len() { z } else { z.clone().select(2, indices(&wanted, 1, &z.device())) };
        let [batch, pos, count, d_head] = z.dims();
        part.write(Some(z.reshape([batch, pos, count * d_head])), &self.o, batch)
    }
}

/// Some units' outputs of a linear map, `width` values each.
pub(super) fn outputs(linear: &Linear, x: Tensor<3>, units: &[usize], width: usize) -> Tensor<3> {
    let [_, total] = linear.dims();
    if units.len() * width == total {
        return linear.forward(x);
    }
    let bias = linear.bias.as_ref().map(|bias| bias.val().select(0, indices(units, width, &x.device())));
    let places: Vec<usize> = units.iter().flat_map(|&unit| unit * width..(unit + 1) * width).collect();
    kernel::linear(x, linear.columns(&places), bias)
}

/// The places of units of `width` values each.
fn indices(units: &[usize], width: usize, device: &burn::tensor::Device) -> Tensor<1, Int> {
    kernel::indices(units.iter().flat_map(|&unit| unit * width..(unit + 1) * width), device)
}
