//! Steps that patch, from a spec to rows.

use super::{ablate, folder_with, stderr};
use polars::prelude::*;
use std::path::Path;

const SPEC: &str = r#"
title = "patching"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..40", b = "1..40" }
keep = "correct"
sample = 6
seeds = [42, 412]

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["blocks.*.attn.hook_z[head]", "mlp_post", "1..3.resid_pre"]
positions = ["op", "=", 0]
measures = ["indirect-effect", "log-indirect-effect", "indirect-effect-logits", "logit-difference", "normalized-logit-difference", "kl", "accuracy"]
per_prompt = true

[[step]]
name = "neurons"
kind = "neuron-patching"
layers = "3"
"#;

fn run(spec: &str) -> (tempfile::TempDir, std::process::Output) {
    let folder = folder_with(spec);
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    (folder, output)
}

fn rows(folder: &Path, name: &str) -> DataFrame {
    let file = std::fs::File::open(folder.join(format!("results/spec/rows/{name}.parquet"))).expect("rows");
    ParquetReader::new(file).finish().expect("Parquet")
}

fn numbers(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
    let column = frame.column(column).expect("a column").cast(&DataType::Float64).expect("numbers");
    column.f64().expect("numbers").iter().collect()
}

fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).expect("a column");
    column.str().expect("text").iter().map(|text| text.unwrap_or_default().to_string()).collect()
}

#[test]
fn effects_have_rows_intervals_and_a_self_check() {
    let (folder, output) = run(SPEC);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let effects = rows(folder.path(), "effects");
    // (16 heads + 4 MLPs + 2 streams) at 3 positions, of 4 operators, in 7 measures.
    assert_eq!(effects.height(), (16 + 4 + 2) * 3 * 4 * 7);
    let (n, mean) = (numbers(&effects, "n"), numbers(&effects, "mean"));
    let (low, high) = (numbers(&effects, "ci_low"), numbers(&effects, "ci_high"));
    let (measure, component, position) =
        (texts(&effects, "measure"), texts(&effects, "component"), texts(&effects, "position"));
    assert_eq!(numbers(&effects, "seeds")[0], Some(2.0));
    assert!(component.iter().any(|name| name == "L3H2") && component.iter().any(|name| name == "L0MLP"));
    for row in 0..effects.height() {
        let Some(mean) = mean[row] else { continue };
        assert_eq!(n[row], Some(12.0));
        let place = format!("{} at {}: {} = {mean}", component[row], position[row], measure[row]);
        assert!(low[row].is_some_and(|low| low <= mean + 1e-9), "{place}");
        assert!(high[row].is_some_and(|high| high >= mean - 1e-9), "{place}");
        match measure[row].as_str() {
            "kl" => assert!(mean >= 0.0, "{place}"),
            "accuracy" => assert!((0.0..=1.0).contains(&mean), "{place}"),
            _ => {}
        }
        // The last layer's MLP at an earlier position reaches nothing.
        if component[row] == "L3MLP" && position[row] != "=" && measure[row] == "kl" {
            assert_eq!(mean, 0.0, "{place}");
        }
    }
    assert_eq!(rows(folder.path(), "effects.prompts").height(), (16 + 4 + 2) * 3 * 7 * 48);
    assert_eq!(rows(folder.path(), "effects.pairs").height(), 48);
    assert_eq!(rows(folder.path(), "neurons").height(), 256 * 4);

    let manifest = std::fs::read_to_string(folder.path().join("results/spec/manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let checks = manifest["self_checks"].as_array().expect("checks");
    assert_eq!(checks.len(), 2);
    for check in checks {
        assert!(check["rows"].as_u64() >= Some(8), "{check}");
        assert!(check["largest_difference"].as_f64().expect("a number") <= check["tolerance"].as_f64().expect("one"));
    }
}

/// Patching the whole stream at the last position before the last layer's end, or denoising, moves the answer as it must.
#[test]
fn patching_the_last_stream_gives_the_other_answer() {
    let spec = r#"
title = "whole"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..40", b = "1..40" }
keep = "correct"
sample = 6
[[step]]
name = "noising"
kind = "activation-patching"
sites = ["3.resid_post"]
measures = ["accuracy", "normalized-logit-difference"]
[[step]]
name = "denoising"
kind = "activation-patching"
sites = ["3.resid_post"]
direction = "denoising"
measures = ["accuracy", "normalized-logit-difference"]
"#;
    let (folder, output) = run(spec);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for name in ["noising", "denoising"] {
        let rows = rows(folder.path(), name);
        for (measure, mean) in texts(&rows, "measure").iter().zip(numbers(&rows, "mean")) {
            // The other run's answer is another, and the logit difference is wholly that run's.
            let expected = if measure == "accuracy" { 0.0 } else { 1.0 };
            assert!((mean.expect("a mean") - expected).abs() < 1e-4, "{name}: {measure} {mean:?}");
        }
    }
}

#[test]
fn the_same_rows_whatever_the_memory() {
    let read = |memory: &str| {
        let folder = folder_with(SPEC);
        let set = format!("run.memory_mib={memory}");
        let output = ablate(folder.path()).args(["run", "spec.toml", "--set", &set]).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let rows = rows(folder.path(), "neurons");
        numbers(&rows, "mean")
    };
    let (much, little) = (read("1024"), read("16"));
    for (a, b) in much.iter().zip(&little) {
        let (a, b) = (a.expect("a mean"), b.expect("a mean"));
        assert!((a - b).abs() <= 1e-4 * a.abs().max(1e-2), "{a} {b}");
    }
}

#[test]
fn neurons_by_attribution_are_those_of_attribution_patching() {
    let approximate = SPEC.replace("layers = \"3\"", "layers = \"3\"\nmethod = \"attribution\"");
    let spec = format!(
        "{approximate}\n[[step]]\nname = \"gradients\"\nkind = \"attribution-patching\"\nsites = [\"3.mlp_post[neuron]\"]\n"
    );
    let (folder, output) = run(&spec);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (neurons, gradients) = (rows(folder.path(), "neurons"), rows(folder.path(), "gradients"));
    assert_eq!(neurons.get_column_names(), gradients.get_column_names());
    assert_eq!(numbers(&neurons, "mean"), numbers(&gradients, "mean"));

    let (_folder, output) = run(&format!("{approximate}measures = [\"kl\"]\n"));
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("approximates the indirect effect alone"), "{}", stderr(&output));
}

fn refused(change: impl Fn(&str) -> String) -> String {
    let (_folder, output) = run(&change(SPEC));
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    text
}

#[test]
fn wrong_places_are_refused_where_they_stand() {
    let cases = [
        ("\"mlp_post\"", "\"mlp_posst\"", "no hook 'mlp_posst'", "write 'mlp_post'"),
        ("\"mlp_post\"", "\"blocks.*.hook_mlp_outt\"", "no hook", "blocks.*.hook_mlp_out"),
        ("\"mlp_post\"", "\"7.mlp_post\"", "layer 7 of 4", "write 0 to 3"),
        ("\"mlp_post\"", "\"3.z[9]\"", "head 9 of 4", "write 0 to 3"),
        ("\"mlp_post\"", "\"mlp_post[256]\"", "unit 256 of 256", "write 0 to 255"),
        ("\"mlp_post\"", "\"mlp_post[head]\"", "no heads", "[neuron]"),
        ("\"mlp_post\"", "\"rot_q\"", "no such hook", "learned vectors"),
        ("\"op\"", "\"opp\"", "no position 'opp'", "write 'op'"),
        ("0]", "4]", "position 4 of a prompt of 4 tokens", "-4 to 3"),
        ("layers = \"3\"", "layers = \"3..9\"", "layer 4 of 4", "write 0 to 3"),
        ("\"kl\"", "\"klm\"", "klm", "kl"),
    ];
    for (from, to, what, fix) in cases {
        let text = refused(|spec| spec.replace(from, to));
        assert!(text.contains(what) && text.contains(fix), "{to}: {text}");
        assert!(text.contains("spec.toml:"), "{to} has a place: {text}");
    }
}

#[test]
fn a_plan_counts_before_anything_runs() {
    let folder = folder_with(SPEC);
    let output = ablate(folder.path()).args(["plan", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let line = text.lines().find(|line| line.starts_with("neurons")).expect("a line per step");
    // 256 neurons on 2 draws of 6 prompts of 4 operators; each as a whole pass, and the prompts and their counterfactuals.
    assert!(line.contains(" 12288 "), "{text}");
    assert!(!folder.path().join("results").exists(), "a plan writes nothing");
    let wrong = SPEC.replace("layers = \"3\"", "layers = \"9\"");
    std::fs::write(folder.path().join("spec.toml"), wrong).expect("writing");
    let output = ablate(folder.path()).args(["plan", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
