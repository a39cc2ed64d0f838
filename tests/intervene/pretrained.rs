//! A pretrained model, prompts and source prompts, and the runs of interventions that a fixture has of them (`tests/fixtures/pretrained.py`).

use super::reference::{base, of, patch, rows, sources, wanted};
use ablate::intervene::{
    Activation, Activations, AnswerTokens, AttributedUnit, CleanRun, Edit, EditError, EditedPrompt, LogitRead,
    Positions, Replay, Together, TokenPairs, Units, attribute, capture_means,
};
use ablate::model::gguf::Gguf;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A fixture's tensors.
pub struct Reference {
    floats: BTreeMap<String, Vec<f32>>,
    integers: BTreeMap<String, Vec<usize>>,
    shapes: BTreeMap<String, Vec<usize>>,
}

impl Reference {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut found = Self { floats: BTreeMap::new(), integers: BTreeMap::new(), shapes: BTreeMap::new() };
        for (name, view) in file.tensors() {
            found.shapes.insert(name.clone(), view.shape().to_vec());
            match view.dtype() {
                Dtype::I64 => {
                    let values = view.data().as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as usize);
                    found.integers.insert(name, values.collect());
                }
                _ => {
                    let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                    found.floats.insert(name, values.collect());
                }
            }
        }
        found
    }

    pub fn integers(&self, name: &str) -> &[usize] {
        &self.integers[name]
    }

    fn tokens(&self, name: &str) -> Tokens {
        let ids = self.integers[name].iter().map(|&id| id as u32).collect();
        Tokens { ids, batch: self.shapes[name][0], pos: self.shapes[name][1] }
    }
}

/// The model, processed as it is by default, the prompts and what the reference made of them.
pub struct Pretrained {
    pub reference: Reference,
    pub model: Transformer,
    pub clean: Tokens,
    pub source: Tokens,
    /// Before the names of what belongs to these prompts.
    prefix: &'static str,
    tolerance: f32,
}

impl Pretrained {
    /// `model` below models/, `reference` below tests/fixtures; `tolerance` is the largest difference of a logit.
    pub fn open(model: &str, reference: &str, tolerance: f32) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(model);
        let host = Processed::new(Gguf::open(&file).unwrap().model().unwrap(), Processing::default());
        let model = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
        let reference = Reference::read(reference);
        let (clean, source) = (reference.tokens("tokens"), reference.tokens("source_tokens"));
        Self { reference, model, clean, source, prefix: "", tolerance }
    }

    /// The same model with the prompts whose names begin with `prefix`.
    pub fn with_prompts(self, prefix: &'static str) -> Self {
        let tokens = |name: &str| self.reference.tokens(&format!("{prefix}{name}"));
        let (clean, source) = (tokens("tokens"), tokens("source_tokens"));
        Self { clean, source, prefix, ..self }
    }

    /// r and r' of each prompt.
    pub fn answers(&self) -> Vec<[u32; 2]> {
        let targets = self.reference.integers(&format!("{}targets", self.prefix));
        targets.as_chunks::<2>().0.iter().map(|pair| pair.map(|id| id as u32)).collect()
    }

    /// The last prompt position.
    pub fn last(&self) -> usize {
        self.clean.pos - 1
    }

    /// Fails unless interventions, each on every prompt with its source prompt, are the runs that the reference calls `key`.
    pub fn intervene(&self, key: &str, interventions: &[Vec<Edit>]) {
        let rows: Vec<EditedPrompt> = rows(interventions, self.clean.batch);
        let wanted = wanted(&rows);
        let base = base(&self.model, &self.clean, &wanted);
        self.expect(key, &rows, &base, &sources(&self.model, &self.source, &wanted));
    }

    /// Fails unless rows, the prompts the inner index, are the runs that the reference calls `key`.
    pub fn expect(&self, key: &str, rows: &[EditedPrompt], base: &CleanRun, sources: &Activations) {
        let key = format!("{}{key}", self.prefix);
        let replay = Replay::new(&self.model, base, sources, 1 << 30);
        let answers = self.answers();
        let readout = LogitRead { picks: 2, ranked: 0, distribution: true, divergence: true };
        let tokens = |row: usize| answers[row % answers.len()].to_vec();
        let found = replay.read::<EditError>(rows, &tokens, readout, |_| Ok(())).unwrap();
        self.near(&found.picked, &format!("{key}/logits"));
        self.near(&found.log_total, &format!("{key}/logsumexp"));
        let arg_max: Vec<usize> = found.arg_max.iter().map(|&token| token as usize).collect();
        assert_eq!(arg_max, self.reference.integers(&format!("{key}/argmax")), "{key}");
        let check = replay.check(rows, 4).unwrap();
        assert!(check.largest_difference < self.tolerance, "{key}: {check:?}");
    }

    pub fn near(&self, found: &[f32], key: &str) {
        let wanted = &self.reference.floats[key];
        assert_eq!(found.len(), wanted.len(), "{key}");
        let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0f32, |a, b| if b.is_nan() || b > a { b } else { a });
        println!("{key}: {largest:.1e}");
        assert!(largest < self.tolerance, "{key} is off by {largest:.1e}");
    }

    /// One head's z from the source prompt, at one position.
    pub fn head(layer: usize, head: usize, position: usize) -> Vec<Edit> {
        patch(Hook::Block(layer, Site::Z), position, of(&[head]))
    }

    /// The same of what an MLP adds to the stream.
    pub fn mlp(layer: usize, position: usize) -> Vec<Edit> {
        patch(Hook::Block(layer, Site::MlpOut), position, Units::All)
    }

    /// The same of one neuron.
    pub fn neuron(layer: usize, neuron: usize, position: usize) -> Vec<Edit> {
        patch(Hook::Block(layer, Site::MlpPost), position, of(&[neuron]))
    }

    /// `site` of layers replaced, everywhere, by its mean over the clean and the source prompts; of z, the heads that the
    /// reference keeps are left alone.
    pub fn ablated(&self, site: Site, layers: Range<usize>) -> Vec<Edit> {
        let kept = self.reference.integers("kept").as_chunks::<2>().0;
        let heads = self.model.facts().n_heads;
        let others = |layer: usize| (0..heads).filter(|&head| !kept.contains(&[layer, head])).collect();
        let set = |(hook, mean): (Hook, Activation)| {
            let units = match hook {
                Hook::Block(layer, Site::Z) => Units::Of(others(layer)),
                _ => Units::All,
            };
            Edit::set(hook, Positions::All, units, Arc::new(mean))
        };
        self.means(layers.map(|layer| Hook::Block(layer, site))).into_iter().map(set).collect()
    }

    /// Means over the clean and the source prompts, position by position.
    fn means(&self, hooks: impl Iterator<Item = Hook>) -> Activations {
        let ids = [self.clean.ids.clone(), self.source.ids.clone()].concat();
        let both = Tokens { ids, batch: 2 * self.clean.batch, pos: self.clean.pos };
        let wanted = hooks.map(|hook| (hook, Positions::All)).collect();
        let pause = || Ok::<(), ablate::model::NotFinite>(());
        capture_means(&self.model, &both, &vec![0; both.batch], &wanted, false, 8, pause).unwrap().remove(0)
    }

    /// Fails unless the attribution of every head at the last position is the reference's.
    pub fn attribute_heads(&self) {
        let facts = self.model.facts();
        let heads = (0..facts.n_layers).flat_map(|layer| (0..facts.n_heads).map(move |head| (layer, head)));
        let part = |(layer, head)| AttributedUnit {
            hook: Hook::Block(layer, Site::Z),
            unit: Some(head),
            positions: Positions::At(vec![self.last()]),
        };
        let parts: Vec<AttributedUnit> = heads.map(part).collect();
        let answers: Vec<AnswerTokens> = self.answers().into_iter().map(AnswerTokens::from).collect();
        let pairs =
            TokenPairs { clean: &self.clean, source: &self.source, answers: &answers, together: Together::Mean };
        let found = attribute::<EditError>(&self.model, pairs, &parts, 0, 4, |_| Ok(())).unwrap();
        let found: Vec<f32> = found.iter().map(|&score| score as f32).collect();
        self.near(&found, &format!("{}attribution/z", self.prefix));
    }
}
