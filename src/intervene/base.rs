//! The run of the prompts, kept so that rows can start from it at any layer and position: without any edit, or with those that all rows of
//! a prompt have in common, such as noise on its embeddings.

use super::activation::Activations;
use super::apply::{EditHooks, EditIndex};
use super::before_norm::before_norm;
use super::capture::{HookPositions, read, rows_needed};
use super::edit::{Edit, EditedPrompt};
use super::parallel;
use super::tensors::moved;
use crate::model::NotFinite;
use crate::model::facts::{Facts, Residual};
use crate::model::hook::{Hook, HookValue, Hooks, Site};
use crate::model::transformer::{Tokens, Transformer, held};
use burn::tensor::{Device, Tensor};
use indexmap::IndexMap;
use std::sync::Arc;

/// What is kept of the prompts' own run.
pub struct CleanRun {
    /// The prompts.
    pub tokens: Tokens,
    /// What stood at the hooks that are edited.
    pub activations: Activations,
    /// Logits at the last position, `[prompt, n_vocab]`.
    pub logits: Tensor<2>,
    /// The stream before each layer, `[prompt, pos, d_model]`, and after the last, `[prompt, 1, d_model]`.
    pub(super) resid_pre: Vec<Tensor<3>>,
    /// The stream between attention and MLP of each layer, `[prompt, pos, d_model]`; none where they are parallel. Of the last layer
    /// the last position alone, `[prompt, 1, d_model]`, where nothing else in it is edited: see [`rows_needed`].
    pub(super) resid_mid: Vec<Tensor<3>>,
    /// Rotated keys of each layer, `[prompt, pos, kv_head, d_head]`.
    pub(super) keys: Vec<Tensor<4>>,
    /// Values of each layer, `[prompt, pos, kv_head, d_head]`.
    pub(super) values: Vec<Tensor<4>>,
    /// What norms after attention and MLP read where edits change it, `[prompt, pos, d_model]`, by `attn.hook_out` and
    /// `mlp.hook_out`; of the last position alone where `resid_mid` is.
    pub(super) projected: IndexMap<Hook, Tensor<3>>,
    /// The edits that each prompt was run with; empty where none was.
    under: Vec<Arc<[Edit]>>,
}

impl CleanRun {
    /// Runs the prompts, `batch` at a time, and keeps what rows need, and what stands at the hooks they edit.
    ///
    /// # Errors
    /// Logits that are not finite, and what `pause`, called between batches, returns.
    pub fn run<E: From<NotFinite>>(
        transformer: &Transformer,
        tokens: Tokens,
        edited: &HookPositions,
        batch: usize,
        pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        Self::run_under(transformer, tokens, Vec::new(), edited, batch, pause)
    }

    /// The same of prompts that are each run with edits of their own, `under`, as many as prompts: rows then start from these runs and have
    /// the edits besides their own. The edits read no other run: values of [`super::Value::Source`] stay as they are.
    ///
    /// # Errors
    /// As [`CleanRun::run`].
    pub fn run_under<E: From<NotFinite>>(
        transformer: &Transformer,
        tokens: Tokens,
        under: Vec<Arc<[Edit]>>,
        edited: &HookPositions,
        batch: usize,
        pause: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        let facts = transformer.facts();
        let none = Activations::new();
        let run = |first: usize, part: Tokens| {
            let rows: Vec<EditedPrompt> = under
                .iter()
                .skip(first)
                .take(part.batch)
                .map(|edits| EditedPrompt { prompt: 0, source: None, edits: edits.clone() })
                .collect();
            let order: Vec<usize> = (0..rows.len()).collect();
            let index = EditIndex::new(rows.iter(), |_, _| true);
            let (members, length) = (order.as_slice(), part.pos);
            let edits = EditHooks { rows: &rows, order: &order, members, index: &index, sources: &none, length, facts };
            let keeper = Keeper {
                edited,
                facts,
                length: part.pos,
                activations: Activations::new(),
                resid_pre: Vec::new(),
                resid_mid: Vec::new(),
                keys: Vec::new(),
                values: Vec::new(),
                projected: Vec::new(),
            };
            let mut hooks = EditedKeeper { edits, keeper };
            let mut resid = transformer.embed(&part, &mut hooks);
            for layer in 0..facts.n_layers {
                let rows = rows_needed(layer, facts.n_layers, edited, part.pos);
                resid = transformer.block(layer, resid, rows, &mut hooks);
            }
            let last = resid.dims()[1] - 1;
            let last = resid.narrow(1, last, 1);
            hooks.keeper.resid_pre.push(last.clone());
            let logits: Tensor<2> = transformer.unembed(last, &mut hooks).squeeze_dim(1);
            (hooks.keeper, logits)
        };
        let (mut parts, mut logits) = (Vec::new(), Vec::new());
        parallel::batches(transformer, (&tokens, batch), pause, run, |keeper, last| {
            parts.push(keeper);
            logits.push(last);
        })?;
        let logits = join(logits.iter_mut());
        let sequential = facts.residual == Residual::Sequential;
        let mut base = Self {
            tokens,
            activations: Activations::new(),
            logits,
            resid_pre: Vec::with_capacity(facts.n_layers + 1),
            resid_mid: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            projected: IndexMap::new(),
            under: Vec::new(),
        };
        for number in 0..parts.first().map_or(0, |part| part.projected.len()) {
            let hook = parts[0].projected[number].0;
            let whole = join(parts.iter_mut().map(|part| &mut part.projected[number].1));
            base.projected.insert(hook, whole);
        }
        // Layer by layer, so that parts and whole are in memory together for one layer only.
        for layer in 0..=facts.n_layers {
            base.resid_pre.push(join(parts.iter_mut().map(|part| &mut part.resid_pre[layer])));
            if layer < facts.n_layers {
                base.keys.push(join(parts.iter_mut().map(|part| &mut part.keys[layer])));
                base.values.push(join(parts.iter_mut().map(|part| &mut part.values[layer])));
                if sequential {
                    base.resid_mid.push(join(parts.iter_mut().map(|part| &mut part.resid_mid[layer])));
                }
            }
        }
        for part in parts {
            for (hook, activation) in part.activations {
                match base.activations.entry(hook) {
                    indexmap::map::Entry::Vacant(entry) => {
                        entry.insert(activation);
                    }
                    indexmap::map::Entry::Occupied(mut entry) => {
                        entry.get_mut().rows += activation.rows;
                        entry.get_mut().data.extend(activation.data);
                    }
                }
            }
        }
        base.under = under;
        Ok(base)
    }

    /// A row with the edits that its prompt was run with before its own: what a run from scratch must make of it.
    pub(super) fn with_those_under(&self, row: &EditedPrompt) -> EditedPrompt {
        match self.under.get(row.prompt) {
            None => row.clone(),
            Some(under) => {
                EditedPrompt { edits: under.iter().chain(row.edits.iter()).cloned().collect(), ..row.clone() }
            }
        }
    }

    /// The same run where another device has its copy of the model.
    pub(super) fn to_device(&self, device: &Device) -> Self {
        fn all<const D: usize>(tensors: &[Tensor<D>], device: &Device) -> Vec<Tensor<D>> {
            tensors.iter().map(|tensor| moved(tensor, device)).collect()
        }
        Self {
            tokens: self.tokens.clone(),
            activations: self.activations.clone(),
            logits: moved(&self.logits, device),
            resid_pre: all(&self.resid_pre, device),
            resid_mid: all(&self.resid_mid, device),
            keys: all(&self.keys, device),
            values: all(&self.values, device),
            projected: self.projected.iter().map(|(hook, tensor)| (*hook, moved(tensor, device))).collect(),
            under: self.under.clone(),
        }
    }

    /// Bytes of what is kept on the device.
    pub fn bytes(facts: &Facts, prompts: usize, length: usize, element: usize) -> usize {
        let streams = match facts.norms.after() {
            true => 4,
            false if facts.residual == Residual::Sequential => 2,
            false => 1,
        };
        let per_position = facts.n_layers * (streams * facts.d_model + 2 * facts.n_kv_heads * facts.d_head);
        prompts * (length * per_position + facts.d_model + facts.n_vocab) * element
    }
}

/// Parts in one tensor; what they held goes.
fn join<'p, const D: usize>(parts: impl Iterator<Item = &'p mut Tensor<D>>) -> Tensor<D> {
    let mut parts: Vec<Tensor<D>> =
        parts.map(|part| std::mem::replace(part, Tensor::empty([0; D], &part.device()))).collect();
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

/// Keeps what a base needs of one batch.
struct Keeper<'a> {
    edited: &'a HookPositions,
    facts: &'a Facts,
    length: usize,
    activations: Activations,
    resid_pre: Vec<Tensor<3>>,
    resid_mid: Vec<Tensor<3>>,
    keys: Vec<Tensor<4>>,
    values: Vec<Tensor<4>>,
    projected: Vec<(Hook, Tensor<3>)>,
}

impl Keeper<'_> {
    fn keeps(&self, layer: usize, site: Site) -> bool {
        matches!(site, Site::ResidPre | Site::ResidMid | Site::V) || site == self.key_site(layer)
    }

    /// Whether edits change what a norm after attention or MLP reads here.
    fn projects(&self, hook: Hook) -> bool {
        let of_norm = |edited: &Hook| before_norm(*edited, self.facts) == Some(hook);
        matches!(hook, Hook::Block(_, Site::AttnProjected | Site::MlpProjected)) && self.edited.keys().any(of_norm)
    }

    /// Where the keys of a layer stand as they are multiplied with queries.
    fn key_site(&self, layer: usize) -> Site {
        match self.facts.rotary_of(layer) {
            Some(_) => Site::RotK,
            None if self.facts.head_norm.is_some() => Site::KNormed,
            None => Site::K,
        }
    }
}

impl Hooks for Keeper<'_> {
    fn wants(&self, hook: Hook) -> bool {
        self.edited.contains_key(&hook)
            || self.projects(hook)
            || matches!(hook, Hook::Block(layer, site) if self.keeps(layer, site))
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        if let Some(activation) = self.edited.get(&hook).and_then(|at| read(hook, &value, at, self.length)) {
            self.activations.insert(hook, activation);
        }
        match (hook, &value) {
            (Hook::Block(_, Site::ResidPre), HookValue::Stream(tensor)) => self.resid_pre.push(tensor.clone()),
            (Hook::Block(_, Site::ResidMid), HookValue::Stream(tensor)) => self.resid_mid.push(tensor.clone()),
            (Hook::Block(_, Site::V), HookValue::Heads(tensor)) => self.values.push(held(tensor.clone(), self.facts)),
            (Hook::Block(layer, site), HookValue::Heads(tensor)) if site == self.key_site(layer) => {
                self.keys.push(tensor.clone());
            }
            (_, HookValue::Stream(tensor)) if self.projects(hook) => self.projected.push((hook, tensor.clone())),
            _ => {}
        }
        value
    }
}

/// What is kept stands there after the edits that the prompts are run with.
struct EditedKeeper<'e, 'a> {
    edits: EditHooks<'e>,
    keeper: Keeper<'a>,
}

impl Hooks for EditedKeeper<'_, '_> {
    fn wants(&self, hook: Hook) -> bool {
        self.edits.wants(hook) || self.keeper.wants(hook)
    }

    fn visit(&mut self, hook: Hook, value: HookValue) -> HookValue {
        let value = self.edits.visit(hook, value);
        if self.keeper.wants(hook) { self.keeper.visit(hook, value) } else { value }
    }
}
