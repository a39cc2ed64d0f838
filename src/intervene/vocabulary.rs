//! Which logits are computed: of the whole vocabulary, or of the tokens that measures read alone.

use super::tensors::gather;
use crate::kernel;
use crate::model::hook::Hooks;
use crate::model::transformer::Transformer;
use burn::tensor::{Int, Tensor};

/// Columns of the unembedding.
pub(super) enum Vocabulary {
    /// All of them.
    Whole,
    /// Those of some tokens.
    Some(Box<VocabularyColumns>),
}

/// Columns of some tokens.
pub(super) struct VocabularyColumns {
    /// The tokens, ascending.
    tokens: Vec<u32>,
    /// `[d_model, token]`
    weight: Tensor<2>,
    /// `[token]`
    bias: Option<Tensor<1>>,
}

impl Vocabulary {
    /// The columns of these tokens.
    pub fn of(mut tokens: Vec<u32>, transformer: &Transformer) -> Self {
        tokens.sort_unstable();
        tokens.dedup();
        let unembed = &transformer.unembed;
        let columns = indices(&tokens, transformer);
        let weight = unembed.columns(&tokens.iter().map(|&token| token as usize).collect::<Vec<_>>());
        let bias = unembed.bias.as_ref().map(|bias| bias.val().select(0, columns));
        Vocabulary::Some(Box::new(VocabularyColumns { tokens, weight, bias }))
    }

    /// The same columns of a copy of the model on another device.
    pub fn of_copy(&self, copy: &Transformer) -> Self {
        match self {
            Vocabulary::Whole => Vocabulary::Whole,
            Vocabulary::Some(columns) => Self::of(columns.tokens.clone(), copy),
        }
    }

    /// Logits `[row, column]` from the stream after the last block, `[row, 1, d_model]`.
    pub fn logits(&self, stream: Tensor<3>, transformer: &Transformer, hooks: &mut dyn Hooks) -> Tensor<2> {
        match self {
            Vocabulary::Whole => transformer.unembed(stream, hooks).squeeze_dim(1),
            Vocabulary::Some(columns) => {
                let normalized = transformer.final_norm(stream, hooks);
                let logits = kernel::linear(normalized, columns.weight.clone(), columns.bias.clone());
                transformer.capped(logits).squeeze_dim(1)
            }
        }
    }

    /// The same columns of whole logits, `[run, n_vocab]`, of some runs.
    pub fn of_logits(&self, logits: &Tensor<2>, runs: &[usize], transformer: &Transformer) -> Tensor<2> {
        let logits = gather(logits, runs);
        match self {
            Vocabulary::Whole => logits,
            Vocabulary::Some(columns) => logits.select(1, indices(&columns.tokens, transformer)),
        }
    }

    /// The column of a token.
    pub fn column(&self, token: u32) -> u32 {
        match self {
            Vocabulary::Whole => token,
            Vocabulary::Some(columns) => columns.tokens.binary_search(&token).map_or(token, |column| column as u32),
        }
    }

    /// Number of columns.
    pub fn len(&self, transformer: &Transformer) -> usize {
        match self {
            Vocabulary::Whole => transformer.facts().n_vocab,
            Vocabulary::Some(columns) => columns.tokens.len(),
        }
    }
}

fn indices(tokens: &[u32], transformer: &Transformer) -> Tensor<1, Int> {
    kernel::indices(tokens.iter().map(|&token| token as usize), &transformer.device())
}
