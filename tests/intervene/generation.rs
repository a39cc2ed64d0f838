//! Texts that models write: those of transformers, and those of runs from scratch, whatever is edited.

use super::laws::{Draft, interventions};
use super::random_families::{case, configuration};
use super::reference::Case;
use crate::support::device;
use ablate::intervene::{
    Activation, Activations, Change, Choice, Decoder, Edit, Layout, Opening, Positions, Sampling, TextEnd, TokenEdits,
    Units, Value, WrittenTokens,
};
use ablate::model::checkpoint::Checkpoint;
use ablate::model::gguf::Gguf;
use ablate::model::hook::{Hook, Site};
use ablate::model::processing::Processed;
use ablate::model::transformer::Transformer;
use ablate::spec::Processing;
use burn::tensor::DType;
use proptest::prelude::*;
use serde_json::Value as Json;
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;

fn write(model: &Transformer, openings: &[Opening], most: usize, batch: usize) -> Vec<WrittenTokens> {
    let sources = Activations::new();
    let decoder = Decoder { transformer: model, sources: &sources, batch };
    let Ok(written) = decoder.write::<Infallible>(openings, most, &|_, _| false, &mut |_| Ok(()));
    written
}

/// size · sin(1 + i) on the stream after a block.
fn pushed(model: &Transformer, layer: usize, size: f32) -> Edit {
    let width = model.facts().d_model;
    let data = (0..width).map(|i| size * (1.0 + i as f32).sin()).collect();
    let vector = Activation { layout: Layout::Stream { width }, rows: 1, positions: Vec::new(), data };
    let change = Change::Add { value: Value::Fixed(Arc::new(vector)), strength: 1.0 };
    Edit { hook: Hook::Block(layer, Site::ResidPost), positions: Positions::All, units: Units::All, change }
}

/// Prompts of different lengths in one batch, with and without a vector added, against `generate` of transformers
/// (`tests/fixtures/make_generation.py`).
#[test]
fn texts_are_those_of_transformers() {
    let fixtures = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let all: Json = serde_json::from_slice(&std::fs::read(fixtures.join("generation.json")).unwrap()).unwrap();
    let (mut models, mut tokens) = (0, 0);
    for (name, of) in all.as_object().unwrap() {
        let rows = |key: &str| -> Vec<Vec<u32>> { serde_json::from_value(of[key].clone()).unwrap() };
        let host = Processed::new(Checkpoint::open(&fixtures.join(name)).unwrap(), Processing::default());
        let model = Transformer::load(&host, &device::device(), DType::F32).unwrap();
        tokens += compare(name, &model, pushed(&model, 0, 0.5), &rows, 12);
        models += 1;
    }
    assert!(models >= 50 && tokens > models * 60, "{models} models, {tokens} tokens");
}

/// Writes after a fixture's prompts in each way and compares; how many tokens were compared.
fn compare(name: &str, model: &Transformer, push: Edit, rows: &dyn Fn(&str) -> Vec<Vec<u32>>, most: usize) -> usize {
    let ways: [(&str, TokenEdits); 3] = [
        ("clean", TokenEdits::default()),
        ("new", TokenEdits { prompt: Arc::default(), new: Arc::new([push.clone()]) }),
        ("all", TokenEdits { prompt: Arc::new([push.clone()]), new: Arc::new([push]) }),
    ];
    let prompts = rows("prompts");
    let mut openings: Vec<Opening> = Vec::new();
    for (_, edits) in &ways {
        let each = prompts.iter().map(|prompt| Opening { prompt, edits, source: None, choice: Choice::Greedy });
        openings.extend(each);
    }
    let written = write(model, &openings, most, 64);
    let expected: Vec<Vec<u32>> = ways.iter().flat_map(|(way, _)| rows(way)).collect();
    for (number, (written, expected)) in written.iter().zip(&expected).enumerate() {
        assert_eq!(written.tokens[..expected.len()], expected[..], "{name}: row {number}");
        assert!(written.end == TextEnd::Length && written.tokens.len() == most, "{name}: row {number}");
    }
    expected.iter().map(Vec::len).sum()
}

/// The same of a pretrained model.
#[test]
#[ignore = "needs models/SmolLM2-135M-Instruct.Q4_1.gguf: scripts/fetch-smollm2.sh"]
fn texts_of_smollm2_are_those_of_transformers() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("tests/fixtures/generation-smollm2.json");
    let of: Json = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let rows = |key: &str| -> Vec<Vec<u32>> { serde_json::from_value(of[key].clone()).unwrap() };
    let model = Gguf::open(&root.join("models/SmolLM2-135M-Instruct.Q4_1.gguf")).unwrap().model().unwrap();
    let model =
        Transformer::load(&Processed::new(model, Processing::default()), &device::device(), DType::F32).unwrap();
    let tokens = compare("SmolLM2", &model, pushed(&model, 15, 2.0), &rows, 32);
    assert!(tokens > 90, "{tokens} tokens");
}

/// Edits of new tokens that are there without another run: constants, and cuts of edges to the prompt.
fn of_new(drafts: &[Draft], case: &Case) -> Vec<Edit> {
    let edit = |edit: Edit| {
        let divisor = Layout::of(edit.hook, case.model.facts(), 1) == Some(Layout::Stream { width: 1 });
        let change = match edit.change {
            Change::Replace { .. } | Change::Add { .. } if divisor => return None,
            Change::Replace { value: Value::Source, strength } => {
                Change::Replace { value: Value::Constant(0.3), strength }
            }
            Change::Add { value: Value::Source, strength } => Change::Add { value: Value::Constant(0.2), strength },
            Change::Within { basis, strength, .. } => Change::Within { basis, value: Value::Constant(0.0), strength },
            change => change,
        };
        Some(Edit { change, ..edit })
    };
    drafts.iter().filter_map(|draft| draft.edit(case)).filter_map(edit).collect()
}

fn is_of_source(edit: &Edit) -> bool {
    edit.change.value() == Some(&Value::Source)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 120, ..ProptestConfig::default() })]

    /// Keys and values that are kept give what whole runs give, at every token, under any edits of the prompt and of new tokens, in
    /// batches of any size, of prompts of different lengths.
    #[test]
    fn kept_keys_are_the_run_from_scratch(
        config in configuration(), seed in any::<u64>(), pos in 2usize..9, drafts in interventions(), batch in 1usize..9,
        most in 1usize..9,
    ) {
        let case = case(&config, seed, pos);
        let sampling = Sampling { temperature: 1.0, top_k: Some(12), top_p: Some(0.95) };
        let none = TokenEdits::default();
        let edits: Vec<TokenEdits> = drafts
            .iter()
            .map(|drafts| {
                let prompt = drafts.iter().filter_map(|draft| draft.edit(&case));
                TokenEdits {
                    prompt: prompt.filter(|edit| !is_of_source(edit)).collect(),
                    new: of_new(drafts, &case).into(),
                }
            })
            .collect();
        let new_alone: Vec<TokenEdits> =
            edits.iter().map(|edits| TokenEdits { prompt: Arc::default(), new: edits.new.clone() }).collect();
        let mut openings = Vec::new();
        for row in 0..case.tokens.batch {
            let prompt = &case.tokens.ids[row * pos..][..pos];
            let opening = |prompt, edits, draw| {
                Opening { prompt, edits, source: None, choice: Choice::drawn(sampling, seed, prompt, draw) }
            };
            openings.push(opening(prompt, &none, 0));
            openings.extend(edits.iter().map(|edits| opening(prompt, edits, 1)));
            // A shorter prompt beside it, where edits name no place that it has not.
            let short = &prompt[..1 + row % (pos - 1)];
            let fits = |edits: &&TokenEdits| edits.validate(case.model.facts(), short.len()).is_ok();
            openings.extend(new_alone.iter().filter(fits).map(|edits| opening(short, edits, 2)));
        }
        let written = write(&case.model, &openings, most, batch);
        let sources = Activations::new();
        let decoder = Decoder { transformer: &case.model, sources: &sources, batch };
        let texts: Vec<&[u32]> = written.iter().map(|written| written.tokens.as_slice()).collect();
        let Ok(scratch) = decoder.log_probabilities::<Infallible>(&openings, &texts, &mut || Ok(()));
        for (number, (written, scratch)) in written.iter().zip(&scratch).enumerate() {
            prop_assert_eq!(written.tokens.len(), most);
            let scale = written.largest_logit.max(1.0);
            for (kept, scratch) in written.log_probabilities.iter().zip(scratch) {
                let difference = (kept - scratch).abs();
                prop_assert!(difference < device::tolerance(1e-4) * scale, "row {number}: {kept} against {scratch}");
            }
        }
        // Drawn by the prompt and the number of the draw alone.
        let alone = write(&case.model, &openings[..1], most, 1);
        prop_assert_eq!(&alone[0].tokens, &written[0].tokens);
    }
}

/// Longer than the length up to which a Phi-3 with longrope rotates by its short frequencies: the keys before are rotated anew.
#[test]
fn a_text_that_outgrows_its_frequencies_is_read_again() {
    let name = "phi3-longrope";
    let case = Case::alone(name);
    let facts = case.model.facts();
    let beyond = facts.rotary_of(0).and_then(|rotary| rotary.long.as_ref()).map(|long| long.beyond).unwrap();
    let none = TokenEdits::default();
    let ids: Vec<u32> = (0..beyond + 4).map(|place| (place as u32 * 5 + 1) % facts.n_vocab as u32).collect();
    let lengths = [beyond - 3, beyond - 1, beyond, beyond + 2];
    let opening =
        |&length: &usize| Opening { prompt: &ids[..length], edits: &none, source: None, choice: Choice::Greedy };
    let openings: Vec<Opening> = lengths.iter().map(opening).collect();
    let written = write(&case.model, &openings, 6, 8);
    let sources = Activations::new();
    let decoder = Decoder { transformer: &case.model, sources: &sources, batch: 8 };
    let texts: Vec<&[u32]> = written.iter().map(|written| written.tokens.as_slice()).collect();
    let Ok(scratch) = decoder.log_probabilities::<Infallible>(&openings, &texts, &mut || Ok(()));
    // Each token from a pass of its own.
    for (row, written) in written.iter().enumerate() {
        let mut text = ids[..lengths[row]].to_vec();
        assert_eq!(scratch[row].len(), written.tokens.len());
        for (place, token) in written.tokens.iter().enumerate() {
            let opening = Opening { prompt: &text, edits: &none, source: None, choice: Choice::Greedy };
            let alone = write(&case.model, &[opening], 1, 1);
            assert_eq!(alone[0].tokens, [*token], "row {row}, token {place}");
            let difference = (alone[0].log_probabilities[0] - written.log_probabilities[place]).abs();
            assert!(difference < device::tolerance(1e-4), "row {row}, token {place}: {difference}");
            let difference = (scratch[row][place] - written.log_probabilities[place]).abs();
            assert!(difference < device::tolerance(1e-4), "row {row}, token {place} of the whole: {difference}");
            text.push(*token);
        }
    }
}

/// The likeliest tokens alone are drawn, and as often as they are probable.
#[test]
fn draws_follow_the_probabilities() {
    let case = Case::open("gpt2-untied");
    let none = TokenEdits::default();
    let prompt = &case.tokens.ids[..4];
    let draws = |sampling: Sampling, count: u64| -> Vec<u32> {
        let opening =
            |draw| Opening { prompt, edits: &none, source: None, choice: Choice::drawn(sampling, 7, prompt, draw) };
        let openings: Vec<Opening> = (0..count).map(opening).collect();
        write(&case.model, &openings, 1, 64).iter().map(|written| written.tokens[0]).collect()
    };
    let greedy = Opening { prompt, edits: &none, source: None, choice: Choice::Greedy };
    let greedy = write(&case.model, &[greedy], 1, 1).remove(0);
    let one = Sampling { temperature: 1.0, top_k: Some(1), top_p: None };
    assert!(draws(one, 20).iter().all(|token| *token == greedy.tokens[0]));
    let tiny = Sampling { temperature: 1.0, top_k: None, top_p: Some(1e-9) };
    assert!(draws(tiny, 20).iter().all(|token| *token == greedy.tokens[0]));
    let all = Sampling { temperature: 1.0, top_k: None, top_p: None };
    let count = 2000;
    let share = draws(all, count).iter().filter(|token| **token == greedy.tokens[0]).count() as f64 / count as f64;
    let probability = f64::from(greedy.log_probabilities[0]).exp();
    let error = (probability * (1.0 - probability) / count as f64).sqrt();
    assert!((share - probability).abs() < 5.0 * error, "{share} of draws, probability {probability}");
    assert_eq!(draws(all, 30), draws(all, 30)[..30].to_vec());
}
