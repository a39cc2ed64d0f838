//! What runs say of a model: what a store can remember, so that a model whose steps have all been computed need not be looked at.

use super::facts::Facts;
use super::open::Card;
use serde::{Deserialize, Serialize};

/// The facts by which a model is told from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDimensions {
    /// The family's name.
    pub family: String,
    /// Number of blocks.
    pub n_layers: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key/value heads.
    pub n_kv_heads: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of the MLP's hidden layer.
    pub d_mlp: usize,
    /// Rows of the embedding.
    pub n_vocab: usize,
    /// Largest number of positions.
    pub n_ctx: usize,
}

/// A model as reports and manifests describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// The facts by which it is told from others.
    pub dimensions: ModelDimensions,
    /// Number of weights as stored; a tied unembedding counts once.
    pub parameters: usize,
    /// Precision of the file.
    pub stored_dtype: String,
    /// Precision it is held in.
    pub dtype: String,
    /// What its user should know of how its files were read.
    pub notes: Vec<String>,
}

impl From<&Facts> for ModelDimensions {
    fn from(facts: &Facts) -> Self {
        Self {
            family: facts.family.to_string(),
            n_layers: facts.n_layers,
            n_heads: facts.n_heads,
            n_kv_heads: facts.n_kv_heads,
            d_model: facts.d_model,
            d_mlp: facts.d_mlp,
            n_vocab: facts.n_vocab,
            n_ctx: facts.n_ctx,
        }
    }
}

impl From<&Card> for ModelSummary {
    fn from(card: &Card) -> Self {
        Self {
            dimensions: ModelDimensions::from(&card.facts),
            parameters: card.parameters,
            stored_dtype: card.stored_dtype.clone(),
            dtype: card.dtype.clone(),
            notes: card.notes.clone(),
        }
    }
}
