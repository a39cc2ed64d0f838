//! One block: attention and MLP, and how they are joined to the residual stream.

use super::attention::{Attention, LayerAttention};
use super::block_hooks::BlockHooks;
use super::norm::NormHooks;
use super::part::{BlockPart, BlockParts};
use super::rows::{OutputPositions, keep};
use super::upload::Upload;
use super::{Linear, Mlp, Norm};
use crate::kernel::{self, Past};
use crate::model::facts::{Facts, Residual};
use crate::model::hook::Site;
use crate::model::host::{HostBlock, HostNorm};
use burn::module::Module;
use burn::tensor::Tensor;

/// One transformer block.
#[derive(Module, Debug)]
pub struct Block {
    /// Norm before attention; `None` where it reads the stream itself.
    pub ln1: Option<Norm>,
    /// Norm after attention, of what it writes.
    pub ln1_post: Option<Norm>,
    /// Norm before the MLP; `None` where it reads the stream itself, or both read `ln1`.
    pub ln2: Option<Norm>,
    /// Norm after the MLP, of what it writes.
    pub ln2_post: Option<Norm>,
    /// Queries, keys, values and the output projection.
    pub attention: Attention,
    /// The MLP.
    pub mlp: Mlp,
}

impl Block {
    pub(super) fn upload(host: HostBlock, facts: &Facts, of_layer: LayerAttention, upload: &Upload) -> Self {
        let norm = |host: Option<HostNorm>| host.map(|host| Norm::upload(host, &facts.norm, upload));
        Self {
            ln1: norm(host.ln1),
            ln1_post: norm(host.ln1_post),
            ln2: norm(host.ln2),
            ln2_post: norm(host.ln2_post),
            attention: Attention {
                q: Linear::upload(host.q, upload),
                k: Linear::upload(host.k, upload),
                v: Linear::upload(host.v, upload),
                o: Linear::upload(host.o, upload),
                q_norm: norm(host.q_norm),
                k_norm: norm(host.k_norm),
                of_layer,
            },
            mlp: Mlp::upload(host.mlp, upload),
        }
    }

    /// Gives the room of its matrices to `to`, where they are f32 in main memory.
    pub(super) fn dissolve(self, to: &mut dyn FnMut(Vec<f32>)) {
        let Attention { q, k, v, o, .. } = self.attention;
        let parts = match self.mlp {
            Mlp::Dense(dense) => vec![dense],
            Mlp::Mixture(mixture) => mixture.experts,
        };
        let mlp = parts.into_iter().flat_map(|part| part.gate.into_iter().chain([part.up, part.down]));
        [q, k, v, o].into_iter().chain(mlp).for_each(|linear| linear.dissolve(to));
    }

    /// Residual stream after the block from the one before it, `[batch, pos, d_model]`.
    pub(super) fn forward(
        &self,
        facts: &Facts,
        resid_pre: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        parts: BlockParts,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        if facts.residual == Residual::Sequential {
            let resid_mid = self.attend(facts, resid_pre, rows, past, parts.heads, hooks);
            return self.transform(facts, resid_mid, parts.neurons, hooks);
        }
        let resid_pre = hooks.stream(Site::ResidPre, resid_pre);
        let normalized = self.head_norm(facts, resid_pre.clone(), hooks);
        let attn_out = self.attn_out(facts, normalized.clone(), rows, past, parts.heads, hooks);
        let resid_pre = keep(resid_pre, rows);
        let mlp_in = match facts.residual {
            Residual::ParallelSharedNorm => keep(normalized, rows),
            _ => self.mlp_input(facts, resid_pre.clone(), hooks),
        };
        let written = self.mlp(facts, mlp_in, parts.neurons, hooks);
        let resid_post = kernel::add(kernel::add(resid_pre, attn_out), written);
        hooks.stream(Site::ResidPost, resid_post)
    }

    /// First half of a sequential block: the stream after attention, before `hook_resid_mid` is visited.
    pub(super) fn attend(
        &self,
        facts: &Facts,
        resid_pre: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        part: Option<&BlockPart>,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let resid_pre = hooks.stream(Site::ResidPre, resid_pre);
        let normalized = self.head_norm(facts, resid_pre.clone(), hooks);
        let attn_out = self.attn_out(facts, normalized, rows, past, part, hooks);
        kernel::add(keep(resid_pre, rows), attn_out)
    }

    /// Second half of a sequential block: the MLP.
    pub(super) fn transform(
        &self,
        facts: &Facts,
        resid_mid: Tensor<3>,
        part: Option<&BlockPart>,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let resid_mid = hooks.stream(Site::ResidMid, resid_mid);
        let mlp_in = self.mlp_input(facts, resid_mid.clone(), hooks);
        let resid_post = kernel::add(resid_mid, self.mlp(facts, mlp_in, part, hooks));
        hooks.stream(Site::ResidPost, resid_post)
    }

    /// What attention writes, from the normalised stream.
    fn attn_out(
        &self,
        facts: &Facts,
        x: Tensor<3>,
        rows: OutputPositions,
        past: Option<&Past>,
        part: Option<&BlockPart>,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let attn_out = match part {
            Some(part) => self.attention.forward_part(facts, x, rows, past, part),
            None => self.attention.forward(facts, x, rows, past, hooks),
        };
        let attn_out = match &self.ln1_post {
            Some(norm) => {
                let attn_out = hooks.stream(Site::AttnProjected, attn_out);
                norm.forward_in_block(&facts.norm, attn_out, NormHooks::LN1_POST, hooks)
            }
            None => attn_out,
        };
        hooks.stream(Site::AttnOut, attn_out)
    }

    /// What the MLP writes, from the stream it reads.
    pub(super) fn mlp_out(&self, facts: &Facts, resid: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        let mlp_in = match facts.residual {
            Residual::ParallelSharedNorm => self.head_norm(facts, resid, hooks),
            _ => self.mlp_input(facts, resid, hooks),
        };
        self.mlp(facts, mlp_in, None, hooks)
    }

    /// What queries, keys and values are projected from.
    pub(super) fn head_norm(&self, facts: &Facts, resid_pre: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        match &self.ln1 {
            Some(ln1) => ln1.forward_in_block(&facts.norm, resid_pre, NormHooks::LN1, hooks),
            None => resid_pre,
        }
    }

    fn mlp_input(&self, facts: &Facts, resid: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        match &self.ln2 {
            Some(ln2) => ln2.forward_in_block(&facts.norm, resid, NormHooks::LN2, hooks),
            None => resid,
        }
    }

    /// `[batch, pos, d_model]` to the same.
    fn mlp(&self, facts: &Facts, x: Tensor<3>, part: Option<&BlockPart>, hooks: &mut BlockHooks) -> Tensor<3> {
        let projected = match (&self.mlp, part) {
            (Mlp::Dense(dense), Some(part)) => dense.forward_part(facts, x, part),
            (Mlp::Dense(dense), None) => dense.forward(facts, x, hooks),
            (Mlp::Mixture(mixture), _) => mixture.forward(facts, x, hooks),
        };
        self.mlp_written(facts, projected, hooks)
    }

    /// What the MLP adds to the stream, of what its output weights give.
    fn mlp_written(&self, facts: &Facts, projected: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        let mlp_out = match &self.ln2_post {
            Some(norm) => {
                let projected = hooks.stream(Site::MlpProjected, projected);
                norm.forward_in_block(&facts.norm, projected, NormHooks::LN2_POST, hooks)
            }
            None => projected,
        };
        hooks.stream(Site::MlpOut, mlp_out)
    }
}
