//! Files of weights: `model.safetensors`, `pytorch_model.bin`, and shards of either, behind [`WeightSource`].

mod error;
mod located;
mod outlasting;
mod pytorch;
mod safetensors;
mod shards;
mod source;

use located::find;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use error::WeightError;
pub(super) use outlasting::Outlasting;
pub use outlasting::WeightReads;
pub use pytorch::Pytorch;
pub use safetensors::Safetensors;
pub use shards::Shards;
pub use source::{NumberFormat, TensorInfo, WeightSource};

/// What to do with weights in floats of 8 bits or fewer.
pub(super) const FEW_BITS: &str = "floats of so few bits are not read; write the model in bfloat16 (in transformers: \
     from_pretrained(folder).to(torch.bfloat16).save_pretrained(other)), or use a GGUF file";

type Open = fn(&Path) -> Result<Box<dyn WeightSource>, WeightError>;

/// Names of weights in a folder, the preferred first, and what opens them.
const KINDS: [(&str, Open); 4] = [
    ("model.safetensors", |path| Ok(Box::new(Safetensors::open(path)?))),
    ("model.safetensors.index.json", |path| Ok(Box::new(Shards::open(path, Safetensors::open)?))),
    ("pytorch_model.bin", |path| Ok(Box::new(Pytorch::open(path)?))),
    ("pytorch_model.bin.index.json", |path| Ok(Box::new(Shards::open(path, Pytorch::open)?))),
];

/// Opens the weights of a Hugging Face directory: the first of `model.safetensors`, its index, `pytorch_model.bin`,
/// its index.
///
/// # Errors
/// When there is none of them, or the one that is there is not readable.
pub fn open(folder: &Path) -> Result<Box<dyn WeightSource>, WeightError> {
    let (path, open) = chosen(folder)?;
    open(&path)
}

/// The files that [`open`] reads: the weights, or the index and every file that it names.
///
/// # Errors
/// No weights, or an index that is not readable.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, WeightError> {
    let (path, _) = chosen(folder)?;
    let shards =
        if path.extension().is_some_and(|extension| extension == "json") { shards::files(&path)? } else { vec![] };
    Ok([path].into_iter().chain(shards).collect())
}

fn chosen(folder: &Path) -> Result<(PathBuf, Open), WeightError> {
    let found = KINDS.iter().map(|(name, open)| (folder.join(name), *open)).find(|(path, _)| path.is_file());
    found.ok_or_else(|| {
        let names = KINDS.map(|(name, _)| name);
        WeightError::format(
            folder,
            format!("there are no weights here; looked for {}{}", names.join(", "), others(folder)),
        )
    })
}

/// Files of a folder that are weights by their endings, for a sentence; empty where there are none.
fn others(folder: &Path) -> String {
    const ENDINGS: [&str; 7] = ["safetensors", "bin", "pt", "pth", "h5", "msgpack", "gguf"];
    let weights = |path: &Path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|other| ending == *other));
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let names =
        entries.filter(|path| weights(path)).filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    let gguf = names.iter().find(|name| name.ends_with(".gguf"));
    match (gguf, names.is_empty()) {
        (Some(name), _) => format!("; for the GGUF file give its path, '{}'", folder.join(name).display()),
        (None, false) => format!("; found {}, which would have to have one of these names", names.join(", ")),
        (None, true) => String::new(),
    }
}

/// Fills `bytes` from `offset`, without moving a cursor that threads would share.
pub(super) fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let (mut bytes, mut offset) = (bytes, offset);
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = &mut bytes[read..];
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }
}
