//! Functions of one f32 that the compiler can vectorise, and the means to have it do so.
//!
//! Each is free of branches; [`vectorise!`] compiles a loop that calls them three times, for AVX-512, for AVX2 with fused
//! multiply-add and for the baseline, and picks at run time ([`Instructions::chosen`]). The first two round alike.

/// Vector instructions that kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instructions {
    /// AVX-512 (F and VL).
    Avx512,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// Those that every processor has that the program is built for.
    Baseline,
}

impl Instructions {
    /// The widest that this processor has.
    #[inline(always)]
    pub fn chosen() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl") {
                return Self::Avx512;
            }
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }
}

/// Defines a function whose body is compiled for AVX-512, for AVX2 with FMA and for the baseline; `FMA` in the body says whether
/// products and sums are fused.
macro_rules! vectorise {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident $([$($constant:ident: $constant_type:ty),*])? ($($argument:ident: $type:ty),* $(,)?) $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name $(<$(const $constant: $constant_type),*>)? ($($argument: $type),*) $(-> $output)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments)]
            fn body<$($(const $constant: $constant_type,)*)? const FMA: bool>($($argument: $type),*) $(-> $output)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx2 $(<$(const $constant: $constant_type),*>)? ($($argument: $type),*) $(-> $output)? {
                    body::<$($($constant,)*)? true>($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn avx512 $(<$(const $constant: $constant_type),*>)? ($($argument: $type),*) $(-> $output)? {
                    body::<$($($constant,)*)? true>($($argument),*)
                }
                match crate::kernel::Instructions::chosen() {
                    // SAFETY: the processor has just been found to have these features; all that have them have AVX2 and FMA.
                    crate::kernel::Instructions::Avx512 => return unsafe { avx512 $(::<$($constant),*>)? ($($argument),*) },
                    // SAFETY: the processor has just been found to have both features.
                    crate::kernel::Instructions::Avx2 => return unsafe { avx2 $(::<$($constant),*>)? ($($argument),*) },
                    crate::kernel::Instructions::Baseline => {}
                }
            }
            body::<$($($constant,)*)? { cfg!(target_arch = "aarch64") }>($($argument),*)
        }
    };
}
pub(super) use vectorise;

/// a·b + c, fused where the processor does that in one instruction.
#[inline(always)]
pub(super) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e^x within 2 units in the last place; overflows to infinity, underflows gradually to 0, NaN stays.
#[inline(always)]
pub(super) fn exp_lane<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5·2^23 rounds to an integer and leaves that integer in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, so that n·ln 2 loses nothing (Cody and Waite).
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let shifted = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<FMA>(n, -LN_2_HIGH, x);
    let r = multiply_add::<FMA>(n, -LN_2_LOW, r);
    // Minimax polynomial of (e^r - 1 - r) / r² on |r| <= ln 2 / 2 (Cephes, expf).
    let p = multiply_add::<FMA>(1.987_569_1e-4, r, 1.398_199_9e-3);
    let p = multiply_add::<FMA>(p, r, 8.333_452e-3);
    let p = multiply_add::<FMA>(p, r, 4.166_579_6e-2);
    let p = multiply_add::<FMA>(p, r, 1.666_666_5e-1);
    let p = multiply_add::<FMA>(p, r, 0.5);
    let p = multiply_add::<FMA>(p, r * r, r) + 1.0;
    // 2^n in two factors: one alone would overflow or underflow before the product does.
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32;
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// The error function within 2 units in the last place (rational form by N. Juffa).
#[inline(always)]
pub(super) fn erf_lane<const FMA: bool>(x: f32) -> f32 {
    let a = x.abs();
    let s = a * a;
    let r = multiply_add::<FMA>(-1.728_534_7e-5, a, 3.831_971_3e-4);
    let u = multiply_add::<FMA>(-3.883_964_4e-3, a, 2.425_462_2e-2);
    let r = multiply_add::<FMA>(r, s, u);
    let r = multiply_add::<FMA>(r, a, -1.067_778_8e-1);
    let r = multiply_add::<FMA>(r, a, -6.348_467e-1);
    let r = multiply_add::<FMA>(r, a, -1.287_175_1e-1);
    let r = multiply_add::<FMA>(r, a, -a);
    // Beyond 4 the tail is below half a unit; the polynomial is not made for larger arguments.
    let tail = 1.0 - exp_lane::<FMA>(if a > 4.0 { -100.0 } else { r });
    let c = multiply_add::<FMA>(-5.967_617e-4, s, 4.991_194_2e-3);
    let c = multiply_add::<FMA>(c, s, -2.676_813_5e-2);
    let c = multiply_add::<FMA>(c, s, 1.128_199_25e-1);
    let c = multiply_add::<FMA>(c, s, -3.761_253_4e-1);
    let c = multiply_add::<FMA>(c, s, 1.283_791_7e-1);
    let centre = multiply_add::<FMA>(c, a, a);
    let magnitude = if a > 0.921_875 { tail } else { centre };
    let magnitude = if a.is_nan() { a } else { magnitude };
    magnitude.copysign(x)
}

/// The hyperbolic tangent within 3 units in the last place.
#[inline(always)]
pub(super) fn tanh_lane<const FMA: bool>(x: f32) -> f32 {
    // Near 0 the other form cancels: a polynomial of (tanh x / x - 1) / x² (Cephes, tanhf).
    let a = x.abs();
    let s = a * a;
    let p = multiply_add::<FMA>(-5.704_988_7e-3, s, 2.063_908_8e-2);
    let p = multiply_add::<FMA>(p, s, -5.373_971_5e-2);
    let p = multiply_add::<FMA>(p, s, 1.333_144_2e-1);
    let p = multiply_add::<FMA>(p, s, -3.333_328e-1);
    let centre = multiply_add::<FMA>(p * s, a, a);
    let tail = 1.0 - 2.0 / (exp_lane::<FMA>(2.0 * if a > 40.0 { 40.0 } else { a }) + 1.0);
    let magnitude = if a > 0.625 { tail } else { centre };
    let magnitude = if a.is_nan() { a } else { magnitude };
    magnitude.copysign(x)
}

vectorise! {
    /// Replaces each value by its exponential.
    pub fn exp(values: &mut [f32]) {
        for value in values {
            *value = exp_lane::<FMA>(*value);
        }
    }
}

vectorise! {
    /// Replaces each value by its error function.
    pub fn erf(values: &mut [f32]) {
        for value in values {
            *value = erf_lane::<FMA>(*value);
        }
    }
}

vectorise! {
    /// Replaces each value by its hyperbolic tangent.
    pub fn tanh(values: &mut [f32]) {
        for value in values {
            *value = tanh_lane::<FMA>(*value);
        }
    }
}

/// Σ a·b over slices of equal length, in sixteen partial sums.
#[inline(always)]
pub(super) fn dot<const FMA: bool>(a: &[f32], b: &[f32]) -> f32 {
    let mut partial = [0.0f32; 16];
    let (a_chunks, b_chunks) = (a.chunks_exact(16), b.chunks_exact(16));
    for (lane, (a, b)) in a_chunks.remainder().iter().zip(b_chunks.remainder()).enumerate() {
        partial[lane] = a * b;
    }
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..16 {
            partial[lane] = multiply_add::<FMA>(a[lane], b[lane], partial[lane]);
        }
    }
    sum_lanes(partial)
}

/// Vectors that are read side by side: of more, their partial sums do not fit the registers beside each other.
const VECTORS: usize = 4;

/// [`dot`] of one vector and each of several as long: `b` has them by their numbers.
#[inline(always)]
pub(super) fn dots<'b, const FMA: bool>(a: &[f32], b: impl Fn(usize) -> &'b [f32], out: &mut [f32]) {
    let b = |number: usize| &b(number)[..a.len()];
    // Partial sums that begin with what no sixteen are full of would be in memory.
    let at_once = if a.len().is_multiple_of(16) { out.len() - out.len() % VECTORS } else { 0 };
    let (out, rest) = out.split_at_mut(at_once);
    for (number, out) in out.chunks_exact_mut(VECTORS).enumerate() {
        let b: [&[f32]; VECTORS] = std::array::from_fn(|vector| b(number * VECTORS + vector));
        let mut partial = [[0.0f32; 16]; VECTORS];
        for (place, a) in a.chunks_exact(16).enumerate() {
            for (b, partial) in b.iter().zip(&mut partial) {
                let b = &b[16 * place..][..16];
                for lane in 0..16 {
                    partial[lane] = multiply_add::<FMA>(a[lane], b[lane], partial[lane]);
                }
            }
        }
        for (out, partial) in out.iter_mut().zip(partial) {
            *out = sum_lanes(partial);
        }
    }
    for (number, out) in rest.iter_mut().enumerate() {
        *out = dot::<FMA>(a, b(at_once + number));
    }
}

/// The largest value; those that are not numbers do not count.
#[inline(always)]
pub(super) fn largest(values: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let chunks = values.chunks_exact(16);
    let mut lanes = [f32::NEG_INFINITY; 16];
    let rest = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, larger);
    if values.len() < 16 {
        return rest;
    }
    for values in chunks {
        for lane in 0..16 {
            lanes[lane] = larger(lanes[lane], values[lane]);
        }
    }
    lanes.into_iter().fold(rest, larger)
}

/// Σ f(a), in sixteen partial sums.
#[inline(always)]
pub(super) fn sum(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut partial = [0.0f32; 16];
    let chunks = a.chunks_exact(16);
    for (partial, a) in partial.iter_mut().zip(chunks.remainder()) {
        *partial = f(*a);
    }
    for a in chunks {
        for lane in 0..16 {
            partial[lane] += f(a[lane]);
        }
    }
    sum_lanes(partial)
}

#[inline(always)]
fn sum_lanes(partial: [f32; 16]) -> f32 {
    let mut eight = [0.0f32; 8];
    for lane in 0..8 {
        eight[lane] = partial[lane] + partial[lane + 8];
    }
    let four = [eight[0] + eight[4], eight[1] + eight[5], eight[2] + eight[6], eight[3] + eight[7]];
    (four[0] + four[2]) + (four[1] + four[3])
}

/// y += factor·x over slices of equal length.
#[inline(always)]
pub(super) fn add_scaled<const FMA: bool>(y: &mut [f32], factor: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = multiply_add::<FMA>(factor, *x, *y);
    }
}

/// y += Σ weight·x, one x after the other, each as long as y: `x` has them by their numbers.
#[inline(always)]
pub(super) fn add_weighted<'x, const FMA: bool>(y: &mut [f32], weights: &[f32], x: impl Fn(usize) -> &'x [f32]) {
    // So many sums stay in registers, whatever the number of weights.
    let whole = y.len() - y.len() % 64;
    for from in (0..whole).step_by(64) {
        add_weighted_lanes::<FMA, 64>(y, from, weights, &x);
    }
    let sixteens = y.len() - y.len() % 16;
    for from in (whole..sixteens).step_by(16) {
        add_weighted_lanes::<FMA, 16>(y, from, weights, &x);
    }
    for (number, weight) in weights.iter().enumerate() {
        let (y, x) = (&mut y[sixteens..], &x(number)[sixteens..]);
        add_scaled::<FMA>(y, *weight, x);
    }
}

/// The same of `LANES` values of y.
#[inline(always)]
fn add_weighted_lanes<'x, const FMA: bool, const LANES: usize>(
    y: &mut [f32],
    from: usize,
    weights: &[f32],
    x: &impl Fn(usize) -> &'x [f32],
) {
    let y = &mut y[from..][..LANES];
    let mut sums = [0.0; LANES];
    sums.copy_from_slice(y);
    for (number, weight) in weights.iter().enumerate() {
        let x = &x(number)[from..][..LANES];
        for lane in 0..LANES {
            sums[lane] = multiply_add::<FMA>(*weight, x[lane], sums[lane]);
        }
    }
    y.copy_from_slice(&sums);
}
