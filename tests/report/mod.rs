//! The report: links, escapes, and every number from the frames.

mod hostile;
mod html;
mod index;

use ablate::expectation::{Compared, Verdict};
use ablate::manifest::Manifest;
use ablate::report::{Report, ReportFigure, ReportTable, markdown, write};
use polars::prelude::*;
use std::path::Path;

fn report() -> Report {
    Report {
        title: "Accuracy of the built-in model".into(),
        description: Some("Four operators, *all* prompts.".into()),
        command: "ablate run experiments/quickstart.toml".into(),
        tables: vec![ReportTable {
            name: "rates".into(),
            title: Some("Accuracy".into()),
            frame: df!("operator" => ["+", "*"], "rate" => [0.98765, 0.5]).unwrap(),
            why_empty: None,
            decimals: 3,
            files: vec!["out/tables/rates.csv".into(), "out/tables/rates.parquet".into()],
            place: 0,
        }],
        figures: vec![ReportFigure {
            name: "rates".into(),
            title: None,
            files: vec!["out/figures/a rate (1).png".into(), "out/figures/rates.svg".into()],
            notes: vec!["3 points are not drawn: rate is not finite".into()],
            place: 0,
        }],
        spec_toml: "title = \"a\"\ndescription = '''```'''\n".into(),
        facts: vec![("CPU".into(), "a|b".into())],
        notes: vec!["a check failed".into()],
        expectations: vec![
            compared(
                "is = 0.97\ntolerance = 0.02\nmodel = 'llama3-8b'\nsource = 'table 3'",
                Some(0.95),
                Verdict::Agree,
            ),
            compared("is = 0.97\ntolerance = 0.01\nmodel = 'llama3-8b'", Some(0.959_99), Verdict::Differ),
            compared("at_least = 0.5\nmodel = 'gpt-j'", Some(0.1), Verdict::OtherModel),
            compared("at_most = 3", None, Verdict::Differ),
        ],
        ..Report::default()
    }
}

/// A manifest of a run of the same.
fn manifest() -> Manifest {
    let digest = "123456789abcdef";
    let value = serde_json::json!({
        "format": ablate::manifest::FORMAT,
        "title": "Accuracy of the built-in model",
        "command": "ablate run experiments/quickstart.toml",
        "folder": "results/quickstart",
        "started": "2026-01-02T03:04:05Z", "ended": "2026-01-02T03:04:06Z", "seconds": 1.0,
        "ablate": { "version": "0.1.0", "executable": digest },
        "dependencies": [{ "name": "burn", "version": "0.22.1" }],
        "machine": { "system": "linux", "processor": "AMD EPYC", "instructions": "avx2", "cores": 2, "threads": 2, "gpus": [] },
        "spec": { "sha256": digest, "files": [], "sets": [], "environment": {}, "toml": "", "values": [] },
        "models": [{
            "name": "model", "source": "hub:a/b", "revision": "deadbeef", "fingerprint": digest, "family": "gpt_neox",
            "parameters": 12, "stored_dtype": "f32", "dtype": "f32", "device": "cpu",
            "processing": { "fold_norm": true, "center_unembed": true, "center_writing": true },
        }],
        "prompts": [],
        "steps": [{
            "name": "accuracy", "kind": "accuracy", "key": digest, "seconds": 0.5,
            "from_store": { "computed": "2026-01-02", "processor": "AMD EPYC", "seconds": 3.0 },
        }],
        "self_checks": [], "expectations": [], "notes": ["a note"],
        "files": [{ "path": "figures/rates.svg", "sha256": digest }],
    });
    serde_json::from_value(value).unwrap()
}

fn compared(keys: &str, ours: Option<f64>, verdict: Verdict) -> Compared {
    let expected = toml::from_str(&format!("name = 'addition'\nfrom = 'rates'\nvalue = 'rate'\n{keys}")).unwrap();
    Compared { expected, ours, rows: 1, at_hand: Some("llama3-8b".into()), verdict }
}

/// Three decimals would say that 0.95999 is within 0.01 of 0.97.
#[test]
fn numbers_have_the_decimals_that_show_the_verdict() {
    let shown = |keys: &str, ours: f64| compared(keys, Some(ours), Verdict::Agree).shown();
    assert_eq!(shown("is = 0.97\ntolerance = 0.01", 0.959_99), "0.95999");
    assert_eq!(shown("is = 0.97\ntolerance = 0.02", 0.950_01), "0.950");
    assert_eq!(shown("at_most = 0.0001", 0.000_09), "0.000090");
    assert_eq!(shown("at_least = 3", 17.0), "17");
    assert_eq!(shown("at_least = 3", f64::NAN), "NaN");
    assert_eq!(shown("is = 0.123456789012\ntolerance = 0", 0.123456789013), "0.123456789013");
}

#[test]
fn a_number_holds_to_the_last_bit_of_its_tolerance() {
    let holds = |keys: &str, ours: f64| compared(keys, None, Verdict::Agree).expected.holds(ours);
    assert!(holds("is = 0.97\ntolerance = 0.02", 0.95) && holds("is = 0.97\ntolerance = 0.02", 0.99));
    assert!(!holds("is = 0.97\ntolerance = 0.02", 0.9499999999));
    assert!(!holds("is = 0.97\ntolerance = 1", f64::NAN) && !holds("at_least = 0", f64::NAN));
    assert!(holds("at_least = 0.5\nat_most = 0.5", 0.5));
}

#[test]
fn reads_as_expected() {
    insta::assert_snapshot!(markdown(&report(), Path::new("out")));
}

#[test]
fn long_tables_are_cut_and_say_so() {
    let mut report = report();
    report.tables[0].frame = df!("n" => (0..1000i64).collect::<Vec<_>>()).unwrap();
    let text = markdown(&report, Path::new("out"));
    assert!(text.contains("| 39 |\n\nThe first 40 of 1000 rows."), "{text}");
}

#[test]
fn a_table_without_rows_says_why() {
    let mut report = report();
    report.tables[0].frame = report.tables[0].frame.clear();
    assert!(markdown(&report, Path::new("out")).contains("\nNo rows.\n"));
    report.tables[0].why_empty = Some("'a_b' is never x".into());
    let text = markdown(&report, Path::new("out"));
    assert!(text.contains("\nNo rows: 'a\\_b' is never x.\n"), "{text}");
}

#[test]
fn nothing_to_show_is_a_report_too() {
    let text = markdown(
        &Report { title: "t".into(), command: "ablate run t.toml".into(), ..Report::default() },
        Path::new(""),
    );
    assert_eq!(text, "# t\n\n```sh\nablate run t.toml\n```\n");
}

#[test]
fn is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.md");
    write(&report(), &path).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), markdown(&report(), folder.path()));
}
