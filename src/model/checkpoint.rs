//! A model in the layout of its family: a configuration, the names it calls for, and a source that has them.

use std::fs;
use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;

use super::config::ConfigError;
use super::facts::{Facts, PositionEncoding};
use super::family::names::{
    BlockNames, DenseNames, Expected, LinearNames, MatrixOrder, MlpNames, ModelNames, NormNames,
};
use super::family::{self, Description};
use super::host::{
    BlockSize, EachLinear, HostBlock, HostDense, HostEmbedding, HostHead, HostLinear, HostMixture, HostMlp, HostModel,
    HostNorm, HostTensor, LinearPlace,
};
use super::matching::{Matching, listed};
use super::random::RandomWeights;
use super::weights::{self, FEW_BITS, NumberFormat, Outlasting, Safetensors, WeightError, WeightReads, WeightSource};
use crate::kernel::BlockMatrix;

/// Larger than any configuration.
const LARGEST_CONFIG: u64 = 10_000_000;

/// A configuration and weights that have been found to fit it.
pub struct Checkpoint {
    facts: Facts,
    names: ModelNames,
    source: Box<dyn WeightSource>,
    matching: Matching,
    notes: Vec<String>,
    /// Whether quantised matrices are given as they are stored.
    as_stored: bool,
    /// Where it is read while the model runs.
    reads: Option<WeightReads>,
}

impl Checkpoint {
    /// Opens a Hugging Face directory: `config.json` and the weights beside it. No weight is read.
    ///
    /// # Errors
    /// When a file is missing, unreadable or truncated, the configuration is not of a supported model, or the weights'
    /// names and shapes are not those it calls for; then all differences are listed.
    pub fn open(folder: &Path) -> Result<Self, WeightError> {
        let mut checkpoint = Self::new(describe(&folder.join("config.json"))?, weights::open(folder)?)?;
        if folder.join("adapter_config.json").is_file() {
            checkpoint.notes.push("the folder holds an adapter too (adapter_config.json), which is not applied".into());
        }
        Ok(checkpoint)
    }

    /// A model that is part of the binary: the text of its `config.json`, and its `model.safetensors`. `name` stands for the
    /// path in messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(name: &Path, config: &[u8], weights: &'static [u8]) -> Result<Self, WeightError> {
        Self::new(parse(name, config)?, Box::new(Safetensors::from_bytes(name, weights)?))
    }

    /// A model with the shapes of a `config.json` and random weights, the same for the same seed.
    ///
    /// # Errors
    /// When the configuration cannot be read or is not of a supported model.
    pub fn random(config: &Path, seed: u64) -> Result<Self, WeightError> {
        let mut described = describe(config)?;
        if described.facts.tied {
            described.names.tie();
        }
        let source = RandomWeights::new(config, expected(&described.facts, &described.names), seed);
        Self::new(described, Box::new(source))
    }

    /// Weights from any source.
    ///
    /// # Errors
    /// When the source's names and shapes are not those that the description calls for; all differences are listed.
    pub fn new(described: Description, source: Box<dyn WeightSource>) -> Result<Self, WeightError> {
        let Description { facts, names, notes } = described;
        let match_with = |names: ModelNames| {
            let expected = expected(&facts, &names);
            let wanted =
                expected.iter().map(|expected| expected.name.as_str()).chain([names.tokens.as_str()]).collect();
            let matching = Matching::new(&names, &wanted, &*source);
            let missing = expected.iter().filter(|expected| !matching.has(&expected.name)).count();
            (missing, names, matching)
        };
        let other = names.otherwise().map(match_with);
        let (missing, names, matching) = match_with(names);
        let (names, matching) = match other {
            Some((fewer, names, matching)) if fewer < missing => (names, matching),
            _ => (names, matching),
        };
        let mut checkpoint = Self { facts, names, source, matching, notes, as_stored: false, reads: None };
        checkpoint.settle_unembedding()?;
        match checkpoint.problems() {
            problems if problems.is_empty() => {
                checkpoint.note_what_is_left_out()?;
                Ok(checkpoint)
            }
            problems => Err(WeightError::Mismatch { path: checkpoint.source.path().to_owned(), problems }),
        }
    }

    /// The same, to be read while the model runs: reads do not fail, and where the file does, `reads` notes it.
    pub fn outlasting(self, reads: &WeightReads) -> Self {
        let source = Box::new(Outlasting { source: self.source, reads: reads.clone() });
        Self { source, reads: Some(reads.clone()), ..self }
    }

    /// The same with quantised matrices given as they are stored, in blocks, where they are to be held so.
    #[must_use]
    pub fn as_stored(self, as_stored: bool) -> Self {
        Self { as_stored, ..self }
    }

    /// Decides where the unembedding is: of a model whose configuration ties it to the embedding the file may hold one of its
    /// own, or that one alone, and as transformers 5 does the file is followed.
    fn settle_unembedding(&mut self) -> Result<(), WeightError> {
        let (own, tokens) = (self.names.unembed.weight.clone(), self.names.tokens.clone());
        let has_own = own != tokens && self.matching.has(&own);
        match (self.facts.tied, has_own, self.matching.has(&tokens)) {
            (true, true, true) => {
                let (own, tokens) = (self.matching.stored(&own), self.matching.stored(&tokens));
                if self.source.equal(own, tokens)? {
                    self.names.tie();
                } else {
                    self.notes.push(format!(
                        "the configuration says that the unembedding is the embedding ('tie_word_embeddings'), and the file \
                         has a different one, '{own}': the file's is used, as in transformers 5"
                    ));
                    self.facts.tied = false;
                }
            }
            (true, true, false) => self.names.tokens = own,
            (true, false, _) => self.names.tie(),
            (false, ..) => {}
        }
        if let Some(bias) = self.names.unembed.bias.take_if(|bias| !self.matching.has(bias))
            && self.matching.has(&self.names.unembed.weight)
        {
            self.notes.push(format!("the file has no '{bias}', which is taken as 0, as in transformers"));
        }
        Ok(())
    }

    /// What is wrong with the source's names, shapes and types, a fragment each.
    fn problems(&self) -> Vec<String> {
        let tensors = self.source.tensors();
        let Matching { adapter, quantised, unexpected, beside, twice, .. } = &self.matching;
        if !adapter.is_empty() {
            return vec![format!(
                "the file holds an adapter that is not merged: {}; merge it into the weights (peft's `merge_and_unload()`), and save the \
                 model",
                listed(adapter)
            )];
        }
        if !quantised.is_empty() {
            let held = expected(&self.facts, &self.names).into_iter().find_map(|expected| {
                let name = self.stored(&expected.name);
                let other = matches!(tensors.get(name)?.stored, NumberFormat::Other(_));
                other.then(|| format!(" in {}", self.source.format_of(name)))
            });
            return vec![format!(
                "quantised weights{} cannot be read: {}; use the original model, or a GGUF file of it",
                held.unwrap_or_default(),
                listed(quantised)
            )];
        }
        if self.matching.is_empty() && !tensors.is_empty() {
            let names: Vec<String> = tensors.keys().cloned().collect();
            let (names, family) = (listed(&names), self.facts.family);
            return vec![format!(
                "unknown names: no tensor is called as a weight of {family} is, such as '{}'; the file has {names}; check 'model_type', or \
                 rename the tensors",
                self.names.tokens
            )];
        }
        let mut problems = Vec::new();
        let mut formats: IndexMap<&str, Vec<String>> = IndexMap::new();
        let mut missing = false;
        for Expected { name, shape, .. } in &expected(&self.facts, &self.names) {
            let name = self.stored(name);
            match tensors.get(name) {
                None => {
                    missing = true;
                    let advice = match name == self.names.unembed.weight && self.matching.has(&self.names.tokens) {
                        true => " (if the unembedding is the embedding, write \"tie_word_embeddings\": true)",
                        false => "",
                    };
                    problems.push(format!("missing: '{name}' {shape:?}{advice}"));
                }
                Some(info) if info.shape != *shape => {
                    problems.push(format!("wrong shape: '{name}' is {:?}, should be {shape:?}", info.shape));
                }
                Some(info) if matches!(info.stored, NumberFormat::Other(_)) => {
                    formats.entry(self.source.format_of(name)).or_default().push(name.to_owned());
                }
                Some(_) => {}
            }
        }
        problems.extend(formats.into_iter().map(|(format, names)| wrong_type(format, &names)));
        problems.extend(twice.iter().map(|(weight, a, b)| format!("twice: '{a}' and '{b}' are both '{weight}'")));
        let beside = if missing { beside.as_slice() } else { &[] };
        for name in unexpected.iter().chain(beside) {
            let shape = tensors.get(name).map(|info| info.shape.as_slice()).unwrap_or_default();
            problems.push(format!("unexpected: '{name}' {shape:?}"));
        }
        problems
    }

    /// Names what is in the file and not in the model; a rotary table is compared with the one that is computed.
    fn note_what_is_left_out(&mut self) -> Result<(), WeightError> {
        if !self.matching.beside.is_empty() {
            let beside = listed(&self.matching.beside);
            self.notes.push(format!(
                "these weights are left out, because they do not belong to the language model: {beside}"
            ));
        }
        let table = self.matching.buffers.iter().find(|name| name.ends_with("rotary_emb.inv_freq"));
        if let (Some(name), PositionEncoding::Rotary(rotary)) = (table, &self.facts.positions)
            && let Some(info) = self.source.tensors().get(name)
            && !matches!(info.stored, NumberFormat::Other(_))
        {
            let mut stored = vec![0.0; info.shape.iter().product()];
            self.source.read(name, 0, &mut stored)?;
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 0.01 * b.abs();
            let fits =
                |frequencies: &[f32]| stored.len() == frequencies.len() && stored.iter().zip(frequencies).all(close);
            if !rotary.tables().any(|table| fits(&table.inv_freq)) {
                self.notes.push(format!(
                    "the rotary frequencies in the file ('{name}') differ from those of the configuration, which are used, as in \
                     transformers"
                ));
            }
        }
        Ok(())
    }

    /// The source's name for a weight.
    fn stored<'a>(&'a self, name: &'a str) -> &'a str {
        self.matching.stored(name)
    }

    fn whole(&self, name: &str, shape: &[usize]) -> Result<HostTensor, WeightError> {
        self.whole_in(&mut Vec::new(), name, shape)
    }

    fn whole_in(&self, room: &mut Vec<f32>, name: &str, shape: &[usize]) -> Result<HostTensor, WeightError> {
        let mut data = self.zeros(room, shape.iter().product())?;
        self.source.read(self.stored(name), 0, &mut data)?;
        Ok(HostTensor { shape: shape.to_vec(), data })
    }

    /// Room for a tensor, all of which is written: `room` where it is large enough, and in its place otherwise. A random model's sizes are
    /// bounded by nothing but its configuration.
    fn zeros(&self, room: &mut Vec<f32>, elements: usize) -> Result<Vec<f32>, WeightError> {
        let mut room = std::mem::take(room);
        if elements > 0 && room.capacity() >= elements {
            room.resize(elements, 0.0);
            return Ok(room);
        }
        drop(room);
        if let Some(room) = self.reads.as_ref().and_then(|reads| reads.take(elements)) {
            return Ok(room);
        }
        let mut data = Vec::new();
        data.try_reserve_exact(elements).map_err(|_| {
            let gigabytes = elements as f64 * 4.0 / 1e9;
            WeightError::format(self.source.path(), format!("not enough memory for a tensor of {gigabytes:.1} GB"))
        })?;
        data.resize(elements, 0.0);
        Ok(data)
    }

    /// Weights of a linear map, and the bytes that reading it reads: of a fused matrix stored as `[d_in, d_out]` all of it.
    fn linear_size(&self, names: &LinearNames) -> BlockSize {
        let outputs: usize = names.take.iter().map(Range::len).sum();
        let read = match names.stored {
            MatrixOrder::OutIn => outputs,
            MatrixOrder::InOut => names.outputs,
        };
        let bias = |name: &String| self.source.bytes_of(self.stored(name), names.outputs);
        BlockSize {
            elements: names.inputs * outputs + names.bias.as_ref().map_or(0, |_| outputs),
            largest: names.inputs * outputs,
            stored: self.source.bytes_of(self.stored(&names.weight), names.inputs * read)
                + names.bias.as_ref().map_or(0, bias),
        }
    }

    fn norm(&self, names: &NormNames) -> Result<HostNorm, WeightError> {
        let shape = [names.width];
        let shift = names.shift.as_ref().map(|name| self.whole(name, &shape)).transpose()?;
        let mut scale = self.whole(&names.scale, &shape)?;
        if names.less_one {
            scale.data.iter_mut().for_each(|value| *value += 1.0);
        }
        Ok(HostNorm { scale: Some(scale), shift, less_one: names.adds_one })
    }

    /// A linear map, its matrix in `room` where that is large enough.
    fn linear(&self, room: &mut Vec<f32>, names: &LinearNames) -> Result<HostLinear, WeightError> {
        let outputs: usize = names.take.iter().map(Range::len).sum();
        let blocks = self.blocks(names)?;
        let data = match names.stored {
            _ if blocks.is_some() => Vec::new(),
            MatrixOrder::OutIn => self.transposed(room, names, outputs)?,
            MatrixOrder::InOut if outputs == names.outputs && names.stack.is_none() => {
                self.whole_in(room, &names.weight, &names.weight_shape())?.data
            }
            MatrixOrder::InOut => self.columns(room, names, outputs)?,
        };
        let weight = HostTensor { shape: vec![names.inputs, outputs], data };
        let bias = names.bias.as_ref().map(|name| self.bias(name, names, outputs)).transpose()?;
        Ok(HostLinear { weight, bias, blocks, half: None })
    }

    /// The matrix of a linear map in blocks, where it is stored and to be given so.
    fn blocks(&self, names: &LinearNames) -> Result<Option<BlockMatrix>, WeightError> {
        if !self.as_stored || names.stored != MatrixOrder::OutIn {
            return Ok(None);
        }
        let first = names.start() / names.inputs.max(1);
        let rows: Vec<Range<usize>> = names.take.iter().map(|rows| first + rows.start..first + rows.end).collect();
        let read = self.source.blocks(self.stored(&names.weight), &rows)?;
        Ok(read.and_then(|(format, bytes)| BlockMatrix::new(format, bytes, names.inputs)))
    }

    fn bias(&self, name: &str, names: &LinearNames, outputs: usize) -> Result<HostTensor, WeightError> {
        let stored = self.whole(name, &[names.outputs])?;
        let data = names.take.iter().flat_map(|range| &stored.data[range.clone()]).copied().collect();
        Ok(HostTensor { shape: vec![outputs], data })
    }

    /// `[d_in, outputs]` from a matrix stored as `[d_out, d_in]`, a few rows at a time: the matrix is never in memory
    /// twice, and the rows of other parts of a fused matrix are not read.
    fn transposed(&self, room: &mut Vec<f32>, names: &LinearNames, outputs: usize) -> Result<Vec<f32>, WeightError> {
        /// One cache line of an output row.
        const ROWS: usize = 16;
        let inputs = names.inputs;
        let name = self.stored(&names.weight);
        let mut data = self.zeros(room, inputs * outputs)?;
        let mut buffer = vec![0.0; ((1 << 18) / inputs / ROWS * ROWS).max(ROWS) * inputs];
        let mut column = 0;
        for range in &names.take {
            let mut row = range.start;
            while row < range.end {
                let rows = (buffer.len() / inputs).min(range.end - row);
                let read = &mut buffer[..rows * inputs];
                self.source.read(name, names.start() + row * inputs, read)?;
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
    fn columns(&self, room: &mut Vec<f32>, names: &LinearNames, outputs: usize) -> Result<Vec<f32>, WeightError> {
        let mut data = self.zeros(room, names.inputs * outputs)?;
        let mut row = vec![0.0; names.outputs];
        for (input, target) in data.chunks_mut(outputs).enumerate() {
            let start = names.start() + input * names.outputs;
            self.source.read(self.stored(&names.weight), start, &mut row)?;
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
        let blocks = match self.as_stored {
            true => self.source.blocks(self.stored(&self.names.tokens), std::slice::from_ref(&(0..n_vocab)))?,
            false => None,
        };
        let blocks = blocks.and_then(|(format, bytes)| BlockMatrix::new(format, bytes, d_model));
        let tokens = match blocks {
            Some(_) => HostTensor { shape: vec![n_vocab, d_model], data: Vec::new() },
            None => self.whole(&self.names.tokens, &[n_vocab, d_model])?,
        };
        let positions = self.names.positions.as_ref().map(|name| self.whole(name, &[n_ctx, d_model])).transpose()?;
        Ok(HostEmbedding { tokens, blocks, positions })
    }

    fn block_with(&self, layer: usize, each: &mut EachLinear) -> Result<HostBlock, WeightError> {
        let BlockNames { ln1, ln1_post, ln2, ln2_post, q_norm, k_norm, q, k, v, o, mlp } = &self.names.blocks[layer];
        let norm = |names: &Option<NormNames>| names.as_ref().map(|names| self.norm(names)).transpose();
        let (ln1, ln2) = (norm(ln1)?, norm(ln2)?);
        // Room of a matrix that is in half width now is that of the next one: pages that are new each time take long.
        let mut room = Vec::new();
        let mut linear = |place: LinearPlace, names: &LinearNames| -> Result<HostLinear, WeightError> {
            let is_lent = room.capacity() > 0;
            let mut linear = each(place, [ln1.as_ref(), ln2.as_ref()], self.linear(&mut room, names)?);
            if linear.half.is_some() {
                room = std::mem::take(&mut linear.weight.data);
            } else if is_lent {
                // It stays as long as the model, and may be smaller than the room that it was read into.
                linear.weight.data.shrink_to_fit();
            }
            Ok(linear)
        };
        let [q, k, v] = [q, k, v].map(|names| linear(LinearPlace::AttentionReader, names));
        let (q, k, v, o) = (q?, k?, v?, linear(LinearPlace::AttentionWriter, o)?);
        let mut dense = |DenseNames { gate, up, down }: &DenseNames| -> Result<HostDense, WeightError> {
            let gate = gate.as_ref().map(|gate| linear(LinearPlace::MlpReader, gate)).transpose()?;
            let up = linear(LinearPlace::MlpReader, up)?;
            Ok(HostDense { gate, up, down: linear(LinearPlace::MlpWriter, down)? })
        };
        let mlp = match mlp {
            MlpNames::Dense(names) => HostMlp::Dense(dense(names)?),
            MlpNames::Mixture(names) => {
                let experts = names.experts.iter().map(dense).collect::<Result<_, _>>()?;
                HostMlp::Mixture(HostMixture { router: linear(LinearPlace::MlpReader, &names.router)?, experts })
            }
        };
        let (ln1_post, ln2_post, q_norm, k_norm) = (norm(ln1_post)?, norm(ln2_post)?, norm(q_norm)?, norm(k_norm)?);
        Ok(HostBlock { ln1, ln1_post, ln2, ln2_post, q_norm, k_norm, q, k, v, o, mlp })
    }

    fn head(&self) -> Result<HostHead, WeightError> {
        Ok(HostHead {
            ln_final: self.norm(&self.names.ln_final)?,
            unembed: self.linear(&mut Vec::new(), &self.names.unembed)?,
        })
    }

    fn block_size(&self, layer: usize) -> BlockSize {
        let names = &self.names.blocks[layer];
        let mut size = BlockSize::default();
        for name in
            names.norms().flat_map(|norm| [Some(&norm.scale), norm.shift.as_ref()].map(|name| (name, norm.width)))
        {
            if let (Some(name), width) = name {
                size.elements += width;
                size.stored += self.source.bytes_of(self.stored(name), width);
            }
        }
        for linear in names.linears().map(|linear| self.linear_size(linear)) {
            size = size.and(linear);
        }
        size
    }

    fn ends_size(&self) -> BlockSize {
        let ModelNames { tokens, positions, unembed, .. } = &self.names;
        let Facts { n_vocab, n_ctx, d_model, .. } = self.facts;
        let of = |name: &String, elements: usize| BlockSize {
            elements,
            largest: elements,
            stored: self.source.bytes_of(self.stored(name), elements),
        };
        let positions = positions.as_ref().map_or(BlockSize::default(), |name| of(name, n_ctx * d_model));
        let head = if unembed.weight == *tokens { BlockSize::default() } else { self.linear_size(unembed) };
        of(tokens, n_vocab * d_model).and(positions).and(head)
    }

    fn attention_writes_bias(&self, layer: usize) -> bool {
        self.names.blocks[layer].o.bias.is_some()
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

/// What tensors that are not read hold instead of floats, and what to do.
fn wrong_type(format: &str, names: &[String]) -> String {
    let (hold, do_not) = if names.len() == 1 { ("holds", "does not") } else { ("hold", "do not") };
    let names = listed(names);
    match format.to_uppercase().get(..2) {
        Some("F8" | "F6" | "F4") => format!("wrong type: {names} {hold} {format}: {FEW_BITS}"),
        _ => format!("wrong type: {names} {do_not} hold floating-point numbers but {format}"),
    }
}

/// Reads a `config.json`.
fn describe(path: &Path) -> Result<Description, WeightError> {
    let size = fs::metadata(path).map_err(WeightError::io(path))?.len();
    if size > LARGEST_CONFIG {
        return Err(WeightError::config(path, format!("{size} bytes is too long for a configuration")));
    }
    parse(path, &fs::read(path).map_err(WeightError::io(path))?)
}

/// Reads the text of a `config.json`.
fn parse(path: &Path, text: &[u8]) -> Result<Description, WeightError> {
    let value =
        serde_json::from_slice(text).map_err(|error| WeightError::config(path, format!("not JSON: {error}")))?;
    family::from_config(&value).map_err(|ConfigError(reason)| WeightError::config(path, reason))
}

fn expected(facts: &Facts, names: &ModelNames) -> Vec<Expected> {
    names.expected(facts.n_vocab, facts.n_ctx, facts.d_model)
}
