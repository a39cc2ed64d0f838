//! Sums of two tensors.

use super::array::Array;
use super::half_width::{HalfWidth, Pieces, of_bits, round_lane, widen_lane};
use super::operation::{Operation, run};
use super::vector::vectorise;
use burn::tensor::{DType, Tensor};
use std::mem::MaybeUninit;

/// a + b, of one shape.
///
/// burn adds f32 as fast as memory allows, and values of two bytes one by one.
pub fn add<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> Tensor<D> {
    if a.dims() != b.dims() || !matches!(a.dtype(), DType::BF16 | DType::F16) {
        return a + b;
    }
    run(Sum, [a.into_dispatch(), b.into_dispatch()], |[a, b]| Tensor::from_dispatch(a) + Tensor::from_dispatch(b))
}

#[derive(Debug, Clone)]
struct Sum;

vectorise! {
    fn sums(a: &[f32], b: &[f32]) -> Vec<f32> {
        a.iter().zip(b).map(|(a, b)| a + b).collect()
    }
}

vectorise! {
    // Of the bits of bf16 values.
    fn half_sums(a: &[u16], b: &[u16], out: &mut [MaybeUninit<u16>]) {
        for (out, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
            out.write(round_lane(widen_lane(*a) + widen_lane(*b)));
        }
    }
}

impl Operation<2> for Sum {
    const PIECES: Pieces<2> = Pieces::Rows([true, true]);

    fn forward(&self, [a, b]: [Array; 2]) -> (Vec<usize>, Vec<f32>) {
        (a.shape.to_vec(), sums(a.data, b.data))
    }

    fn forward_half<H: HalfWidth>(&self, inputs: [Array<H>; 2]) -> Option<(Vec<usize>, Vec<H>)> {
        of_bits(inputs, 1, |start, [a, b], out| half_sums(&a[start..][..out.len()], &b[start..][..out.len()], out))
    }

    fn backward(&self, _: [Array; 2], _: &[f32], gradient: &[f32], wanted: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        wanted.map(|wanted| wanted.then(|| gradient.to_vec()))
    }
}
