//! Reading activations: of every prompt, or their means.

use super::activation::{Activation, Activations, Layout};
use super::edit::Positions;
use super::parallel;
use crate::model::NotFinite;
use crate::model::hook::{Hook, HookValue, Hooks};
use crate::model::transformer::OutputPositions;
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::Tensor;
use indexmap::IndexMap;

/// What to read: hooks, and at which positions (of the queries, where a hook has two).
pub type HookPositions = IndexMap<Hook, Positions>;

/// Runs prompts and keeps what stands at the wanted hooks, and the logits at the last position, `[prompt, n_vocab]`.
/// `batch` prompts at a time.
///
/// # Errors
/// Logits that are not finite, and what `pause`, called between batches, returns.
pub fn capture<E: From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    wanted: &HookPositions,
    batch: usize,
    pause: impl FnMut() -> Result<(), E>,
) -> Result<(Activations, Tensor<2>), E> {
    let run = |_, part: Tokens| {
        let mut recorder = Recorder { wanted, got: Activations::new(), length: part.pos };
        let n_layers = transformer.facts().n_layers;
        let mut resid = transformer.embed(&part, &mut recorder);
        for layer in 0..n_layers {
            resid = transformer.block(layer, resid, rows_needed(layer, n_layers, wanted, part.pos), &mut recorder);
        }
        // The logits need the last position only; what is read of the final norm may be at any.
        if wanted.keys().any(|hook| hook.is_of_final_norm()) {
            transformer.final_norm(resid.clone(), &mut recorder);
        }
        let last = resid.dims()[1] - 1;
        let logits: Tensor<2> = transformer.unembed(resid.narrow(1, last, 1), &mut ()).squeeze_dim(1);
        (recorder.got, logits)
    };
    let mut all = Activations::new();
    let mut logits = Vec::new();
    parallel::batches(transformer, (tokens, batch), pause, run, |got, part| {
        logits.push(part);
        for (hook, activation) in got {
            match all.entry(hook) {
                indexmap::map::Entry::Vacant(entry) => {
                    entry.insert(activation);
                }
                indexmap::map::Entry::Occupied(mut entry) => {
                    let held = entry.get_mut();
                    held.rows += activation.rows;
                    held.data.extend(activation.data);
                }
            }
        }
    })?;
    Ok((all, Tensor::cat(logits, 0)))
}

/// Runs prompts as far as the last block with a wanted hook and keeps what stands at the wanted ones, which are in blocks; no
/// logits are computed.
///
/// # Errors
/// Values that are not finite.
pub fn capture_blocks(
    transformer: &Transformer,
    tokens: &Tokens,
    wanted: &HookPositions,
) -> Result<Activations, NotFinite> {
    let layer = |hook: &Hook| match hook {
        Hook::Block(layer, _) => Some(*layer),
        _ => None,
    };
    let mut recorder = Recorder { wanted, got: Activations::new(), length: tokens.pos };
    let Some(last) = wanted.keys().filter_map(layer).max() else { return Ok(recorder.got) };
    let mut resid = transformer.embed(tokens, &mut recorder);
    for layer in 0..=last {
        resid = transformer.block(layer, resid, rows_needed(layer, last + 1, wanted, tokens.pos), &mut recorder);
    }
    NotFinite::check_read(transformer)?;
    if recorder.got.values().flat_map(|activation| &activation.data).any(|value| !value.is_finite()) {
        // They reach the logits; who looks there says where they are from.
        NotFinite::check(transformer, tokens, &transformer.last_logits(tokens))?;
    }
    Ok(recorder.got)
}

/// What stands at `hook_embed` at some positions of prompts, where any are; no block is run.
pub(crate) fn embeddings(transformer: &Transformer, tokens: &Tokens, positions: &Positions) -> Option<Activation> {
    let wanted = HookPositions::from_iter([(Hook::Embed, positions.clone())]);
    let mut recorder = Recorder { wanted: &wanted, got: Activations::new(), length: tokens.pos };
    transformer.embed(tokens, &mut recorder);
    recorder.got.swap_remove(&Hook::Embed)
}

/// Which positions a block computes where `blocks` run: later blocks read all of the others; of the last one, the last position is
/// enough where nothing else is wanted in it or after it.
pub(super) fn rows_needed(layer: usize, blocks: usize, wanted: &HookPositions, length: usize) -> OutputPositions {
    let end = length.saturating_sub(1);
    let in_or_after = |hook: &Hook| match hook {
        Hook::Embed | Hook::PosEmbed => false,
        Hook::Block(other, _) => *other >= layer,
        Hook::LnFinalScale | Hook::LnFinalStandardized | Hook::LnFinalNormalized | Hook::LnFinalOut => true,
    };
    let others = |(hook, positions): (&Hook, &Positions)| {
        in_or_after(hook) && positions.iter(length).any(|position| position != end)
    };
    if layer + 1 < blocks || wanted.iter().any(others) { OutputPositions::All } else { OutputPositions::Last }
}

/// Sums over the prompts of a group, by hook: an activation of one row without values, and its values.
pub type Sums = IndexMap<Hook, (Activation, Vec<f64>)>;

/// The means of what stands at the wanted hooks, one set per group, each activation of one row; `groups` is the group of
/// each prompt, from 0. `pooled`: one mean over the wanted positions instead of one for each.
///
/// # Errors
/// Logits that are not finite, and what `pause`, called between batches, returns.
pub fn capture_means<E: From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    groups: &[usize],
    wanted: &HookPositions,
    pooled: bool,
    batch: usize,
    pause: impl FnMut() -> Result<(), E>,
) -> Result<Vec<Activations>, E> {
    Ok(means_of(capture_sums(transformer, tokens, groups, wanted, batch, pause)?, groups, pooled))
}

/// The sums that [`means_of`] makes means of, one set per group: in f64, in the order of the prompts.
///
/// # Errors
/// Logits that are not finite, and what `pause`, called between batches, returns.
pub fn capture_sums<E: From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    groups: &[usize],
    wanted: &HookPositions,
    batch: usize,
    pause: impl FnMut() -> Result<(), E>,
) -> Result<Vec<Sums>, E> {
    let count = groups.iter().max().map_or(0, |&group| group + 1);
    let mut sums: Vec<Sums> = vec![IndexMap::new(); count];
    let run = |_, part: Tokens| {
        let mut recorder = Recorder { wanted, got: Activations::new(), length: part.pos };
        let logits = transformer.forward_last(&part, &mut recorder);
        ((recorder.got, part.batch), logits)
    };
    let mut first = 0;
    parallel::batches(transformer, (tokens, batch), pause, run, |(got, prompts): (Activations, usize), _| {
        let groups = &groups[first..first + prompts];
        first += prompts;
        for (hook, activation) in got {
            let width = activation.data.len() / activation.rows.max(1);
            for (row, values) in activation.data.chunks_exact(width.max(1)).enumerate() {
                let Activation { layout, ref positions, .. } = activation;
                let (_, sum) = sums[groups[row]].entry(hook).or_insert_with(|| {
                    (Activation { layout, rows: 1, positions: positions.clone(), data: Vec::new() }, vec![0.0; width])
                });
                add_to(sum, values);
            }
        }
    })?;
    Ok(sums)
}

fn add_to<T: Copy + Into<f64>>(sum: &mut [f64], values: &[T]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += (*value).into());
}

/// Adds the sums over further prompts to those before.
pub fn add_sums(sums: &mut Vec<Sums>, more: Vec<Sums>) {
    sums.resize_with(sums.len().max(more.len()), IndexMap::new);
    for (sums, more) in sums.iter_mut().zip(more) {
        for (hook, (activation, values)) in more {
            match sums.entry(hook) {
                indexmap::map::Entry::Vacant(entry) => drop(entry.insert((activation, values))),
                indexmap::map::Entry::Occupied(mut entry) => add_to(&mut entry.get_mut().1, &values),
            }
        }
    }
}

/// Means of sums, `groups` as in [`capture_means`].
pub fn means_of(sums: Vec<Sums>, groups: &[usize], pooled: bool) -> Vec<Activations> {
    let sizes = (0..sums.len()).map(|group| groups.iter().filter(|&&other| other == group).count());
    let mean = |(sums, size): (Sums, usize)| {
        sums.into_iter()
            .map(|(hook, (activation, sum))| (hook, finish(activation, &sum, size, pooled)))
            .collect::<Activations>()
    };
    sums.into_iter().zip(sizes).map(mean).collect()
}

fn finish(mut activation: Activation, sum: &[f64], rows: usize, pooled: bool) -> Activation {
    let slots = activation.positions.len();
    // Attention patterns have no mean over queries: their keys differ.
    if !pooled || matches!(activation.layout, Layout::Attention { .. }) {
        activation.data = sum.iter().map(|sum| (sum / rows as f64) as f32).collect();
        return activation;
    }
    let width = activation.layout.position_width();
    let mut pooled = vec![0.0; width];
    for position in sum.chunks_exact(width) {
        pooled.iter_mut().zip(position).for_each(|(pooled, sum)| *pooled += sum);
    }
    let n = (rows * slots) as f64;
    activation.positions.clear();
    activation.data = pooled.into_iter().map(|sum| (sum / n) as f32).collect();
    activation
}

/// Keeps what it sees.
struct Recorder<'a> {
    wanted: &'a HookPositions,
    got: Activations,
    length: usize,
}

impl Hooks for Recorder<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.wanted.contains_key(&hook)
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        if let Some(activation) = self.wanted.get(&hook).and_then(|at| read(hook, &value, at, self.length)) {
            self.got.insert(hook, activation);
        }
        value
    }
}

/// An activation at some positions; `None` where it is at none of them, as the final norm of the last position alone.
pub(super) fn read(hook: Hook, value: &HookValue, positions: &Positions, length: usize) -> Option<Activation> {
    let (part, layout, kept) = held(hook, value, positions, length)?;
    let rows = match &part {
        HookValue::Stream(tensor) => tensor.dims()[0],
        HookValue::Heads(tensor) => tensor.dims()[0],
    };
    Some(Activation { layout, rows, positions: kept, data: part.to_host() })
}

/// What stands at some positions, where it is: its values, how they lie, and the positions that there are, if any.
fn held(
    hook: Hook,
    value: &HookValue,
    positions: &Positions,
    length: usize,
) -> Option<(HookValue, Layout, Vec<usize>)> {
    let attention =
        matches!(hook, Hook::Block(_, crate::model::hook::Site::AttnScores | crate::model::hook::Site::Pattern));
    let (layout, slots) = match value {
        HookValue::Stream(tensor) => {
            let [_, slots, width] = tensor.dims();
            (Layout::Stream { width }, slots)
        }
        HookValue::Heads(tensor) => {
            let [_, a, b, width] = tensor.dims();
            match attention {
                true => (Layout::Attention { heads: a, keys: width }, b),
                false => (Layout::Heads { heads: b, width }, a),
            }
        }
    };
    let first = length - slots;
    let kept: Vec<usize> = positions.iter(length).filter(|&position| position >= first).collect();
    let part = match (*kept.first()?, *kept.last()?) {
        (from, to) if to + 1 - from == kept.len() => narrow(value, attention, from - first, kept.len()),
        _ => {
            let parts: Vec<HookValue> =
                kept.iter().map(|&position| narrow(value, attention, position - first, 1)).collect();
            concat(parts, attention)
        }
    };
    Some((part, layout, kept))
}

/// Keeps what it sees where it is, for further computation.
pub(super) struct Holder<'a> {
    /// What it keeps.
    pub wanted: &'a HookPositions,
    /// What it has seen, in the order of the forward pass, with the positions.
    pub got: IndexMap<Hook, (HookValue, Vec<usize>)>,
    /// Tokens of the prompts.
    pub length: usize,
}

impl Hooks for Holder<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.wanted.contains_key(&hook)
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        if let Some((part, _, kept)) = self.wanted.get(&hook).and_then(|at| held(hook, &value, at, self.length)) {
            self.got.insert(hook, (part, kept));
        }
        value
    }
}

fn narrow(value: &HookValue, attention: bool, start: usize, len: usize) -> HookValue {
    match value {
        HookValue::Stream(tensor) => HookValue::Stream(tensor.clone().narrow(1, start, len)),
        HookValue::Heads(tensor) => HookValue::Heads(tensor.clone().narrow(if attention { 2 } else { 1 }, start, len)),
    }
}

fn concat(parts: Vec<HookValue>, attention: bool) -> HookValue {
    let mut streams = Vec::new();
    let mut heads = Vec::new();
    for part in parts {
        match part {
            HookValue::Stream(tensor) => streams.push(tensor),
            HookValue::Heads(tensor) => heads.push(tensor),
        }
    }
    match streams.is_empty() {
        false => HookValue::Stream(Tensor::cat(streams, 1)),
        true => HookValue::Heads(Tensor::cat(heads, if attention { 2 } else { 1 })),
    }
}
