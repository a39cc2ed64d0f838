//! Finished steps handed from one store to another, each checked by its content before it counts.

mod folder;
mod remote;

pub use remote::RemoteStore;

use std::path::PathBuf;

/// Where another store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OtherStore {
    /// In a folder.
    Folder(PathBuf),
    /// On another machine that ssh reaches.
    Remote(RemoteStore),
}

/// What became of the entries that were to be handed on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExchangeSummary {
    /// Entries that were copied, and their bytes.
    pub copied: usize,
    /// Bytes of those.
    pub bytes: u64,
    /// Entries that were there.
    pub present: usize,
    /// Entries that are not as they were put, and were left, with what is wrong.
    pub damaged: Vec<(String, String)>,
}

impl OtherStore {
    /// A folder, or `HOST:FOLDER` as scp and rsync write it.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some((host, folder))
                if !host.is_empty() && !folder.is_empty() && !host.contains(['/', '\\']) && host.len() > 1 =>
            {
                Self::Remote(RemoteStore { host: host.to_string(), folder: folder.to_string() })
            }
            _ => Self::Folder(PathBuf::from(text)),
        }
    }
}
