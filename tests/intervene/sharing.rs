//! Rows that several devices or threads share, and how often a sweep waits for its device.

use crate::support::device;
use ablate::intervene::{
    CleanRun, Edit, EditError, EditedPrompt, HookPositions, LogitRead, LogitReads, Positions, Replay, Units, capture,
};
use ablate::kernel::{self, Transfers};
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::{Holding, LentLayers, Tokens, Transformer};
use ablate::model::{NotFinite, WeightReads};
use burn::tensor::{DType, Device};
use std::sync::Arc;

/// Large enough that its work is not cut into pieces that run side by side.
const CONFIG: &str = r#"{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 512, "intermediate_size": 1024,
    "num_hidden_layers": 2, "num_attention_heads": 8, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 32,
    "rms_norm_eps": 1e-05, "rope_theta": 10000, "vocab_size": 101, "tie_word_embeddings": false}"#;

/// What a replay may take: all rows of these tests in one sweep, and few in each.
const PLENTY: usize = 1 << 30;
const LITTLE: usize = 1 << 20;

/// Prompts of which there are rows enough for pieces of them to be computed side by side.
const MANY: usize = 40;

fn checkpoint() -> Checkpoint {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, CONFIG).unwrap();
    Checkpoint::random(&path, 0).unwrap()
}

fn model(device: &Device) -> Transformer {
    model_of(device, DType::F32)
}

fn model_of(device: &Device, dtype: DType) -> Transformer {
    Transformer::load(&checkpoint(), device, dtype).unwrap()
}

/// The same on several devices that hold a part of its layers each.
fn spread(device: &Device, shares: &[usize]) -> Vec<Transformer> {
    let holding = Holding { dtype: DType::F32, as_stored: false, layers: 0 };
    let shares: Vec<(Device, usize)> = shares.iter().map(|&share| (device.clone(), share)).collect();
    let lent = LentLayers::hold(&checkpoint(), &shares, holding).unwrap();
    let on = |holder| {
        let lent = (lent.clone(), holder);
        Transformer::load_lending(Box::new(checkpoint()), WeightReads::default(), device, holding, lent).unwrap()
    };
    (0..shares.len()).map(on).collect()
}

fn tokens(prompts: usize) -> Tokens {
    Tokens { ids: (0..prompts as u32 * 4).map(|i| i * 7919 % 101).collect(), batch: prompts, pos: 4 }
}

/// Every head and MLP of every layer, at the last position and at one before it, of each prompt.
fn rows(model: &Transformer, prompts: usize) -> Vec<EditedPrompt> {
    let facts = model.facts();
    let places = (0..facts.n_layers).flat_map(|layer| [(layer, 3), (layer, 1)]);
    let edits = places.flat_map(|(layer, position)| {
        let at = move || Positions::At(vec![position]);
        let head = move |head| Edit::patch(Hook::Block(layer, Site::Z), at(), Units::Of(vec![head]));
        let mlp = Edit::patch(Hook::Block(layer, Site::MlpPost), at(), Units::All);
        (0..facts.n_heads).map(head).chain([mlp]).collect::<Vec<_>>()
    });
    edits
        .flat_map(|edit| {
            let edits: Arc<[Edit]> = [edit].into();
            (0..prompts).map(move |prompt| EditedPrompt { prompt, source: Some(prompt), edits: edits.clone() })
        })
        .collect()
}

/// What a replay of the rows reads, and how often values went from or to the device.
fn read(model: &Transformer, copies: &[Transformer], prompts: usize, memory: usize) -> (LogitReads, Transfers) {
    read_while(model, copies, (prompts, memory), |_| Ok(())).unwrap()
}

/// The same where `pause` may say that it is enough.
fn read_while(
    model: &Transformer,
    copies: &[Transformer],
    (prompts, memory): (usize, usize),
    pause: impl FnMut(usize) -> Result<(), Stopped>,
) -> Result<(LogitReads, Transfers), Stopped> {
    let hooks =
        (0..model.facts().n_layers).flat_map(|layer| [Site::Z, Site::MlpPost].map(|site| Hook::Block(layer, site)));
    let wanted: HookPositions = hooks.map(|hook| (hook, Positions::All)).collect();
    let go_on = || Ok::<(), NotFinite>(());
    let base = CleanRun::run(model, tokens(prompts), &wanted, 64, go_on).unwrap();
    let other = Tokens { ids: tokens(prompts).ids.iter().map(|id| (id + 13) % 101).collect(), ..tokens(prompts) };
    let (sources, _) = capture(model, &other, &wanted, 64, go_on).unwrap();
    let rows = rows(model, prompts);
    let replay = Replay::new(model, &base, &sources, memory).shared(copies);
    let wanted = LogitRead { picks: 2, ranked: 1, distribution: true, divergence: true };
    let before = kernel::transfers();
    let read = replay.read(&rows, &|row| vec![row as u32 % 101, row as u32 % 7], wanted, pause)?;
    Ok((read, kernel::transfers() - before))
}

/// Whoever waits for a replay has had enough of it.
#[derive(Debug, PartialEq)]
struct Stopped;

impl From<EditError> for Stopped {
    fn from(error: EditError) -> Self {
        panic!("edits that the model can have: {error}")
    }
}

#[test]
fn devices_that_share_rows_give_what_one_gives() {
    let device = device::device();
    let model = model(&device);
    // One prompt: its rows are shared; more: the prompts are. One device more than there are prompts.
    for (prompts, copies, memory) in [(1, 1, PLENTY), (5, 1, PLENTY), (5, 2, LITTLE), (2, 3, PLENTY)] {
        let copies = vec![model.clone(); copies];
        let (one, several) = (read(&model, &[], prompts, memory).0, read(&model, &copies, prompts, memory).0);
        assert_eq!((&one.arg_max, &one.rank), (&several.arg_max, &several.rank));
        for (one, several) in [
            (&one.picked, &several.picked),
            (&one.log_total, &several.log_total),
            (&one.largest, &several.largest),
            (&one.divergence, &several.divergence),
        ] {
            assert_eq!(one.len(), several.len());
            for (a, b) in one.iter().zip(several) {
                assert!((a - b).abs() <= device::tolerance(1e-5), "{prompts} prompts: {a} and {b}");
            }
        }
    }
}

/// On threads that share every product, and on such as compute pieces of the rows each: all rows, and few at a time.
#[test]
fn threads_that_compute_rows_side_by_side_give_what_one_gives() {
    for dtype in [DType::F32, DType::BF16] {
        let model = model_of(&Device::flex(), dtype);
        for memory in [PLENTY, 64 << 20] {
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| read(&model, &[], MANY, memory).0)
            };
            let one = on(1);
            for threads in [2, 3] {
                assert!(one == on(threads), "{dtype:?}, {threads} threads, {memory} bytes");
            }
        }
    }
}

#[test]
fn rows_side_by_side_end_when_nobody_waits_for_them() {
    let model = model(&Device::flex());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let mut done = 0;
    let read = pool.install(|| {
        read_while(&model, &[], (MANY, PLENTY), |rows| {
            done += rows;
            if done > 256 { Err(Stopped) } else { Ok(()) }
        })
    });
    assert_eq!(read.map(|_| ()), Err(Stopped));
    assert!(done < rows(&model, MANY).len(), "{done} rows");
}

#[test]
fn devices_that_hold_a_part_of_the_layers_each_give_what_those_that_hold_the_model_give() {
    let device = device::device();
    let model = model(&device);
    // A layer each; one that none holds, and is read; one device more than there are layers.
    for shares in [vec![1, 1], vec![0, 1], vec![1, 1, 0]] {
        let models = spread(&device, &shares);
        let whole = read(&model, &vec![model.clone(); shares.len() - 1], 5, LITTLE).0;
        let parts = read(&models[0], &models[1..], 5, LITTLE).0;
        assert_eq!(whole, parts, "{shares:?}");
    }
}

/// Reads are synchronisations: the reader waits until the device is done. Writes are not, but each is an order to it.
#[test]
fn a_sweep_transfers_as_often_for_many_rows_as_for_few() {
    let model = model(&device::device());
    let (few, many) = (read(&model, &[], 2, PLENTY).1, read(&model, &[], 12, PLENTY).1);
    assert_eq!(few, many, "transfers for 72 rows and for 432");
    if device::is_another() {
        // Two first positions, and of each the picks, the rank, the divergence and the summary; and the rows that change nothing.
        assert!(many.reads <= 12, "{many:?}: edits and layers are to read nothing");
    }
}
