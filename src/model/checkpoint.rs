//! A model in the layout of its family: a configuration, the names it calls for, and a source that has them.

use std::fs;
use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;

use super::config::ConfigError;
use super::facts::Facts;
use super::family;
use super::family::names::{BlockNames, Expected, LinearNames, ModelNames, NormNames, Stored as Rows};
use super::host::{HostBlock, HostEmbedding, HostHead, HostLinear, HostModel, HostNorm, HostTensor};
use super::random::RandomWeights;
use super::weights::{self, Safetensors, Source, Stored, WeightError};

/// Larger than any configuration.
const LARGEST_CONFIG: u64 = 10_000_000;

/// A configuration and weights that have been found to fit it.
pub struct Checkpoint {
    facts: Facts,
    names: ModelNames,
    source: Box<dyn Source>,
    /// Whether the source's names lack the family's prefix.
    bare: bool,
    notes: Vec<String>,
}

impl Checkpoint {
    /// Opens a Hugging Face directory: `config.json` and the weights beside it. No weight is read.
    ///
    /// # Errors
    /// When a file is missing, unreadable or truncated, the configuration is not of a supported model, or the weights'
    /// names and shapes are not those it calls for; then all differences are listed.
    pub fn open(folder: &Path) -> Result<Self, WeightError> {
        let (facts, names) = describe(&folder.join("config.json"))?;
        Self::new(facts, names, weights::open(folder)?)
    }

    /// A model that is part of the binary: the text of its `config.json`, and its `model.safetensors`. `name` stands for the
    /// path in messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(name: &Path, config: &[u8], weights: &'static [u8]) -> Result<Self, WeightError> {
        let (facts, names) = parse(name, config)?;
        Self::new(facts, names, Box::new(Safetensors::from_bytes(name, weights)?))
    }

    /// A model with the shapes of a `config.json` and random weights, the same for the same seed.
    ///
    /// # Errors
    /// When the configuration cannot be read or is not of a supported model.
    pub fn random(config: &Path, seed: u64) -> Result<Self, WeightError> {
        let (facts, names) = describe(config)?;
        let source = RandomWeights::new(config, expected(&facts, &names), seed);
        Self::new(facts, names, Box::new(source))
    }

    /// Weights from any source.
    ///
    /// # Errors
    /// When the source's names and shapes are not those that `names` calls for; all differences are listed.
    pub fn new(facts: Facts, names: ModelNames, source: Box<dyn Source>) -> Result<Self, WeightError> {
        let bare = !names.prefix.is_empty()
            && !source.tensors().contains_key(&names.tokens)
            && source.tensors().contains_key(without(&names.tokens, names.prefix));
        let checkpoint = Self { facts, names, source, bare, notes: Vec::new() };
        match checkpoint.problems() {
            problems if problems.is_empty() => Ok(checkpoint),
            problems => Err(WeightError::Mismatch { path: checkpoint.source.path().to_owned(), problems }),
        }
    }

    /// What is wrong with the source's names, shapes and types, a fragment each.
    fn problems(&self) -> Vec<String> {
        let expected = expected(&self.facts, &self.names);
        let tensors = self.source.tensors();
        let mut problems = Vec::new();
        for Expected { name, shape, .. } in &expected {
            let name = self.stored(name);
            match tensors.get(name) {
                None => problems.push(format!("missing: '{name}' {shape:?}")),
                Some(info) if info.shape != *shape => {
                    problems.push(format!("wrong shape: '{name}' is {:?}, should be {shape:?}", info.shape));
                }
                Some(info) if matches!(info.stored, Stored::Other(_)) => {
                    problems.push(format!("wrong type: '{name}' does not hold floating-point numbers"));
                }
                Some(_) => {}
            }
        }
        let known: std::collections::HashSet<&str> =
            expected.iter().map(|expected| self.stored(&expected.name)).collect();
        for (name, info) in tensors {
            if !known.contains(name.as_str()) && !self.may_ignore(name) {
                problems.push(format!("unexpected: '{name}' {:?}", info.shape));
            }
        }
        problems
    }

    /// Masks and tables that some versions store, and the unembedding of a tied model, which is its embedding again.
    fn may_ignore(&self, name: &str) -> bool {
        let buffer = self.names.buffers.iter().any(|ending| name.ends_with(ending));
        buffer || (self.facts.tied && matches!(name, "lm_head.weight" | "embed_out.weight"))
    }

    /// The source's name for a tensor.
    fn stored<'a>(&self, name: &'a str) -> &'a str {
        if self.bare { without(name, self.names.prefix) } else { name }
    }

    fn whole(&self, name: &str, shape: &[usize]) -> Result<HostTensor, WeightError> {
        let mut data = self.zeros(shape.iter().product())?;
        self.source.read(self.stored(name), 0, &mut data)?;
        Ok(HostTensor { shape: shape.to_vec(), data })
    }

    /// Room for a tensor. A random model's sizes are bounded by nothing but its configuration.
    fn zeros(&self, elements: usize) -> Result<Vec<f32>, WeightError> {
        let mut data = Vec::new();
        data.try_reserve_exact(elements).map_err(|_| {
            let gigabytes = elements as f64 * 4.0 / 1e9;
            WeightError::format(self.source.path(), format!("not enough memory for a tensor of {gigabytes:.1} GB"))
        })?;
        data.resize(elements, 0.0);
        Ok(data)
    }

    fn norm(&self, names: &NormNames) -> Result<HostNorm, WeightError> {
        let shape = [self.facts.d_model];
        let shift = names.shift.as_ref().map(|name| self.whole(name, &shape)).transpose()?;
        Ok(HostNorm { scale: Some(self.whole(&names.scale, &shape)?), shift })
    }

    fn linear(&self, names: &LinearNames) -> Result<HostLinear, WeightError> {
        let outputs: usize = names.take.iter().map(Range::len).sum();
        let data = match names.stored {
            Rows::OutIn => self.transposed(names, outputs)?,
            Rows::InOut if outputs == names.outputs => self.whole(&names.weight, &names.weight_shape())?.data,
            Rows::InOut => self.columns(names, outputs)?,
        };
        let weight = HostTensor { shape: vec![names.inputs, outputs], data };
        let bias = names.bias.as_ref().map(|name| self.bias(name, names, outputs)).transpose()?;
        Ok(HostLinear { weight, bias })
    }

    fn bias(&self, name: &str, names: &LinearNames, outputs: usize) -> Result<HostTensor, WeightError> {
        let stored = self.whole(name, &[names.outputs])?;
        let data = names.take.iter().flat_map(|range| &stored.data[range.clone()]).copied().collect();
        Ok(HostTensor { shape: vec![outputs], data })
    }

    /// `[d_in, outputs]` from a matrix stored as `[d_out, d_in]`, a few rows at a time: the matrix is never in memory
    /// twice, and the rows of other parts of a fused matrix are not read.
    fn transposed(&self, names: &LinearNames, outputs: usize) -> Result<Vec<f32>, WeightError> {
        /// One cache line of an output row.
        const ROWS: usize = 16;
        let inputs = names.inputs;
        let name = self.stored(&names.weight);
        let mut data = self.zeros(inputs * outputs)?;
        let mut buffer = vec![0.0; ((1 << 18) / inputs / ROWS * ROWS).max(ROWS) * inputs];
        let mut column = 0;
        for range in &names.take {
            let mut row = range.start;
            while row < range.end {
                let rows = (buffer.len() / inputs).min(range.end - row);
                let read = &mut buffer[..rows * inputs];
                self.source.read(name, row * inputs, read)?;
                for (tile, source) in read.chunks(ROWS * inputs).enumerate() {
                    scatter(source, inputs, &mut data, outputs, column + tile * ROWS);
                }
                row += rows;
                column += rows;
            }
        }
        Ok(data)
    }

    /// `[d_in, outputs]` from a fused matrix stored as `[d_in, d_out]`.
    fn columns(&self, names: &LinearNames, outputs: usize) -> Result<Vec<f32>, WeightError> {
        let mut data = self.zeros(names.inputs * outputs)?;
        let mut row = vec![0.0; names.outputs];
        for (input, target) in data.chunks_mut(outputs).enumerate() {
            self.source.read(self.stored(&names.weight), input * names.outputs, &mut row)?;
            let taken = names.take.iter().flat_map(|range| &row[range.clone()]);
            target.iter_mut().zip(taken).for_each(|(target, value)| *target = *value);
        }
        Ok(data)
    }
}

impl HostModel for Checkpoint {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn embedding(&self) -> Result<HostEmbedding, WeightError> {
        let Facts { n_vocab, n_ctx, d_model, .. } = self.facts;
        let tokens = self.whole(&self.names.tokens, &[n_vocab, d_model])?;
        let positions = self.names.positions.as_ref().map(|name| self.whole(name, &[n_ctx, d_model])).transpose()?;
        Ok(HostEmbedding { tokens, positions })
    }

    fn block(&self, layer: usize) -> Result<HostBlock, WeightError> {
        let BlockNames { ln1, ln2, q, k, v, o, gate, up, down } = &self.names.blocks[layer];
        Ok(HostBlock {
            ln1: self.norm(ln1)?,
            ln2: ln2.as_ref().map(|norm| self.norm(norm)).transpose()?,
            q: self.linear(q)?,
            k: self.linear(k)?,
            v: self.linear(v)?,
            o: self.linear(o)?,
            gate: gate.as_ref().map(|gate| self.linear(gate)).transpose()?,
            up: self.linear(up)?,
            down: self.linear(down)?,
        })
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        Ok(HostHead { ln_final: self.norm(&self.names.ln_final)?, unembed: self.linear(&self.names.unembed)? })
    }

    fn parameters(&self) -> usize {
        expected(&self.facts, &self.names).iter().map(Expected::elements).sum()
    }

    fn stored_dtype(&self) -> String {
        let mut elements: IndexMap<&str, usize> = IndexMap::new();
        for expected in &expected(&self.facts, &self.names) {
            *elements.entry(self.source.format_of(self.stored(&expected.name))).or_default() += expected.elements();
        }
        elements.sort_by(|_, a, _, b| b.cmp(a));
        elements.into_keys().collect::<Vec<_>>().join(", ")
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }
}

/// Writes rows of `[rows, inputs]` as columns from `column` of `[inputs, outputs]`.
fn scatter(source: &[f32], inputs: usize, data: &mut [f32], outputs: usize, column: usize) {
    let rows = source.len() / inputs;
    for (input, target) in data.chunks_mut(outputs).enumerate() {
        for (row, value) in target[column..column + rows].iter_mut().enumerate() {
            *value = source[row * inputs + input];
        }
    }
}

/// Reads a `config.json`.
fn describe(path: &Path) -> Result<(Facts, ModelNames), WeightError> {
    let size = fs::metadata(path).map_err(WeightError::io(path))?.len();
    if size > LARGEST_CONFIG {
        return Err(WeightError::config(path, format!("{size} bytes is too long for a configuration")));
    }
    parse(path, &fs::read(path).map_err(WeightError::io(path))?)
}

/// Reads the text of a `config.json`.
fn parse(path: &Path, text: &[u8]) -> Result<(Facts, ModelNames), WeightError> {
    let value =
        serde_json::from_slice(text).map_err(|error| WeightError::config(path, format!("not JSON: {error}")))?;
    family::from_config(&value).map_err(|ConfigError(reason)| WeightError::config(path, reason))
}

fn expected(facts: &Facts, names: &ModelNames) -> Vec<Expected> {
    names.expected(facts.n_vocab, facts.n_ctx, facts.d_model)
}

/// `name` without `prefix`, if it has it.
fn without<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}
