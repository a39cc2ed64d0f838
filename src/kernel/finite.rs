//! Whether all values of a tensor are finite.

use super::operation::{Array, run_without_gradient};
use super::threads::is_alone;
use burn::tensor::Tensor;
use rayon::prelude::*;

/// Values that a thread looks at at once.
const PIECE: usize = 1 << 16;

/// Whether no value is infinite or not a number.
pub fn all_finite(values: &Tensor<2>) -> bool {
    let finite = |values: &[f32]| values.iter().fold(true, |all, value| all & value.is_finite());
    let answer: Tensor<2> = run_without_gradient(
        |[values]: [Array; 1]| {
            let all = match values.data.len() <= PIECE || is_alone() {
                true => finite(values.data),
                false => values.data.par_chunks(PIECE).all(finite),
            };
            (vec![1, 1], vec![f32::from(u8::from(all))])
        },
        [values.clone().into_dispatch()],
        |[values]| Tensor::<2>::from_dispatch(values).is_finite().all().float().reshape([1, 1]),
    );
    super::to_f32(answer).first().is_some_and(|&all| all != 0.0)
}
