//! The allocator of the binary and of the benches.

pub use mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3's `mi_option_e`, which libmimalloc-sys does not name.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Tells mimalloc to keep freed memory instead of giving it back to the system: activations are freed and allocated again
/// in every layer, and each page that comes back fresh costs a fault. Matrix products with outputs over 4 MB run several
/// times faster so. Has no effect where another allocator is in use.
pub fn keep_freed_memory() {
    // SAFETY: mi_option_set writes one atomic integer of mimalloc's own option table and checks the index; it may be
    // called at any time from any thread.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) }
}
