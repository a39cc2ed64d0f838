//! The rows of variants in one table.

use crate::support::{Sandbox, says};

const SPEC: &str = r#"
title = "sweep"
model.source = "builtin:arith"

[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]

[prompt_sets.fixed]
sample = 4
seeds = [7]

[matrix]
dtype = { key = "model.dtype", values = ["f32", "bf16"] }
sample = { key = "prompts.sample", values = [5, 10] }

[[matrix.exclude]]
dtype = "bf16"
sample = 10

[[step]]
name = "accuracy"
kind = "accuracy"

[[step]]
name = "fixed"
kind = "accuracy"
prompts = "fixed"

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]", "mlp_post"]
positions = ["last"]

[[step]]
name = "circuit"
kind = "ablation"
ranked = { from = "effects", k = [1, 2] }
measures = ["accuracy"]

[[table]]
name = "rates"
from = "accuracy"
select = ["dtype", "sample", "operator", "n", "rate"]

[[table]]
name = "fixed_rates"
from = "fixed"
select = ["dtype", "operator", "n", "rate"]

[[table]]
name = "per_sample"
from = "circuit"
group_by = ["sample", "k"]
aggregate = { mean = "mean(mean)", rows = "count(mean)" }

[[table]]
name = "circuits"
from = "circuit"
select = ["dtype", "sample", "operator", "k", "mean"]

[[figure]]
name = "by_sample"
kind = "lines"
from = "circuit"
x = "k"
y = "mean"
series = "dtype"
facet = "sample"

[[figure]]
name = "numbers"
kind = "lines"
from = "rates"
x = "sample"
y = "rate"
series = "operator"

[[expect]]
name = "five"
from = "rates"
where = { dtype = "bf16", sample = 5, operator = "+" }
value = "n"
is = 5
tolerance = 0
"#;

/// The columns of a CSV file's lines, the heading left out.
fn lines(text: &str) -> Vec<Vec<&str>> {
    text.lines().skip(1).map(|line| line.split(',').collect()).collect()
}

#[test]
fn tables_figures_and_expectations_see_the_rows_of_all_variants() {
    let sandbox = Sandbox::of(&[("sweep.toml", SPEC)]);
    let ended = sandbox.run(&["run", "sweep.toml"]).ok();
    says(&ended.err, ["variant 2 of 3: dtype=f32,sample=10", "expected: 1 agree, 0 differ"]);
    let rates = sandbox.read("results/sweep/tables/rates.csv");
    let head: Vec<Vec<&str>> = lines(&rates).into_iter().map(|line| line[..4].to_vec()).collect();
    let expected = [
        ["f32", "5", "+", "5"],
        ["f32", "5", "*", "5"],
        ["f32", "10", "+", "10"],
        ["f32", "10", "*", "10"],
        ["bf16", "5", "+", "5"],
        ["bf16", "5", "*", "5"],
    ];
    assert_eq!(head, expected.map(Vec::from));
    // The set of its own has no sample of the matrix: once per dtype, not once per variant.
    let fixed = sandbox.read("results/sweep/tables/fixed_rates.csv");
    let head: Vec<Vec<&str>> = lines(&fixed).into_iter().map(|line| line[..3].to_vec()).collect();
    assert_eq!(head, [["f32", "+", "4"], ["f32", "*", "4"], ["bf16", "+", "4"], ["bf16", "*", "4"]].map(Vec::from));
    assert_eq!(ended.err.matches("fixed: model: 8/8").count(), 2, "{}", ended.err);
    // 2 operators, of two dtypes and of one.
    let pooled = sandbox.read("results/sweep/tables/per_sample.csv");
    let rows: Vec<(&str, &str)> = lines(&pooled).into_iter().map(|line| (line[0], line[3])).collect();
    assert_eq!(rows, [("5", "4"), ("5", "4"), ("10", "2"), ("10", "2")]);
    assert!(sandbox.has("results/sweep/figures/by_sample.svg") && sandbox.has("results/sweep/figures/numbers.svg"));
    let report = sandbox.read("results/sweep/report.md");
    says(&report, ["3: dtype=f32,sample=5; dtype=f32,sample=10; dtype=bf16,sample=5", "model 'model' (dtype=bf16)"]);
}

#[test]
fn a_variant_has_the_numbers_of_its_own_spec() {
    let sandbox = Sandbox::of(&[("sweep.toml", SPEC)]);
    sandbox.run(&["run", "sweep.toml", "--quiet"]).ok();
    let (before, rest) = SPEC.split_once("[matrix]").unwrap();
    let (_, steps) = rest.split_once("sample = 10\n").unwrap();
    let (steps, _) = steps.split_once("[[table]]\nname = \"rates\"").unwrap();
    let alone = format!(
        "{before}{steps}[[table]]\nname = \"circuits\"\nfrom = \"circuit\"\nselect = [\"operator\", \"k\", \"mean\"]\n"
    );
    sandbox.write("alone.toml", alone);
    let pooled = sandbox.read("results/sweep/tables/circuits.csv");
    for (dtype, sample) in [("f32", "5"), ("f32", "10"), ("bf16", "5")] {
        let sets = [format!("model.dtype={dtype}"), format!("prompts.sample={sample}")];
        sandbox.run(&["run", "alone.toml", "--quiet", "--set", &sets[0], "--set", &sets[1]]).ok();
        let alone = sandbox.read("results/alone/tables/circuits.csv");
        let of: Vec<Vec<&str>> = lines(&pooled)
            .into_iter()
            .filter(|line| line[..2] == [dtype, sample])
            .map(|line| line[2..].to_vec())
            .collect();
        assert_eq!(of, lines(&alone), "{dtype} {sample}");
    }
}

#[test]
fn columns_of_axes_are_known_before_any_work() {
    let spec = SPEC
        .replace("select = [\"dtype\", \"operator\", \"n\", \"rate\"]", "select = [\"dtype\", \"sample\", \"rate\"]");
    let sandbox = Sandbox::of(&[("sweep.toml", &spec)]);
    let ended = sandbox.run(&["run", "sweep.toml"]).ends(2);
    assert!(ended.err.contains("no column 'sample'"), "a step that the sample does not reach: {}", ended.err);
    assert!(!sandbox.has("results"), "no work before the refusal");
}

#[test]
fn an_axis_of_one_value_keeps_its_column() {
    let sandbox = Sandbox::of(&[("sweep.toml", SPEC)]);
    let five = "expect.five.where={ dtype = \"f32\", sample = 5, operator = \"+\" }";
    let sets = ["matrix.dtype.values=[\"f32\"]", "matrix.exclude=[]", five];
    let mut args = vec!["run", "sweep.toml", "--quiet"];
    args.extend(sets.iter().flat_map(|set| ["--set", set]));
    sandbox.run(&args).ok();
    assert_eq!(lines(&sandbox.read("results/sweep/tables/rates.csv")).len(), 4);
}

#[test]
fn a_plan_has_every_step_once() {
    let sandbox = Sandbox::of(&[("sweep.toml", SPEC)]);
    let ended = sandbox.run(&["plan", "sweep.toml"]).ok();
    let count = |step: &str| ended.out.lines().filter(|line| line.starts_with(&format!("{step} ("))).count();
    assert_eq!((count("accuracy"), count("fixed"), count("circuit")), (3, 2, 3), "{}", ended.out);
    assert!(ended.out.contains("dtype=bf16,sample=5\n"), "{}", ended.out);
}

#[test]
fn a_variant_that_fails_is_said_to_be_missing() {
    let capture = "[[step]]\nname = \"kept\"\nkind = \"capture\"\nsites = [\"resid_post\"]\npositions = [\"last\"]\n\n\
        [[table]]\nname = \"kept_rows\"\nfrom = \"kept.prompts\"\n\n[[table]]\nname = \"per_kept\"\nfrom = \"kept_rows\"\n\
        group_by = [\"sample\"]\naggregate = { rows = \"count(a)\" }\n\n[[expect]]\nname = \"kept\"\nfrom = \"per_kept\"\n\
        where = { sample = 5 }\nvalue = \"rows\"\nat_least = 1\n\n[[table]]\nname = \"rates\"";
    let axis = "dtype = { key = \"model.dtype\", values = [\"f32\", \"bf16\"] }";
    assert!(SPEC.contains(axis), "the axis is replaced by one of models, one of which is broken");
    let spec = SPEC.replacen("[[table]]\nname = \"rates\"", capture, 1).replacen(
        axis,
        "dtype = { key = \"model.source\", values = { f32 = \"builtin:arith\", bf16 = \"broken\" } }",
        1,
    );
    let sandbox = Sandbox::of(&[("sweep.toml", &spec)]);
    sandbox.arith("broken", "");
    // The last weights of the file are no numbers: every run of the model ends there.
    let mut bytes = sandbox.bytes("broken/model.safetensors");
    let end = bytes.len();
    bytes[end - 64..].copy_from_slice(&f32::NAN.to_le_bytes().repeat(16));
    sandbox.write("broken/model.safetensors", bytes);
    let ended = sandbox.run(&["run", "sweep.toml"]).ends(1);
    let kept = sandbox.read("results/sweep/tables/kept_rows.csv");
    assert!(kept.contains("f32,5,") && !kept.contains("bf16,"), "{kept}");
    let report = sandbox.read("results/sweep/report.md");
    for table in ["kept\\_rows", "per\\_kept"] {
        let note = format!("table '{table}': without the rows of step 'kept' (dtype=bf16,sample=5)");
        assert!(report.contains(&note), "{report}");
    }
    assert!(report.contains("**step 'kept' (dtype=bf16,sample=5)** failed:"), "{report}");
    assert!(report.contains("Skipped because of this: expectation 'kept'."), "a number of fewer rows: {report}");
    assert!(ended.err.contains("skipped because step 'kept' (dtype=bf16,sample=5) failed"), "{}", ended.err);
    assert_eq!(lines(&sandbox.read("results/sweep/tables/rates.csv")).len(), 4, "the rest is made");
    assert!(sandbox.has("results/sweep/variants/dtype=f32,sample=10/activations"));
}

#[test]
fn steps_of_variants_are_in_the_store() {
    let sandbox = Sandbox::of(&[("sweep.toml", SPEC)]);
    let args = ["run", "sweep.toml", "--set", "run.store=kept"];
    sandbox.run(&args).ok();
    let files = sandbox.results("results/sweep");
    let second = sandbox.run(&args);
    assert_eq!(second.err.matches("from the store, computed").count(), 3 + 2 + 3 + 3, "{}", second.err);
    assert!(files == sandbox.results("results/sweep"), "the same files from the store");
}
