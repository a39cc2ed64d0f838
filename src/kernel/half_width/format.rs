//! The types of two bytes, and how their values become f32 and f32 becomes them.

use super::lanes::{round_lane, widen_lane};
use crate::kernel::mixed::HalfMatrix;
use crate::kernel::threads::each_piece;
use crate::kernel::vector::vectorise;
use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use std::fmt::Debug;
use std::mem::MaybeUninit;

/// Values that a thread converts at once.
const PIECE: usize = 1 << 14;

/// A type of two bytes.
pub(in crate::kernel) trait HalfWidth: Debug + Copy + Send + Sync + 'static {
    /// burn's name of it.
    const DTYPE: DType;

    /// Writes values as f32, exactly: as many as there is room for.
    fn widen(values: &[Self], out: &mut [MaybeUninit<f32>]);

    /// Writes the nearest values, the even one of two: as many as there is room for.
    fn round(values: &[f32], out: &mut [MaybeUninit<Self>]);

    /// The values of a tensor of this type that lies densely in memory.
    fn slice_of(tensor: &FlexTensor) -> Option<&[Self]>;

    /// A tensor of this type.
    fn tensor(shape: &[usize], values: Vec<Self>) -> FlexTensor;

    /// Values as a matrix's.
    fn matrix(values: &[Self]) -> HalfMatrix<'_>;

    /// The bits of values, where this type is bf16.
    fn bits_of_bf16(_: &[Self]) -> Option<&[u16]> {
        None
    }

    /// Values of bf16 as values of this type, where it is bf16.
    fn of_bf16(_: Vec<bf16>) -> Option<Vec<Self>> {
        None
    }
}

impl HalfWidth for bf16 {
    const DTYPE: DType = DType::BF16;

    fn widen(values: &[Self], out: &mut [MaybeUninit<f32>]) {
        widen_bf16(values.reinterpret_cast(), out);
    }

    fn round(values: &[f32], out: &mut [MaybeUninit<Self>]) {
        round_to_bf16(values, out);
    }

    fn slice_of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn tensor(shape: &[usize], values: Vec<Self>) -> FlexTensor {
        FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape.to_vec())), Self::DTYPE)
    }

    fn matrix(values: &[Self]) -> HalfMatrix<'_> {
        HalfMatrix::Bf16(values)
    }

    fn bits_of_bf16(values: &[Self]) -> Option<&[u16]> {
        Some(values.reinterpret_cast())
    }

    fn of_bf16(values: Vec<bf16>) -> Option<Vec<Self>> {
        Some(values)
    }
}

impl HalfWidth for f16 {
    const DTYPE: DType = DType::F16;

    fn widen(values: &[Self], out: &mut [MaybeUninit<f32>]) {
        const AT_ONCE: usize = 256;
        let mut wide = [0.0f32; AT_ONCE];
        for (values, out) in values.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
            let wide = &mut wide[..values.len()];
            // By the processor's own conversion, where it has one.
            values.convert_to_f32_slice(wide);
            out.iter_mut().zip(wide).for_each(|(out, value)| _ = out.write(*value));
        }
    }

    fn round(values: &[f32], out: &mut [MaybeUninit<Self>]) {
        const AT_ONCE: usize = 256;
        let mut rounded = [f16::ZERO; AT_ONCE];
        for (values, out) in values.chunks(AT_ONCE).zip(out.chunks_mut(AT_ONCE)) {
            let rounded = &mut rounded[..values.len()];
            rounded.convert_from_f32_slice(values);
            out.iter_mut().zip(rounded).for_each(|(out, value)| _ = out.write(*value));
        }
    }

    fn slice_of(tensor: &FlexTensor) -> Option<&[Self]> {
        tensor.as_slice()
    }

    fn tensor(shape: &[usize], values: Vec<Self>) -> FlexTensor {
        FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape.to_vec())), Self::DTYPE)
    }

    fn matrix(values: &[Self]) -> HalfMatrix<'_> {
        HalfMatrix::F16(values)
    }
}

vectorise! {
    fn widen_bf16(bits: &[u16], out: &mut [MaybeUninit<f32>]) {
        for (out, bits) in out.iter_mut().zip(bits) {
            out.write(widen_lane(*bits));
        }
    }
}

vectorise! {
    fn round_to_bf16(values: &[f32], out: &mut [MaybeUninit<bf16>]) {
        for (out, value) in out.iter_mut().zip(values) {
            out.write(bf16::from_bits(round_lane(*value)));
        }
    }
}

/// An array of `len` values that `fill` writes, which must write all of the piece it gets, and gets the index of its first; pieces
/// of about [`PIECE`] values, of whole rows of `width`.
pub(in crate::kernel) fn built<T: Send>(
    len: usize,
    width: usize,
    fill: impl Fn(usize, &mut [MaybeUninit<T>]) + Sync,
) -> Vec<T> {
    let mut values = Vec::with_capacity(len);
    let size = PIECE.div_ceil(width.max(1)) * width.max(1);
    each_piece(&mut values.spare_capacity_mut()[..len], size, |piece, out| fill(piece * size, out));
    // SAFETY: the capacity is at least `len`, and `fill` wrote each of the first `len` values: they were all in a piece.
    unsafe { values.set_len(len) };
    values
}

/// Values as f32.
pub(in crate::kernel) fn widened<H: HalfWidth>(values: &[H]) -> Vec<f32> {
    built(values.len(), 1, |start, out| H::widen(&values[start..][..out.len()], out))
}

/// Values of f32, rounded.
pub(in crate::kernel) fn rounded<H: HalfWidth>(values: &[f32]) -> Vec<H> {
    built(values.len(), 1, |start, out| H::round(&values[start..][..out.len()], out))
}

/// Values as f32, in the place of what `out` had.
pub(in crate::kernel) fn widen_into<H: HalfWidth>(values: &[H], out: &mut Vec<f32>) {
    out.clear();
    out.reserve(values.len());
    H::widen(values, &mut out.spare_capacity_mut()[..values.len()]);
    // SAFETY: the capacity is as large, and `widen` writes as many values as there is room for.
    unsafe { out.set_len(values.len()) };
}
