//! What the processor has.

/// Whether it has AVX-512 F, BW and VL, which all tiles need.
pub(super) fn has_avx512() -> bool {
    std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512vl")
}
