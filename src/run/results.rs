//! The folder of results: `rows/`, `tables/`, `figures/`, `report.md`, `report.html`, `manifest.json`.

use super::atomic::{remove_parts, write_atomic};
use super::lock::{Lock, owner};
use crate::manifest::Checksum;
use crate::{Error, manifest, table};
use polars::prelude::DataFrame;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that results are written to, file by file, each whole or not at all.
#[derive(Debug)]
pub struct Results {
    dir: PathBuf,
    files: Vec<PathBuf>,
    /// Held where the folder takes locks: files of two runs are not to be mixed under one manifest.
    _lock: Option<Lock>,
}

/// Held by the run that writes into the folder, and gone with it.
const LOCK: &str = ".ablate-lock";

/// Folders of it that files are written into.
const PARTS: [&str; 5] = ["", "rows", "tables", "figures", "activations"];

impl Results {
    /// Makes the folder and tries out that it takes files, before any work is spent. One that another run is writing into is
    /// refused, and whose it is said; `spec` is told to others.
    pub fn create(dir: PathBuf, spec: &str) -> Result<Self, Error> {
        let lock = match Lock::take_without_trace(&dir.join(LOCK), spec) {
            Ok(Some(lock)) => Some(lock),
            Ok(None) => {
                let owner = owner(&dir.join(LOCK));
                let problem = format!(
                    "{owner}, is writing its results there; wait until it is done, or write another output.dir"
                );
                return Err(Error::refused(format!("output.dir '{}'", dir.display()))(problem));
            }
            Err(_) => None,
        };
        let probe = dir.join(".ablate-probe");
        write_atomic(&probe, |out| out.write_all(b"")).map_err(Error::refused("output.dir"))?;
        fs::remove_file(&probe).map_err(Error::refused(format!("output.dir '{}'", dir.display())))?;
        if lock.is_some() {
            PARTS.iter().for_each(|part| remove_parts(&dir.join(part)));
        }
        // A report of the run before would be taken for this one's, should this one not get to its end.
        for stale in ["report.md", "report.html", manifest::FILE] {
            let _ = fs::remove_file(dir.join(stale));
        }
        Ok(Self { dir, files: Vec::new(), _lock: lock })
    }

    /// Where it is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes `tables/NAME.csv` and `tables/NAME.parquet`.
    pub fn table(&mut self, name: &str, frame: &DataFrame) -> Result<table::Files, Error> {
        let files =
            table::write(frame, &self.dir.join("tables"), name).map_err(Error::failed(format!("table '{name}'")))?;
        self.files.extend([files.csv.clone(), files.parquet.clone()]);
        Ok(files)
    }

    /// Writes `rows/NAME.parquet`: a step's own rows, which can be many.
    pub fn rows(&mut self, name: &str, frame: &DataFrame) -> Result<(), Error> {
        let path = self.dir.join("rows").join(format!("{name}.parquet"));
        table::write_parquet(frame, &path).map_err(Error::failed(format!("rows '{name}'")))?;
        self.files.push(path);
        Ok(())
    }

    /// Takes note of files that were written into the folder.
    pub fn wrote(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        self.files.extend(files);
    }

    /// Writes a text file.
    pub fn text(&mut self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.dir.join(name);
        write_atomic(&path, |out| out.write_all(text.as_bytes())).map_err(Error::failed(name))?;
        self.files.push(path.clone());
        Ok(path)
    }

    /// Checksums of everything written so far, in the order it was written.
    pub fn checksums(&self) -> Result<Vec<Checksum>, Error> {
        self.files.iter().map(|file| self.checksum(file)).collect()
    }

    fn checksum(&self, file: &Path) -> Result<Checksum, Error> {
        let bytes = fs::read(file).map_err(Error::failed(file.display()))?;
        let path = file.strip_prefix(&self.dir).unwrap_or(file).display().to_string();
        Ok(Checksum { path, sha256: format!("{:x}", Sha256::digest(&bytes)) })
    }
}
