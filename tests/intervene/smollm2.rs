//! Interventions on a pretrained model, as TransformerLens computes them (`tests/fixtures/make_smollm2_interventions.py`).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored intervene::smollm2

use super::reference::{base, of, patch, rows, sources, wanted};
use ablate::intervene::{Edit, EditError, Positions, Readout, Replay, Row, Units, capture_means};
use ablate::model::gguf::Gguf;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::Processing;
use burn::tensor::{DType, Device};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const LAYERS: usize = 30;
const HEADS: usize = 9;

struct Reference {
    floats: BTreeMap<String, Vec<f32>>,
    integers: BTreeMap<String, Vec<usize>>,
    prompts: usize,
}

impl Reference {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/smollm2-interventions.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (mut floats, mut integers) = (BTreeMap::new(), BTreeMap::new());
        let prompts = file.tensor("tokens").unwrap().shape()[0];
        for (name, view) in file.tensors() {
            match view.dtype() {
                Dtype::I64 => {
                    let values = view.data().as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as usize);
                    integers.insert(name, values.collect());
                }
                _ => {
                    let values = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
                    floats.insert(name, values.collect());
                }
            }
        }
        Self { floats, integers, prompts }
    }

    fn tokens(&self, name: &str) -> Tokens {
        let ids: Vec<u32> = self.integers[name].iter().map(|&id| id as u32).collect();
        Tokens { pos: ids.len() / self.prompts, ids, batch: self.prompts }
    }
}

/// Largest difference of a logit, logits of which go to about 40.
const TOLERANCE: f32 = 1e-4;

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn effect_maps_and_ablations_of_smollm2() {
    let reference = Reference::read();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    let host = Processed::new(Gguf::open(&file).unwrap().model().unwrap(), Processing::default());
    let model = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
    let (clean, source) = (reference.tokens("tokens"), reference.tokens("source_tokens"));
    let last = clean.pos - 1;
    let operand = reference.integers["position"][0];

    let mut interventions: Vec<(&str, Vec<Vec<Edit>>)> = Vec::new();
    let heads = |layer: usize| (0..HEADS).map(move |head| patch(Hook::Block(layer, Site::Z), last, of(&[head])));
    interventions.push(("patch/z", (0..LAYERS).flat_map(heads).collect()));
    let mlp = |position: usize| {
        (0..LAYERS).map(|layer| patch(Hook::Block(layer, Site::MlpOut), position, Units::All)).collect::<Vec<_>>()
    };
    interventions.push(("patch/mlp_out", mlp(last)));
    interventions.push(("patch/mlp_out_operand", mlp(operand)));
    let neurons = reference.integers["neurons"].iter();
    let neuron = |&neuron: &usize| patch(Hook::Block(15, Site::MlpPost), last, of(&[neuron]));
    interventions.push(("patch/mlp_post_neuron", neurons.map(neuron).collect()));
    interventions.push(("ablate/heads", vec![mean_ablation(&model, &clean, &source, &reference.integers["kept"])]));

    for (key, edits) in interventions {
        let rows: Vec<Row> = rows(&edits, reference.prompts);
        let wanted = wanted(&rows);
        let base = base(&model, &clean, &wanted);
        let sources = sources(&model, &source, &wanted);
        let replay = Replay::new(&model, &base, &sources, 1 << 30);
        let targets = &reference.integers["targets"];
        let tokens = |row: usize| {
            let prompt = row % reference.prompts;
            targets[2 * prompt..2 * prompt + 2].iter().map(|&id| id as u32).collect::<Vec<u32>>()
        };
        let readout = Readout { picks: 2, distribution: true, divergence: true };
        let found = replay.read::<EditError>(&rows, &tokens, readout, |_| Ok(())).unwrap();
        let off = |found: &[f32], key: String| {
            let wanted = &reference.floats[&key];
            assert_eq!(found.len(), wanted.len(), "{key}");
            let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
            let largest = differences.fold(0.0f32, |a, b| if b.is_nan() || b > a { b } else { a });
            println!("{key}: {largest:.1e}");
            assert!(largest < TOLERANCE, "{key} is off by {largest:.1e}");
        };
        off(&found.picked, format!("{key}/logits"));
        off(&found.log_total, format!("{key}/logsumexp"));
        let arg_max: Vec<usize> = found.arg_max.iter().map(|&token| token as usize).collect();
        assert_eq!(arg_max, reference.integers[&format!("{key}/argmax")], "{key}");
        let check = replay.check(&rows, 4).unwrap();
        assert!(check.largest_difference < TOLERANCE, "{key}: {check:?}");
    }
}

/// Every head's z but those of `kept` at its mean over both prompts sets, at every position.
fn mean_ablation(model: &Transformer, clean: &Tokens, source: &Tokens, kept: &[usize]) -> Vec<Edit> {
    let both = Tokens { ids: [clean.ids.clone(), source.ids.clone()].concat(), batch: 2 * clean.batch, pos: clean.pos };
    let wanted = (0..LAYERS).map(|layer| (Hook::Block(layer, Site::Z), Positions::All)).collect();
    let pause = || Ok::<(), ()>(());
    let means = capture_means(model, &both, &vec![0; both.batch], &wanted, false, 8, pause).unwrap().remove(0);
    let edit = |(layer, mean): (usize, ablate::intervene::Activation)| {
        let others = (0..HEADS).filter(|&head| !kept.chunks(2).any(|kept| kept == [layer, head])).collect();
        Edit::set(Hook::Block(layer, Site::Z), Positions::All, Units::Of(others), Arc::new(mean))
    };
    means.into_values().enumerate().map(edit).collect()
}
