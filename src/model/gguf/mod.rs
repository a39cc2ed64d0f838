//! GGUF files: header, tensors, dequantisation, facts and tokenizer from the metadata.
