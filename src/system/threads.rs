//! The threads that computations are spread over.

/// Sets the number of threads of the CPU backend; returns what it is.
pub fn set_threads(wanted: Option<usize>) -> usize {
    if let Some(threads) = wanted {
        // Fails only where a pool is already running, as in a test that runs two specs: then that pool stays.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    rayon::current_num_threads()
}
