//! What `compare.py` runs beside PyTorch: does one job several times and prints the seconds of each as one line of JSON.
//!
//!     cargo bench --bench speed -- train 2 200               threads, steps
//!     cargo bench --bench speed -- forward 2 benches/smollm2.json 64 5 all    threads, config, batch, positions, logits
//!     cargo bench --bench speed -- generate 2 benches/smollm2.json 1 16 64    threads, config, batch, positions, new tokens

use ablate::intervene::{
    Activation, Activations, Change, Choice, Decoder, Edit, Layout, Opening, Positions, TokenEdits, Units, Value,
};
use ablate::model::checkpoint::Checkpoint;
use ablate::model::hook::{Hook, Site};
use ablate::model::tokenizer;
use ablate::model::transformer::{Tokens, Transformer};
use ablate::prompt;
use ablate::resume::Blocks;
use ablate::spec::Prompts;
use ablate::spec::step::Train;
use ablate::step::train::train;
use ablate::system::progress::Progress;
use burn::tensor::{DType, Device};
use serde_json::json;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long one job is repeated.
const REPEAT_FOR: Duration = Duration::from_millis(1500);

fn main() {
    ablate::system::allocator::keep_freed_memory();
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    match arguments[..] {
        ["train", threads, steps] => {
            use_threads(number(threads));
            train_built_in(number(steps));
        }
        ["forward", threads, config, batch, pos, logits] => {
            use_threads(number(threads));
            forward(Path::new(config), number(batch), number(pos), logits == "last");
        }
        ["generate", threads, config, batch, pos, tokens] => {
            use_threads(number(threads));
            generate(Path::new(config), number(batch), number(pos), number(tokens));
        }
        // Without arguments, as `cargo bench` alone would call it: the quickest job, to show that it runs.
        [] => forward(Path::new("benches/arith.json"), 64, 4, false),
        _ => panic!("unknown job {arguments:?}; benches/compare.py has the list"),
    }
}

fn use_threads(threads: usize) {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("a thread pool");
}

/// Texts written after prompts, a vector added after the middle block wherever a token is read.
fn generate(config: &Path, batch: usize, pos: usize, tokens: usize) {
    let weights = Checkpoint::random(config, 0).expect("a configuration");
    let model = Transformer::load(&weights, &Device::flex(), DType::F32).expect("a model");
    let facts = model.facts();
    let (width, n_vocab) = (facts.d_model, facts.n_vocab as u32);
    let ids: Vec<u32> = (0..(batch * pos) as u32).map(|i| i * 7919 % n_vocab).collect();
    let data = (0..width).map(|i| 0.1 * (1.0 + i as f32).sin()).collect();
    let vector = Activation { layout: Layout::Stream { width }, rows: 1, positions: Vec::new(), data };
    let change = Change::Add { value: Value::Fixed(Arc::new(vector)), strength: 1.0 };
    let hook = Hook::Block(facts.n_layers / 2, Site::ResidPost);
    let edit = Edit { hook, positions: Positions::All, units: Units::All, change };
    let edits = TokenEdits { prompt: Arc::new([edit.clone()]), new: Arc::new([edit]) };
    let opening = |prompt| Opening { prompt, edits: &edits, source: None, choice: Choice::Greedy };
    let openings: Vec<Opening> = ids.chunks(pos).map(opening).collect();
    let sources = Activations::new();
    let decoder = Decoder { transformer: &model, sources: &sources, batch };
    let seconds = repeat(|| {
        let Ok(written) = decoder.write::<Infallible>(&openings, tokens, &|_, _| false, &mut |_| Ok(()));
        assert!(written.iter().all(|written| written.tokens.len() == tokens), "texts of that length");
    });
    println!("{}", json!({ "seconds": seconds }));
}

/// A forward pass with random weights of a configuration's shape.
fn forward(config: &Path, batch: usize, pos: usize, last_only: bool) {
    let weights = Checkpoint::random(config, 0).expect("a configuration");
    let model = Transformer::load(&weights, &Device::flex(), DType::F32).expect("a model");
    let n_vocab = model.facts().n_vocab as u32;
    let ids = (0..(batch * pos) as u32).map(|i| i * 7919 % n_vocab).collect();
    let tokens = Tokens { ids, batch, pos };
    let seconds = repeat(|| {
        if last_only {
            model.last_logits(&tokens);
        } else {
            model.forward(&tokens, &mut ());
        }
    });
    println!("{}", json!({ "seconds": seconds }));
}

fn repeat(mut job: impl FnMut()) -> Vec<f64> {
    job();
    let begin = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < 5 || begin.elapsed() < REPEAT_FOR {
        let start = Instant::now();
        job();
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds
}

/// The built-in model's recipe, shortened: the whole step, with evaluation every hundred steps and the model written.
fn train_built_in(steps: usize) {
    let recipe = json!({
        "name": "speed", "numbers": 100, "layers": 4, "d_model": 64, "heads": 4, "d_mlp": 256, "steps": steps, "batch": 256,
        "optimizer": { "lr": 2e-3, "weight_decay": 1.0, "warmup": 100, "clip": 1.0 },
    });
    let spec: Train = serde_json::from_value(recipe).expect("a train step");
    let folder = tempfile::tempdir().expect("a folder");
    let tokenizer = tokenizer::arithmetic(spec.numbers);
    let problems = json!({ "operands": { "a": "0..100", "b": "0..100" } });
    let problems: Prompts = serde_json::from_value(problems).expect("a prompt set");
    let prompts = prompt::build(&problems, &tokenizer, None, None).expect("prompts");
    let start = Instant::now();
    train(&spec, &prompts, &tokenizer, folder.path(), (&Progress::quiet(), &Blocks::off())).expect("trained");
    println!("{}", json!({ "seconds": [start.elapsed().as_secs_f64()], "examples": steps * spec.batch }));
}
