//! Probes, and neurons of the layers that they find.

use crate::support::{Sandbox, numbers, texts};

const SPEC: &str = r#"
title = "which layers write the answer?"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..60", b = "1..20" }
operators = ["+", "-"]
keep = "correct"

[prompt_sets.few]
sample = 4

[[step]]
name = "neurons"
kind = "neuron-patching"
prompts = "few"
layers = "{probes}"
bootstrap = 0

[[step]]
name = "probes"
kind = "probe"
lr = 0.005

[[figure]]
name = "probes"
kind = "heatmap"
from = "probes"
where = { operator = "all" }
x = "layer"
y = "position"
value = "accuracy"
"#;

#[test]
fn neurons_of_just_the_layers_that_write_the_answer() {
    let run = |threads: &str| {
        let sandbox = Sandbox::with(SPEC);
        let set = format!("run.threads={threads}");
        sandbox.run(&["run", "spec.toml", "--set", &set]).ok();
        sandbox
    };
    let sandbox = run("1");
    let found = sandbox.rows("probes.layers");
    let (first, last) = (numbers(&found, "first_layer")[0], numbers(&found, "last_layer")[0]);
    assert!((1.0..=3.0).contains(&first) && last == 4.0, "{first}..{last}");
    let neurons = sandbox.rows("neurons");
    assert_eq!(neurons.height(), (last - first) as usize * 256 * 2);
    assert!(numbers(&neurons, "layer").into_iter().all(|layer| (first..last).contains(&layer)));

    // Only at the last position, and only from some layer on, the answer can be read (paper figure 3).
    let probes = sandbox.rows("probes");
    let (layer, position, accuracy) =
        (numbers(&probes, "layer"), numbers(&probes, "position_index"), numbers(&probes, "accuracy"));
    let operator = probes.column("operator").expect("operators").str().expect("text");
    let of = |at: f64, wanted: f64| {
        let is = |row: &usize| layer[*row] == wanted && position[*row] == at && operator.get(*row) == Some("all");
        accuracy[(0..layer.len()).find(is).expect("a row")]
    };
    assert!(of(3.0, 3.0) > 0.9, "{}", of(3.0, 3.0));
    assert!(of(0.0, 3.0) < 0.2 && of(1.0, 3.0) < 0.2, "{} {}", of(0.0, 3.0), of(1.0, 3.0));

    let other = run("2");
    for name in ["probes", "probes.layers"] {
        assert!(sandbox.rows(name).equals_missing(&other.rows(name)), "{name} on two threads");
    }
}

/// Checkpoints are compared in the same layers: those of the last.
#[test]
fn the_layers_are_those_of_the_last_checkpoint() {
    let sandbox = Sandbox::with(SPEC);
    let source = format!("model.source={}/experiments/models/arith", env!("CARGO_MANIFEST_DIR"));
    let checkpoints = "model.checkpoints=[\"step00000\", \"step01200\", \"step02400\"]";
    let sets = [source.as_str(), checkpoints, "prompts.keep=all", "step.probes.epochs=5", "step.probes.share=0.9"];
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
    sandbox.run(&[&["run", "spec.toml"], sets.as_slice()].concat()).ok();
    let (found, neurons) = (sandbox.rows("probes.layers"), sandbox.rows("neurons"));
    assert_eq!(texts(&found, "checkpoint"), ["step00000", "step01200", "step02400"]);
    let first = numbers(&found, "first_layer");
    assert!(first[0] != first[2], "before training the layers are others: {first:?}");
    let mut seen: Vec<(String, u32)> = texts(&neurons, "checkpoint")
        .into_iter()
        .zip(numbers(&neurons, "layer").iter().map(|&layer| layer as u32))
        .collect();
    seen.dedup();
    let layers = first[2] as u32..4;
    let wanted = ["step00000", "step01200", "step02400"]
        .iter()
        .flat_map(|checkpoint| layers.clone().map(move |layer| (checkpoint.to_string(), layer)));
    seen.sort();
    seen.dedup();
    assert_eq!(seen, wanted.collect::<Vec<_>>());
}

#[test]
fn a_plan_takes_all_layers_and_counts_the_training() {
    let sandbox = Sandbox::with(SPEC);
    let text = sandbox.run(&["plan", "spec.toml"]).ok().out;
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).expect("a line per step").to_string();
    // 4 layers of 256 neurons on 4 prompts of 2 operators.
    assert!(line("neurons").contains(" 8192 "), "{text}");
    let gigaflops: f64 = line("probes")
        .split("GFLOP")
        .next()
        .and_then(|text| text.split_whitespace().last())
        .and_then(|number| number.parse().ok())
        .expect("operations");
    // 16 classifiers of 64 inputs, 20 epochs of 80 % of about 2000 prompts, 4 × 64 × 79 operations for each.
    assert!((5.0..20.0).contains(&gigaflops), "{text}");
}
