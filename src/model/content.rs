//! What a file holds, by its first bytes: files are renamed, downloaded as something else, or not downloaded at all.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
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
}

/// What a file holds, where that is one of these.
pub(super) fn of(path: &Path) -> Option<Content> {
    let mut head = Vec::new();
    File::open(path).ok()?.take(64).read_to_end(&mut head).ok()?;
    let page = |text: &str| head.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()));
    if head.starts_with(b"version https://git-lfs") {
        Some(Content::LfsPointer)
    } else if head.starts_with(b"GGUF") {
        Some(Content::Gguf)
    } else if head.starts_with(b"PK\x03\x04") {
        Some(Content::Zip)
    } else if head.get(4..8) == Some(&[0; 4]) && head.get(8..10).is_some_and(|start| start == b"{\"" || start == b"{}")
    {
        Some(Content::Safetensors)
    } else if page("<!doctype html") || page("<html") {
        Some(Content::Page)
    } else if matches!(head.as_slice(), [0x80, 2..=5, ..]) {
        Some(Content::Pickle)
    } else {
        None
    }
}

impl Content {
    /// Whether a file of this name may hold it.
    fn suits(self, path: &Path) -> bool {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match self {
            Content::Gguf => extension == "gguf",
            Content::Safetensors => extension == "safetensors",
            Content::Zip | Content::Pickle => matches!(extension, "bin" | "pt" | "pth"),
            Content::LfsPointer | Content::Page => false,
        }
    }

    /// What it is and what to do.
    fn told(self) -> &'static str {
        match self {
            Content::LfsPointer => {
                "a git-lfs pointer, a few lines in place of the file itself: run `git lfs pull` in its folder"
            }
            Content::Gguf => {
                "a GGUF file under another name: give its path as the source, without the folder's other files"
            }
            Content::Zip | Content::Pickle => "a file of PyTorch's under another name: call it pytorch_model.bin",
            Content::Safetensors => "a safetensors file under another name: call it model.safetensors",
            Content::Page => "a web page in place of the file: download the file itself, with `hf download` or git-lfs",
        }
    }
}

/// What a file is that is not what its name promises, and what to do.
pub(super) fn misnamed(path: &Path) -> Option<&'static str> {
    of(path).filter(|content| !content.suits(path)).map(Content::told)
}
