//! What `compare.py` runs beside PyTorch: does one job several times and prints the seconds of each as one line of JSON.
//!
//!     cargo bench --bench speed -- train 2 200               threads, steps
//!     cargo bench --bench speed -- forward 2 benches/smollm2.json 64 5 all    threads, config, batch, positions, logits

use ablate::model::checkpoint::Checkpoint;
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
use std::path::Path;
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
        // Without arguments, as `cargo bench` alone would call it: the quickest job, to show that it runs.
        [] => forward(Path::new("benches/arith.json"), 64, 4, false),
        _ => panic!("unknown job {arguments:?}; benches/compare.py has the list"),
    }
}

fn use_threads(threads: usize) {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("a thread pool");
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
