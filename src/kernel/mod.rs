//! Tensor operations with a fast path on the CPU backend.
