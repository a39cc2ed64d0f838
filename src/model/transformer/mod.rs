//! The forward pass: one decoder-only transformer, described by its [`Facts`].
//!
//! Inference and training run the same code: the weights are burn parameters, and training puts them on an
//! autodiff device. A pass is three calls, so that a replay can start at any layer: [`Transformer::embed`],
//! [`Transformer::block`] per layer, [`Transformer::unembed`].

mod attention;
mod block;
mod block_hooks;
mod dense_mlp;
mod holding;
mod lent;
mod linear;
mod mixture;
mod mlp;
mod norm;
mod part;
mod rows;
mod streamed;
mod upload;

use super::facts::Facts;
use super::hook::{Hook, Hooks};
use super::host::{HostEmbedding, HostModel};
use super::weights::{WeightError, WeightReads};
use crate::kernel::{self, BlockMatrix, Past};
use crate::spec::HeadInput;
pub(crate) use attention::{LayerAttention, held};
pub(crate) use block::Block;
use block_hooks::{BlockHooks, visit_stream};
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
pub(crate) use dense_mlp::DenseMlp;
pub use holding::Holding;
pub use lent::LentLayers;
pub(crate) use linear::Linear;
pub(crate) use mixture::Mixture;
pub(crate) use mlp::Mlp;
pub(crate) use norm::Norm;
use norm::NormHooks;
pub(crate) use part::{BlockPart, BlockParts};
pub(crate) use rows::OutputPositions;
pub(crate) use streamed::{LayerBlock, StreamedLayers};
use upload::Upload;

/// A batch of prompts of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// `[batch, pos]`, row by row.
    pub ids: Vec<u32>,
    /// Number of prompts.
    pub batch: usize,
    /// Tokens of each prompt.
    pub pos: usize,
}

impl Tokens {
    /// A batch of rows; `None` when there is none, or they differ in length.
    pub fn from_rows<R: AsRef<[u32]>>(rows: &[R]) -> Option<Self> {
        let pos = rows.first()?.as_ref().len();
        if pos == 0 || rows.iter().any(|row| row.as_ref().len() != pos) {
            return None;
        }
        let ids = rows.iter().flat_map(|row| row.as_ref().iter().copied()).collect();
        Some(Self { ids, batch: rows.len(), pos })
    }

    /// Some of the prompts.
    pub fn part(&self, prompts: std::ops::Range<usize>) -> Tokens {
        let batch = prompts.len();
        Tokens { ids: self.ids[prompts.start * self.pos..prompts.end * self.pos].to_vec(), batch, pos: self.pos }
    }

    /// The prompts, at most `batch` at a time, each part with the index of its first prompt.
    pub fn batches(&self, batch: usize) -> impl Iterator<Item = (usize, Tokens)> + '_ {
        let batch = batch.max(1);
        self.ids.chunks((batch * self.pos).max(1)).enumerate().map(move |(number, ids)| {
            (number * batch, Tokens { ids: ids.to_vec(), batch: ids.len() / self.pos.max(1), pos: self.pos })
        })
    }
}

/// A transformer with its weights on a device.
#[derive(Module, Debug)]
pub struct Transformer {
    /// `[n_vocab, d_model]`; `None` where it is the unembedding's transpose, which is then looked up instead, so that a
    /// tied model is in memory once.
    #[doc(hidden)]
    pub embed: Option<Param<Tensor<2>>>,
    /// The same of a quantised model that is held as it is stored, `[d_model, n_vocab]`.
    #[module(skip)]
    embed_blocks: Option<BlockMatrix>,
    /// `[n_ctx, d_model]`; of learned positions only.
    #[doc(hidden)]
    pub pos_embed: Option<Param<Tensor<2>>>,
    /// One per layer that is held; the others are read when they are asked for: see [`Transformer::layer`].
    #[doc(hidden)]
    pub blocks: Vec<Block>,
    /// Norm before the unembedding.
    #[doc(hidden)]
    pub ln_final: Norm,
    /// `[d_model, n_vocab]`
    #[doc(hidden)]
    pub unembed: Linear,
    #[module(skip)]
    facts: Facts,
    /// What it computes in.
    #[module(skip)]
    dtype: DType,
    #[module(skip)]
    streamed: Option<StreamedLayers>,
}

impl Transformer {
    /// Moves a model's weights to `device` in `dtype`, block by block, so that main memory holds one block beside it.
    #[doc(hidden)]
    pub fn load(host: &dyn HostModel, device: &Device, dtype: DType) -> Result<Self, WeightError> {
        Self::load_as(host, device, Holding { dtype, as_stored: false, layers: host.facts().n_layers })
    }

    /// The same with all layers in memory, however they are held there.
    #[doc(hidden)]
    pub fn load_as(host: &dyn HostModel, device: &Device, holding: Holding) -> Result<Self, WeightError> {
        let Holding { dtype, as_stored, layers } = holding;
        let facts = host.facts().clone();
        let upload = Upload { device, dtype, as_stored };
        let HostEmbedding { tokens, blocks: embed_blocks, positions } = host.embedding()?;
        let embed_blocks = embed_blocks.filter(|_| !facts.tied);
        // By value, so that a tied table is gone before the blocks come.
        let embed =
            Some(tokens).filter(|tokens| !facts.tied && !tokens.data.is_empty()).map(|tokens| upload.matrix(tokens));
        let pos_embed = positions.map(|positions| upload.parameter(positions));
        // Before the blocks: while it is read, the table of a large vocabulary is in memory twice.
        let head = host.head()?;
        let (ln_final, unembed) =
            (Norm::upload(head.ln_final, &facts.norm, &upload), Linear::upload(head.unembed, &upload));
        let blocks = (0..layers.min(facts.n_layers))
            .map(|layer| {
                Ok(Block::upload(upload.block(host, layer)?, &facts, LayerAttention::of(&facts, layer), &upload))
            })
            .collect::<Result<Vec<_>, WeightError>>()?;
        Ok(Self { embed, embed_blocks, pos_embed, blocks, ln_final, unembed, facts, dtype, streamed: None })
    }

    /// The same with the first layers in memory. The others are read when they are asked for; where that fails, reads of `host` must
    /// note it in `reads`, and not fail themselves.
    #[doc(hidden)]
    pub fn load_streamed(
        host: Box<dyn HostModel>,
        reads: WeightReads,
        device: &Device,
        holding: Holding,
    ) -> Result<Self, WeightError> {
        Self::load_lending(host, reads, device, holding, (LentLayers::default(), 0))
    }

    /// The same of one of several devices, that of the place `holder` among them: the layers that they hold are lent to it when they are
    /// asked for, and those that none of them holds are read.
    #[doc(hidden)]
    pub fn load_lending(
        host: Box<dyn HostModel>,
        reads: WeightReads,
        device: &Device,
        holding: Holding,
        (lent, holder): (LentLayers, usize),
    ) -> Result<Self, WeightError> {
        let model = Self::load_as(&*host, device, holding)?;
        let streamed = StreamedLayers::new(host, reads, device, holding, (lent, holder));
        Ok(Self { streamed: Some(streamed), ..model })
    }

    /// What it computes in.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Whether the fast paths of the CPU are for it: it computes in f32, on the CPU, without gradients.
    pub(crate) fn is_fast(&self) -> bool {
        kernel::is_fast(&Tensor::<1>::zeros([1], (&self.device(), self.dtype)))
    }

    /// The block of a layer, read now where it is not in memory.
    pub(crate) fn layer(&self, layer: usize) -> LayerBlock<'_> {
        match (self.blocks.get(layer), &self.streamed) {
            (Some(block), streamed) => {
                streamed.iter().for_each(|streamed| streamed.expect(self.blocks.len()));
                LayerBlock::Held(block)
            }
            (None, Some(streamed)) => LayerBlock::Read(streamed.block(layer)),
            (None, None) => unreachable!("layer {layer} of {}", self.facts.n_layers),
        }
    }

    /// Says that layers from `layer` on will be asked for, in their order.
    pub(crate) fn expect_layers(&self, layer: usize) {
        if let Some(streamed) = self.streamed.as_ref().filter(|_| layer < self.facts.n_layers) {
            streamed.expect(layer);
        }
    }

    /// What reading layers that are not in memory has come to, where there are such.
    pub fn reads(&self) -> Option<&WeightReads> {
        self.streamed.as_ref().map(StreamedLayers::reads)
    }

    /// Why a layer could not be read, where that is so: what was computed since is not numbers.
    pub(crate) fn unread(&self) -> Option<&str> {
        self.reads().and_then(WeightReads::failure)
    }

    /// Whether what the attention of a layer writes has a bias.
    pub(crate) fn attention_writes_bias(&self, layer: usize) -> bool {
        match (self.blocks.get(layer), &self.streamed) {
            (Some(block), _) => block.attention.o.bias.is_some(),
            (None, streamed) => streamed.as_ref().is_some_and(|streamed| streamed.attention_writes_bias(layer)),
        }
    }

    /// What the model looks like.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The device its weights are on.
    pub fn device(&self) -> Device {
        self.unembed.weight.val().device()
    }

    /// Logits at every position, `[batch, pos, n_vocab]`.
    pub fn forward(&self, tokens: &Tokens, hooks: &mut dyn Hooks) -> Tensor<3> {
        self.run(tokens, OutputPositions::All, hooks)
    }

    /// Logits at the last position, `[batch, n_vocab]`; the last block is computed only there.
    pub fn last_logits(&self, tokens: &Tokens) -> Tensor<2> {
        self.run(tokens, OutputPositions::Last, &mut ()).squeeze_dim(1)
    }

    /// Logits at the last position, `[batch, n_vocab]`, every block computed at every position, for hooks to see.
    pub fn forward_last(&self, tokens: &Tokens, hooks: &mut dyn Hooks) -> Tensor<2> {
        let mut resid = self.embed(tokens, hooks);
        for layer in 0..self.facts.n_layers {
            resid = self.block(layer, resid, OutputPositions::All, hooks);
        }
        self.unembed(resid.narrow(1, tokens.pos - 1, 1), hooks).squeeze_dim(1)
    }

    fn run(&self, tokens: &Tokens, rows: OutputPositions, hooks: &mut dyn Hooks) -> Tensor<3> {
        let mut resid = self.embed(tokens, hooks);
        for layer in 0..self.facts.n_layers {
            let last = layer + 1 == self.facts.n_layers;
            resid = self.block(layer, resid, if last { rows } else { OutputPositions::All }, hooks);
        }
        self.unembed(resid, hooks)
    }

    /// Residual stream before the first block, `[batch, pos, d_model]`.
    pub(crate) fn embed(&self, tokens: &Tokens, hooks: &mut dyn Hooks) -> Tensor<3> {
        self.embed_from(tokens, None, hooks)
    }

    /// The same where each prompt's tokens stand at positions from a first one on; `None` for 0 in all.
    pub(crate) fn embed_from(&self, tokens: &Tokens, firsts: Option<&[usize]>, hooks: &mut dyn Hooks) -> Tensor<3> {
        let d_model = self.facts.d_model;
        let ids = || tokens.ids.iter().map(|&id| id as usize).collect::<Vec<_>>();
        let embedded = match (&self.embed, &self.embed_blocks) {
            (Some(embed), _) => embed.val().select(0, kernel::indices(ids(), &self.device())),
            (None, Some(blocks)) => blocks.columns(&ids(), &self.device()).transpose(),
            (None, None) => self.unembed.columns(&ids()).transpose(),
        };
        let embedded = embedded.cast(self.dtype);
        let embedded = embedded.reshape([tokens.batch, tokens.pos, d_model]);
        let embedded = match self.facts.embed_factor {
            1.0 => embedded,
            factor => {
                // Rounded to the type of the weights first.
                let factor = Tensor::<1>::from_data([factor as f32], (&self.device(), embedded.dtype()));
                embedded * factor.unsqueeze()
            }
        };
        let embedded = visit_stream(hooks, Hook::Embed, embedded);
        match &self.pos_embed {
            None => embedded,
            Some(table) => {
                let positions = match firsts {
                    None => table.val().narrow(0, 0, tokens.pos).unsqueeze::<3>(),
                    Some(firsts) => {
                        let each = firsts.iter().flat_map(|&first| first..first + tokens.pos);
                        table.val().select(0, kernel::indices(each, &self.device())).reshape([
                            firsts.len(),
                            tokens.pos,
                            d_model,
                        ])
                    }
                };
                let positions = if hooks.wants(Hook::PosEmbed) {
                    visit_stream(hooks, Hook::PosEmbed, positions.expand([tokens.batch, tokens.pos, d_model]))
                } else {
                    positions
                };
                embedded + positions
            }
        }
    }

    /// Residual stream after block `layer`, `[batch, pos or 1, d_model]`, from the one before it, `[batch, pos, d_model]`.
    pub(crate) fn block(
        &self,
        layer: usize,
        resid_pre: Tensor<3>,
        rows: OutputPositions,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        self.block_after(layer, resid_pre, rows, None, BlockParts::default(), hooks)
    }

    /// As [`Transformer::block`], of positions that come after those of `past`; of what `parts` leaves.
    pub(crate) fn block_after(
        &self,
        layer: usize,
        resid_pre: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        parts: BlockParts,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        let mut hooks = BlockHooks { layer, hooks };
        self.layer(layer).forward(&self.facts, resid_pre, rows, past, parts, &mut hooks)
    }

    /// The attention of a block whose MLP follows its attention: the stream between the two, before `hook_resid_mid` is
    /// visited. [`Transformer::transform`] is the rest of the block.
    pub(crate) fn attend(
        &self,
        layer: usize,
        resid_pre: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        heads: Option<&BlockPart>,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        let mut hooks = BlockHooks { layer, hooks };
        self.layer(layer).attend(&self.facts, resid_pre, rows, past, heads, &mut hooks)
    }

    /// The MLP of a block whose MLP follows its attention: from the stream after attention to the one after the block.
    pub(crate) fn transform(
        &self,
        layer: usize,
        resid_mid: Tensor<3>,
        neurons: Option<&BlockPart>,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        let mut hooks = BlockHooks { layer, hooks };
        self.layer(layer).transform(&self.facts, resid_mid, neurons, &mut hooks)
    }

    /// Queries, keys or values of a layer before rotation, `[batch, pos, head or kv_head, d_head]`, from the stream before it.
    pub(crate) fn head_input(&self, layer: usize, resid_pre: Tensor<3>, input: HeadInput) -> Tensor<4> {
        let (block, facts) = (self.layer(layer), &self.facts);
        let normalized = block.head_norm(facts, resid_pre, &mut BlockHooks { layer, hooks: &mut () });
        let (projection, heads) = match input {
            HeadInput::Q => (&block.attention.q, facts.n_heads),
            HeadInput::K => (&block.attention.k, facts.n_kv_heads),
            HeadInput::V => (&block.attention.v, facts.n_kv_heads),
        };
        rows::split_heads(projection.forward(normalized), heads)
    }

    /// What a layer's MLP writes, `[batch, pos, d_model]`, from the stream it reads: the one after attention, or the one
    /// before the block where they stand side by side.
    pub(crate) fn mlp_out(&self, layer: usize, resid: Tensor<3>) -> Tensor<3> {
        self.layer(layer).mlp_out(&self.facts, resid, &mut BlockHooks { layer, hooks: &mut () })
    }

    /// What the unembedding reads, `[batch, pos, d_model]`, from the stream after the last block.
    pub(crate) fn final_norm(&self, resid: Tensor<3>, hooks: &mut dyn Hooks) -> Tensor<3> {
        self.ln_final.forward(&self.facts.norm, resid, NormHooks::FINAL, hooks)
    }

    /// Logits `[batch, pos, n_vocab]` from the residual stream after the last block, `[batch, pos, d_model]`.
    pub(crate) fn unembed(&self, resid: Tensor<3>, hooks: &mut dyn Hooks) -> Tensor<3> {
        self.capped(self.uncapped(resid, hooks))
    }

    /// The same before the soft cap, where the model has one.
    pub(crate) fn uncapped(&self, resid: Tensor<3>, hooks: &mut dyn Hooks) -> Tensor<3> {
        self.unembed.forward(self.final_norm(resid, hooks))
    }

    /// Logits after the soft cap, where the model has one, of those before it.
    pub(crate) fn capped(&self, logits: Tensor<3>) -> Tensor<3> {
        match self.facts.caps.logits {
            Some(cap) => kernel::soft_cap(logits, cap),
            None => logits,
        }
    }
}
