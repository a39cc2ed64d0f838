//! Interventions in the families that differ from llama, as hooks on transformers' modules and TransformerLens's bridge compute them
//! (`tests/fixtures/family_interventions.py`).

use super::attribution;
use super::paths::Runs;
use super::reference::{Case, at, of, patch};
use ablate::intervene::{
    Activation, Change, Edit, HookPositions, Layout, Positions, Targets, Term, Units, Value, direct_attribution,
    logit_lens,
};
use ablate::kernel::to_f32;
use ablate::model::hook::{Hook, Site};
use ablate::spec::{CapSide, NormScale, Processing};
use std::sync::Arc;

use crate::parity::families;
use crate::parity::reference::folder;

/// Fixtures that have interventions.
const INTERVENED: [&str; 19] = [
    "gemma2",
    "gemma2-mqa",
    "gemma3-linear",
    "gemma3-untied-biases",
    "llama32-v5",
    "mistral",
    "mistral-tied-v5",
    "olmo2",
    "olmo2-linear",
    "olmo3",
    "olmo3-yarn-v5",
    "phi3",
    "phi3-longrope",
    "qwen3",
    "qwen3-window",
    "smollm3-window",
    "mixtral",
    "olmoe",
    "qwen3-moe",
];

/// Each test runs every model as it is stored: that is what was intervened on.
fn every_model(test: impl Fn(&Case)) {
    INTERVENED.iter().for_each(|name| test(&Case::with(name, Processing::NONE)));
}

fn layers(case: &Case) -> std::ops::Range<usize> {
    0..case.model.facts().n_layers
}

fn positions(case: &Case) -> Vec<usize> {
    case.integers("positions").to_vec()
}

#[test]
fn every_fixture_is_tested() {
    let there = families::all().filter(|name| folder(name).join("interventions.safetensors").exists());
    assert_eq!(there.collect::<Vec<_>>(), INTERVENED);
}

#[test]
fn unedited_runs() {
    every_model(|case| {
        case.expect("clean/logits", &to_f32(case.model.last_logits(&case.tokens)));
        case.expect("source/logits", &to_f32(case.model.last_logits(&case.source_tokens)));
    });
}

#[test]
fn effects_of_heads() {
    every_model(|case| {
        for (key, site) in [
            ("q", Site::Q),
            ("k", Site::K),
            ("v", Site::V),
            ("z", Site::Z),
            ("q_normed", Site::QNormed),
            ("k_normed", Site::KNormed),
        ] {
            let layout = Layout::of(Hook::Block(0, site), case.model.facts(), case.tokens.pos);
            assert_eq!(layout.is_some(), case.has(&format!("patch/{key}")), "{}: {key}", case.name);
            let Some(layout) = layout else { continue };
            let mut interventions = Vec::new();
            for layer in layers(case) {
                for head in 0..layout.units() {
                    for position in positions(case) {
                        interventions.push(patch(Hook::Block(layer, site), position, of(&[head])));
                    }
                }
            }
            case.expect(&format!("patch/{key}"), &case.replay(&case.rows(&interventions)));
        }
    });
}

#[test]
fn effects_of_streams_norms_that_follow_and_routers() {
    every_model(|case| {
        for (key, site) in [
            ("attn_out", Site::AttnOut),
            ("mlp_out", Site::MlpOut),
            ("resid_pre", Site::ResidPre),
            ("resid_mid", Site::ResidMid),
            ("resid_post", Site::ResidPost),
            ("ln1_post_normalized", Site::Ln1PostNormalized),
            ("ln2_post_scale", Site::Ln2PostScale),
            // Which others may be chosen by.
            ("router_logits", Site::RouterLogits),
        ] {
            let there = Layout::of(Hook::Block(0, site), case.model.facts(), case.tokens.pos).is_some();
            assert_eq!(there, case.has(&format!("patch/{key}")), "{}: {key}", case.name);
            if !there {
                continue;
            }
            let mut interventions = Vec::new();
            for layer in layers(case) {
                for position in positions(case) {
                    interventions.push(patch(Hook::Block(layer, site), position, Units::All));
                }
            }
            case.expect(&format!("patch/{key}"), &case.replay(&case.rows(&interventions)));
        }
    });
}

#[test]
fn effects_of_neurons_results_and_patterns() {
    every_model(|case| {
        let (mut neurons, mut results, mut patterns) = (Vec::new(), Vec::new(), Vec::new());
        for layer in layers(case) {
            for &neuron in case.integers("neurons") {
                neurons.push(patch(Hook::Block(layer, Site::MlpPost), case.last(), of(&[neuron])));
            }
            for head in 0..case.model.facts().n_heads {
                results.push(patch(Hook::Block(layer, Site::Result), case.last(), of(&[head])));
                patterns.push(vec![Edit::patch(Hook::Block(layer, Site::Pattern), Positions::All, of(&[head]))]);
            }
        }
        // Layers with experts have none.
        let has_neurons = case.model.facts().experts.is_none();
        assert_eq!(has_neurons, case.has("patch/mlp_post_neuron"), "{}", case.name);
        if has_neurons {
            case.expect("patch/mlp_post_neuron", &case.replay(&case.rows(&neurons)));
        }
        case.expect("patch/result", &case.replay(&case.rows(&results)));
        case.expect("patch/pattern", &case.replay(&case.rows(&patterns)));
    });
}

#[test]
fn ablations() {
    every_model(|case| {
        let mean = |hook: Hook, key: String| {
            let layout = Layout::of(hook, case.model.facts(), case.tokens.pos).unwrap();
            let (_, values) = case.floats(&key);
            let positions = (0..case.tokens.pos).collect();
            Edit::set(
                hook,
                Positions::All,
                Units::All,
                Arc::new(Activation { layout, rows: 1, positions, data: values.to_vec() }),
            )
        };
        let all = layers(case).flat_map(|layer| {
            let neurons = Hook::Block(layer, Site::MlpPost);
            let heads = mean(Hook::Block(layer, Site::Z), format!("mean/z/{layer}"));
            let has_neurons = case.model.facts().experts_of(layer).is_none();
            [heads].into_iter().chain(has_neurons.then(|| mean(neurons, format!("mean/mlp_post/{layer}"))))
        });
        let zero = |hook: Hook| vec![Edit::zero(hook, Positions::All, Units::All)];
        let halved = Edit {
            hook: Hook::Block(0, Site::MlpOut),
            positions: at(&positions(case)[..1]),
            units: Units::All,
            change: Change::Replace { value: Value::Constant(0.0), strength: 0.5 },
        };
        let mlps: Vec<_> = layers(case).map(|layer| zero(Hook::Block(layer, Site::MlpOut))).collect();
        case.expect("ablate/all", &case.replay(&case.rows(&[all.collect()])));
        case.expect("ablate/zero_heads", &case.replay(&case.rows(&[zero(Hook::Block(0, Site::Z))])));
        case.expect("ablate/zero_mlp", &case.replay(&case.rows(&mlps)));
        case.expect("ablate/scaled", &case.replay(&case.rows(&[vec![halved]])));
    });
}

/// Of a window that hides the far key already, the cut changes nothing.
#[test]
fn attention_knockouts() {
    every_model(|case| {
        let last = case.last();
        let edges = |key: usize| {
            let heads = 0..case.model.facts().n_heads;
            let edges = layers(case).flat_map(|layer| heads.clone().map(move |head| (layer, head)));
            edges.map(|(layer, head)| vec![Edit::cut(layer, of(&[head]), at(&[last]), at(&[key]))]).collect::<Vec<_>>()
        };
        let before: Vec<usize> = (0..last).collect();
        let into_last: Vec<_> =
            layers(case).map(|layer| vec![Edit::cut(layer, Units::All, at(&[last]), at(&before))]).collect();
        case.expect("knockout/edge", &case.replay(&case.rows(&edges(last - 1))));
        case.expect("knockout/far", &case.replay(&case.rows(&edges(1))));
        case.expect("knockout/into_last", &case.replay(&case.rows(&into_last)));
    });
}

#[test]
fn gradients_of_the_clean_run() {
    every_model(|case| {
        for (key, site, whole) in [
            ("z", Site::Z, false),
            ("q", Site::Q, false),
            ("mlp_post", Site::MlpPost, false),
            ("mlp_out", Site::MlpOut, true),
            ("attn_out", Site::AttnOut, true),
            ("resid_pre", Site::ResidPre, true),
        ] {
            if site == Site::MlpPost && case.model.facts().experts.is_some() {
                continue;
            }
            let parts = attribution::parts(case, site, whole);
            let found = attribution::scores(case, &case.model, &case.source_tokens, &parts, 0, 2);
            attribution::expect(case, &format!("attribution/{key}"), &found);
        }
    });
}

/// Of what a norm after attention reads one head's share has no change of its own: by either convention.
#[test]
fn paths() {
    every_model(|case| {
        Runs::with(case, NormScale::Frozen).expect("path/", true);
        if case.model.facts().norms.after() {
            Runs::with(case, NormScale::Recomputed).expect("path/recomputed/", false);
        }
    });
}

#[test]
fn logit_lens_before_and_after_the_cap() {
    every_model(|case| {
        let wanted: HookPositions =
            layers(case).map(|layer| (Hook::Block(layer, Site::ResidPre), at(&[case.last()]))).collect();
        let lens = |cap: CapSide| {
            let mut read: Vec<Vec<f32>> = vec![Vec::new(); wanted.len()];
            logit_lens(
                &case.model,
                &case.tokens,
                &wanted,
                cap,
                2,
                |_, _| (),
                |lens| {
                    read[wanted.get_index_of(&lens.hook).unwrap()].extend(to_f32(lens.logits));
                    Ok::<(), ablate::model::NotFinite>(())
                },
            )
            .unwrap();
            read.concat()
        };
        case.expect("lens/resid_pre", &lens(CapSide::After));
        let uncapped = if case.has("lens/uncapped") { "lens/uncapped" } else { "lens/resid_pre" };
        case.expect(uncapped, &lens(CapSide::Before));
    });
}

#[test]
fn direct_attribution_by_either_convention() {
    every_model(|case| {
        let (answers, others): (Vec<u32>, Vec<u32>) =
            case.integers("targets").chunks_exact(2).map(|pair| (pair[0] as u32, pair[1] as u32)).unzip();
        let heads = || {
            layers(case).flat_map(|layer| (0..case.model.facts().n_heads).map(move |head| Term::Head { layer, head }))
        };
        let of = |terms: Vec<Term>, norm: NormScale| {
            let targets = Targets { answers: &answers, others: Some(&others), norm, cap: CapSide::Before };
            let found = direct_attribution(
                &case.model,
                &case.tokens,
                targets,
                &terms,
                2,
                |_, _| (),
                |_| Ok::<(), ablate::model::NotFinite>(()),
            );
            found.unwrap().values
        };
        case.expect("dla/embed", &of(vec![Term::Embed], NormScale::Frozen));
        case.expect("dla/head", &of(heads().collect(), NormScale::Frozen));
        case.expect("dla/mlp", &of(layers(case).map(Term::Mlp).collect(), NormScale::Frozen));
        let biases: Vec<Term> = layers(case).map(Term::AttnBias).collect();
        if case.model.blocks.iter().all(|block| block.attention.o.bias.is_some()) {
            case.expect("dla/attn_bias", &of(biases, NormScale::Frozen));
        }
        if case.has("dla/head_recomputed") {
            case.expect("dla/head_recomputed", &of(heads().collect(), NormScale::Recomputed));
        }
    });
}
