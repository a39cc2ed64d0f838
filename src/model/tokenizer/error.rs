//! What can be wrong with a tokenizer or with a text given to it.

use std::path::PathBuf;

/// Why a tokenizer could not be made, or a text could not be encoded.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// A file that is there could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The folder holds no tokenizer in a form that is read.
    #[error(
        "{} has no tokenizer; put tokenizer.json there, or vocab.json (encoder.json) with merges.txt (vocab.bpe){}",
        folder.display(), other.map(convert).unwrap_or_default()
    )]
    Missing {
        /// The folder that was searched.
        folder: PathBuf,
        /// A file there that holds a tokenizer in another form.
        other: Option<&'static str>,
    },
    /// A file or a part of it does not say what it must.
    #[error("{place}: {problem}")]
    Malformed {
        /// The file, or the metadata key of a GGUF file.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// A kind of tokenizer, or of splitting text into words, that is not built in.
    #[error("{place}: {what} '{name}' is not supported; known: {known}")]
    Unsupported {
        /// The file, or the metadata key of a GGUF file.
        place: String,
        /// What the name names.
        what: &'static str,
        /// The name found.
        name: String,
        /// The names that would do.
        known: String,
    },
    /// A part of the text is not in the vocabulary, not even in pieces.
    #[error("'{piece}' in the text '{text}' is not in the vocabulary ({tokenizer})")]
    UnknownText {
        /// The text that was to be encoded.
        text: String,
        /// The part of it without a token.
        piece: String,
        /// [`super::Tokenizer::description`].
        tokenizer: String,
    },
    /// Characters of the text that the tokenizer has no token for and would leave out, as if they were not there.
    #[error("the tokenizer would leave {} out of the text '{text}', because the vocabulary does not have {} ({tokenizer})",
        listed(characters), if characters.len() == 1 { "it" } else { "them" })]
    SkippedText {
        /// The text that was to be encoded.
        text: String,
        /// The characters, each once.
        characters: Vec<String>,
        /// [`super::Tokenizer::description`].
        tokenizer: String,
    },
    /// An id without a token.
    #[error("token id {id} is not in the vocabulary ({tokenizer})")]
    UnknownId {
        /// The id.
        id: u32,
        /// [`super::Tokenizer::description`].
        tokenizer: String,
    },
    /// The tokenizer failed on a text for another reason.
    #[error("the text '{text}' cannot be encoded: {problem}")]
    Encode {
        /// The text.
        text: String,
        /// What the tokenizer said.
        problem: String,
    },
}

impl TokenizerError {
    pub(crate) fn malformed(place: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Malformed { place: place.into(), problem: problem.to_string() }
    }
}

/// Characters in quotes, the first ones of many.
fn listed(characters: &[String]) -> String {
    const SHOWN: usize = 8;
    let mut quoted: Vec<String> = characters.iter().take(SHOWN).map(|own| format!("{own:?}")).collect();
    if characters.len() > SHOWN {
        quoted.push(format!("{} more", characters.len() - SHOWN));
    }
    match quoted.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => quoted.concat(),
    }
}

/// What to do with a tokenizer in another form.
fn convert(file: &str) -> String {
    format!(
        "; {file} is not read: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) in Python makes tokenizer.json of it"
    )
}
