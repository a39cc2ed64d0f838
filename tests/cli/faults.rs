use super::SMALL;
use crate::support::{ABLATE, Ran, Sandbox, files_below, flowing, says, signal, wait_until};
use std::process::Stdio;
use std::time::Duration;

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
    let sandbox = Sandbox::with(SMALL);
    sandbox.write("results", "a file is in the way");
    says(sandbox.run(&["run", "spec.toml"]).refused(), ["results"]);
}

/// Files may not grow over 8 KiB here: the same error as a disk that is full, at the first larger file.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_half_file() {
    let sandbox = Sandbox::with(SMALL);
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {ABLATE} run spec.toml");
    says(Ran::of(sandbox.program("bash").args(["-c", &script])).failed(), ["cannot write"]);
    let files = files_below(&sandbox.at("results"));
    assert!(!files.is_empty(), "what was written before is kept");
    for path in files {
        let length = path.metadata().map(|about| about.len()).unwrap_or_default();
        assert!(!path.to_string_lossy().contains(".part"), "a part is left: {}", path.display());
        assert!(length < 8 * 1024, "{} is cut at the limit: {length}", path.display());
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_stops_cleanly_with_130() {
    let sandbox = Sandbox::with(TRAINING);
    let mut child = sandbox.command(&["run", "spec.toml"]).stderr(Stdio::piped()).spawn().expect("the binary starts");
    // The weights before the first step are there: training has begun.
    let begun = sandbox.at("results/spec/.ablate-unfinished/model/step00000/model.safetensors");
    wait_until(&mut child, || begun.exists());
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(begun.exists(), "what was complete is kept");
    let files = files_below(&sandbox.at("results"));
    assert!(files.iter().all(|path| !path.to_string_lossy().contains(".part")), "{files:?}");
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
    insta::assert_snapshot!(Sandbox::with(spec).refused());
    // The same from two levels alone.
    let right = [("seeds = 42\n", ""), (", \"blah\"", ""), ("> abc", "> 1"), ("mes", "meas"), ("efects", "effects")];
    let spec = right.iter().fold(spec.to_string(), |spec, (from, to)| spec.replace(from, to));
    insta::assert_snapshot!(Sandbox::with(&spec).refused());
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

/// What is told of a spec with these flags and variables.
fn told(spec: &str, flags: &[&str], variables: &[(&str, &str)]) -> String {
    let sandbox = Sandbox::with(spec);
    let mut command = sandbox.command(&["run", "spec.toml"]);
    let text = Ran::of(command.args(flags).envs(variables.iter().copied())).refused();
    assert!(!sandbox.has("results"), "no work before the refusal");
    text
}

#[test]
fn what_is_wrong_is_left_out_and_the_rest_is_judged() {
    insta::assert_snapshot!(told(MANY, &[], &[]));
}

#[test]
fn every_model_that_is_not_there_is_told_with_the_rest() {
    let others = "[models.one]\nsource = \"no/such.gguf\"\n[models.two]\nsource = \"none/here.gguf\"\n[[step]]\nname = \"both\"\n\
        kind = \"accuracy\"\nmodels = [\"one\", \"two\"]\n";
    insta::assert_snapshot!(told(&format!("{MANY}{others}"), &[], &[]));
    insta::assert_snapshot!(told(&format!("{SMALL}{others}"), &[], &[]));
}

#[test]
fn flags_and_variables_that_are_wrong_do_not_hide_the_rest() {
    let flags = ["--set", "modle.dtype=bf16", "--set", "seeds", "--set", "step.lacks.sites=[\"z[head]\"]"];
    let variables = [("ABLATE_MODLE__DTYPE", "f32"), ("ABLATE_STEP__NONE__KIND", "accuracy")];
    insta::assert_snapshot!(told(MANY, &flags, &variables));
    insta::assert_snapshot!(told(MANY, &["--filter", "nmae = x"], &[]));
    // By itself it is refused all the same.
    insta::assert_snapshot!(told(SMALL, &["--filter", "nmae = x"], &[]));
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
    let text = told(&format!("{MANY}{matrix}"), &[], &[]);
    // What is wrong in every variant is said once.
    for one in ["there is no layer 9", "write seeds = [42]", "no column 'nope'", "no column 'thrid'"] {
        assert_eq!(text.matches(one).count(), 1, "{one}:\n{text}");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn results_below_a_file_are_refused_before_any_work() {
    let sandbox = Sandbox::with(SMALL);
    sandbox.write("results/spec", "mine");
    let refused = || sandbox.run(&["run", "spec.toml"]).refused();
    says(refused(), ["results/spec is a file", "output.dir"]);
    let right = sandbox.read("spec.toml");
    for (old, new, said) in [
        ("kind = \"accuracy\"", "kind = \"acuracy\"", "no kind \"acuracy\""),
        ("x = \"operator\"", "x = \"oprator\"", "no column 'oprator'"),
        ("\"builtin:arith\"", "\"no/such.gguf\"", "no model at 'no/such.gguf'"),
    ] {
        sandbox.write("spec.toml", right.replacen(old, new, 1));
        says(refused(), [said, "results/spec is a file"]);
    }
    sandbox.write("spec.toml", &right);
    sandbox.remove("results/spec");
    sandbox.write("results/spec/rows", "mine");
    says(refused(), ["results/spec/rows is a file"]);
}

#[test]
fn a_template_that_a_model_can_not_read_is_told_as_such() {
    let sandbox = Sandbox::with(SMALL);
    let set = "prompts.template={a} {op} {b} =";
    let text = sandbox.run(&["run", "spec.toml", "--set", set]).refused();
    assert!(text.contains("write a template without \" \""), "{text}");
    assert!(!text.contains("operands below"), "{text}");
}

/// A path in a spec starts from the spec's folder, one on the command line from the current one.
#[test]
fn a_model_that_is_not_there_says_from_where_it_was_looked_for() {
    let sandbox = Sandbox::empty();
    sandbox.write("sub/spec.toml", SMALL.replace("builtin:arith", "model"));
    let refused = || flowing(&sandbox.run(&["run", "sub/spec.toml"]).refused());
    says(refused(), ["no model at 'model': the spec's folder, 'sub', has no such file or folder"]);
    sandbox.arith("model", "");
    says(refused(), ["the spec's folder, 'sub', has no such file", "write \"../model\""]);
    sandbox.edit("sub/spec.toml", "\"model\"", "\"../model\"\ncheckpoints = [\"last\"]");
    says(refused(), ["model '../model' has no checkpoint 'last'"]);
    let text = sandbox.run(&["model", "nothing.gguf"]).refused();
    says(text, ["no model at 'nothing.gguf': the current folder has no such file or folder"]);
}

#[test]
fn folders_without_what_is_asked_for_say_what_to_give() {
    let sandbox = Sandbox::empty();
    std::fs::create_dir(sandbox.at("empty")).expect("a folder");
    says(sandbox.run(&["model", "empty"]).refused(), ["config.json is missing: give a folder"]);
    for arguments in [["rerun", "empty"].as_slice(), &["diff", "empty", "empty"]] {
        says(sandbox.run(arguments).refused(), ["empty holds no results (there is no manifest.json)"]);
    }
}

/// One error of the syntax makes no others.
#[test]
fn a_table_that_is_not_closed_is_told_alone() {
    let text = Sandbox::with(&SMALL.replace("[prompts]", "[prompts")).refused();
    assert!(text.contains("unclosed table") && !text.contains("duplicate key"), "{text}");
}

#[test]
fn long_prompts_are_shortened_in_errors() {
    let prompt = "1+".repeat(2000);
    let text = Sandbox::empty().run(&["logits", "builtin:arith", &prompt]).refused();
    assert!(text.contains("4000 tokens are more than the model's 4 positions") && text.len() < 300, "{text}");
}

#[cfg(unix)]
#[test]
fn a_machine_without_slurm_is_told() {
    let sandbox = Sandbox::stored(SMALL);
    let text = Ran::of(sandbox.command(&["run", "spec.toml", "--on", "slurm"]).env("PATH", "/nonexistent")).failed();
    says(text, ["there is no program 'sbatch' here, which belongs to Slurm", "ablate submit SPEC --dry"]);
    assert!(files_below(&sandbox.store().join("submissions")).is_empty(), "nothing is left of it");
}

/// Steps on two slots of numbers, the second of which needs counterfactuals; the first would run before it.
const PAIRED: &str = r#"
title = "pairs"
[model]
source = "builtin:arith"
[prompts]
template = "{x}+{y}="
completion = "{x}"
contrast = "{z}"
slots = { x = [5, 6], y = [5], z = [7] }
[[step]]
name = "accuracy"
kind = "accuracy"
[[step]]
name = "effects"
kind = "activation-patching"
sites = ["z[head]"]
positions = ["last"]
"#;

#[test]
fn counterfactuals_that_no_prompt_can_have_are_refused_before_any_work() {
    // Swapped, a prompt of the same number twice is itself, and the others have their words at other tokens.
    let same = PAIRED.replace("x = [5, 6]", "x = [5]");
    let swapped = format!("{same}counterfactual.swap = [\"x\", \"y\"]\n");
    says(
        flowing(&Sandbox::with(&swapped).refused()),
        ["no counterfactual for \"5+5=\": with 'x' and 'y' swapped, the prompt stays the same"],
    );
    // One prompt has no other.
    says(
        flowing(&Sandbox::with(&same).refused()),
        ["no counterfactual for \"5+5=\": 1 prompt has its template and positions"],
    );
    // Each draw has one prompt.
    let alone = PAIRED.replace("contrast", "sample = 1\nseeds = [1, 2, 3]\ncontrast");
    says(flowing(&Sandbox::with(&alone).refused()), ["and each of them is the prompt itself"]);
    // Where nothing is read of the other prompts, none is needed.
    let edited = "kind = \"intervention\"\ninterventions = [{ name = \"off\", edits = [{ site = \"0.mlp_out\", positions = [\"last\"], value = 0.0 }] }]\n\
                  measures = [\"kl\"]\n";
    let edited =
        same.replace("kind = \"activation-patching\"\nsites = [\"z[head]\"]\npositions = [\"last\"]\n", edited);
    Sandbox::with(&edited).ran();
    // Some prompts have one: 6+5 and 5+6.
    let some = PAIRED.replace("y = [5]", "y = [5, 6]") + "counterfactual.swap = [\"x\", \"y\"]\n";
    Sandbox::with(&some).ran();
}

/// Which prompts `keep` leaves only the model says; none of any choice has a counterfactual where none of the legal prompts has one.
#[test]
fn counterfactuals_that_no_choice_of_prompts_can_have_are_refused_before_any_work() {
    let swap = "counterfactual.swap = [\"x\", \"y\"]\n";
    for drawn in ["keep = \"correct\"", "keep = \"incorrect\"", "keep = \"correct\"\nsample = 1\nseeds = [3, 4]"] {
        let kept = |spec: &str| spec.replace("contrast", &format!("{drawn}\ncontrast"));
        let same = kept(&PAIRED.replace("x = [5, 6]", "x = [5]"));
        says(
            flowing(&Sandbox::with(&format!("{same}{swap}")).refused()),
            ["no counterfactual for \"5+5=\": with 'x' and 'y' swapped, the prompt stays the same"],
        );
        let one_answer = same.replace("y = [5]", "y = [1, 2, 5]");
        says(flowing(&Sandbox::with(&one_answer).refused()), ["3 prompts have its template and positions"]);
        let learned = one_answer.replace(
            "activation-patching\"\nsites = [\"z[head]\"]",
            "direction\"\nmethod = \"das\"\nsites = [\"3.resid_post\"]",
        );
        assert_ne!(learned, one_answer);
        says(flowing(&Sandbox::with(&learned).refused()), ["3 prompts have its template and positions"]);
        // Whether those that have one are among those that are kept is not known: nothing is said.
        for some in [PAIRED.to_string(), PAIRED.replace("y = [5]", "y = [5, 6]") + swap] {
            Sandbox::with(&kept(&some)).run(&["plan", "spec.toml"]).ok();
        }
        // Of the first template no prompt has one, and the model may answer those of the second alone.
        let two = PAIRED
            .replace("\"{x}+{y}=\"", "{ same = \"{x}+{x}=\", other = \"{x}+{y}=\" }")
            .replace("completion = \"{x}\"", "completion = \"{y}\"")
            .replace("x = [5, 6], y = [5]", "x = [5], y = [1, 2]");
        Sandbox::with(&kept(&two)).run(&["plan", "spec.toml"]).ok();
        says(flowing(&Sandbox::with(&two).refused()), ["no counterfactual for \"5+5=\""]);
    }
}

#[test]
fn a_store_that_is_a_file_is_refused_before_any_work() {
    let sandbox = Sandbox::with(SMALL);
    sandbox.write("cache", "a file");
    for cache in ["cache", "cache/below"] {
        for arguments in [&["run", "spec.toml"][..], &["plan", "spec.toml"], &["store", "ls"]] {
            let said = Ran::of(sandbox.command(arguments).env("ABLATE_CACHE", cache)).refused();
            says(
                flowing(&said),
                [
                    format!("the store {cache} needs a folder, and cache is a file").as_str(),
                    "set ABLATE_CACHE to a folder, or to off",
                ],
            );
        }
    }
    assert!(!sandbox.has("results"), "no work before the refusal");
    Ran::of(sandbox.command(&["run", "spec.toml", "--no-store"]).env("ABLATE_CACHE", "cache")).ok();
    let named = Sandbox::with(&format!("{SMALL}\n[run]\nstore = \"cache\"\n"));
    named.write("cache", "a file");
    says(flowing(&named.refused()), ["cache is a file", "store = \"cache\"", "write the path of a folder, or \"off\""]);
}

#[test]
fn a_key_that_is_none_is_the_only_thing_that_is_told_of_it() {
    let ablated = "[[step]]\nname = \"off\"\nkind = \"ablation\"\nsites = [\"blocks.*.attn.hook_z[head]\"]\n";
    let said = Sandbox::with(&SMALL.replacen("[[table]]", &format!("{ablated}\n[[table]]"), 1)).refused();
    says(&said, ["unknown key 'sites' in [[step]] 'off'"]);
    assert!(!said.contains("nothing says which components") && !said.contains("errors"), "{said}");
}
