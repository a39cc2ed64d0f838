//! A few of a step's prompts that are run once more, each alone, and compared with what the step's own batches gave.

use crate::Error;
use crate::context::Context;
use crate::intervene::{BatchedPrompt, ReplayCheck};
use crate::kernel::to_f32;
use crate::manifest::{Recomputed, SelfCheck};
use crate::model::transformer::Tokens;
use crate::model::{Model, ModelName};
use crate::prompt::PromptSet;
use crate::system::interrupt;
use burn::tensor::Tensor;
use indexmap::IndexMap;
use std::cell::RefCell;

/// One of so many prompts is run alone, so that it takes little beside the step.
const ONE_IN: usize = 32;
/// As many prompts at most.
const MOST: usize = 4;

/// A few prompts, and the last logits that the step's batches gave of them, `[n_vocab]`, once they were there.
#[derive(Debug, Default)]
pub struct PromptSample(RefCell<IndexMap<Vec<u32>, Option<Vec<f32>>>>);

/// How many of `count` prompts are run alone.
pub(super) fn sample_size(count: usize) -> usize {
    (count / ONE_IN).clamp(1, MOST)
}

impl PromptSample {
    /// The longest of a set's prompts; of more, the shortest, and some between. None where layers are read while the model runs, as each
    /// prompt would read all of them, or where there is but one prompt.
    pub fn of(set: &PromptSet, model: &Model) -> Self {
        let mut prompts: Vec<&[u32]> = set.prompts.iter().map(|prompt| prompt.tokens.as_slice()).collect();
        prompts.sort_by_key(|tokens| tokens.len());
        if prompts.len() < 2 || model.transformer().reads().is_some() {
            return Self::default();
        }
        let (count, last) = (sample_size(prompts.len()), prompts.len() - 1);
        let place = |number: usize| if count == 1 { last } else { number * last / (count - 1) };
        Self(RefCell::new((0..count).map(|number| (prompts[place(number)].to_vec(), None)).collect()))
    }

    /// Has a look at a batch of prompts that were run as they are, and their logits at the last position, `[prompt, n_vocab]`.
    pub fn see(&self, tokens: &Tokens, logits: &Tensor<2>) {
        let rows = tokens.ids.chunks_exact(tokens.pos.max(1));
        self.look(rows, |row| to_f32(logits.clone().narrow(0, row, 1)));
    }

    /// The same of logits in main memory, row by row.
    pub fn see_values(&self, rows: &[&[u32]], logits: &[f32]) {
        let width = logits.len() / rows.len().max(1);
        self.look(rows.iter().copied(), |row| logits[row * width..(row + 1) * width].to_vec());
    }

    /// A prompt that a batch has for itself is run alone already.
    fn look<'r>(&self, rows: impl ExactSizeIterator<Item = &'r [u32]>, logits: impl Fn(usize) -> Vec<f32>) {
        let mut sample = self.0.borrow_mut();
        if rows.len() < 2 || sample.values().all(Option::is_some) {
            return;
        }
        for (row, tokens) in rows.enumerate() {
            if let Some(seen) = sample.get_mut(tokens).filter(|seen| seen.is_none()) {
                *seen = Some(logits(row));
            }
        }
    }

    /// Runs those alone that were seen, and says how far their logits are from those of their batches; nothing where none was seen.
    ///
    /// # Errors
    /// Ctrl-C.
    pub fn check(
        &self,
        step: &str,
        (name, model): (&ModelName, &Model),
        context: &Context,
    ) -> Result<Option<SelfCheck>, Error> {
        let mut check = ReplayCheck::default();
        for (tokens, logits) in self.0.take() {
            let Some(logits) = logits else { continue };
            interrupt::check()?;
            BatchedPrompt { tokens, logits }.check_alone(model.transformer(), &mut check);
        }
        let dtype = context.models.dtype(name);
        Ok((check.rows > 0).then(|| SelfCheck::new(Recomputed::Prompts, step, name, check, dtype)))
    }
}
