use super::{SMALL, ablate, folder_with, process, stderr};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const TRAINING: &str = r#"
title = "training"

[prompts]
operands = { a = "0..100", b = "0..100" }

[[step]]
name = "train"
kind = "train"
numbers = 100
layers = 1
d_model = 16
heads = 2
d_mlp = 16
steps = 1000000
batch = 64
checkpoints = [0]
optimizer = { lr = 0.001 }
"#;

#[test]
fn a_results_folder_that_can_not_be_made_is_refused() {
    let folder = folder_with(SMALL);
    fs::write(folder.path().join("results"), "a file is in the way").expect("writing");
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("results"), "{}", stderr(&output));
}

/// Files may not grow over 8 KiB here: the same error as a disk that is full, at the first larger file.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_file() {
    let folder = folder_with(SMALL);
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {} run spec.toml", env!("CARGO_BIN_EXE_ablate"));
    let output = process("bash", folder.path()).args(["-c", &script]).output().expect("bash runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot write"), "{}", stderr(&output));
    let mut files = Vec::new();
    collect(&folder.path().join("results"), &mut files);
    assert!(!files.is_empty(), "what was written before is kept");
    for (path, length) in files {
        assert!(!path.contains(".part"), "a part is left: {path}");
        assert!(length < 8 * 1024, "{path} is cut at the limit: {length}");
    }
}

fn collect(folder: &std::path::Path, files: &mut Vec<(String, u64)>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.display().to_string(), entry.metadata().map(|meta| meta.len()).unwrap_or_default()));
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_cleanly_with_130() {
    let folder = folder_with(TRAINING);
    let mut child = process(env!("CARGO_BIN_EXE_ablate"), folder.path())
        .args(["run", "spec.toml"])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The weights before the first step are there: training has begun.
    let begun = folder.path().join("results/spec/.ablate-unfinished/model/step00000/model.safetensors");
    let patience = Instant::now();
    while !begun.exists() && patience.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(killed.success(), "it was still running");
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    assert!(begun.exists(), "what was complete is kept");
    let mut files = Vec::new();
    collect(&folder.path().join("results"), &mut files);
    assert!(files.iter().all(|(path, _)| !path.contains(".part")), "{files:?}");
}

/// What only the model can tell is said with what any reader of the file could see.
#[test]
fn errors_of_all_levels_come_in_one_run() {
    let spec = r#"
title = "one"
[model]
source = "builtin:arith"
[prompts]
operands = { a = "0..40", b = "0..40" }
sample = 10
seeds = 42
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["9.z[head]", "0.z[99]", "blah"]
positions = ["last", "nowhere"]
mesures = ["indirect-effect"]
[[table]]
name = "rows"
from = "efects"
where = { mean = "> abc", nope = 1 }
sort = ["-men"]
[[figure]]
name = "map"
kind = "heatmap"
from = "effects"
x = "hed"
y = "layer"
value = "mean"
"#;
    let all = [
        "write seeds = [42]",
        "layer 9 of 4",
        "head 99 of",
        "blah'",
        "no position 'nowhere'",
        "unknown key 'mesures'",
        "no step or table 'efects'",
        "'nope'",
        "'men'",
        "'hed'",
        "'abc' is no number",
    ];
    let text = |spec: &str| {
        let folder = super::folder_with(spec);
        let output = super::ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2));
        super::stderr(&output)
    };
    let told = text(spec);
    for one in all {
        assert!(told.contains(one), "no {one} in:\n{told}");
    }
    assert!(told.contains("11 errors"), "each once:\n{told}");
    // The same from two levels alone.
    let told = text(
        &spec
            .replace("seeds = 42\n", "")
            .replace(", \"blah\"", "")
            .replace("> abc", "> 1")
            .replace("mes", "meas")
            .replace("efects", "effects"),
    );
    for one in ["layer 9 of 4", "head 99 of", "'nope'", "'men'", "'hed'"] {
        assert!(told.contains(one), "no {one} in:\n{told}");
    }
}

/// A part that is wrong is left out, with what stands on it, and the rest is judged as if it were right.
const MANY: &str = r#"
title = "many"
[model]
source = "builtin:arith"
dtype = 16
[prompts]
operands = { a = "0..40", b = "0..40" }
sample = 10
seeds = 42
[[step]]
name = "lacks"
kind = "activation-patching"
positions = ["last"]
[[step]]
name = "words"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["last"]
measures = ["no measure at all"]
[[step]]
name = "unparsable"
kind = "activation-patching"
sites = ["9.z[head]", "3.z[", "0.mlp_post"]
positions = ["last"]
[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = "yes"
[[table]]
name = "of_lacks"
from = "lacks"
where = { anything = 1 }
[[table]]
name = "of_it"
from = "of_lacks"
sort = ["anything"]
[[table]]
name = "rates"
from = "accuracy.prompts"
where = { nope = 1 }
[[figure]]
name = "lines"
kind = "lines"
from = "accuracy"
x = "operator"
[[figure]]
name = "wrong"
kind = "heatmap"
from = "accuracy"
x = "operater"
y = "n"
"#;

const SAID: [&str; 11] = [
    "'dtype' must be text, not the integer 16",
    "write seeds = [42]",
    "[[step]] 'lacks' has no 'sites'",
    "'measures[0]' cannot be \"no measure at all\"",
    "3.z[",
    "layer 9 of 4",
    "'per_prompt' must be true or false",
    "no column 'nope'",
    "[[figure]] 'lines' has no 'y'",
    "'wrong' is a heatmap and has no 'value'",
    "no column 'operater'",
];

/// What is told of a spec with these flags and variables, and the lines that it is told of, in its order.
fn told(spec: &str, flags: &[&str], variables: &[(&str, &str)]) -> (String, Vec<usize>) {
    let folder = super::folder_with(spec);
    let mut command = super::ablate(folder.path());
    command.args(["run", "spec.toml"]).args(flags).envs(variables.iter().copied());
    let output = command.output().expect("the binary runs");
    let text = super::stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
    let places = text.split("[spec.toml:").skip(1);
    let lines = places.filter_map(|place| place.split(':').next()?.parse().ok()).collect();
    (text, lines)
}

#[test]
fn what_is_wrong_is_left_out_and_the_rest_is_judged() {
    let (text, lines) = told(MANY, &[], &[]);
    for one in SAID {
        assert!(text.contains(one), "{one}:\n{text}");
    }
    assert!(text.contains(&format!("{} errors", SAID.len())), "nothing that only follows:\n{text}");
    assert!(lines.is_sorted() && lines.len() == SAID.len(), "{lines:?}\n{text}");
    for follows in ["no step", "no table", "'anything'", "__"] {
        assert!(!text.contains(follows), "{follows}:\n{text}");
    }
}

#[test]
fn every_model_that_is_not_there_is_told_with_the_rest() {
    let others = "[models.one]\nsource = \"no/such.gguf\"\n[models.two]\nsource = \"none/here.gguf\"\n[[step]]\nname = \"both\"\n\
        kind = \"accuracy\"\nmodels = [\"one\", \"two\"]\n";
    let (text, _) = told(&format!("{MANY}{others}"), &[], &[]);
    for one in ["no model at 'no/such.gguf'", "no model at 'none/here.gguf'"].into_iter().chain(SAID) {
        assert!(text.contains(one), "{one}:\n{text}");
    }
    let (text, _) = told(&format!("{}{others}", super::SMALL), &[], &[]);
    assert!(
        text.contains("'no/such.gguf'") && text.contains("'none/here.gguf'") && text.contains("2 errors"),
        "{text}"
    );
}

#[test]
fn flags_and_variables_that_are_wrong_do_not_hide_the_rest() {
    let flags = ["--set", "modle.dtype=bf16", "--set", "seeds", "--set", "step.lacks.sites=[\"z[head]\"]"];
    let variables = [("ABLATE_MODLE__DTYPE", "f32"), ("ABLATE_STEP__NONE__KIND", "accuracy")];
    let (text, _) = told(MANY, &flags, &variables);
    let said = [
        "unknown key 'modle'",
        "--set seeds: no '='",
        "environment variable ABLATE_MODLE__DTYPE names no key",
        "ABLATE_STEP__NONE__KIND=accuracy: no step 'none'",
        "no column 'anything'",
    ];
    for one in said.into_iter().chain(SAID.into_iter().filter(|one| !one.contains("'lacks'"))) {
        assert!(text.contains(one), "{one}:\n{text}");
    }
    let (text, _) = told(MANY, &["--filter", "nmae = x"], &[]);
    for one in ["--filter: no 'nmae' of specs"].into_iter().chain(SAID) {
        assert!(text.contains(one), "{one}:\n{text}");
    }
    // By itself it is refused all the same.
    let (text, lines) = told(super::SMALL, &["--filter", "nmae = x"], &[]);
    assert!(text.contains("--filter: no 'nmae' of specs") && lines.is_empty(), "{text}");
}

#[test]
fn a_matrix_that_is_wrong_does_not_hide_the_rest() {
    let matrix = r#"
[matrix]
first = { key = "pompts.spread_answers", values = [true] }
second = { key = "prompts.sample", values = [5, 5, "6"] }
third = { key = "prompts.skip", values = 3 }
[[matrix.exclude]]
fourth = 1
[[table]]
name = "by_axis"
from = "accuracy"
group_by = ["first", "second", "thrid"]
aggregate = { n = "count" }
"#;
    let (text, _) = told(&format!("{MANY}{matrix}"), &[], &[]);
    let said = [
        "a matrix varies models, prompts and steps, not 'pompts'",
        "axis 'second' has the value '5' twice",
        "'sample' must be an integer, not the text \"6\"",
        "'values' must be",
        "no axis 'fourth'",
        "no column 'thrid'",
    ];
    for one in said.into_iter().chain(SAID) {
        assert!(text.contains(one), "{one}:\n{text}");
    }
    // What is wrong in every variant is said once.
    for one in ["layer 9 of 4", "write seeds = [42]", "no column 'nope'", "no column 'thrid'"] {
        assert_eq!(text.matches(one).count(), 1, "{one}:\n{text}");
    }
    assert!(!text.contains("'first'") && !text.contains("no column 'second'"), "{text}");
}

#[test]
fn results_below_a_file_are_refused_before_any_work() {
    let folder = super::folder_with(super::SMALL);
    std::fs::create_dir_all(folder.path().join("results")).expect("a folder");
    std::fs::write(folder.path().join("results/spec"), "mine").expect("a file");
    let refused = || {
        let output = super::ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(2), "{}", super::stderr(&output));
        super::stderr(&output)
    };
    assert!(refused().contains("results/spec is a file") && refused().contains("output.dir"), "{}", refused());
    let right = std::fs::read_to_string(folder.path().join("spec.toml")).expect("the spec");
    for (old, new, said) in [
        ("kind = \"accuracy\"", "kind = \"acuracy\"", "no kind \"acuracy\""),
        ("x = \"operator\"", "x = \"oprator\"", "no column 'oprator'"),
        ("\"builtin:arith\"", "\"no/such.gguf\"", "no model at 'no/such.gguf'"),
    ] {
        std::fs::write(folder.path().join("spec.toml"), right.replacen(old, new, 1)).expect("writing");
        assert!(refused().contains(said) && refused().contains("results/spec is a file"), "{}", refused());
    }
    std::fs::write(folder.path().join("spec.toml"), &right).expect("writing");
    std::fs::remove_file(folder.path().join("results/spec")).expect("it was there");
    std::fs::create_dir_all(folder.path().join("results/spec")).expect("a folder");
    std::fs::write(folder.path().join("results/spec/rows"), "mine").expect("a file");
    assert!(refused().contains("results/spec/rows is a file"), "{}", refused());
}

#[test]
fn a_template_that_a_model_can_not_read_is_told_as_such() {
    let folder = super::folder_with(super::SMALL);
    let set = "prompts.template={a} {op} {b} =";
    let output = super::ablate(folder.path()).args(["run", "spec.toml", "--set", set]).output().expect("it runs");
    let text = super::stderr(&output);
    assert!(output.status.code() == Some(2) && text.contains("write a template without \" \""), "{text}");
    assert!(!text.contains("operands below"), "{text}");
}
