//! How long it takes to match neurons with every heuristic of an operator (docs/benchmarks.md).
//!
//!     cargo bench --bench heuristics                threads and neurons: 2 and 200
//!     cargo bench --bench heuristics -- 1 3200
//!     cargo bench --bench heuristics -- noise       how often noise matches (docs/heuristics.md)
//!
//! Estimate, for + with operands 0..300: 90,000 prompts, 2,800 heuristics. Per neuron:
//!
//! | what | operations | bytes |
//! |---|---|---|
//! | sort 8-byte places, by activation and by effective pattern | 2 × 90,000 × log2(90,000) = 3 M comparisons | 2 × 720 kB, in the L2 cache |
//! | walk over both orders, counting values passed | 2 × 90,000 gathers of 8 bytes, 270,000 increments | 2 × 1.4 MB |
//! | sums over values at each k, two tails | 2 × 28,000 additions | counters of 600 values, in L1 |
//! | look-ups of prompts of heuristics on both operands | 265,000 gathers, 1 M comparisons | 360 kB of places, 1 MB of prompts |
//!
//! With 1 ns a comparison of the sort and a gather: about 4 ms, so 3,200 neurons take 13 s on one core. The same with a bit per
//! prompt, as in algorithm 1 taken word by word, is 2,800 × 2 tails × 1,407 words = 8 M words to AND and count; one per nanosecond
//! would be 8 ms, and the bits of the heuristics alone are 31 MB, read twice per neuron from beyond the caches.

use ablate::heuristic::{ArithmeticProblem, Matcher, MatcherOptions};
use ablate::spec::Operator;
use ablate::spec::step::HeuristicVariant;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

/// Neurons of the paper's Llama3-8B: 200 of each of 16 layers.
const PAPER: usize = 3200;
/// Neurons in memory at once.
const AT_ONCE: usize = 64;

fn main() {
    // `cargo bench` adds an argument of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let (threads, neurons) = match arguments[..] {
        ["noise"] => return noise(),
        [] => (2, 200),
        [threads, neurons] => (number(threads), number(neurons)),
        _ => panic!("threads and neurons, or 'noise'"),
    };
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("a thread pool");
    for operator in Operator::ALL {
        measure(operator, neurons, threads);
    }
}

/// Matches noise: the work does not depend on what is found.
fn measure(operator: Operator, neurons: usize, threads: usize) {
    let problems = problems(operator, 300, 1000);
    let start = Instant::now();
    let matcher = Matcher::new(&problems, operator, MatcherOptions::new(HeuristicVariant::Paper));
    let listing = start.elapsed().as_secs_f64();
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut noise = |count: usize| -> Vec<f32> { (0..count).map(|_| random.random::<f32>() - 0.5).collect() };
    let (mut seconds, mut matches, mut left) = (0.0, 0, neurons);
    while left > 0 {
        let part = left.min(AT_ONCE);
        let (activations, logits) = (noise(part * problems.len()), noise(part * matcher.results().len()));
        let start = Instant::now();
        matches += matcher.classify(&activations, &logits).iter().map(Vec::len).sum::<usize>();
        seconds += start.elapsed().as_secs_f64();
        left -= part;
    }
    let rate = neurons as f64 / seconds;
    println!(
        "{}  {} prompts, {} heuristics (listed in {listing:.2} s), {neurons} neurons, {threads} threads: {seconds:.2} s, {rate:.0} \
         neurons/s, {PAPER} neurons in {:.1} s ({matches} matches)",
        operator.symbol(),
        problems.len(),
        matcher.entries().len(),
        PAPER as f64 / rate
    );
}

/// Operands 0..operands, results 0..results; of the built-in model 100 and 100, of Llama 3 300 and 1000.
fn problems(operator: Operator, operands: i64, results: i64) -> Vec<ArithmeticProblem> {
    let pairs = (0..operands).flat_map(|a| (0..operands).map(move |b| (a, b)));
    let result = |a: i64, b: i64| match operator {
        Operator::Addition => Some(a + b),
        Operator::Subtraction => Some(a - b),
        Operator::Multiplication => Some(a * b),
        Operator::FloorDivision => a.checked_div(b),
    };
    pairs
        .filter_map(|(a, b)| result(a, b).map(|result| ArithmeticProblem { a, b, result }))
        .filter(|problem| (0..results).contains(&problem.result))
        .collect()
}

/// How many heuristics neurons match that follow none: activations in random order, and neurons that are always on and write
/// a random value vector.
fn noise() {
    println!(
        "| operands | | prompts | heuristics | expected, random order | found, random order | always on, random value vector |"
    );
    println!("|---|---|---|---|---|---|---|");
    let open = MatcherOptions { min_associated: 1, max_chance: 1.0, ..MatcherOptions::new(HeuristicVariant::Paper) };
    for (label, options) in [("defaults", MatcherOptions::new(HeuristicVariant::Paper)), ("everything", open)] {
        for (operands, results, neurons) in [(10, 10, 2000), (100, 100, 500), (300, 1000, 100)] {
            for operator in Operator::ALL {
                let problems = problems(operator, operands, results);
                let matcher = Matcher::new(&problems, operator, options.clone());
                let expected: f64 = matcher.entries().iter().map(|entry| entry.chance).sum();
                let (prompts, heuristics) = (problems.len(), matcher.entries().len());
                let found = found(&matcher, prompts, neurons, (0.0, 1.0), false);
                let on = self::found(&matcher, prompts, neurons, (1.0, 0.3), true);
                let sign = operator.sign();
                println!(
                    "| 0..{operands}, {label} | {sign} | {prompts} | {heuristics} | {expected:.4} | {found} | {on} |"
                );
            }
        }
    }
}

/// Matches per neuron, and the share of neurons with any.
fn found(matcher: &Matcher, prompts: usize, neurons: usize, (mean, spread): (f32, f32), write: bool) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut matches, mut any) = (0, 0);
    for _ in 0..neurons / 50 {
        let activations: Vec<f32> = (0..50 * prompts).map(|_| mean + spread * normal(&mut random)).collect();
        let logits = (0..50 * matcher.results().len())
            .map(|_| if write { normal(&mut random) } else { 1.0 })
            .collect::<Vec<_>>();
        for found in matcher.classify(&activations, &logits) {
            matches += found.len();
            any += usize::from(!found.is_empty());
        }
    }
    format!("{:.2} ({:.3})", matches as f64 / neurons as f64, any as f64 / neurons as f64)
}

/// A number of the standard normal distribution (Box and Muller).
fn normal(random: &mut ChaCha8Rng) -> f32 {
    let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}
