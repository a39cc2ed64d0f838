//! A safetensors file written tensor by tensor, so that its bytes are never in memory as a whole
//! (<https://huggingface.co/docs/safetensors>: length of the header, header in JSON, data).

use crate::system::atomic::{WriteError, write_atomic};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Values of a tensor, the last extent fastest.
pub enum Data<'d> {
    /// `I64`
    Integers(Vec<i64>),
    /// `F32`
    Floats(&'d [f32]),
}

/// A tensor.
pub struct FileTensor<'d> {
    /// Extents.
    pub shape: Vec<usize>,
    /// As many values as the extents say.
    pub data: Data<'d>,
}

/// Values turned into bytes at once.
const VALUES_AT_ONCE: usize = 1 << 14;

/// Writes tensors in the order given, those of 8 bytes a value first so that all are aligned. The same tensors and metadata
/// give the same bytes.
///
/// # Errors
/// What the operating system says.
pub fn write(path: &Path, metadata: &[(&str, String)], tensors: &[(String, FileTensor)]) -> Result<(), WriteError> {
    let mut header = header(metadata, tensors).into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    write_atomic(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        tensors.iter().try_for_each(|(_, tensor)| match &tensor.data {
            Data::Integers(values) => in_parts(out, values, |value| value.to_le_bytes()),
            Data::Floats(values) => in_parts(out, values, |value| value.to_le_bytes()),
        })
    })
}

fn header(metadata: &[(&str, String)], tensors: &[(String, FileTensor)]) -> String {
    let metadata: Map<String, Value> =
        metadata.iter().map(|(key, text)| (key.to_string(), text.as_str().into())).collect();
    let mut header = Map::from_iter([("__metadata__".to_string(), Value::from(metadata))]);
    let mut start = 0;
    for (name, FileTensor { shape, data }) in tensors {
        let (dtype, bytes) = match data {
            Data::Integers(values) => ("I64", size_of_val(values.as_slice())),
            Data::Floats(values) => ("F32", size_of_val(*values)),
        };
        let entry = json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, start + bytes] });
        header.insert(name.clone(), entry);
        start += bytes;
    }
    Value::from(header).to_string()
}

fn in_parts<T: Copy, const N: usize>(out: &mut dyn Write, values: &[T], bytes: fn(T) -> [u8; N]) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(VALUES_AT_ONCE * N);
    values.chunks(VALUES_AT_ONCE).try_for_each(|part| {
        buffer.clear();
        buffer.extend(part.iter().flat_map(|&value| bytes(value)));
        out.write_all(&buffer)
    })
}
