//! A model ready to run: source, tokenizer, weights on their device.

use super::advice;
use super::checkpoint::Checkpoint;
use super::content::misnamed;
use super::device;
use super::error::{InputError, ModelError};
use super::facts::Facts;
use super::host::{BlockSize, HostModel};
use super::loading::{self, bytes_each, is_as_stored, residence};
use super::not_finite::NotFinite;
use super::processing::Processed;
use super::residence::Residence;
use super::source::ModelSource;
use super::tokenizer::{self, FOLDER_FILES, Tokenizer};
use super::transformer::{Tokens, Transformer};
use super::weights::WeightError;
use super::{builtin, gguf, hub};
use crate::kernel::to_f32;
use crate::spec;
use serde::Serialize;
use std::path::Path;

/// Where a model is looked for, and whether its download is shown.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// The folder that relative paths start from.
    pub base: &'a Path,
    /// As in [`ModelSource::parse`].
    pub checkpoint: Option<&'a str>,
    /// Shows no progress.
    pub quiet: bool,
}

/// A model with its weights on a device.
#[derive(Debug)]
pub struct Model {
    transformer: Transformer,
    copies: Vec<Transformer>,
    tokenizer: Tokenizer,
    bos: Option<bool>,
    notes: Vec<String>,
}

/// A prompt's tokens and the logits of what comes next, `[n_vocab]` in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct NextLogits {
    /// Tokens, a beginning-of-text token included.
    pub tokens: Vec<u32>,
    /// One per row of the unembedding.
    pub logits: Vec<f32>,
}

/// What is known of a model without its weights in memory.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Architecture.
    pub facts: Facts,
    /// Number of weights as stored; a tied unembedding counts once.
    pub parameters: usize,
    /// Precision of the file.
    pub stored_dtype: String,
    /// Kind and size of the tokenizer.
    pub tokenizer: String,
    /// The beginning-of-text token and whether it is put before prompts.
    pub bos: String,
    /// Largest n such that the integers 0..=n are one token each.
    pub largest_single_token_integer: Option<u32>,
    /// Precision it would be held in.
    pub dtype: String,
    /// Memory its weights would take, in bytes.
    pub weight_bytes: usize,
    /// Bytes of weights that are in memory at most, on the CPU with the matrix that is read at the time, where it passes through f32.
    #[serde(skip)]
    pub most_bytes: usize,
    /// Which of them would be in memory, where not all would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<Residence>,
    /// As [`Model::notes`].
    pub notes: Vec<String>,
}

/// What can be said of a model's prompts without its weights in memory.
#[derive(Debug, Clone)]
pub struct Sketch {
    /// Its facts.
    pub card: Card,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    /// Whether a beginning-of-text token is put first, where that is not left to the tokenizer.
    pub bos: Option<bool>,
}

/// A model's files, found and checked, its weights still where they are.
struct UnloadedModel {
    host: Checkpoint,
    tokenizer: Tokenizer,
}

impl UnloadedModel {
    /// What there is to know of how they were read.
    fn notes(&self) -> Vec<String> {
        self.host.notes().iter().chain(self.tokenizer.notes()).cloned().collect()
    }
}

impl Card {
    /// Bytes of weights that are in memory at most while it runs.
    pub fn held_bytes(&self) -> u64 {
        self.residence.as_ref().map_or(self.weight_bytes, Residence::most_bytes) as u64
    }

    /// Values of the largest matrix.
    pub fn largest_matrix(&self) -> u64 {
        let facts = &self.facts;
        let widest = facts.n_vocab.max(facts.widest_mlp()).max(facts.n_heads * facts.d_head);
        (facts.d_model * widest) as u64
    }
}

impl Model {
    /// Finds the model, checks its files, and moves its weights to the device.
    ///
    /// # Errors
    /// Before any work when the source, the device, the tokenizer or a weight's name or shape is wrong.
    pub fn open(spec: &spec::Model, lookup: Lookup) -> Result<Self, ModelError> {
        let devices = device::open_for(spec)?;
        let found = find(spec, lookup)?;
        let notes = found.notes();
        let UnloadedModel { host, tokenizer } = found;
        let (transformer, copies) = loading::load(host, spec, &devices, &|| Ok(find(spec, lookup)?.host))?;
        Ok(Self { transformer, copies, tokenizer, bos: spec.bos, notes })
    }

    /// The model of a source (`builtin:arith`, a folder, a `.gguf` file, `hf:owner/name`), as a spec that says no more than that
    /// opens it; paths are from the current folder.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn load(source: &str) -> Result<Self, ModelError> {
        Self::open(&spec::Model::of(source), Lookup { base: Path::new(""), checkpoint: None, quiet: true })
    }

    /// A model's facts, without loading its weights.
    pub fn card(spec: &spec::Model, lookup: Lookup) -> Result<Card, ModelError> {
        Ok(Self::sketch(spec, lookup)?.card)
    }

    /// A model's facts and tokenizer, without loading its weights.
    pub(crate) fn sketch(spec: &spec::Model, lookup: Lookup) -> Result<Sketch, ModelError> {
        let found = find(spec, lookup)?;
        let mut notes = found.notes();
        if spec.storage == spec::Storage::AsStored {
            notes.push(
                "storage = \"as-stored\": its weights are not processed (fold_norm, center_unembed, center_writing)"
                    .into(),
            );
        }
        let UnloadedModel { host, tokenizer } = found;
        let facts = host.facts().clone();
        let name = |id: u32| tokenizer.token(id).unwrap_or_else(|| id.to_string());
        let bos = match (tokenizer.bos(), tokenizer.adds_bos()) {
            (None, _) => "none".into(),
            (Some(id), true) => format!("{}, put before prompts", name(id)),
            (Some(id), false) => format!("{}, not put before prompts unless bos = true", name(id)),
        };
        let (parameters, stored_dtype) = (host.parameters(), host.stored_dtype());
        let residence = residence(&host, spec)?;
        notes.extend(residence.as_ref().and_then(Residence::note));
        // Processing makes the unembedding of a tied model another matrix than its embedding.
        let host = Processed::new(host, spec.processed());
        let untied = facts.tied && !host.facts().tied;
        let held = parameters + if untied { facts.n_vocab * facts.d_model } else { 0 };
        let ends = host.ends_size();
        let layers = (0..facts.n_layers).map(|layer| host.block_size(layer));
        let (element, as_stored) = (bytes_each(spec), is_as_stored(spec));
        let weight_bytes = match as_stored {
            true => layers.clone().fold(ends, BlockSize::and).bytes(element, true),
            false => held * element,
        };
        // The ends are read first, before any layer is there.
        let of_ends = ends.bytes(element, as_stored) + ends.passing(element, as_stored);
        let of_layers = layers.map(|size| size.passing(element, as_stored)).max().unwrap_or(0);
        let there = residence.as_ref().map_or(weight_bytes, Residence::most_bytes);
        let most_bytes = match spec.device.first() {
            spec::Device::Cpu => of_ends.max(there + of_layers),
            _ => there,
        };
        let card = Card {
            parameters,
            stored_dtype,
            tokenizer: tokenizer.description(),
            bos,
            largest_single_token_integer: tokenizer.largest_single_token_integer(),
            dtype: format!("{:?}", spec.dtype).to_lowercase(),
            weight_bytes,
            most_bytes,
            residence,
            notes,
            facts,
        };
        Ok(Sketch { card, tokenizer, bos: spec.bos })
    }

    /// Seconds that reading one layer takes, of the first that no device holds; `None` where there is none.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn time_reading(spec: &spec::Model, lookup: Lookup) -> Result<Option<f64>, ModelError> {
        let UnloadedModel { host, .. } = find(spec, lookup)?;
        let read = residence(&host, spec)?.filter(|residence| residence.held < residence.layers);
        let Some(Residence { held, .. }) = read else { return Ok(None) };
        let host = Processed::new(host.as_stored(is_as_stored(spec)), spec.processed());
        let start = std::time::Instant::now();
        drop(std::hint::black_box(host.block(held)?));
        Ok(Some(start.elapsed().as_secs_f64()))
    }

    /// A model's architecture alone: neither its weights nor its tokenizer are read.
    ///
    /// # Errors
    /// When the source, its configuration, or a weight's name or shape is wrong.
    pub fn architecture(spec: &spec::Model, lookup: Lookup) -> Result<Facts, ModelError> {
        let host = match ModelSource::parse(&spec.source, lookup.base, lookup.checkpoint)? {
            ModelSource::Builtin { name, checkpoint } => builtin::open(&name, checkpoint.as_deref())?.0,
            ModelSource::Folder(folder) => checkpoint(&folder)?,
            ModelSource::Gguf(file) => open_gguf(&file)?.model()?,
            ModelSource::Hub { repo, revision } => checkpoint(&hub::snapshot(&repo, &revision, lookup.quiet)?)?,
            ModelSource::Random { config, seed } => {
                Checkpoint::random(&config, seed).map_err(WeightError::explained)?
            }
        };
        Ok(host.facts().clone())
    }

    /// What it looks like.
    pub fn facts(&self) -> &Facts {
        self.transformer.facts()
    }

    /// Its forward pass.
    pub fn transformer(&self) -> &Transformer {
        &self.transformer
    }

    /// The same on the further devices that it has: they share the rows of interventions.
    pub fn copies(&self) -> &[Transformer] {
        &self.copies
    }

    /// Its tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What its user should know of how its files were read: where they contradict each other, and what was left out.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether a beginning-of-text token is put first, where that is not left to the tokenizer.
    pub fn bos_override(&self) -> Option<bool> {
        self.bos
    }

    /// The token put before each prompt.
    pub fn bos(&self) -> Result<Option<u32>, InputError> {
        match (self.bos.unwrap_or_else(|| self.tokenizer.adds_bos()), self.tokenizer.bos()) {
            (false, _) => Ok(None),
            (true, Some(id)) => Ok(Some(id)),
            (true, None) => Err(InputError::NoBos),
        }
    }

    /// The tokens of a prompt as the model gets them.
    pub fn tokens(&self, prompt: &str) -> Result<Vec<u32>, InputError> {
        let tokens: Vec<u32> = self.bos()?.into_iter().chain(self.tokenizer.encode(prompt)?.ids).collect();
        if tokens.is_empty() {
            return Err(InputError::Empty);
        }
        if let Some(limit) = self.facts().position_limit()
            && tokens.len() > limit
        {
            return Err(InputError::TooLong { tokens: tokens.len(), limit });
        }
        let n_vocab = self.facts().n_vocab;
        match tokens.iter().find(|&&id| id as usize >= n_vocab) {
            Some(&id) => Err(InputError::OutsideVocabulary { id, n_vocab }),
            None => Ok(tokens),
        }
    }

    /// Logits of the token after a prompt.
    pub fn next_logits(&self, prompt: &str) -> Result<NextLogits, InputError> {
        let tokens = self.tokens(prompt)?;
        let batch = Tokens { pos: tokens.len(), batch: 1, ids: tokens.clone() };
        let logits = to_f32(self.transformer.last_logits(&batch));
        NotFinite::check_values(&self.transformer, &batch, &logits)?;
        Ok(NextLogits { tokens, logits })
    }
}

fn find(spec: &spec::Model, lookup: Lookup) -> Result<UnloadedModel, ModelError> {
    match ModelSource::parse(&spec.source, lookup.base, lookup.checkpoint)? {
        ModelSource::Builtin { name, checkpoint } => {
            let (model, tokenizer) = builtin::open(&name, checkpoint.as_deref())?;
            Ok(UnloadedModel { host: model, tokenizer })
        }
        ModelSource::Folder(folder) => open_folder(&folder),
        ModelSource::Gguf(file) => {
            let file = open_gguf(&file)?;
            Ok(UnloadedModel { tokenizer: file.tokenizer()?, host: file.model()? })
        }
        ModelSource::Hub { repo, revision } => open_folder(&hub::snapshot(&repo, &revision, lookup.quiet)?),
        ModelSource::Random { config, seed } => {
            let model = Checkpoint::random(&config, seed).map_err(WeightError::explained)?;
            let n_vocab = model.facts().n_vocab;
            let numbers = n_vocab.saturating_sub(tokenizer::SYMBOLS.len()).clamp(1, 1000);
            Ok(UnloadedModel { tokenizer: tokenizer::characters(numbers, n_vocab), host: model })
        }
    }
}

fn open_folder(folder: &Path) -> Result<UnloadedModel, ModelError> {
    let host = checkpoint(folder)?;
    let tokenizer = Tokenizer::from_dir(folder).map_err(|error| {
        let told = FOLDER_FILES.iter().map(|name| folder.join(name)).find_map(|path| Some((misnamed(&path)?, path)));
        told.map_or(ModelError::from(error), |(told, path)| WeightError::format(&path, told).into())
    })?;
    Ok(UnloadedModel { host, tokenizer })
}

/// The model in a folder; where there is none, what the folder holds instead.
fn checkpoint(folder: &Path) -> Result<Checkpoint, WeightError> {
    if !folder.join("config.json").is_file()
        && let Some(told) = advice::for_folder(folder)
    {
        return Err(WeightError::format(folder, told));
    }
    if !folder.join("config.json").exists() {
        let told =
            "config.json is missing: give a folder into which a model was saved (by save_pretrained), or a .gguf file";
        return Err(WeightError::format(folder, told));
    }
    Checkpoint::open(folder).map_err(|error| match &error {
        // Without weights the error is of the folder itself.
        WeightError::Format { path, .. } if path == folder => match advice::adapter(folder) {
            Some(told) => WeightError::format(folder, told),
            None => error,
        },
        _ => error.explained(),
    })
}

fn open_gguf(path: &Path) -> Result<gguf::Gguf, WeightError> {
    gguf::Gguf::open(path).map_err(WeightError::explained)
}
