//! What `ablate plan` counts.

use super::{ablate, folder_with, stderr};

const SPEC: &str = r#"
title = "plans"
[model]
source = "builtin:arith"
[prompts]
operators = ["+", "*"]
operands = { a = "0..60", b = "0..60" }
keep = "correct"
sample = 10
[run]
batch = 128
[[step]]
name = "lens"
kind = "logit-lens"
[[step]]
name = "direct"
kind = "logit-attribution"
[[step]]
name = "patterns"
kind = "attention-patterns"
[[step]]
name = "others"
kind = "logit-lens"
prompts = "others"
[prompt_sets.others]
seeds = [7]
"#;

/// The forwards and the mebibytes of each step.
fn plan(spec: &str, args: &[&str]) -> Vec<(String, u64, u64)> {
    let folder = folder_with(spec);
    let output = ablate(folder.path()).args([&["plan", "spec.toml"], args].concat()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        let &[label, _, _, forwards, _, _, _, memory] = cells.as_slice() else { return None };
        let name = label.split(' ').next()?.to_string();
        Some((name, forwards.parse().ok()?, memory.split(' ').next()?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_model_is_asked_once_for_each_set() {
    let of = |name: &str, steps: &[(String, u64, u64)]| {
        steps.iter().find(|(step, ..)| step == name).map_or(0, |(_, forwards, _)| *forwards)
    };
    let whole = plan(SPEC, &[]);
    // 10 prompts of each of 2 operators, and to find them a batch for each.
    assert_eq!((of("lens", &whole), of("others", &whole)), (20 + 256, 20 + 256), "{whole:?}");
    assert_eq!((of("direct", &whole), of("patterns", &whole)), (20, 20), "{whole:?}");
    let all = plan(SPEC, &["--set", "prompts.keep=all"]);
    assert!(all.iter().all(|(_, forwards, _)| *forwards == 20), "{all:?}");
}

#[test]
fn steps_that_read_say_what_memory_they_take() {
    let steps = plan(&SPEC.replace("sample = 10", "sample = 100"), &[]);
    assert!(steps.len() == 4 && steps.iter().all(|(.., memory)| *memory > 0), "{steps:?}");
}
