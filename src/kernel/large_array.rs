//! Memory of arrays of many megabytes: logits of a whole vocabulary.
//!
//! Threads but the first get such memory fresh from the system every time, whatever the allocator is told, and each page that is written
//! for the first time has to be cleared. So a thread may keep the memory of one array for its next.

use super::operation::on_cpu;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Bytes, DType, Tensor};
use half::bf16;
use std::any::Any;
use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// Bytes from which on an array is large.
const LARGE: usize = 8 << 20;

thread_local! {
    /// A `Vec` of some type, empty.
    static KEPT: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Keeps the memory of logits that nobody reads any more for the next product of this thread that is large, until the thread ends.
pub fn keep_memory(logits: Tensor<2>) {
    let Some(dense) = on_cpu(&logits.into_dispatch()).filter(|dense| dense.bytes().len() >= LARGE).cloned() else {
        return;
    };
    match dense.dtype() {
        DType::F32 => keep(dense, Bytes::try_into_vec::<f32>),
        DType::BF16 => keep(dense, Bytes::try_into_vec::<bf16>),
        // Products of f16 pass through f32.
        _ => {}
    }
}

fn keep<T: 'static>(dense: FlexTensor, values_of: impl Fn(Bytes) -> Result<Vec<T>, Bytes>) {
    let bytes = dense.data_arc();
    drop(dense);
    // Whoever reads them yet keeps them.
    if let Some(mut values) = Arc::into_inner(bytes).and_then(|bytes| values_of(bytes).ok()) {
        values.clear();
        KEPT.set(Some(Box::new(values)));
    }
}

/// Room for `len` values, none of which is there yet: what was kept, where it is of about the size.
pub(super) fn with_capacity<T: 'static>(len: usize) -> Vec<T> {
    if len * size_of::<T>() < LARGE {
        return Vec::with_capacity(len);
    }
    let kept = KEPT.take().and_then(|kept| kept.downcast::<Vec<T>>().ok());
    kept.filter(|kept| (len..=2 * len).contains(&kept.capacity())).map_or_else(
        || {
            let mut values = Vec::with_capacity(len);
            ask_for_large_pages(&mut values.spare_capacity_mut()[..len]);
            values
        },
        |kept| *kept,
    )
}

/// Asks the system for large pages under values that are about to be written: each page is a fault.
fn ask_for_large_pages<T>(values: &mut [MaybeUninit<T>]) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const PAGE: usize = 4096;
        let first = values.as_mut_ptr().cast::<u8>();
        let before = first.align_offset(PAGE);
        let pages = size_of_val(values).saturating_sub(before) / PAGE;
        // SAFETY: the pages lie within the values, which are borrowed uniquely. The advice changes no value; where the system does not take
        // it, nothing happens.
        unsafe { libc::madvise(first.wrapping_add(before).cast(), pages * PAGE, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    let _ = values;
}
