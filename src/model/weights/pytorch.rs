//! A `pytorch_model.bin`: what `torch.save` writes, read by burn's reader, which runs no code of the file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use indexmap::IndexMap;
use pytorch_reader::{DType, PytorchReader};

use super::WeightError;
use super::source::{NumberFormat, TensorInfo, WeightSource, convert};

/// An open `pytorch_model.bin`.
pub struct Pytorch {
    path: PathBuf,
    reader: PytorchReader,
    tensors: IndexMap<String, TensorInfo>,
    /// Names of the types that are not read.
    formats: HashMap<String, String>,
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
        let reader = PytorchReader::new(path).map_err(|error| {
            let error = error.to_string();
            let known = error.contains("float8").then(|| format!("it holds 8-bit floats: {}", super::FEW_BITS));
            WeightError::format(path, known.unwrap_or(error))
        })?;
        let mut formats = HashMap::new();
        let mut tensors: IndexMap<_, _> = reader
            .tensors()
            .iter()
            .map(|(name, tensor)| {
                let stored = match tensor.dtype() {
                    DType::F64 => NumberFormat::F64,
                    DType::F32 => NumberFormat::F32,
                    DType::F16 => NumberFormat::F16,
                    DType::BF16 => NumberFormat::Bf16,
                    other => {
                        formats.insert(name.clone(), format!("{other:?}"));
                        NumberFormat::Other(other.size())
                    }
                };
                (name.clone(), TensorInfo { shape: tensor.shape().to_vec(), stored })
            })
            .collect();
        tensors.sort_unstable_keys();
        Ok(Self { path: path.to_owned(), reader, tensors, formats, current: Mutex::new(None) })
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

impl WeightSource for Pytorch {
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

    fn equal(&self, a: &str, b: &str) -> Result<bool, WeightError> {
        // A tensor can only be read whole: both are held, as they are stored.
        match (self.tensors.get(a), self.tensors.get(b)) {
            (Some(of_a), Some(of_b)) if of_a == of_b && !matches!(of_a.stored, NumberFormat::Other(_)) => {
                Ok(self.bytes(a)? == self.bytes(b)?)
            }
            _ => super::source::equal_piecewise(self, a, b),
        }
    }

    fn format_of(&self, name: &str) -> &str {
        self.formats
            .get(name)
            .map_or_else(|| self.tensors.get(name).map_or("", |info| info.stored.name()), String::as_str)
    }
}
