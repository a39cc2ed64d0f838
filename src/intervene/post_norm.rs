//! Norms after attention and MLP (Gemma 2 and 3, OLMo 2 and 3): what edits before them change of what is written to the stream.
//!
//! What such a block writes is not the sum of its heads or neurons: each one's share is divided by the size of all together.

use super::base::CleanRun;
use super::tensors::gather_last;
use crate::kernel::{self, NormKind};
use crate::model::hook::{Hook, Site};
use crate::model::transformer::{Norm, Transformer};
use crate::spec::NormScale;
use burn::module::Param;
use burn::tensor::{DType, Tensor};

/// What one norm after attention or MLP reads in some prompts of a base run.
pub(super) struct PostNorm<'t> {
    norm: Norm,
    transformer: &'t Transformer,
    /// `[row, pos, d_model]`
    projected: Tensor<3>,
}

impl<'t> PostNorm<'t> {
    /// The norm that reads what stands at `hook`, one of [`before_norm`]'s.
    pub fn new(transformer: &'t Transformer, hook: Hook, projected: Tensor<3>) -> Option<Self> {
        let norm = match hook {
            Hook::Block(layer, Site::AttnProjected) => transformer.layer(layer).ln1_post.clone(),
            Hook::Block(layer, Site::MlpProjected) => transformer.layer(layer).ln2_post.clone(),
            _ => None,
        };
        Some(Self { norm: norm?, transformer, projected })
    }

    /// The same of the last `slots` positions of prompts of a base run, which must hold what stands there.
    pub fn of(
        transformer: &'t Transformer,
        base: &CleanRun,
        hook: Hook,
        prompts: &[usize],
        slots: usize,
    ) -> Option<Self> {
        Self::new(transformer, hook, gather_last(base.projected.get(&hook)?, prompts, slots))
    }

    /// What is written to the stream when `change` is added to what the norm reads.
    pub fn written(&self, change: Tensor<3>) -> Tensor<3> {
        self.norm.apply(&self.transformer.facts().norm, self.projected.clone() + change)
    }

    /// How what is written changes when `change` is added to what the norm reads, by a convention: with the scale that it has
    /// without the change, or with the one that it has then.
    pub fn change(&self, change: Tensor<3>, scale: NormScale) -> Tensor<3> {
        let norm = &self.transformer.facts().norm;
        match scale {
            NormScale::Recomputed => self.written(change) - self.norm.apply(norm, self.projected.clone()),
            NormScale::Frozen => {
                let (_, divisor) = kernel::norm_parts(self.projected.clone(), norm);
                let centred = match norm.kind {
                    NormKind::Rms => change,
                    NormKind::Layer => change.clone() - change.mean_dim(2),
                };
                kernel::scale_and_shift(centred / divisor, self.norm.scale.as_ref().map(Param::val), None)
            }
        }
    }
}

impl PostNorm<'_> {
    /// What a direction of the stream reads before the norm, of the first position of each row, with the scale held: `[row, d_model]`.
    pub fn frozen_direction(&self, direction: Tensor<2>) -> Tensor<2> {
        let norm = &self.transformer.facts().norm;
        let (_, divisor) = kernel::norm_parts(self.projected.clone().narrow(1, 0, 1), norm);
        let scaled = match &self.norm.scale {
            Some(scale) => direction * scale.val().cast(DType::F32).unsqueeze(),
            None => direction,
        };
        let read = scaled / divisor.squeeze_dim(1);
        match norm.kind {
            NormKind::Rms => read,
            NormKind::Layer => read.clone() - read.mean_dim(1),
        }
    }
}

/// The stream that what goes through the norm at `hook` is added to, `[prompt, pos, d_model]`.
pub(super) fn stream(base: &CleanRun, hook: Hook) -> Option<&Tensor<3>> {
    match hook {
        Hook::Block(layer, Site::AttnProjected) => base.resid_pre.get(layer),
        Hook::Block(layer, Site::MlpProjected) => base.resid_mid.get(layer),
        _ => None,
    }
}
