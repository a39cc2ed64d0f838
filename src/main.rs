//! The binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ablate::system::allocator::keep_freed_memory();
    ablate::cli::main()
}
