//! `ablate diff`.

use super::{SPEC, edit, folder, run};
use std::fs;

/// The same spec with another draw of prompts, in `results/a` and `results/b`.
fn two() -> tempfile::TempDir {
    let folder = folder();
    for (dir, seed) in [("results/a", "1"), ("results/b", "2")] {
        let sets = ["prompts.sample=30", &format!("prompts.seeds=[{seed}]"), &format!("output.dir={dir}")];
        let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        run(folder.path(), &[&["run", "spec.toml", "--quiet"], args.as_slice()].concat(), 0);
    }
    folder
}

#[test]
fn equal_results_are_equal() {
    let folder = folder();
    let text = run(folder.path(), &["diff", "results/spec", "results/spec/manifest.json"], 0);
    assert!(text.contains("\nidentical\n") && text.contains("12 of 12 files identical to the byte"), "{text}");
    // What is not kept on one side is no difference, on either.
    fs::create_dir_all(folder.path().join("copy/tables")).expect("a folder");
    for file in ["manifest.json", "tables/rates.csv", "tables/by_first.csv"] {
        fs::copy(folder.path().join("results/spec").join(file), folder.path().join("copy").join(file)).expect(file);
    }
    let text = run(folder.path(), &["diff", "copy", "results/spec"], 1);
    assert!(text.contains("figures/rates.svg: in B, but not in A"), "{text}");
    fs::create_dir_all(folder.path().join("copy/figures")).expect("a folder");
    for file in ["figures/rates.svg", "figures/answers.svg"] {
        fs::copy(folder.path().join("results/spec").join(file), folder.path().join("copy").join(file)).expect(file);
    }
    for sides in [["copy", "results/spec"], ["results/spec", "copy"]] {
        let text = run(folder.path(), &["diff", sides[0], sides[1]], 0);
        assert!(text.contains("4 of 4 files identical to the byte; 8 not kept"), "{text}");
    }
}

#[test]
fn two_results_differ_by_spec_and_cells() {
    let folder = two();
    let text = run(folder.path(), &["diff", "results/a", "results/b"], 1);
    assert!(text.starts_with("A: results/a\nB: results/b\ndiffers\n"), "{text}");
    assert!(
        text.contains("prompts.seeds: [1] (--set prompts.seeds=[1]) → [2] (--set")
            && text.contains("output.dir: \"results/a\" (--set"),
        "{text}"
    );
    assert!(text.contains("tables/by_first.csv: differs") && text.contains("'answer': "), "{text}");
    assert!(text.contains("results/a and results/b differ"), "{text}");
    let json = run(folder.path(), &["diff", "results/a", "results/b", "--json"], 1);
    let json: serde_json::Value = serde_json::from_str(json.rsplit_once("\nerror").expect("an error").0).expect("JSON");
    assert_eq!(json["verdict"], "differs");
    let files = json["difference"]["files"].as_array().expect("files");
    let table = files.iter().find(|file| file["path"] == "tables/by_first.csv").expect("the table");
    let columns = table["outcome"]["table"]["columns"].as_array().expect("columns");
    let answer = columns.iter().find(|column| column["name"] == "answer").expect("a column");
    // The values that the table has, by hand from the two files.
    let cells = |dir: &str| -> Vec<(String, f64)> {
        let text = fs::read_to_string(folder.path().join(dir).join("tables/by_first.csv")).expect("a table");
        let row = |line: &str| {
            let words: Vec<&str> = line.split(',').collect();
            (words[..2].join(","), words[3].parse().expect("a number"))
        };
        text.lines().skip(1).map(row).collect()
    };
    let (a, b) = (cells("results/a"), cells("results/b"));
    let apart: Vec<f64> =
        a.iter().filter_map(|(key, one)| Some((b.iter().find(|(other, _)| other == key)?.1 - one).abs())).collect();
    let largest = apart.iter().copied().fold(0.0, f64::max);
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    assert_eq!(answer["largest"].as_f64(), Some(largest));
    assert!((answer["mean"].as_f64().expect("a mean") - mean).abs() < 1e-12);
    assert_eq!(table["outcome"]["table"]["only_rows"][0], a.len() - apart.len());
}

#[test]
fn differences_are_drawn_and_reported() {
    let folder = two();
    let before = fs::read(folder.path().join("results/a/manifest.json")).expect("a manifest");
    let args = ["diff", "results/a", "results/b", "--figure", "figures/ab.svg", "--into", "out"];
    let text = run(folder.path(), &args, 1);
    assert!(text.contains("report in out/report.md"), "{text}");
    let svg = fs::read_to_string(folder.path().join("figures/ab.svg")).expect("a figure");
    assert!(svg.contains("by_first: answer") && svg.contains("results/a, share of the column"), "{svg}");
    let report = fs::read_to_string(folder.path().join("out/report.md")).expect("a report");
    assert!(report.contains("figures/all.svg") && report.contains("figures/by_first-answer.png"), "{report}");
    assert!(report.contains("prompts.seeds") && report.contains("tables/by\\_first.csv"), "{report}");
    for file in ["tables/columns.csv", "tables/cells.csv", "tables/spec.csv", "figures/all.png"] {
        assert!(folder.path().join("out").join(file).is_file(), "{file}");
    }
    assert!(fs::read(folder.path().join("results/a/manifest.json")).expect("still there") == before);
    let text = run(folder.path(), &["diff", "results/a", "results/b", "--into", "results/b"], 2);
    assert!(text.contains("it is a results folder"), "{text}");
    let text = run(folder.path(), &["diff", "results/a", "results/b", "--figure", "x.pdf"], 2);
    assert!(text.contains(".svg or .png"), "{text}");
}

#[test]
fn specs_differ_by_resolved_values_with_their_origins() {
    let folder = folder();
    fs::write(folder.path().join("b.toml"), SPEC).expect("a spec");
    assert_eq!(run(folder.path(), &["diff", "spec.toml", "b.toml"], 0), "");
    edit(&folder.path().join("b.toml"), "per_prompt = true", "per_prompt = true\n\n[run]\nmemory_mib = 64");
    let text = run(folder.path(), &["diff", "spec.toml", "b.toml"], 1);
    assert!(text.contains("run.memory_mib: 1024 (default) → 64 (b.toml:17:14)\n"), "{text}");
    edit(&folder.path().join("b.toml"), "kind = \"bars\"", "kind = \"lines\"");
    fs::write(folder.path().join("c.toml"), "extends = \"b.toml\"\n[[figure]]\nname = \"answers\"\nseries = \"a\"\n")
        .expect("a spec");
    let text = run(folder.path(), &["diff", "spec.toml", "c.toml"], 1);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("figure.rates.kind: \"bars\" (spec.toml:"), "{text}");
    assert!(lines[1].starts_with("figure.answers.series: \"operator\" (spec.toml:"), "{text}");
    assert!(lines[1].ends_with("→ \"a\" (c.toml:4:10)"), "{text}");
    assert!(lines[3].contains("spec.toml and c.toml differ"), "{text}");
    let text = run(folder.path(), &["diff", "spec.toml", "results/spec"], 2);
    assert!(text.contains("A is a spec and B is none"), "{text}");
    let text = run(folder.path(), &["diff", "results/none", "results/spec"], 2);
    assert!(text.contains("results/none"), "{text}");
}
