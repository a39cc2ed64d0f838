//! Files that are either whole or not there: written beside their final name, flushed to the disk, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Names of files that are being written.
const BEGINNING: &str = ".ablate-";
const ENDING: &str = ".part";

/// Removes what processes that were killed had begun to write into a folder. Nobody else must be writing into it.
pub fn remove_parts(folder: &Path) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = file.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(BEGINNING) && name.ends_with(ENDING) {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// A file that could not be written. Nothing is left under its name; what was there before is still there.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// What the operating system, or the code that produced the bytes, said.
    pub source: io::Error,
}

/// Writes `path` through `fill`, replacing what is there only when all bytes are on the disk. Missing folders are made.
///
/// # Errors
/// Names the path. A full disk, an interrupted write or an error of `fill` leaves nothing under the final name.
pub fn write_atomic(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
    write(path, fill).map_err(|source| WriteError { path: path.to_path_buf(), source })
}

fn write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    // In the same folder, because a rename is atomic only within one file system.
    let mut temporary = named(tempfile::Builder::new().prefix(BEGINNING).suffix(ENDING)).tempfile_in(folder)?;
    let mut buffered = BufWriter::with_capacity(1 << 16, temporary.as_file_mut());
    fill(&mut buffered)?;
    buffered.flush()?;
    drop(buffered);
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    sync_folder(folder);
    Ok(())
}

/// Results are for colleagues to read: the umask's permissions instead of a temporary file's owner-only ones.
fn named<'b, 'p, 's>(builder: &'b mut tempfile::Builder<'p, 's>) -> &'b mut tempfile::Builder<'p, 's> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666))
    }
    #[cfg(not(unix))]
    builder
}

/// The rename itself survives a power cut once the folder is on the disk. Some file systems cannot do this; the file
/// is complete either way, so that is no error.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
