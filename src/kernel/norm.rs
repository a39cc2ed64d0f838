//! Norms over the width of the residual stream.

use super::elementwise::build;
use super::half_width::{HalfWidth, Pieces, of_bits, round_lane, widen_lane};
use super::linear::column_sums;
use super::operation::{Array, Operation, at_least_f32, run};
use super::vector::{dot, multiply_add, sum, vectorise};
use burn::tensor::Tensor;
use serde::Serialize;
use std::mem::MaybeUninit;

/// A norm over `d_model`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NormFunction {
    /// Which one.
    pub kind: NormKind,
    /// Added to the variance.
    pub eps: f64,
    /// Whether the scale multiplies in f32, before the result is rounded to the type of the run.
    pub wide_scale: bool,
}

/// Kinds of norm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormKind {
    /// Divide by the root mean square.
    Rms,
    /// Subtract the mean, then divide by the standard deviation.
    Layer,
}

/// x divided by its root mean square over the last dimension, or first centred and then so divided; computed in
/// f32 at least.
pub fn normalize(x: Tensor<3>, norm: &NormFunction) -> Tensor<3> {
    let operation = Normalize { centred: norm.kind == NormKind::Layer, eps: norm.eps as f32 };
    run(operation, [x.into_dispatch()], |[x]| {
        let x = Tensor::from_dispatch(x);
        let dtype = x.dtype();
        let (centred, divisor) = parts(x, norm);
        (centred / divisor).cast(dtype)
    })
}

/// What [`normalize`] divides, `[batch, pos, d_model]`, and what by, `[batch, pos, 1]`.
pub fn norm_parts(x: Tensor<3>, norm: &NormFunction) -> (Tensor<3>, Tensor<3>) {
    let dtype = x.dtype();
    let (centred, divisor) = parts(x, norm);
    (centred.cast(dtype), divisor.cast(dtype))
}

fn parts(x: Tensor<3>, norm: &NormFunction) -> (Tensor<3>, Tensor<3>) {
    let dtype = at_least_f32(x.dtype());
    let x = x.cast(dtype);
    let centred = match norm.kind {
        NormKind::Rms => x,
        NormKind::Layer => x.clone() - x.mean_dim(2),
    };
    let divisor = (centred.clone().powi_scalar(2).mean_dim(2) + norm.eps).sqrt();
    (centred, divisor)
}

/// x·scale + shift over the last dimension, `[batch, pos, d_model]` with `[d_model]` each.
pub fn scale_and_shift(x: Tensor<3>, scale: Option<Tensor<1>>, shift: Option<Tensor<1>>) -> Tensor<3> {
    let x = match scale {
        None => x,
        Some(scale) => run(ScaleOperation, [x.into_dispatch(), scale.into_dispatch()], |[x, scale]| {
            Tensor::from_dispatch(x) * Tensor::<1>::from_dispatch(scale).unsqueeze()
        }),
    };
    match shift {
        None => x,
        Some(shift) => run(Shift, [x.into_dispatch(), shift.into_dispatch()], |[x, shift]| {
            Tensor::from_dispatch(x) + Tensor::<1>::from_dispatch(shift).unsqueeze()
        }),
    }
}

#[derive(Debug, Clone)]
struct Normalize {
    centred: bool,
    eps: f32,
}

/// Mean (0 unless centred) and the reciprocal of √(mean square + eps) of one row.
#[inline(always)]
fn moments<const FMA: bool>(row: &[f32], centred: bool, eps: f32) -> (f32, f32) {
    let n = row.len() as f32;
    if !centred {
        return (0.0, 1.0 / (dot::<FMA>(row, row) / n + eps).sqrt());
    }
    let mean = sum(row, |x| x) / n;
    (mean, 1.0 / (sum(row, |x| (x - mean) * (x - mean)) / n + eps).sqrt())
}

vectorise! {
    fn normalize_rows(x: &[f32], width: usize, centred: bool, eps: f32, out: &mut [MaybeUninit<f32>]) {
        for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            let (mean, factor) = moments::<FMA>(row, centred, eps);
            for (out, x) in out.iter_mut().zip(row) {
                out.write((x - mean) * factor);
            }
        }
    }
}

vectorise! {
    // Of the bits of bf16 values; `wide` is room for a row.
    fn normalize_half_rows(x: &[u16], wide: &mut [f32], centred: bool, eps: f32, out: &mut [MaybeUninit<u16>]) {
        let width = wide.len();
        for (row, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            wide.iter_mut().zip(row).for_each(|(wide, x)| *wide = widen_lane(*x));
            let (mean, factor) = moments::<FMA>(wide, centred, eps);
            for (out, x) in out.iter_mut().zip(wide.iter()) {
                out.write(round_lane((x - mean) * factor));
            }
        }
    }
}

vectorise! {
    fn scale_half_rows(x: &[u16], scale: &[u16], out: &mut [MaybeUninit<u16>]) {
        for (x, out) in x.chunks_exact(scale.len()).zip(out.chunks_exact_mut(scale.len())) {
            for ((out, x), scale) in out.iter_mut().zip(x).zip(scale) {
                out.write(round_lane(widen_lane(*x) * widen_lane(*scale)));
            }
        }
    }
}

vectorise! {
    // With y = (x - m)·f: dx = f·(dy - mean(dy) - y·mean(dy·y)), without the first mean if nothing was centred.
    fn normalize_gradients(
        x: &[f32],
        y: &[f32],
        gradient: &[f32],
        width: usize,
        centred: bool,
        eps: f32,
        out: &mut [MaybeUninit<f32>],
    ) {
        let rows = x.chunks_exact(width).zip(y.chunks_exact(width)).zip(gradient.chunks_exact(width));
        for (((x, y), gradient), out) in rows.zip(out.chunks_exact_mut(width)) {
            let (_, factor) = moments::<FMA>(x, centred, eps);
            let mean = if centred { sum(gradient, |x| x) / width as f32 } else { 0.0 };
            let along = dot::<FMA>(gradient, y) / width as f32;
            for ((out, y), gradient) in out.iter_mut().zip(y).zip(gradient) {
                out.write(factor * multiply_add::<FMA>(-along, *y, gradient - mean));
            }
        }
    }
}

impl Operation<1> for Normalize {
    const READS_OUTPUT: bool = true;
    const PIECES: Pieces<1> = Pieces::Rows([true]);

    fn forward(&self, [x]: [Array; 1]) -> (Vec<usize>, Vec<f32>) {
        let width = x.width();
        let out = build(x.data.len(), width, |start, out| {
            normalize_rows(&x.data[start..][..out.len()], width.max(1), self.centred, self.eps, out)
        });
        (x.shape.to_vec(), out)
    }

    fn forward_half<H: HalfWidth>(&self, inputs: [Array<H>; 1]) -> Option<(Vec<usize>, Vec<H>)> {
        let width = inputs[0].width().max(1);
        of_bits(inputs, width, |start, [x], out| {
            let mut wide = vec![0.0; width];
            normalize_half_rows(&x[start..][..out.len()], &mut wide, self.centred, self.eps, out)
        })
    }

    fn backward(&self, [x]: [Array; 1], output: &[f32], gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        let width = x.width();
        let out = build(x.data.len(), width, |start, out| {
            let part = start..start + out.len();
            let (x, y, gradient) = (&x.data[part.clone()], &output[part.clone()], &gradient[part]);
            normalize_gradients(x, y, gradient, width.max(1), self.centred, self.eps, out)
        });
        [Some(out)]
    }
}

#[derive(Debug, Clone)]
struct ScaleOperation;

/// `combine(x, row)` for each value of each row of x.
fn by_row(x: Array, row: &[f32], combine: impl Fn(f32, f32) -> f32 + Sync) -> Vec<f32> {
    let width = x.width();
    assert_eq!(width, row.len(), "a scale or shift has one value per feature");
    build(x.data.len(), width, |start, out| {
        let rows = x.data[start..][..out.len()].chunks_exact(width.max(1));
        for (out, x) in out.chunks_exact_mut(width.max(1)).zip(rows) {
            for ((out, x), factor) in out.iter_mut().zip(x).zip(row) {
                out.write(combine(*x, *factor));
            }
        }
    })
}

impl Operation<2> for ScaleOperation {
    const PIECES: Pieces<2> = Pieces::Rows([true, false]);

    fn forward(&self, [x, scale]: [Array; 2]) -> (Vec<usize>, Vec<f32>) {
        (x.shape.to_vec(), by_row(x, scale.data, |x, scale| x * scale))
    }

    fn forward_half<H: HalfWidth>(&self, [x, scale]: [Array<H>; 2]) -> Option<(Vec<usize>, Vec<H>)> {
        let width = x.width();
        assert_eq!(width, scale.data.len(), "a scale has one value per feature");
        of_bits([x, scale], width, |start, [x, scale], out| {
            if width > 0 {
                scale_half_rows(&x[start..][..out.len()], scale, out)
            }
        })
    }

    fn backward(
        &self,
        [x, scale]: [Array; 2],
        _: &[f32],
        gradient: &[f32],
        wanted: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        let gradient = Array { shape: x.shape, data: gradient };
        let to_scale = wanted[1].then(|| {
            let mut sums = vec![0.0; scale.data.len()];
            let width = scale.data.len().max(1);
            for (x, gradient) in x.data.chunks_exact(width).zip(gradient.data.chunks_exact(width)) {
                for ((sum, x), gradient) in sums.iter_mut().zip(x).zip(gradient) {
                    *sum += x * gradient;
                }
            }
            sums
        });
        [wanted[0].then(|| by_row(gradient, scale.data, |gradient, scale| gradient * scale)), to_scale]
    }
}

#[derive(Debug, Clone)]
struct Shift;

impl Operation<2> for Shift {
    const PIECES: Pieces<2> = Pieces::Rows([true, false]);

    fn forward(&self, [x, shift]: [Array; 2]) -> (Vec<usize>, Vec<f32>) {
        (x.shape.to_vec(), by_row(x, shift.data, |x, shift| x + shift))
    }

    fn backward(
        &self,
        [_, shift]: [Array; 2],
        _: &[f32],
        gradient: &[f32],
        wanted: [bool; 2],
    ) -> [Option<Vec<f32>>; 2] {
        [wanted[0].then(|| gradient.to_vec()), wanted[1].then(|| column_sums(gradient, shift.data.len()))]
    }
}
