//! Readings that change nothing, as TransformerLens computes them, and the sums they obey.

use super::reference::{Case, MODELS, TOLERANCE, at};
use crate::parity::reference::folder;
use ablate::intervene::{
    DirectAttribution, HookPositions, Positions, Targets, Term, capture, direct_attribution, logit_lens, value_logits,
};
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::spec::{CapSide, NormScale, Processing};
use burn::tensor::{DType, Device};

/// The fixtures' r and r' of each prompt.
fn targets(case: &Case) -> (Vec<u32>, Vec<u32>) {
    case.integers("targets").chunks_exact(2).map(|pair| (pair[0] as u32, pair[1] as u32)).unzip()
}

fn attribute(
    model: &Transformer,
    tokens: &Tokens,
    (answers, others): (&[u32], Option<&[u32]>),
    terms: &[Term],
) -> DirectAttribution {
    direct_attribution(
        model,
        tokens,
        Targets { answers, others, norm: NormScale::Frozen, cap: CapSide::Before },
        terms,
        2,
        |_, _| (),
        |_| Ok::<(), ablate::model::NotFinite>(()),
    )
    .unwrap()
}

#[test]
fn logit_lens_of_every_layer() {
    for name in MODELS {
        let case = Case::open(name);
        let n_layers = case.model.facts().n_layers;
        let site = |layer, site| (Hook::Block(layer, site), at(&[case.last()]));
        let wanted: HookPositions = (0..n_layers)
            .map(|layer| site(layer, Site::ResidPre))
            .chain([site(n_layers - 1, Site::ResidPost)])
            .collect();
        let mut read: Vec<Vec<f32>> = vec![Vec::new(); wanted.len()];
        logit_lens(
            &case.model,
            &case.tokens,
            &wanted,
            CapSide::After,
            2,
            |_, _| (),
            |lens| {
                let held = &mut read[wanted.get_index_of(&lens.hook).unwrap()];
                assert_eq!((lens.position, held.len()), (case.last(), lens.first * case.model.facts().n_vocab));
                held.extend(to_f32(lens.logits));
                Ok::<(), ablate::model::NotFinite>(())
            },
        )
        .unwrap();
        case.expect("lens/final", &read.pop().unwrap());
        case.expect("lens/resid_pre", &read.concat());
    }
}

#[test]
fn direct_attribution_of_every_term() {
    for name in MODELS {
        let case = Case::open(name);
        let (answers, others) = targets(&case);
        let facts = case.model.facts();
        let of = |terms: Vec<Term>| attribute(&case.model, &case.tokens, (&answers, Some(&others)), &terms).values;
        let layers = || 0..facts.n_layers;
        let heads = layers().flat_map(|layer| (0..facts.n_heads).map(move |head| Term::Head { layer, head }));
        case.expect("dla/embed", &of(vec![Term::Embed]));
        case.expect("dla/head", &of(heads.collect()));
        case.expect("dla/attn_bias", &of(layers().map(Term::AttnBias).collect()));
        case.expect("dla/mlp", &of(layers().map(Term::Mlp).collect()));
        case.expect("dla/bias", &of(vec![Term::Bias]));
        assert_eq!(case.has("dla/pos_embed"), case.model.pos_embed.is_some());
        if case.has("dla/pos_embed") {
            case.expect("dla/pos_embed", &of(vec![Term::PosEmbed]));
        }
    }
}

/// A neuron adds its activation times what its value vector says, over the final norm's scale: with RMS and layer norms, folded
/// and as stored.
#[test]
fn value_vectors_say_what_neurons_add() {
    for name in MODELS {
        let case = Case::open(name);
        let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::NONE);
        let plain = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
        let (answers, _) = targets(&case);
        for model in [&case.model, &plain] {
            let last = || at(&[case.last()]);
            let layer = model.facts().n_layers - 1;
            let post = Hook::Block(layer, Site::MlpPost);
            let wanted: HookPositions = [(post, last()), (Hook::LnFinalScale, last())].into_iter().collect();
            let (read, _) =
                capture(model, &case.tokens, &wanted, 2, || Ok::<(), ablate::model::NotFinite>(())).unwrap();
            let (post, scale) = (&read[&post].data, &read[&Hook::LnFinalScale].data);
            let neurons: Vec<usize> = (0..model.facts().d_mlp).step_by(3).collect();
            let logits = value_logits(model, layer, &neurons, &answers);
            let terms: Vec<Term> = neurons.iter().map(|&neuron| Term::Neuron { layer, neuron }).collect();
            let added = attribute(model, &case.tokens, (&answers, None), &terms).values;
            let prompts = case.tokens.batch;
            let mut largest = 0.0_f32;
            for (number, &neuron) in neurons.iter().enumerate() {
                for prompt in 0..prompts {
                    let activation = post[prompt * model.facts().d_mlp + neuron];
                    let said = activation * logits[number * prompts + prompt] / scale[prompt];
                    let added = added[number * prompts + prompt];
                    assert!((said - added).abs() < 1e-5, "{name}: {said} is not {added}");
                    largest = largest.max(added.abs());
                }
            }
            assert!(largest > 1e-4, "{name}: {largest}");
        }
    }
}

/// With the norms' parameters and biases where they are stored, too.
#[test]
fn direct_attributions_sum_to_the_logit() {
    for name in MODELS {
        let case = Case::open(name);
        let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::NONE);
        let plain = Transformer::load(&host, &Device::flex(), DType::F32).unwrap();
        let (answers, others) = targets(&case);
        for (model, others) in [(&case.model, None), (&plain, None), (&plain, Some(others.as_slice()))] {
            let terms = Term::all(model);
            let found = attribute(model, &case.tokens, (&answers, others), &terms);
            let logits = to_f32(model.last_logits(&case.tokens));
            let n_vocab = model.facts().n_vocab;
            for prompt in 0..case.tokens.batch {
                let logit = |token: u32| logits[prompt * n_vocab + token as usize];
                let total = logit(answers[prompt]) - others.map_or(0.0, |others| logit(others[prompt]));
                let values = found.values.iter().skip(prompt).step_by(case.tokens.batch);
                let sum: f32 = values.sum();
                assert!(
                    (found.total[prompt] - total).abs() < TOLERANCE,
                    "{name}: {} is not {total}",
                    found.total[prompt]
                );
                assert!((sum - total).abs() < TOLERANCE, "{name}: the terms sum to {sum}, the logit is {total}");
            }
        }
    }
}

#[test]
fn neurons_and_the_output_bias_are_the_mlp() {
    for name in MODELS {
        let case = Case::open(name);
        if case.model.blocks.iter().any(|block| block.mlp.dense().is_some_and(|mlp| mlp.down.bias.is_some())) {
            continue;
        }
        let (answers, _) = targets(&case);
        let facts = case.model.facts();
        let of = |terms: &[Term]| attribute(&case.model, &case.tokens, (&answers, None), terms).values;
        for layer in 0..facts.n_layers {
            let neurons: Vec<Term> = (0..facts.d_mlp).map(|neuron| Term::Neuron { layer, neuron }).collect();
            let (parts, whole) = (of(&neurons), of(&[Term::Mlp(layer)]));
            for (prompt, whole) in whole.into_iter().enumerate() {
                let sum: f32 = parts.iter().skip(prompt).step_by(case.tokens.batch).sum();
                assert!(
                    (sum - whole).abs() < TOLERANCE,
                    "{name}: the neurons of layer {layer} sum to {sum}, not {whole}"
                );
            }
        }
    }
}

/// Weights and activations of two bytes: the sums are in f32, and differ by what the activations do.
#[test]
fn half_precision_reads_alike() {
    for name in ["gpt2-untied", "llama-gqa", "gptj"] {
        let case = Case::open(name);
        let host = Processed::new(Checkpoint::open(&folder(name)).unwrap(), Processing::default());
        let half = Transformer::load(&host, &Device::flex(), DType::BF16).unwrap();
        let (answers, others) = targets(&case);
        let mut terms = Term::all(&half);
        terms.push(Term::Neuron { layer: 1, neuron: 3 });
        let of = |model| attribute(model, &case.tokens, (&answers, Some(&others)), &terms);
        let (rough, exact) = (of(&half), of(&case.model));
        let largest = exact.values.iter().chain(&exact.total).map(|value| value.abs()).fold(0.0, f32::max);
        let pairs = || rough.values.iter().zip(&exact.values).chain(rough.total.iter().zip(&exact.total));
        let off = pairs().map(|(rough, exact)| (rough - exact).abs()).fold(0.0, f32::max);
        assert!(off < 0.05 * largest, "{name}: off by {off} of {largest}");

        let wanted: HookPositions = [(Hook::Block(1, Site::ResidPost), at(&[case.last()]))].into();
        let mut read = Vec::new();
        let keep = |lens: ablate::intervene::Lens| {
            read.extend(ablate::kernel::rank(lens.logits, &answers[lens.first..][..case.tokens.batch]));
            Ok::<(), ablate::model::NotFinite>(())
        };
        logit_lens(&half, &case.tokens, &wanted, CapSide::After, case.tokens.batch, |_, _| (), keep).unwrap();
        assert_eq!(read.len(), case.tokens.batch);
    }
}

/// The final norm is read at the positions that are asked for, though the logits need the last alone.
#[test]
fn the_final_norm_is_captured_everywhere() {
    let case = Case::open("gpt2-untied");
    let wanted: HookPositions = [(Hook::LnFinalNormalized, Positions::All), (Hook::LnFinalScale, at(&[0, 2]))].into();
    let (found, _) = capture(&case.model, &case.tokens, &wanted, 2, || Ok::<(), ablate::model::NotFinite>(())).unwrap();
    let d_model = case.model.facts().d_model;
    assert_eq!(found[&Hook::LnFinalNormalized].shape(), [case.tokens.batch, case.tokens.pos, d_model]);
    assert_eq!(found[&Hook::LnFinalScale].shape(), [case.tokens.batch, 2, 1]);
    assert!(found[&Hook::LnFinalScale].data.iter().all(|&scale| scale > 0.0));
}

#[test]
fn chosen_units_are_those_of_the_whole() {
    let case = Case::open("llama-gqa");
    let sites = [Site::Z, Site::MlpPost, Site::Pattern];
    let wanted: HookPositions = sites.iter().map(|&site| (Hook::Block(1, site), at(&[1, 3]))).collect();
    let (found, _) = capture(&case.model, &case.tokens, &wanted, 2, || Ok::<(), ablate::model::NotFinite>(())).unwrap();
    for (hook, whole) in found {
        let some = whole.of_units(&[0, 2]);
        assert_eq!(some.data.len(), some.shape().iter().product::<usize>());
        for row in 0..whole.rows {
            for position in [1, 3] {
                for (slot, unit) in [0, 2].into_iter().enumerate() {
                    assert_eq!(some.unit(row, position, slot), whole.unit(row, position, unit), "{hook}");
                }
            }
        }
    }
}
