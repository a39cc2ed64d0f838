//! bf16 and f16 on the CPU: products within what one rounding and sums in f32 may be off, everything else the operation on f32, rounded.

use super::{tensor, to_f64, values};
use ablate::kernel::{
    self, ActivationFunction, NormFunction, NormKind, OwnPast, Pairing, Past, Rotary, Scores, without_dot_products,
};
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;

const HALVES: [DType; 2] = [DType::BF16, DType::F16];

fn half<const D: usize>(shape: [usize; D], seed: u64, dtype: DType) -> Tensor<D> {
    tensor(shape, seed, &Device::flex(), dtype)
}

/// What rounding may change, relative to the value: half a unit of eight binary digits, or of eleven.
fn rounding(dtype: DType) -> f64 {
    if dtype == DType::BF16 { 2f64.powi(-8) } else { 2f64.powi(-11) }
}

fn bits<const D: usize>(tensor: Tensor<D>) -> Vec<u8> {
    tensor.into_data().as_bytes().to_vec()
}

/// Largest share of what a product may be off: one rounding to its type, and one to f32 for each product and sum.
fn off(found: &[f64], [x, w, b]: [&[f64]; 3], [rows, depth, columns]: [usize; 3], dtype: DType) -> f64 {
    assert_eq!(found.len(), rows * columns);
    let mut worst = 0.0f64;
    for (place, found) in found.iter().enumerate() {
        let (row, column) = (place / columns, place % columns);
        let bias = b.get(column).copied().unwrap_or(0.0);
        let products = (0..depth).map(|place| x[row * depth + place] * w[place * columns + column]);
        let exact = bias + products.clone().sum::<f64>();
        let magnitude = bias.abs() + products.map(f64::abs).sum::<f64>();
        let most = rounding(dtype) * exact.abs() + (depth + 2) as f64 * 2f64.powi(-23) * magnitude + 1e-7;
        worst = worst.max((found - exact).abs() / most);
    }
    worst
}

fn product_is_near(
    [rows, depth, columns]: [usize; 3],
    dtype: DType,
    strided: bool,
    seed: u64,
) -> Result<(), TestCaseError> {
    let x: Tensor<3> = half([1, rows, depth], seed, dtype);
    let weight = match strided {
        true => half([columns, depth], seed ^ 1, dtype).transpose(),
        false => half([depth, columns], seed ^ 1, dtype),
    };
    let bias: Tensor<1> = half([columns], seed ^ 2, dtype);
    let [xs, ws, bs] = [to_f64(x.clone()), to_f64(weight.clone()), to_f64(bias.clone())];
    let whole = || {
        [kernel::linear(x.clone(), weight.clone(), None), kernel::linear(x.clone(), weight.clone(), Some(bias.clone()))]
    };
    for (path, [plain, shifted]) in [("as chosen", whole()), ("widened", without_dot_products(whole))] {
        prop_assert_eq!(plain.dims(), [1, rows, columns]);
        prop_assert_eq!(plain.dtype(), dtype);
        for (found, bias) in [(plain, &[][..]), (shifted, &bs)] {
            let worst = off(&to_f64(found), [&xs, &ws, bias], [rows, depth, columns], dtype);
            prop_assert!(worst <= 1.0, "{}: {} times what it may be off", path, worst);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_of_two_bytes_are_near(
        extents in [0usize..40, 1..150, 1..150], half in 0usize..2, strided in any::<bool>(), seed in any::<u64>(),
    ) {
        product_is_near(extents, HALVES[half], strided, seed)?;
    }
}

#[test]
fn products_of_two_bytes_are_near_where_they_are_cut() {
    // Depths of several panels, even, odd and such as crowd the cache; rows and columns of several blocks.
    for extents in
        [[3, 1024, 5], [13, 1025, 33], [14, 2600, 70], [1, 3001, 200], [1040, 6, 40], [300, 33, 300], [25, 512, 64]]
    {
        for dtype in HALVES {
            product_is_near(extents, dtype, false, 7).unwrap();
        }
    }
}

#[test]
fn products_of_two_bytes_do_not_depend_on_the_number_of_threads() {
    let in_pool = |threads: usize, of: &(dyn Fn() -> Vec<u8> + Sync)| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(of)
    };
    for dtype in HALVES {
        for [rows, depth, columns] in [[300, 70, 200], [7, 1500, 300], [1, 512, 999]] {
            let (x, weight) = (half([1, rows, depth], 3, dtype), half([depth, columns], 4, dtype));
            let of = || bits(kernel::linear(x.clone(), weight.clone(), None));
            assert_eq!(in_pool(1, &of), in_pool(3, &of));
            // On the thread itself, which is where the switch is.
            let widened = || without_dot_products(|| bits(kernel::linear(x.clone(), weight.clone(), None)));
            assert_eq!(in_pool(1, &widened), in_pool(3, &widened));
        }
    }
}

/// Fails unless an operation on values of two bytes is that on f32, rounded.
fn rounds_once<const D: usize>(name: &str, dtype: DType, of: impl Fn(DType) -> Tensor<D>) {
    let (found, wide) = (of(dtype), of(DType::F32));
    assert_eq!(found.dtype(), dtype, "{name}");
    assert_eq!(found.dims(), wide.dims(), "{name}");
    assert!(bits(found) == bits(wide.cast(dtype)), "{name} in {dtype:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn operations_on_two_bytes_are_those_on_f32_rounded(
        [batch, pos, group, kv_heads, past] in [1usize..60, 1..7, 1..3, 1..3, 1..5], d_head in prop_oneof![Just(16usize), Just(64)],
        half_index in 0usize..2, seed in any::<u64>(),
    ) {
        let dtype = HALVES[half_index];
        let heads = group * kv_heads;
        let width = heads * d_head;
        // Values that the type has, as they are and widened.
        let x3 = |seed: u64, to: DType| -> Tensor<3> { half([batch, pos, width], seed, dtype).cast(to) };
        let x4 = |heads: usize, positions: usize, seed: u64, to: DType| -> Tensor<4> {
            half([batch, positions, heads, d_head], seed, dtype).cast(to)
        };
        let row = |seed: u64, to: DType| -> Tensor<1> { half([width], seed, dtype).cast(to) };
        for activation in [ActivationFunction::Silu, ActivationFunction::Gelu, ActivationFunction::GeluTanh, ActivationFunction::Relu] {
            rounds_once("activate", dtype, |to| kernel::activate(x3(seed, to), activation));
            rounds_once("gated", dtype, |to| kernel::gated(x3(seed, to), x3(seed ^ 1, to), activation));
        }
        for kind in [NormKind::Rms, NormKind::Layer] {
            let norm = NormFunction { kind, eps: 1e-5, wide_scale: false };
            rounds_once("normalize", dtype, |to| kernel::normalize(x3(seed, to), &norm));
        }
        rounds_once("scale", dtype, |to| kernel::scale_and_shift(x3(seed, to), Some(row(seed ^ 2, to)), None));
        rounds_once("shift", dtype, |to| kernel::scale_and_shift(x3(seed, to), None, Some(row(seed ^ 2, to))));
        rounds_once("soft cap", dtype, |to| kernel::soft_cap(x3(seed, to), 2.0));
        rounds_once("add", dtype, |to| kernel::add(x3(seed, to), x3(seed ^ 3, to)));
        let scores = Scores::STANDARD;
        rounds_once("attention", dtype, |to| {
            kernel::attention(x4(heads, 1, seed, to), x4(kv_heads, pos, seed ^ 4, to), x4(kv_heads, pos, seed ^ 5, to), scores)
        });
        rounds_once("attention after", dtype, |to| {
            let prompts = 3;
            let of_past = |seed: u64| -> Tensor<4> { half([prompts, past, kv_heads, d_head], seed, dtype).cast(to) };
            let lens = (0..batch).map(|row| row % (past + 1)).collect();
            let past = Past {
                keys: of_past(seed ^ 6),
                values: of_past(seed ^ 7),
                len: past,
                of: (0..batch).map(|row| row * 7 % prompts).collect(),
                own: Some(OwnPast { lens, held: None }),
            };
            kernel::attention_after(x4(heads, 1, seed, to), x4(kv_heads, 1, seed ^ 4, to), x4(kv_heads, 1, seed ^ 5, to), &past, scores)
        });
    }

    #[test]
    fn what_is_read_of_logits_of_two_bytes_is_what_is_read_of_them_widened(
        [rows, n_vocab] in [1usize..40, 2..3000], half_index in 0usize..2, seed in any::<u64>(),
    ) {
        let logits: Tensor<2> = half([rows, n_vocab], seed, HALVES[half_index]);
        let wide = logits.clone().cast(DType::F32);
        let tokens: Vec<u32> = (0..rows).map(|row| (row * 31 % n_vocab) as u32).collect();
        prop_assert_eq!(kernel::summary(logits.clone()), kernel::summary(wide.clone()));
        prop_assert_eq!(kernel::pick(logits.clone(), &tokens), kernel::pick(wide.clone(), &tokens));
        prop_assert_eq!(kernel::rank(logits.clone(), &tokens), kernel::rank(wide, &tokens));
        prop_assert!(kernel::all_finite(&logits));
    }
}

/// Rotation, whose cosines and sines are rounded to the type first.
#[test]
fn rotations_of_two_bytes_are_near() {
    let rotary = Rotary::new(vec![1.0, 0.3, 0.1, 0.03], Pairing::HalfSplit);
    for dtype in HALVES {
        let x: Tensor<4> = half([70, 5, 3, 10], 1, dtype);
        let found = to_f64(kernel::rotate(x.clone(), &rotary, 2));
        let wide = to_f64(kernel::rotate(x.cast(DType::F32), &rotary, 2));
        let worst = found.iter().zip(&wide).map(|(found, wide)| (found - wide).abs()).fold(0.0, f64::max);
        assert!(worst < 8.0 * rounding(dtype), "{dtype:?}: {worst}");
    }
}

#[test]
fn sums_round_to_even_overflow_and_stay_no_numbers() {
    let sums = |a: &[f32], b: &[f32], dtype: DType| {
        let of = |values: &[f32]| {
            Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), (&Device::flex(), dtype))
        };
        kernel::to_f32(kernel::add(of(a), of(b)))
    };
    let (unit, largest) = (2f32.powi(-8), f32::from_bits(0x7f7f_0000));
    let found = sums(
        &[1.0, 1.0 + 2.0 * unit, -1.0, largest, f32::NAN, f32::NEG_INFINITY, f32::INFINITY],
        &[unit, unit, -unit, largest, 1.0, 1.0, f32::NEG_INFINITY],
        DType::BF16,
    );
    assert_eq!(found[..4], [1.0, 1.0 + 4.0 * unit, -1.0, f32::INFINITY]);
    assert!(found[4].is_nan() && found[5] == f32::NEG_INFINITY && found[6].is_nan());
    assert_eq!(sums(&[65504.0], &[65504.0], DType::F16), [f32::INFINITY]);
}

#[test]
fn logits_that_are_no_numbers_are_found() {
    for dtype in HALVES {
        for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut data = values(60, 1);
            data[41] = wrong;
            let logits = Tensor::<2>::from_data(TensorData::new(data, [3, 20]), (&Device::flex(), dtype));
            assert!(!kernel::all_finite(&logits));
        }
    }
}
