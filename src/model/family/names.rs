//! Where each weight of a model is stored: names, stored shapes, and which part in which layout. Plain data that a
//! family fills in; reading it is [`super::super::checkpoint`]'s work.

use std::ops::Range;

/// Whether a linear map's matrix is stored with its outputs or its inputs as rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatrixOrder {
    /// `[d_out, d_in]`, as `torch.nn.Linear` does.
    OutIn,
    /// `[d_in, d_out]`, as GPT-2's `Conv1D` does, and ablate.
    InOut,
}

/// Where a linear map is stored, possibly as a part of a fused one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearNames {
    /// Name of the matrix.
    pub weight: String,
    /// Name of the bias, `[outputs]`.
    pub bias: Option<String>,
    /// Layout of the matrix.
    pub stored: MatrixOrder,
    /// Number of inputs.
    pub inputs: usize,
    /// Number of outputs of the stored matrix.
    pub outputs: usize,
    /// Which of the stored outputs are this map's, in order.
    pub take: Vec<Range<usize>>,
    /// Which matrix of an array of several it is, where it is stored as one.
    pub stack: Option<StackPlace>,
}

/// One of several matrices of one shape that are stored as an array, `[count, …]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackPlace {
    /// Which.
    pub index: usize,
    /// Of how many.
    pub count: usize,
}

impl LinearNames {
    /// `{name}.weight` as `[d_out, d_in]`, and `{name}.bias` if there is one.
    pub fn linear(name: String, inputs: usize, outputs: usize, bias: bool) -> Self {
        Self {
            weight: format!("{name}.weight"),
            bias: bias.then(|| format!("{name}.bias")),
            stored: MatrixOrder::OutIn,
            inputs,
            outputs,
            take: std::iter::once(0..outputs).collect(),
            stack: None,
        }
    }

    /// The same with the matrix as `[d_in, d_out]`.
    pub fn transposed(self) -> Self {
        Self { stored: MatrixOrder::InOut, ..self }
    }

    /// Part of a fused map.
    pub fn taking(self, take: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self { take: take.into_iter().collect(), ..self }
    }

    /// A matrix `[d_out, d_in]` of the array under `name`, as it is, without a bias.
    pub fn stacked(name: String, place: StackPlace, inputs: usize, outputs: usize) -> Self {
        Self { weight: name, stack: Some(place), ..Self::linear(String::new(), inputs, outputs, false) }
    }

    /// Shape of what is stored under its name.
    pub fn weight_shape(&self) -> Vec<usize> {
        let [rows, columns] = match self.stored {
            MatrixOrder::OutIn => [self.outputs, self.inputs],
            MatrixOrder::InOut => [self.inputs, self.outputs],
        };
        self.stack.map(|place| place.count).into_iter().chain([rows, columns]).collect()
    }

    /// Where its matrix starts in what is stored under its name.
    pub fn start(&self) -> usize {
        self.stack.map_or(0, |place| place.index * self.outputs * self.inputs)
    }
}

/// Where a norm's scale and shift are stored, each `[width]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NormNames {
    /// Name of the scale.
    pub scale: String,
    /// Name of the shift.
    pub shift: Option<String>,
    /// What is normalised at once: the residual stream's width, or that of queries or keys.
    pub width: usize,
    /// Whether what is stored is the scale less one.
    pub less_one: bool,
    /// Whether the family's models hold the scale less one, however it is stored.
    pub adds_one: bool,
}

impl NormNames {
    /// `{name}.weight`.
    pub fn rms(name: String, width: usize) -> Self {
        Self { scale: format!("{name}.weight"), shift: None, width, less_one: false, adds_one: false }
    }

    /// `{name}.weight`, which is the scale less one.
    pub fn rms_less_one(name: String, width: usize) -> Self {
        Self { less_one: true, adds_one: true, ..Self::rms(name, width) }
    }

    /// `{name}.weight` and `{name}.bias`.
    pub fn layer(name: String, width: usize) -> Self {
        Self { shift: Some(format!("{name}.bias")), ..Self::rms(name, width) }
    }
}

/// Where a block is stored; the fields are [`super::super::host::HostBlock`]'s.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct BlockNames {
    pub ln1: Option<NormNames>,
    pub ln1_post: Option<NormNames>,
    pub ln2: Option<NormNames>,
    pub ln2_post: Option<NormNames>,
    pub q_norm: Option<NormNames>,
    pub k_norm: Option<NormNames>,
    pub q: LinearNames,
    pub k: LinearNames,
    pub v: LinearNames,
    pub o: LinearNames,
    pub mlp: MlpNames,
}

/// Where an MLP is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
#[allow(clippy::large_enum_variant, reason = "a model has one for each layer")]
pub enum MlpNames {
    Dense(DenseNames),
    Mixture(MixtureNames),
}

/// Where an MLP without experts, or one expert, is stored; the fields are [`super::super::host::HostDense`]'s.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct DenseNames {
    pub gate: Option<LinearNames>,
    pub up: LinearNames,
    pub down: LinearNames,
}

/// Where a mixture of experts is stored; the fields are [`super::super::host::HostMixture`]'s.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MixtureNames {
    pub router: LinearNames,
    pub experts: Vec<DenseNames>,
}

impl BlockNames {
    /// Its norms.
    pub fn norms(&self) -> impl Iterator<Item = &NormNames> {
        let Self { ln1, ln1_post, ln2, ln2_post, q_norm, k_norm, .. } = self;
        [ln1, ln1_post, ln2, ln2_post, q_norm, k_norm].into_iter().flatten()
    }

    /// Its linear maps.
    pub fn linears(&self) -> impl Iterator<Item = &LinearNames> {
        [&self.q, &self.k, &self.v, &self.o].into_iter().chain(self.mlp.linears())
    }
}

impl MlpNames {
    /// Its linear maps.
    fn linears(&self) -> impl Iterator<Item = &LinearNames> {
        let (router, parts) = match self {
            MlpNames::Dense(dense) => (None, std::slice::from_ref(dense)),
            MlpNames::Mixture(MixtureNames { router, experts }) => (Some(router), experts.as_slice()),
        };
        router.into_iter().chain(parts.iter().flat_map(|part| part.gate.iter().chain([&part.up, &part.down])))
    }
}

/// Where a model is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelNames {
    /// Name of the embedding, `[n_vocab, d_model]`. A tied unembedding is read from it.
    pub tokens: String,
    /// Name of learned positions, `[n_ctx, d_model]`.
    pub positions: Option<String>,
    /// One per layer.
    pub blocks: Vec<BlockNames>,
    /// The same as other files of the family have them, where there are such; one of both is all there.
    pub other_blocks: Option<Vec<BlockNames>>,
    /// Final norm.
    pub ln_final: NormNames,
    /// Unembedding, under the name of its own that it has where it is not the embedding's ([`ModelNames::tie`]).
    pub unembed: LinearNames,
    /// A prefix that names may lack, as in a file of the bare model without its head.
    pub prefix: &'static str,
    /// Endings of names that may be there and are not weights.
    pub buffers: &'static [&'static str],
    /// Names that some versions give tensors, each with the name here.
    pub aliases: &'static [(&'static str, &'static str)],
}

/// What a stored tensor is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A matrix or an embedding.
    Matrix,
    /// A bias or the shift of a norm.
    Bias,
    /// The scale of a norm.
    Scale,
    /// The scale of a norm less one.
    ScaleLessOne,
}

/// A tensor that has to be in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// Its stored shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

impl Expected {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl ModelNames {
    /// The same with every block as `change` makes it of the layer and what it was.
    #[must_use]
    pub fn with_blocks(self, change: impl Fn(usize, BlockNames) -> BlockNames) -> Self {
        let blocks = self.blocks.into_iter().enumerate().map(|(layer, block)| change(layer, block)).collect();
        Self { blocks, ..self }
    }

    /// With blocks as other files of the family have them; `None` where all have the same.
    #[must_use]
    pub fn otherwise(&self) -> Option<Self> {
        let blocks = self.other_blocks.clone()?;
        Some(Self { blocks, other_blocks: None, ..self.clone() })
    }

    /// Makes the unembedding the embedding's transpose.
    pub fn tie(&mut self) {
        self.unembed.weight = self.tokens.clone();
    }

    /// Every tensor that has to be in the file, each once.
    pub fn expected(&self, n_vocab: usize, n_ctx: usize, d_model: usize) -> Vec<Expected> {
        let mut list = List { expected: Vec::new(), seen: std::collections::HashSet::new() };
        list.add(&self.tokens, vec![n_vocab, d_model], Role::Matrix);
        if let Some(positions) = &self.positions {
            list.add(positions, vec![n_ctx, d_model], Role::Matrix);
        }
        for block in &self.blocks {
            block.norms().for_each(|norm| list.norm(norm));
            block.linears().for_each(|linear| list.linear(linear));
        }
        list.norm(&self.ln_final);
        list.linear(&self.unembed);
        list.expected
    }
}

/// The list under construction: parts of a fused map, and a tied unembedding, name the same tensor twice.
struct List {
    expected: Vec<Expected>,
    seen: std::collections::HashSet<String>,
}

impl List {
    fn add(&mut self, name: &str, shape: Vec<usize>, role: Role) {
        if self.seen.insert(name.to_owned()) {
            self.expected.push(Expected { name: name.to_owned(), shape, role });
        }
    }

    fn norm(&mut self, norm: &NormNames) {
        let role = if norm.less_one { Role::ScaleLessOne } else { Role::Scale };
        self.add(&norm.scale, vec![norm.width], role);
        norm.shift.iter().for_each(|shift| self.add(shift, vec![norm.width], Role::Bias));
    }

    fn linear(&mut self, linear: &LinearNames) {
        self.add(&linear.weight, linear.weight_shape(), Role::Matrix);
        linear.bias.iter().for_each(|bias| self.add(bias, vec![linear.outputs], Role::Bias));
    }
}
