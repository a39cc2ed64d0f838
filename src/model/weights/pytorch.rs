//! A `pytorch_model.bin`: what `torch.save` writes, read by burn's reader, which runs no code of the file.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use burn::store::pytorch_reader::{DType, PytorchReader};
use indexmap::IndexMap;

use super::WeightError;
use super::source::{Source, Stored, TensorInfo, convert};

/// An open `pytorch_model.bin`.
pub struct Pytorch {
    path: PathBuf,
    reader: PytorchReader,
    tensors: IndexMap<String, TensorInfo>,
    /// Bytes of the tensor being read: the file can only be read a tensor at a time, and is asked for pieces of one.
    current: Mutex<Option<(String, Vec<u8>)>>,
}

impl Pytorch {
    /// Opens the file and lists its tensors.
    ///
    /// # Errors
    /// When the file cannot be read or is not what `torch.save` writes for a dictionary of tensors.
    pub fn open(path: &Path) -> Result<Self, WeightError> {
        std::fs::File::open(path).map_err(WeightError::io(path))?;
        let reader = PytorchReader::new(path).map_err(|error| WeightError::format(path, error.to_string()))?;
        let mut tensors: IndexMap<_, _> = reader
            .tensors()
            .iter()
            .map(|(name, tensor)| {
                let stored = match tensor.dtype() {
                    DType::F64 => Stored::F64,
                    DType::F32 => Stored::F32,
                    DType::F16 => Stored::F16,
                    DType::BF16 => Stored::Bf16,
                    other => Stored::Other(other.size()),
                };
                (name.clone(), TensorInfo { shape: tensor.shape().to_vec(), stored })
            })
            .collect();
        tensors.sort_unstable_keys();
        Ok(Self { path: path.to_owned(), reader, tensors, current: Mutex::new(None) })
    }

    fn bytes(&self, name: &str) -> Result<Vec<u8>, WeightError> {
        let tensor =
            self.reader.get(name).ok_or_else(|| WeightError::format(&self.path, format!("no tensor '{name}'")))?;
        let bytes = tensor.read().map_err(|error| WeightError::format(&self.path, format!("'{name}': {error}")))?;
        match bytes.len() == tensor.byte_len() {
            true => Ok(bytes),
            false => Err(WeightError::format(&self.path, format!("'{name}' is truncated"))),
        }
    }
}

impl Source for Pytorch {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &IndexMap<String, TensorInfo> {
        &self.tensors
    }

    fn read(&self, name: &str, start: usize, out: &mut [f32]) -> Result<(), WeightError> {
        let (_, info) = super::find(self, name, start, out.len())?;
        let mut current = self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if current.as_ref().is_none_or(|(held, _)| held != name) {
            *current = None; // before the next one is read: never two in memory
            *current = Some((name.to_owned(), self.bytes(name)?));
        }
        let width = info.stored.size();
        let bytes = current.as_ref().and_then(|(_, bytes)| bytes.get(start * width..(start + out.len()) * width));
        let bytes = bytes.ok_or_else(|| WeightError::format(&self.path, format!("'{name}' is truncated")))?;
        convert(info.stored, bytes, out);
        if start + out.len() == info.shape.iter().product::<usize>() {
            *current = None; // read to its end: nobody is likely to ask again
        }
        Ok(())
    }
}
