use crate::model::facts::{Pairing, Rotary};
use burn::tensor::{Device, Tensor, TensorData};

/// Rotates the first `2 * inv_freq.len()` dimensions of each head of `x`, `[batch, pos, head, d_head]`, whose first position
/// is `first`.
pub fn rotate(x: Tensor<4>, rotary: &Rotary, first: usize) -> Tensor<4> {
    let [batch, pos, heads, d_head] = x.dims();
    let half = rotary.inv_freq.len();
    let (cos, sin) = angles(rotary, first, pos, &x.device());
    let (cos, sin) = (cos.cast(x.dtype()), sin.cast(x.dtype()));
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

/// Cosine and sine of every angle, each `[1, pos, 1, inv_freq.len()]`.
fn angles(rotary: &Rotary, first: usize, pos: usize, device: &Device) -> (Tensor<4>, Tensor<4>) {
    let half = rotary.inv_freq.len();
    let angles: Vec<f32> = (first..first + pos)
        .flat_map(|position| rotary.inv_freq.iter().map(move |frequency| position as f32 * frequency))
        .collect();
    let table = |function: fn(f32) -> f32| {
        let values: Vec<f32> = angles.iter().map(|angle| function(*angle)).collect();
        Tensor::from_data(TensorData::new(values, [1, pos, 1, half]), device)
    };
    (table(f32::cos), table(f32::sin))
}
