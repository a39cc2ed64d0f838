//! A norm with its scale and shift, and the hooks within it.

use super::block_hooks::BlockHooks;
use super::upload::Upload;
use crate::kernel::{self, NormKind};
use crate::model::hook::{Hook, Hooks, Site};
use crate::model::host::HostNorm;
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

/// Where the values of one norm stand, in the order in which they are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct NormHooks<H> {
    /// What is divided by.
    pub scale: H,
    /// Before scale and shift.
    pub standardized: H,
    /// Where TransformerLens 2 has it: before the scale of an RMS norm, after scale and shift of a layer norm.
    pub normalized: H,
    /// After scale and shift.
    pub out: H,
}

impl NormHooks<Site> {
    /// The norm before attention.
    pub const LN1: Self = Self {
        scale: Site::Ln1Scale,
        standardized: Site::Ln1Standardized,
        normalized: Site::Ln1Normalized,
        out: Site::Ln1Out,
    };

    /// The norm after attention.
    pub const LN1_POST: Self = Self {
        scale: Site::Ln1PostScale,
        standardized: Site::Ln1PostStandardized,
        normalized: Site::Ln1PostNormalized,
        out: Site::Ln1PostOut,
    };

    /// The norm after the MLP.
    pub const LN2_POST: Self = Self {
        scale: Site::Ln2PostScale,
        standardized: Site::Ln2PostStandardized,
        normalized: Site::Ln2PostNormalized,
        out: Site::Ln2PostOut,
    };

    /// The norm before the MLP.
    pub const LN2: Self = Self {
        scale: Site::Ln2Scale,
        standardized: Site::Ln2Standardized,
        normalized: Site::Ln2Normalized,
        out: Site::Ln2Out,
    };
}

impl NormHooks<Hook> {
    /// The norm before the unembedding.
    pub const FINAL: Self = Self {
        scale: Hook::LnFinalScale,
        standardized: Hook::LnFinalStandardized,
        normalized: Hook::LnFinalNormalized,
        out: Hook::LnFinalOut,
    };
}

/// A norm's scale and shift, each `[width]`.
#[derive(Module, Debug)]
pub struct Norm {
    /// Multiplied after normalising; `None` once folded.
    pub scale: Option<Param<Tensor<1>>>,
    /// Added after scaling; `None` once folded, or where the family has none.
    pub shift: Option<Param<Tensor<1>>>,
}

impl Norm {
    pub(super) fn upload(host: HostNorm, norm: &kernel::NormFunction, upload: &Upload) -> Self {
        // What multiplies in f32 is held in the type of the run all the same, less one where the model holds it so.
        let scale = host.scale.map(|scale| match norm.wide_scale {
            true => upload.rounded(scale, if host.less_one { 1.0 } else { 0.0 }),
            false => scale,
        });
        let upload = &Upload { dtype: if norm.wide_scale { DType::F32 } else { upload.dtype }, ..*upload };
        Self {
            scale: scale.map(|scale| upload.parameter(scale)),
            shift: host.shift.map(|shift| upload.parameter(shift)),
        }
    }

    /// `[batch, pos, width]` to the same, without hooks within.
    pub fn apply(&self, norm: &kernel::NormFunction, x: Tensor<3>) -> Tensor<3> {
        self.forward(norm, x, NormHooks::FINAL, &mut ())
    }

    pub(super) fn forward_in_block(
        &self,
        norm: &kernel::NormFunction,
        x: Tensor<3>,
        sites: NormHooks<Site>,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let at = |site| Hook::Block(hooks.layer, site);
        let NormHooks { scale, standardized, normalized, out } = sites;
        let places =
            NormHooks { scale: at(scale), standardized: at(standardized), normalized: at(normalized), out: at(out) };
        self.forward(norm, x, places, hooks.hooks)
    }

    /// `[batch, pos, width]` to the same.
    pub(super) fn forward(
        &self,
        norm: &kernel::NormFunction,
        x: Tensor<3>,
        NormHooks { scale, standardized, normalized, out }: NormHooks<Hook>,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        let dtype = x.dtype();
        let x = if norm.wide_scale { x.cast(DType::F32) } else { x };
        let mut y = if hooks.wants(scale) {
            let (centred, divisor) = kernel::norm_parts(x, norm);
            centred / super::visit_stream(hooks, scale, divisor)
        } else {
            kernel::normalize(x, norm)
        };
        y = super::visit_stream(hooks, standardized, y);
        if norm.kind == NormKind::Rms {
            y = super::visit_stream(hooks, normalized, y);
        }
        y = kernel::scale_and_shift(y, self.scale.as_ref().map(Param::val), self.shift.as_ref().map(Param::val));
        if norm.kind == NormKind::Layer {
            y = super::visit_stream(hooks, normalized, y);
        }
        super::visit_stream(hooks, out, y.cast(dtype))
    }
}
