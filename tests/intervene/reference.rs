//! A fixture's model and what TransformerLens computed when it intervened (`tests/fixtures/make_interventions.py`).

use std::collections::BTreeMap;

use ablate::intervene::{Activations, CleanRun, Edit, EditedPrompt, HookPositions, Positions, Replay, Units, capture};
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::Hook;
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::DType;
use safetensors::{Dtype, SafeTensors};

use crate::parity::reference::folder;
use crate::support::device;

/// Models that TransformerLens can express.
pub const MODELS: [&str; 13] = [
    "gpt2-bare-names",
    "gpt2-untied",
    "gptj",
    "gptj-whole-head",
    "llama-gqa",
    "llama-tied-bf16",
    "llama3-rope",
    "llama3-rope-v5",
    "mistral-f16",
    "neox-parallel",
    "neox-v5-bin-sharded",
    "qwen2-tied-bin",
    "qwen2-v5",
];

/// Largest difference of a logit that counts as equal.
pub const TOLERANCE: f32 = 1e-4;

/// A processed model with prompts and source prompts.
pub struct Case {
    pub name: &'static str,
    pub model: Transformer,
    pub tokens: Tokens,
    pub source_tokens: Tokens,
    floats: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    integers: BTreeMap<String, Vec<usize>>,
}

impl Case {
    pub fn open(name: &'static str) -> Self {
        Self::with(name, Processing::default())
    }

    /// With weights processed so.
    pub fn with(name: &'static str, processing: Processing) -> Self {
        let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), processing);
        let model = Transformer::load(&host, &device::device(), DType::F32).unwrap();
        let bytes = std::fs::read(folder(name).join("interventions.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (mut floats, mut integers, mut shapes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for (name, view) in file.tensors() {
            let data = view.data();
            shapes.insert(name.clone(), view.shape().to_vec());
            match view.dtype() {
                Dtype::I64 => {
                    let values = data.as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as usize);
                    integers.insert(name, values.collect::<Vec<usize>>());
                }
                _ => {
                    let values = data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                    floats.insert(name, (view.shape().to_vec(), values.collect()));
                }
            }
        }
        let tokens = |name: &str| Tokens {
            ids: integers[name].iter().map(|&id| id as u32).collect(),
            batch: shapes[name][0],
            pos: shapes[name][1],
        };
        let (tokens, source_tokens) = (tokens("tokens"), tokens("source_tokens"));
        Self { name, model, tokens, source_tokens, floats, integers }
    }

    /// A model that TransformerLens cannot express: its own prompts, each with another as its source.
    pub fn alone(name: &'static str) -> Self {
        let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::default());
        let model = Transformer::load(&host, &device::device(), DType::F32).unwrap();
        Self { name, ..Self::of(model, crate::parity::reference::Reference::read(name).tokens) }
    }

    /// Any model on prompts, each with another as its source.
    pub fn of(model: Transformer, tokens: Tokens) -> Self {
        let mut ids = tokens.ids.clone();
        ids.rotate_left(tokens.pos);
        let source_tokens = Tokens { ids, ..tokens.clone() };
        Self { name: "", model, tokens, source_tokens, floats: BTreeMap::new(), integers: BTreeMap::new() }
    }

    pub fn has(&self, key: &str) -> bool {
        self.floats.contains_key(key)
    }

    /// Shape and values.
    pub fn floats(&self, key: &str) -> (&[usize], &[f32]) {
        let (shape, values) = &self.floats[key];
        (shape, values)
    }

    pub fn integers(&self, key: &str) -> &[usize] {
        &self.integers[key]
    }

    /// The last position.
    pub fn last(&self) -> usize {
        self.tokens.pos - 1
    }

    /// One row per intervention and prompt, in that order, each reading the source prompt of the same number.
    pub fn rows(&self, interventions: &[Vec<Edit>]) -> Vec<EditedPrompt> {
        rows(interventions, self.tokens.batch)
    }

    /// The logits of rows by replay, `[row, vocab]`; the replay's own check must agree.
    pub fn replay(&self, rows: &[EditedPrompt]) -> Vec<f32> {
        let wanted = wanted(rows);
        let base = base(&self.model, &self.tokens, &wanted);
        let sources = sources(&self.model, &self.source_tokens, &wanted);
        let replay = Replay::new(&self.model, &base, &sources, 1 << 30);
        let check = replay.check(rows, 16).unwrap();
        assert!(check.largest_difference < device::tolerance(1e-4), "{}: {check:?}", self.name);
        to_f32(replay.logits(rows).unwrap())
    }

    /// Fails unless `found` is the fixture's `key`.
    pub fn expect(&self, key: &str, found: &[f32]) {
        let (shape, wanted) = self.floats(key);
        assert_eq!(found.len(), wanted.len(), "{}: {key} is {shape:?}", self.name);
        let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0f32, |a, b| if b.is_nan() || b > a { b } else { a });
        assert!(largest <= device::tolerance(TOLERANCE), "{}: {key} is off by {largest:.1e}", self.name);
    }
}

pub fn rows(interventions: &[Vec<Edit>], prompts: usize) -> Vec<EditedPrompt> {
    let shared = interventions.iter().map(|edits| std::sync::Arc::from(edits.as_slice()));
    shared
        .flat_map(|edits: std::sync::Arc<[Edit]>| {
            (0..prompts).map(move |prompt| EditedPrompt { prompt, source: Some(prompt), edits: edits.clone() })
        })
        .collect()
}

/// Every hook that rows edit, at the positions where they do, as steps ask for them: of the last layer no more may be computed.
pub fn wanted(rows: &[EditedPrompt]) -> HookPositions {
    let mut wanted = HookPositions::new();
    for edit in rows.iter().flat_map(|row| row.edits.iter()) {
        let positions = match (wanted.swap_remove(&edit.hook), &edit.positions) {
            (None, positions) => positions.clone(),
            (Some(Positions::At(mut held)), Positions::At(more)) => {
                held.extend(more);
                held.sort_unstable();
                held.dedup();
                Positions::At(held)
            }
            _ => Positions::All,
        };
        wanted.insert(edit.hook, positions);
    }
    wanted
}

pub fn base(model: &Transformer, tokens: &Tokens, wanted: &HookPositions) -> CleanRun {
    CleanRun::run(model, tokens.clone(), wanted, 2, || Ok::<(), ablate::model::NotFinite>(())).unwrap()
}

pub fn sources(model: &Transformer, tokens: &Tokens, wanted: &HookPositions) -> Activations {
    capture(model, tokens, wanted, 2, || Ok::<(), ablate::model::NotFinite>(())).unwrap().0
}

pub fn at(positions: &[usize]) -> Positions {
    Positions::At(positions.to_vec())
}

pub fn of(units: &[usize]) -> Units {
    Units::Of(units.to_vec())
}

pub fn patch(hook: Hook, position: usize, units: Units) -> Vec<Edit> {
    vec![Edit::patch(hook, at(&[position]), units)]
}
