//! Weights on their way from a file to the device: f32 in main memory, in ablate's own layout, one block at a time.

/// A dense row-major f32 array.
#[derive(Debug, Clone, PartialEq)]
pub struct HostTensor {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values, last dimension fastest.
    pub data: Vec<f32>,
}

/// A linear map y = x·w + b.
#[derive(Debug, Clone, PartialEq)]
pub struct HostLinear {
    /// `[d_in, d_out]`
    pub weight: HostTensor,
    /// `[d_out]`
    pub bias: Option<HostTensor>,
}

/// A norm's scale and shift, each `[d_model]`; `None` once folded, or where the family has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostNorm {
    /// Multiplied after normalising.
    pub scale: Option<HostTensor>,
    /// Added after scaling.
    pub shift: Option<HostTensor>,
}

/// One transformer block.
#[derive(Debug, Clone, PartialEq)]
pub struct HostBlock {
    /// Norm before attention.
    pub ln1: HostNorm,
    /// Norm before the MLP; `None` where both read `ln1` ([`super::facts::Residual::ParallelSharedNorm`]).
    pub ln2: Option<HostNorm>,
    /// `[d_model, n_heads * d_head]`
    pub q: HostLinear,
    /// `[d_model, n_kv_heads * d_head]`
    pub k: HostLinear,
    /// `[d_model, n_kv_heads * d_head]`
    pub v: HostLinear,
    /// `[n_heads * d_head, d_model]`
    pub o: HostLinear,
    /// `[d_model, d_mlp]`; of gated MLPs only.
    pub gate: Option<HostLinear>,
    /// `[d_model, d_mlp]`
    pub up: HostLinear,
    /// `[d_mlp, d_model]`
    pub down: HostLinear,
}

/// What comes before the first block.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEmbedding {
    /// `[n_vocab, d_model]`
    pub tokens: HostTensor,
    /// `[n_ctx, d_model]`; of learned positions only.
    pub positions: Option<HostTensor>,
}

/// What comes after the last block.
#[derive(Debug, Clone, PartialEq)]
pub struct HostHead {
    /// Norm before the unembedding.
    pub ln_final: HostNorm,
    /// `[d_model, n_vocab]`
    pub unembed: HostLinear,
}
