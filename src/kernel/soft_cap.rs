//! The soft cap of scores and logits (Bello et al. 2017; Gemma 2): c·tanh(x/c).

use super::elementwise::build;
use super::half_width::Pieces;
use super::operation::{Array, Operation, run};
use super::vector::{tanh_lane, vectorise};
use burn::tensor::Tensor;
use std::mem::MaybeUninit;

/// cap·tanh(x/cap) of each value, any shape.
pub fn soft_cap<const D: usize>(x: Tensor<D>, cap: f64) -> Tensor<D> {
    run(SoftCap(cap as f32), [x.into_dispatch()], |[x]| (Tensor::from_dispatch(x) / cap).tanh() * cap)
}

/// cap·tanh(x/cap).
#[inline(always)]
pub(super) fn soft_cap_lane<const FMA: bool>(x: f32, cap: f32) -> f32 {
    cap * tanh_lane::<FMA>(x / cap)
}

vectorise! {
    fn capped_values(x: &[f32], cap: f32, out: &mut [MaybeUninit<f32>]) {
        for (out, x) in out.iter_mut().zip(x) {
            out.write(soft_cap_lane::<FMA>(*x, cap));
        }
    }
}

#[derive(Debug, Clone)]
struct SoftCap(f32);

impl Operation<1> for SoftCap {
    const READS_OUTPUT: bool = true;
    const PIECES: Pieces<1> = Pieces::Rows([true]);

    fn forward(&self, [x]: [Array; 1]) -> (Vec<usize>, Vec<f32>) {
        let out = build(x.data.len(), 1, |start, out| capped_values(&x.data[start..][..out.len()], self.0, out));
        (x.shape.to_vec(), out)
    }

    fn backward(&self, _: [Array; 1], output: &[f32], gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let slope = |(gradient, capped): (&f32, &f32)| gradient * (1.0 - (capped / self.0) * (capped / self.0));
        [Some(gradient.iter().zip(output).map(slope).collect())]
    }
}
