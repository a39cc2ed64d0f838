//! Memory of a large array that a thread uses again.

use ablate::kernel::{self, keep_memory};
use burn::tensor::{DType, Device, Distribution, Tensor};

const DEPTH: usize = 8;
const COLUMNS: usize = 50_000;

#[test]
fn products_in_memory_that_was_kept_are_those_in_fresh_memory() {
    let random = |rows, columns, dtype| {
        Tensor::<2>::random([rows, columns], Distribution::Uniform(-1.0, 1.0), &Device::flex()).cast(dtype)
    };
    for dtype in [DType::F32, DType::BF16, DType::F16] {
        let weight = random(DEPTH, COLUMNS, dtype);
        // As large as what is kept, smaller, much smaller, larger; and after one that somebody else reads yet.
        for rows in [100, 100, 90, 30, 200] {
            let x = random(rows, DEPTH, dtype).unsqueeze::<3>();
            let product = || kernel::linear(x.clone(), weight.clone(), None).reshape([rows, COLUMNS]);
            let (first, read) = (product(), product());
            let values = kernel::to_f32(first.clone());
            keep_memory(first);
            assert!(values == kernel::to_f32(product()), "{rows} rows in {dtype:?}");
            keep_memory(read.clone());
            let another = kernel::linear(x.clone() * 2.0, weight.clone(), None);
            assert!(values == kernel::to_f32(read), "{rows} rows in {dtype:?}, which were still read");
            keep_memory(another.reshape([rows, COLUMNS]));
        }
    }
}
