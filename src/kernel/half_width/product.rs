//! Products with weights of two bytes: sums in f32, rounded once.

use super::factors::HalfFactors;
use super::format::{HalfWidth, rounded, widened};
use crate::kernel::{mixed, tiles};
use std::cell::Cell;

thread_local! {
    static WIDENED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with products of bf16 on this thread made of widened values, as on processors that have none of bf16.
pub fn without_dot_products<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            WIDENED.set(self.0);
        }
    }
    let _restore = Restore(WIDENED.replace(true));
    work()
}

/// x·w + b, `[rows, columns]`, row by row: sums over the depth in f32, in one order whatever the number of threads, the bias added to
/// them, and the result rounded.
pub(in crate::kernel) fn product<H: HalfWidth>(factors: HalfFactors<H>) -> Vec<H> {
    let [rows, depth, columns] = factors.extents;
    assert_eq!((factors.x.len(), factors.weight.len()), (rows * depth, depth * columns), "factors of a product");
    assert!(factors.bias.is_none_or(|bias| bias.len() == columns), "a bias has one value per column");
    let bias = factors.bias.map(widened);
    by_dot_products(factors, bias.as_deref()).unwrap_or_else(|| {
        let weight = H::matrix(factors.weight);
        rounded(&mixed::product(&widened(factors.x), weight, bias.as_deref(), factors.extents))
    })
}

/// The same by the processor's products of bf16, where it has them.
fn by_dot_products<H: HalfWidth>(factors: HalfFactors<H>, bias: Option<&[f32]>) -> Option<Vec<H>> {
    if WIDENED.get() {
        return None;
    }
    let (x, weight) = (H::bits_of_bf16(factors.x)?, H::bits_of_bf16(factors.weight)?);
    H::of_bf16(tiles::of_bf16(x, weight, bias, factors.extents)?)
}
