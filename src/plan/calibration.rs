//! How fast this machine is, timed: operations of each kind in a second.

use crate::cost::{ModelWork, Workload};
use crate::heuristic::{ArithmeticProblem, Matcher, MatcherOptions};
use crate::intervene::{layer_operations, runs_side_by_side};
use crate::kernel;
use crate::measure::Resamples;
use crate::model::facts::Facts;
use crate::spec::step::HeuristicVariant;
use crate::spec::{ImageFormat, Operator, Spec};
use burn::tensor::{DType, Device, Distribution, Tensor};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Positions computed together, as in sweeps; of a small model, by each thread.
const POSITIONS: usize = 1024;
const POSITIONS_OF_SMALL: usize = 256;

/// Tokens of the prompts that attention is timed on.
const LENGTH: usize = 4;

/// Logits held at once at most.
const LOGITS: usize = 1 << 22;

/// Values and resamples of the mean that is timed.
const VALUES: usize = 100;
const RESAMPLES: usize = 1000;

/// How long each part is timed.
const FOR: Duration = Duration::from_millis(4);

/// Operands of the problems that the matching of neurons is timed on, and how many neurons.
const OPERANDS: i64 = 32;
const NEURONS: usize = 8;

/// How fast this machine does what sweeps over a model of one shape consist of: a few of each, timed. Seconds of each.
#[derive(Debug, Clone, Copy)]
pub struct Speed {
    /// A floating-point operation of a matrix product.
    operation: f64,
    /// What is beside the products at one position of a layer: norms, attention, activation, sums.
    position: f64,
    /// What is read of a row's logits.
    logits: f64,
    /// Devices that share the replays of rows.
    devices: usize,
}

/// Seconds of a value of a resample.
static RESAMPLED: LazyLock<f64> = LazyLock::new(resampling);

/// Seconds of matching one neuron's value at one of a thousand problems.
static MATCHED: LazyLock<f64> = LazyLock::new(matching);

impl Speed {
    /// Times a model's shape on a device, as the only one.
    pub fn of(facts: &Facts, device: &Device, dtype: DType) -> Self {
        let alone = runs_side_by_side(facts, &Tensor::<1>::zeros([1], (device, dtype)));
        let bench = Bench { device, dtype, alone };
        let positions = if bench.alone { POSITIONS_OF_SMALL } else { POSITIONS };
        let heads = facts.n_heads * facts.d_head;
        let attention = 2 * facts.d_model * facts.d_head * (2 * facts.n_heads + 2 * facts.n_kv_heads);
        let share = attention as f64 / layer_operations(facts) as f64;
        // An expert has its part of the positions.
        let (of_mlp, width) = match &facts.experts {
            Some(experts) => ((positions * experts.chosen).div_ceil(experts.count), experts.width),
            None => (positions, facts.d_mlp),
        };
        let operation = (1.0 - share) * bench.product(of_mlp, facts.d_model, width)
            + share * bench.product(positions, facts.d_model, heads);
        let rows = (LOGITS / facts.n_vocab).clamp(1, positions);
        Self {
            operation,
            position: bench.beside(facts, positions),
            logits: bench.logits(rows, facts.n_vocab),
            devices: 1,
        }
    }

    /// The same where so many such devices share the replays of rows.
    pub fn of_each(self, devices: usize) -> Self {
        Self { devices: devices.max(1), ..self }
    }

    /// Seconds that a workload takes.
    pub fn seconds(&self, work: &Workload) -> f64 {
        let of = |work: ModelWork| {
            work.operations as f64 * self.operation
                + work.positions as f64 * self.position
                + work.unembedded as f64 * self.logits
        };
        let others = 1.0 - 1.0 / self.devices as f64;
        of(work.of_models()) - others * of(work.shared) + beside(work)
    }
}

/// Seconds of what a workload has that no model computes.
pub fn beside(work: &Workload) -> f64 {
    let timed = |count: u64, each: &LazyLock<f64>| if count > 0 { count as f64 * **each } else { 0.0 };
    timed(work.resampled, &RESAMPLED) + timed(work.matched, &MATCHED) + work.seconds
}

/// Seconds of a table, of a report, and of a figure in each format: to draw one to see would take longer than planning the rest.
const TABLE: f64 = 0.005;
const REPORT: f64 = 0.02;
const SVG: f64 = 0.002;
const PNG: f64 = 0.06;
const PDF: f64 = 0.004;

/// Seconds of a spec's tables, figures and report, about.
pub fn results(spec: &Spec) -> f64 {
    let format = |format: &ImageFormat| match format {
        ImageFormat::Svg => SVG,
        ImageFormat::Png => PNG,
        ImageFormat::Pdf => PDF,
    };
    let figure: f64 = spec.output.images.iter().map(format).sum();
    spec.figures.len() as f64 * figure + spec.tables.len() as f64 * TABLE + REPORT
}

/// Times parts of a sweep.
struct Bench<'b> {
    device: &'b Device,
    dtype: DType,
    /// Whether pieces run side by side, each on one thread.
    alone: bool,
}

impl Bench<'_> {
    fn random<const D: usize>(&self, shape: [usize; D]) -> Tensor<D> {
        Tensor::<D>::random(shape, Distribution::Uniform(-1.0, 1.0), self.device).cast(self.dtype)
    }

    /// Seconds of one run of `work`, where as many run at once as in a sweep.
    fn time(&self, work: impl Fn() + Sync) -> f64 {
        if !self.alone {
            return median(&work);
        }
        let threads = rayon::current_num_threads();
        median(|| (0..threads).into_par_iter().for_each(|_| kernel::alone(&work))) / threads as f64
    }

    /// Seconds of a floating-point operation of a product.
    fn product(&self, rows: usize, from: usize, to: usize) -> f64 {
        let (x, weight) = (self.random([1, rows, from]), self.random([from, to]));
        self.time(|| wait(kernel::linear(x.clone(), weight.clone(), None))) / (2 * rows * from * to) as f64
    }

    /// Seconds of what is beside the products at one position of a layer.
    fn beside(&self, facts: &Facts, positions: usize) -> f64 {
        let x = self.random([positions, 1, facts.d_model]);
        let width = facts.experts.as_ref().map_or(facts.d_mlp, |experts| experts.width * experts.chosen);
        let hidden = self.random([positions, 1, width]);
        let heads = |heads: usize| self.random([positions / LENGTH, LENGTH, heads, facts.d_head]);
        let (q, k, v) = (heads(facts.n_heads), heads(facts.n_kv_heads), heads(facts.n_kv_heads));
        let work = || {
            let normalized = kernel::normalize(x.clone(), &facts.norm);
            wait(kernel::attention(q.clone(), k.clone(), v.clone(), kernel::Scores::STANDARD));
            let mid = x.clone() + normalized;
            let normalized = kernel::normalize(mid.clone(), &facts.norm);
            wait(match facts.gated {
                true => kernel::gated(hidden.clone(), hidden.clone(), facts.activation),
                false => kernel::activate(hidden.clone(), facts.activation),
            });
            wait(mid + normalized);
        };
        self.time(work) / positions as f64
    }

    /// Seconds of what is read of a row's logits.
    fn logits(&self, rows: usize, n_vocab: usize) -> f64 {
        let logits = self.random([rows, n_vocab]);
        self.time(|| drop(std::hint::black_box(kernel::summary(logits.clone())))) / rows as f64
    }
}

/// Reading a value waits for a device that works on its own; `into_data` alone does not (burn 0.22.1, on GPUs).
fn wait<const D: usize>(tensor: Tensor<D>) {
    let first: [Range<usize>; D] = std::array::from_fn(|_| 0..1);
    std::hint::black_box(kernel::to_f32(tensor.slice(first)));
}

/// Seconds of a value of a resample, as many means at once as there are threads.
fn resampling() -> f64 {
    let resamples = Resamples::new(VALUES, RESAMPLES, 0);
    let values: Vec<f64> = (0..VALUES).map(|value| value as f64).collect();
    let threads = rayon::current_num_threads();
    let means = || {
        (0..threads).into_par_iter().for_each(|_| {
            std::hint::black_box(resamples.mean(&values));
        });
    };
    median(means) / (threads * VALUES * RESAMPLES) as f64
}

/// Seconds of matching the value of a neuron at a problem, as many neurons at once as there are threads.
fn matching() -> f64 {
    let pairs = (0..OPERANDS).flat_map(|a| (0..OPERANDS).map(move |b| (a, b)));
    let problems: Vec<ArithmeticProblem> = pairs.map(|(a, b)| ArithmeticProblem { a, b, result: a + b }).collect();
    let options = MatcherOptions::new(HeuristicVariant::default());
    let matcher = Matcher::new(&problems, Operator::Addition, options);
    // Values without an order that is of the problems.
    let value = |index: usize| (index.wrapping_mul(2_654_435_761) % 65_521) as f32;
    let activations: Vec<f32> = (0..NEURONS * problems.len()).map(value).collect();
    let logits: Vec<f32> = (0..NEURONS * matcher.results().len()).map(value).collect();
    let work = || drop(std::hint::black_box(matcher.classify(&activations, &logits)));
    median(work) / (NEURONS * problems.len()) as f64
}

/// Seconds of the median run, of at least three, the first one not counted.
fn median(work: impl Fn()) -> f64 {
    work();
    let start = Instant::now();
    let mut seconds = Vec::new();
    while seconds.len() < 3 || start.elapsed() < FOR {
        let begin = Instant::now();
        work();
        seconds.push(begin.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
