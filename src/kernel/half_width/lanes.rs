//! bf16 in loops that the compiler vectorises: values are widened, computed and rounded in registers.

/// The value of the bits of a bf16.
#[inline(always)]
pub(in crate::kernel) fn widen_lane(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// The bits of the nearest bf16, the even one of two.
#[inline(always)]
pub(in crate::kernel) fn round_lane(value: f32) -> u16 {
    let bits = value.to_bits();
    // Half a unit of what is left less one, and one more where that is odd.
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    // What is not a number stays so: its lower bits may be all that says it.
    let kept = (bits >> 16) | 0x40;
    (if value.is_nan() { kept } else { rounded }) as u16
}
