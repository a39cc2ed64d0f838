//! What the processor itself computes at most: a loop of nothing but the instruction that products are made of, on as many threads, for some
//! milliseconds. No library's product reaches it.

use burn::tensor::DType;
use rayon::prelude::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long each thread runs, and how often: the fastest counts.
const ROUND: Duration = Duration::from_millis(1);
const ROUNDS: usize = 20;

/// Sums that are added to in turn, so that no addition waits for another.
const SUMS: usize = 24;

/// Steps between two looks at the clock.
const STEPS: usize = 2_000;

/// The instruction that products of this type are made of here, and GFLOP/s of it on all threads of the pool; none where there is no loop
/// of it.
pub fn of_processor(dtype: DType) -> Option<(&'static str, f64)> {
    let (name, operations, steps) = loop_of(dtype)?;
    let round = |_| {
        let each = |_| {
            let start = Instant::now();
            let mut done = 0.0;
            while start.elapsed() < ROUND {
                steps();
                done += (STEPS * SUMS * operations) as f64;
            }
            done / start.elapsed().as_secs_f64() / 1e9
        };
        (0..rayon::current_num_threads()).into_par_iter().with_max_len(1).map(each).sum()
    };
    Some((name, (0..ROUNDS).map(round).fold(0.0, f64::max)))
}

/// Name, operations of one instruction, and the loop.
fn loop_of(dtype: DType) -> Option<(&'static str, usize, fn())> {
    #[cfg(target_arch = "x86_64")]
    {
        if dtype == DType::BF16
            && std::is_x86_feature_detected!("avx512bf16")
            && std::is_x86_feature_detected!("avx512f")
        {
            // SAFETY: the processor has both features.
            return Some(("vdpbf16ps", 64, || unsafe { x86::dot_products() }));
        }
        if std::is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature.
            return Some(("vfmadd, 512 bits", 32, || unsafe { x86::multiply_adds_512() }));
        }
        if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
            // SAFETY: the processor has both features.
            return Some(("vfmadd, 256 bits", 16, || unsafe { x86::multiply_adds_256() }));
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        // Every processor of this architecture that the program is built for has it.
        return Some(("fmla", 8, || unsafe { arm::multiply_adds() }));
    }
    #[allow(unreachable_code)]
    {
        let _ = dtype;
        None
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{STEPS, SUMS, black_box};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f,avx512bf16")]
    pub fn dot_products() {
        let mut sums = [_mm512_setzero_ps(); SUMS];
        let pairs = _mm512_cvtne2ps_pbh(_mm512_set1_ps(black_box(0.5)), _mm512_set1_ps(black_box(0.5)));
        for _ in 0..STEPS {
            sums.iter_mut().for_each(|sum| *sum = _mm512_dpbf16_ps(*sum, pairs, pairs));
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f")]
    pub fn multiply_adds_512() {
        let mut sums = [_mm512_setzero_ps(); SUMS];
        let factor = _mm512_set1_ps(black_box(0.5));
        for _ in 0..STEPS {
            sums.iter_mut().for_each(|sum| *sum = _mm512_fmadd_ps(*sum, factor, factor));
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,fma")]
    pub fn multiply_adds_256() {
        // Half as many registers: two loops of as many sums.
        const HALF: usize = SUMS / 2;
        let factor = _mm256_set1_ps(black_box(0.5));
        for _ in 0..2 {
            let mut sums = [_mm256_setzero_ps(); HALF];
            for _ in 0..STEPS {
                sums.iter_mut().for_each(|sum| *sum = _mm256_fmadd_ps(*sum, factor, factor));
            }
            black_box(sums);
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{STEPS, SUMS, black_box};
    use std::arch::aarch64::*;

    #[target_feature(enable = "neon")]
    pub fn multiply_adds() {
        let mut sums = [vdupq_n_f32(0.0); SUMS];
        let factor = vdupq_n_f32(black_box(0.5));
        for _ in 0..STEPS {
            sums.iter_mut().for_each(|sum| *sum = vfmaq_f32(*sum, factor, factor));
        }
        black_box(sums);
    }
}
