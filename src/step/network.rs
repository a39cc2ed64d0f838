//! A model that prompts are asked of, its answers kept as blocks.

use super::prompt_sample::PromptSample;
use crate::kernel::to_f32;
use crate::measure::{BoxError, DecodeError, NextToken};
use crate::model::transformer::Tokens;
use crate::model::{Model, ModelName, NotFinite};
use crate::resume::Blocks;
use crate::system::digests::of_bytes;
use crate::system::interrupt;

/// A model as measures see it, which stops between batches when it is asked to.
pub(super) struct Network<'a> {
    /// The model.
    pub model: &'a Model,
    /// Prompts of which it is noted what their batches give.
    pub sample: Option<&'a PromptSample>,
}

impl NextToken for Network<'_> {
    fn n_vocab(&self) -> usize {
        self.model.facts().n_vocab
    }

    fn position_limit(&self) -> Option<usize> {
        self.model.facts().position_limit()
    }

    fn last_logits(&self, rows: &[&[u32]]) -> Result<Vec<f32>, BoxError> {
        interrupt::check()?;
        let tokens = Tokens::from_rows(rows).ok_or("rows of one length, at least one token each, are needed")?;
        let logits = to_f32(self.model.transformer().last_logits(&tokens));
        NotFinite::check_values(self.model.transformer(), &tokens, &logits)?;
        if let Some(sample) = self.sample {
            sample.see_values(rows, &logits);
        }
        Ok(logits)
    }
}

/// The same, its answers kept batch by batch.
pub(super) struct ResumableNetwork<'a> {
    /// The model.
    pub network: Network<'a>,
    /// Which it is: of several models a step may ask some alone, as earlier steps have asked the others.
    pub name: &'a ModelName,
    /// What keeps them.
    pub blocks: &'a Blocks<'a>,
}

impl NextToken for ResumableNetwork<'_> {
    fn n_vocab(&self) -> usize {
        self.network.n_vocab()
    }

    fn position_limit(&self) -> Option<usize> {
        self.network.position_limit()
    }

    fn last_logits(&self, rows: &[&[u32]]) -> Result<Vec<f32>, BoxError> {
        self.network.last_logits(rows)
    }

    fn arg_max(&self, rows: &[&[u32]]) -> Result<Vec<u32>, DecodeError> {
        let asked: Vec<u8> = rows.iter().flat_map(|row| row.iter()).flat_map(|token| token.to_le_bytes()).collect();
        let what = format!("answers of {} to {} prompts, {}", self.name, rows.len(), of_bytes(&asked));
        self.blocks.once(&what, || self.network.arg_max(rows))
    }
}
