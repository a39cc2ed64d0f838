//! Interventions on a pretrained model, as TransformerLens computes them (`tests/fixtures/make_smollm2_interventions.py`).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored intervene::smollm2

use super::reference::{base, of, patch, rows, sources, wanted};
use ablate::intervene::{
    Activation, Activations, AttributedUnit, CleanRun, Edit, EditError, EditedPrompt, HookPositions, LogitRead, Paths,
    Positions, Receiver, Replay, Sender, TokenPairs, Units, attribute, capture_means,
};
use ablate::model::gguf::Gguf;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::{HeadInput, NormScale, Processing};
use burn::tensor::{DType, Device};
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::ops::Range;
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

/// The model, the prompts and what TransformerLens made of them.
struct SmolLm2 {
    reference: Reference,
    model: Transformer,
    clean: Tokens,
    source: Tokens,
}

impl SmolLm2 {
    fn open() -> Self {
        let reference = Reference::read();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/SmolLM2-135M-Instruct.Q4_1.gguf");
        let host = Processed::new(Gguf::open(&file).unwrap().model().unwrap(), Processing::default());
        let model = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
        let (clean, source) = (reference.tokens("tokens"), reference.tokens("source_tokens"));
        Self { reference, model, clean, source }
    }

    /// r and r' of each prompt.
    fn answers(&self) -> Vec<[u32; 2]> {
        self.reference.integers["targets"].as_chunks::<2>().0.iter().map(|pair| pair.map(|id| id as u32)).collect()
    }

    /// The last prompt position.
    fn last(&self) -> usize {
        self.clean.pos - 1
    }

    /// Fails unless rows, the prompts the inner index, are the runs that the reference calls `key`.
    fn expect(&self, key: &str, rows: &[EditedPrompt], base: &CleanRun, sources: &Activations) {
        let replay = Replay::new(&self.model, base, sources, 1 << 30);
        let answers = self.answers();
        let readout = LogitRead { picks: 2, distribution: true, divergence: true };
        let tokens = |row: usize| answers[row % answers.len()].to_vec();
        let found = replay.read::<EditError>(rows, &tokens, readout, |_| Ok(())).unwrap();
        self.near(&found.picked, &format!("{key}/logits"));
        self.near(&found.log_total, &format!("{key}/logsumexp"));
        let arg_max: Vec<usize> = found.arg_max.iter().map(|&token| token as usize).collect();
        assert_eq!(arg_max, self.reference.integers[&format!("{key}/argmax")], "{key}");
        let check = replay.check(rows, 4).unwrap();
        assert!(check.largest_difference < TOLERANCE, "{key}: {check:?}");
    }

    fn near(&self, found: &[f32], key: &str) {
        let wanted = &self.reference.floats[key];
        assert_eq!(found.len(), wanted.len(), "{key}");
        let differences = found.iter().zip(wanted).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0f32, |a, b| if b.is_nan() || b > a { b } else { a });
        println!("{key}: {largest:.1e}");
        assert!(largest < TOLERANCE, "{key} is off by {largest:.1e}");
    }

    /// Means over the clean and the source prompts, position by position.
    fn means(&self, hooks: impl Iterator<Item = Hook>) -> Activations {
        let ids = [self.clean.ids.clone(), self.source.ids.clone()].concat();
        let both = Tokens { ids, batch: 2 * self.clean.batch, pos: self.clean.pos };
        let wanted = hooks.map(|hook| (hook, Positions::All)).collect();
        let pause = || Ok::<(), ablate::model::NotFinite>(());
        capture_means(&self.model, &both, &vec![0; both.batch], &wanted, false, 8, pause).unwrap().remove(0)
    }
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn effect_maps_and_ablations_of_smollm2() {
    let this = SmolLm2::open();
    let (last, every) = (this.last(), 0..this.clean.pos);
    let operand = this.reference.integers["position"][0];

    let head = |layer: usize, head: usize, position: usize| patch(Hook::Block(layer, Site::Z), position, of(&[head]));
    let mlp = |layer: usize, position: usize| patch(Hook::Block(layer, Site::MlpOut), position, Units::All);
    let neuron = |&neuron: &usize| patch(Hook::Block(15, Site::MlpPost), last, of(&[neuron]));
    let heads = || (0..LAYERS).flat_map(|layer| (0..HEADS).map(move |head| (layer, head)));
    let kept = &this.reference.integers["kept"];
    let others = |layer: usize| (0..HEADS).filter(|&head| !kept.chunks(2).any(|kept| kept == [layer, head])).collect();
    let set = |(hook, mean): (Hook, Activation)| {
        let units = match hook {
            Hook::Block(layer, Site::Z) => Units::Of(others(layer)),
            _ => Units::All,
        };
        Edit::set(hook, Positions::All, units, Arc::new(mean))
    };
    let ablation = |site: Site, layers: Range<usize>| -> Vec<Edit> {
        this.means(layers.map(|layer| Hook::Block(layer, site))).into_iter().map(set).collect()
    };
    let each = |interventions: &mut dyn Iterator<Item = Vec<Edit>>| interventions.collect::<Vec<_>>();
    let interventions: [(&str, Vec<Vec<Edit>>); 8] = [
        ("patch/z", each(&mut heads().map(|(layer, unit)| head(layer, unit, last)))),
        ("patch/mlp_out", each(&mut (0..LAYERS).map(|layer| mlp(layer, last)))),
        ("patch/mlp_out_operand", each(&mut (0..LAYERS).map(|layer| mlp(layer, operand)))),
        ("patch/mlp_post_neuron", each(&mut this.reference.integers["neurons"].iter().map(neuron))),
        (
            "patch/mlp_out_each",
            each(&mut (0..LAYERS).step_by(3).flat_map(|layer| every.clone().map(move |at| mlp(layer, at)))),
        ),
        ("patch/z_each", each(&mut (0..HEADS).flat_map(|unit| every.clone().map(move |at| head(15, unit, at))))),
        ("ablate/heads", vec![ablation(Site::Z, 0..LAYERS)]),
        ("ablate/mlps", vec![ablation(Site::MlpPost, 10..20)]),
    ];
    for (key, edits) in interventions {
        let rows: Vec<EditedPrompt> = rows(&edits, this.clean.batch);
        let wanted = wanted(&rows);
        let base = base(&this.model, &this.clean, &wanted);
        this.expect(key, &rows, &base, &sources(&this.model, &this.source, &wanted));
    }
}

/// Heads and MLPs of one layer to those of a later one, and to the logits.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn paths_of_smollm2() {
    let this = SmolLm2::open();
    let ends = [0, 4, 8];
    let heads = ends.map(|head| Sender { layer: 10, head: Some(head) });
    let mlp = [Sender { layer: 10, head: None }];
    let inputs = [HeadInput::Q, HeadInput::V].map(|input| Receiver::Heads { layer: 15, input });
    let receivers = [inputs[0], inputs[1], Receiver::Mlp { layer: 15 }];
    let hooks = receivers.map(Receiver::hook).into_iter().chain(heads.iter().chain(&mlp).map(|sender| sender.hook()));
    let wanted: HookPositions = hooks.map(|hook| (hook, Positions::All)).collect();
    let base = base(&this.model, &this.clean, &wanted);
    let sources = sources(&this.model, &this.source, &wanted);
    let pairs: Vec<(usize, usize)> = (0..this.clean.batch).map(|prompt| (prompt, prompt)).collect();
    let (transformer, positions) = (&this.model, &Positions::All);
    let (base, sources, pairs) = (&base, &sources, &pairs[..]);
    let paths = Paths { transformer, base, sources, pairs, positions, norm: NormScale::Frozen, memory: 1 << 30 };

    let units = |units: &[usize]| units.iter().map(|&unit| of(&[unit])).collect::<Vec<_>>();
    let cases = [
        ("path/head_to_q", &heads[..], inputs[0], units(&ends)),
        ("path/head_to_v", &heads[..], inputs[1], units(&[0, 1, 2])),
        ("path/head_to_mlp", &heads[..], receivers[2], vec![Units::All]),
        ("path/mlp_to_mlp", &mlp[..], receivers[2], vec![Units::All]),
    ];
    for (key, senders, receiver, units) in cases {
        let received = paths.received(receiver, senders);
        let mut rows = Vec::new();
        for sender in 0..senders.len() {
            for units in &units {
                let edits: Arc<[Edit]> = Arc::from([Edit::patch(receiver.hook(), Positions::All, units.clone())]);
                rows.extend(pairs.iter().map(|&(prompt, _)| EditedPrompt {
                    prompt,
                    source: Some(sender * pairs.len() + prompt),
                    edits: edits.clone(),
                }));
            }
        }
        this.expect(key, &rows, &base, &received);
    }
    let answers = this.answers();
    let tokens = |pair: usize| answers[pair % answers.len()].to_vec();
    let readout = LogitRead { picks: 2, distribution: true, divergence: false };
    for (key, senders) in [("path/head_to_logits", &heads[..]), ("path/mlp_to_logits", &mlp[..])] {
        let found = paths.logits::<()>(senders, &tokens, readout, |_| Ok(())).unwrap();
        this.near(&found.picked, &format!("{key}/logits"));
        this.near(&found.log_total, &format!("{key}/logsumexp"));
    }
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn attributions_of_smollm2() {
    let this = SmolLm2::open();
    let at = || Positions::At(vec![this.last()]);
    let parts: Vec<AttributedUnit> = (0..LAYERS)
        .flat_map(|layer| (0..HEADS).map(move |head| (Hook::Block(layer, Site::Z), Some(head))))
        .map(|(hook, unit)| AttributedUnit { hook, unit, positions: at() })
        .collect();
    let pairs = TokenPairs { clean: &this.clean, source: &this.source, answers: &this.answers() };
    let found = attribute::<EditError>(&this.model, pairs, &parts, 0, 4, |_| Ok(())).unwrap();
    this.near(&found.iter().map(|&score| score as f32).collect::<Vec<_>>(), "attribution/z");
}
