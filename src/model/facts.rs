//! Architecture facts: everything the forward pass needs to know that is not a weight.

#[doc(inline)]
pub use crate::kernel::{ActivationFunction, NormFunction, Rotary, Scores};
use serde::Serialize;

/// One decoder-only transformer, described. Families differ in these facts and in the names of their weights, in nothing else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// The family's name, as in `ablate list families`: `llama`, `qwen3`, `gemma2`.
    pub family: &'static str,
    /// Number of blocks.
    pub n_layers: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key/value heads; divides `n_heads`.
    pub n_kv_heads: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of a head; `n_heads * d_head` need not be `d_model`.
    pub d_head: usize,
    /// Width of the MLP's hidden layer; of layers without experts, where there are others ([`Experts::width`]).
    pub d_mlp: usize,
    /// Rows of the embedding, which may be more than the tokenizer has tokens.
    pub n_vocab: usize,
    /// Largest number of positions.
    pub n_ctx: usize,
    /// Every norm of the model.
    pub norm: NormFunction,
    /// Where norms of the residual stream's width stand in a block.
    pub norms: NormPlaces,
    /// The norm of queries and keys before rotation, where there is one.
    pub head_norm: Option<HeadNorm>,
    /// Non-linearity of the MLP.
    pub activation: ActivationFunction,
    /// Whether the MLP multiplies `act(gate)` by a second linear map (paper appendix C).
    pub gated: bool,
    /// How positions enter.
    pub positions: PositionEncoding,
    /// Whether there is no position beyond `n_ctx`: positions are looked up in a table of that length.
    pub bounded: bool,
    /// A window that attention sees no further back than.
    pub window: Option<Window>,
    /// What scores of attention are multiplied by.
    pub scores: ScoreScale,
    /// What scores and logits are held below.
    pub caps: SoftCaps,
    /// What values, and queries and keys after their norm, are held to: ±c.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Layers whose MLP is a mixture of experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experts: Option<Experts>,
    /// What the token's embedding is multiplied by; rounded to the type of the run's weights, as by transformers.
    pub embed_factor: f64,
    /// How attention and MLP are joined to the residual stream.
    pub residual: Residual,
    /// Whether the stored unembedding is the embedding's transpose.
    pub tied: bool,
}

/// Attention of some layers that sees no further back than a number of tokens, the current one counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// How many.
    pub tokens: usize,
    /// The layers, ascending.
    pub layers: Vec<usize>,
}

/// Layers whose MLP is a mixture of experts: for each token a router chooses a few of many small MLPs, and adds what they write.
///
/// Each expert's weight is its part of the softmax of all the router's logits; those of the experts that have the largest are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Experts {
    /// How many there are in a layer.
    pub count: usize,
    /// How many are chosen for a token.
    pub chosen: usize,
    /// Width of an expert's hidden layer.
    pub width: usize,
    /// Whether the chosen weights are divided by their sum: the softmax of the chosen logits alone.
    pub normalised: bool,
    /// The layers, ascending.
    pub layers: Vec<usize>,
}

/// Where norms of the residual stream's width stand in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormPlaces {
    /// Before attention and MLP: of what they read.
    Before,
    /// After attention and MLP: of what they write, before it is added to the stream.
    After,
    /// Both.
    Around,
}

impl NormPlaces {
    /// Whether attention and MLP read the stream through a norm.
    pub fn before(self) -> bool {
        self != Self::After
    }

    /// Whether what attention and MLP write comes to the stream through a norm.
    pub fn after(self) -> bool {
        self != Self::Before
    }
}

/// What a norm of queries and keys is taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadNorm {
    /// Over each head, with one scale for all of them, `[d_head]`.
    EachHead,
    /// Over all heads together, `[n_heads * d_head]`, and of keys `[n_kv_heads * d_head]`.
    AllHeads,
}

/// What scores of attention, q·k, are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreScale {
    /// x of 1/√x; `None` for d_head.
    pub over_root_of: Option<f64>,
    /// 1/(layer + 1), layers counted from 0.
    pub by_layer: bool,
}

impl ScoreScale {
    /// 1/√d_head alone.
    pub const STANDARD: Self = Self { over_root_of: None, by_layer: false };
}

/// c of the soft cap c·tanh(x/c) of values x; `None` where they have none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SoftCaps {
    /// Of the scores of attention, before the mask.
    pub scores: Option<f64>,
    /// Of the logits.
    pub logits: Option<f64>,
}

impl SoftCaps {
    /// None.
    pub const NONE: Self = Self { scores: None, logits: None };
}

/// Rotary tables, and which of them each layer has.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerRotary {
    /// Of every layer that has no other.
    pub table: Rotary,
    /// Of layers with a window, where theirs is another.
    pub windowed: Option<Rotary>,
    /// Layers, ascending, whose queries and keys are not rotated.
    pub without: Vec<usize>,
}

impl LayerRotary {
    /// One table for all layers.
    pub fn uniform(table: Rotary) -> Self {
        Self { table, windowed: None, without: Vec::new() }
    }

    /// Every table.
    pub fn tables(&self) -> impl Iterator<Item = &Rotary> {
        [&self.table].into_iter().chain(&self.windowed)
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Window { tokens, layers } = self;
        match layers.as_slice() {
            [layer] => write!(f, "{tokens} tokens in layer {layer}"),
            [first, .., last] if last - first + 1 == layers.len() => {
                write!(f, "{tokens} tokens in layers {first} to {last}")
            }
            layers => {
                let layers: Vec<String> = layers.iter().map(usize::to_string).collect();
                write!(f, "{tokens} tokens in layers {}", layers.join(", "))
            }
        }
    }
}

/// How positions enter the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionEncoding {
    /// A learned vector per position is added to the embedding.
    Learned,
    /// Queries and keys are rotated.
    Rotary(LayerRotary),
}

/// How attention and MLP are joined to the residual stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Residual {
    /// x + attn(ln1 x), then that + mlp(ln2 of that).
    Sequential,
    /// x + attn(ln1 x) + mlp(ln2 x).
    Parallel,
    /// x + attn(ln1 x) + mlp(ln1 x): one norm (GPT-J).
    ParallelSharedNorm,
}

impl Facts {
    /// The largest number of positions a prompt may have; rotary models are not held to the length they were made for, as not by
    /// transformers.
    pub fn position_limit(&self) -> Option<usize> {
        self.bounded.then_some(self.n_ctx)
    }

    /// How many tokens back a layer's attention sees, the current one counted; `None` for all.
    pub fn window_of(&self, layer: usize) -> Option<usize> {
        self.window.as_ref().filter(|window| window.layers.contains(&layer)).map(|window| window.tokens)
    }

    /// What to say of prompts of up to `tokens` tokens that are longer than the model was made for.
    pub fn beyond_context(&self, tokens: usize) -> Option<String> {
        (tokens > self.n_ctx).then(|| {
            format!(
                "{tokens} tokens exceed the context of {} tokens that the model was made for; they are computed nevertheless, as in \
                 transformers",
                self.n_ctx
            )
        })
    }

    /// How queries and keys of a layer become scores.
    pub fn scores_of(&self, layer: usize) -> Scores {
        let width = self.scores.over_root_of.map_or(1.0, |x| (self.d_head as f64).sqrt() / x.sqrt());
        let depth = if self.scores.by_layer { 1.0 / (layer + 1) as f64 } else { 1.0 };
        Scores { factor: width * depth, cap: self.caps.scores, window: self.window_of(layer) }
    }

    /// How queries and keys of a layer are rotated; `None` where they are not.
    pub fn rotary_of(&self, layer: usize) -> Option<&Rotary> {
        match &self.positions {
            PositionEncoding::Learned => None,
            PositionEncoding::Rotary(rotary) if rotary.without.contains(&layer) => None,
            PositionEncoding::Rotary(rotary) => {
                let windowed = rotary.windowed.as_ref().filter(|_| self.window_of(layer).is_some());
                Some(windowed.unwrap_or(&rotary.table))
            }
        }
    }

    /// The experts of a layer; `None` where its MLP has none.
    pub fn experts_of(&self, layer: usize) -> Option<&Experts> {
        self.experts.as_ref().filter(|experts| experts.layers.contains(&layer))
    }

    /// Number of layers whose MLP is a mixture of experts.
    fn sparse_layers(&self) -> usize {
        self.experts.as_ref().map_or(0, |experts| experts.layers.len())
    }

    /// Values that a position's MLP has at once: its hidden layer; of experts those of all that are chosen, and what each of them writes.
    pub fn widest_mlp(&self) -> usize {
        let sparse = self.experts.as_ref().map_or(0, |experts| experts.chosen * (experts.width + self.d_model));
        if self.sparse_layers() == self.n_layers { sparse } else { self.d_mlp.max(sparse) }
    }

    /// Whether attention and MLP of a block stand one after the other.
    pub fn sequential(&self) -> bool {
        self.residual == Residual::Sequential
    }

    /// Number of weights as stored (a tied unembedding counted once), biases and norms left out: within a percent.
    pub fn approximate_parameters(&self) -> usize {
        let attention = self.d_model * self.d_head * (2 * self.n_heads + 2 * self.n_kv_heads);
        let per_neuron = self.d_model * if self.gated { 3 } else { 2 };
        let dense = (self.n_layers - self.sparse_layers()) * per_neuron * self.d_mlp;
        let sparse = self
            .experts
            .as_ref()
            .map_or(0, |experts| experts.layers.len() * experts.count * (per_neuron * experts.width + self.d_model));
        let embeddings = self.n_vocab * self.d_model * if self.tied { 1 } else { 2 };
        let positions = if self.positions == PositionEncoding::Learned { self.n_ctx * self.d_model } else { 0 };
        self.n_layers * attention + dense + sparse + embeddings + positions
    }
}
