//! What a file holds, by its first bytes: files are renamed, downloaded as something else, or not downloaded at all.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileContent {
    /// What git-lfs leaves in place of a file that it has not fetched.
    LfsPointer,
    /// A GGUF file.
    Gguf,
    /// A zip archive, as `torch.save` writes.
    Zip,
    /// A pickle, as `torch.save` wrote before 1.6.
    Pickle,
    /// A safetensors file.
    Safetensors,
    /// An HTML page.
    Page,
    /// What llama.cpp read before there was GGUF.
    Ggml,
    /// Something packed.
    Compressed,
    /// Nothing.
    Empty,
}

/// What a file holds, where that is one of these.
pub(super) fn of(path: &Path) -> Option<FileContent> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(64).read_to_end(&mut head).ok()?;
    let page = |text: &str| head.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()));
    if head.starts_with(b"version https://git-lfs") {
        Some(FileContent::LfsPointer)
    } else if head.starts_with(b"GGUF") {
        Some(FileContent::Gguf)
    } else if head.starts_with(b"PK\x03\x04") {
        Some(FileContent::Zip)
    } else if head.get(4..8) == Some(&[0; 4]) && head.get(8..10).is_some_and(|start| start == b"{\"" || start == b"{}")
    {
        Some(FileContent::Safetensors)
    } else if page("<!doctype html") || page("<html") {
        Some(FileContent::Page)
    } else if matches!(head.as_slice(), [0x80, 2..=5, ..]) {
        Some(FileContent::Pickle)
    } else if [b"lmgg", b"fmgg", b"tjgg"].iter().any(|magic| head.starts_with(*magic)) {
        Some(FileContent::Ggml)
    } else if head.starts_with(b"\x1f\x8b") || head.starts_with(b"\x28\xb5\x2f\xfd") || head.starts_with(b"\xfd7zXZ") {
        Some(FileContent::Compressed)
    } else if head.is_empty() {
        Some(FileContent::Empty)
    } else {
        None
    }
}

impl FileContent {
    /// Whether a file of this name may hold it.
    fn suits(self, path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match self {
            FileContent::Gguf => extension == "gguf",
            FileContent::Safetensors => extension == "safetensors",
            FileContent::Zip | FileContent::Pickle => matches!(extension, "bin" | "pt" | "pth"),
            FileContent::LfsPointer
            | FileContent::Page
            | FileContent::Ggml
            | FileContent::Compressed
            | FileContent::Empty => false,
        }
    }

    /// What it is and what to do.
    fn told(self) -> &'static str {
        match self {
            FileContent::LfsPointer => {
                "a git-lfs pointer, a few lines in place of the file itself: run `git lfs pull` in its folder"
            }
            FileContent::Gguf => {
                "a GGUF file under another name: give its path as the source, without the folder's other files"
            }
            FileContent::Zip | FileContent::Pickle => {
                "a file of PyTorch's under another name: call it pytorch_model.bin, beside a config.json, and give the folder"
            }
            FileContent::Safetensors => {
                "a safetensors file under another name: call it model.safetensors, beside a config.json, and give the folder"
            }
            FileContent::Ggml => "a file of llama.cpp's formats before GGUF: convert the model anew",
            FileContent::Compressed => "a packed file: unpack it first",
            FileContent::Empty => "an empty file: download it again",
            FileContent::Page => {
                "a web page in place of the file: download the file itself, with `hf download` or git-lfs"
            }
        }
    }
}

/// What a file is that is not what its name promises, and what to do.
pub(super) fn misnamed(path: &Path) -> Option<&'static str> {
    of(path).filter(|content| !content.suits(path)).map(FileContent::told)
}
