//! Operations on the bits of bf16 values, which need no room for widened ones.

use super::format::{HalfWidth, built};
use crate::kernel::array::Array;
use half::vec::HalfBitsVecExt;
use std::mem::MaybeUninit;

/// What `fill` makes of the bits of inputs, where they are bf16: an array of the first one's shape. `fill` gets the index of the first
/// value of a piece of whole rows of `width` values, all inputs, and room for the piece, all of which it must write.
pub(in crate::kernel) fn of_bits<H: HalfWidth, const N: usize>(
    inputs: [Array<H>; N],
    width: usize,
    fill: impl Fn(usize, [&[u16]; N], &mut [MaybeUninit<u16>]) + Sync,
) -> Option<(Vec<usize>, Vec<H>)> {
    let mut bits: [&[u16]; N] = [&[]; N];
    for (bits, input) in bits.iter_mut().zip(inputs) {
        *bits = H::bits_of_bf16(input.data)?;
    }
    let values = built(inputs[0].data.len(), width, |start, out| fill(start, bits, out));
    Some((inputs[0].shape.to_vec(), H::of_bf16(values.reinterpret_into())?))
}
