//! Where a model comes from, as a spec or a command line writes it.

use std::path::{Path, PathBuf};

use super::advice;
use super::content::{self, FileContent};

/// A parsed `source`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelSource {
    /// `builtin:NAME`, part of the binary; a `checkpoint` that is asked of one is refused when it is opened, which says where
    /// the model's checkpoints are.
    Builtin { name: String, checkpoint: Option<String> },
    /// A folder with `config.json`, a tokenizer and weights.
    Folder(PathBuf),
    /// A GGUF file.
    Gguf(PathBuf),
    /// `hf:owner/name@revision`
    Hub { repo: String, revision: String },
    /// `random:CONFIG.json#SEED`
    Random { config: PathBuf, seed: u64 },
}

/// What is wrong with a `source`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No such scheme.
    #[error(
        "unknown kind of model source '{0}:'; write a folder, a .gguf file, hf:owner/name@revision, builtin:arith or \
         random:CONFIG.json#SEED"
    )]
    Scheme(String),
    /// Malformed after the scheme.
    #[error("model source '{text}' cannot be read; write {form}")]
    Form { text: String, form: String },
    /// A path that leads nowhere.
    #[error("no model at '{text}': {from} has no such file or folder{advice}")]
    Missing {
        /// The path as it is written.
        text: String,
        /// The folder from which it was looked for, in words.
        from: String,
        /// What to write instead, after a semicolon; empty where nothing is known.
        advice: String,
    },
    /// A folder without the checkpoint that is asked for.
    #[error("model '{text}' has no checkpoint '{checkpoint}': its folder has no such subfolder{advice}")]
    MissingCheckpoint {
        /// The model as it is written.
        text: String,
        /// The subfolder.
        checkpoint: String,
        /// The subfolders that there are, after a semicolon; empty where there is none.
        advice: String,
    },
    /// A path to something else.
    #[error("'{}' is neither a folder with config.json nor a GGUF file{advice}", .path.display())]
    NotAModel {
        /// The path.
        path: PathBuf,
        /// What it is and what to write instead; empty where nothing is known.
        advice: String,
    },
    /// A checkpoint asked of a source that has none.
    #[error(
        "model source '{0}' has no checkpoints; write hf:owner/name (they are its revisions) or a folder (its subfolders)"
    )]
    NoCheckpoints(String),
}

impl ModelSource {
    /// Reads `text`; paths are relative to `base`. `checkpoint` is a revision of `hf:`, a subfolder of a
    /// folder; no other source has any.
    pub fn parse(text: &str, base: &Path, checkpoint: Option<&str>) -> Result<Self, SourceError> {
        if let Some((scheme, rest)) = text.split_once(':')
            && !scheme.contains(['/', '\\', '.'])
        {
            return Self::parse_scheme(text, scheme, rest, base, checkpoint);
        }
        let path = Self::path(text, base);
        let path = match checkpoint {
            Some(name) if path.is_dir() => {
                let folder = path.join(name);
                if !folder.exists() {
                    let (text, checkpoint) = (text.to_string(), name.to_string());
                    return Err(SourceError::MissingCheckpoint {
                        text,
                        checkpoint,
                        advice: advice::checkpoints(&path),
                    });
                }
                folder
            }
            Some(_) if path.is_file() => return Err(SourceError::NoCheckpoints(text.into())),
            _ => path,
        };
        if path.is_dir() {
            Ok(ModelSource::Folder(path))
        } else if !path.exists() {
            Err(Self::missing(text, base))
        } else if path.extension().is_some_and(|extension| extension == "gguf")
            || content::of(&path) == Some(FileContent::Gguf)
        {
            Ok(ModelSource::Gguf(path))
        } else {
            Err(SourceError::NotAModel { advice: advice::for_file(&path), path })
        }
    }

    /// The path that `text` names: from `base`, or from the home folder where it begins with `~/`, which no shell expands within
    /// a spec or after a `=`.
    fn path(text: &str, base: &Path) -> PathBuf {
        let path = base.join(text);
        match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) if !home.is_empty() && !path.exists() => Path::new(&home).join(rest),
            _ => path,
        }
    }

    fn missing(text: &str, base: &Path) -> SourceError {
        let (from, advice) = (advice::looked_from(text, base), advice::for_missing(text, base));
        SourceError::Missing { text: text.into(), from, advice }
    }

    fn parse_scheme(
        text: &str,
        scheme: &str,
        rest: &str,
        base: &Path,
        checkpoint: Option<&str>,
    ) -> Result<Self, SourceError> {
        let (name, at) = match rest.split_once('@') {
            Some((name, at)) => (name, Some(at)),
            None => (rest, None),
        };
        let revision = checkpoint.or(at).map(String::from);
        let form = |form: &str| SourceError::Form { text: text.into(), form: form.into() };
        match scheme {
            "builtin" => Ok(ModelSource::Builtin { name: name.into(), checkpoint: revision }),
            "hf" => {
                let parts: Vec<&str> = name.split('/').collect();
                if let Some(known) = advice::of_old_name(name) {
                    return Err(form(&format!("hf:{known}")));
                }
                if parts.len() != 2 || parts.iter().any(|part| part.is_empty() || *part == "..") || at == Some("") {
                    return Err(form("hf:owner/name or hf:owner/name@revision"));
                }
                Ok(ModelSource::Hub { repo: name.into(), revision: revision.unwrap_or_else(|| "main".into()) })
            }
            "random" => {
                if checkpoint.is_some() {
                    return Err(SourceError::NoCheckpoints(text.into()));
                }
                let wrong = || form("random:CONFIG.json#SEED, with a whole number as seed");
                let (config, seed) = rest.rsplit_once('#').ok_or_else(wrong)?;
                let seed = seed.parse().map_err(|_| wrong())?;
                let path = Self::path(config, base);
                if !path.is_file() {
                    return Err(Self::missing(config, base));
                }
                Ok(ModelSource::Random { config: path, seed })
            }
            "http" | "https" => match advice::of_address(rest) {
                Some(name) => Err(form(&format!("hf:{name}"))),
                None => Err(SourceError::Scheme(scheme.into())),
            },
            _ => Err(SourceError::Scheme(scheme.into())),
        }
    }
}
