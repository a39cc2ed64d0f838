//! Downloads of a model's files into the hub's cache.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use hf_hub::api::Progress;
use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use hf_hub::{Repo, RepoType};
use indicatif::ProgressBar;

use super::cache::{SMALL_FILES, WEIGHTS, is_name, missing, shards};
use super::{Hub, HubError};

/// A model to be downloaded, and what to say when it cannot be.
pub(super) struct Download<'a> {
    pub hub: &'a Hub,
    pub repo: String,
    pub revision: String,
    /// The model's folder in the cache.
    pub folder: PathBuf,
    /// What the cache lacks.
    pub missing: String,
}

impl Download<'_> {
    /// Downloads what is not there yet, the weights last, and makes the revision known to the cache when all is there:
    /// a model that the cache knows is complete.
    pub fn run(self) -> Result<PathBuf, HubError> {
        let named = self.connect(&self.revision)?;
        let info = named.info().map_err(|e| self.explain(e, LIST))?;
        let there = |name: &str| info.siblings.iter().any(|file| file.rfilename == name);
        let Some(weights) = WEIGHTS.into_iter().find(|name| there(name)).filter(|_| there("config.json")) else {
            let adapter = there("adapter_config.json");
            return Err(HubError::NoModel { repo: self.repo, revision: self.revision, adapter });
        };
        if !is_name(&info.sha) {
            return Err(HubError::Name { name: info.sha });
        }
        // By commit: all files are of one state of the repository, whatever is pushed meanwhile.
        let commit = self.connect(&info.sha)?;
        let snapshot = self.folder.join("snapshots").join(&info.sha);
        for name in SMALL_FILES.into_iter().filter(|name| there(name)) {
            self.fetch(&commit, &snapshot, name)?;
        }
        self.fetch(&commit, &snapshot, weights)?;
        if weights.ends_with(".index.json") {
            for shard in shards(&snapshot.join(weights)).unwrap_or_default() {
                self.fetch(&commit, &snapshot, &shard)?;
            }
        }
        if let Some(file) = missing(&snapshot) {
            let reason = "the repository has no such file".into();
            return Err(HubError::Download { repo: self.repo, file, reason });
        }
        self.write_ref(&info.sha)?;
        Ok(snapshot)
    }

    fn connect(&self, revision: &str) -> Result<ApiRepo, HubError> {
        let Hub { cache, endpoint, token, .. } = self.hub;
        let api = ApiBuilder::new()
            .with_cache_dir(cache.clone())
            .with_endpoint(endpoint.clone())
            .with_token(token.clone())
            .with_retries(3)
            .build()
            .map_err(|e| self.explain(e, "the connection"))?;
        Ok(api.repo(Repo::with_revision(self.repo.clone(), RepoType::Model, revision.into())))
    }

    /// Downloads a file that is not there; one that ends early is not kept under its name.
    fn fetch(&self, api: &ApiRepo, snapshot: &Path, name: &str) -> Result<(), HubError> {
        let path = snapshot.join(name);
        if path.is_file() {
            return Ok(());
        }
        if let Ok(broken) = fs::symlink_metadata(&path)
            && broken.is_symlink()
        {
            self.io(&path, fs::remove_file(&path))?;
        }
        let mut came = self.attempt(api, &path, name)?;
        if came.is_err_and(|(size, whole)| size > whole) {
            // It was put after what an earlier run had left; that is gone now.
            came = self.attempt(api, &path, name)?;
        }
        came.map_err(|(size, whole)| {
            let reason = format!("{size} of {whole} bytes came");
            HubError::Download { repo: self.repo.clone(), file: name.into(), reason }
        })
    }

    /// Downloads a file and checks its length, which the hub's client does not: it takes the end of a connection for the
    /// end of a file. One of another length is removed, and its length given with the right one.
    fn attempt(&self, api: &ApiRepo, path: &Path, name: &str) -> Result<Result<(), (u64, u64)>, HubError> {
        let expected = Rc::new(Cell::new(0));
        let size = self.download(api, name, &expected).and_then(|path| Ok(fs::metadata(path)?.len()));
        let size = size.map_err(|e| self.explain(e, name))?;
        if size == expected.get() {
            return Ok(Ok(()));
        }
        if let Ok(blob) = fs::canonicalize(path) {
            self.io(&blob, fs::remove_file(&blob))?;
        }
        if fs::symlink_metadata(path).is_ok() {
            self.io(path, fs::remove_file(path))?;
        }
        Ok(Err((size, expected.get())))
    }

    fn download(&self, api: &ApiRepo, name: &str, expected: &Rc<Cell<u64>>) -> Result<PathBuf, ApiError> {
        let shown = || {
            let bar = if self.hub.quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
            if bar.is_hidden() && !self.hub.quiet {
                eprintln!("downloading {}/{name}", self.repo);
            }
            Shown { bar, expected: Rc::clone(expected) }
        };
        match api.download_with_progress(name, shown()) {
            // What an earlier run left is not the beginning of this file.
            Err(ApiError::InvalidResume) => self.restart(api, name, shown()),
            Err(error) if status(&error) == Some(416) => self.restart(api, name, shown()),
            other => other,
        }
    }

    /// Forgets unfinished downloads of this model, then downloads.
    fn restart(&self, api: &ApiRepo, name: &str, shown: Shown) -> Result<PathBuf, ApiError> {
        for entry in fs::read_dir(self.folder.join("blobs"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(path)?;
            }
        }
        api.download_with_progress(name, shown)
    }

    /// Makes the revision mean this commit, in one step.
    fn write_ref(&self, commit: &str) -> Result<(), HubError> {
        let path = self.folder.join("refs").join(&self.revision);
        let folder = path.parent().unwrap_or(&self.folder);
        let write = || {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            std::io::Write::write_all(&mut file, commit.as_bytes())?;
            file.persist(&path).map_err(|e| e.error)
        };
        self.io(&path, write().map(drop))
    }

    fn io(&self, path: &Path, result: std::io::Result<()>) -> Result<(), HubError> {
        result.map_err(|source| HubError::Io { path: path.into(), source })
    }

    fn explain(&self, error: ApiError, file: &str) -> HubError {
        let (repo, endpoint) = (self.repo.clone(), self.hub.endpoint.clone());
        let revision = self.revision.clone();
        match (status(&error), &error) {
            (Some(401 | 403), _) => HubError::Refused { repo, endpoint, token: self.hub.token.is_some() },
            (Some(404), _) => HubError::NotFound { repo, revision, endpoint },
            (None, ApiError::RequestError(reason)) if file == LIST => {
                let (folder, missing, reason) = (self.folder.clone(), self.missing.clone(), reason.to_string());
                HubError::Unreachable { repo, revision, folder, missing, endpoint, reason }
            }
            _ => HubError::Download { repo, file: file.into(), reason: error.to_string() },
        }
    }
}

/// What is asked for first: where there is no answer to that, there is no hub.
const LIST: &str = "the list of files";

/// The HTTP status of a request that failed with one.
fn status(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::RequestError(error) => match **error {
            ureq::Error::StatusCode(status) => Some(status),
            _ => None,
        },
        ApiError::TooManyRetries(error) => status(error),
        _ => None,
    }
}

/// A bar on a terminal, which remembers how long the file is.
struct Shown {
    bar: ProgressBar,
    expected: Rc<Cell<u64>>,
}

impl Progress for Shown {
    fn init(&mut self, size: usize, file: &str) {
        self.expected.set(size as u64);
        Progress::init(&mut self.bar, size, file);
        self.bar.set_position(0);
    }

    fn update(&mut self, size: usize) {
        Progress::update(&mut self.bar, size);
    }

    fn finish(&mut self) {
        Progress::finish(&mut self.bar);
    }
}
