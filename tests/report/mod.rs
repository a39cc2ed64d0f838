//! The report: links, escapes, and every number from the frames.

use ablate::report::{Figure, Report, Table, markdown, write};
use polars::prelude::*;
use std::path::Path;

fn report() -> Report {
    Report {
        title: "Accuracy of the built-in model".into(),
        description: Some("Four operators, *all* prompts.".into()),
        command: "ablate run experiments/quickstart.toml".into(),
        tables: vec![Table {
            name: "rates".into(),
            title: Some("Accuracy".into()),
            frame: df!("operator" => ["+", "*"], "rate" => [0.98765, 0.5]).unwrap(),
            decimals: 3,
            files: vec!["out/tables/rates.csv".into(), "out/tables/rates.parquet".into()],
        }],
        figures: vec![Figure {
            name: "rates".into(),
            title: None,
            files: vec!["out/figures/a rate (1).png".into(), "out/figures/rates.svg".into()],
            notes: vec!["3 points are not drawn: rate is not finite".into()],
        }],
        spec_toml: "title = \"a\"\ndescription = '''```'''\n".into(),
        facts: vec![("CPU".into(), "a|b".into())],
        notes: vec!["a check failed".into()],
        checks: Vec::new(),
    }
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
