//! Rotary position embeddings.

use super::elementwise::build;
use super::half_width::Pieces;
use super::operation::{Array, Operation, run};
use burn::tensor::{DType, Tensor};
use half::{bf16, f16};
use serde::Serialize;

/// Rotary position embedding of the first `2 * inv_freq.len()` dimensions of each head.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rotary {
    /// Radians per position of each pair of dimensions, scaling applied.
    pub inv_freq: Vec<f32>,
    /// Which dimensions are pairs.
    pub pairing: Pairing,
    /// What cosines and sines are multiplied by: an attention factor of the scaling, 1 where it has none.
    pub magnitude: f32,
    /// What long prompts have in place of `inv_freq`, where that depends on a prompt's length.
    pub long: Option<LongFrequencies>,
}

/// The frequencies of long prompts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LongFrequencies {
    /// Prompts of more tokens than this have them, at every position.
    pub beyond: usize,
    /// Radians per position, as many as of short prompts.
    pub inv_freq: Vec<f32>,
}

impl Rotary {
    /// Of prompts of every length, with cosines and sines as they are.
    pub fn new(inv_freq: Vec<f32>, pairing: Pairing) -> Self {
        Self { inv_freq, pairing, magnitude: 1.0, long: None }
    }

    /// The frequencies of a prompt of `length` tokens.
    pub fn frequencies(&self, length: usize) -> &[f32] {
        match &self.long {
            Some(long) if length > long.beyond => &long.inv_freq,
            _ => &self.inv_freq,
        }
    }
}

/// Which dimensions a rotation turns into each other; r is the number of rotated dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// i and i + r/2 (Llama, NeoX).
    HalfSplit,
    /// 2i and 2i + 1 (GPT-J).
    Interleaved,
}

/// Rotates the first `2 * inv_freq.len()` dimensions of each head of `x`, `[batch, pos, head, d_head]`, whose first position
/// is `first`.
///
/// `x` ends at its prompt's last position, so that `first + pos` is the prompt's length, by which frequencies are chosen that
/// depend on it. Whatever is computed of a prompt here, its end is: a forward pass goes over whole prompts or their last
/// position, a replay over the positions from the first that changes to the last.
pub fn rotate(x: Tensor<4>, rotary: &Rotary, first: usize) -> Tensor<4> {
    let pos = x.dims()[1];
    let operation = Rotate {
        cos: in_type(table(rotary, first, pos, f32::cos), x.dtype()),
        sin: in_type(table(rotary, first, pos, f32::sin), x.dtype()),
        pairing: rotary.pairing,
    };
    run(operation, [x.into_dispatch()], |[x]| plain_rotate(Tensor::from_dispatch(x), rotary, first))
}

/// Rotates the one position of each row of `x`, `[row, 1, head, d_head]`, which is the last of as many as `positions` says, counted
/// from 0.
pub fn rotate_each(x: Tensor<4>, rotary: &Rotary, positions: &[usize]) -> Tensor<4> {
    let [rows, pos, heads, d_head] = x.dims();
    match positions {
        [first, rest @ ..] if rest.iter().all(|other| other == first) => rotate(x, rotary, *first),
        _ => {
            assert!(pos == 1 && positions.len() == rows, "rows that end at different positions are rotated one by one");
            // The tables have a line for each position of a prompt: here the rows are the lines.
            let each = |function: fn(f32) -> f32| -> Vec<f32> {
                positions.iter().flat_map(|&position| table(rotary, position, 1, function)).collect()
            };
            let (cos, sin) = (in_type(each(f32::cos), x.dtype()), in_type(each(f32::sin), x.dtype()));
            let operation = Rotate { cos, sin, pairing: rotary.pairing };
            let x = x.reshape([1, rows, heads, d_head]);
            let rotated = run(operation, [x.into_dispatch()], |[x]| {
                let x: Tensor<4> = Tensor::from_dispatch(x);
                let row = |row: usize| plain_rotate(x.clone().narrow(1, row, 1), rotary, positions[row]);
                Tensor::cat((0..rows).map(row).collect(), 1)
            });
            rotated.reshape([rows, 1, heads, d_head])
        }
    }
}

fn plain_rotate(x: Tensor<4>, rotary: &Rotary, first: usize) -> Tensor<4> {
    let [batch, pos, heads, d_head] = x.dims();
    let half = rotary.inv_freq.len();
    let table = |function| {
        let values = table(rotary, first, pos, function);
        super::from_f32(values, [1, pos, 1, half], (&x.device(), DType::F32)).cast(x.dtype())
    };
    let (cos, sin) = (table(f32::cos), table(f32::sin));
    let rotated = x.clone().narrow(3, 0, 2 * half);
    let rotated = match rotary.pairing {
        Pairing::HalfSplit => {
            let (a, b) = (rotated.clone().narrow(3, 0, half), rotated.narrow(3, half, half));
            let (a, b) = turn(a, b, cos, sin);
            Tensor::cat(vec![a, b], 3)
        }
        Pairing::Interleaved => {
            let pairs = rotated.reshape([batch, pos, heads * half, 2]);
            let a = pairs.clone().narrow(3, 0, 1).reshape([batch, pos, heads, half]);
            let b = pairs.narrow(3, 1, 1).reshape([batch, pos, heads, half]);
            let (a, b) = turn(a, b, cos, sin);
            let column = |part: Tensor<4>| part.reshape([batch, pos, heads * half, 1]);
            Tensor::cat(vec![column(a), column(b)], 3).reshape([batch, pos, heads, 2 * half])
        }
    };
    if 2 * half == d_head {
        return rotated;
    }
    Tensor::cat(vec![rotated, x.narrow(3, 2 * half, d_head - 2 * half)], 3)
}

fn turn(a: Tensor<4>, b: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    (a.clone() * cos.clone() - b.clone() * sin.clone(), b * cos + a * sin)
}

/// A function of the angle of every position and pair of dimensions, position by position, times the magnitude.
fn table(rotary: &Rotary, first: usize, pos: usize, function: fn(f32) -> f32) -> Vec<f32> {
    let frequencies = rotary.frequencies(first + pos);
    (first..first + pos)
        .flat_map(|position| frequencies.iter().map(move |frequency| function(position as f32 * frequency)))
        .map(|value| value * rotary.magnitude)
        .collect()
}

/// Values as a tensor of this type has them: transformers rounds cosines and sines to the type of the run.
fn in_type(mut values: Vec<f32>, dtype: DType) -> Vec<f32> {
    match dtype {
        DType::BF16 => values.iter_mut().for_each(|value| *value = bf16::from_f32(*value).to_f32()),
        DType::F16 => values.iter_mut().for_each(|value| *value = f16::from_f32(*value).to_f32()),
        _ => {}
    }
    values
}

#[derive(Debug, Clone)]
struct Rotate {
    /// `[pos, pairs]`
    cos: Vec<f32>,
    /// `[pos, pairs]`
    sin: Vec<f32>,
    pairing: Pairing,
}

impl Rotate {
    /// Turns every pair of dimensions of x, `[batch, pos, head, d_head]`, by its angle times `direction`, 1 or -1, and
    /// multiplies it by the magnitude, which the tables hold.
    fn turn(&self, shape: &[usize], x: &[f32], direction: f32) -> Vec<f32> {
        let &[_, pos, heads, d_head] = shape else { return x.to_vec() };
        let pairs = self.cos.len() / pos.max(1);
        build(x.len(), heads * d_head, |start, out| {
            let rows = x[start..][..out.len()].chunks_exact(d_head.max(1));
            for (index, (x, out)) in rows.zip(out.chunks_exact_mut(d_head.max(1))).enumerate() {
                let position = (start / d_head + index) / heads % pos;
                let cos = &self.cos[position * pairs..][..pairs];
                let sin = &self.sin[position * pairs..][..pairs];
                let (turned, rest) = x.split_at(2 * pairs);
                let (out, out_rest) = out.split_at_mut(2 * pairs);
                for (out, x) in out_rest.iter_mut().zip(rest) {
                    out.write(*x);
                }
                match self.pairing {
                    Pairing::HalfSplit => {
                        let (a, b) = turned.split_at(pairs);
                        let (out_a, out_b) = out.split_at_mut(pairs);
                        for i in 0..pairs {
                            let sin = direction * sin[i];
                            out_a[i].write(a[i] * cos[i] - b[i] * sin);
                            out_b[i].write(b[i] * cos[i] + a[i] * sin);
                        }
                    }
                    Pairing::Interleaved => {
                        for i in 0..pairs {
                            let (a, b, sin) = (turned[2 * i], turned[2 * i + 1], direction * sin[i]);
                            out[2 * i].write(a * cos[i] - b * sin);
                            out[2 * i + 1].write(b * cos[i] + a * sin);
                        }
                    }
                }
            }
        })
    }
}

impl Operation<1> for Rotate {
    const PIECES: Pieces<1> = Pieces::First([true]);

    fn forward(&self, [x]: [Array; 1]) -> (Vec<usize>, Vec<f32>) {
        (x.shape.to_vec(), self.turn(x.shape, x.data, 1.0))
    }

    fn backward(&self, [x]: [Array; 1], _: &[f32], gradient: &[f32], _: [bool; 1]) -> [Option<Vec<f32>>; 1] {
        [Some(self.turn(x.shape, gradient, -1.0))]
    }
}
