//! Layers that are read while the model runs, and those that devices lend each other: every number is the same to the bit as with all of
//! them in memory, each is read once for each pass, and a disk that fails is an error.

use super::laws::{Draft, drafted, interventions};
use super::random_families::{Loud, configuration};
use super::reference::{Case, base, sources, wanted};
use crate::parity::families;
use crate::parity::reference::folder;
use crate::support::device;
use ablate::intervene::{
    Activations, AnswerTokens, AttributedUnit, Choice, Decoder, Edit, EditError, Opening, Positions, Replay, Targets,
    Term, Together, TokenEdits, TokenPairs, Units, attribute, direct_attribution, run_edited, value_logits,
};
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::gguf::Gguf;
use ablate::model::hook::{Hook, Site};
use ablate::model::host::{HostBlock, HostModel};
use ablate::model::processing::Processed;
use ablate::model::transformer::{Holding, LentLayers, Tokens, Transformer};
use ablate::model::{NotFinite, WeightReads};
use ablate::spec::{CapSide, NormScale, Processing};
use burn::tensor::{DType, Device};
use proptest::prelude::*;
use std::convert::Infallible;

/// The same model twice: all of it in memory, and the first `held` layers.
fn both(open: &dyn Fn() -> Box<dyn HostModel>, dtype: DType, held: usize) -> [Transformer; 2] {
    let device = device::device();
    let holding = Holding { dtype, as_stored: false, layers: held };
    let streamed = Transformer::load_streamed(open(), WeightReads::default(), &device, holding).unwrap();
    [Transformer::load(&*open(), &device, dtype).unwrap(), streamed]
}

/// The same model on the device of the tests, which holds the first of its layers, and in the place of another device, main memory, which
/// holds the next ones. Those that neither holds are read.
fn lending(open: &dyn Fn() -> Box<dyn HostModel>, dtype: DType, shares: [usize; 2]) -> Transformer {
    let device = device::device();
    let holding = Holding { dtype, as_stored: false, layers: 0 };
    let shares = [(device.clone(), shares[0]), (Device::flex(), shares[1])];
    let lent = LentLayers::hold(&*open(), &shares, holding).unwrap();
    Transformer::load_lending(open(), WeightReads::default(), &device, holding, (lent, 0)).unwrap()
}

/// In f32, with so many layers in memory.
fn held(layers: usize) -> Holding {
    Holding { dtype: DType::F32, as_stored: false, layers }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Everything that can be asked of a model, in bits.
fn everything(model: Transformer, tokens: &Tokens, drafts: &[Vec<Draft>], memory: usize) -> Vec<Vec<u32>> {
    let case = Case::of(model, tokens.clone());
    let model = &case.model;
    let facts = model.facts().clone();
    let mut all = vec![bits(&to_f32(model.forward(tokens, &mut ())))];

    let rows = drafted(&case, drafts);
    let wanted = wanted(&rows);
    let base = base(model, tokens, &wanted);
    let sources = sources(model, &case.source_tokens, &wanted);
    all.extend(sources.values().map(|activation| bits(&activation.data)));
    all.push(bits(&to_f32(Replay::new(model, &base, &sources, memory).logits(&rows).unwrap())));
    all.push(bits(&to_f32(run_edited(model, tokens, &rows, &sources))));

    let answers: Vec<u32> = (0..tokens.batch as u32).collect();
    let targets = Targets { answers: &answers, others: None, norm: NormScale::Recomputed, cap: CapSide::Before };
    let pause = |_| Ok::<(), NotFinite>(());
    let direct = direct_attribution(model, tokens, targets, &Term::all(model), 2, |_, _| (), pause).unwrap();
    all.extend([bits(&direct.total), bits(&direct.values)]);
    all.extend((0..facts.n_layers).map(|layer| bits(&value_logits(model, layer, &[0], &answers))));

    let none = Activations::new();
    let edits = TokenEdits::default();
    let opening = Opening { prompt: &tokens.ids[..tokens.pos], edits: &edits, source: None, choice: Choice::Greedy };
    let decoder = Decoder { transformer: model, sources: &none, batch: 4 };
    let Ok(written) = decoder.write::<Infallible>(&[opening], 3, &|_, _| false, &mut |_| Ok(()));
    all.extend(written.iter().map(|text| bits(&text.log_probabilities)));
    all
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: device::cases(60), ..ProptestConfig::default() })]

    #[test]
    fn every_number_is_that_of_a_model_in_memory(
        config in configuration(), seed in any::<u64>(), pos in 1usize..8, drafts in interventions(), memory in 1usize..200_000,
        held in 0usize..4, lent in 0usize..4, half in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, config.to_string()).unwrap();
        let open = || -> Box<dyn HostModel> {
            Box::new(Processed::new(Loud(Checkpoint::random(&path, seed).unwrap()), Processing::default()))
        };
        let dtype = if half && device::computes_in(DType::BF16) { DType::BF16 } else { DType::F32 };
        let [whole, streamed] = both(&open, dtype, held);
        let ids = (0..3 * pos).map(|place| ((place as u64 * 7 + seed % 13) % 17) as u32).collect();
        let tokens = Tokens { ids, batch: 3, pos };
        let spread = lending(&open, dtype, [held, lent]);
        let expected = everything(whole, &tokens, &drafts, memory);
        prop_assert_eq!(&expected, &everything(streamed, &tokens, &drafts, memory));
        prop_assert_eq!(expected, everything(spread, &tokens, &drafts, memory));
    }
}

/// Files: safetensors in one and several parts, PyTorch's, GGUF with reordered heads, fused matrices, biases and norms that are folded.
#[test]
fn files_are_read_as_when_they_are_loaded() {
    let models = super::reference::MODELS.into_iter().chain(families::all());
    let folders = models.map(|name| (name.to_string(), folder(name)));
    let gguf = ["gpt2", "gptneox", "llama", "gemma3", "olmo2", "phi3", "qwen3"];
    let fixtures = folder("llama-gqa").join("../../gguf");
    let ggufs = gguf.into_iter().map(|name| (name.to_string(), fixtures.join(format!("{name}.gguf"))));
    for (name, path) in folders.chain(ggufs) {
        let reads = WeightReads::default();
        let open = || {
            let checkpoint = match path.is_dir() {
                true => Checkpoint::open(&path).unwrap(),
                false => Gguf::open(&path).unwrap().model().unwrap(),
            };
            Processed::new(checkpoint.outlasting(&reads), Processing::default())
        };
        let device = device::device();
        let host = open();
        let facts = host.facts().clone();
        let (layers, length) = (facts.n_layers, facts.position_limit().unwrap_or(9).min(9));
        let of_pass: u64 = (1..layers).map(|layer| host.block_size(layer).stored).sum();
        let whole = Transformer::load(&host, &device, DType::F32).unwrap();
        let streamed = Transformer::load_streamed(Box::new(open()), reads.clone(), &device, held(1)).unwrap();
        let tokens =
            Tokens { ids: (0..2 * length).map(|id| (id % facts.n_vocab) as u32).collect(), batch: 2, pos: length };
        let logits = |model: &Transformer| bits(&to_f32(model.forward(&tokens, &mut ())));
        let expected = logits(&whole);
        for pass in 1..4 {
            assert!(logits(&streamed) == expected, "{name}");
            // A layer that is the only one stays.
            let passes = if layers == 2 { 1 } else { pass };
            assert_eq!(
                (reads.bytes(), reads.failure()),
                (passes * of_pass, None),
                "{name}: each layer once in each pass"
            );
        }
    }
}

/// A map of every head and MLP reads each layer once for its base run, and once for its sweep.
#[test]
fn a_sweep_reads_each_layer_once() {
    let reads = WeightReads::default();
    let path = folder("llama-gqa");
    let open = || Processed::new(Checkpoint::open(&path).unwrap().outlasting(&reads), Processing::default());
    let model = Transformer::load_streamed(Box::new(open()), reads.clone(), &device::device(), held(0)).unwrap();
    let layers = model.facts().n_layers;
    let of_pass: u64 = (0..layers).map(|layer| open().block_size(layer).stored).sum();
    // One prompt: the pieces of a small model's work do not run side by side.
    let case = Case::of(model, Tokens { ids: vec![1, 2, 3, 4], batch: 1, pos: 4 });
    let last = Positions::At(vec![case.last()]);
    let edit = |hook, positions: &Positions| vec![Edit::zero(hook, positions.clone(), Units::Of(vec![0]))];
    let of = |layer: usize| {
        let sites = [Site::Z, Site::MlpPost, Site::ResidPre].into_iter();
        // Of two first positions: rows in lanes of their own.
        sites.flat_map(move |site| {
            [Positions::All, Positions::At(vec![3])].map(|at| edit(Hook::Block(layer, site), &at))
        })
    };
    let rows = case.rows(&(0..layers).flat_map(of).collect::<Vec<_>>());
    let wanted =
        (0..layers).flat_map(|layer| [Site::Z, Site::MlpPost, Site::ResidPre].map(|site| Hook::Block(layer, site)));
    let wanted = wanted.map(|hook| (hook, Positions::All)).collect();
    let base = base(&case.model, &case.tokens, &wanted);
    assert_eq!(reads.bytes(), of_pass, "the base run");
    let none = Activations::new();
    Replay::new(&case.model, &base, &none, 1 << 30).logits(&rows).unwrap();
    assert_eq!(reads.bytes(), 2 * of_pass, "the sweep; {last:?}");
}

#[test]
fn a_file_that_fails_while_the_model_runs_is_an_error() {
    let copy = tempfile::tempdir().unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(folder("llama-gqa").join(file), copy.path().join(file)).unwrap();
    }
    let reads = WeightReads::default();
    let host = Processed::new(Checkpoint::open(copy.path()).unwrap().outlasting(&reads), Processing::default());
    let model = Transformer::load_streamed(Box::new(host), reads.clone(), &device::device(), held(0)).unwrap();
    let case = Case::of(model, Tokens { ids: vec![1, 2, 3, 4], batch: 1, pos: 4 });
    let rows = case.rows(&[vec![Edit::zero(Hook::Block(0, Site::Z), Positions::All, Units::Of(vec![0]))]]);
    let wanted = wanted(&rows);
    let base = base(&case.model, &case.tokens, &wanted);
    let file = std::fs::OpenOptions::new().write(true).open(copy.path().join("model.safetensors")).unwrap();
    file.set_len(1000).unwrap();
    let none = Activations::new();
    let failed = Replay::new(&case.model, &base, &none, 1 << 30).logits(&rows).expect_err("an error").to_string();
    assert!(failed.contains("could not be read") && failed.contains("model.safetensors"), "{failed}");
    let again =
        ablate::intervene::CleanRun::run(&case.model, case.tokens.clone(), &wanted, 1, || Ok::<(), NotFinite>(()));
    assert!(again.err().is_some_and(|error| error.to_string().contains("could not be read")));
}

/// What is recorded for gradients would hold every layer.
#[test]
fn gradients_are_refused() {
    let path = folder("llama-gqa");
    let open = || -> Box<dyn HostModel> { Box::new(Checkpoint::open(&path).unwrap()) };
    let [_, model] = both(&open, DType::F32, 0);
    let tokens = Tokens { ids: vec![1, 2, 3, 4], batch: 1, pos: 4 };
    let answers = [AnswerTokens::from([1, 2])];
    let pairs = TokenPairs { clean: &tokens, source: &tokens, answers: &answers, together: Together::default() };
    let part = AttributedUnit { hook: Hook::Block(0, Site::Z), unit: None, positions: Positions::All };
    let refused = attribute::<EditError>(&model, pairs, &[part], 0, 1, |_| Ok(())).err();
    assert_eq!(refused, Some(EditError::NoGradients));
}

/// Weights in half width, and in the blocks of quantised files, that are held so: every number is that of the same weights in f32.
#[test]
fn weights_that_are_held_as_they_are_stored_are_those_in_f32() {
    // Elsewhere it is refused: `cli::gpu`.
    if !device::computes_in(DType::BF16) {
        return;
    }
    let halves =
        ["llama-tied-bf16", "mistral-f16"].into_iter().chain(families::all().filter(|name| name.contains("bf16")));
    let folders: Vec<_> = halves.map(|name| (name.to_string(), folder(name))).collect();
    assert!(folders.len() >= 8, "{folders:?}");
    let fixtures = folder("llama-gqa").join("../../gguf");
    let quantised = ["llama", "gemma3", "gpt2", "gptneox", "olmo3", "phi3-longrope"];
    let ggufs = quantised.into_iter().map(|name| (name.to_string(), fixtures.join(format!("{name}.gguf"))));
    let mut in_blocks = 0;
    for (name, path) in folders.into_iter().chain(ggufs) {
        let open = |as_stored: bool| {
            let checkpoint = match path.is_dir() {
                true => Checkpoint::open(&path).unwrap(),
                false => Gguf::open(&path).unwrap().model().unwrap(),
            };
            checkpoint.as_stored(as_stored)
        };
        let device = device::device();
        let facts = open(false).facts().clone();
        let layers: Vec<HostBlock> = (0..facts.n_layers).map(|layer| open(true).block(layer).unwrap()).collect();
        in_blocks += usize::from(layers.iter().any(|block| {
            let mlp = block.mlp.dense().into_iter().flat_map(|mlp| mlp.gate.iter().chain([&mlp.up, &mlp.down]));
            [&block.q, &block.k, &block.v, &block.o].into_iter().chain(mlp).any(|linear| linear.blocks.is_some())
        }));
        let length = facts.position_limit().unwrap_or(7).min(7);
        let tokens =
            Tokens { ids: (0..3 * length).map(|id| (id * 5 % facts.n_vocab) as u32).collect(), batch: 3, pos: length };
        let all = |model| everything(model, &tokens, &[], 1 << 20);
        let expected = all(Transformer::load(&open(false), &device, DType::F32).unwrap());
        let holding = |layers| Holding { dtype: DType::F32, as_stored: true, layers };
        let whole = Transformer::load_as(&open(true), &device, holding(facts.n_layers)).unwrap();
        assert!(all(whole) == expected, "{name}");
        let streamed =
            Transformer::load_streamed(Box::new(open(true)), WeightReads::default(), &device, holding(1)).unwrap();
        assert!(all(streamed) == expected, "{name}, streamed");
    }
    assert!(in_blocks >= 4, "{in_blocks}");
}
