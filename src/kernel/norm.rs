use crate::model::facts::{Norm, NormKind};
use burn::tensor::{DType, Tensor};

/// x divided by its root mean square over the last dimension, or first centred and then so divided; computed in f32.
pub fn normalize(x: Tensor<3>, norm: &Norm) -> Tensor<3> {
    let dtype = x.dtype();
    let (centred, divisor) = parts(x, norm);
    (centred / divisor).cast(dtype)
}

/// What [`normalize`] divides, `[batch, pos, d_model]`, and what by, `[batch, pos, 1]`.
pub fn norm_parts(x: Tensor<3>, norm: &Norm) -> (Tensor<3>, Tensor<3>) {
    let dtype = x.dtype();
    let (centred, divisor) = parts(x, norm);
    (centred.cast(dtype), divisor.cast(dtype))
}

fn parts(x: Tensor<3>, norm: &Norm) -> (Tensor<3>, Tensor<3>) {
    let x = x.cast(DType::F32);
    let centred = match norm.kind {
        NormKind::Rms => x,
        NormKind::Layer => x.clone() - x.mean_dim(2),
    };
    let divisor = (centred.clone().powi_scalar(2).mean_dim(2) + norm.eps).sqrt();
    (centred, divisor)
}
