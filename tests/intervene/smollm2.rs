//! Interventions on a pretrained model, as TransformerLens computes them (`tests/fixtures/make_smollm2_interventions.py`).
//!
//!     scripts/fetch-smollm2.sh
//!     cargo test --release -- --ignored intervene::smollm2

use super::pretrained::Pretrained;
use super::reference::{base, of, sources};
use ablate::intervene::{Edit, EditedPrompt, HookPositions, LogitRead, Paths, Positions, Receiver, Sender, Units};
use ablate::model::hook::Site;
use ablate::spec::{HeadInput, NormScale};
use std::sync::Arc;

const LAYERS: usize = 30;
const HEADS: usize = 9;

/// Largest difference of a logit, logits of which go to about 40.
const TOLERANCE: f32 = 1e-4;

fn open() -> Pretrained {
    Pretrained::open("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-interventions.safetensors", TOLERANCE)
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn effect_maps_and_ablations_of_smollm2() {
    let this = open();
    let (last, every) = (this.last(), 0..this.clean.pos);
    let operand = this.reference.integers("position")[0];
    let (head, mlp) = (Pretrained::head, Pretrained::mlp);

    let heads = (0..LAYERS).flat_map(|layer| (0..HEADS).map(move |unit| head(layer, unit, last)));
    this.intervene("patch/z", &heads.collect::<Vec<_>>());
    this.intervene("patch/mlp_out", &(0..LAYERS).map(|layer| mlp(layer, last)).collect::<Vec<_>>());
    this.intervene("patch/mlp_out_operand", &(0..LAYERS).map(|layer| mlp(layer, operand)).collect::<Vec<_>>());
    let neurons = this.reference.integers("neurons").iter().map(|&neuron| Pretrained::neuron(15, neuron, last));
    this.intervene("patch/mlp_post_neuron", &neurons.collect::<Vec<_>>());
    let each = (0..LAYERS).step_by(3).flat_map(|layer| every.clone().map(move |at| mlp(layer, at)));
    this.intervene("patch/mlp_out_each", &each.collect::<Vec<_>>());
    let each = (0..HEADS).flat_map(|unit| every.clone().map(move |at| head(15, unit, at)));
    this.intervene("patch/z_each", &each.collect::<Vec<_>>());
    this.intervene("ablate/heads", &[this.ablated(Site::Z, 0..LAYERS)]);
    this.intervene("ablate/mlps", &[this.ablated(Site::MlpPost, 10..20)]);
}

/// Heads and MLPs of one layer to those of a later one, and to the logits.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn paths_of_smollm2() {
    let this = open();
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
        this.expect(key, &rows, base, &received);
    }
    let answers = this.answers();
    let tokens = |pair: usize| answers[pair % answers.len()].to_vec();
    let readout = LogitRead { picks: 2, ranked: 0, distribution: true, divergence: false };
    for (key, senders) in [("path/head_to_logits", &heads[..]), ("path/mlp_to_logits", &mlp[..])] {
        let found = paths.logits::<()>(senders, &tokens, readout, |_| Ok(())).unwrap();
        this.near(&found.picked, &format!("{key}/logits"));
        this.near(&found.log_total, &format!("{key}/logsumexp"));
    }
}

#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn attributions_of_smollm2() {
    open().attribute_heads();
}
