//! Weights on their way from a file to the device: f32 in main memory, in ablate's own layout, one block at a time.

use super::facts::{Facts, PositionEncoding};
use super::weights::WeightError;
use crate::kernel::BlockMatrix;
use burn::tensor::TensorData;

/// A dense row-major f32 array.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostTensor {
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// `shape.iter().product()` values, last dimension fastest.
    pub data: Vec<f32>,
}

/// A linear map y = x·w + b.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostLinear {
    /// `[d_in, d_out]`; without values of use where `blocks` or `half` has them.
    pub weight: HostTensor,
    /// `[d_out]`
    pub bias: Option<HostTensor>,
    /// The weight as a quantised file has it, of a model that is held so.
    pub blocks: Option<BlockMatrix>,
    /// The weight in half width, once nothing changes it any more.
    pub half: Option<TensorData>,
}

/// Where a linear map stands in its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinearPlace {
    /// Queries, keys and values.
    AttentionReader,
    /// The output projection.
    AttentionWriter,
    /// The first maps of an MLP, and what chooses experts.
    MlpReader,
    /// The last map of an MLP.
    MlpWriter,
}

/// What becomes of each linear map of a block as soon as it is read, so that the next one finds its room: of its place, the block's norms before
/// attention and before the MLP, and the map.
pub type EachLinear<'e> = dyn FnMut(LinearPlace, [Option<&HostNorm>; 2], HostLinear) -> HostLinear + 'e;

/// A norm's scale and shift, each `[width]`; `None` once folded, or where the family has none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostNorm {
    /// Multiplied after normalising.
    pub scale: Option<HostTensor>,
    /// Added after scaling.
    pub shift: Option<HostTensor>,
    /// Whether what the model holds is the scale less one, to which one is added in f32.
    pub less_one: bool,
}

/// One transformer block.
#[derive(Debug, Clone, PartialEq)]
pub struct HostBlock {
    /// Norm before attention; `None` where it reads the stream itself.
    pub ln1: Option<HostNorm>,
    /// Norm after attention.
    pub ln1_post: Option<HostNorm>,
    /// Norm before the MLP; `None` where it reads the stream itself, or both read `ln1`
    /// ([`super::facts::Residual::ParallelSharedNorm`]).
    pub ln2: Option<HostNorm>,
    /// Norm after the MLP.
    pub ln2_post: Option<HostNorm>,
    /// Norm of queries, `[d_head]` or `[n_heads * d_head]`: see [`super::facts::HeadNorm`].
    pub q_norm: Option<HostNorm>,
    /// Norm of keys, `[d_head]` or `[n_kv_heads * d_head]`.
    pub k_norm: Option<HostNorm>,
    /// `[d_model, n_heads * d_head]`
    pub q: HostLinear,
    /// `[d_model, n_kv_heads * d_head]`
    pub k: HostLinear,
    /// `[d_model, n_kv_heads * d_head]`
    pub v: HostLinear,
    /// `[n_heads * d_head, d_model]`
    pub o: HostLinear,
    /// The MLP.
    pub mlp: HostMlp,
}

/// An MLP.
// One is there at a time, for a layer that is read: a box would save nothing.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq)]
pub enum HostMlp {
    /// One for all tokens.
    Dense(HostDense),
    /// Experts, of which each token is sent to a few: see [`super::facts::Experts`].
    Mixture(HostMixture),
}

/// An MLP without experts, or one expert.
#[derive(Debug, Clone, PartialEq)]
pub struct HostDense {
    /// `[d_model, d_mlp]`; of gated MLPs only.
    pub gate: Option<HostLinear>,
    /// `[d_model, d_mlp]`
    pub up: HostLinear,
    /// `[d_mlp, d_model]`
    pub down: HostLinear,
}

/// A mixture of experts.
#[derive(Debug, Clone, PartialEq)]
pub struct HostMixture {
    /// `[d_model, experts]`
    pub router: HostLinear,
    /// Each of them.
    pub experts: Vec<HostDense>,
}

impl HostBlock {
    /// The block with what `each` makes of its linear maps.
    #[must_use]
    pub fn with_each(mut self, each: &mut EachLinear) -> Self {
        use LinearPlace::{AttentionReader, AttentionWriter, MlpReader, MlpWriter};
        let before = [self.ln1.as_ref(), self.ln2.as_ref()];
        let [readers, writers] = self.mlp.ends();
        let attention = [&mut self.q, &mut self.k, &mut self.v].map(|linear| (AttentionReader, linear));
        let mlp = readers.into_iter().map(|linear| (MlpReader, linear));
        let mlp = mlp.chain(writers.into_iter().map(|linear| (MlpWriter, linear)));
        for (place, linear) in attention.into_iter().chain([(AttentionWriter, &mut self.o)]).chain(mlp) {
            *linear = each(place, before, std::mem::take(linear));
            if linear.half.is_some() {
                linear.weight.data = Vec::new();
            }
        }
        self
    }
}

impl HostMlp {
    /// The MLP that all tokens have; `None` where they have experts.
    pub fn dense(&self) -> Option<&HostDense> {
        match self {
            HostMlp::Dense(dense) => Some(dense),
            HostMlp::Mixture(_) => None,
        }
    }

    /// The linear maps that read the stream, and those that write to it.
    pub fn ends(&mut self) -> [Vec<&mut HostLinear>; 2] {
        let (mut readers, mut writers) = (Vec::new(), Vec::new());
        let parts = match self {
            HostMlp::Dense(dense) => std::slice::from_mut(dense),
            HostMlp::Mixture(HostMixture { router, experts }) => {
                readers.push(router);
                experts.as_mut_slice()
            }
        };
        for HostDense { gate, up, down } in parts {
            readers.extend(gate.iter_mut().chain([up]));
            writers.push(down);
        }
        [readers, writers]
    }
}

/// What comes before the first block.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEmbedding {
    /// `[n_vocab, d_model]`; without values where `blocks` has them.
    pub tokens: HostTensor,
    /// The same as a quantised file has it, `[d_model, n_vocab]`, of a model that is held so.
    pub blocks: Option<BlockMatrix>,
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

impl<M: HostModel + ?Sized> HostModel for &M {
    fn facts(&self) -> &Facts {
        (**self).facts()
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        (**self).embedding()
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        (**self).block_with(layer, each)
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        (**self).head()
    }

    fn block_size(&self, layer: usize) -> BlockSize {
        (**self).block_size(layer)
    }

    fn ends_size(&self) -> BlockSize {
        (**self).ends_size()
    }

    fn attention_writes_bias(&self, layer: usize) -> bool {
        (**self).attention_writes_bias(layer)
    }

    fn parameters(&self) -> usize {
        (**self).parameters()
    }

    fn stored_dtype(&self) -> String {
        (**self).stored_dtype()
    }

    fn notes(&self) -> &[String] {
        (**self).notes()
    }
}

/// What one block takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockSize {
    /// Its weights.
    pub elements: usize,
    /// Weights of its largest matrix.
    pub largest: usize,
    /// Bytes that are read of its files where it is read.
    pub stored: u64,
}

impl BlockSize {
    /// So many weights in f32.
    pub fn in_f32(elements: usize) -> Self {
        Self { elements, largest: elements, stored: 4 * elements as u64 }
    }

    /// Bytes in memory: of `element` each, or as they are stored where that is less.
    pub fn bytes(self, element: usize, as_stored: bool) -> usize {
        let whole = element * self.elements;
        if as_stored { whole.min(usize::try_from(self.stored).unwrap_or(usize::MAX)) } else { whole }
    }

    /// Bytes that its largest matrix takes in f32 while it is read, beside what it becomes: none of matrices that stay in f32, or in a
    /// quantised file's blocks.
    pub fn passing(self, element: usize, as_stored: bool) -> usize {
        let stored_in_half = 2 * self.elements as u64..4 * self.elements as u64;
        if element < 4 || as_stored && stored_in_half.contains(&self.stored) { 4 * self.largest } else { 0 }
    }

    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self {
            elements: self.elements + other.elements,
            largest: self.largest.max(other.largest),
            stored: self.stored + other.stored,
        }
    }
}

/// A model whose weights can be read piece by piece, so that one block at a time is in main memory.
///
/// Everything that can be known without reading the weights (missing names, wrong shapes, a truncated file) was checked
/// when the value was made: what is left to fail in a read is the disk.
pub trait HostModel: Send + Sync {
    /// What the model looks like.
    fn facts(&self) -> &Facts;

    /// What comes before the first block.
    fn embedding(&self) -> Result<HostEmbedding, WeightError>;

    /// Block `layer`, of `0..facts().n_layers`, with what `each` makes of its linear maps.
    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError>;

    /// Block `layer` as it is, all of it in f32.
    fn block(&self, layer: usize) -> Result<HostBlock, WeightError> {
        self.block_with(layer, &mut |_, _, linear| linear)
    }

    /// What comes after the last block. A tied model's head is its embedding, transposed.
    fn head(&self) -> Result<HostHead, WeightError>;

    /// What block `layer` takes, without reading it.
    fn block_size(&self, layer: usize) -> BlockSize {
        let _ = layer;
        let facts = self.facts();
        let ends = self.ends_size().elements;
        BlockSize::in_f32(facts.approximate_parameters().saturating_sub(ends) / facts.n_layers.max(1))
    }

    /// What is before the first block and after the last, without reading it.
    fn ends_size(&self) -> BlockSize {
        let facts = self.facts();
        let tables = if facts.tied { 1 } else { 2 };
        let positions = if facts.positions == PositionEncoding::Learned { facts.n_ctx } else { 0 };
        BlockSize::in_f32((tables * facts.n_vocab + positions) * facts.d_model)
    }

    /// Whether what the attention of block `layer` writes has a bias, without reading it.
    fn attention_writes_bias(&self, layer: usize) -> bool {
        let _ = layer;
        false
    }

    /// Number of stored weights; a tied unembedding counts once.
    fn parameters(&self) -> usize {
        self.facts().approximate_parameters()
    }

    /// Number formats of the stored weights, the most frequent first, as `bf16` or `q4_1, f32`.
    fn stored_dtype(&self) -> String {
        "f32".into()
    }

    /// What its user should know of how it was read: what was left out of its files, and where they contradict each other.
    fn notes(&self) -> &[String] {
        &[]
    }
}
