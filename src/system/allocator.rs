//! The memory allocator of the binary and of the benches: the system's, but with musl, whose own is slow, mimalloc.

#[cfg(all(target_os = "linux", target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What allocates, in words.
pub const NAME: &str = if cfg!(all(target_os = "linux", target_env = "gnu")) {
    "glibc, told to keep freed memory"
} else if cfg!(all(target_os = "linux", target_env = "musl")) {
    "mimalloc, told to keep freed memory"
} else {
    "the system's"
};

/// Tells the allocator to keep freed memory instead of giving it back to the system: activations are freed and allocated again in
/// every layer, and each page that comes back fresh costs a fault. Matrix products with outputs over 4 MB run several times faster
/// so. Freed blocks are joined to larger ones and used again, so what is kept is close to the most that was in use at once.
///
/// Does nothing where the allocator is neither glibc's nor mimalloc.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Blocks from this size on, in bytes, are mapped by themselves and given back when they are freed: weights.
        const MAPPED_FROM: libc::c_int = 1 << 30;
        // SAFETY: mallopt sets numbers of the allocator's own under its lock; it may be called at any time. A value that it does
        // not take leaves it as it was.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM);
            libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        }
    }
    #[cfg(all(target_os = "linux", target_env = "musl"))]
    {
        /// `mi_option_purge_delay` of mimalloc's `mi_option_t`, which the crate has no name for.
        const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;
        // SAFETY: sets a number of the allocator's own; it may be called at any time. -1 is to purge nothing.
        unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, -1) };
    }
}
