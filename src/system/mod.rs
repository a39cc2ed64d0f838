//! What the program needs of the machine, whatever it computes: files that are whole, claims, signals, progress, checksums.

pub mod allocator;
pub mod atomic;
pub mod claim;
pub mod digests;
pub mod environment;
pub mod host;
pub mod interrupt;
pub mod job;
mod panic_text;
pub mod progress;
pub(crate) mod shell;
mod stamp;
pub mod tensor_file;
mod threads;
pub mod time;

pub use digests::Digests;
pub use panic_text::panic_text;
pub use stamp::Stamp;
pub use threads::set_threads;
