//! `ablate verify`.

use super::{SPEC, sandbox};
use crate::support::{Sandbox, files_below, says};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Every file below a folder, with its bytes and when it was written.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let written = |path: &Path| path.metadata().and_then(|about| about.modified()).expect("a time");
    let files = files_below(folder).into_iter();
    files.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"), written(&path))).collect()
}

#[test]
fn the_same_results_are_identical_and_stay_as_they_are() {
    let sandbox = sandbox();
    let before = snapshot(sandbox.path());
    let text = sandbox.run(&["verify", "spec.toml"]).ok().text;
    says(&text, ["results/spec: identical (spec.toml)\n", "12 of 12 files identical to the byte"]);
    assert!(!text.contains("report.md"), "says nothing of the folder that is gone: {text}");
    assert!(snapshot(sandbox.path()) == before, "nothing is written into the folder");
}

#[test]
fn a_changed_cell_is_named() {
    let sandbox = sandbox();
    sandbox.edit("results/spec/tables/by_first.csv", "\n*,3,1.0,10.5,", "\n*,3,1.0,11.0,");
    let text = sandbox.run(&["verify", "spec.toml"]).ends(1).text;
    says(
        &text,
        [
            "results/spec: differs",
            "tables/by_first.csv: differs (24 rows); committed it was changed since its run",
            "'answer': 1 of 24 cells differs, by 0.5000 at most",
            "at operator *, a 3: 11 committed, 10.5 rerun (difference -0.5000)",
            "1 of 1 result differs",
        ],
    );
    let count = sandbox.at("results/spec/tables/rates.csv");
    sandbox.edit(&count, "\n+,72,", "\n+,71,");
    let text = sandbox.run(&["verify", "spec.toml", "--rtol", "1"]).ends(1).text;
    says(&text, ["'n': 1 of 2 cells differs, by 1 at most", "71 committed, 72 rerun"]);
    assert!(
        text.contains("tables/by_first.csv: within tolerance"),
        "the tolerance is that of computed numbers: {text}"
    );
}

#[test]
fn a_cell_within_tolerance_is_no_difference() {
    let sandbox = sandbox();
    sandbox.edit("results/spec/tables/by_first.csv", "\n*,3,1.0,10.5,", "\n*,3,1.0,10.50003,");
    let text = sandbox.run(&["verify", "spec.toml"]).ok().text;
    says(&text, ["results/spec: within tolerance", "'answer': 1 of 24 cells within tolerance, by 3.00e-5 at most"]);
    let text = sandbox.run(&["verify", "spec.toml", "--rtol", "1e-7"]).ends(1).text;
    assert!(text.contains("10.50003 committed"), "{text}");
}

#[test]
fn the_order_of_rows_is_no_difference() {
    let sandbox = sandbox();
    let path = sandbox.at("results/spec/tables/by_first.csv");
    let text = sandbox.read(&path);
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    sandbox.write(&path, lines.join("\n") + "\n");
    let text = sandbox.run(&["verify", "spec.toml"]).ok().text;
    assert!(text.contains("tables/by_first.csv: identical, rows in another order (24 rows)"), "{text}");
}

#[test]
fn a_missing_table_is_a_difference_but_not_what_need_not_be_kept() {
    let sandbox = sandbox();
    let results = sandbox.at("results/spec");
    sandbox.remove(results.join("rows"));
    for file in ["tables/rates.parquet", "tables/by_first.parquet", "figures/rates.png", "figures/answers.png"] {
        sandbox.remove(results.join(file));
    }
    let text = sandbox.run(&["verify", "spec.toml"]).ok().text;
    assert!(text.contains("4 of 4 files identical to the byte; 8 more were not kept"), "{text}");
    sandbox.remove(results.join("tables/rates.csv"));
    let text = sandbox.run(&["verify", "spec.toml"]).ends(1).text;
    assert!(text.contains("tables/rates.csv: rerun, but not committed"), "{text}");
}

#[test]
fn a_changed_drawing_is_a_difference() {
    let sandbox = sandbox();
    let figure = sandbox.at("results/spec/figures/answers.svg");
    sandbox.edit(&figure, "stroke=\"#0072b2\"", "stroke=\"#0072b3\"");
    let text = sandbox.run(&["verify", "spec.toml"]).ok().text;
    assert!(text.contains("figures/answers.svg: the same drawing, written in other bytes"), "{text}");
    sandbox.edit(&figure, "stroke=\"#0072b3\"", "stroke=\"#ff0000\"");
    let text = sandbox.run(&["verify", "spec.toml"]).ends(1).text;
    assert!(text.contains("figures/answers.svg: differs, while the rows it is drawn from do not"), "{text}");
}

#[test]
fn a_changed_spec_and_what_it_changes_are_said() {
    let sandbox = sandbox();
    sandbox.edit("spec.toml", "a = \"0..12\"", "a = \"0..11\"");
    sandbox.edit("spec.toml", "at_least = 0.5", "at_least = 1.5");
    let text = sandbox.run(&["verify", "spec.toml"]).ends(1).text;
    says(
        &text,
        [
            "the specs differ:\n    prompts.operands.a: \"0..12\" (spec.toml:8:18) → \"0..11\" (spec.toml:8:18)\n",
            "expectation 'addition': agree committed, differ rerun",
            "2 rows only committed: operator +, a 11; operator *, a 11",
            "figures/answers.svg: differs, because the rows it is drawn from differ",
        ],
    );
}

#[test]
fn results_folders_are_verified_by_their_commands() {
    let sandbox = sandbox();
    sandbox.run(&["run", "spec.toml", "--quiet", "--set", "prompts.sample=9", "--set", "output.dir=other/a b"]).ok();
    sandbox.run(&["run", "spec.toml", "--quiet", "--set", "title=it's \"so\"", "--set", "output.dir=other/c"]).ok();
    let text = sandbox.run(&["verify", "results/spec"]).ok().text;
    assert!(text.contains("results/spec: identical (spec.toml)"), "{text}");
    let text = sandbox.run(&["verify", "other", "spec.toml", "--json", "--quiet"]).ok().text;
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let folders: Vec<_> = lines.iter().map(|line| (line["folder"].as_str().unwrap(), &line["verdict"])).collect();
    assert_eq!(folders.len(), 3, "{text}");
    for (found, wanted) in folders.iter().zip(["other/a b", "other/c", "results/spec"]) {
        assert_eq!((found.0, found.1.as_str()), (wanted, Some("identical")), "{text}");
    }
    assert!(lines[0]["difference"]["files"].as_array().is_some_and(|files| files.len() > 5), "{text}");
    assert_eq!(sandbox.run(&["verify", ".", "--quiet"]).ok().text, "", "a folder of specs");
}

#[test]
fn what_can_not_be_verified_does_not_stop_the_others() {
    let sandbox = sandbox();
    sandbox.write("a.toml", SPEC.replace("builtin:arith", "models/none.gguf"));
    sandbox.write("b.toml", SPEC);
    let text = sandbox.run(&["verify", "."]).ends(2).text;
    says(
        &text,
        [
            "results/spec: identical",
            "./a.toml: cannot be verified:",
            "models/none.gguf",
            "./b.toml: cannot be verified:",
            "results/b/manifest.json",
            "2 of 3 cannot be verified",
        ],
    );
    sandbox.edit("results/spec/tables/rates.csv", "\n+,72,", "\n+,71,");
    let text = sandbox.run(&["verify", "."]).ends(1).text;
    assert!(text.contains("1 of 3 results differs, 2 of 3 cannot be verified"), "{text}");
    let text = sandbox.run(&["verify", "nowhere.toml"]).ends(2).text;
    assert!(text.contains("nowhere.toml"), "{text}");
}

#[test]
fn damaged_results_are_differences_not_crashes() {
    let sandbox = sandbox();
    let results = sandbox.at("results/spec");
    sandbox.edit(results.join("tables/rates.csv"), "\n+,72,", "\n+,72,\"");
    sandbox.write(results.join("rows/accuracy.parquet"), b"PAR1 no");
    let text = sandbox.run(&["verify", "spec.toml"]).ends(1).text;
    assert!(text.contains("rows/accuracy.parquet: cannot be compared:"), "{text}");
    sandbox.write(results.join("manifest.json"), "{ half");
    let text = sandbox.run(&["verify", "spec.toml"]).ends(2).text;
    assert!(text.contains("results/spec/manifest.json is not a manifest"), "{text}");
}

/// How many interventions a version recomputes is no result; one that fails is.
#[test]
fn self_checks_of_other_sizes_are_no_difference() {
    let sandbox = Sandbox::empty();
    let step = "[[step]]\nname = \"heads\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\n";
    let head = SPEC.split("[[step]]").next().expect("a head").replace("[prompts]", "[prompts]\nsample = 5");
    sandbox.write("spec.toml", format!("{head}\n{step}"));
    sandbox.run(&["run", "spec.toml", "--quiet"]).ok();
    let manifest = sandbox.at("results/spec/manifest.json");
    let text = sandbox.read(&manifest);
    let rows = text.split("\"rows\": ").nth(1).and_then(|rest| rest.split(',').next()).expect("a self-check");
    let other = text.replacen(&format!("\"rows\": {rows}"), "\"rows\": 3", 1);
    assert_ne!(other, text);
    sandbox.write(&manifest, &other);
    let said = sandbox.run(&["verify", "results/spec"]).ok().text;
    assert!(said.contains("results/spec: identical"), "{said}");
    // As an older version had none.
    let mut none: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    none["self_checks"] = serde_json::json!([]);
    sandbox.write(&manifest, none.to_string());
    sandbox.run(&["verify", "results/spec"]).ok();
    let mut failed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    failed["self_checks"][0]["largest_difference"] = serde_json::json!(1e9);
    sandbox.write(&manifest, failed.to_string());
    let said = sandbox.run(&["verify", "results/spec"]).ends(1).text;
    assert!(said.contains("self-check of step 'heads'"), "{said}");
}

/// What is kept is looked at without running anything.
#[test]
fn files_are_checked_without_a_run() {
    let sandbox = sandbox();
    let results = sandbox.at("results/spec");
    let said = sandbox.run(&["verify", "results", "--files"]).ok().text;
    assert!(said.starts_with("results/spec: ") && said.contains(" files as they were made\n"), "{said}");
    // As a repository may keep them.
    sandbox.remove(results.join("rows"));
    sandbox.remove(results.join("figures/rates.png"));
    let said = sandbox.run(&["verify", "results", "--files"]).ok().text;
    assert!(said.contains(" not kept\n"), "{said}");
    sandbox.edit("spec.toml", "at_least = 0.5", "at_least = 0.6");
    let said = sandbox.run(&["verify", "results", "--files"]).ok().text;
    assert!(said.contains("; these values of the spec have changed since: expect.addition.at_least"), "{said}");
    sandbox.edit(results.join("tables/rates.csv"), "+", "-");
    let said = sandbox.run(&["verify", "results/spec", "--files"]).ends(1).text;
    assert!(said.contains("tables/rates.csv has changed since the run made it"), "{said}");
    sandbox.remove(results.join("tables/rates.csv"));
    sandbox.remove(results.join("report.md"));
    let said = sandbox.run(&["verify", "results", "--files"]).ends(1).text;
    assert!(said.contains("tables/rates.csv is missing; report.md is missing"), "{said}");
    sandbox.edit(results.join("manifest.json"), "\"format\": 2", "\"format\": 1");
    let said = sandbox.run(&["verify", "results", "--files"]).ends(1).text;
    says(&said, ["has format 1", "1 of 1 results folder is not as its run left it"]);
    sandbox.run(&["verify", "spec.toml", "--files"]).ends(2);
}
