//! Readers of weight files: safetensors and PyTorch, single and sharded.
