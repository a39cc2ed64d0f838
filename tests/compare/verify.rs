//! `ablate verify`.

use super::{SPEC, edit, folder, run};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Every file below a folder, with its bytes and when it was written.
fn snapshot(folder: &Path) -> Vec<(String, Vec<u8>, SystemTime)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            let written = fs::metadata(&path).and_then(|meta| meta.modified()).expect("a time");
            files.push((path.display().to_string(), fs::read(&path).expect("a file"), written));
        }
    }
    files.sort();
    files
}

#[test]
fn the_same_results_are_identical_and_stay_as_they_are() {
    let folder = folder();
    let before = snapshot(folder.path());
    let text = run(folder.path(), &["verify", "spec.toml"], 0);
    assert!(text.contains("results/spec: identical (spec.toml)\n"), "{text}");
    assert!(text.contains("12 of 12 files identical to the byte"), "{text}");
    assert!(!text.contains("report.md"), "says nothing of the folder that is gone: {text}");
    assert!(snapshot(folder.path()) == before, "nothing is written into the folder");
}

#[test]
fn a_changed_cell_is_named() {
    let folder = folder();
    edit(&folder.path().join("results/spec/tables/by_first.csv"), "\n*,3,1.0,10.5,", "\n*,3,1.0,11.0,");
    let text = run(folder.path(), &["verify", "spec.toml"], 1);
    assert!(text.contains("results/spec: differs"), "{text}");
    assert!(text.contains("tables/by_first.csv: differs (24 rows); committed it was changed since its run"), "{text}");
    assert!(text.contains("'answer': 1 of 24 cells differ, by 0.5000 at most"), "{text}");
    assert!(text.contains("at operator *, a 3: 11 committed, 10.5 rerun (difference -0.5000)"), "{text}");
    assert!(text.contains("1 of 1 results differ"), "{text}");
    let count = folder.path().join("results/spec/tables/rates.csv");
    edit(&count, "\n+,72,", "\n+,71,");
    let text = run(folder.path(), &["verify", "spec.toml", "--rtol", "1"], 1);
    assert!(
        text.contains("'n': 1 of 2 cells differ, by 1 at most") && text.contains("71 committed, 72 rerun"),
        "{text}"
    );
    assert!(
        text.contains("tables/by_first.csv: within tolerance"),
        "the tolerance is that of computed numbers: {text}"
    );
}

#[test]
fn a_cell_within_tolerance_is_no_difference() {
    let folder = folder();
    edit(&folder.path().join("results/spec/tables/by_first.csv"), "\n*,3,1.0,10.5,", "\n*,3,1.0,10.50003,");
    let text = run(folder.path(), &["verify", "spec.toml"], 0);
    assert!(text.contains("results/spec: within tolerance"), "{text}");
    assert!(text.contains("'answer': 1 of 24 cells within tolerance, by 3.00e-5 at most"), "{text}");
    let text = run(folder.path(), &["verify", "spec.toml", "--rtol", "1e-7"], 1);
    assert!(text.contains("10.50003 committed"), "{text}");
}

#[test]
fn the_order_of_rows_is_no_difference() {
    let folder = folder();
    let path = folder.path().join("results/spec/tables/by_first.csv");
    let text = fs::read_to_string(&path).expect("a table");
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    fs::write(&path, lines.join("\n") + "\n").expect("writing it");
    let text = run(folder.path(), &["verify", "spec.toml"], 0);
    assert!(text.contains("tables/by_first.csv: identical, rows in another order (24 rows)"), "{text}");
}

#[test]
fn a_missing_table_is_a_difference_but_not_what_need_not_be_kept() {
    let folder = folder();
    let results = folder.path().join("results/spec");
    fs::remove_dir_all(results.join("rows")).expect("rows");
    for file in ["tables/rates.parquet", "tables/by_first.parquet", "figures/rates.png", "figures/answers.png"] {
        fs::remove_file(results.join(file)).expect(file);
    }
    let text = run(folder.path(), &["verify", "spec.toml"], 0);
    assert!(text.contains("4 of 4 files identical to the byte; 8 not kept"), "{text}");
    fs::remove_file(results.join("tables/rates.csv")).expect("a table");
    let text = run(folder.path(), &["verify", "spec.toml"], 1);
    assert!(text.contains("tables/rates.csv: rerun, but not committed"), "{text}");
}

#[test]
fn a_changed_drawing_is_a_difference() {
    let folder = folder();
    let figure = folder.path().join("results/spec/figures/answers.svg");
    edit(&figure, "stroke=\"#0072b2\"", "stroke=\"#0072b3\"");
    let text = run(folder.path(), &["verify", "spec.toml"], 0);
    assert!(text.contains("figures/answers.svg: the same drawing, in other bytes"), "{text}");
    edit(&figure, "stroke=\"#0072b3\"", "stroke=\"#ff0000\"");
    let text = run(folder.path(), &["verify", "spec.toml"], 1);
    assert!(text.contains("figures/answers.svg: differs, and the rows it is drawn from do not"), "{text}");
}

#[test]
fn a_changed_spec_and_what_it_changes_are_said() {
    let folder = folder();
    edit(&folder.path().join("spec.toml"), "a = \"0..12\"", "a = \"0..11\"");
    edit(&folder.path().join("spec.toml"), "at_least = 0.5", "at_least = 1.5");
    let text = run(folder.path(), &["verify", "spec.toml"], 1);
    assert!(
        text.contains(
            "the specs differ:\n    prompts.operands.a: \"0..12\" (spec.toml:8:18) → \"0..11\" (spec.toml:8:18)\n"
        ),
        "{text}"
    );
    assert!(text.contains("expectation 'addition': agree committed, differ rerun"), "{text}");
    assert!(text.contains("2 rows only committed: operator +, a 11; operator *, a 11"), "{text}");
    assert!(text.contains("figures/answers.svg: differs, as the rows it is drawn from do"), "{text}");
}

#[test]
fn results_folders_are_verified_by_their_commands() {
    let folder = folder();
    run(
        folder.path(),
        &["run", "spec.toml", "--quiet", "--set", "prompts.sample=9", "--set", "output.dir=other/a b"],
        0,
    );
    run(
        folder.path(),
        &["run", "spec.toml", "--quiet", "--set", "title=it's \"so\"", "--set", "output.dir=other/c"],
        0,
    );
    let text = run(folder.path(), &["verify", "results/spec"], 0);
    assert!(text.contains("results/spec: identical (spec.toml)"), "{text}");
    let text = run(folder.path(), &["verify", "other", "spec.toml", "--json", "--quiet"], 0);
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let folders: Vec<_> = lines.iter().map(|line| (line["folder"].as_str().unwrap(), &line["verdict"])).collect();
    assert_eq!(folders.len(), 3, "{text}");
    for (found, wanted) in folders.iter().zip(["other/a b", "other/c", "results/spec"]) {
        assert_eq!((found.0, found.1.as_str()), (wanted, Some("identical")), "{text}");
    }
    assert!(lines[0]["difference"]["files"].as_array().is_some_and(|files| files.len() > 5), "{text}");
    assert_eq!(run(folder.path(), &["verify", ".", "--quiet"], 0), "", "a folder of specs");
}

#[test]
fn what_can_not_be_verified_does_not_stop_the_others() {
    let folder = folder();
    fs::write(folder.path().join("a.toml"), SPEC.replace("builtin:arith", "models/none.gguf")).expect("a spec");
    fs::write(folder.path().join("b.toml"), SPEC).expect("a spec");
    let text = run(folder.path(), &["verify", "."], 2);
    assert!(text.contains("results/spec: identical"), "{text}");
    assert!(text.contains("./a.toml: cannot be verified:") && text.contains("models/none.gguf"), "{text}");
    assert!(text.contains("./b.toml: cannot be verified:") && text.contains("results/b/manifest.json"), "{text}");
    assert!(text.contains("2 of 3 cannot be verified"), "{text}");
    edit(&folder.path().join("results/spec/tables/rates.csv"), "\n+,72,", "\n+,71,");
    let text = run(folder.path(), &["verify", "."], 1);
    assert!(text.contains("1 of 3 results differ, 2 of 3 cannot be verified"), "{text}");
    let text = run(folder.path(), &["verify", "nowhere.toml"], 2);
    assert!(text.contains("nowhere.toml"), "{text}");
}

#[test]
fn damaged_results_are_differences_not_crashes() {
    let folder = folder();
    let results = folder.path().join("results/spec");
    edit(&results.join("tables/rates.csv"), "\n+,72,", "\n+,72,\"");
    fs::write(results.join("rows/accuracy.parquet"), b"PAR1 no").expect("writing");
    let text = run(folder.path(), &["verify", "spec.toml"], 1);
    assert!(text.contains("rows/accuracy.parquet: cannot be compared:"), "{text}");
    fs::write(results.join("manifest.json"), "{ half").expect("writing");
    let text = run(folder.path(), &["verify", "spec.toml"], 2);
    assert!(text.contains("results/spec/manifest.json is no manifest"), "{text}");
}

/// How many interventions a version recomputes is no result; one that fails is.
#[test]
fn self_checks_of_other_sizes_are_no_difference() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let step = "[[step]]\nname = \"heads\"\nkind = \"activation-patching\"\nsites = [\"z[head]\"]\n";
    let head = SPEC.split("[[step]]").next().expect("a head").replace("[prompts]", "[prompts]\nsample = 5");
    fs::write(folder.path().join("spec.toml"), format!("{head}\n{step}")).expect("writing");
    run(folder.path(), &["run", "spec.toml", "--quiet"], 0);
    let manifest = folder.path().join("results/spec/manifest.json");
    let text = fs::read_to_string(&manifest).expect("a manifest");
    let rows = text.split("\"rows\": ").nth(1).and_then(|rest| rest.split(',').next()).expect("a self-check");
    let other = text.replacen(&format!("\"rows\": {rows}"), "\"rows\": 3", 1);
    assert_ne!(other, text);
    fs::write(&manifest, &other).expect("writing");
    let said = run(folder.path(), &["verify", "results/spec"], 0);
    assert!(said.contains("results/spec: identical"), "{said}");
    // As an older version had none.
    let mut none: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    none["self_checks"] = serde_json::json!([]);
    fs::write(&manifest, none.to_string()).expect("writing");
    run(folder.path(), &["verify", "results/spec"], 0);
    let mut failed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    failed["self_checks"][0]["largest_difference"] = serde_json::json!(1e9);
    fs::write(&manifest, failed.to_string()).expect("writing");
    let said = run(folder.path(), &["verify", "results/spec"], 1);
    assert!(said.contains("self-check of step 'heads'"), "{said}");
}

/// What is kept is looked at without running anything.
#[test]
fn files_are_checked_without_a_run() {
    let folder = folder();
    let results = folder.path().join("results/spec");
    let said = run(folder.path(), &["verify", "results", "--files"], 0);
    assert!(said.starts_with("results/spec: ") && said.contains(" files as they were made\n"), "{said}");
    // As a repository may keep them.
    fs::remove_dir_all(results.join("rows")).expect("rows");
    fs::remove_file(results.join("figures/rates.png")).expect("a figure");
    let said = run(folder.path(), &["verify", "results", "--files"], 0);
    assert!(said.contains(" not kept\n"), "{said}");
    edit(&folder.path().join("spec.toml"), "at_least = 0.5", "at_least = 0.6");
    let said = run(folder.path(), &["verify", "results", "--files"], 0);
    assert!(said.contains("; of the spec are otherwise now: expect.addition.at_least"), "{said}");
    edit(&results.join("tables/rates.csv"), "+", "-");
    let said = run(folder.path(), &["verify", "results/spec", "--files"], 1);
    assert!(said.contains("tables/rates.csv is not the file that the run made"), "{said}");
    fs::remove_file(results.join("tables/rates.csv")).expect("a table");
    fs::remove_file(results.join("report.md")).expect("a report");
    let said = run(folder.path(), &["verify", "results", "--files"], 1);
    assert!(said.contains("tables/rates.csv is not there; report.md is not there"), "{said}");
    edit(&results.join("manifest.json"), "\"format\": 2", "\"format\": 1");
    let said = run(folder.path(), &["verify", "results", "--files"], 1);
    assert!(said.contains("is of format 1") && said.contains("1 of 1 results folders are not"), "{said}");
    run(folder.path(), &["verify", "spec.toml", "--files"], 2);
}
