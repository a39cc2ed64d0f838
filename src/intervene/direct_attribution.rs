//! Direct logit attribution (Elhage et al. 2021, "A mathematical framework for transformer circuits"): a logit as a sum
//! over everything that was added to the stream at the last position.
//!
//! With x = Σᵢ xᵢ the stream after the last block, s the final norm's scale there (root mean square, or standard
//! deviation), γ and β the norm's parameters (1 and 0 once folded), u the answer's column of the unembedding (minus the
//! other answer's) and b its bias, a model with an RMS norm computes
//!
//! ```text
//! logit = Σᵢ xᵢ · (γ ∘ u) / s  +  β · u + b
//! ```
//!
//! and with a layer norm the same with the mean over d_model taken off γ ∘ u, which is to take it off each xᵢ. With s held
//! at what it was, each summand is what its component adds.
//!
//! A norm after attention or MLP makes their heads and neurons no summands of what is written. A share of it is then what goes through
//! the norm with the scale that it has, or what is lost without the share and with the norm taken anew ([`NormScale`]).

use super::before_norm::before_norm;
use super::capture::{Holder, HookPositions};
use super::edit::Positions;
use super::post_norm::PostNorm;
use crate::kernel::{self, NormFunction, NormKind, to_f32};
use crate::model::NotFinite;
use crate::model::hook::{Hook, HookValue, Site};
use crate::model::transformer::OutputPositions;
use crate::model::transformer::{Linear, Tokens, Transformer};
use crate::spec::{CapSide, NormScale};
use burn::tensor::{DType, Int, Tensor};
use indexmap::IndexMap;

/// What adds to a logit directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// The last token's embedding.
    Embed,
    /// The last position's vector; of learned positions only.
    PosEmbed,
    /// A head's output without the bias that its layer's heads share.
    Head {
        /// Layer.
        layer: usize,
        /// Query head.
        head: usize,
    },
    /// The bias of a layer's attention output.
    AttnBias(usize),
    /// A layer's whole MLP, its output bias included.
    Mlp(usize),
    /// One neuron of an MLP: its activation times what it writes.
    Neuron {
        /// Layer.
        layer: usize,
        /// Neuron.
        neuron: usize,
    },
    /// What the final norm's shift and the unembedding's bias add.
    Bias,
}

/// Whose logits are taken apart, one of each per prompt.
#[derive(Debug, Clone, Copy)]
pub struct Targets<'t> {
    /// The token whose logit it is.
    pub answers: &'t [u32],
    /// The token whose logit is subtracted.
    pub others: Option<&'t [u32]>,
    /// Which scale norms after attention and MLP have for a share of what they read.
    pub norm: NormScale,
    /// Which logit it is where the model has a soft cap: after it each share is multiplied by what the cap leaves of the whole.
    pub cap: CapSide,
}

/// Logits and what adds to them.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectAttribution {
    /// The logit, or the difference, of each prompt, as the model computes it.
    pub total: Vec<f32>,
    /// `[term, prompt]`
    pub values: Vec<f32>,
}

impl Term {
    /// Every term whose sum is the logit: with the heads and MLPs whole.
    pub fn all(transformer: &Transformer) -> Vec<Self> {
        let facts = transformer.facts();
        let heads = |layer| (0..facts.n_heads).map(move |head| Term::Head { layer, head });
        let layers = (0..facts.n_layers).flat_map(|layer| heads(layer).chain([Term::Mlp(layer)]));
        Self::embeddings(transformer).into_iter().chain(layers).chain(Self::biases(transformer)).collect()
    }

    /// What stands in the stream before the first block.
    pub(crate) fn embeddings(transformer: &Transformer) -> Vec<Self> {
        let positions = transformer.pos_embed.as_ref().map(|_| Term::PosEmbed);
        [Term::Embed].into_iter().chain(positions).collect()
    }

    /// The biases of the attention outputs, where there are any, and of the logits.
    pub fn biases(transformer: &Transformer) -> Vec<Self> {
        let layers = (0..transformer.facts().n_layers).filter(|&layer| transformer.attention_writes_bias(layer));
        layers.map(Term::AttnBias).chain([Term::Bias]).collect()
    }

    /// The hook that is read for it.
    fn hook(self) -> Option<Hook> {
        match self {
            Term::Embed => Some(Hook::Embed),
            Term::PosEmbed => Some(Hook::PosEmbed),
            Term::Head { layer, .. } => Some(Hook::Block(layer, Site::Z)),
            Term::Mlp(layer) => Some(Hook::Block(layer, Site::MlpOut)),
            Term::Neuron { layer, .. } => Some(Hook::Block(layer, Site::MlpPost)),
            Term::AttnBias(_) | Term::Bias => None,
        }
    }

    /// A hook of what its norm reads, where one stands between it and the stream.
    fn hook_before_norm(self) -> Option<Hook> {
        match self {
            Term::AttnBias(layer) => Some(Hook::Block(layer, Site::Z)),
            term => term.hook(),
        }
    }

    /// Which of the values at its hook it is.
    fn unit(self) -> usize {
        match self {
            Term::Head { head, .. } => head,
            Term::Neuron { neuron, .. } => neuron,
            _ => 0,
        }
    }
}

/// Takes the targets' logits of every prompt apart, `batch` prompts at a time. The model's layers and units must have the
/// terms. Sums are in f32 whatever the model's precision. `seen` gets each batch and its last logits, `[prompt, n_vocab]`.
///
/// # Errors
/// Logits that are not finite, and what `pause`, called between batches with the number of prompts done, returns.
pub fn direct_attribution<E: From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    targets: Targets,
    terms: &[Term],
    batch: usize,
    seen: impl Fn(&Tokens, &Tensor<2>),
    mut pause: impl FnMut(usize) -> Result<(), E>,
) -> Result<DirectAttribution, E> {
    let prompts = tokens.batch;
    let last = Positions::At(vec![tokens.pos.saturating_sub(1)]);
    let facts = transformer.facts();
    let hooks = terms.iter().filter_map(|term| term.hook());
    let projected = terms.iter().filter_map(|term| before_norm(term.hook_before_norm()?, facts));
    let wanted: HookPositions = hooks.chain(projected).map(|hook| (hook, last.clone())).collect();
    let mut found = DirectAttribution { total: Vec::with_capacity(prompts), values: vec![0.0; terms.len() * prompts] };
    for (first, part) in tokens.batches(batch) {
        pause(first)?;
        let of = |tokens: &[u32]| tokens[first..first + part.batch].to_vec();
        let (answers, others) = (of(targets.answers), targets.others.map(of));
        let targets = Targets { answers: &answers, others: others.as_deref(), ..targets };
        let run = DirectBatch::new(transformer, &part, &wanted, targets, &seen)?;
        let by_hook: IndexMap<Hook, Vec<f32>> =
            run.got.iter().map(|(&hook, value)| (hook, run.written(transformer, hook, value))).collect();
        for (number, &term) in terms.iter().enumerate() {
            let values = &mut found.values[number * prompts + first..][..part.batch];
            match term.hook().and_then(|hook| by_hook.get(&hook)) {
                Some(written) => {
                    let units = written.len() / part.batch;
                    values
                        .iter_mut()
                        .zip(written.chunks_exact(units))
                        .for_each(|(value, row)| *value = row[term.unit()]);
                }
                None => values.copy_from_slice(&run.constant(transformer, term)),
            }
            values.iter_mut().zip(&run.kept).for_each(|(value, kept)| *value *= kept);
        }
        found.total.extend(run.total);
    }
    pause(prompts)?;
    Ok(found)
}

/// A batch of prompts: what its components put out at the last position, and what of it the targets' logits read.
struct DirectBatch {
    got: IndexMap<Hook, HookValue>,
    total: Vec<f32>,
    /// γ ∘ u / s, centred before a layer norm, `[prompt, d_model]`.
    direction: Tensor<2>,
    /// β · u + b, `[prompt]`.
    bias: Vec<f32>,
    /// What the soft cap leaves of each prompt's logit or difference; 1 where it is taken before the cap.
    kept: Vec<f32>,
    norm: NormScale,
}

impl DirectBatch {
    fn new(
        transformer: &Transformer,
        tokens: &Tokens,
        wanted: &HookPositions,
        Targets { answers, others, norm: scale, cap }: Targets,
        seen: impl Fn(&Tokens, &Tensor<2>),
    ) -> Result<Self, NotFinite> {
        let norm = &transformer.facts().norm;
        let mut holder = Holder { wanted, got: IndexMap::new(), length: tokens.pos };
        let mut resid = transformer.embed(tokens, &mut holder);
        for layer in 0..transformer.facts().n_layers {
            let rows =
                if layer + 1 == transformer.facts().n_layers { OutputPositions::Last } else { OutputPositions::All };
            resid = transformer.block(layer, resid, rows, &mut holder);
        }
        let slots = resid.dims()[1];
        let resid = resid.narrow(1, slots - 1, 1);
        let logits = transformer.uncapped(resid.clone(), &mut ());
        let capped: Tensor<2> = transformer.capped(logits.clone()).squeeze_dim(1);
        let logits: Tensor<2> = logits.squeeze_dim(1);
        NotFinite::check(transformer, tokens, &logits)?;
        seen(tokens, &capped);
        let target = |logits: Tensor<2>| {
            let mut total = kernel::pick(logits.clone(), answers);
            others.iter().for_each(|others| subtract(&mut total, &kernel::pick(logits.clone(), others)));
            total
        };
        let total = target(logits);
        let (total, kept) = match cap {
            CapSide::Before => (total, vec![1.0; answers.len()]),
            CapSide::After => {
                let after = target(capped);
                // Of nothing, nothing is kept or lost.
                let kept = |(after, before): (&f32, &f32)| if *before == 0.0 { 1.0 } else { after / before };
                let kept = after.iter().zip(&total).map(kept).collect();
                (after, kept)
            }
        };
        let mut column = column(&transformer.unembed, answers);
        let mut offset = offsets(&transformer.unembed, answers);
        if let Some(others) = others {
            column = column - self::column(&transformer.unembed, others);
            subtract(&mut offset, &offsets(&transformer.unembed, others));
        }
        if let Some(shift) = &transformer.ln_final.shift {
            let shifted = to_f32((column.clone() * full(shift.val().unsqueeze())).sum_dim(1));
            offset.iter_mut().zip(shifted).for_each(|(bias, shift)| *bias += shift);
        }
        let direction = direction(column, transformer, norm, resid);
        let got = holder.got.into_iter().map(|(hook, (value, _))| (hook, value)).collect();
        Ok(Self { got, total, direction, bias: offset, kept, norm: scale })
    }

    /// What each unit of a hook adds, `[prompt, unit]`: heads, neurons; of the rest one.
    fn written(&self, transformer: &Transformer, hook: Hook, value: &HookValue) -> Vec<f32> {
        let [prompts, _] = self.direction.dims();
        let direction = match self.post_norm(transformer, hook) {
            None => self.direction.clone(),
            Some(norm) if self.norm == NormScale::Frozen => norm.frozen_direction(self.direction.clone()),
            Some(norm) => return self.lost(transformer, hook, value, &norm),
        };
        let through = |weight: Tensor<2>| direction.clone().matmul(full(weight).transpose());
        match (hook, value) {
            (Hook::Block(layer, Site::Z), HookValue::Heads(z)) => {
                let [_, _, heads, d_head] = z.dims();
                let read = through(transformer.layer(layer).attention.o.whole());
                let products = full(z.clone().reshape([prompts, heads * d_head])) * read;
                to_f32(products.reshape([prompts, heads, d_head]).sum_dim(2))
            }
            (Hook::Block(layer, Site::MlpPost), HookValue::Stream(post)) => {
                let block = transformer.layer(layer);
                let Some(mlp) = block.mlp.dense() else { return vec![0.0; prompts] };
                to_f32(full(post.clone().squeeze_dim(1)) * through(mlp.down.whole()))
            }
            (_, HookValue::Stream(stream)) => {
                to_f32((full(stream.clone().squeeze_dim(1)) * direction.clone()).sum_dim(1))
            }
            (_, HookValue::Heads(_)) => vec![0.0; prompts],
        }
    }

    /// The norm between a hook and the stream, where there is one.
    fn post_norm<'t>(&self, transformer: &'t Transformer, hook: Hook) -> Option<PostNorm<'t>> {
        let projected = before_norm(hook, transformer.facts()).filter(|projected| *projected != hook)?;
        match self.got.get(&projected)? {
            HookValue::Stream(stream) => PostNorm::new(transformer, projected, stream.clone().cast(DType::F32)),
            HookValue::Heads(_) => None,
        }
    }

    /// What is lost without each unit of a hook before a norm, which is then taken anew, `[prompt, unit]`.
    fn lost(&self, transformer: &Transformer, hook: Hook, value: &HookValue, norm: &PostNorm) -> Vec<f32> {
        let [prompts, d_model] = self.direction.dims();
        let Hook::Block(layer, _) = hook else { return vec![0.0; prompts] };
        let block = transformer.layer(layer);
        let (values, weight): (Tensor<3>, _) = match value {
            HookValue::Heads(z) => {
                let [_, _, heads, d_head] = z.dims();
                (z.clone().reshape([prompts, heads, d_head]), block.attention.o.whole())
            }
            HookValue::Stream(post) => {
                let [.., neurons] = post.dims();
                let Some(mlp) = block.mlp.dense() else { return vec![0.0; prompts] };
                (post.clone().reshape([prompts, neurons, 1]), mlp.down.whole())
            }
        };
        let [_, units, width] = values.dims();
        let (values, weight) = (values.cast(DType::F32), full(weight).reshape([units, width, d_model]));
        let mut lost = vec![0.0; prompts * units];
        // What units write is d_model wide each: some at a time.
        let most = (LOST_AT_ONCE / (prompts * d_model)).max(1);
        for first in (0..units).step_by(most) {
            let count = most.min(units - first);
            let by_unit = values.clone().narrow(1, first, count).swap_dims(0, 1);
            let shares = by_unit.matmul(weight.clone().narrow(0, first, count)).swap_dims(0, 1);
            let without = norm.change(shares * -1.0, NormScale::Recomputed);
            let read = (without * self.direction.clone().reshape([prompts, 1, d_model])).sum_dim(2);
            for (prompt, values) in to_f32(read).chunks_exact(count).enumerate() {
                let target = &mut lost[prompt * units + first..][..count];
                target.iter_mut().zip(values).for_each(|(target, value)| *target = -value);
            }
        }
        lost
    }

    /// What a bias adds, `[prompt]`.
    fn constant(&self, transformer: &Transformer, term: Term) -> Vec<f32> {
        let [prompts, _] = self.direction.dims();
        match term {
            Term::Bias => self.bias.clone(),
            Term::AttnBias(layer) => match &transformer.layer(layer).attention.o.bias {
                None => vec![0.0; prompts],
                Some(bias) => {
                    let [_, d_model] = self.direction.dims();
                    let bias = full(bias.val().unsqueeze()).expand([prompts, d_model]);
                    let written = match self.post_norm(transformer, Hook::Block(layer, Site::Z)) {
                        None => bias,
                        Some(norm) => {
                            let without = norm.change(bias.reshape([prompts, 1, d_model]) * -1.0, self.norm);
                            without.squeeze_dim(1) * -1.0
                        }
                    };
                    to_f32((self.direction.clone() * written).sum_dim(1))
                }
            },
            _ => vec![0.0; prompts],
        }
    }
}

/// Values of shares that are computed at once.
const LOST_AT_ONCE: usize = 1 << 24;

/// γ ∘ u / s, centred before a layer norm, `[prompt, d_model]`; u is `column`, s that of `resid`, `[prompt, 1, d_model]`.
fn direction(column: Tensor<2>, transformer: &Transformer, norm: &NormFunction, resid: Tensor<3>) -> Tensor<2> {
    let (_, scale) = kernel::norm_parts(resid.cast(DType::F32), norm);
    through_norm(column, transformer) / scale.squeeze_dim(1)
}

/// What columns of the unembedding read before the final norm, but for its scale: γ ∘ u, centred before a layer norm. As rows.
pub(super) fn through_norm(column: Tensor<2>, transformer: &Transformer) -> Tensor<2> {
    let read = match &transformer.ln_final.scale {
        Some(scale) => column * full(scale.val().unsqueeze()),
        None => column,
    };
    match transformer.facts().norm.kind {
        NormKind::Layer => read.clone() - read.mean_dim(1),
        NormKind::Rms => read,
    }
}

/// Columns of the unembedding, one for each token, as rows: `[token, d_model]`.
pub(super) fn column(unembed: &Linear, tokens: &[u32]) -> Tensor<2> {
    let tokens: Vec<usize> = tokens.iter().map(|&token| token as usize).collect();
    full(unembed.columns(&tokens)).transpose()
}

/// The unembedding's bias at each token.
fn offsets(unembed: &Linear, tokens: &[u32]) -> Vec<f32> {
    match &unembed.bias {
        Some(bias) => {
            let bias = bias.val();
            let indices = indices(tokens, &bias.device());
            to_f32(bias.select(0, indices))
        }
        None => vec![0.0; tokens.len()],
    }
}

fn indices(tokens: &[u32], device: &burn::tensor::Device) -> Tensor<1, Int> {
    kernel::indices(tokens.iter().map(|&token| token as usize), device)
}

pub(super) fn full(tensor: Tensor<2>) -> Tensor<2> {
    tensor.cast(DType::F32)
}

fn subtract(from: &mut [f32], values: &[f32]) {
    from.iter_mut().zip(values).for_each(|(from, value)| *from -= value);
}
