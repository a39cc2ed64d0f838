//! The MLP of one block: one for all tokens, or experts.

use super::upload::Upload;
use super::{DenseMlp, Mixture};
use crate::model::host::HostMlp;
use burn::module::Module;

/// The MLP of a block.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant, reason = "a model has one for each layer")]
pub enum Mlp {
    /// One for all tokens.
    Dense(DenseMlp),
    /// Experts, of which each token is sent to a few.
    Mixture(Mixture),
}

impl Mlp {
    pub(super) fn upload(host: HostMlp, upload: &Upload) -> Self {
        match host {
            HostMlp::Dense(dense) => Self::Dense(DenseMlp::upload(dense, upload)),
            HostMlp::Mixture(mixture) => Self::Mixture(Mixture::upload(mixture, upload)),
        }
    }

    /// The MLP that all tokens have; `None` where they have experts.
    pub fn dense(&self) -> Option<&DenseMlp> {
        match self {
            Mlp::Dense(dense) => Some(dense),
            Mlp::Mixture(_) => None,
        }
    }
}
