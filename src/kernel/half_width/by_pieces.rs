//! Operations on values of two bytes by those on f32: widened, computed and rounded piece by piece.

use super::format::{HalfWidth, built, rounded, widen_into, widened};
use crate::kernel::array::Array;
use crate::kernel::threads::alone;
use std::array::from_fn;

/// How the inputs of an operation may be cut into pieces that are computed apart. What it gives has the shape of the first of them,
/// and is cut as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::kernel) enum Pieces<const N: usize> {
    /// Not at all.
    Whole,
    /// Between rows, which are the last dimension's: the inputs that say so. The others are read whole by every piece.
    Rows([bool; N]),
    /// Between places of the first dimension: the inputs that say so.
    First([bool; N]),
}

/// What `forward` computes of the inputs widened, rounded: the shape and the values. It gets the index of a piece's first row, or
/// first place.
pub(in crate::kernel) fn by_pieces<H: HalfWidth, const N: usize>(
    inputs: [Array<H>; N],
    pieces: Pieces<N>,
    forward: impl Fn(usize, [Array; N]) -> (Vec<usize>, Vec<f32>) + Sync,
) -> (Vec<usize>, Vec<H>) {
    let (count, cut) = match pieces {
        Pieces::Whole => (1, [false; N]),
        Pieces::Rows(cut) => (inputs[0].data.len() / inputs[0].width().max(1), cut),
        Pieces::First(cut) => (inputs[0].shape.first().copied().unwrap_or(1), cut),
    };
    // Of one piece, and of none.
    if count < 2 {
        let wide = inputs.each_ref().map(|input| widened(input.data));
        let (shape, values) = forward(0, from_fn(|index| Array { shape: inputs[index].shape, data: &wide[index] }));
        return (shape, rounded(&values));
    }
    let whole: [Vec<f32>; N] = from_fn(|index| if cut[index] { Vec::new() } else { widened(inputs[index].data) });
    let widths = inputs.each_ref().map(|input| input.data.len() / count);
    let shape_of = |index: usize, places: usize| -> Vec<usize> {
        match pieces {
            Pieces::First(_) => std::iter::once(places).chain(inputs[index].shape[1..].iter().copied()).collect(),
            _ => vec![places, widths[index]],
        }
    };
    let values = built(inputs[0].data.len(), widths[0], |start, out| {
        let (first, places) = (start / widths[0], out.len() / widths[0]);
        let mut wide = [const { Vec::new() }; N];
        let mut shapes = [const { Vec::new() }; N];
        for index in (0..N).filter(|&index| cut[index]) {
            let part = first * widths[index]..(first + places) * widths[index];
            widen_into(&inputs[index].data[part], &mut wide[index]);
            shapes[index] = shape_of(index, places);
        }
        let piece = from_fn(|index| match cut[index] {
            true => Array { shape: &shapes[index], data: &wide[index] },
            false => Array { shape: inputs[index].shape, data: &whole[index] },
        });
        let (_, values) = alone(|| forward(first, piece));
        assert_eq!(
            values.len(),
            out.len(),
            "an operation that is computed by pieces gives the shape of its first input"
        );
        H::round(&values, out);
    });
    (inputs[0].shape.to_vec(), values)
}
