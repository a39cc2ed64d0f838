//! The folder of results: `rows/`, `tables/`, `figures/`, `report.md`, `report.html`, `manifest.json`.
//!
//! A run writes into a folder of its own within it, and what was there stays as it is until all that is new is whole; then the new
//! files take the places of the old ones (see [`replace`]).

pub mod replace;

pub use replace::settle;

use crate::manifest::{self, Checksum, Manifest, unfinished};
use crate::system::atomic::{WriteError, remove_parts, write_atomic};
use crate::system::claim::{Claim, ClaimTerms, ClaimWatch, holder};
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::system::time::rfc3339_now;
use crate::{Error, table};
use polars::prelude::DataFrame;
use replace::{EarlierResults, Replaced};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

/// A folder that results are written to, file by file, each whole or not at all.
#[derive(Debug)]
pub struct Results {
    place: PathBuf,
    /// Where files are until all are there.
    dir: PathBuf,
    files: Vec<PathBuf>,
    earlier: EarlierResults,
    /// Held where the folder takes files: those of two runs are not to be mixed under one manifest.
    _claim: Option<Claim>,
}

/// A folder of results that no other run writes into meanwhile, as it was found.
#[derive(Debug)]
pub struct ClaimedFolder {
    place: PathBuf,
    /// What is there; nothing where a run has left something that is not in its place.
    earlier: Option<EarlierResults>,
    claim: Option<Claim>,
}

/// Between two looks at a claim whose holder may be alive or not.
const PAUSE: Duration = Duration::from_millis(500);
/// What versions before locked, in the place of a claim.
const LOCK: &str = ".ablate-lock";

/// Folders of it that files are written into.
const PARTS: [&str; 6] = ["", "rows", "tables", "figures", "activations", "directions"];

impl ClaimedFolder {
    /// Makes the folder, unless it is there. One that another run is writing into is refused, and whose it is said; `spec` is told to
    /// others.
    ///
    /// # Errors
    /// Another run; Ctrl-C.
    pub fn take(dir: PathBuf, spec: &str, progress: &Progress) -> Result<Self, Error> {
        let claim = claim(&dir, spec, progress)?;
        let earlier = (!replace::is_left(&dir)).then(|| EarlierResults::of(&dir));
        Ok(Self { place: dir, earlier, claim })
    }

    /// Where it is.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The manifest of the results that are there; none where a run has left something that is not in its place.
    pub fn earlier(&self) -> Option<&Manifest> {
        self.earlier.as_ref()?.manifest.as_ref()
    }

    /// Begins to write into it, once it was tried out that it takes files, before any work is spent; `command` is told to others.
    ///
    /// # Errors
    /// A folder that takes none.
    pub fn begin(self, command: &str) -> Result<Results, Error> {
        let Self { place: dir, earlier, claim } = self;
        let _ = fs::remove_file(dir.join(LOCK));
        let refused = || format!("output.dir '{}'", dir.display());
        for part in PARTS.iter().map(|part| dir.join(part)).filter(|part| *part == dir || part.is_dir()) {
            let probe = part.join(".ablate-probe");
            write_atomic(&probe, |out| out.write_all(b"")).map_err(|error| {
                let problem =
                    format!("cannot be written: {}; make it writable, or write another output.dir", error.source);
                Error::refused(refused())(problem)
            })?;
            fs::remove_file(&probe).map_err(Error::refused(refused()))?;
            if claim.is_some() {
                remove_parts(&part);
            }
        }
        // A run that had all its files and was ended while they went to their places.
        replace::go_on(&dir)?;
        let unfinished = dir.join(unfinished::FOLDER);
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::refused(refused())(error)),
            _ => {}
        }
        let run = manifest::Unfinished {
            command: command.to_string(),
            started: rfc3339_now(),
            process: std::process::id(),
            running: false,
        };
        let text = serde_json::to_vec(&run).map_err(Error::refused(refused()))?;
        write_atomic(&unfinished.join(unfinished::RUN), |out| out.write_all(&text))
            .map_err(Error::refused("output.dir"))?;
        let earlier = earlier.unwrap_or_else(|| EarlierResults::of(&dir));
        Ok(Results { earlier, dir: unfinished, place: dir, files: Vec::new(), _claim: claim })
    }
}

impl Results {
    /// Where files are written while the run goes on.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where they are in the end.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The manifest of the results that are there already.
    pub fn earlier(&self) -> Option<&Manifest> {
        self.earlier.manifest.as_ref()
    }

    /// Writes `tables/NAME.csv` and `tables/NAME.parquet`.
    pub fn table(&mut self, name: &str, frame: &DataFrame) -> Result<table::TableFiles, Error> {
        let about = || format!("table '{name}'");
        ["csv", "parquet"]
            .iter()
            .try_for_each(|ending| self.free(&format!("tables/{name}.{ending}")).map_err(Error::failed(about())))?;
        let files = table::write(frame, &self.dir.join("tables"), name).map_err(Error::failed(about()))?;
        self.files.extend([files.csv.clone(), files.parquet.clone()]);
        Ok(files)
    }

    /// Writes `rows/NAME.parquet`: a step's own rows, which can be many.
    pub fn rows(&mut self, name: &str, frame: &DataFrame) -> Result<(), Error> {
        let file = format!("rows/{name}.parquet");
        let path = self.dir.join(&file);
        let about = || format!("rows '{name}'");
        self.free(&file).map_err(Error::failed(about()))?;
        table::write_parquet(frame, &path).map_err(Error::failed(about()))?;
        self.files.push(path);
        Ok(())
    }

    /// Whether a file can be put in its place at the end: what is in its way is found while there is a part to fail for it.
    ///
    /// # Errors
    /// A folder of its name, and a file of its folder's name.
    pub fn free(&self, file: &str) -> Result<(), WriteError> {
        let path = self.place.join(file);
        let kind = match path.parent().is_some_and(|parent| parent.exists() && !parent.is_dir()) {
            true => io::ErrorKind::NotADirectory,
            false if path.is_dir() => io::ErrorKind::IsADirectory,
            false => return Ok(()),
        };
        Err(WriteError { path, source: kind.into() })
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

    /// Files of earlier runs that are still there and that this run has not made.
    pub fn left_over(&self, made: &[Checksum]) -> Vec<Checksum> {
        self.earlier.left_over(&self.place, made)
    }

    /// Puts everything in its place; files of earlier runs in `superseded` go, unless someone has changed them since.
    ///
    /// # Errors
    /// Files that cannot be moved: the next command about the folder goes on with it.
    pub fn publish(&self, superseded: &[Checksum]) -> Result<Replaced, Error> {
        replace::all(&self.place, superseded)
    }
}

/// The claim on a folder of results. `None`: the folder takes no files, which is found out next.
///
/// # Errors
/// Another run that is writing into it, on this machine or on another; Ctrl-C.
fn claim(dir: &Path, spec: &str, progress: &Progress) -> Result<Option<Claim>, Error> {
    let path = dir.join(unfinished::CLAIM);
    let mut watch = ClaimWatch::at(&path, ClaimTerms::STANDARD);
    let mut is_told = false;
    loop {
        match watch.take(spec) {
            Ok(Some(claim)) => return Ok(Some(claim)),
            Ok(None) if watch.is_alive() => {
                let problem = format!(
                    "{}, is writing its results there; wait until it is done, or write another output.dir",
                    holder(&path)
                );
                return Err(Error::refused(format!("output.dir '{}'", dir.display()))(problem));
            }
            Ok(None) => {
                // Of another machine: it touches its claim every few seconds, or is gone.
                if !std::mem::replace(&mut is_told, true) {
                    let who = holder(&path);
                    progress
                        .say(&format!("{}: looking whether {who}, is still writing its results there", dir.display()));
                }
                interrupt::check()?;
                std::thread::sleep(PAUSE);
            }
            Err(_) => return Ok(None),
        }
    }
}
