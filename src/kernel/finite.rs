//! Whether all values of a tensor are finite.

use super::operation::each_row;
use burn::tensor::Tensor;

/// Whether no value is infinite or not a number.
pub fn all_finite(values: &Tensor<2>) -> bool {
    let finite = |_: usize, row: &[f32]| row.iter().fold(true, |all, value| all & value.is_finite());
    match each_row(values, finite) {
        Some(rows) => rows.into_iter().all(|finite| finite),
        None => {
            let all = values.clone().is_finite().all().float();
            super::to_f32(all).first().is_some_and(|&all| all != 0.0)
        }
    }
}
