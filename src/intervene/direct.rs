//! Edits of what is written to the stream: the stream changes by the values' difference times the output weights, so that
//! the block that wrote it need not run again.

use super::Activations;
use super::activation::Layout;
use super::apply::change;
use super::base::Base;
use super::edit::{Row, Units};
use super::plan::Entry;
use crate::kernel;
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Transformer;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use std::sync::Arc;

/// What `entries`' direct edits add to the stream where they join, `[entry, pos, d_model]`, from position `first` on; `None`
/// where none has any.
pub(super) fn additions(
    transformer: &Transformer,
    base: &Base,
    sources: &Activations,
    rows: &[Row],
    entries: &[Entry],
    first: usize,
) -> Option<Tensor<3>> {
    if entries.iter().all(|entry| entry.direct.is_empty()) {
        return None;
    }
    let mut parts = Vec::new();
    let mut rest = entries;
    while let Some(entry) = rest.first() {
        // Rows of one intervention share their edits, and are neighbours.
        let edits = &rows[entry.row].edits;
        let same = |other: &&Entry| Arc::ptr_eq(&rows[other.row].edits, edits) && other.direct == entry.direct;
        let count = rest.iter().take_while(same).count();
        let (group, after) = rest.split_at(count);
        parts.push(addition(transformer, base, sources, rows, group, first));
        rest = after;
    }
    Some(if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) })
}

/// The same for rows of one intervention.
fn addition(
    transformer: &Transformer,
    base: &Base,
    sources: &Activations,
    rows: &[Row],
    group: &[Entry],
    first: usize,
) -> Tensor<3> {
    let slots = base.tokens.pos - first;
    let (device, dtype) = (transformer.device(), base.resid_pre[0].dtype());
    let mut sum: Option<Tensor<3>> = None;
    for &hook in group.first().map_or(&[][..], |entry| &entry.direct) {
        let Some(difference) = Difference::of(hook, base, sources, rows, group, first) else { continue };
        let part = difference.project(hook, transformer, group.len(), slots, (&device, dtype));
        sum = Some(match sum {
            Some(sum) => sum + part,
            None => part,
        });
    }
    sum.unwrap_or_else(|| Tensor::zeros([group.len(), slots, transformer.facts().d_model], (&device, dtype)))
}

/// New values minus the base's, of the edited units alone.
struct Difference {
    layout: Layout,
    /// The edited units, ascending.
    units: Vec<usize>,
    /// `[entry, pos, unit, unit_width]`
    data: Vec<f32>,
}

impl Difference {
    fn of(hook: Hook, base: &Base, sources: &Activations, rows: &[Row], group: &[Entry], first: usize) -> Option<Self> {
        let old = base.activations.get(&hook)?;
        let (layout, length) = (old.layout, base.tokens.pos);
        let edits: Vec<_> = rows[group.first()?.row].edits.iter().filter(|edit| edit.hook == hook).collect();
        let mut units: Vec<usize> = edits.iter().flat_map(|edit| edit.units.iter(layout.units())).collect();
        units.sort_unstable();
        units.dedup();
        let (unit_width, slots) = (layout.unit_width(), length - first);
        let row_width = units.len() * unit_width;
        let mut data = vec![0.0; group.len() * slots * row_width];
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
                target.iter_mut().zip(&scratch).for_each(|(target, old)| *target = -old);
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
        Some(Self { layout, units, data })
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
            Hook::Block(layer, Site::Z) => Some(transformer.blocks[layer].attention.o.weight.val()),
            Hook::Block(layer, Site::MlpPost) => Some(transformer.blocks[layer].down.weight.val()),
            _ => None,
        };
        if let Some(weight) = weight {
            let x = Tensor::from_data(TensorData::new(self.data, [entries, slots, width]), to);
            return kernel::linear(x, rows_of(weight, &self.units, unit_width), None);
        }
        let d_model = transformer.facts().d_model;
        if let Hook::Block(_, Site::Result) = hook {
            let x = Tensor::<4>::from_data(TensorData::new(self.data, [entries, slots, self.units.len(), d_model]), to);
            return x.sum_dim(2).reshape([entries, slots, d_model]);
        }
        // What stands in the stream as it is; of a part of its directions, the others do not change.
        let mut whole = vec![0.0; entries * slots * d_model];
        for (target, values) in whole.chunks_exact_mut(d_model).zip(self.data.chunks_exact(width.max(1))) {
            for (&unit, value) in self.units.iter().zip(values) {
                target[unit] = *value;
            }
        }
        Tensor::from_data(TensorData::new(whole, [entries, slots, d_model]), to)
    }
}

/// The rows of a weight that belong to units of `unit_width` rows each.
fn rows_of(weight: Tensor<2>, units: &[usize], unit_width: usize) -> Tensor<2> {
    let [total, _] = weight.dims();
    if units.len() * unit_width == total {
        return weight;
    }
    match (units.first(), units.last()) {
        (Some(&first), Some(&last)) if last + 1 - first == units.len() => {
            weight.narrow(0, first * unit_width, units.len() * unit_width)
        }
        _ => {
            let indices: Vec<i64> = units
                .iter()
                .flat_map(|&unit| (unit * unit_width..(unit + 1) * unit_width).map(|row| row as i64))
                .collect();
            let count = indices.len();
            let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &weight.device());
            weight.select(0, indices)
        }
    }
}
