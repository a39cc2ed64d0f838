//! Weights in half width: products with f32 rows are those with the widened weight, to the bit.

use ablate::kernel::{BlockFormat, BlockMatrix, few_rows, linear, to_f32};
use burn::tensor::{DType, Device, Tensor, TensorData};
use proptest::prelude::*;

fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let value = |place: usize| {
        let mixed = (place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0xBF58_476D_1CE4_E5B9));
        ((mixed ^ (mixed >> 29)) % 4001) as f32 / 1000.0 - 2.0
    };
    Tensor::from_data(TensorData::new((0..count).map(value).collect::<Vec<f32>>(), shape), &Device::flex())
}

fn bits(tensor: Tensor<3>) -> Vec<u32> {
    to_f32(tensor).into_iter().map(f32::to_bits).collect()
}

/// Extents at which products change their way: few, and more than a block of columns or a part of a sum.
fn extent() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 1usize..70, 2 => 120usize..140, 2 => 500usize..530, 1 => 1020usize..1300]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn a_product_is_that_of_the_widened_weight(
        rows in prop_oneof![3 => 0usize..20, 1 => 60usize..130], d_in in extent(), d_out in extent(), f16 in any::<bool>(), biased in any::<bool>(),
        few in any::<bool>(), seed in any::<u64>(),
    ) {
        let dtype = if f16 { DType::F16 } else { DType::BF16 };
        let x = random([1, rows, d_in], seed);
        let weight = random([d_in, d_out], seed ^ 1).cast(dtype);
        let bias = biased.then(|| random([d_out], seed ^ 2));
        let product = |weight: Tensor<2>| {
            let run = || bits(linear(x.clone(), weight, bias.clone()));
            if few { few_rows(run) } else { run() }
        };
        prop_assert_eq!(product(weight.clone()), product(weight.cast(DType::F32)));
    }

    /// Of columns of a weight, which do not lie one after the other.
    #[test]
    fn a_part_of_a_weight_is_a_weight(rows in 1usize..9, d_in in 1usize..80, d_out in 2usize..300, seed in any::<u64>()) {
        let x = random([1, rows, d_in], seed);
        let weight = random([d_in, d_out], seed ^ 1).cast(DType::BF16).narrow(1, d_out / 2, d_out - d_out / 2);
        let wide = weight.clone().cast(DType::F32);
        prop_assert_eq!(bits(linear(x.clone(), weight, None)), bits(linear(x, wide, None)));
    }

    /// Of a weight that is held in blocks, each column of them by itself.
    #[test]
    fn a_product_with_blocks_is_that_of_the_widened_weight(
        rows in prop_oneof![3 => 1usize..20, 1 => 60usize..130], blocks in prop_oneof![1usize..40, Just(32usize), Just(64usize)], d_out in extent(),
        biased in any::<bool>(), seed in any::<u64>(),
    ) {
        let d_in = blocks * PAIRS.values;
        let stored = random([d_out, d_in], seed ^ 1).cast(DType::BF16).into_data().as_bytes().to_vec();
        let weight = BlockMatrix::new(PAIRS, stored, d_in).unwrap();
        prop_assert_eq!(weight.dims(), [d_in, d_out]);
        let x = random([1, rows, d_in], seed);
        let bias = biased.then(|| random([d_out], seed ^ 2));
        let whole = weight.whole(&Device::flex());
        prop_assert_eq!(bits(weight.linear(x.clone(), bias.clone())), bits(linear(x, whole, bias)));
    }
}

/// Blocks of 32 values in bf16.
const PAIRS: BlockFormat = BlockFormat {
    name: "32 values in bf16",
    values: 32,
    bytes: 64,
    widen: |bytes, values| {
        for (value, bytes) in values.iter_mut().zip(bytes.chunks_exact(2)) {
            *value = f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16);
        }
    },
};
