//! Edits applied to activations, in main memory: f32 holds every storage type exactly, and one code serves every device.

use super::activation::{Activation, Activations, Layout};
use super::edit::{Change, Edit, EditedPrompt, Value};
use super::known_change::KnownChange;
use crate::kernel::{from_f32, in_main_memory, to_f32};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, HookValue, Hooks, Site};
use crate::model::transformer::{Tokens, Transformer};
use burn::tensor::Tensor;
use std::collections::HashMap;
use std::ops::Range;

/// Runs rows with their edits from scratch: every layer and position of every row, `[row, n_vocab]` at the last position.
///
/// What [`super::Replay`] must agree with.
pub fn run_edited(
    transformer: &Transformer,
    tokens: &Tokens,
    rows: &[EditedPrompt],
    sources: &Activations,
) -> Tensor<2> {
    let length = tokens.pos;
    logits_of_edited(transformer, tokens, rows, sources).narrow(1, length - 1, 1).squeeze_dim(1)
}

/// The same at every position, `[row, pos, n_vocab]`.
pub(super) fn logits_of_edited(
    transformer: &Transformer,
    tokens: &Tokens,
    rows: &[EditedPrompt],
    sources: &Activations,
) -> Tensor<3> {
    let ids = rows.iter().flat_map(|row| tokens.ids[row.prompt * tokens.pos..][..tokens.pos].iter().copied()).collect();
    let batch = Tokens { ids, batch: rows.len(), pos: tokens.pos };
    let order: Vec<usize> = (0..rows.len()).collect();
    let index = EditIndex::new(order.iter().map(|&row| &rows[row]), |_, _| true);
    let length = tokens.pos;
    let facts = transformer.facts();
    let mut hooks = EditHooks { rows, order: &order, members: &order, index: &index, sources, length, facts };
    transformer.forward(&batch, &mut hooks)
}

/// Which rows are edited at which hook: number of the row and of the edit in it, in order.
#[derive(Debug, Default)]
pub(super) struct EditIndex(HashMap<Hook, Vec<(usize, usize)>>);

impl EditIndex {
    /// The edits of rows that `keep` (number of the row, edit) leaves. Those of one hook are in the order in which they are written, cuts
    /// after all others: an edge that is cut stays cut, whatever else is written to its score or its weight.
    pub fn new<'r>(rows: impl Iterator<Item = &'r EditedPrompt>, keep: impl Fn(usize, &Edit) -> bool) -> Self {
        let mut index = Self::default();
        for (number, row) in rows.enumerate() {
            let kept = || row.edits.iter().enumerate().filter(|(_, edit)| keep(number, edit));
            for (edit_number, edit) in kept().filter(|(_, edit)| !is_cut(edit)) {
                index.0.entry(edit.hook).or_default().push((number, edit_number));
            }
            for (edit_number, edit) in kept().filter(|(_, edit)| is_cut(edit)) {
                index.0.entry(edit.hook).or_default().push((number, edit_number));
                // A query whose every edge is cut is settled after the softmax.
                if let Hook::Block(layer, _) = edit.hook {
                    index.0.entry(Hook::Block(layer, Site::Pattern)).or_default().push((number, edit_number));
                }
            }
        }
        index
    }

    /// Whether any row is edited at a hook.
    pub fn any(&self, hook: Hook) -> bool {
        self.0.contains_key(&hook)
    }

    /// The edits of some rows at a hook: place of the row among them, its number, and number of the edit in it. `members`
    /// are numbers of rows, ascending.
    fn within<'i>(&'i self, hook: Hook, members: &'i [usize]) -> impl Iterator<Item = (usize, usize, usize)> + 'i {
        let edits = self.0.get(&hook).map_or(&[][..], Vec::as_slice);
        let (first, last) = (members.first().copied().unwrap_or(0), members.last().map_or(0, |&last| last + 1));
        let from = edits.partition_point(|(row, _)| *row < first);
        let to = edits.partition_point(|(row, _)| *row < last);
        let gapless = members.len() == last - first;
        edits[from..to].iter().filter_map(move |&(row, edit)| {
            let place = if gapless { row - first } else { members.binary_search(&row).ok()? };
            Some((place, row, edit))
        })
    }
}

fn is_cut(edit: &Edit) -> bool {
    matches!(edit.change, Change::Cut { .. })
}

/// Writes the edits of some rows during a forward pass of them.
pub(super) struct EditHooks<'a> {
    /// All rows.
    pub rows: &'a [EditedPrompt],
    /// The rows in the order they are numbered in.
    pub order: &'a [usize],
    /// Numbers of the rows of this pass, ascending.
    pub members: &'a [usize],
    /// Their edits.
    pub index: &'a EditIndex,
    /// What [`Value::Source`] reads.
    pub sources: &'a Activations,
    /// Tokens of a prompt; the positions of a pass are the last ones.
    pub length: usize,
    /// What the model looks like.
    pub facts: &'a Facts,
}

impl Hooks for EditHooks<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.index.within(hook, self.members).next().is_some()
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        match value {
            HookValue::Stream(tensor) => {
                let [_, slots, width] = tensor.dims();
                HookValue::Stream(self.write(hook, tensor, Layout::Stream { width }, slots))
            }
            HookValue::Heads(tensor) => {
                let [_, a, b, width] = tensor.dims();
                let (layout, slots) = match hook {
                    Hook::Block(_, Site::AttnScores | Site::Pattern) => {
                        (Layout::Attention { heads: a, keys: width }, b)
                    }
                    _ => (Layout::Heads { heads: b, width }, a),
                };
                HookValue::Heads(self.write(hook, tensor, layout, slots))
            }
        }
    }
}

impl EditHooks<'_> {
    /// Moves the span of edited rows to main memory, edits it and puts it back; where they lie elsewhere and edits need not know what they
    /// change, what is written alone is moved.
    fn write<const D: usize>(&self, hook: Hook, tensor: Tensor<D>, layout: Layout, slots: usize) -> Tensor<D> {
        let edits: Vec<(usize, usize, usize)> = self.index.within(hook, self.members).collect();
        let (Some(&(first, ..)), Some(&(last, ..))) = (edits.first(), edits.last()) else { return tensor };
        let span = first..last + 1;
        let dims = tensor.dims();
        let whole = span.len() == dims[0];
        let part = if whole { tensor.clone() } else { tensor.clone().narrow(0, span.start, span.len()) };
        let (device, dtype, shape) = (part.device(), part.dtype(), part.dims());
        let back = match hook {
            Hook::Block(layer, _) => self.facts.window_of(layer),
            _ => None,
        };
        let held = Held { layout, first: self.length - slots, slots, back };
        let apply = |data: &mut [f32]| {
            for &(place, number, edit) in &edits {
                let row = &self.rows[self.order[number]];
                let source = row.source.map(|run| (self.sources, run));
                held.apply(&row.edits[edit], hook, place - first, data, source);
            }
        };
        let known =
            || KnownChange::of(edits.iter().map(|&(_, number, edit)| &self.rows[self.order[number]].edits[edit]));
        let part = match if in_main_memory(&part) { None } else { known() } {
            Some(known) => known.write(part, apply),
            None => {
                let mut data = to_f32(part);
                apply(&mut data);
                from_f32(data, shape, (&device, dtype))
            }
        };
        if whole {
            return part;
        }
        let ranges: [Range<usize>; D] =
            std::array::from_fn(|dimension| if dimension == 0 { span.clone() } else { 0..dims[dimension] });
        tensor.slice_assign(ranges, part)
    }
}

/// What of an activation an array holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    layout: Layout,
    /// The first position held.
    first: usize,
    /// How many.
    slots: usize,
    /// How many keys back a query sees, its own counted; `None` for all.
    back: Option<usize>,
}

impl Held {
    /// Applies `edit` to row `row` of `data`. Positions that are not held change nothing that is.
    fn apply<'e>(
        self,
        edit: &'e Edit,
        hook: Hook,
        row: usize,
        data: &mut [f32],
        source: Option<(&'e Activations, usize)>,
    ) {
        let Held { layout, first, slots, back } = self;
        let length = first + slots;
        for position in edit.positions.iter(length).filter(|&position| position >= first && position < length) {
            let slot = position - first;
            if let Change::Cut { keys } = &edit.change {
                let Layout::Attention { keys: total, .. } = layout else { continue };
                for head in edit.units.iter(layout.units()) {
                    let start = layout.at(slots, row, slot, head);
                    cut(&mut data[start..start + total], keys, matches!(hook, Hook::Block(_, Site::Pattern)));
                }
                continue;
            }
            let whole = edit.units == super::Units::All && !matches!(layout, Layout::Attention { .. });
            if whole {
                let start = layout.at(slots, row, slot, 0);
                let target = &mut data[start..start + layout.position_width()];
                change(edit, target, source, |activation, row| activation.position(row, position));
            } else {
                // Keys after the query and before its window are the mask's, whatever is written: it does not read them.
                let seen = match layout {
                    Layout::Attention { .. } => {
                        back.map_or(0, |back| (position + 1).saturating_sub(back))..position + 1
                    }
                    Layout::Stream { .. } | Layout::Heads { .. } => 0..layout.unit_width(),
                };
                for unit in edit.units.iter(layout.units()) {
                    let start = layout.at(slots, row, slot, unit);
                    let target = &mut data[start + seen.start..start + seen.end];
                    let values =
                        |activation: &'e Activation, row| activation.unit(row, position, unit)?.get(seen.clone());
                    change(edit, target, source, values);
                }
            }
        }
    }
}

/// Cuts edges of one query: before the softmax to -inf, after it to zero.
fn cut(edges: &mut [f32], keys: &super::Positions, after_softmax: bool) {
    let total = edges.len();
    let value = if after_softmax { 0.0 } else { f32::NEG_INFINITY };
    for key in keys.iter(total) {
        edges[key] = value;
    }
    // A softmax of nothing has no value: one edge is left for it, which is cut after it.
    if !after_softmax && edges.iter().all(|score| *score == f32::NEG_INFINITY) {
        edges[0] = 0.0;
    }
}

/// Replaces or adds; `values` finds the new values in an activation's row. Rows were checked to have them.
pub(super) fn change<'v>(
    edit: &'v Edit,
    target: &mut [f32],
    source: Option<(&'v Activations, usize)>,
    values: impl Fn(&'v super::Activation, usize) -> Option<&'v [f32]>,
) {
    let (value, strength, add, basis) = match &edit.change {
        Change::Replace { value, strength } => (value, *strength, false, None),
        Change::Add { value, strength } => (value, *strength, true, None),
        Change::Within { basis, value, strength } => (value, *strength, false, Some(basis)),
        Change::Cut { .. } => return,
    };
    let new = match value {
        Value::Constant(constant) => {
            match basis {
                Some(basis) => {
                    target.chunks_exact_mut(basis.width()).for_each(|part| basis.go(part, |_| *constant, strength));
                }
                None => target.iter_mut().for_each(|x| *x = blend(*x, *constant, strength, add)),
            }
            return;
        }
        Value::Fixed(activation) => values(activation, 0),
        Value::Source => source.and_then(|(sources, run)| values(sources.get(&edit.hook)?, run)),
    };
    let Some(new) = new else { return };
    if let Some(basis) = basis {
        for (part, new) in target.chunks_exact_mut(basis.width()).zip(new.chunks_exact(basis.width())) {
            basis.go(part, |place| new[place], strength);
        }
        return;
    }
    match (add, strength == 1.0) {
        (false, true) => target.copy_from_slice(new),
        _ => target.iter_mut().zip(new).for_each(|(x, new)| *x = blend(*x, *new, strength, add)),
    }
}

fn blend(x: f32, value: f32, strength: f32, add: bool) -> f32 {
    match add {
        true => x + strength * value,
        // Not x + 1 · (value - x), which rounds.
        false if strength == 1.0 => value,
        false => x + strength * (value - x),
    }
}
