//! Products by tiles: a block of the product is computed by one thread from weights that are put into panels, which stay in the
//! processor's cache, and rows of x that are put beside each other.
//!
//! By AVX-512, and of bf16 by its products of bf16: other processors have none. Products of f32 weights are not made here, since `gemm` is
//! a little faster there: what it does not know is to put a weight of two bytes into panels of f32 at once.

#[cfg(target_arch = "x86_64")]
mod bf16;
#[cfg(target_arch = "x86_64")]
mod block;
#[cfg(target_arch = "x86_64")]
mod f32;
#[cfg(target_arch = "x86_64")]
mod instructions;
#[cfg(target_arch = "x86_64")]
mod line;
#[cfg(target_arch = "x86_64")]
mod product;
#[cfg(target_arch = "x86_64")]
mod rows;
#[cfg(target_arch = "x86_64")]
mod sums;

#[cfg(target_arch = "x86_64")]
mod of_types {
    use super::bf16::DotProducts;
    use super::f32::MultiplyAdds;
    use super::product::{Factors, product};
    use half::bf16;
    use std::ops::Range;

    pub use super::f32::Wide;

    /// Rows from which on putting weights into panels pays.
    const LEAST_ROWS: usize = 12;

    /// Columns from which on `gemm` cuts sums as tiles do, whatever the number of rows.
    const LEAST_COLUMNS: usize = 65;

    /// The same for the depth.
    const LEAST_DEPTH: usize = 3;

    /// x·w + b of bits of bf16 values by the processor's products of them, where it has them.
    pub fn of_bf16(x: &[u16], weight: &[u16], bias: Option<&[f32]>, extents: [usize; 3]) -> Option<Vec<bf16>> {
        let (tiles, [_, depth, columns]) = (DotProducts::found()?, extents);
        let pack = |part, of_columns, panels: &mut [_]| tiles.pack(weight, columns, part, of_columns, panels);
        Some(product(tiles, Factors { x, pack, bias, extents, depth: tiles.depth(depth) }))
    }

    /// x·w + b in f32 of a weight that is widened, to the bit as `gemm` computes it of the widened one; none where that is to be taken.
    pub fn of_f32<T: Wide>(x: &[f32], weight: &[T], bias: Option<&[f32]>, extents: [usize; 3]) -> Option<Vec<f32>> {
        let (tiles, [_, _, columns]) = (for_f32(extents)?, extents);
        let pack = |part, of_columns, panels: &mut [_]| tiles.pack(weight, columns, part, of_columns, panels);
        Some(product(tiles, Factors { x, pack, bias, extents, depth: tiles.depth() }))
    }

    /// The same of a weight of which `widen` writes places of some columns, those of each column together; the places begin and end at
    /// multiples of `whole`.
    pub fn of_columns(
        x: &[f32],
        whole: usize,
        widen: impl Fn(Range<usize>, Range<usize>, &mut [f32]) + Sync,
        bias: Option<&[f32]>,
        extents: [usize; 3],
    ) -> Option<Vec<f32>> {
        let (tiles, [_, depth, _]) = (for_f32(extents)?, extents);
        // The last part ends where the depth does.
        if depth > tiles.depth() && !tiles.depth().is_multiple_of(whole) {
            return None;
        }
        let pack = |part: Range<usize>, columns: Range<usize>, panels: &mut [_]| {
            tiles.pack_columns(|columns, values| widen(part.clone(), columns, values), part.len(), columns, panels)
        };
        Some(product(tiles, Factors { x, pack, bias, extents, depth: tiles.depth() }))
    }

    fn for_f32([rows, depth, columns]: [usize; 3]) -> Option<MultiplyAdds> {
        if rows < LEAST_ROWS || depth < LEAST_DEPTH || columns < LEAST_COLUMNS {
            return None;
        }
        MultiplyAdds::found(depth)
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod of_types {
    use half::bf16;
    use std::ops::Range;

    pub fn of_bf16(_: &[u16], _: &[u16], _: Option<&[f32]>, _: [usize; 3]) -> Option<Vec<bf16>> {
        None
    }

    pub fn of_f32<T>(_: &[f32], _: &[T], _: Option<&[f32]>, _: [usize; 3]) -> Option<Vec<f32>> {
        None
    }

    pub fn of_columns(
        _: &[f32],
        _: usize,
        _: impl Fn(Range<usize>, Range<usize>, &mut [f32]) + Sync,
        _: Option<&[f32]>,
        _: [usize; 3],
    ) -> Option<Vec<f32>> {
        None
    }
}

pub(super) use of_types::{of_bf16, of_columns, of_f32};
