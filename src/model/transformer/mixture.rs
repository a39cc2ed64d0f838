//! A mixture of experts: for each token a router chooses a few of many small MLPs, and only those are computed.

use super::block_hooks::BlockHooks;
use super::upload::Upload;
use super::{DenseMlp, Linear};
use crate::kernel::{from_f32, indices, to_f32};
use crate::model::facts::{Experts, Facts};
use crate::model::hook::Site;
use crate::model::host::HostMixture;
use burn::module::Module;
use burn::tensor::{DType, Tensor, activation};

/// Experts, and the router that chooses among them.
#[derive(Module, Debug)]
pub struct Mixture {
    /// `[d_model, experts]`
    pub router: Linear,
    /// Each of them.
    pub experts: Vec<DenseMlp>,
}

impl Mixture {
    pub(super) fn upload(HostMixture { router, experts }: HostMixture, upload: &Upload) -> Self {
        Self {
            router: Linear::upload(router, upload),
            experts: experts.into_iter().map(|expert| DenseMlp::upload(expert, upload)).collect(),
        }
    }

    /// `[batch, pos, d_model]` to the same: Σ weight · expert(x) over the experts that are chosen.
    pub(super) fn forward(&self, facts: &Facts, x: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        let Some(experts) = facts.experts_of(hooks.layer) else { return x.zeros_like() };
        let logits = hooks.stream(Site::RouterLogits, self.router.forward(x.clone()));
        let weights = hooks.stream(Site::ExpertWeights, weights(logits, experts).cast(x.dtype()));
        self.mix(facts, x, weights)
    }

    /// Σ weight · expert(x) over the experts whose weight, `[batch, pos, expert]`, is not 0: each expert once, for all its tokens.
    fn mix(&self, facts: &Facts, x: Tensor<3>, weights: Tensor<3>) -> Tensor<3> {
        let [batch, pos, d_model] = x.dims();
        let (tokens, count) = (batch * pos, self.experts.len());
        let sent = Sent::of(&to_f32(weights.clone()), count);
        if sent.places.is_empty() {
            return x.zeros_like();
        }
        let device = x.device();
        // By expert, and of each by token.
        let inputs = x.clone().reshape([tokens, d_model]).select(0, indices(sent.tokens.iter().copied(), &device));
        let mut written = Vec::with_capacity(count);
        let mut first = 0;
        for (expert, &tokens) in self.experts.iter().zip(&sent.by_expert).filter(|(_, tokens)| **tokens > 0) {
            let input = inputs.clone().narrow(0, first, tokens).unsqueeze::<3>();
            written.push(expert.forward(facts, input, &mut BlockHooks { layer: 0, hooks: &mut () }));
            first += tokens;
        }
        let written: Tensor<2> = Tensor::cat(written, 1).squeeze_dim(0);
        let weights = weights.reshape([tokens * count, 1]).select(0, indices(sent.places.iter().copied(), &device));
        let shares = written * weights;
        // What each token has of them, side by side, in the order of the experts; nothing where it has fewer than others.
        let nothing = Tensor::zeros([1, d_model], (&device, shares.dtype()));
        let shares = Tensor::cat(vec![shares, nothing], 0).select(0, indices(sent.of_tokens.iter().copied(), &device));
        shares.reshape([tokens, sent.most, d_model]).sum_dim(1).reshape([batch, pos, d_model])
    }
}

/// The weight of each expert for each token, 0 of those that are not chosen, `[batch, pos, expert]`, in f32.
fn weights(logits: Tensor<3>, experts: &Experts) -> Tensor<3> {
    let shape = logits.dims();
    let chosen = chosen(&to_f32(logits.clone()), experts);
    let chosen = from_f32::<3>(chosen, shape, (&logits.device(), DType::F32));
    let weights = activation::softmax(logits.cast(DType::F32), 2) * chosen;
    if experts.normalised { weights.clone() / weights.sum_dim(2) } else { weights }
}

/// 1 at the experts with the largest logits of each token, of equal ones the first; 0 elsewhere.
fn chosen(logits: &[f32], experts: &Experts) -> Vec<f32> {
    let mut chosen = vec![0.0; logits.len()];
    let mut order: Vec<usize> = Vec::with_capacity(experts.count);
    for (chosen, logits) in chosen.chunks_exact_mut(experts.count).zip(logits.chunks_exact(experts.count)) {
        order.clear();
        order.extend(0..experts.count);
        order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        order.iter().take(experts.chosen).for_each(|&expert| chosen[expert] = 1.0);
    }
    chosen
}

/// Which tokens go to which experts.
struct Sent {
    /// The token of each pair of an expert and a token, by expert and then by token.
    tokens: Vec<usize>,
    /// Where the weight of each pair stands in `[token, expert]`.
    places: Vec<usize>,
    /// How many tokens each expert has.
    by_expert: Vec<usize>,
    /// The pairs of each token in the order of the experts, `[token, most]`; the number of pairs where it has no more.
    of_tokens: Vec<usize>,
    /// The largest number of experts that a token has.
    most: usize,
}

impl Sent {
    /// By weights, `[token, expert]`: to each expert the tokens of which its weight is not 0.
    fn of(weights: &[f32], experts: usize) -> Self {
        let count = weights.len() / experts.max(1);
        let mut sent = Self {
            tokens: Vec::new(),
            places: Vec::new(),
            by_expert: vec![0; experts],
            of_tokens: Vec::new(),
            most: 0,
        };
        let mut pairs: Vec<Vec<usize>> = vec![Vec::new(); count];
        for expert in 0..experts {
            for (token, pairs) in pairs.iter_mut().enumerate() {
                let place = token * experts + expert;
                if weights[place] != 0.0 {
                    pairs.push(sent.tokens.len());
                    sent.tokens.push(token);
                    sent.places.push(place);
                    sent.by_expert[expert] += 1;
                }
            }
        }
        sent.most = pairs.iter().map(Vec::len).max().unwrap_or(0);
        let none = sent.tokens.len();
        for pairs in pairs {
            let missing = sent.most - pairs.len();
            sent.of_tokens.extend(pairs.into_iter().chain(std::iter::repeat_n(none, missing)));
        }
        sent
    }
}
