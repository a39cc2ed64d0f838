//! Why a model could not be had from the hub, and what to do.

use std::path::PathBuf;

/// Why a model could not be had from the hub or its cache.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The cache lacks files, and the network may not be used.
    #[error(
        "{repo}@{revision} is not in the hub's cache ({missing} is missing in {}), and HF_HUB_OFFLINE is set; unset it to download the \
         model, or set HF_HOME or HF_HUB_CACHE to a cache that has it", folder.display()
    )]
    Offline {
        /// `owner/name`
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// The model's folder in the cache.
        folder: PathBuf,
        /// What is not there.
        missing: String,
    },
    /// The cache lacks files, and the hub does not answer.
    #[error(
        "{repo}@{revision} is not in the hub's cache ({missing} is missing in {}), and the hub at {endpoint} cannot be reached: {reason}; \
         connect to a network, or set HF_HOME or HF_HUB_CACHE to a cache that has the model", folder.display()
    )]
    Unreachable {
        /// `owner/name`
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// The model's folder in the cache.
        folder: PathBuf,
        /// What is not there.
        missing: String,
        /// Address of the hub.
        endpoint: String,
        /// What the network said.
        reason: String,
    },
    /// The hub refuses to show the model to this user.
    #[error(
        "the hub refuses access to '{repo}', which is gated or private, or does not exist; check the name, accept its terms at \
         {endpoint}/{repo}, and set HF_TOKEN to a token of that account (a token was {})",
        if *.token { "sent" } else { "not set" }
    )]
    Refused {
        /// `owner/name`
        repo: String,
        /// Address of the hub.
        endpoint: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub has no such model or no such revision of it.
    #[error(
        "the hub at {endpoint} has no '{repo}' with a revision '{revision}'; check both names at {endpoint}/{repo}"
    )]
    NotFound {
        /// `owner/name`
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// Address of the hub.
        endpoint: String,
    },
    /// The repository has no file that weights are read from.
    #[error(
        "'{repo}' at {revision} has no config.json with model.safetensors or pytorch_model.bin (single or with an index); {}",
        match *.adapter {
            true => "it is an adapter (adapter_config.json): merge it into its base model first, and give that folder",
            false => "if it holds GGUF files, download one and give its path",
        }
    )]
    NoModel {
        /// `owner/name`
        repo: String,
        /// Branch, tag or commit.
        revision: String,
        /// Whether it holds an adapter.
        adapter: bool,
    },
    /// A download ended early or failed.
    #[error("{repo}: download of {file} failed: {reason}; run again to go on where it stopped")]
    Download {
        /// `owner/name`
        repo: String,
        /// The file.
        file: String,
        /// What went wrong.
        reason: String,
    },
    /// A name that would lead out of the cache.
    #[error("'{name}' is not a name of a repository or revision; write hf:owner/name@revision")]
    Name {
        /// The name.
        name: String,
    },
    /// A file in the cache could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no home directory to have a cache in.
    #[error("no home directory to keep models in; set HF_HOME to a folder")]
    NoHome,
}
