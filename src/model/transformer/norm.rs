use super::{BlockHooks, Upload};
use crate::kernel;
use crate::model::facts::{self, NormKind};
use crate::model::hook::{Hook, Hooks, Site};
use crate::model::host::HostNorm;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// A norm's scale and shift, each `[d_model]`.
#[derive(Module, Debug)]
pub struct Norm {
    /// Multiplied after normalising; `None` once folded.
    pub scale: Option<Param<Tensor<1>>>,
    /// Added after scaling; `None` once folded, or where the family has none.
    pub shift: Option<Param<Tensor<1>>>,
}

impl Norm {
    pub(super) fn upload(host: HostNorm, upload: &Upload) -> Self {
        Self {
            scale: host.scale.map(|scale| upload.parameter(scale)),
            shift: host.shift.map(|shift| upload.parameter(shift)),
        }
    }

    pub(super) fn forward_in_block(
        &self,
        norm: &facts::Norm,
        x: Tensor<3>,
        scale: Site,
        normalized: Site,
        hooks: &mut BlockHooks,
    ) -> Tensor<3> {
        let layer = hooks.layer;
        self.forward(norm, x, Hook::Block(layer, scale), Hook::Block(layer, normalized), hooks.hooks)
    }

    /// `[batch, pos, d_model]` to the same. The hooks stand where TransformerLens has them: `normalized` before the scale
    /// of an RMS norm, after scale and shift of a layer norm.
    pub(super) fn forward(
        &self,
        norm: &facts::Norm,
        x: Tensor<3>,
        scale: Hook,
        normalized: Hook,
        hooks: &mut dyn Hooks,
    ) -> Tensor<3> {
        let mut y = if hooks.wants(scale) {
            let (centred, divisor) = kernel::norm_parts(x, norm);
            centred / super::visit_stream(hooks, scale, divisor)
        } else {
            kernel::normalize(x, norm)
        };
        if norm.kind == NormKind::Rms {
            y = super::visit_stream(hooks, normalized, y);
        }
        y = kernel::scale_and_shift(y, self.scale.as_ref().map(Param::val), self.shift.as_ref().map(Param::val));
        if norm.kind == NormKind::Layer {
            y = super::visit_stream(hooks, normalized, y);
        }
        y
    }
}
