use crate::measure::{Failure, NextToken};
use crate::model::transformer::Tokens;
use crate::model::{Model, to_f32};
use crate::run::interrupt;

/// A model as measures see it, which stops between batches when it is asked to.
pub struct Network<'a> {
    /// The model.
    pub model: &'a Model,
}

impl NextToken for Network<'_> {
    fn n_vocab(&self) -> usize {
        self.model.facts().n_vocab
    }

    fn position_limit(&self) -> Option<usize> {
        self.model.transformer().position_limit()
    }

    fn last_logits(&self, rows: &[&[u32]]) -> Result<Vec<f32>, Failure> {
        interrupt::check()?;
        let tokens = Tokens::from_rows(rows).ok_or("rows of one length, at least one token each, are needed")?;
        Ok(to_f32(self.model.transformer().last_logits(&tokens)))
    }
}
