//! A linear map with its bias.

use super::upload::Upload;
use crate::kernel::{self, BlockMatrix};
use crate::model::host::{HostLinear, HostTensor};
use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};

/// A linear map y = x·w + b.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_in, d_out]`; of a model that is held as it is stored in another type than the model computes in, and without values
    /// where they are in blocks.
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`
    pub bias: Option<Param<Tensor<1>>>,
    /// The weight of a quantised model that is held as it is stored.
    #[module(skip)]
    blocks: Option<BlockMatrix>,
}

impl Linear {
    pub(super) fn upload(linear: HostLinear, upload: &Upload) -> Self {
        let HostLinear { weight, bias, blocks, half } = upload.narrowed(linear);
        let weight = match half {
            Some(half) => upload.as_it_is(half),
            None if blocks.is_some() => upload.matrix(HostTensor { shape: vec![0, 0], data: Vec::new() }),
            None => upload.matrix(weight),
        };
        Self { weight, bias: bias.map(|bias| upload.parameter(bias)), blocks }
    }

    /// Gives the room of its weight to `to`, where it is f32 in main memory.
    pub(super) fn dissolve(self, to: &mut dyn FnMut(Vec<f32>)) {
        let weight = self.weight.into_value();
        if weight.dtype() == DType::F32
            && kernel::is_fast(&weight)
            && let Ok(values) = weight.into_data().try_into_vec()
        {
            to(values);
        }
    }

    /// `[batch, pos, d_in]` to `[batch, pos, d_out]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.product(x, self.bias.as_ref().map(Param::val))
    }

    /// The same without the bias.
    pub(crate) fn without_bias(&self, x: Tensor<3>) -> Tensor<3> {
        self.product(x, None)
    }

    fn product(&self, x: Tensor<3>, bias: Option<Tensor<1>>) -> Tensor<3> {
        match &self.blocks {
            Some(blocks) => blocks.linear(x, bias),
            None => kernel::linear(x, self.weight.val(), bias),
        }
    }

    /// The whole weight, `[d_in, d_out]`.
    pub(crate) fn whole(&self) -> Tensor<2> {
        match &self.blocks {
            Some(blocks) => blocks.whole(&self.weight.val().device()),
            None => self.weight.val(),
        }
    }

    /// `[d_in, d_out]`
    pub(crate) fn dims(&self) -> [usize; 2] {
        match &self.blocks {
            Some(blocks) => blocks.dims(),
            None => self.weight.val().dims(),
        }
    }

    /// The weights of some outputs, `[d_in, output]`.
    pub(crate) fn columns(&self, outputs: &[usize]) -> Tensor<2> {
        let weight = self.weight.val();
        match &self.blocks {
            Some(blocks) => blocks.columns(outputs, &weight.device()),
            None => weight.clone().select(1, kernel::indices(outputs.iter().copied(), &weight.device())),
        }
    }

    /// The weights of some inputs, `[input, d_out]`.
    pub(crate) fn inputs(&self, inputs: &[usize]) -> Tensor<2> {
        let weight = self.weight.val();
        match &self.blocks {
            Some(blocks) => blocks.rows(inputs, 1, &weight.device()),
            None => weight.clone().select(0, kernel::indices(inputs.iter().copied(), &weight.device())),
        }
    }

    /// The weights of units, ascending, of `width` neighbouring inputs each, `[unit * width, d_out]`.
    pub(crate) fn rows(&self, units: &[usize], width: usize) -> Tensor<2> {
        match &self.blocks {
            Some(blocks) => blocks.rows(units, width, &self.weight.val().device()),
            None => rows_of(self.weight.val(), units, width),
        }
    }
}

/// The rows of a weight that belong to units of `unit_width` rows each.
fn rows_of(weight: Tensor<2>, units: &[usize], unit_width: usize) -> Tensor<2> {
    let [total, _] = weight.dims();
    if units.len() * unit_width == total {
        return weight;
    }
    match (units.first(), units.last()) {
        (Some(&first), Some(&last)) if last + 1 - first == units.len() => {
            weight.narrow(0, first * unit_width, units.len() * unit_width)
        }
        _ => {
            let rows = units.iter().flat_map(|&unit| unit * unit_width..(unit + 1) * unit_width);
            weight.clone().select(0, kernel::indices(rows, &weight.device()))
        }
    }
}
