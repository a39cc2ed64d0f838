//! Vector registers in memory, and the panels that they make.

/// Columns of a tile and of a panel: two registers of sums.
pub(super) const TILE_COLUMNS: usize = 32;

/// Rows of a tile: with two registers each and those of a panel, as many as there are registers.
pub(super) const TILE_ROWS: usize = 12;

/// Rows of a matrix that are put into one panel before the next panel gets its part of them: lines that lie a whole panel apart may crowd
/// each other in the cache.
pub(super) const ROWS_AT_ONCE: usize = 8;

/// A vector register in memory: 16 pairs of bf16 values, or 16 values or sums of f32.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
pub(super) struct Line([u32; 16]);

/// A type of values that lines consist of.
///
/// # Safety
/// Its size divides that of a line, it is aligned as a line is or less, any bits are a value of it, and all of its bytes have a value.
pub(super) unsafe trait LineValue: Copy + Send + Sync + 'static {
    /// Nothing.
    const ZERO: Self;

    /// Values as the bytes that they consist of.
    fn bytes(values: &[Self]) -> &[u8] {
        // SAFETY: all bytes of the values have one, and bytes need no alignment.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }
}

// SAFETY: two bytes of any value.
unsafe impl LineValue for u16 {
    const ZERO: Self = 0;
}

// SAFETY: four bytes of any value.
unsafe impl LineValue for f32 {
    const ZERO: Self = 0.0;
}

impl Line {
    /// How many values of a type a line has.
    pub const fn holds<T: LineValue>() -> usize {
        size_of::<Line>() / size_of::<T>()
    }

    /// The first lines of room that is made large enough and stays so.
    pub fn first_of(room: &mut Vec<Line>, count: usize) -> &mut [Line] {
        if room.len() < count {
            room.resize(count, Line::default());
        }
        &mut room[..count]
    }

    /// Lines as the values that they consist of.
    pub fn values<T: LineValue>(lines: &mut [Line]) -> &mut [T] {
        // SAFETY: a line is as many values as it holds and nothing else, is aligned as they are, and any bits are values of both.
        unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), Line::holds::<T>() * lines.len()) }
    }
}

/// Which of 32 columns there are.
pub(super) fn columns_mask(columns: usize) -> u32 {
    if columns < TILE_COLUMNS { (1 << columns) - 1 } else { u32::MAX }
}
