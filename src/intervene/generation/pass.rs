//! Forward passes of rows with their edits: of whole texts, and of one new token each.

use super::cache::{LayerCache, Shared};
use crate::intervene::activation::Activations;
use crate::intervene::apply::{EditHooks, EditIndex};
use crate::intervene::edit::{Edit, EditedPrompt};
use crate::kernel::{OwnPast, Past, few_rows, to_f32};
use crate::model::hook::{Hook, HookValue, Hooks};
use crate::model::transformer::{BlockParts, OutputPositions, Tokens, Transformer};
use burn::tensor::Tensor;
use std::sync::Arc;

/// What is read and changed by a row of a pass.
pub struct PassRow {
    /// Its edits, at positions of what the pass calls its length.
    pub edits: Arc<[Edit]>,
    /// The run that edits by another run's values read.
    pub source: Option<usize>,
}

/// Edits rows, and keeps what they attend to.
struct PassHooks<'a> {
    edits: EditHooks<'a>,
    kept: Vec<LayerCache>,
}

impl Hooks for PassHooks<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.edits.wants(hook)
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        self.edits.visit(hook, value)
    }

    fn attended(&mut self, _layer: usize, keys: &Tensor<4>, values: &Tensor<4>) {
        self.kept.push([keys.clone(), values.clone()]);
    }
}

/// Calls `run` with hooks that edit rows in prompts of `length` tokens; what it gives, and the keys and values of each layer.
fn edited<R>(
    (transformer, sources): (&Transformer, &Activations),
    rows: &[PassRow],
    length: usize,
    run: impl FnOnce(&mut dyn Hooks) -> R,
) -> (R, Vec<LayerCache>) {
    let rows: Vec<EditedPrompt> = rows
        .iter()
        .enumerate()
        .map(|(prompt, row)| EditedPrompt { prompt, source: row.source, edits: row.edits.clone() })
        .collect();
    let order: Vec<usize> = (0..rows.len()).collect();
    let index = EditIndex::new(rows.iter(), |_, _| true);
    let facts = transformer.facts();
    let edits = EditHooks { rows: &rows, order: &order, members: &order, index: &index, sources, length, facts };
    let mut hooks = PassHooks { edits, kept: Vec::with_capacity(facts.n_layers) };
    let result = run(&mut hooks);
    (result, hooks.kept)
}

/// Runs whole texts of one length: their logits from position `from` on, `[row, pos, n_vocab]`, and the keys and values of each layer.
pub fn whole(
    with: (&Transformer, &Activations),
    texts: &[&[u32]],
    rows: &[PassRow],
    from: usize,
) -> (Tensor<3>, Vec<LayerCache>) {
    let transformer = with.0;
    let pos = texts.first().map_or(0, |text| text.len());
    let ids = texts.iter().flat_map(|text| text.iter().copied()).collect();
    let tokens = Tokens { ids, batch: texts.len(), pos };
    edited(with, rows, pos, |hooks| {
        let mut resid = transformer.embed(&tokens, hooks);
        for layer in 0..transformer.facts().n_layers {
            resid = transformer.block(layer, resid, OutputPositions::All, hooks);
        }
        transformer.unembed(resid.narrow(1, from, pos - from), hooks)
    })
}

/// Runs one new token of each row, with `length` tokens where edits count positions from the beginning (1 where they are of the new
/// token alone). The logits, `[row, n_vocab]`; what each row has of its own goes on by the token.
pub fn next(
    with: (&Transformer, &Activations),
    (shared, own): (&Shared, &mut Vec<LayerCache>),
    last: Vec<u32>,
    rows: &[PassRow],
    length: usize,
) -> Vec<f32> {
    let transformer = with.0;
    let tokens = Tokens { batch: last.len(), ids: last, pos: 1 };
    let mut held = std::mem::take(own).into_iter();
    let (logits, kept) = edited(with, rows, length, |hooks| {
        few_rows(|| {
            let mut resid: Option<Tensor<3>> = None;
            for layer in 0..transformer.facts().n_layers {
                let [keys, values] = shared.layers[layer].clone();
                let own = OwnPast { lens: shared.lens.clone(), held: held.next() };
                let past = Past { keys, values, len: shared.longest(), of: shared.of.clone(), own: Some(own) };
                let before = match resid.take() {
                    Some(resid) => resid,
                    None => transformer.embed_from(&tokens, past.firsts().as_deref(), hooks),
                };
                let parts = BlockParts::default();
                resid = Some(transformer.block_after(layer, before, OutputPositions::All, Some(&past), parts, hooks));
            }
            let resid = resid.unwrap_or_else(|| transformer.embed_from(&tokens, Some(&shared.lens), hooks));
            to_f32(transformer.unembed(resid, hooks))
        })
    });
    *own = kept;
    logits
}
