//! Logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"): what stands in the stream within the model, read
//! as if it were the last, through the final norm and the unembedding.

use super::capture::{Holder, HookPositions};
use crate::model::NotFinite;
use crate::model::hook::{Hook, HookValue};
use crate::model::transformer::OutputPositions;
use crate::model::transformer::{Tokens, Transformer};
use crate::spec::CapSide;
use burn::tensor::Tensor;
use indexmap::IndexMap;

/// What one stream says at one position in some prompts.
pub struct Lens {
    /// The stream.
    pub hook: Hook,
    /// The position.
    pub position: usize,
    /// Index of the first of the prompts.
    pub first: usize,
    /// `[prompt, n_vocab]`
    pub logits: Tensor<2>,
}

/// Reads the wanted streams (hooks of width d_model) at the wanted positions of every prompt, `batch` prompts at a time,
/// so that no more than the logits of one stream and position of a batch are in memory. `seen` gets each batch and its own last logits,
/// `[prompt, n_vocab]`. With x the stream,
/// logits = norm(x) · W_U + b_U, soft-capped or not where the model does that; the norm is the model's last, of x's own scale.
///
/// # Errors
/// Logits that are not finite, and what `read` returns.
pub fn logit_lens<E: From<NotFinite>>(
    transformer: &Transformer,
    tokens: &Tokens,
    wanted: &HookPositions,
    cap: CapSide,
    batch: usize,
    seen: impl Fn(&Tokens, &Tensor<2>),
    mut read: impl FnMut(Lens) -> Result<(), E>,
) -> Result<(), E> {
    for (first, part) in tokens.batches(batch) {
        let mut holder = Holder { wanted, got: IndexMap::new(), length: part.pos };
        let mut resid = transformer.embed(&part, &mut holder);
        for layer in 0..transformer.facts().n_layers {
            resid = transformer.block(layer, resid, OutputPositions::All, &mut holder);
        }
        let last = transformer.unembed(resid.narrow(1, part.pos - 1, 1), &mut ()).squeeze_dim(1);
        NotFinite::check(transformer, &part, &last)?;
        seen(&part, &last);
        for (hook, (value, positions)) in holder.got {
            let HookValue::Stream(stream) = value else { continue };
            for (slot, position) in positions.into_iter().enumerate() {
                let logits = transformer.uncapped(stream.clone().narrow(1, slot, 1), &mut ());
                let logits = match cap {
                    CapSide::Before => logits,
                    CapSide::After => transformer.capped(logits),
                }
                .squeeze_dim(1);
                read(Lens { hook, position, first, logits })?;
            }
        }
    }
    Ok(())
}
