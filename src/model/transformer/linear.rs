//! A linear map with its bias.

use super::upload::Upload;
use crate::kernel;
use crate::model::host::HostLinear;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// A linear map y = x·w + b.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_in, d_out]`
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    pub(super) fn upload(host: HostLinear, upload: &Upload) -> Self {
        Self { weight: upload.parameter(host.weight), bias: host.bias.map(|bias| upload.parameter(bias)) }
    }

    /// `[batch, pos, d_in]` to `[batch, pos, d_out]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        kernel::linear(x, self.weight.val(), self.bias.as_ref().map(|bias| bias.val()))
    }
}
