//! Steps on prompts from words: a random model of two layers, and indirect objects in letters.

use crate::prompt::words::letters_json;
use crate::support::{Sandbox, flowing, numbers, repository, says, texts};
use polars::prelude::*;
use std::collections::HashMap;

const PROMPTS: &str = r#"
title = "indirect objects"

[model]
source = "model"

[prompts]
template = { ABBA = "w {io} a {s},{s} g{thing}?", BABA = "w {s} a {io},{s} g{thing}?" }
completion = " {io}"
contrast = " {s}"
different = ["io", "s"]
sample = 6
seeds = [1]

[prompts.slots]
io = ["A", "B", "C", "D", "E", "XY"]
s = "io"
thing = ["x", "y"]
"#;

const STEPS: &str = r#"
[[step]]
name = "accuracy"
kind = "accuracy"
per_prompt = true

[[step]]
name = "swapped"
kind = "activation-patching"
sites = ["0.resid_pre", "1.resid_pre", "z[head]"]
positions = ["all", "io", "s", "s.2", "last", -2]
counterfactual.swap = ["io", "s"]
measures = ["logit-difference", "normalized-logit-difference", "indirect-effect", "kl", "accuracy"]
per_prompt = true

[[step]]
name = "healed"
kind = "activation-patching"
sites = ["0.resid_pre"]
positions = ["all", "s.2"]
counterfactual.swap = ["io", "s"]
direction = "denoising"
measures = ["logit-difference", "normalized-logit-difference"]
per_prompt = true

[[step]]
name = "third"
kind = "activation-patching"
sites = ["0.resid_pre"]
positions = ["io", "s", "s.2", "thing"]
counterfactual.redraw = ["s.2"]
measures = ["normalized-logit-difference"]
per_prompt = true

[[step]]
name = "resampled"
kind = "attribution-patching"
sites = ["z[head]"]
positions = ["last"]
measure = "logit-difference"

[[step]]
name = "direct"
kind = "logit-attribution"
target = "difference"
per_prompt = true

[[step]]
name = "paths"
kind = "path-patching"
senders = ["L0H*"]
receivers = ["L1H*.q", "logits"]
counterfactual.redraw = ["io", "s"]
measures = ["logit-difference"]

[[step]]
name = "attention"
kind = "attention-patterns"
heads = ["L1H0"]

[[step]]
name = "means"
kind = "ablation"
components = ["L0H0"]
mean = { sample = 800 }
measures = ["kl", "accuracy"]

[[step]]
name = "cut"
kind = "intervention"
counterfactual.swap = ["io", "s"]
interventions = [{ name = "blind", edits = [{ cut = ["L1H0"], to = ["s.2"] }] }]

[[step]]
name = "stream"
kind = "logit-lens"

[[step]]
name = "names"
kind = "probe"
sites = ["resid_post"]
epochs = 1

[[table]]
name = "by_name"
from = "swapped.prompts"
where = { measure = "logit-difference", position = "all", layer = 0 }
group_by = ["io", "contrast"]
aggregate = { difference = "mean(value)", n = "count" }
"#;

/// A spec, and a random model of letters in `model`.
pub fn sandbox(spec: &str) -> Sandbox {
    let sandbox = Sandbox::with(spec);
    for file in ["config.json", "model.safetensors"] {
        let fixture = repository("tests/fixtures/models/llama-gqa").join(file);
        sandbox.write(format!("model/{file}"), std::fs::read(fixture).expect("a fixture"));
    }
    sandbox.write("model/tokenizer.json", letters_json());
    sandbox
}

/// Values of `NAME.prompts` by text and position, of one measure and layer 0's stream.
fn values(sandbox: &Sandbox, name: &str, measure: &str) -> HashMap<(String, String), f64> {
    let rows = sandbox.rows(&format!("{name}.prompts"));
    let (measures, layers, heads) = (texts(&rows, "measure"), numbers(&rows, "layer"), numbers(&rows, "head"));
    let keys = texts(&rows, "text").into_iter().zip(texts(&rows, "position"));
    let all = keys.zip(numbers(&rows, "value")).enumerate();
    let wanted = |row: usize| measures[row] == measure && layers[row] == 0.0 && heads[row].is_nan();
    all.filter(|(row, _)| wanted(*row)).map(|(_, value)| value).collect()
}

/// logit(io) − logit(s) of a prompt, as `ablate logits` prints them.
fn difference(sandbox: &Sandbox, text: &str) -> f64 {
    let answers = sandbox.run(&["logits", "model", text, "--all", "--format", "json"]).ok().json();
    let logits: Vec<f64> = answers[0]["logits"].as_array().expect("logits").iter().filter_map(|x| x.as_f64()).collect();
    let names: Vec<char> = text.chars().filter(char::is_ascii_uppercase).collect();
    let s = names[2];
    let io = if names[0] == s { names[1] } else { names[0] };
    let tokenizer: serde_json::Value = serde_json::from_str(&letters_json()).expect("JSON");
    let of = |name: char| logits[tokenizer["model"]["vocab"][format!(" {name}")].as_u64().expect("a token") as usize];
    of(io) - of(s)
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-4 * other.abs().max(1.0)
}

#[test]
fn every_kind_of_step_runs_and_the_laws_of_pairs_hold() {
    let sandbox = sandbox(&format!("{PROMPTS}{STEPS}"));
    sandbox.ran();

    // What a prompt is made of, in columns of its slots.
    let prompts = sandbox.rows("accuracy.prompts");
    for (io, (answer, text)) in
        texts(&prompts, "io").iter().zip(texts(&prompts, "answer").iter().zip(texts(&prompts, "text")))
    {
        assert_eq!(io, answer);
        assert!(text.contains(io.as_str()));
    }
    assert_eq!(texts(&prompts, "s"), texts(&prompts, "contrast"));
    assert!(prompts.column("a").is_err() && prompts.column("b").is_err());
    assert!(
        texts(&sandbox.rows("accuracy.dropped"), "reason").contains(&"word is more than one token: io \"XY\"".into())
    );
    let report = sandbox.report();
    says(
        &report,
        ["prompts with these words are left out", "prompts, legal or not; fewer than sample = 800: there are no more"],
    );

    // Every stream of a prompt replaced is the other prompt; r and r' stay those of the clean one.
    let pairs = sandbox.rows("swapped.pairs");
    let (measured, shares) =
        (values(&sandbox, "swapped", "logit-difference"), values(&sandbox, "swapped", "normalized-logit-difference"));
    let (healed, healed_shares) =
        (values(&sandbox, "healed", "logit-difference"), values(&sandbox, "healed", "normalized-logit-difference"));
    let direct = sandbox.rows("direct.prompts");
    let total: HashMap<String, f64> = texts(&direct, "text")
        .into_iter()
        .zip(texts(&direct, "component"))
        .zip(numbers(&direct, "value"))
        .filter(|((_, component), _)| component == "total")
        .map(|((text, _), value)| (text, value))
        .collect();
    assert_eq!(total.len(), 12);
    for (text, other) in texts(&pairs, "text").into_iter().zip(texts(&pairs, "other_text")) {
        let (own, others) = (difference(&sandbox, &text), difference(&sandbox, &other));
        let at = |position: &str| (text.clone(), position.to_string());
        assert!(close(total[&text], own), "{text}: {} is not {own}", total[&text]);
        assert!(close(measured[&at("all")], -others), "{text}: {} is not −{others}", measured[&at("all")]);
        assert!(close(shares[&at("all")], 1.0) && close(shares[&at("last")], 0.0), "{text}");
        // Denoising edits the other run, whose answer is the clean one's contrast.
        assert!(close(healed[&at("all")], -own), "{text}: {} is not −{own}", healed[&at("all")]);
        assert!(close(healed_shares[&at("all")], 1.0), "{text}");
    }
    // A change at one place is there and nowhere else.
    for ((text, position), share) in values(&sandbox, "third", "normalized-logit-difference") {
        let expected = if position == "s.2" { 1.0 } else { 0.0 };
        assert!(close(share, expected), "{text}: {share} at {position}");
    }
    assert_eq!(texts(&sandbox.rows("third.pairs"), "answer"), texts(&sandbox.rows("third.pairs"), "other_answer"));
    let table = sandbox.table("by_name");
    assert!(table.starts_with("io,contrast,difference,n\n"), "{table}");
    assert!(texts(&sandbox.rows("attention"), "query").contains(&"s.2".to_string()));
}

#[test]
fn the_plan_and_the_resolved_spec_are_of_the_same_prompts() {
    let sandbox = sandbox(&format!("{PROMPTS}{STEPS}"));
    sandbox.run(&["plan", "spec.toml"]).ok();
    let config = |spec: &str| sandbox.run(&["config", spec]).ok().out;
    let without_origins = |text: &str| -> String {
        text.lines().map(|line| line.split("  #").next().unwrap_or_default().trim_end()).collect::<Vec<_>>().join("\n")
    };
    let resolved = without_origins(&config("spec.toml"));
    let prompts = resolved.split("[[step]]").next().unwrap_or_default();
    assert!(!prompts.contains("operators") && prompts.contains("s = \"io\""), "{prompts}");
    sandbox.write("again.toml", &resolved);
    let again = without_origins(&config("again.toml"));
    assert_eq!(again.replace("results/again", "results/spec"), resolved);
}

fn refused(spec: &str) -> String {
    sandbox(spec).refused()
}

#[test]
fn steps_on_numbers_refuse_words() {
    let steps = "[[step]]\nname = \"effects\"\nkind = \"neuron-patching\"\n\
                 [[step]]\nname = \"rules\"\nkind = \"heuristics\"\nranked = { from = \"effects\", k = 6 }\n\
                 [[step]]\nname = \"out\"\nkind = \"prompt-knockout\"\nfrom = \"rules\"\n";
    let said = refused(&format!("{PROMPTS}{steps}"));
    for kind in ["heuristics", "prompt-knockout"] {
        let problem =
            format!("a step of kind '{kind}' needs prompts that are made of operands, and these are made of words");
        assert!(said.contains(&problem) && said.contains(&format!("kind = \"{kind}\"")), "{said}");
    }
}

#[test]
fn faults_are_shown_where_they_stand() {
    let step = |counterfactual: &str| {
        format!(
            "{PROMPTS}[[step]]\nname = \"p\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\n{counterfactual}\n"
        )
    };
    let said = refused(&step("counterfactual.swap = [\"io\", \"ss\"]"));
    says(&said, ["no slot 'ss'", "write \"s\"", "spec.toml:23:30"]);
    let said = refused(&step("positions = [\"s2\"]"));
    says(&said, ["has no position 's2'", "write 's'"]);
    let said = refused(&step("positions = [\"s.1\"]"));
    says(&said, ["has no position 's.1'", "write 's'; the positions are"]);
    let said = refused(&step("counterfactual.operators = \"same\""));
    says(&said, ["'operators' has no effect in this step", "have no operators"]);
    let accuracy = "[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\n";
    let said = refused(&format!("{}{accuracy}", PROMPTS.replace("{thing}?\" }", "{thin}?\" }")));
    says(&said, ["no slot {thin}\n", "write {thing}", "spec.toml:8:77"]);
    let said = refused(&format!(
        "{}{accuracy}",
        PROMPTS.replace("sample = 6", "operators = [\"+\"]\noperands = { a = [1], b = [2] }")
    ));
    assert!(said.contains("[prompts] has both operands and words for its slots"), "{said}");
    let said = refused(&format!("{}{accuracy}", PROMPTS.replace("sample = 6", "operators = [\"+\"]")));
    assert!(said.contains("'operators' does not apply to the prompts of [prompts], which are made of words"), "{said}");
    let said = refused(&format!("title = \"x\"\n[model]\nsource = \"model\"\n[prompts]\nsample = 3\n{accuracy}"));
    says(&said, ["[prompts] has no 'operands' and no 'slots'", "slots = {"]);
    let numbers = "title = \"x\"\n[model]\nsource = \"builtin:arith\"\n[prompts]\noperands = { a = [1], b = [2] }\ncontrast = \"3\"\n";
    let said = refused(&format!("{numbers}{accuracy}"));
    assert!(
        said.contains("'contrast' does not apply to the prompts of [prompts], which are made of operands"),
        "{said}"
    );
}

#[test]
fn a_set_of_another_kind_takes_only_what_both_have() {
    let set = "[prompt_sets.sums]\noperands = { a = [1, 2], b = [3] }\nanswer = \"multi-token\"\ntemplate = \"{a}{op}{b}?\"\noperators = [\"+\"]\n";
    let set = set.replace("{a}{op}{b}?", "{a}x{b}?");
    let steps = "[[step]]\nname = \"sums\"\nkind = \"accuracy\"\nprompts = \"sums\"\nper_prompt = true\n";
    let few = "[prompt_sets.few]\nsample = 2\n[[step]]\nname = \"few\"\nkind = \"accuracy\"\nprompts = \"few\"\nper_prompt = true\n";
    let sandbox = sandbox(&format!("{PROMPTS}{set}{steps}{few}"));
    sandbox.ran();
    let sums = sandbox.rows("sums.prompts");
    let mut answers = numbers(&sums, "answer");
    answers.sort_by(f64::total_cmp);
    assert_eq!(answers, [4.0, 5.0], "sample, seeds and no word are taken over");
    assert_eq!(sandbox.rows("few.prompts").height(), 2 * 2);
    assert!(sandbox.rows("few.prompts").column("io").is_ok());
}

#[test]
fn rows_come_from_a_file_beside_the_spec() {
    let spec = "title = \"capitals\"\n[model]\nsource = \"model\"\n[prompts]\ntemplate = \"{country}?\"\ncompletion = \" {capital}\"\n\
                rows = \"capitals.csv\"\n[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\nper_prompt = true\n";
    let sandbox = sandbox(spec);
    sandbox.write("capitals.csv", "country,capital\na,A\nb,B\n7,C\n");
    sandbox.ran();
    let prompts = sandbox.rows("accuracy.prompts");
    assert_eq!(
        (texts(&prompts, "country"), texts(&prompts, "answer")),
        (texts_of(&["a", "b", "7"]), texts_of(&["A", "B", "C"]))
    );
    let manifest = sandbox.read("results/spec/manifest.json");
    assert!(manifest.contains("capitals.csv"), "{manifest}");
    for (csv, problem) in
        [("country,capital\na,\n", "line 2 has no 'capital'"), ("country,capital\n", "it has no rows")]
    {
        sandbox.write("capitals.csv", csv);
        says(sandbox.run(&["run", "spec.toml"]).refused(), [problem, "spec.toml:7:8"]);
    }
    sandbox.remove("capitals.csv");
    says(sandbox.run(&["run", "spec.toml"]).err, ["rows from capitals.csv: there is no such file"]);
}

#[test]
fn what_may_not_be_meant_is_noted() {
    let spec = "title = \"capitals\"\n[model]\nsource = \"model\"\n[prompts]\ncompletion = \"{capital}\"\n\
                rows = [{ country = \"a\", capital = \"A\" }, { country = \"b\", capital = \"B\" }]\nslots = { word = [\"A\", \"B\"] }\n\
                template = { one = \"{country} {word} g\", other = \"{country}?\" }\n[[step]]\nname = \"accuracy\"\n\
                kind = \"accuracy\"\nper_prompt = true\n";
    let sandbox = sandbox(spec);
    let said = sandbox.ran().err;
    let joined = "the answers of 4 prompts follow a letter without a space between";
    let repeated = "2 of 8 prompts have the text and the answer of another one";
    says(said, [joined, repeated]);
}

/// A spec of words from a file, and what it needs of answers and columns.
fn of_file(rows: &str) -> String {
    format!(
        "title = \"facts\"\n[model]\nsource = \"model\"\n[prompts]\ntemplate = \"{{country}}?\"\ncompletion = \" {{capital}}\"\n\
         rows = {rows}\n[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\nper_prompt = true\n"
    )
}

#[test]
fn integers_among_words_are_integers_in_rows() {
    let prompts = "template = \"{n}?{word}\"\ncompletion = \"{n}\"\nanswer = \"multi-token\"\n\
                   slots = { n = [10, 2, 1], word = [\"A\", \"7\"] }\n";
    let spec = of_file("\"unused\"");
    let (before, after) = spec.split_at(spec.find("template").expect("prompts"));
    let steps = &after[after.find("[[step]]").expect("a step")..];
    let table = "[[table]]\nname = \"sorted\"\nfrom = \"accuracy.prompts\"\nwhere = { n = \"> 1\" }\nsort = [\"n\"]\n\
                 derive = { twice = \"n + answer\" }\nselect = [\"n\", \"word\", \"answer\", \"twice\"]\n";
    let sandbox = sandbox(&format!("{before}{prompts}{steps}{table}"));
    sandbox.ran();
    let rows = sandbox.rows("accuracy.prompts");
    let types = ["n", "word", "answer", "id"].map(|name| rows.column(name).expect(name).dtype().clone());
    assert_eq!(types, [DataType::Int64, DataType::String, DataType::Int64, DataType::Int64]);
    let sorted = sandbox.table("sorted");
    assert_eq!(sorted, "n,word,answer,twice\n2,A,2,4.0\n2,7,2,4.0\n10,A,10,20.0\n10,7,10,20.0\n");
}

/// Variants whose words are integers here and texts there have one column, of texts.
#[test]
fn variants_of_integers_and_of_texts_are_pooled() {
    let spec = of_file("[{ country = \"a\", capital = \"A\" }]");
    let matrix = "[matrix]\nwords = { key = \"prompts.rows\", values = { texts = [{ country = \"a\", capital = \"A\" }], \
                  integers = [{ country = \"7\", capital = \"C\" }] } }\n[[step]]";
    let sandbox = sandbox(&spec.replacen("[[step]]", matrix, 1));
    sandbox.ran();
    assert_eq!(texts(&sandbox.rows("accuracy.prompts"), "country"), ["a", "7"]);
}

#[test]
fn rows_come_from_files_of_several_forms() {
    let three = [["a", "A"], ["b", "B"], ["7", "C"]];
    let tsv = "country\tcapital\na\tA\nb\tB\n7\tC\n".as_bytes().to_vec();
    // Columns that hold no words, and some that rows call theirs, are in nobody's way.
    let jsonl = "{\"id\": 1, \"country\": \"a\", \"capital\": \"A\", \"more\": [1, 2]}\n\n\
                 {\"country\": \"b\", \"capital\": \"B\", \"id\": 2}\n{\"id\": 3, \"capital\": \"C\", \"country\": 7}\n";
    let spaces = "country, capital, \"note\"\r\na, A, \"x, y\"\r\n\"b\", \"B\", \"two\nlines\"\r\n7, C,\r\n";
    let mut parquet = Vec::new();
    let mut frame = df!(
        "country" => three.map(|row| row[0]), "capital" => three.map(|row| row[1]), "year" => [1i64, 2, 3],
        "share" => [0.5, 0.25, 1.0],
    )
    .expect("a frame");
    ParquetWriter::new(&mut parquet).finish(&mut frame).expect("Parquet");
    let bom = "\u{feff}country,capital,text,\na,A,,1\nb,B,x,2\n7,C,y,3\n";
    for (name, bytes) in [
        ("f.tsv", tsv),
        ("f.jsonl", jsonl.as_bytes().to_vec()),
        ("f.csv", spaces.as_bytes().to_vec()),
        ("f.parquet", parquet),
        ("g.csv", bom.as_bytes().to_vec()),
    ] {
        let sandbox = sandbox(&of_file(&format!("\"{name}\"")));
        sandbox.write(name, bytes);
        sandbox.ran();
        let prompts = sandbox.rows("accuracy.prompts");
        let found: Vec<_> = texts(&prompts, "country").into_iter().zip(texts(&prompts, "answer")).collect();
        assert_eq!(found, three.map(|[country, capital]| (country.to_string(), capital.to_string())), "{name}");
    }
}

#[test]
fn what_is_wrong_with_a_file_of_rows_is_told_alone_with_its_line() {
    let head = "country,capital\na,A\n";
    for (name, text, problem) in [
        (
            "f.csv",
            format!("{head}b,B,C\n"),
            "line 3 has 3 cells, and the file has 2 columns (country, capital); a cell with a comma in it stands in quotes",
        ),
        ("f.csv", format!("{head}b\n"), "line 3 has 1 cell, and the file has 2 columns (country, capital)"),
        ("f.csv", format!("{head}\n\"b\nb\",\n"), "line 4 has no 'capital'; write a word in every cell"),
        ("f.csv", format!("{head}b,\"B\nC\n"), "line 3, column 2: its quote is not closed"),
        ("f.csv", format!("{head}b,\"B\" C\n"), "line 3, column 2: text after the closing quote"),
        (
            "f.csv",
            "country,capital,country\na,A,b\n".into(),
            "columns 1 and 3 are both called 'country'; give one of them another name",
        ),
        (
            "f.csv",
            "country;capital\na;A\n".into(),
            "line 1: its names are separated by semicolons ('country;capital'); separate cells by commas",
        ),
        ("f.csv", "country\tcapital\na\tA\n".into(), "line 1: its names are separated by tabs"),
        ("f.tsv", head.into(), "line 1: its names are separated by commas"),
        ("f.csv", "\n\n".into(), "it is empty; write a line of names"),
        ("f.csv", "country,capital\ra,A\r".into(), "its lines end in CR alone"),
        ("f.csv", format!("{head}b, \n"), "line 3 has no 'capital'"),
        ("f.json", "[]".into(), "it is JSON; write an object a line into a file NAME.jsonl"),
        (
            "f.jsonl",
            "{\"country\": \"a\", \"capital\": \"A\"}\n{\"country\": \"b\"}\n".into(),
            "line 2 has no 'capital'",
        ),
        (
            "f.jsonl",
            "{\"country\": \"a\"}\n{\"country\": \"b\", \"capital\": \"B\"}\n".into(),
            "no line before line 2 has 'capital'",
        ),
        (
            "f.jsonl",
            "{\"country\": \"a\", \"capital\": 1.5}\n".into(),
            "line 1: 'capital' is 1.5, which is not an integer",
        ),
        ("f.jsonl", "{\"country\": \"a\", \"country\": \"A\"}\n".into(), "line 1 has 'country' twice"),
        ("f.jsonl", "{\"country\": \"a\"\n".into(), "line 1, column 15: EOF while parsing an object"),
        ("f.jsonl", "[{}]\n".into(), "line 1 is a list; write an object a line"),
        ("f.parquet", head.into(), "it is not a Parquet file"),
        ("f.csv", "PK\u{3}\u{4}".into(), "it is a spreadsheet or an archive; save it as CSV"),
    ] {
        let sandbox = sandbox(&of_file(&format!("\"{name}\"")));
        sandbox.write(name, &text);
        let told = flowing(&sandbox.refused());
        assert!(told.contains(&format!("rows from {name}: {problem}")), "{text:?}: {told}");
        assert!(
            told.contains("spec.toml:7:8") && !told.contains("no slot") && !told.contains("errors"),
            "{text:?}: {told}"
        );
    }
}

/// As large as a data set of facts: the rows stay in the file, whose checksum the record of the run has.
#[test]
fn a_large_file_of_rows_is_sampled_and_named_by_its_checksum() {
    let line =
        |row: usize| format!("{row},{},{},{}\n", ["a", "b", "7"][row % 3], ["A", "B", "C"][row % 3], "x".repeat(480));
    let text =
        std::iter::once("case,country,capital,note\n".to_string()).chain((0..100_000).map(line)).collect::<String>();
    let spec = of_file("\"facts.csv\"").replace("[[step]]", "sample = 2\n[[step]]");
    let sandbox = sandbox(&spec);
    sandbox.write("facts.csv", &text);
    sandbox.ran();
    assert_eq!(sandbox.rows("accuracy.prompts").height(), 2);
    let length = sandbox.bytes("results/spec/manifest.json").len();
    let manifest = sandbox.json("results/spec/manifest.json");
    assert!(length < 100_000, "{length} bytes");
    let file = &manifest["spec"]["files"][1];
    assert_eq!((&file["path"], &file["role"]), (&"facts.csv".into(), &"rows".into()));
    let toml = manifest["spec"]["toml"].as_str().expect("the spec");
    assert!(toml.contains(&format!("sha256 = {}", file["sha256"])), "{toml}");

    says(sandbox.run(&["rerun", "results/spec"]).ok().err, ["identical"]);
    sandbox.write("facts.csv", text.replace("7,C", "7,A"));
    let told = flowing(&sandbox.run(&["rerun", "results/spec"]).refused());
    says(told, ["facts.csv: its sha256 is "]);
}

fn texts_of(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// Slots that may have the same word: swapped, such a prompt is itself, and is in no pair. The others are.
#[test]
fn prompts_without_a_counterfactual_are_left_out_and_counted() {
    let spec = PROMPTS
        .replace("different = [\"io\", \"s\"]\n", "")
        .replace("sample = 6\nseeds = [1]\n", "")
        .replace("s = \"io\"", "s = [\"A\", \"B\"]")
        .replace("contrast = \" {s}\"\n", "");
    let spec = spec.replace("io = [\"A\", \"B\", \"C\", \"D\", \"E\", \"XY\"]", "io = [\"A\", \"B\"]");
    let sandbox = sandbox(&format!(
        "{spec}\n[[step]]\nname = \"swapped\"\nkind = \"activation-patching\"\nsites = [\"0.resid_pre\"]\n\
         counterfactual.swap = [\"io\", \"s\"]\nmeasures = [\"kl\"]\n"
    ));
    sandbox.ran();
    let report = sandbox.report();
    assert!(report.contains("4 of 8 prompts have no counterfactual and are left out; the first: "), "{report}");
    let pairs = sandbox.rows("swapped.pairs");
    let (clean, other) = (texts(&pairs, "text"), texts(&pairs, "other_text"));
    assert_eq!(clean.len(), 8, "4 of each template");
    assert!(clean.iter().zip(&other).all(|(clean, other)| clean != other));
}

/// Asked for the right name and for the wrong one, a stream has two logits. The lens says by how much the first is ahead, in every layer; in
/// the last it is what the model says.
#[test]
fn the_lens_says_layer_by_layer_how_far_the_right_name_is_ahead() {
    let step = |name: &str, rest: &str| {
        format!(
            "[[step]]\nname = \"{name}\"\nkind = \"logit-lens\"\nsites = [\"embed\", \"resid_post\"]\nper_prompt = true\n{rest}\n"
        )
    };
    let steps = step("ahead", "measures = [\"logit-difference\"]")
        + &step("right", "measures = [\"logit\"]")
        + &step("wrong", "measures = [\"logit\"]\nprompts = \"turned\"");
    let turned = "[prompt_sets.turned]\ncompletion = \" {s}\"\ncontrast = \" {io}\"\n";
    let sandbox = sandbox(&format!("{}{turned}{steps}", PROMPTS.replace("sample = 6\nseeds = [1]\n", "")));
    sandbox.ran();
    let read = |name: &str| -> HashMap<(String, String), f64> {
        let rows = sandbox.rows(&format!("{name}.prompts"));
        let places = texts(&rows, "text").into_iter().zip(texts(&rows, "component"));
        places.zip(numbers(&rows, "value")).collect()
    };
    let (ahead, right, wrong) = (read("ahead"), read("right"), read("wrong"));
    // Two orders of two of five names, and two things, in three streams.
    assert_eq!((ahead.len(), right.len(), wrong.len()), (240, 240, 240));
    for (place, value) in &ahead {
        assert!(close(*value, right[place] - wrong[place]), "{place:?}: {value}");
    }
    for text in ["w A a B,B gx?", "w D a C,D gy?"] {
        let value = ahead[&(text.to_string(), "L1.hook_resid_post".to_string())];
        assert!(close(value, difference(&sandbox, text)), "{text}: {value}");
    }
    let idle = step("ahead", "measures = [\"logit\"]\ncounterfactual.swap = [\"io\", \"s\"]");
    says(refused(&format!("{PROMPTS}{idle}")), ["write the measure \"logit-difference\""]);
}
