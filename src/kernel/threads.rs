//! Whether kernels spread their work over threads.

use rayon::prelude::*;
use std::cell::Cell;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with every kernel within it on this thread alone: several such pieces run side by side already, and where
/// kernels take microseconds, waking threads for each takes longer than the kernels do.
pub fn alone<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            ALONE.set(self.0);
        }
    }
    let _restore = Restore(ALONE.replace(true));
    work()
}

/// Whether kernels run on this thread alone.
pub(super) fn is_alone() -> bool {
    ALONE.get()
}

/// Calls `fill` with pieces of `size` elements and their indices, which may run at once.
pub(super) fn each_piece<T: Send>(values: &mut [T], size: usize, fill: impl Fn(usize, &mut [T]) + Sync) {
    let size = size.max(1);
    if values.len() <= size || is_alone() {
        values.chunks_mut(size).enumerate().for_each(|(index, piece)| fill(index, piece));
    } else {
        values.par_chunks_mut(size).enumerate().for_each(|(index, piece)| fill(index, piece));
    }
}
