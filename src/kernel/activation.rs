//! The MLP's non-linearities.

use super::elementwise::{build, build_two};
use super::half_width::{HalfWidth, Pieces, of_bits, round_lane, widen_lane};
use super::operation::{Array, Operation, run};
use super::vector::{erf_lane, exp_lane, multiply_add, vectorise};
use burn::tensor::{Tensor, activation};
use serde::Serialize;
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_PI};
use std::mem::MaybeUninit;

/// Non-linearities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivationFunction {
    /// x · sigmoid(x).
    Silu,
    /// x · Φ(x), with the error function.
    Gelu,
    /// GELU's tanh approximation (`gelu_new`, `gelu_pytorch_tanh`).
    GeluTanh,
    /// max(x, 0).
    Relu,
}

/// The non-linearity of each value, any shape.
pub fn activate<const D: usize>(x: Tensor<D>, activation: ActivationFunction) -> Tensor<D> {
    run(Activate(activation), [x.into_dispatch()], |[x]| plain_activate(Tensor::from_dispatch(x), activation))
}

/// The hidden layer of a gated MLP (paper appendix C): `activation(pre) * linear`, both of one shape.
pub fn gated<const D: usize>(pre: Tensor<D>, linear: Tensor<D>, activation: ActivationFunction) -> Tensor<D> {
    run(Gated(activation), [pre.into_dispatch(), linear.into_dispatch()], |[pre, linear]| {
        plain_activate(Tensor::<D>::from_dispatch(pre), activation) * Tensor::from_dispatch(linear)
    })
}

fn plain_activate<const D: usize>(x: Tensor<D>, activation: ActivationFunction) -> Tensor<D> {
    match activation {
        ActivationFunction::Silu => activation::silu(x),
        ActivationFunction::Gelu => activation::gelu(x),
        ActivationFunction::GeluTanh => activation::gelu_approximate(x),
        ActivationFunction::Relu => activation::relu(x),
    }
}

const SILU: u8 = 0;
const GELU: u8 = 1;
const GELU_TANH: u8 = 2;
const RELU: u8 = 3;

/// Value and derivative at `x`; the one that is not used costs nothing once inlined.
#[inline(always)]
fn lane<const KIND: u8, const FMA: bool>(x: f32) -> (f32, f32) {
    match KIND {
        SILU => times_sigmoid::<FMA>(x, x, 1.0),
        GELU => {
            let cumulative = 0.5 + 0.5 * erf_lane::<FMA>(x * FRAC_1_SQRT_2);
            let density = 0.398_942_3 * exp_lane::<FMA>(-0.5 * x * x);
            (x * cumulative, multiply_add::<FMA>(x, density, cumulative))
        }
        GELU_TANH => {
            // (1 + tanh u) / 2 = sigmoid(2u), with u = √(2/π)·(x + 0.044715·x³).
            let slope = 2.0 * FRAC_2_PI.sqrt();
            let square = x * x;
            let inner = slope * x * multiply_add::<FMA>(0.044_715, square, 1.0);
            times_sigmoid::<FMA>(x, inner, slope * multiply_add::<FMA>(3.0 * 0.044_715, square, 1.0))
        }
        _ => (if x < 0.0 { 0.0 } else { x }, if x > 0.0 { 1.0 } else { 0.0 }),
    }
}

/// x·sigmoid(u), and its derivative with u' = `slope`.
#[inline(always)]
fn times_sigmoid<const FMA: bool>(x: f32, u: f32, slope: f32) -> (f32, f32) {
    let sigmoid = 1.0 / (1.0 + exp_lane::<FMA>(-u));
    (x * sigmoid, sigmoid * multiply_add::<FMA>(x * slope, 1.0 - sigmoid, 1.0))
}

vectorise! {
    fn values[KIND: u8](x: &[f32], out: &mut [MaybeUninit<f32>]) {
        for (out, x) in out.iter_mut().zip(x) {
            out.write(lane::<KIND, FMA>(*x).0);
        }
    }
}

vectorise! {
    fn gradients[KIND: u8](x: &[f32], gradient: &[f32], out: &mut [MaybeUninit<f32>]) {
        for ((out, x), gradient) in out.iter_mut().zip(x).zip(gradient) {
            out.write(gradient * lane::<KIND, FMA>(*x).1);
        }
    }
}

vectorise! {
    fn gated_values[KIND: u8](pre: &[f32], linear: &[f32], out: &mut [MaybeUninit<f32>]) {
        for ((out, pre), linear) in out.iter_mut().zip(pre).zip(linear) {
            out.write(lane::<KIND, FMA>(*pre).0 * linear);
        }
    }
}

vectorise! {
    // Of the bits of bf16 values.
    fn half_values[KIND: u8](x: &[u16], out: &mut [MaybeUninit<u16>]) {
        for (out, x) in out.iter_mut().zip(x) {
            out.write(round_lane(lane::<KIND, FMA>(widen_lane(*x)).0));
        }
    }
}

vectorise! {
    fn half_gated_values[KIND: u8](pre: &[u16], linear: &[u16], out: &mut [MaybeUninit<u16>]) {
        for ((out, pre), linear) in out.iter_mut().zip(pre).zip(linear) {
            out.write(round_lane(lane::<KIND, FMA>(widen_lane(*pre)).0 * widen_lane(*linear)));
        }
    }
}

vectorise! {
    fn gated_gradients[KIND: u8](
        pre: &[f32],
        linear: &[f32],
        gradient: &[f32],
        to_pre: &mut [MaybeUninit<f32>],
        to_linear: &mut [MaybeUninit<f32>],
    ) {
        let outputs = to_pre.iter_mut().zip(to_linear);
        for (((to_pre, to_linear), gradient), (pre, linear)) in outputs.zip(gradient).zip(pre.iter().zip(linear)) {
            let (value, derivative) = lane::<KIND, FMA>(*pre);
            to_pre.write(gradient * linear * derivative);
            to_linear.write(gradient * value);
        }
    }
}

/// Calls a function of the kind as a constant.
macro_rules! by_kind {
    ($activation:expr, $function:ident($($argument:expr),*)) => {
        match $activation {
            ActivationFunction::Silu => $function::<SILU>($($argument),*),
            ActivationFunction::Gelu => $function::<GELU>($($argument),*),
            ActivationFunction::GeluTanh => $function::<GELU_TANH>($($argument),*),
            ActivationFunction::Relu => $function::<RELU>($($argument),*),
        }
    };
}

#[derive(Debug, Clone)]
struct Activate(ActivationFunction);

impl Operation<1> for Activate {
    const PIECES: Pieces<1> = Pieces::Rows([true]);

    fn forward(&self, [x]: [Array; 1]) -> (Vec<usize>, Vec<f32>) {
        let out = build(x.data.len(), 1, |start, out| by_kind!(self.0, values(&x.data[start..][..out.len()], out)));
        (x.shape.to_vec(), out)
    }

    fn forward_half<H: HalfWidth>(&self, inputs: [Array<H>; 1]) -> Option<(Vec<usize>, Vec<H>)> {
        of_bits(inputs, 1, |start, [x], out| by_kind!(self.0, half_values(&x[start..][..out.len()], out)))
    }

    fn backward(&self, [x]: [Array; 1], _: &[f32], gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let out = build(x.data.len(), 1, |start, out| {
            let part = start..start + out.len();
            by_kind!(self.0, gradients(&x.data[part.clone()], &gradient[part], out))
        });
        [Some(out)]
    }
}

#[derive(Debug, Clone)]
struct Gated(ActivationFunction);

impl Operation<2> for Gated {
    const PIECES: Pieces<2> = Pieces::Rows([true, true]);

    fn forward(&self, [pre, linear]: [Array; 2]) -> (Vec<usize>, Vec<f32>) {
        assert_eq!(pre.shape, linear.shape, "the two halves of a gated MLP have one shape");
        let out = build(pre.data.len(), 1, |start, out| {
            let part = start..start + out.len();
            by_kind!(self.0, gated_values(&pre.data[part.clone()], &linear.data[part], out))
        });
        (pre.shape.to_vec(), out)
    }

    fn forward_half<H: HalfWidth>(&self, inputs: [Array<H>; 2]) -> Option<(Vec<usize>, Vec<H>)> {
        assert_eq!(inputs[0].shape, inputs[1].shape, "the two halves of a gated MLP have one shape");
        of_bits(inputs, 1, |start, [pre, linear], out| {
            let part = start..start + out.len();
            by_kind!(self.0, half_gated_values(&pre[part.clone()], &linear[part], out))
        })
    }

    fn backward(&self, [pre, linear]: [Array; 2], _: &[f32], gradient: &[f32], _: [bool; 2]) -> [Option<Vec<f32>>; 2] {
        let (to_pre, to_linear) = build_two(pre.data.len(), 1, |start, to_pre, to_linear| {
            let part = start..start + to_pre.len();
            let (pre, linear, gradient) = (&pre.data[part.clone()], &linear.data[part.clone()], &gradient[part]);
            by_kind!(self.0, gated_gradients(pre, linear, gradient, to_pre, to_linear))
        });
        [Some(to_pre), Some(to_linear)]
    }
}
