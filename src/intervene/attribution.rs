//! Attribution patching (Nanda 2023): what replacing an activation would change, to first order, from gradients.
//!
//! With the metric m = logit(r) − logit(r') at the last position of the clean run, replacing an activation x by its value x'
//! in a source run changes m by about ∇ₓm · (x' − x). One backward pass gives the gradient at every place at once.
//!
//! Integrated gradients (Sundararajan, Taly & Yan 2017) take, instead of the gradient of the clean run, its mean over points
//! on the straight line between the embeddings of the two prompts.

use super::activation::{Activation, Activations, Layout};
use super::answer_tokens::AnswerTokens;
use super::capture::{HookPositions, capture, read};
use super::edit::{Edit, Positions, Units};
use super::error::EditError;
use crate::model::NotFinite;
use crate::model::facts::Facts;
use crate::model::hook::{Hook, HookValue, Hooks, Site};
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::{DType, Int, Tensor, TensorData};
use indexmap::IndexMap;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// What would be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributedUnit {
    /// Where.
    pub hook: Hook,
    /// A head, a neuron, a direction; `None` for all of them together.
    pub unit: Option<usize>,
    /// At which positions, together.
    pub positions: Positions,
}

/// Pairs of prompts of one length.
#[derive(Debug, Clone, Copy)]
pub struct TokenPairs<'t> {
    /// The clean prompt of each pair.
    pub clean: &'t Tokens,
    /// The prompt whose values would go into the clean run.
    pub source: &'t Tokens,
    /// r and r' of each pair.
    pub answers: &'t [AnswerTokens],
    /// What several right answers, or several wrong ones, are together.
    pub together: Together,
}

/// What the logits of several answers are together. One answer is its logit in either case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Together {
    /// Their mean.
    #[default]
    Mean,
    /// ln Σ exp(logit): the logarithm of the answers' probability but for what all tokens share.
    LogSum,
}

/// The change of logit(r) − logit(r') at the last position that replacing each part by its value in the source run makes, to
/// first order: `[part, pair]`. `batch` pairs at a time; `points` of integrated gradients, 0 for the clean run's gradient.
///
/// Gradients are in the model's own type, sums over a part's values in f64.
///
/// # Errors
/// Parts that the model cannot have, attention scores and patterns among them, logits that are not finite, and what `pause` returns; it is called
/// before each backward pass with the number of those done since.
pub fn attribute<E: From<EditError> + From<NotFinite>>(
    transformer: &Transformer,
    pairs: TokenPairs,
    parts: &[AttributedUnit],
    points: usize,
    batch: usize,
    mut pause: impl FnMut(usize) -> Result<(), E>,
) -> Result<Vec<f64>, E> {
    let TokenPairs { clean, source, answers, .. } = pairs;
    if transformer.reads().is_some() {
        return Err(EditError::NoGradients.into());
    }
    let wanted = wanted(parts, transformer.facts(), clean.pos)?;
    let mut scores = vec![0.0; parts.len() * clean.batch];
    if scores.is_empty() {
        return Ok(scores);
    }
    let mut done = 0;
    for ((first, clean_part), (_, source_part)) in clean.batches(batch).zip(source.batches(batch)) {
        let answers = &answers[first..first + clean_part.batch];
        let (sources, _) = capture::<E>(transformer, &source_part, &wanted, batch, || Ok(()))?;
        let mut run = |line: Option<(Tensor<3>, f64)>| {
            pause(std::mem::replace(&mut done, clean_part.batch))?;
            Ok::<_, E>(Taps::run(transformer, &clean_part, (answers, pairs.together), &wanted, line)?)
        };
        let (cleans, gradients) = match points {
            0 => run(None)?,
            points => {
                let (cleans, _) = capture::<E>(transformer, &clean_part, &wanted, batch, || Ok(()))?;
                let end = embedding(transformer, &source_part);
                let mut sum = Activations::new();
                for point in 0..points {
                    let (_, gradients) = run(Some((end.clone(), (point as f64 + 0.5) / points as f64)))?;
                    add(&mut sum, gradients, 1.0 / points as f32);
                }
                (cleans, sum)
            }
        };
        scores.par_chunks_mut(clean.batch).zip(parts).for_each(|(scores, part)| {
            let (Some(gradient), Some(clean), Some(source)) =
                (gradients.get(&part.hook), cleans.get(&part.hook), sources.get(&part.hook))
            else {
                return;
            };
            for row in 0..clean.rows {
                scores[first + row] = part.score(row, clean_part.pos, [gradient, clean, source]);
            }
        });
    }
    pause(done)?;
    Ok(scores)
}

/// About the bytes that a forward and a backward pass of one prompt of `length` tokens take beside the model, in elements of
/// `element` bytes.
pub fn recorded_bytes(facts: &Facts, length: usize, element: usize) -> usize {
    let heads = facts.n_heads * facts.d_head;
    // What each operation keeps for its gradient, then the leaf and the gradient of hooks everywhere.
    let layer = 8 * facts.d_model + 4 * facts.widest_mlp() + 6 * heads + 2 * facts.n_heads * length;
    (2 * facts.n_layers * layer * length + 4 * facts.n_vocab) * element
}

impl AttributedUnit {
    /// Σ gradient · (source − clean) over the part's values in one row.
    fn score(&self, row: usize, length: usize, of: [&Activation; 3]) -> f64 {
        let at = |position: usize| -> f64 {
            let [gradient, clean, source] = of.map(|activation| match self.unit {
                Some(unit) => activation.unit(row, position, unit),
                None => activation.position(row, position),
            });
            // A position that is not held, such as one before the last at the final norm, reaches nothing.
            let (Some(gradient), Some(clean), Some(source)) = (gradient, clean, source) else { return 0.0 };
            let change = clean.iter().zip(source).map(|(clean, source)| f64::from(*source) - f64::from(*clean));
            gradient.iter().zip(change).map(|(gradient, change)| f64::from(*gradient) * change).sum()
        };
        self.positions.iter(length).map(at).sum()
    }
}

/// Every hook of the parts with the positions that any part of it has.
fn wanted(parts: &[AttributedUnit], facts: &Facts, length: usize) -> Result<HookPositions, EditError> {
    let mut places: IndexMap<Hook, BTreeSet<usize>> = IndexMap::new();
    for AttributedUnit { hook, unit, positions } in parts {
        let units = unit.map_or(Units::All, |unit| Units::Of(vec![unit]));
        let layout = Edit::patch(*hook, positions.clone(), units).validate(facts, length)?;
        if matches!(layout, Layout::Attention { .. }) {
            return Err(EditError::NoAttribution(*hook));
        }
        if matches!(hook, Hook::Block(_, Site::ExpertWeights)) {
            return Err(EditError::NoExpertAttribution(*hook));
        }
        places.entry(*hook).or_default().extend(positions.iter(length));
    }
    Ok(places.into_iter().map(|(hook, places)| (hook, Positions::At(places.into_iter().collect()))).collect())
}

/// `hook_embed` of prompts, `[prompt, pos, d_model]`.
fn embedding(transformer: &Transformer, tokens: &Tokens) -> Tensor<3> {
    struct Keep(Option<Tensor<3>>);
    impl Hooks for Keep {
        fn wants(&self, hook: Hook) -> bool {
            hook == Hook::Embed
        }
        fn visit(&mut self, _: Hook, value: HookValue) -> HookValue {
            if let HookValue::Stream(tensor) = &value {
                self.0 = Some(tensor.clone());
            }
            value
        }
    }
    let mut keep = Keep(None);
    let resid_pre = transformer.embed(tokens, &mut keep);
    keep.0.unwrap_or(resid_pre)
}

fn add(sum: &mut Activations, more: Activations, factor: f32) {
    for (hook, mut activation) in more {
        activation.data.iter_mut().for_each(|value| *value *= factor);
        match sum.entry(hook) {
            indexmap::map::Entry::Vacant(entry) => drop(entry.insert(activation)),
            indexmap::map::Entry::Occupied(mut entry) => {
                entry.get_mut().data.iter_mut().zip(activation.data).for_each(|(sum, value)| *sum += value);
            }
        }
    }
}

/// Taps a forward pass: to each wanted activation a zero is added, whose gradient is the activation's. Everything after the
/// first of them is recorded; the weights, which need no gradient, and everything before it are not.
struct Taps<'w> {
    wanted: &'w HookPositions,
    length: usize,
    /// The other end of the line between embeddings, and how far along it.
    line: Option<(Tensor<3>, f64)>,
    zeros: IndexMap<Hook, HookValue>,
    values: Activations,
}

impl Taps<'_> {
    /// Values and gradients of Σ over prompts of logit(r) − logit(r'), which are each prompt's own: prompts do not meet.
    fn run(
        transformer: &Transformer,
        tokens: &Tokens,
        (answers, together): (&[AnswerTokens], Together),
        wanted: &HookPositions,
        line: Option<(Tensor<3>, f64)>,
    ) -> Result<(Activations, Activations), NotFinite> {
        let mut taps = Taps { wanted, length: tokens.pos, line, zeros: IndexMap::new(), values: Activations::new() };
        let logits = transformer.forward_last(tokens, &mut taps);
        if taps.line.is_none() {
            NotFinite::check(transformer, tokens, &logits)?;
        }
        let metric = difference(logits, answers, together);
        // A metric that no activation enters has no gradient: they are all zero.
        let mut found = metric.is_tracked().then(|| metric.backward());
        let Taps { zeros, values, .. } = taps;
        let mut gradients = Activations::new();
        for (hook, zero) in zeros {
            let gradient = match (zero, &mut found) {
                (HookValue::Stream(zero), Some(found)) => {
                    HookValue::Stream(zero.grad_remove(found).unwrap_or_else(|| zero.inner()))
                }
                (HookValue::Heads(zero), Some(found)) => {
                    HookValue::Heads(zero.grad_remove(found).unwrap_or_else(|| zero.inner()))
                }
                (zero, None) => zero,
            };
            if let Some(activation) = wanted.get(&hook).and_then(|at| read(hook, &gradient, at, tokens.pos)) {
                gradients.insert(hook, activation);
            }
        }
        Ok((values, gradients))
    }
}

/// Σ over prompts of logit(r) − logit(r'): of several answers what they are together.
fn difference(logits: Tensor<2>, answers: &[AnswerTokens], together: Together) -> Tensor<1> {
    let room @ [right, wrong] = AnswerTokens::most(answers);
    // As many for each: the rest has no weight.
    let ids: Vec<i64> = answers.iter().flat_map(|one| one.filled(room)).map(i64::from).collect();
    let shape = [answers.len(), right + wrong];
    let device = logits.device();
    let picked = logits.gather(1, Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &device)).cast(DType::F32);
    let values = crate::kernel::to_f32(picked.clone());
    let mut weights = Vec::with_capacity(values.len());
    for (one, values) in answers.iter().zip(values.chunks_exact(shape[1].max(1))) {
        let (of_right, of_wrong) = values.split_at(right);
        let sides = [(of_right, one.right().len(), 1.0), (of_wrong, one.wrong().len(), -1.0)];
        weights.extend(sides.into_iter().flat_map(|(values, count, sign)| weights_of(values, count, sign, together)));
    }
    (picked * Tensor::<2>::from_data(TensorData::new(weights, shape), &device)).sum()
}

/// The derivative of what the first `count` logits are together with respect to each, times `sign`: that of ln Σ exp is their softmax.
fn weights_of(logits: &[f32], count: usize, sign: f32, together: Together) -> Vec<f32> {
    let largest = logits.iter().take(count).fold(f32::NEG_INFINITY, |largest, &logit| largest.max(logit));
    let weight = |logit: f32| match together {
        Together::Mean => 1.0,
        Together::LogSum if count == 1 => 1.0,
        Together::LogSum => (logit - largest).exp(),
    };
    let total: f32 = logits.iter().take(count).map(|&logit| weight(logit)).sum();
    let of = |(index, &logit): (usize, &f32)| if index < count { sign * weight(logit) / total } else { 0.0 };
    logits.iter().enumerate().map(of).collect()
}

impl Hooks for Taps<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.wanted.contains_key(&hook) || self.line.is_some() && hook == Hook::Embed
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        let value = match (hook, value, &self.line) {
            (Hook::Embed, HookValue::Stream(start), Some((end, along))) => {
                HookValue::Stream(start.clone() + (end.clone() - start) * *along)
            }
            (_, value, _) => value,
        };
        let Some(positions) = self.wanted.get(&hook) else { return value };
        if self.line.is_none()
            && let Some(activation) = read(hook, &value, positions, self.length)
        {
            self.values.insert(hook, activation);
        }
        match value {
            HookValue::Stream(tensor) => {
                let (tensor, zero) = tapped(tensor);
                self.zeros.insert(hook, HookValue::Stream(zero));
                HookValue::Stream(tensor)
            }
            HookValue::Heads(tensor) => {
                let (tensor, zero) = tapped(tensor);
                self.zeros.insert(hook, HookValue::Heads(zero));
                HookValue::Heads(tensor)
            }
        }
    }
}

/// The tensor plus a zero, and the zero: the gradient of leaves alone is kept.
fn tapped<const D: usize>(tensor: Tensor<D>) -> (Tensor<D>, Tensor<D>) {
    let zero = Tensor::<D>::zeros(tensor.dims(), (&tensor.device(), tensor.dtype())).autodiff().require_grad();
    (tensor + zero.clone(), zero)
}
