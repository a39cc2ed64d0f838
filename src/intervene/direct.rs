//! Edits of what is written to the stream: the stream changes by the values' difference times the output weights, so that
//! the block that wrote it need not run again.

use super::Activations;
use super::activation::Layout;
use super::apply::change;
use super::base::CleanRun;
use super::before_norm::before_norm;
use super::edit::{EditedPrompt, Units};
use super::entry::SweepEntry;
use super::post_norm::{self, PostNorm};
use super::tensors::gather_last;
use crate::kernel;
use crate::model::facts::PositionEncoding;
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Transformer;
use crate::spec::NormScale;
use burn::tensor::{DType, Device, Tensor};
use std::sync::Arc;

/// What direct edits make of the base's stream where their rows join.
pub(super) struct Rewrite {
    /// 0 where a value is replaced, 1 elsewhere; `None` where none is. `[entry, pos, d_model]`
    keep: Option<Tensor<3>>,
    /// What is added. `[entry, pos, d_model]`
    add: Tensor<3>,
}

impl Rewrite {
    /// The same of the first `positions` positions.
    pub fn narrow(self, positions: usize) -> Self {
        let narrow = |tensor: Tensor<3>| tensor.narrow(1, 0, positions);
        Self { keep: self.keep.map(narrow), add: narrow(self.add) }
    }

    /// The stream after it. Replaced values are the new ones to the bit: base + (new − base) would round.
    pub fn of(self, stream: Tensor<3>) -> Tensor<3> {
        match self.keep {
            Some(keep) => stream * keep + self.add,
            None => kernel::add(stream, self.add),
        }
    }
}

/// Where what edits write is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// In the stream where their rows join.
    Joined,
    /// In a stream further on, as a change of it; of what goes through a norm before, by a convention.
    Further(NormScale),
}

/// What `entries`' direct edits make of the stream, from position `first` on; `None` where none has any.
pub(super) fn rewrite(
    (transformer, base): (&Transformer, &CleanRun),
    sources: &Activations,
    rows: &[EditedPrompt],
    entries: &[SweepEntry],
    first: usize,
    seen: Seen,
) -> Option<Rewrite> {
    if entries.iter().all(|entry| entry.direct.is_empty()) {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = entries;
    while let Some(entry) = rest.first() {
        // Rows of one intervention share their edits, and are neighbours.
        let edits = &rows[entry.row].edits;
        let same = |other: &&SweepEntry| Arc::ptr_eq(&rows[other.row].edits, edits) && other.direct == entry.direct;
        let count = rest.iter().take_while(same).count();
        let (group, after) = rest.split_at(count);
        parts.push(rewrite_group((transformer, base), sources, rows, group, first, seen));
        rest = after;
    }
    let replaces = parts.iter().any(|part| part.keep.is_some());
    let ones = |add: &Tensor<3>| Tensor::ones(add.dims(), (&add.device(), add.dtype()));
    let keep = replaces.then(|| cat(parts.iter().map(|part| part.keep.clone().unwrap_or_else(|| ones(&part.add)))));
    Some(Rewrite { keep, add: cat(parts.into_iter().map(|part| part.add)) })
}

fn cat(parts: impl Iterator<Item = Tensor<3>>) -> Tensor<3> {
    let mut parts: Vec<Tensor<3>> = parts.collect();
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// Whether what stands at a hook is the stream where its rows join, and not one of its terms.
fn is_stream(hook: Hook, transformer: &Transformer) -> bool {
    match hook {
        Hook::Block(_, Site::ResidPost) => true,
        Hook::Embed => transformer.facts().positions != PositionEncoding::Learned,
        _ => false,
    }
}

/// The same for rows of one intervention.
fn rewrite_group(
    (transformer, base): (&Transformer, &CleanRun),
    sources: &Activations,
    rows: &[EditedPrompt],
    group: &[SweepEntry],
    first: usize,
    seen: Seen,
) -> Rewrite {
    let slots = base.tokens.pos - first;
    let (device, dtype) = (transformer.device(), base.resid_pre[0].dtype());
    let mut sum: Option<Tensor<3>> = None;
    for &hook in group.first().map_or(&[][..], |entry| &entry.direct) {
        // A hook that is the stream is edited alone: see `plan::join`.
        let replaces = seen == Seen::Joined && is_stream(hook, transformer);
        let Some(difference) = Difference::of(hook, (base, sources), rows, group, first, replaces) else { continue };
        if replaces {
            let keep = difference.keep(slots, transformer.facts().d_model);
            let shape = [group.len(), slots, transformer.facts().d_model];
            let keep = kernel::from_f32(keep, shape, (&device, dtype));
            let add = difference.project(hook, transformer, group.len(), slots, (&device, dtype));
            return Rewrite { keep: Some(keep), add };
        }
        let edited = difference.edited.clone();
        let part = difference.project(hook, transformer, group.len(), slots, (&device, dtype));
        let part = match before_norm(hook, transformer.facts()) {
            None => part,
            Some(projected) => {
                let prompts: Vec<usize> = group.iter().map(|entry| rows[entry.row].prompt).collect();
                let norm = PostNorm::of(transformer, base, projected, &prompts, slots);
                match (norm, post_norm::stream(base, projected), seen) {
                    (Some(norm), _, Seen::Further(scale)) => norm.change(part, scale),
                    // The norm is taken anew, and where values are edited the stream is what a forward pass would have.
                    (Some(norm), Some(stream), Seen::Joined) => {
                        let keep = edited.iter().map(|&edited| f32::from(u8::from(!edited))).collect();
                        let keep: Tensor<3> = kernel::from_f32(keep, [group.len(), slots, 1], (&device, dtype));
                        let new = gather_last(stream, &prompts, slots) + norm.written(part);
                        let add = new * (keep.clone() * -1.0 + 1.0);
                        let keep = keep.expand([group.len(), slots, transformer.facts().d_model]);
                        return Rewrite { keep: Some(keep), add };
                    }
                    // A base that holds the edited values was run for them, and such a run holds both.
                    (None, ..) | (_, None, _) => {
                        unreachable!("the base has what stands at {hook} and not at {projected}")
                    }
                }
            }
        };
        sum = Some(match sum {
            Some(sum) => sum + part,
            None => part,
        });
    }
    let nothing = || Tensor::zeros([group.len(), slots, transformer.facts().d_model], (&device, dtype));
    Rewrite { keep: None, add: sum.unwrap_or_else(nothing) }
}

/// New values minus the base's, or the new values themselves, of the edited units alone.
struct Difference {
    layout: Layout,
    /// The edited units, ascending.
    units: Vec<usize>,
    /// `[entry, pos, unit, unit_width]`
    data: Vec<f32>,
    /// Which positions are edited, `[entry, pos]`.
    edited: Vec<bool>,
}

impl Difference {
    fn of(
        hook: Hook,
        (base, sources): (&CleanRun, &Activations),
        rows: &[EditedPrompt],
        group: &[SweepEntry],
        first: usize,
        replaces: bool,
    ) -> Option<Self> {
        let old = base.activations.get(&hook)?;
        let (layout, length) = (old.layout, base.tokens.pos);
        let edits: Vec<_> = rows[group.first()?.row].edits.iter().filter(|edit| edit.hook == hook).collect();
        let mut units: Vec<usize> = edits.iter().flat_map(|edit| edit.units.iter(layout.units())).collect();
        units.sort_unstable();
        units.dedup();
        let (unit_width, slots) = (layout.unit_width(), length - first);
        let row_width = units.len() * unit_width;
        let mut data = vec![0.0; group.len() * slots * row_width];
        let mut edited = vec![false; group.len() * slots];
        let mut scratch = vec![0.0; row_width];
        for (index, entry) in group.iter().enumerate() {
            let row = &rows[entry.row];
            let source = row.source.map(|run| (sources, run));
            for position in first..length {
                let wanted = |edit: &&&super::Edit| edit.positions.iter(length).any(|other| other == position);
                let mut edits = edits.iter().filter(wanted).peekable();
                if edits.peek().is_none() {
                    continue;
                }
                let all = units.len() == layout.units();
                match old.position(row.prompt, position).filter(|_| all) {
                    Some(values) => scratch.copy_from_slice(values),
                    None => {
                        for (slot, &unit) in units.iter().enumerate() {
                            if let Some(values) = old.unit(row.prompt, position, unit) {
                                scratch[slot * unit_width..][..unit_width].copy_from_slice(values);
                            }
                        }
                    }
                }
                let target = &mut data[(index * slots + position - first) * row_width..][..row_width];
                edited[index * slots + position - first] = true;
                if !replaces {
                    target.iter_mut().zip(&scratch).for_each(|(target, old)| *target = -old);
                }
                for edit in edits {
                    if edit.units == Units::All {
                        change(edit, &mut scratch, source, |activation, run| activation.position(run, position));
                        continue;
                    }
                    for unit in edit.units.iter(layout.units()) {
                        let Ok(slot) = units.binary_search(&unit) else { continue };
                        let place = &mut scratch[slot * unit_width..][..unit_width];
                        change(edit, place, source, |activation, run| activation.unit(run, position, unit));
                    }
                }
                target.iter_mut().zip(&scratch).for_each(|(target, new)| *target += new);
            }
        }
        Some(Self { layout, units, data, edited })
    }

    /// 0 where values are edited, 1 elsewhere, `[entry, pos, width]`.
    fn keep(&self, slots: usize, width: usize) -> Vec<f32> {
        let mut keep = vec![1.0; self.edited.len() * width];
        debug_assert_eq!(self.edited.len() % slots.max(1), 0);
        for (keep, _) in keep.chunks_exact_mut(width).zip(&self.edited).filter(|(_, edited)| **edited) {
            self.units.iter().for_each(|&unit| keep[unit] = 0.0);
        }
        keep
    }

    /// Through the output weights of the hook, `[entry, pos, d_model]`.
    fn project(
        self,
        hook: Hook,
        transformer: &Transformer,
        entries: usize,
        slots: usize,
        to: (&Device, DType),
    ) -> Tensor<3> {
        let unit_width = self.layout.unit_width();
        let width = self.units.len() * unit_width;
        let weight = match hook {
            Hook::Block(layer, Site::Z) => Some(transformer.layer(layer).attention.o.rows(&self.units, unit_width)),
            Hook::Block(layer, Site::MlpPost) => {
                transformer.layer(layer).mlp.dense().map(|mlp| mlp.down.rows(&self.units, unit_width))
            }
            _ => None,
        };
        if let Some(weight) = weight {
            let x = kernel::from_f32(self.data, [entries, slots, width], to);
            return kernel::linear(x, weight, None);
        }
        let d_model = transformer.facts().d_model;
        if let Hook::Block(_, Site::Result) = hook {
            let x = kernel::from_f32::<4>(self.data, [entries, slots, self.units.len(), d_model], to);
            return x.sum_dim(2).reshape([entries, slots, d_model]);
        }
        // What stands in the stream as it is; of a part of its directions, the others do not change.
        let mut whole = vec![0.0; entries * slots * d_model];
        for (target, values) in whole.chunks_exact_mut(d_model).zip(self.data.chunks_exact(width.max(1))) {
            for (&unit, value) in self.units.iter().zip(values) {
                target[unit] = *value;
            }
        }
        kernel::from_f32(whole, [entries, slots, d_model], to)
    }
}
