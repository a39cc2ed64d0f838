//! GGUF files: header, tensors, dequantisation, facts and tokenizer from the metadata.

mod architecture;
mod bytes;
mod describe;
mod file;
mod header;
mod metadata;
mod model;
mod names;
mod quant;
mod rotation;
mod split;
mod tokenizer;
mod weights;
mod windows;

pub use architecture::architectures;
pub use file::Gguf;
pub use split::files;
