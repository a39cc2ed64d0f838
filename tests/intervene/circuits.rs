//! Circuits, everything outside of which is replaced: what rows have in common is computed once, and what is replaced is not
//! computed at all. Neither may change a number.

use super::reference::{Case, MODELS, at, base, of, rows, sources, wanted};
use ablate::intervene::{Activations, Edit, EditedPrompt, Positions, Replay, Units, Work, capture_means, run_edited};
use ablate::kernel::to_f32;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::{Tokens, Transformer};
use burn::tensor::DType;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| MODELS.iter().map(|name| Case::open(name)).collect());

/// A nest of circuits as random numbers.
#[derive(Debug, Clone)]
struct Draft {
    /// Units in the order in which they are kept.
    order: Vec<usize>,
    /// How many each circuit keeps.
    counts: Vec<usize>,
    /// What the others become: their means, a number, the source run's values.
    value: u8,
    /// Whether edits are at the last position alone.
    last: bool,
    /// Whether neurons outside are replaced, too.
    neurons: bool,
    /// Whether heads are.
    heads: bool,
}

fn draft() -> impl Strategy<Value = Draft> {
    let order = proptest::collection::vec(0usize..1000, 1..12);
    let counts = proptest::collection::vec(0usize..12, 1..6);
    (order, counts, 0u8..3, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(order, counts, value, last, neurons, heads)| Draft { order, counts, value, last, neurons, heads })
}

impl Draft {
    /// The edits of each circuit.
    fn circuits(&self, model: &Transformer, tokens: &Tokens) -> Vec<Vec<Edit>> {
        let facts = model.facts();
        let positions = if self.last { at(&[tokens.pos - 1]) } else { Positions::All };
        let sites: Vec<(Site, usize)> =
            [(self.heads, Site::Z, facts.n_heads), (self.neurons, Site::MlpPost, facts.d_mlp)]
                .into_iter()
                .filter_map(|(wanted, site, units)| wanted.then_some((site, units)))
                .collect();
        let hooks: Vec<(Hook, usize)> = (0..facts.n_layers)
            .flat_map(|layer| sites.iter().map(move |&(site, units)| (Hook::Block(layer, site), units)))
            .collect();
        let wanted = hooks.iter().map(|&(hook, _)| (hook, Positions::All)).collect();
        let groups = vec![0; tokens.batch];
        let Ok(means) =
            capture_means(model, tokens, &groups, &wanted, false, 2, || Ok::<(), ablate::model::NotFinite>(()))
        else {
            unreachable!("nothing stops it");
        };
        let means: Vec<Arc<_>> = hooks.iter().map(|(hook, _)| Arc::new(means[0][hook].clone())).collect();
        let circuit = |&count: &usize| {
            let kept = &self.order[..count.min(self.order.len())];
            let edit = |(number, &(hook, units)): (usize, &(Hook, usize))| {
                let kept =
                    |unit: &usize| kept.iter().any(|number_| number_ % (units * hooks.len()) == number * units + unit);
                let others: Vec<usize> = (0..units).filter(|unit| !kept(unit)).collect();
                let others = if others.len() == units { Units::All } else { Units::Of(others) };
                match self.value {
                    0 => Edit::set(hook, positions.clone(), others, means[number].clone()),
                    1 => Edit::zero(hook, positions.clone(), others),
                    _ => Edit::patch(hook, positions.clone(), others),
                }
            };
            hooks.iter().enumerate().map(edit).collect()
        };
        self.counts.iter().map(circuit).collect()
    }
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a })
}

/// Replays rows in several ways and holds them against the runs from scratch.
fn hold(model: &Transformer, tokens: &Tokens, source_tokens: &Tokens, rows: &[EditedPrompt], memory: usize) {
    let wanted = wanted(rows);
    let base = base(model, tokens, &wanted);
    let sources = sources(model, source_tokens, &wanted);
    let scratch = to_f32(run_edited(model, tokens, rows, &sources));
    let scale = scratch.iter().fold(1.0f32, |a, b| a.max(b.abs()));
    let replay = Replay::new(model, &base, &sources, 1 << 30);
    let whole = to_f32(replay.logits(rows).unwrap());
    assert!(difference(&whole, &scratch) / scale < 5e-5, "replayed: {}", difference(&whole, &scratch));
    assert_eq!(whole, to_f32(replay.logits(rows).unwrap()), "the same again, to the bit");

    let blocks = to_f32(Replay::new(model, &base, &sources, memory).logits(rows).unwrap());
    assert!(difference(&whole, &blocks) / scale < 1e-5, "in blocks: {}", difference(&whole, &blocks));
    let single: Vec<f32> =
        rows.iter().flat_map(|row| to_f32(replay.logits(std::slice::from_ref(row)).unwrap())).collect();
    assert!(difference(&whole, &single) / scale < 1e-5, "one at a time: {}", difference(&whole, &single));

    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let one_thread = pool.install(|| to_f32(replay.logits(rows).unwrap()));
    assert!(difference(&whole, &one_thread) / scale < 1e-5, "one thread: {}", difference(&whole, &one_thread));

    let alone: u64 = rows.iter().map(|row| replay.cost(std::slice::from_ref(row)).unwrap().replayed).sum();
    let together = replay.cost(rows).unwrap();
    let interventions: Vec<&[Edit]> = rows.iter().filter(|row| row.prompt == 0).map(|row| row.edits.as_ref()).collect();
    let planned = Work::of(interventions.into_iter(), model.facts(), tokens.pos);
    assert!(together.replayed <= planned.positions * tokens.batch as u64, "{together:?}, planned {planned:?}");
    assert!(together.replayed <= alone && alone <= together.naive, "{together:?}, {alone} alone");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn circuits_are_the_runs_from_scratch(model in 0..MODELS.len(), draft in draft(), memory in 1usize..400_000) {
        let case = &CASES[model];
        let rows = rows(&draft.circuits(&case.model, &case.tokens), case.tokens.batch);
        prop_assume!(rows.iter().any(|row| !row.edits.is_empty()));
        hold(&case.model, &case.tokens, &case.source_tokens, &rows, memory);
    }
}

/// A model whose products are large enough to be spread over threads one by one, not as pieces side by side.
#[test]
fn circuits_of_a_larger_model() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.json");
    let text = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 384,
        "intermediate_size": 1536, "num_hidden_layers": 4, "num_attention_heads": 6, "num_key_value_heads": 2,
        "hidden_act": "silu", "max_position_embeddings": 64, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
        "vocab_size": 97, "tie_word_embeddings": false, "torch_dtype": "float32"}"#;
    std::fs::write(&config, text).unwrap();
    let checkpoint = Checkpoint::random(&config, 3).unwrap();
    let model = Transformer::load(&checkpoint, &crate::support::device::device(), DType::F32).unwrap();
    let tokens = |shift: u32| Tokens { ids: (0..35).map(|i| (i * 31 + shift) % 97).collect(), batch: 7, pos: 5 };
    // Heads are the first numbers of a layer's hook where neurons are left alone: 6 for each of 4 layers.
    for (value, last) in [(0, false), (0, true), (1, false), (2, false)] {
        let order = vec![2, 8, 3, 14, 9, 23, 0, 19];
        let draft = Draft { order, counts: (0..9).collect(), value, last, neurons: false, heads: true };
        let rows = rows(&draft.circuits(&model, &tokens(0)), 7);
        hold(&model, &tokens(0), &tokens(5), &rows, 1 << 20);
    }
    for counts in [vec![0, 4, 8], vec![8, 8, 2]] {
        let order = vec![5, 2000, 40, 3100, 7, 6143, 1, 1537];
        let draft = Draft { order, counts, value: 0, last: false, neurons: true, heads: false };
        let rows = rows(&draft.circuits(&model, &tokens(0)), 7);
        hold(&model, &tokens(0), &tokens(5), &rows, 1 << 20);
    }
}

/// Rows of one prompt whose edits agree up to a layer are one run until then, and one to the end where all edits agree.
#[test]
fn what_rows_have_in_common_is_computed_once() {
    for case in CASES.iter() {
        let facts = case.model.facts();
        let (layers, prompts) = (facts.n_layers, case.tokens.batch);
        let first = || Edit::zero(Hook::Block(0, Site::ResidPre), Positions::All, of(&[0]));
        let also = |value: f32| {
            let mut edit = Edit::zero(Hook::Block(layers - 1, Site::ResidPre), Positions::All, of(&[1]));
            if let ablate::intervene::Change::Replace { value: new, .. } = &mut edit.change {
                *new = ablate::intervene::Value::Constant(value);
            }
            edit
        };
        let interventions = [vec![first()], vec![first(), also(1.0)], vec![first(), also(2.0)], vec![first()]];
        let rows = case.rows(&interventions);
        let wanted = wanted(&rows);
        let base = base(&case.model, &case.tokens, &wanted);
        let none = Activations::new();
        let cost = Replay::new(&case.model, &base, &none, 1 << 30).cost(&rows).unwrap();
        let one = ((layers - 1) * case.tokens.pos * prompts) as u64;
        let last = (3 * case.tokens.pos * prompts) as u64;
        assert_eq!(cost.replayed, one + last, "{}", case.name);
        assert_eq!(cost.naive, 4 * (layers * case.tokens.pos * prompts) as u64);
        // The plan, which has no activations, counts the same.
        let planned = Work::of(interventions.iter().map(Vec::as_slice), facts, case.tokens.pos);
        assert_eq!(planned.positions * prompts as u64, cost.replayed, "{}", case.name);
    }
}

/// Where nothing reads the other positions any more, the last one alone is computed; a layer of which every head and every
/// neuron is replaced takes next to nothing.
#[test]
fn what_is_replaced_is_not_computed() {
    for case in CASES.iter() {
        let facts = case.model.facts();
        let everywhere = |site| {
            (0..facts.n_layers).map(move |layer| Edit::zero(Hook::Block(layer, site), Positions::All, Units::All))
        };
        let heads: Vec<Edit> = everywhere(Site::Z).collect();
        let all: Vec<Edit> = everywhere(Site::Z).chain(everywhere(Site::MlpPost)).collect();
        let rows = case.rows(&[heads, all]);
        let wanted = wanted(&rows);
        let base = base(&case.model, &case.tokens, &wanted);
        let none = Activations::new();
        let replay = Replay::new(&case.model, &base, &none, 1 << 30);
        let (heads, all) = rows.split_at(case.tokens.batch);
        let (heads, all) = (replay.cost(heads).unwrap(), replay.cost(all).unwrap());
        assert!(heads.replayed <= (facts.n_layers * case.tokens.batch) as u64, "{}: {heads:?}", case.name);
        let unembedding = 2 * (facts.d_model * facts.n_vocab * case.tokens.batch) as u64;
        assert!(heads.operations > unembedding && all.operations == unembedding, "{}: {all:?}", case.name);
    }
}
