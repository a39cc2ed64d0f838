//! The hub's cache and, where there is a network, downloads into it.

mod cache;
mod download;
mod error;

use std::path::{Path, PathBuf};

pub use error::HubError;

/// Where models come from: the hub's cache, and the hub.
#[derive(Debug, Clone)]
pub struct Hub {
    cache: PathBuf,
    endpoint: String,
    token: Option<String>,
    offline: bool,
    quiet: bool,
}

/// The folder of a model's files, from the hub's cache or downloaded into it; progress is shown on standard error, unless
/// `quiet`. The environment is that of [`Hub::from_env`].
///
/// # Errors
/// As [`Hub::snapshot`].
pub fn snapshot(repo: &str, revision: &str, quiet: bool) -> Result<PathBuf, HubError> {
    let hub = Hub::from_env()?;
    if quiet { hub.quiet() } else { hub }.snapshot(repo, revision)
}

impl Hub {
    /// As the environment says, with the variables of Python's `huggingface_hub`: the cache is `HF_HUB_CACHE`, else
    /// `HF_HOME/hub`, else `~/.cache/huggingface/hub`; `HF_ENDPOINT` is the hub's address; `HF_TOKEN`, else the file
    /// `HF_TOKEN_PATH`, else `HF_HOME/token`, is sent to it; with `HF_HUB_OFFLINE` set to 1 nothing is sent at all.
    ///
    /// # Errors
    /// No home directory and no variable that stands in for it.
    pub fn from_env() -> Result<Self, HubError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// As [`Hub::from_env`], with the variables looked up by `get`.
    ///
    /// # Errors
    /// As [`Hub::from_env`].
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, HubError> {
        let var = |name: &str| get(name).filter(|value| !value.is_empty());
        let home = var("HF_HOME").map(PathBuf::from).or_else(|| {
            let caches = var("XDG_CACHE_HOME").map(PathBuf::from);
            let caches = caches.or_else(|| Some(Path::new(&var("HOME").or(var("USERPROFILE"))?).join(".cache")));
            Some(caches?.join("huggingface"))
        });
        let cache = var("HF_HUB_CACHE").map(PathBuf::from);
        let cache = cache.or_else(|| Some(home.as_ref()?.join("hub"))).ok_or(HubError::NoHome)?;
        let token_file = var("HF_TOKEN_PATH").map(PathBuf::from).or_else(|| Some(home?.join("token")));
        let in_file = || Some(std::fs::read_to_string(token_file?).ok()?.trim().to_string());
        let endpoint = var("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let offline = var("HF_HUB_OFFLINE").or_else(|| var("TRANSFORMERS_OFFLINE"));
        let yes = |value: String| matches!(&*value.to_lowercase(), "1" | "on" | "yes" | "true");
        Ok(Self {
            // hf-hub links files relative to each other, which takes absolute paths.
            cache: std::path::absolute(&cache).unwrap_or(cache),
            endpoint: endpoint.trim_end_matches('/').into(),
            token: var("HF_TOKEN").or_else(in_file).filter(|token| !token.is_empty()),
            offline: offline.is_some_and(yes),
            quiet: false,
        })
    }

    /// The same without progress on standard error.
    pub fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// The folder of a model's files. A revision that is complete in the cache is used without asking the hub, so a
    /// branch stays at the commit it was first downloaded at; any other is downloaded.
    ///
    /// # Errors
    /// Not in the cache and not to be had: each [`HubError`] says what to do.
    pub fn snapshot(&self, repo: &str, revision: &str) -> Result<PathBuf, HubError> {
        for name in [repo, revision] {
            if !cache::is_name(name) {
                return Err(HubError::Name { name: name.into() });
            }
        }
        let folder = cache::model_folder(&self.cache, repo);
        let cached = cache::snapshot(&folder, revision);
        let missing = match &cached {
            None => "everything".into(),
            Some(snapshot) => match cache::missing(snapshot) {
                None => return Ok(snapshot.clone()),
                Some(file) => file,
            },
        };
        let (repo, revision) = (repo.to_string(), revision.to_string());
        if self.offline {
            return Err(HubError::Offline { repo, revision, folder, missing });
        }
        download::Download { hub: self, repo, revision, folder, missing }.run()
    }
}
