//! Linear maps and the sums of columns that their gradients need.

use super::few_rows::product_of_few;
use super::half_width::{HalfFactors, HalfWidth, product as half_product};
use super::matmul::{MatrixView, product, product_with_bias};
use super::mixed::mixed_linear;
use super::operation::{Array, Operation, run};
use burn::tensor::Tensor;

/// x·w + b: `[batch, pos, d_in]` and `[d_in, d_out]` to `[batch, pos, d_out]`, as one product over `batch * pos` rows.
/// A weight of another type than `x` is widened as it is used (see [`super::mixed`]).
pub fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    if x.dtype() != weight.dtype() {
        let mixed = mixed_linear(&x, &weight, bias.as_ref());
        return mixed.unwrap_or_else(|| {
            let dtype = x.dtype();
            linear(x, weight.cast(dtype), bias)
        });
    }
    match bias {
        None => run(LinearOperation, [x.into_dispatch(), weight.into_dispatch()], |[x, weight]| {
            plain_linear(Tensor::from_dispatch(x), Tensor::from_dispatch(weight))
        }),
        Some(bias) => {
            let inputs = [x.into_dispatch(), weight.into_dispatch(), bias.into_dispatch()];
            run(BiasedLinear, inputs, |[x, weight, bias]| {
                plain_linear(Tensor::from_dispatch(x), Tensor::from_dispatch(weight))
                    + Tensor::<1>::from_dispatch(bias).unsqueeze()
            })
        }
    }
}

fn plain_linear(x: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    let [batch, pos, d_in] = x.dims();
    let [_, d_out] = weight.dims();
    x.reshape([batch * pos, d_in]).matmul(weight).reshape([batch, pos, d_out])
}

/// The two factors as matrices: (rows, d_in), (d_in, d_out).
fn factors<'a>(x: Array<'a>, weight: Array<'a>) -> (MatrixView<'a>, MatrixView<'a>) {
    let [d_in, d_out] = [weight.data.len() / weight.width().max(1), weight.width()];
    (MatrixView::dense(x.data, rows(x), x.width()), MatrixView::dense(weight.data, d_in, d_out))
}

fn rows<T>(x: Array<T>) -> usize {
    x.shape[..x.shape.len() - 1].iter().product()
}

fn output_shape<T>(x: Array<T>, weight: Array<T>) -> Vec<usize> {
    let mut shape = x.shape.to_vec();
    if let Some(width) = shape.last_mut() {
        *width = weight.width();
    }
    shape
}

/// The same of values of two bytes.
fn half_linear<H: HalfWidth>(x: Array<H>, weight: Array<H>, bias: Option<Array<H>>) -> (Vec<usize>, Vec<H>) {
    let extents = [rows(x), x.width(), weight.width()];
    let factors = HalfFactors { x: x.data, weight: weight.data, bias: bias.map(|bias| bias.data), extents };
    (output_shape(x, weight), half_product(factors))
}

/// dx = dy·wᵀ, dw = xᵀ·dy.
fn gradients(x: Array, weight: Array, gradient: &[f32], wanted: [bool; 2]) -> [Option<Vec<f32>>; 2] {
    let gradient = MatrixView::dense(gradient, rows(x), weight.width());
    let (x, weight) = factors(x, weight);
    [wanted[0].then(|| product(gradient, weight.transposed())), wanted[1].then(|| product(x.transposed(), gradient))]
}

#[derive(Debug, Clone)]
struct LinearOperation;

impl Operation<2> for LinearOperation {
    fn forward(&self, [x, weight]: [Array; 2]) -> (Vec<usize>, Vec<f32>) {
        let of_few = product_of_few(x.data, weight.data, None, weight.width());
        let (a, b) = factors(x, weight);
        (output_shape(x, weight), of_few.unwrap_or_else(|| product(a, b)))
    }

    fn forward_half<H: HalfWidth>(&self, [x, weight]: [Array<H>; 2]) -> Option<(Vec<usize>, Vec<H>)> {
        Some(half_linear(x, weight, None))
    }

    fn backward(
        &self,
        [x, weight]: [Array; 2],
        _: &[f32],
        gradient: &[f32],
        wanted: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        gradients(x, weight, gradient, wanted)
    }
}

#[derive(Debug, Clone)]
struct BiasedLinear;

impl Operation<3> for BiasedLinear {
    fn forward(&self, [x, weight, bias]: [Array; 3]) -> (Vec<usize>, Vec<f32>) {
        let of_few = product_of_few(x.data, weight.data, Some(bias.data), weight.width());
        let (a, b) = factors(x, weight);
        (output_shape(x, weight), of_few.unwrap_or_else(|| product_with_bias(a, b, bias.data)))
    }

    fn forward_half<H: HalfWidth>(&self, [x, weight, bias]: [Array<H>; 3]) -> Option<(Vec<usize>, Vec<H>)> {
        Some(half_linear(x, weight, Some(bias)))
    }

    fn backward(
        &self,
        [x, weight, bias]: [Array; 3],
        _: &[f32],
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let [to_x, to_weight] = gradients(x, weight, gradient, [wanted[0], wanted[1]]);
        [to_x, to_weight, wanted[2].then(|| column_sums(gradient, bias.data.len()))]
    }
}

/// Sum over the rows of a matrix of `width` columns.
pub(crate) fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in values.chunks_exact(width.max(1)) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}
