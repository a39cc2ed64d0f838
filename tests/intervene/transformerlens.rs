//! Logits of edited runs, as TransformerLens computes them.

use super::reference::{Case, MODELS, at, of, patch};
use ablate::intervene::{Change, Edit, Layout, Positions, Units, Value};
use ablate::model::hook::{Hook, Site};
use std::sync::Arc;

/// Each test runs every model.
fn every_model(test: impl Fn(&Case)) {
    MODELS.iter().for_each(|name| test(&Case::open(name)));
}

fn n_layers(case: &Case) -> usize {
    case.model.facts().n_layers
}

#[test]
fn unedited_runs() {
    every_model(|case| {
        case.expect("clean/logits", &ablate::kernel::to_f32(case.model.last_logits(&case.tokens)));
        case.expect("source/logits", &ablate::kernel::to_f32(case.model.last_logits(&case.source_tokens)));
    });
}

#[test]
fn effect_maps_of_heads() {
    every_model(|case| {
        for (key, site) in [("q", Site::Q), ("k", Site::K), ("v", Site::V), ("z", Site::Z)] {
            let heads = Layout::of(Hook::Block(0, site), case.model.facts(), case.tokens.pos).unwrap().units();
            let mut interventions = Vec::new();
            for layer in 0..n_layers(case) {
                for head in 0..heads {
                    for position in 0..case.tokens.pos {
                        interventions.push(patch(Hook::Block(layer, site), position, of(&[head])));
                    }
                }
            }
            case.expect(&format!("patch/{key}"), &case.replay(&case.rows(&interventions)));
        }
    });
}

#[test]
fn effect_maps_of_streams() {
    every_model(|case| {
        let sites = [
            ("attn_out", Site::AttnOut),
            ("mlp_out", Site::MlpOut),
            ("resid_pre", Site::ResidPre),
            ("resid_mid", Site::ResidMid),
            ("resid_post", Site::ResidPost),
        ];
        for (key, site) in sites.iter().filter(|(key, _)| case.has(&format!("patch/{key}"))) {
            let mut interventions = Vec::new();
            for layer in 0..n_layers(case) {
                for position in 0..case.tokens.pos {
                    interventions.push(patch(Hook::Block(layer, *site), position, Units::All));
                }
            }
            case.expect(&format!("patch/{key}"), &case.replay(&case.rows(&interventions)));
        }
    });
}

#[test]
fn effects_of_neurons_results_and_patterns() {
    every_model(|case| {
        let heads = case.model.facts().n_heads;
        let (mut neurons, mut results, mut patterns) = (Vec::new(), Vec::new(), Vec::new());
        for layer in 0..n_layers(case) {
            for &neuron in case.integers("neurons") {
                neurons.push(patch(Hook::Block(layer, Site::MlpPost), case.last(), of(&[neuron])));
            }
            for head in 0..heads {
                results.push(patch(Hook::Block(layer, Site::Result), case.last(), of(&[head])));
                patterns.push(vec![Edit::patch(Hook::Block(layer, Site::Pattern), Positions::All, of(&[head]))]);
            }
        }
        case.expect("patch/mlp_post_neuron", &case.replay(&case.rows(&neurons)));
        case.expect("patch/result", &case.replay(&case.rows(&results)));
        case.expect("patch/pattern", &case.replay(&case.rows(&patterns)));
    });
}

/// The mean of a hook as the fixture has it.
fn mean(case: &Case, hook: Hook, key: &str) -> Arc<ablate::intervene::Activation> {
    let layout = Layout::of(hook, case.model.facts(), case.tokens.pos).unwrap();
    let (_, values) = case.floats(key);
    let positions = (0..case.tokens.pos).collect();
    Arc::new(ablate::intervene::Activation { layout, rows: 1, positions, data: values.to_vec() })
}

#[test]
fn ablations() {
    every_model(|case| {
        let heads = case.model.facts().n_heads;
        let (mut all, mut circuit) = (Vec::new(), Vec::new());
        for layer in 0..n_layers(case) {
            let (z, post) = (Hook::Block(layer, Site::Z), Hook::Block(layer, Site::MlpPost));
            let mean_z = mean(case, z, &format!("mean/z/{layer}"));
            all.push(Edit::set(z, Positions::All, Units::All, mean_z.clone()));
            all.push(Edit::set(post, Positions::All, Units::All, mean(case, post, &format!("mean/mlp_post/{layer}"))));
            let kept = |head: usize| (layer, head) == (0, 0) || (layer, head) == (1, 1);
            let others: Vec<usize> = (0..heads).filter(|&head| !kept(head)).collect();
            circuit.push(Edit::set(z, Positions::All, Units::Of(others), mean_z));
        }
        let zero = vec![Edit::zero(Hook::Block(0, Site::Z), Positions::All, Units::All)];
        let halved = Change::Replace { value: Value::Constant(0.0), strength: 0.5 };
        let scaled =
            Edit { hook: Hook::Block(0, Site::MlpOut), positions: at(&[2]), units: Units::All, change: halved };
        let more = Change::Add { value: Value::Constant(0.25), strength: 1.0 };
        let added = Edit {
            hook: Hook::Block(1, Site::ResidPre),
            positions: at(&[case.last()]),
            units: Units::All,
            change: more,
        };
        let named = [
            ("all", all),
            ("circuit", circuit),
            ("zero_heads", zero),
            ("scaled", vec![scaled]),
            ("added", vec![added]),
        ];
        for (key, edits) in named {
            case.expect(&format!("ablate/{key}"), &case.replay(&case.rows(&[edits])));
        }
    });
}

#[test]
fn attention_knockouts() {
    every_model(|case| {
        let (last, heads) = (case.last(), case.model.facts().n_heads);
        let (mut edges, mut into_last) = (Vec::new(), Vec::new());
        for layer in 0..n_layers(case) {
            edges.extend((0..heads).map(|head| vec![Edit::cut(layer, of(&[head]), at(&[last]), at(&[1]))]));
            let before: Vec<usize> = (0..last).collect();
            into_last.push(vec![Edit::cut(layer, Units::All, at(&[last]), at(&before))]);
        }
        case.expect("knockout/edge", &case.replay(&case.rows(&edges)));
        case.expect("knockout/into_last", &case.replay(&case.rows(&into_last)));
    });
}
