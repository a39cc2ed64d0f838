//! The text of a spec file, where it can be one.

use super::error::SpecError;
use super::source::{LARGEST, Source, checksum};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads a file, refusing what cannot be a spec: too large, not UTF-8, empty. Files that are `seen`, by their canonical paths, are not what a
/// name that is not there stands for.
pub(super) fn read(path: &Path, seen: &[PathBuf]) -> Result<Arc<Source>, SpecError> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        SpecError::new(format!("cannot read {name}: {}", plain_reason(&error))).advise_option(sibling(path, seen))
    };
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Err(SpecError::new(format!("{name} is a folder; name a spec file in it")));
    }
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err(SpecError::new(format!("{name} is larger than 1 MiB, which no spec is")));
    }
    let directory = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let sha256 = checksum(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&name, &directory, error))?;
    let text = text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text);
    if text.trim().is_empty() {
        return Err(SpecError::new(format!("{name} is empty")).advise("a spec starts with: title = \"…\""));
    }
    Ok(Source::new(name, directory, text, sha256))
}

fn not_utf8(name: &str, directory: &Path, error: std::string::FromUtf8Error) -> SpecError {
    let offset = error.utf8_error().valid_up_to();
    let byte = error.as_bytes().get(offset).copied().unwrap_or(0);
    let mut bytes = error.into_bytes();
    bytes.truncate(offset);
    let text = String::from_utf8(bytes).unwrap_or_default();
    let source = Source::new(name.to_string(), directory.to_path_buf(), text, String::new());
    SpecError::new(format!("{name} is not UTF-8: byte {byte:#04x} at offset {offset}"))
        .advise("save the file as UTF-8")
        .at(&source, offset..offset, "everything before this is UTF-8")
}

/// The reason without the operating system's error number.
fn plain_reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// A file of nearly this name in the same folder.
fn sibling(path: &Path, seen: &[PathBuf]) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .take(1000)
        .filter_map(Result::ok)
        .filter(|entry| !entry.path().canonicalize().is_ok_and(|path| seen.contains(&path)))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    let near = super::nearest(name, names.iter().map(String::as_str).filter(|known| *known != name))?;
    Some(format!("write '{near}', which is there"))
}
