//! What `compare.py` runs beside TransformerLens: interventions on random weights of a configuration's shape. Prints one line
//! of JSON: seconds of each repeat, rows, operations, the share of what the processor computes at most, and memory.
//!
//!     cargo bench --bench patching -- map-last 2 benches/smollm2.json 50 5 [64] [cuda:0 bf16]
//!
//! job, threads, config, prompts, positions, the MiB that rows may take (1024), the device (`cpu`) and the dtype (`f32`).
//!
//! Jobs: `map-last`, `map-four` (every head's z and every MLP's post, at the last or at the last four positions), `neurons`
//! (every neuron of the middle layer), `faithfulness` (k = 0..=40 heads kept, the others mean-ablated everywhere), `steering` (a vector
//! added to the stream after each block at the last position, at 20 strengths), `tracing` (noise on the embeddings of two positions, and
//! clean MLP outputs restored in windows of 10 layers, at every layer and position).

mod peak;

use ablate::intervene::{
    Activation, Activations, Change, CleanRun, Edit, EditedPrompt, HookPositions, Layout, LogitRead, Positions, Replay,
    Units, Value, capture, capture_means, layer_operations,
};
use ablate::kernel;
use ablate::model::checkpoint::Checkpoint;
use ablate::model::facts::Facts;
use ablate::model::hook::{Hook, Site};
use ablate::model::transformer::{Tokens, Transformer};
use burn::tensor::{DType, Device, Distribution, Tensor};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a replay may take beside the base run, in MiB.
const MEMORY: usize = 1024;

/// How long a job is repeated at least, and how often at most.
const REPEAT_FOR: Duration = Duration::from_secs(5);
const MOST_REPEATS: usize = 21;

fn main() {
    ablate::system::allocator::keep_freed_memory();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    match arguments[..] {
        [job, threads, config, prompts, positions, ref more @ ..] if more.len() != 2 && more.len() < 4 => {
            let memory = more.first().map_or(MEMORY, |memory| number(memory));
            let place = match more {
                [_, device, dtype] => (opened(device), named(dtype)),
                _ => (Device::flex(), DType::F32),
            };
            rayon::ThreadPoolBuilder::new().num_threads(number(threads)).build_global().expect("a thread pool");
            run(job, Path::new(config), number(prompts), number(positions), memory << 20, place);
        }
        // As `cargo bench` alone calls it: the quickest job, to show that it runs.
        [] => run("map-last", Path::new("benches/arith.json"), 50, 4, MEMORY << 20, (Device::flex(), DType::F32)),
        _ => panic!("unknown job {arguments:?}; benches/compare.py has the list"),
    }
}

fn opened(name: &str) -> Device {
    ablate::model::device::open(name.parse().expect("cpu or cuda:0")).expect("a device")
}

fn named(dtype: &str) -> DType {
    match dtype {
        "f32" => DType::F32,
        "bf16" => DType::BF16,
        "f16" => DType::F16,
        _ => panic!("f32, bf16 or f16"),
    }
}

fn run(job: &str, config: &Path, prompts: usize, positions: usize, memory: usize, (device, dtype): (Device, DType)) {
    let weights = Checkpoint::random(config, 0).expect("a configuration");
    let model = Transformer::load(&weights, &device, dtype).expect("a model");
    // Of another device a product is all that can be measured.
    let (peak_of, peak) = match place_is_cpu(&device) {
        true => peak::of_processor(dtype),
        false => None,
    }
    .unwrap_or_else(|| ("product", matrix_product_peak(model.facts(), &device, dtype)));
    let before = peak_bytes();
    let tokens = |shift: u32| {
        let n_vocab = model.facts().n_vocab as u32;
        let ids = (0..(prompts * positions) as u32).map(|i| (i * 7919 + shift) % n_vocab).collect();
        Tokens { ids, batch: prompts, pos: positions }
    };
    let (clean, source) = (tokens(0), tokens(13));
    let mut seconds = Vec::new();
    let mut outcome = None;
    // As the peer does: what is first done once, such as starting threads, is not counted.
    model.last_logits(&clean);
    let begin = Instant::now();
    while seconds.is_empty() || seconds.len() < MOST_REPEATS && begin.elapsed() < REPEAT_FOR {
        let (elapsed, rows, operations) = work(job, &model, &clean, &source, memory);
        outcome = Some((rows, operations));
        seconds.push(elapsed);
    }
    let (rows, operations) = outcome.expect("a repeat");
    let fastest = seconds.iter().copied().fold(f64::INFINITY, f64::min);
    println!(
        "{}",
        json!({
            "seconds": seconds,
            "rows": rows,
            "rows_per_second": (rows as f64 / fastest).round(),
            "gflop": operations as f64 / 1e9,
            "gflop_per_second": operations as f64 / 1e9 / fastest,
            "peak_gflop_per_second": peak,
            "peak_of": peak_of,
            "share_of_peak": operations as f64 / 1e9 / fastest / peak,
            "memory_mib": peak_bytes().saturating_sub(before) >> 20,
        })
    );
}

/// The whole job, from tokens to the numbers of the measure: seconds, rows and floating-point operations.
fn work(job: &str, model: &Transformer, clean: &Tokens, source: &Tokens, memory: usize) -> (f64, usize, u64) {
    let start = Instant::now();
    let facts = model.facts();
    let rows = match job {
        "faithfulness" => faithfulness(model, clean),
        "steering" => steering(facts, clean),
        "tracing" => tracing(facts, clean),
        _ => patches(job, facts, clean),
    };
    // Rows of one intervention, one for each prompt, follow each other.
    let wanted: HookPositions = rows
        .iter()
        .step_by(clean.batch)
        .flat_map(|row| row.edits.iter().map(|edit| (edit.hook, edit.positions.clone())))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    let wanted: HookPositions = if job == "tracing" {
        wanted.into_keys().map(|hook| (hook, Positions::All)).collect()
    } else if job == "map-four" {
        wanted.into_keys().map(|hook| (hook, Positions::At((clean.pos - 4..clean.pos).collect()))).collect()
    } else {
        wanted
    };
    let pause = || Ok::<(), ablate::model::NotFinite>(());
    let base = match job {
        "tracing" => {
            CleanRun::run_under(model, clean.clone(), noise(facts, clean), &wanted, 256, pause).expect("finite")
        }
        _ => CleanRun::run(model, clean.clone(), &wanted, 256, pause).expect("finite"),
    };
    // Means and vectors are given: no edit reads a source run. What is restored is the clean run's own.
    let sources = match job {
        "faithfulness" | "steering" => Activations::new(),
        "tracing" => capture(model, clean, &wanted, 256, pause).expect("finite").0,
        _ => {
            let (sources, _) = capture(model, source, &wanted, 256, pause).expect("finite");
            sources
        }
    };
    let replay = Replay::new(model, &base, &sources, memory);
    let tokens = |row: usize| vec![row as u32 % 7, 7 + row as u32 % 7];
    let wanted = LogitRead { picks: 2, ranked: 0, distribution: true, divergence: false };
    let read = replay.read::<ablate::intervene::EditError>(&rows, &tokens, wanted, |_| Ok(())).expect("edits that fit");
    assert!((0..rows.len()).all(|row| (0.0..=1.0).contains(&read.probability(row, 0))), "probabilities");
    let seconds = start.elapsed().as_secs_f64();
    let cost = replay.cost(&rows).expect("edits that fit");
    // The clean run, and the source run or the one for the means. Of the last layer only the keys and values are computed at every
    // position where what is patched there is at the last one.
    let runs = if job == "steering" { clean.batch } else { 2 * clean.batch } as u64;
    let layers = facts.n_layers as u64;
    let keys_and_values = 4 * (facts.d_model * facts.d_head * facts.n_kv_heads) as u64;
    let last_layer = match job {
        "map-last" | "neurons" | "steering" => layer_operations(facts) + (clean.pos as u64 - 1) * keys_and_values,
        _ => layer_operations(facts) * clean.pos as u64,
    };
    let unembedding = 2 * (facts.d_model * facts.n_vocab) as u64;
    let prompts = runs * ((layers - 1) * clean.pos as u64 * layer_operations(facts) + last_layer + unembedding);
    (seconds, rows.len(), cost.operations + prompts)
}

fn patches(job: &str, facts: &Facts, clean: &Tokens) -> Vec<EditedPrompt> {
    let last = clean.pos - 1;
    let positions = if job == "map-four" { last - 3..last + 1 } else { last..last + 1 };
    let mut interventions: Vec<Edit> = Vec::new();
    for position in positions {
        let at = || Positions::At(vec![position]);
        if job == "neurons" {
            let hook = Hook::Block(facts.n_layers / 2, Site::MlpPost);
            interventions.extend((0..facts.d_mlp).map(|neuron| Edit::patch(hook, at(), Units::Of(vec![neuron]))));
            continue;
        }
        for layer in 0..facts.n_layers {
            let z = Hook::Block(layer, Site::Z);
            interventions.extend((0..facts.n_heads).map(|head| Edit::patch(z, at(), Units::Of(vec![head]))));
            interventions.push(Edit::patch(Hook::Block(layer, Site::MlpPost), at(), Units::All));
        }
    }
    rows(interventions.into_iter().map(|edit| vec![edit]).collect(), clean.batch)
}

/// Means over the prompts; then the k first heads of an arbitrary order are left, k = 0..=40.
fn faithfulness(model: &Transformer, clean: &Tokens) -> Vec<EditedPrompt> {
    let facts = model.facts();
    let wanted: HookPositions =
        (0..facts.n_layers).map(|layer| (Hook::Block(layer, Site::Z), Positions::All)).collect();
    let pause = || Ok::<(), ablate::model::NotFinite>(());
    let mut means = capture_means(model, clean, &vec![0; clean.batch], &wanted, false, 256, pause).expect("finite");
    let means: Vec<Arc<_>> = means.remove(0).into_values().map(Arc::new).collect();
    let heads = facts.n_layers * facts.n_heads;
    let circuit = |k: usize| {
        let kept: Vec<usize> = (0..k).map(|index| index * 31 % heads).collect();
        let edit = |layer: usize| {
            let others = (0..facts.n_heads).filter(|head| !kept.contains(&(layer * facts.n_heads + head))).collect();
            Edit::set(Hook::Block(layer, Site::Z), Positions::All, Units::Of(others), means[layer].clone())
        };
        (0..facts.n_layers).map(edit).collect::<Vec<_>>()
    };
    rows((0..=40.min(heads)).map(circuit).collect(), clean.batch)
}

/// A vector added to the stream after each block, at 20 strengths.
fn steering(facts: &Facts, clean: &Tokens) -> Vec<EditedPrompt> {
    let layout = Layout::Stream { width: facts.d_model };
    let data = (0..facts.d_model).map(|place| (place as f32).sin()).collect();
    let vector = Arc::new(Activation { layout, rows: 1, positions: Vec::new(), data });
    let edit = |(layer, strength): (usize, f32)| Edit {
        hook: Hook::Block(layer, Site::ResidPost),
        positions: Positions::At(vec![clean.pos - 1]),
        units: Units::All,
        change: Change::Add { value: Value::Fixed(vector.clone()), strength },
    };
    let strengths = || (1..=10).flat_map(|strength| [0.1 * strength as f32, -0.1 * strength as f32]);
    let all = (0..facts.n_layers).flat_map(|layer| strengths().map(move |strength| (layer, strength)));
    rows(all.map(|one| vec![edit(one)]).collect(), clean.batch)
}

/// The clean MLPs' outputs in a window of 10 layers around each layer, at each position.
fn tracing(facts: &Facts, clean: &Tokens) -> Vec<EditedPrompt> {
    const WINDOW: usize = 10;
    let window = |layer: usize| layer.saturating_sub(WINDOW / 2)..facts.n_layers.min(layer + WINDOW.div_ceil(2));
    let restored = |layer: usize, position: usize| {
        let edit = |layer| Edit::patch(Hook::Block(layer, Site::MlpOut), Positions::At(vec![position]), Units::All);
        window(layer).map(edit).collect::<Vec<Edit>>()
    };
    let all = (0..facts.n_layers).flat_map(|layer| (0..clean.pos).map(move |position| (layer, position)));
    rows(all.map(|(layer, position)| restored(layer, position)).collect(), clean.batch)
}

/// Something that is added to the embeddings of the second and third token, for each prompt another.
fn noise(facts: &Facts, clean: &Tokens) -> Vec<Arc<[Edit]>> {
    let positions: Vec<usize> = (1..3.min(clean.pos)).collect();
    let of = |prompt: usize| -> Arc<[Edit]> {
        let value = |place: usize| 0.1 * ((place * 31 + prompt * 17) as f32).sin();
        let data = (0..positions.len() * facts.d_model).map(value).collect();
        let layout = Layout::Stream { width: facts.d_model };
        let given = Activation { layout, rows: 1, positions: positions.clone(), data };
        let change = Change::Add { value: Value::Fixed(Arc::new(given)), strength: 1.0 };
        [Edit { hook: Hook::Embed, positions: Positions::At(positions.clone()), units: Units::All, change }].into()
    };
    (0..clean.batch).map(of).collect()
}

fn rows(interventions: Vec<Vec<Edit>>, prompts: usize) -> Vec<EditedPrompt> {
    let rows = |edits: Vec<Edit>| {
        let edits: Arc<[Edit]> = edits.into();
        (0..prompts).map(move |prompt| EditedPrompt { prompt, source: Some(prompt), edits: edits.clone() })
    };
    interventions.into_iter().flat_map(rows).collect()
}

fn place_is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// The fastest of ten large products of the model's MLP, GFLOP/s.
fn matrix_product_peak(facts: &Facts, device: &Device, dtype: DType) -> f64 {
    const ROWS: usize = 2048;
    let x = Tensor::<3>::random([1, ROWS, facts.d_model], Distribution::Default, device).cast(dtype);
    let w = Tensor::<2>::random([facts.d_model, facts.d_mlp], Distribution::Default, device).cast(dtype);
    let operations = (2 * ROWS * facts.d_model * facts.d_mlp) as f64;
    let time = |_| {
        let start = Instant::now();
        let product = kernel::linear(x.clone(), w.clone(), None);
        // A device that computes later than it is asked to has to be waited for.
        std::hint::black_box(kernel::to_f32(product.narrow(1, ROWS - 1, 1)));
        operations / 1e9 / start.elapsed().as_secs_f64()
    };
    (0..10).map(time).fold(0.0, f64::max)
}

/// Most memory that the process had, in bytes; 0 where the system does not say.
fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok()).map_or(0, |kib| kib << 10)
}
