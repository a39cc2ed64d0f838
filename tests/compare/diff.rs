//! `ablate diff`.

use super::{SPEC, sandbox};
use crate::support::{Sandbox, says};

/// The same spec with another draw of prompts, in `results/a` and `results/b`.
fn two() -> Sandbox {
    let sandbox = sandbox();
    for (dir, seed) in [("results/a", "1"), ("results/b", "2")] {
        let sets = ["prompts.sample=30", &format!("prompts.seeds=[{seed}]"), &format!("output.dir={dir}")];
        let args: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        sandbox.run(&[&["run", "spec.toml", "--quiet"], args.as_slice()].concat()).ok();
    }
    sandbox
}

#[test]
fn equal_results_are_equal() {
    let sandbox = sandbox();
    let text = sandbox.run(&["diff", "results/spec", "results/spec/manifest.json"]).ok().text;
    says(&text, ["\nidentical\n", "12 of 12 files identical to the byte"]);
    // What is not kept on one side is no difference, on either.
    for file in ["manifest.json", "tables/rates.csv", "tables/by_first.csv"] {
        sandbox.write(format!("copy/{file}"), sandbox.bytes(format!("results/spec/{file}")));
    }
    let text = sandbox.run(&["diff", "copy", "results/spec"]).ends(1).text;
    assert!(text.contains("figures/rates.svg: in B, but not in A"), "{text}");
    for file in ["figures/rates.svg", "figures/answers.svg"] {
        sandbox.write(format!("copy/{file}"), sandbox.bytes(format!("results/spec/{file}")));
    }
    for sides in [["copy", "results/spec"], ["results/spec", "copy"]] {
        let text = sandbox.run(&["diff", sides[0], sides[1]]).ok().text;
        assert!(text.contains("4 of 4 files identical to the byte; 8 more were not kept"), "{text}");
    }
}

#[test]
fn two_results_differ_by_spec_and_cells() {
    let sandbox = two();
    let text = sandbox.run(&["diff", "results/a", "results/b"]).ends(1).text;
    assert!(text.starts_with("A: results/a\nB: results/b\ndiffers\n"), "{text}");
    says(
        &text,
        [
            "prompts.seeds: [1] (--set prompts.seeds=[1]) → [2] (--set",
            "output.dir: \"results/a\" (--set",
            "tables/by_first.csv: differs",
            "'answer': ",
            "results/a and results/b differ",
        ],
    );
    let json = sandbox.run(&["diff", "results/a", "results/b", "--json"]).ends(1).text;
    let json: serde_json::Value = serde_json::from_str(json.rsplit_once("\nerror").expect("an error").0).expect("JSON");
    assert_eq!(json["verdict"], "differs");
    let files = json["difference"]["files"].as_array().expect("files");
    let table = files.iter().find(|file| file["path"] == "tables/by_first.csv").expect("the table");
    let columns = table["outcome"]["table"]["columns"].as_array().expect("columns");
    let answer = columns.iter().find(|column| column["name"] == "answer").expect("a column");
    // The values that the table has, by hand from the two files.
    let cells = |dir: &str| -> Vec<(String, f64)> {
        let text = sandbox.read(format!("{dir}/tables/by_first.csv"));
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
    let sandbox = two();
    let before = sandbox.bytes("results/a/manifest.json");
    let args = ["diff", "results/a", "results/b", "--figure", "figures/ab.svg", "--into", "out"];
    let text = sandbox.run(&args).ends(1).text;
    assert!(text.contains("report in out/report.md"), "{text}");
    let svg = sandbox.read("figures/ab.svg");
    says(&svg, ["by_first: answer", "results/a, share of the column"]);
    let report = sandbox.read("out/report.md");
    says(&report, ["figures/all.svg", "figures/by_first-answer.png", "prompts.seeds", "tables/by\\_first.csv"]);
    for file in ["tables/columns.csv", "tables/cells.csv", "tables/spec.csv", "figures/all.png"] {
        assert!(sandbox.at("out").join(file).is_file(), "{file}");
    }
    assert!(sandbox.bytes("results/a/manifest.json") == before);
    let text = sandbox.run(&["diff", "results/a", "results/b", "--into", "results/b"]).ends(2).text;
    assert!(text.contains("this is a results folder"), "{text}");
    let text = sandbox.run(&["diff", "results/a", "results/b", "--figure", "x.jpg"]).ends(2).text;
    assert!(text.contains(".svg, .png or .pdf"), "{text}");
}

#[test]
fn specs_differ_by_resolved_values_with_their_origins() {
    let sandbox = sandbox();
    sandbox.write("b.toml", SPEC);
    assert_eq!(sandbox.run(&["diff", "spec.toml", "b.toml"]).ok().text, "");
    sandbox.edit("b.toml", "per_prompt = true", "per_prompt = true\n\n[run]\nmemory_mib = 64");
    let text = sandbox.run(&["diff", "spec.toml", "b.toml"]).ends(1).text;
    assert!(text.contains("run.memory_mib: 1024 (default) → 64 (b.toml:17:14)\n"), "{text}");
    sandbox.edit("b.toml", "kind = \"bars\"", "kind = \"lines\"");
    sandbox.write("c.toml", "extends = \"b.toml\"\n[[figure]]\nname = \"answers\"\nseries = \"a\"\n");
    let text = sandbox.run(&["diff", "spec.toml", "c.toml"]).ends(1).text;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("figure.rates.kind: \"bars\" (spec.toml:"), "{text}");
    assert!(lines[1].starts_with("figure.answers.series: \"operator\" (spec.toml:"), "{text}");
    assert!(lines[1].ends_with("→ \"a\" (c.toml:4:10)"), "{text}");
    assert!(lines[3].contains("spec.toml and c.toml differ"), "{text}");
    let text = sandbox.run(&["diff", "spec.toml", "results/spec"]).ends(2).text;
    assert!(text.contains("A is a spec, and B is not"), "{text}");
    let text = sandbox.run(&["diff", "results/none", "results/spec"]).ends(2).text;
    assert!(text.contains("results/none"), "{text}");
}
