//! GGUF files: header, tensors, dequantisation, facts and tokenizer from the metadata.

mod architecture;
mod bytes;
mod file;
mod header;
mod metadata;
mod quant;
mod rotation;
mod split;
mod tokenizer;

pub use architecture::architectures;
pub use file::Gguf;
pub use split::files;
