//! Text to tokens and back, with the tokenizer that belongs to the model.

mod arithmetic;
pub(crate) mod byte_level;
mod class;
mod declared;
mod ends;
mod error;
mod folder;
mod part;
mod rebuilt;
pub(crate) mod sentence_piece;
mod skipped;
mod special;
mod vocabulary;
mod words;

use rayon::prelude::*;
use tokenizers::{Model as _, ModelWrapper, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _};

use super::chat_template::ChatTemplate;
pub use arithmetic::{SYMBOLS, arithmetic, characters};
use declared::Declared;
pub use error::TokenizerError;
pub use folder::FOLDER_FILES;
pub(crate) use words::Pretoken;

/// Tokens that begin a text in models whose files do not say which token does, the most specific first.
const USUAL_BOS: [&str; 4] = ["<|begin_of_text|>", "<bos>", "<s>", "<|endoftext|>"];

/// A model's tokenizer.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    kind: &'static str,
    n_tokens: usize,
    /// The token that stands for unknown text, where the model has one.
    unknown: Option<u32>,
    /// Whether it may skip characters that it has no token for.
    may_skip: bool,
    bos: Option<u32>,
    adds_bos: bool,
    /// How the model was trained to be written to, where its files say so.
    chat_template: Option<ChatTemplate>,
    /// Tokens that end a text.
    ends: Vec<u32>,
    notes: Vec<String>,
}

/// A text's tokens, without any that the tokenizer would add around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids.
    pub ids: Vec<u32>,
    /// For each token the bytes `start..end` of the text that it covers, a leading space included. Of tokens that are
    /// parts of one character, each covers the character.
    pub offsets: Vec<(usize, usize)>,
}

impl Tokenizer {
    /// Reads the content of a `tokenizer.json`; `place` names it in errors.
    ///
    /// Padding, truncation and BPE dropout are switched off: an encoding here is the text's own, every time.
    ///
    /// # Errors
    /// Not a tokenizer, or one whose added tokens would not get the ids it declares.
    pub fn from_json_bytes(bytes: &[u8], place: &str) -> Result<Self, TokenizerError> {
        let (_, declared) = declared(bytes, place)?;
        let inner = as_written(bytes, &declared, place)?;
        let around = declared.around();
        around.check(&inner, place)?;
        let tokenizer = Self::new(inner);
        match around.before.first() {
            Some(&id) => Ok(tokenizer.with_bos(Some(id)).with_adds_bos(Some(true))),
            None => Ok(tokenizer),
        }
    }

    /// Takes over a tokenizer with everything that is not a property of the text switched off.
    pub(crate) fn new(mut inner: tokenizers::Tokenizer) -> Self {
        inner.with_padding(None);
        // Without parameters there is nothing in a truncation to be refused.
        let _ = inner.with_truncation(None);
        if let ModelWrapper::BPE(bpe) = inner.get_model()
            && bpe.dropout.is_some()
        {
            let mut bpe = bpe.clone();
            bpe.dropout = None;
            inner.with_model(bpe);
        }
        // The post-processor would also trim spaces off the offsets.
        inner.with_post_processor(None::<tokenizers::PostProcessorWrapper>);
        let (kind, unknown) = match inner.get_model() {
            ModelWrapper::BPE(bpe) => ("BPE", bpe.unk_token.as_deref()),
            ModelWrapper::WordPiece(words) => ("WordPiece", Some(words.unk_token.as_str())),
            ModelWrapper::WordLevel(words) => ("words", Some(words.unk_token.as_str())),
            ModelWrapper::Unigram(_) => ("Unigram", Some("<unk>")),
        };
        let unknown = unknown.and_then(|token| inner.token_to_id(token));
        let may_skip = skipped::may_skip(&inner);
        let n_tokens = inner.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1);
        let bos = USUAL_BOS.iter().find_map(|token| inner.token_to_id(token));
        let (ends, notes) = (Vec::new(), Vec::new());
        Self { inner, kind, n_tokens, unknown, may_skip, bos, adds_bos: false, ends, chat_template: None, notes }
    }

    /// With `token` as the one that texts begin with; a token that is not in the vocabulary changes nothing.
    pub(crate) fn with_bos(mut self, token: Option<u32>) -> Self {
        let known = token.filter(|&id| self.inner.id_to_token(id).is_some());
        self.bos = known.or(self.bos);
        self
    }

    /// With what another file than `tokenizer.json` says on whether [`Tokenizer::bos`] is put first.
    pub(crate) fn with_adds_bos(mut self, adds_bos: Option<bool>) -> Self {
        self.adds_bos = adds_bos.unwrap_or(self.adds_bos) && self.bos.is_some();
        self
    }

    /// With a chat template, where there is one.
    #[must_use]
    pub fn with_chat_template(mut self, template: Option<ChatTemplate>) -> Self {
        self.chat_template = template;
        self
    }

    /// How the model was trained to be written to, where its files say so.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.chat_template.as_ref()
    }

    /// With the tokens that end a text that the model writes.
    #[must_use]
    pub(crate) fn with_ends(mut self, ends: Vec<u32>) -> Self {
        self.ends = ends;
        self
    }

    /// With more [`Tokenizer::notes`].
    #[must_use]
    pub(crate) fn with_notes(mut self, notes: impl IntoIterator<Item = String>) -> Self {
        self.notes.extend(notes);
        self
    }

    /// What its user should know of how it was read: files of a folder that disagree, and which was followed.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The tokens of `text`, with none put before or after it. The names of special tokens in it (`<|im_start|>`) are
    /// those tokens.
    ///
    /// # Errors
    /// Text that is not in the vocabulary, where the tokenizer has no smaller pieces for it: also where it would leave the text out and
    /// say nothing, as a BPE without an unknown token does.
    pub fn encode(&self, text: &str) -> Result<Encoding, TokenizerError> {
        let encoding = self.inner.encode(text, false).map_err(|e| self.explain(text, &e.to_string()))?;
        let (ids, offsets) = (encoding.get_ids().to_vec(), encoding.get_offsets().to_vec());
        if let Some(at) = ids.iter().position(|&id| Some(id) == self.unknown) {
            let piece = offsets.get(at).and_then(|&(start, end)| text.get(start..end)).unwrap_or(text);
            // The token's own name, typed out, is not unknown.
            if self.inner.token_to_id(piece) != self.unknown {
                return Err(self.unknown_text(text, piece));
            }
        }
        let skipped = self.skipped(text);
        if !skipped.is_empty() {
            let tokenizer = self.description();
            return Err(TokenizerError::SkippedText { text: text.into(), characters: skipped, tokenizer });
        }
        Ok(Encoding { ids, offsets })
    }

    /// [`Tokenizer::encode`] of each text, on all threads.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`], of one of the texts that cannot be encoded.
    pub fn encode_batch<T: AsRef<str> + Sync>(&self, texts: &[T]) -> Result<Vec<Encoding>, TokenizerError> {
        texts.par_iter().map(|text| self.encode(text.as_ref())).collect()
    }

    /// The text of the tokens, special ones included.
    ///
    /// # Errors
    /// An id without a token.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TokenizerError> {
        if let Some(&id) = ids.iter().find(|&&id| self.inner.id_to_token(id).is_none()) {
            return Err(TokenizerError::UnknownId { id, tokenizer: self.description() });
        }
        self.inner.decode(ids, false).map_err(|e| TokenizerError::malformed("decoder", e))
    }

    /// A token as the vocabulary writes it (in a byte-level BPE, `Ġ` for a leading space).
    pub fn token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// The id of a token, written as the vocabulary writes it.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token that the model's texts begin with, whether or not its tokenizer puts it there by itself.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// Whether the model's tokenizer, left to itself, puts [`Tokenizer::bos`] before a text.
    pub fn adds_bos(&self) -> bool {
        self.adds_bos
    }

    /// The tokens that end a text that the model writes, as its files name them; none where they do not.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// One more than the largest id.
    pub fn n_tokens(&self) -> usize {
        self.n_tokens
    }

    /// The largest n such that each of 0..=n, written in decimal, is one token; `None` where 0 is not.
    pub fn largest_single_token_integer(&self) -> Option<u32> {
        let single = |n: &u32| self.encode(&n.to_string()).is_ok_and(|encoding| encoding.ids.len() == 1);
        // No more integers than tokens.
        let bound = u32::try_from(self.n_tokens).unwrap_or(u32::MAX);
        (0..bound).take_while(single).last()
    }

    /// Kind and size, such as `BPE, 49152 tokens`.
    pub fn description(&self) -> String {
        format!("{}, {} tokens", self.kind, self.n_tokens)
    }

    /// The content of a `tokenizer.json`; what it says of tokens put around a text is not in it.
    ///
    /// # Errors
    /// Never of a tokenizer that could be read.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        self.inner.to_string(true).map_err(|e| TokenizerError::malformed("tokenizer.json", e))
    }

    /// Finds the word that made encoding fail.
    fn explain(&self, text: &str, problem: &str) -> TokenizerError {
        let mut words = PreTokenizedString::from(text);
        if let Some(splitter) = self.inner.get_pre_tokenizer()
            && splitter.pre_tokenize(&mut words).is_ok()
        {
            let splits = words.get_splits(OffsetReferential::Original, OffsetType::Byte);
            let failed = splits.iter().find(|(word, ..)| self.inner.get_model().tokenize(word).is_err());
            if let Some((word, ..)) = failed {
                return self.unknown_text(text, word);
            }
        }
        TokenizerError::Encode { text: text.into(), problem: problem.into() }
    }

    fn unknown_text(&self, text: &str, piece: &str) -> TokenizerError {
        TokenizerError::UnknownText { text: text.into(), piece: piece.into(), tokenizer: self.description() }
    }
}

/// A tokenizer.json as text, and what it declares; `place` names it in errors.
fn declared<'a>(bytes: &'a [u8], place: &str) -> Result<(&'a str, Declared), TokenizerError> {
    // What the tokenizers crate panics on: bytes that are not UTF-8, and some errors of syntax.
    let text = std::str::from_utf8(bytes).map_err(|e| TokenizerError::malformed(place, e))?;
    let declared = serde_json::from_str(text).map_err(|e| TokenizerError::malformed(place, e))?;
    Ok((text, declared))
}

/// A tokenizer.json with its own rules.
fn as_written(bytes: &[u8], declared: &Declared, place: &str) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let malformed = |problem: &dyn std::fmt::Display| TokenizerError::malformed(place, problem);
    // The tokenizers crate panics on a few errors of meaning too, such as a broken character map.
    let inner = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(bytes))
        .map_err(|_| malformed(&"a part of it is not what its type says"))?
        .map_err(|e| malformed(&e))?;
    if let Some((token, id, given)) = declared.misplaced(&inner) {
        return Err(malformed(&format!("added token '{token}' has the id {id}, but would get {given:?}")));
    }
    Ok(inner)
}
