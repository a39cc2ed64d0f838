//! Pair files: read as they are, paired as they say, recorded, and refused where they are wrong.

use super::words::sandbox;
use crate::support::{Sandbox, flowing, numbers, repository, says, texts};
use polars::prelude::*;
use std::fmt::Write;

/// A spec whose prompts are these, with a step that counts and one that patches.
fn of(prompts: &str) -> String {
    format!(
        "title = \"pairs\"\n[model]\nsource = \"model\"\n[prompts]\n{prompts}\n\
         [[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\nper_prompt = true\n\
         [[step]]\nname = \"stream\"\nkind = \"activation-patching\"\nsites = [\"resid_pre\", \"z[head]\"]\npositions = [\"last\", \"all\"]\n\
         measures = [\"logit-difference\", \"kl\"]\nper_prompt = true\n"
    )
}

fn without(frame: DataFrame, columns: &[&str]) -> DataFrame {
    frame.drop_many(columns.iter().copied())
}

/// The law of pair files: one that is written from the pairs of a template set gives the rows of that set.
#[test]
fn a_pair_file_of_a_template_set_gives_its_rows() {
    let words = "template = \"w {io} a {s},{s} g{thing}?\"\ncompletion = \" {io}\"\ncontrast = \" {s}\"\ndifferent = [\"io\", \"s\"]\n\
                 slots = { io = [\"A\", \"B\", \"C\"], s = \"io\", thing = [\"x\", \"y\"] }";
    let made = sandbox(&of(words).replace("measures =", "counterfactual.swap = [\"io\", \"s\"]\nmeasures ="));
    made.ran();
    let (prompts, pairs) = (made.rows("accuracy.prompts"), made.rows("stream.pairs"));
    assert_eq!(texts(&prompts, "text"), texts(&pairs, "text"), "in one order");
    let column = |name: &str| texts(&prompts, name);
    let [text, io, s, thing, other] =
        [column("text"), column("io"), column("s"), column("thing"), texts(&pairs, "other_text")];
    let mut file = String::new();
    for row in 0..text.len() {
        let line = serde_json::json!({
            "clean": text[row], "corrupted": other[row], "answers": [format!(" {}", io[row])], "wrong": format!(" {}", s[row]),
            "corrupted_answers": format!(" {}", s[row]), "group": "words", "io": io[row], "s": s[row], "thing": thing[row],
        });
        let _ = writeln!(file, "{line}");
    }
    let given = sandbox(&of("pairs = \"pairs.jsonl\""));
    given.write("pairs.jsonl", file);
    given.ran();
    for name in ["accuracy", "accuracy.prompts", "accuracy.set", "stream", "stream.prompts", "stream.pairs"] {
        // Combinations that have one name twice are numbered too.
        let other = ["id", "other_id", "other_operator"];
        let (made, given) = (without(made.rows(name), &other), without(given.rows(name), &other));
        assert!(made.equals_missing(&given), "{name}\n{made}\n{given}");
    }
    assert_eq!(given.rows("stream.dropped").height(), 0);
    assert!(!made.has("results/spec/rows/stream.dropped.parquet"), "rows of pair files alone");
}

const UNEVEN: &str = "{\"clean\": \"w a\", \"corrupted\": \"w b\", \"answers\": \" A\", \"wrong\": \" B\"}\n\
                      {\"clean\": \"w a bad\", \"corrupted\": \"w b bad\", \"answers\": \" A\", \"wrong\": [\" C\", \" B\"]}\n\
                      {\"clean\": \"w ab\", \"corrupted\": \"w abc\", \"answers\": [\" A\", \" D\"], \"wrong\": \" B\"}\n\
                      {\"clean\": \"a cab,\", \"answers\": \" A\", \"wrong\": \" B\"}\n";

/// Sentences are of any length; a pair whose prompts are not alike is left out by the steps that run both, and counted.
#[test]
fn pairs_that_are_not_alike_are_counted_by_reason() {
    let sandbox = sandbox(&of("pairs = \"pairs.jsonl\""));
    sandbox.write("pairs.jsonl", UNEVEN);
    sandbox.run(&["plan", "spec.toml"]).ok();
    sandbox.ran();
    assert_eq!(sandbox.rows("accuracy.prompts").height(), 4);
    assert_eq!(numbers(&sandbox.rows("accuracy"), "n"), [4.0]);
    let pairs = sandbox.rows("stream.pairs");
    assert_eq!(texts(&pairs, "text"), ["w a", "w a bad"]);
    assert_eq!(texts(&pairs, "other_text"), ["w b", "w b bad"]);
    let dropped = sandbox.rows("stream.dropped");
    let mut reasons = texts(&dropped, "reason");
    reasons.sort();
    assert_eq!(
        reasons,
        ["clean and corrupted prompt differ in their number of tokens", "no corrupted prompt is given"],
        "{dropped}"
    );
    assert!(numbers(&sandbox.rows("stream"), "n").iter().all(|n| *n == 2.0));
    says(sandbox.report(), ["2 of 4 prompts have no counterfactual and are left out"]);
    // Each is what it is alone.
    let alone = sandbox_of_first();
    let (all, one) = (sandbox.rows("stream.prompts"), alone.rows("stream.prompts"));
    let first = |frame: &DataFrame| -> Vec<f64> {
        let texts = texts(frame, "text");
        numbers(frame, "value")
            .into_iter()
            .zip(texts)
            .filter(|(_, text)| text == "w a")
            .map(|(value, _)| value)
            .collect()
    };
    let (all, one) = (first(&all), first(&one));
    assert_eq!(all.len(), one.len());
    assert!(all.iter().zip(&one).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1.0)), "{all:?} {one:?}");
}

fn sandbox_of_first() -> Sandbox {
    let sandbox = sandbox(&of("pairs = \"pairs.jsonl\""));
    sandbox.write("pairs.jsonl", UNEVEN.lines().next().unwrap_or_default());
    sandbox.ran();
    sandbox
}

/// Measures that compare with another answer need one; those that do not, do not.
#[test]
fn a_pair_without_another_answer_is_of_use_to_measures_that_need_none() {
    let pairs = "pairs = [{ clean = \"w a\", corrupted = \"w b\", answers = \" A\" }, { clean = \"w c\", corrupted = \"w d\", answers = \" B\" }]";
    let sandbox = sandbox(&of(pairs));
    says(flowing(&sandbox.refused()), ["the pair gives no wrong answer", "write 'wrong' or 'corrupted_answers'"]);
    sandbox.edit("spec.toml", "\"logit-difference\", \"kl\"", "\"kl\"");
    sandbox.ran();
    assert_eq!(sandbox.rows("stream.pairs").height(), 2);
}

/// Pairs of which a step can use none are refused before any work, whatever the model answers; where some prompts come in no pair, which are
/// left by `keep` is not known.
#[test]
fn pairs_that_no_step_can_use_are_refused_before_any_work() {
    let longer = |number: usize| {
        let corrupted = if number == 0 { "" } else { ", \"corrupted\": \"w bad\"" };
        format!("{{\"clean\": \"w {}a\"{corrupted}, \"answers\": \" A\", \"wrong\": \" B\"}}\n", "b".repeat(number % 2))
    };
    for keep in ["all", "correct", "incorrect"] {
        let sandbox = sandbox(&of(&format!("keep = \"{keep}\"\npairs = \"pairs.jsonl\"")));
        sandbox.write("pairs.jsonl", longer(2) + &longer(1));
        says(
            flowing(&sandbox.refused()),
            ["differ in their number of tokens; write a corrupted prompt with the same number of tokens"],
        );
        assert!(!sandbox.has("results"), "before any work");
    }
    let sandbox = sandbox(&of("keep = \"correct\"\npairs = \"pairs.jsonl\""));
    sandbox.write("pairs.jsonl", longer(0) + &longer(2));
    sandbox.run(&["plan", "spec.toml"]).ok();
}

/// A pair whose two answers begin alike has no other answer: resample ablation leaves it out, counted, where a measure compares with one,
/// as patching does.
#[test]
fn ablation_to_the_paired_runs_leaves_out_pairs_without_another_answer() {
    let pairs = "pairs = [{ clean = \"w a\", corrupted = \"w b\", answers = \" A\", corrupted_answers = \" B\" }, \
                 { clean = \"w c\", corrupted = \"w d\", answers = \" A\", corrupted_answers = \" A\" }]";
    let spec = of(pairs);
    let spec = spec.replace("kind = \"activation-patching\"\nsites = [\"resid_pre\", \"z[head]\"]\npositions = [\"last\", \"all\"]",
        "kind = \"ablation\"\nvalue = \"resample\"\ncomponents = [\"L0MLP\"]\npositions = [\"last\"]\ncontrol = \"none\"");
    let sandbox = sandbox(&spec);
    sandbox.ran();
    assert_eq!(texts(&sandbox.rows("stream.pairs"), "text"), ["w a"]);
    says(sandbox.report(), ["1 of 2 prompts"]);
    sandbox.edit("spec.toml", "\"logit-difference\", \"kl\"", "\"kl\"");
    sandbox.ran();
    assert_eq!(sandbox.rows("stream.pairs").height(), 2, "nothing is compared");
    // Of pairs that all begin alike there is nothing to compute.
    let alike = spec.replace("corrupted_answers = \" B\"", "corrupted_answers = \" A\"");
    says(flowing(&super::words::sandbox(&alike).refused()), ["write 'wrong' or 'corrupted_answers'"]);
}

/// A step may say otherwise: then the file's other prompts are drawn, or those of another set.
#[test]
fn a_step_may_take_counterfactuals_of_another_set() {
    let spec = of("pairs = \"pairs.jsonl\"").replace("measures =", "counterfactual.prompts = \"others\"\nmeasures =");
    let spec = spec.replace("[[step]]\nname = \"accuracy\"", "[prompt_sets.others]\npairs = [{ clean = \"x c\", answers = \" E\", wrong = \" F\" }]\n[[step]]\nname = \"accuracy\"");
    let sandbox = sandbox(&spec);
    sandbox.write("pairs.jsonl", UNEVEN);
    sandbox.ran();
    assert_eq!(texts(&sandbox.rows("stream.pairs"), "other_text"), ["x c"]);
}

/// The columns of EAP-IG's files: an index without a name, prompts, and ids of the two answers.
#[test]
fn a_table_of_token_ids_is_read_as_it_is() {
    let csv = |id: &dyn Fn(&str) -> u32| {
        let (a, b, c) = (id(" A"), id(" B"), id(" C"));
        format!(
            ",clean,corrupted,corrupted_hard,correct_idx,incorrect_idx\n470,\"w a,a\",\"w a,b\",\"w a,c\",{a},{b}\n184,\"x a,a\",\"x a,b\",\"x a,c\",{c},{b}\n"
        )
    };
    let tokenizer = crate::prompt::words::letters();
    let id = |text: &str| tokenizer.id(text).expect("a token");
    let sandbox = sandbox(&of("pairs = \"ioi.csv\""));
    sandbox.write("ioi.csv", csv(&id));
    sandbox.ran();
    let prompts = sandbox.rows("accuracy.prompts");
    assert_eq!(
        (texts(&prompts, "answer"), texts(&prompts, "contrast")),
        (vec!["A".into(), "C".into()], vec!["B".into(), "B".into()])
    );
    assert_eq!(texts(&sandbox.rows("stream.pairs"), "other_text"), ["w a,b", "x a,b"]);
    sandbox.edit("spec.toml", "pairs = \"ioi.csv\"", "pairs = { file = \"ioi.csv\", corrupted = \"corrupted_hard\" }");
    sandbox.ran();
    assert_eq!(texts(&sandbox.rows("stream.pairs"), "other_text"), ["w a,c", "x a,c"]);
    // Lists of ids, as its sets of hypernyms are written.
    let lists = format!(
        "clean,corrupted,answers_idx,corrupted_answers_idx\nw a,w b,\"[{}, {}]\",[{}]\n",
        id(" A"),
        id(" B"),
        id(" C")
    );
    sandbox.write("sets.csv", lists);
    sandbox.edit(
        "spec.toml",
        "{ file = \"ioi.csv\", corrupted = \"corrupted_hard\" }",
        "{ file = \"sets.csv\", answer_tokens = \"answers_idx\", wrong_tokens = \"corrupted_answers_idx\" }",
    );
    sandbox.ran();
    assert_eq!(texts(&sandbox.rows("accuracy.prompts"), "answer"), ["A"]);
}

/// The columns of the benchmark MIB: choices and the number of the right one, and counterfactual prompts as objects with their own.
#[test]
fn objects_with_choices_are_read_as_they_are() {
    let names = serde_json::json!({
        "prompt": "w A a B,B g", "template": "w {} a {}", "metadata": { "subject": "B", "indirect_object": "A" },
        "choices": ["A", "B"], "answerKey": 0,
        "abc_counterfactual": { "prompt": "w A a B,C g", "choices": ["A", "B"], "answerKey": 0 },
        "s2_io_flip_counterfactual": { "prompt": "w A a B,A g", "choices": ["A", "B"], "answerKey": 1 },
    });
    let letters = serde_json::json!({
        "prompt": "w x? A z B y", "choices": { "label": ["A", "B"], "text": ["z", "y"] }, "answerKey": 1,
        "symbol_counterfactual": { "prompt": "w x? C z D y", "choices": { "label": ["C", "D"], "text": ["z", "y"] }, "answerKey": 1 },
    });
    let sums = serde_json::json!({ "prompt": "1 2", "operator": "+", "label": "3", "random_counterfactual": { "prompt": "1 4", "label": "5" } });
    for (file, row, pairs, expected) in [
        ("ioi.jsonl", &names, "corrupted = \"s2_io_flip_counterfactual\"", ["A", "w A a B,A g", "B"]),
        (
            "ioi.jsonl",
            &names,
            "corrupted = \"s2_io_flip_counterfactual\", answers = \"metadata.indirect_object\", wrong = \"choices[not answerKey]\"",
            ["A", "w A a B,A g", "B"],
        ),
        ("mcqa.jsonl", &letters, "corrupted = \"symbol_counterfactual\"", ["B", "w x? C z D y", "D"]),
        (
            "sums.jsonl",
            &sums,
            "corrupted = \"random_counterfactual\", answers = \"label\", corrupted_answers = \"random_counterfactual.label\"",
            ["3", "1 4", "5"],
        ),
    ] {
        let spec = of(&format!(
            "pairs = {{ file = \"{file}\", {pairs} }}\ncompletion = \" {{answer}}\"\nanswer = \"multi-token\""
        ));
        // A digit with a space before it is two tokens, of which the first is the space.
        let spec = if file == "sums.jsonl" { spec.replace("completion = \" {answer}\"\n", "") } else { spec };
        let sandbox = sandbox(&spec);
        sandbox.write(file, format!("{row}\n"));
        sandbox.ran();
        let pairs = sandbox.rows("stream.pairs");
        let column = |name: &str| pairs.column(name).expect(name).cast(&DataType::String).expect("texts");
        let told = ["answer", "other_text", "other_answer"]
            .map(|name| column(name).str().expect("texts").get(0).unwrap_or_default().to_string());
        assert_eq!(told, expected, "{file}: {pairs}");
    }
}

/// A small file is part of the record, which is repeated without it; a large one is named by its checksum.
#[test]
fn the_record_has_the_prompts_or_the_files_checksum() {
    let sandbox = sandbox(&of("pairs = \"pairs.jsonl\""));
    sandbox.write("pairs.jsonl", UNEVEN);
    sandbox.ran();
    sandbox.remove("pairs.jsonl");
    says(sandbox.run(&["rerun", "results/spec"]).ok().err, ["identical"]);

    let line = |row: usize| {
        format!(
            "{{\"clean\": \"w a{}\", \"answers\": \" A\", \"wrong\": \" B\", \"note\": {:?}}}\n",
            "b".repeat(row % 3),
            "x".repeat(400)
        )
    };
    let text: String = (0..400).map(line).collect();
    let spec = of("pairs = { file = \"large.jsonl\", clean = \"clean\" }\nsample = 2");
    let sandbox = super::words::sandbox(spec.split("[[step]]\nname = \"stream\"").next().unwrap_or_default());
    sandbox.write("large.jsonl", &text);
    sandbox.ran();
    assert_eq!(sandbox.rows("accuracy.prompts").height(), 2);
    let manifest = sandbox.json("results/spec/manifest.json");
    let file = &manifest["spec"]["files"][1];
    let toml = manifest["spec"]["toml"].as_str().expect("the spec");
    assert!(toml.contains(&format!("sha256 = {}", file["sha256"])) && toml.contains("clean = \"clean\""), "{toml}");
    says(sandbox.run(&["rerun", "results/spec"]).ok().err, ["identical"]);
    sandbox.write("large.jsonl", text.replace("w ab", "w ac"));
    says(flowing(&sandbox.run(&["rerun", "results/spec"]).refused()), ["large.jsonl: its sha256 is "]);
}

/// The resolved spec is the same experiment.
#[test]
fn the_resolved_spec_has_the_same_prompts() {
    let sandbox = sandbox(&of("pairs = \"pairs.jsonl\""));
    sandbox.write("pairs.jsonl", UNEVEN);
    let resolved = sandbox.run(&["config", "spec.toml"]).ok().out;
    assert!(resolved.contains("clean = \"w a bad\"") && !resolved.contains("template"), "{resolved}");
    sandbox.write("again.toml", &resolved);
    sandbox.run(&["plan", "again.toml"]).ok();
}

#[test]
fn what_is_wrong_with_a_file_is_told_with_its_line() {
    let head = "clean,answers\n";
    for (name, pairs, text, problem) in [
        ("f.csv", "\"f.csv\"", "sentence,answers\na,A\n", "it has no column 'clean', the prompt; write clean = "),
        (
            "f.csv",
            "\"f.csv\"",
            "clean,label\na,A\n",
            "it has no column 'answers', what the model should write; write answers = ",
        ),
        (
            "f.csv",
            "{ file = \"f.csv\", clean = \"claen\" }",
            "clean,answers\na,A\n",
            "clean = \"claen\": it has no column 'claen'; write \"clean\"",
        ),
        ("f.csv", "\"f.csv\"", "clean,answers\na,A\nb,\n", "line 3 has no 'answers'"),
        (
            "f.csv",
            "\"f.csv\"",
            "clean,answers\na,[A]\n",
            "line 2 has \"[A]\", which is not a list in JSON, in 'answers'",
        ),
        (
            "f.csv",
            "{ file = \"f.csv\", answer_tokens = \"id\" }",
            "clean,id\na,A\n",
            "line 2 has \"A\" in 'answer_tokens', which is not a token id",
        ),
        (
            "f.jsonl",
            "\"f.jsonl\"",
            "{\"clean\": \"a\", \"answers\": []}\n",
            "line 1 has no value in the list 'answers'",
        ),
        (
            "f.jsonl",
            "\"f.jsonl\"",
            "{\"clean\": \"a\", \"answers\": [\"A\", 7]}\n",
            "line 1 mixes texts and numbers in 'answers'",
        ),
        (
            "f.jsonl",
            "\"f.jsonl\"",
            "{\"clean\": \"a\", \"answers\": \"A\"}\n{\"clean\": \"a\", \"answers\": {\"of\": 1}}\n",
            "line 2 has an object in 'answers'",
        ),
        (
            "f.jsonl",
            "\"f.jsonl\"",
            "{\"clean\": \"a\", \"answers\": 1.5}\n",
            "line 1 has 1.5, which is not a whole number, in 'answers'",
        ),
        (
            "f.jsonl",
            "\"f.jsonl\"",
            "{\"prompt\": \"a\", \"choices\": [\"A\"], \"answerKey\": 0}\n{\"prompt\": \"a\", \"choices\": [\"A\"], \"answerKey\": 2}\n",
            "line 2 has no value 2 in 'choices', a list of 1 from 0",
        ),
        ("f.csv", "\"f.csv\"", head, "it has no rows"),
        ("f.json", "\"f.json\"", "[]", "it is JSON; write an object a line into a file NAME.jsonl"),
    ] {
        let sandbox = sandbox(&of(&format!("pairs = {pairs}")));
        sandbox.write(name, text);
        let told = flowing(&sandbox.refused());
        assert!(told.contains(&format!("pairs from {name}: {problem}")), "{text:?}: {told}");
        assert!(told.contains("spec.toml:5:9") && !told.contains("errors"), "{text:?}: {told}");
    }
    let inline = sandbox(&of("pairs = [{ clean = \"a\", answers = \" A\" }, { clean = \"b\", answers = [] }]"));
    says(flowing(&inline.refused()), ["pair 2 has no value in the list 'answers'", "spec.toml:5:"]);
    let keys = sandbox(&of("pairs = [{ clean = \"a\", answers = \" A\" }]\ntemplate = \"{a}\"\nshots = []"));
    says(
        flowing(&keys.refused()),
        ["'template' does not apply to the prompts of [prompts], which are given one by one in 'pairs'"],
    );
    let both = sandbox(&of("pairs = [{ clean = \"a\", answers = \" A\" }]\nslots = { x = [\"a\"] }"));
    says(flowing(&both.refused()), ["'slots' does not apply", "leave out 'slots', or 'pairs'"]);
    let computed = of("pairs = [{ clean = \"a\", answers = \" A\" }]\ncomputed.x = { of = \"y\", plus = 1 }");
    says(flowing(&sandbox(&computed).refused()), ["'computed' does not apply", "spec.toml:6:"]);
    let ids = of("tokens = [[1, 2]]\nmodulus = 7\ncomputed.x = { of = \"y\", plus = 1 }");
    let told = flowing(&sandbox(&ids).refused());
    for key in ["modulus", "computed"] {
        assert!(
            told.contains(&format!("'{key}' does not apply to the prompts of [prompts], which are 'tokens'")),
            "{told}"
        );
    }
}

/// Lists and objects of a Parquet file (tests/fixtures/make_pairs.py), in two groups of rows, one of whose objects is empty.
#[test]
fn a_parquet_file_has_lists_and_objects() {
    let pairs =
        "pairs = { file = \"choices.parquet\", corrupted = \"symbol_counterfactual\" }\ncompletion = \" {answer}\"";
    let sandbox = sandbox(&of(pairs));
    sandbox.write(
        "choices.parquet",
        std::fs::read(repository("tests/fixtures/pairs/choices.parquet")).expect("a fixture"),
    );
    sandbox.ran();
    let prompts = sandbox.rows("accuracy.prompts");
    assert_eq!(texts(&prompts, "answer"), ["B", "A", "A"]);
    assert_eq!(numbers(&prompts, "year"), [12.0, 7.0, 9.0]);
    assert!(prompts.column("score").is_err(), "no words");
    let pairs = sandbox.rows("stream.pairs");
    assert_eq!(texts(&pairs, "other_text"), ["w x? C z D y", "w y? E z F y"]);
    assert_eq!(texts(&pairs, "other_answer"), ["D", "E"]);
    assert_eq!(texts(&sandbox.rows("stream.dropped"), "reason"), ["no corrupted prompt is given"]);
    sandbox.write("choices.parquet", "PAR1 and no more");
    says(flowing(&sandbox.run(&["run", "spec.toml"]).refused()), ["pairs from choices.parquet: it cannot be read"]);
}
