//! The binary: everything is in the library.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: ablate::allocator::MiMalloc = ablate::allocator::MiMalloc;

fn main() -> ExitCode {
    ablate::allocator::keep_freed_memory();
    ablate::cli::main()
}
