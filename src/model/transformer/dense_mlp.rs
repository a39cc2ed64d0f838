//! An MLP without experts, or one expert.

use super::Linear;
use super::block_hooks::BlockHooks;
use super::part::{BlockPart, outputs};
use super::upload::Upload;
use crate::kernel;
use crate::model::facts::Facts;
use crate::model::hook::Site;
use crate::model::host::HostDense;
use burn::module::Module;
use burn::tensor::Tensor;

/// An MLP without experts, or one expert.
#[derive(Module, Debug)]
pub struct DenseMlp {
    /// `[d_model, d_mlp]`; of gated MLPs only.
    pub gate: Option<Linear>,
    /// `[d_model, d_mlp]`
    pub up: Linear,
    /// `[d_mlp, d_model]`
    pub down: Linear,
}

impl DenseMlp {
    pub(super) fn upload(HostDense { gate, up, down }: HostDense, upload: &Upload) -> Self {
        Self {
            gate: gate.map(|gate| Linear::upload(gate, upload)),
            up: Linear::upload(up, upload),
            down: Linear::upload(down, upload),
        }
    }

    /// `[batch, pos, d_model]` to the same: act(x·gate) ∘ (x·up) · down, or act(x·up) · down (paper §3.1, appendix C).
    pub(super) fn forward(&self, facts: &Facts, x: Tensor<3>, hooks: &mut BlockHooks) -> Tensor<3> {
        let post = match &self.gate {
            Some(gate) => {
                let pre = hooks.stream(Site::MlpPre, gate.forward(x.clone()));
                let linear = hooks.stream(Site::MlpPreLinear, self.up.forward(x));
                kernel::gated(pre, linear, facts.activation)
            }
            None => kernel::activate(hooks.stream(Site::MlpPre, self.up.forward(x)), facts.activation),
        };
        self.down.forward(hooks.stream(Site::MlpPost, post))
    }

    /// The same without hooks within, of some neurons.
    pub(super) fn forward_part(&self, facts: &Facts, x: Tensor<3>, part: &BlockPart) -> Tensor<3> {
        if part.units.is_empty() {
            return part.write(None, &self.down, x.dims()[0]);
        }
        let up = outputs(&self.up, x.clone(), &part.units, 1);
        let post = match &self.gate {
            Some(gate) => kernel::gated(outputs(gate, x, &part.units, 1), up, facts.activation),
            None => kernel::activate(up, facts.activation),
        };
        let batch = post.dims()[0];
        part.write(Some(post), &self.down, batch)
    }
}
