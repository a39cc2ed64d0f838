//! Mixtures of experts: what edits of the router do, what layers with experts do not have, what they cost.

use super::reference::{Case, at};
use crate::parity::families::EXPERTS;
use crate::parity::reference::{Reference, folder};
use crate::support::{Sandbox, device};
use ablate::intervene::{
    Activation, AnswerTokens, AttributedUnit, Edit, EditError, Layout, Positions, Together, TokenPairs, Units, Work,
    attribute, layer_operations, run_edited,
};
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::Facts;
use ablate::model::hook::{Hook, HookValue, Hooks, Site};
use ablate::model::host::{HostDense, HostLinear, HostMlp, HostModel};
use ablate::spec::Processing;
use std::sync::Arc;

/// Reads what stands at one hook.
struct Read(Hook, Vec<f32>);

impl Hooks for Read {
    fn wants(&self, hook: Hook) -> bool {
        hook == self.0
    }

    fn visit(&mut self, _: Hook, value: HookValue) -> HookValue {
        if let HookValue::Stream(tensor) = &value {
            self.1 = to_f32(tensor.clone());
        }
        value
    }
}

fn read(case: &Case, hook: Hook) -> Vec<f32> {
    let mut read = Read(hook, Vec::new());
    case.model.forward(&case.tokens, &mut read);
    read.1
}

/// Weights of the experts, the same at every position of every prompt.
fn mixed(layer: usize, weights: &[f32], facts: &Facts) -> Edit {
    let hook = Hook::Block(layer, Site::ExpertWeights);
    let layout = Layout::of(hook, facts, 1).unwrap();
    let values = Activation { layout, rows: 1, positions: Vec::new(), data: weights.to_vec() };
    Edit::set(hook, Positions::All, Units::All, Arc::new(values))
}

fn product(x: &[f32], linear: &HostLinear) -> Vec<f32> {
    let [inputs, outputs] = linear.weight.shape[..] else { panic!("a matrix") };
    let of = |output: usize| (0..inputs).map(|input| x[input] * linear.weight.data[input * outputs + output]).sum();
    (0..outputs).map(of).collect()
}

fn written(x: &[f32], HostDense { gate, up, down }: &HostDense) -> Vec<f32> {
    let (gate, up) = (product(x, gate.as_ref().unwrap()), product(x, up));
    let hidden: Vec<f32> = gate.iter().zip(up).map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up).collect();
    product(&hidden, down)
}

/// What the experts write, mixed by hand, replaces what the MLP writes: the same logits as of weights that say so.
#[test]
fn edited_weights_mix_the_experts_that_they_say() {
    for (name, weights) in [
        ("mixtral", [1.0, 0.0, 0.0, 0.0].as_slice()),
        ("mixtral", &[0.5, -2.0, 1.5, 0.25]),
        ("mixtral", &[0.0; 4]),
        ("olmoe", &[0.0, 0.0, 0.75, 0.0, 0.0, 1.0]),
        ("qwen3-moe", &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
    ] {
        let case = Case::with(name, Processing::NONE);
        let facts = case.model.facts();
        let host = Checkpoint::open(&folder(name)).unwrap();
        for layer in 0..facts.n_layers {
            let HostMlp::Mixture(mixture) = host.block(layer).unwrap().mlp else { panic!("{name}: no experts") };
            let stream = read(&case, Hook::Block(layer, Site::Ln2Out));
            let mix = |x: &[f32]| {
                let mut sum = vec![0.0; facts.d_model];
                for (weight, expert) in weights.iter().zip(&mixture.experts) {
                    sum.iter_mut().zip(written(x, expert)).for_each(|(sum, value)| *sum += weight * value);
                }
                sum
            };
            let data: Vec<f32> = stream.chunks_exact(facts.d_model).flat_map(mix).collect();
            let hook = Hook::Block(layer, Site::MlpOut);
            let layout = Layout::of(hook, facts, case.tokens.pos).unwrap();
            let width = case.tokens.pos * facts.d_model;
            for prompt in 0..case.tokens.batch {
                let values = Activation {
                    layout,
                    rows: 1,
                    positions: (0..case.tokens.pos).collect(),
                    data: data[prompt * width..][..width].to_vec(),
                };
                let whole = vec![Edit::set(hook, Positions::All, Units::All, Arc::new(values))];
                let of = |edits: Vec<Edit>| {
                    let rows: Vec<_> = case.rows(&[edits]).into_iter().filter(|row| row.prompt == prompt).collect();
                    case.replay(&rows)
                };
                let (wanted, found) = (of(whole), of(vec![mixed(layer, weights, facts)]));
                let apart = wanted.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(apart < device::tolerance(1e-4), "{name}, layer {layer}: {apart:e} apart");
            }
        }
    }
}

/// Each token has as many experts as the configuration says; where it says so, their weights sum to one.
#[test]
fn as_many_are_chosen_as_the_facts_say() {
    for name in EXPERTS {
        let host = Checkpoint::open(&folder(name)).unwrap();
        let facts = host.facts();
        let plain = Reference::read(name).plain;
        let experts = facts.experts.as_ref().unwrap();
        for layer in 0..facts.n_layers {
            let recorded = plain.get(&format!("blocks.{layer}.mlp.hook_expert_weights"));
            assert_eq!(recorded.is_some(), facts.experts_of(layer).is_some(), "{name}, layer {layer}");
            for weights in recorded.iter().flat_map(|(_, weights)| weights.chunks_exact(experts.count)) {
                assert_eq!(weights.iter().filter(|weight| **weight != 0.0).count(), experts.chosen, "{name}");
                assert_eq!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5, experts.normalised, "{name}");
            }
        }
    }
}

/// Logits of the router that leave one expert far ahead choose it, whatever it would have chosen.
#[test]
fn edited_logits_choose_anew() {
    let case = Case::with("mixtral", Processing::NONE);
    let facts = case.model.facts();
    for expert in 0..4 {
        let ahead = Edit {
            units: Units::Of(vec![expert]),
            ..Edit::zero(Hook::Block(1, Site::RouterLogits), Positions::All, Units::All)
        };
        let change =
            ablate::intervene::Change::Replace { value: ablate::intervene::Value::Constant(60.0), strength: 1.0 };
        let mut weights = [0.0; 4];
        weights[expert] = 1.0;
        let chosen = case.replay(&case.rows(&[vec![Edit { change, ..ahead }]]));
        let mixed = case.replay(&case.rows(&[vec![mixed(1, &weights, facts)]]));
        let apart = chosen.iter().zip(&mixed).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < device::tolerance(1e-4), "expert {expert}: {apart:e} apart");
    }
}

/// Not finite: no logits that look like some.
#[test]
fn logits_that_are_no_numbers_are_no_choice() {
    let case = Case::with("qwen3-moe", Processing::NONE);
    let hook = Hook::Block(0, Site::RouterLogits);
    let nothing = Edit {
        change: ablate::intervene::Change::Replace {
            value: ablate::intervene::Value::Constant(f32::NAN),
            strength: 1.0,
        },
        ..Edit::zero(hook, at(&[case.last()]), Units::All)
    };
    let rows = case.rows(&[vec![nothing]]);
    let found = to_f32(run_edited(&case.model, &case.tokens, &rows, &Default::default()));
    assert!(found.iter().all(|logit| logit.is_nan()), "{found:?}");
}

#[test]
fn what_layers_do_not_have() {
    let refused = |name: &str, layer, site| {
        let host = Checkpoint::open(&folder(name)).unwrap();
        let edit = Edit::zero(Hook::Block(layer, site), Positions::All, Units::All);
        edit.validate(host.facts(), 4).err().map(|error| error.to_string())
    };
    for site in [Site::MlpPre, Site::MlpPreLinear, Site::MlpPost] {
        let error = refused("mixtral", 1, site).unwrap();
        assert!(error.contains("the layer has experts") && error.contains("hook_mlp_out"), "{error}");
        assert_eq!(refused("qwen3-moe-dense-blocks", 0, site), None);
        assert!(refused("qwen3-moe-dense-blocks", 1, site).is_some());
    }
    for site in [Site::RouterLogits, Site::ExpertWeights] {
        let error = refused("qwen3-moe-dense-blocks", 0, site).unwrap();
        assert!(error.contains("one MLP for all tokens"), "{error}");
        assert!(refused("mistral", 0, site).is_some());
        assert_eq!(refused("mixtral", 0, site), None);
    }
}

/// The weights of experts that are not chosen have no gradient, for they are not computed.
#[test]
fn weights_have_no_attribution() {
    let case = Case::with("olmoe", Processing::NONE);
    let answers = vec![AnswerTokens::from([0, 1]); case.tokens.batch];
    let pairs =
        TokenPairs { clean: &case.tokens, source: &case.source_tokens, answers: &answers, together: Together::Mean };
    let of = |site| {
        let hook = Hook::Block(0, site);
        let parts = [AttributedUnit { hook, unit: None, positions: Positions::All }];
        attribute::<EditError>(&case.model, pairs, &parts, 0, 2, |_| Ok(()))
    };
    assert!(matches!(of(Site::ExpertWeights), Err(EditError::NoExpertAttribution(_))));
    assert!(of(Site::RouterLogits).unwrap().iter().any(|score| *score != 0.0));
}

/// A position is multiplied with the router and as many experts as are chosen.
#[test]
fn operations_are_those_of_the_chosen_experts() {
    let facts = |name: &str| Checkpoint::open(&folder(name)).unwrap().facts().clone();
    let mixtral = facts("mixtral");
    let attention = 2 * 16 * 4 * (2 * 4 + 2 * 2);
    let mlp = 2 * (16 * 4 + 2 * 3 * 16 * 6);
    assert_eq!(layer_operations(&mixtral), attention + mlp);
    // From the first layer's MLP on: it, and the second layer.
    let edits = [Edit::zero(Hook::Block(0, Site::ResidMid), at(&[8]), Units::All)];
    let work = Work::of([&edits[..]].into_iter(), &mixtral, 9);
    assert_eq!(work.operations, attention + 2 * mlp);
    // Two of three layers have experts.
    let mixed = facts("qwen3-moe-dense-blocks");
    let (dense, sparse) = (2 * 3 * 12 * 14, 2 * (12 * 6 + 2 * 3 * 12 * 5));
    let attention = 2 * 12 * 6 * (2 * 4 + 2);
    assert_eq!(layer_operations(&mixed), attention + (dense + 2 * sparse) / 3);
}

/// A base run keeps keys and values as attention reads them: held to the model's bound.
#[test]
fn clipped_keys_and_values_are_kept_clipped() {
    let case = Case::alone("olmoe-clipped-biases");
    let rows = case.rows(&[vec![Edit::zero(Hook::Block(0, Site::ResidPre), at(&[case.last()]), Units::All)]]);
    let scratch = to_f32(run_edited(&case.model, &case.tokens, &rows, &Default::default()));
    let apart = scratch.iter().zip(case.replay(&rows)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < device::tolerance(5e-5), "{apart:e} apart");
}

/// Steps of whole components run, with the MLPs of experts at what they write; steps of neurons are refused before any work.
#[test]
fn steps() {
    let config = r#"{ "model_type": "mixtral", "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
        "head_dim": 4, "hidden_size": 8, "intermediate_size": 6, "vocab_size": 1200, "max_position_embeddings": 64 }"#;
    let spec = |steps: &str| {
        format!(
            r#"
title = "experts"
[model]
source = "random:mixtral.json#1"
[prompts]
operators = ["+"]
operands = {{ a = "2..6", b = "2..6" }}
keep = "all"
sample = 4
{steps}
"#
        )
    };
    let run = |steps: &str| Sandbox::of(&[("mixtral.json", config), ("spec.toml", &spec(steps))]);
    let whole = r#"
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["attn.hook_z[head]", "hook_mlp_out", "mlp.hook_router_logits", "mlp.hook_expert_weights[unit]"]
[[step]]
name = "shares"
kind = "logit-attribution"
[[step]]
name = "without"
kind = "ablation"
mode = "ablate"
components = ["L0MLP", "L1H0"]
"#;
    run(whole).ran();
    for step in [
        "kind = \"neuron-patching\"",
        "kind = \"activation-patching\"\nsites = [\"mlp.hook_post\"]",
        "kind = \"ablation\"\nmode = \"ablate\"\ncomponents = [\"L0N3\"]",
        "kind = \"logit-attribution\"\ncomponents = [\"L1N*\"]",
        "kind = \"max-activations\"\ncomponents = [\"L1N0\"]",
    ] {
        let said = run(&format!("[[step]]\nname = \"one\"\n{step}\n")).refused();
        assert!(said.contains("the layer has experts"), "{step}: {said}");
    }
}
