use super::{SMALL, ablate, folder_with, stderr};
use std::fs;

#[test]
fn a_run_leaves_tables_figures_report_and_manifest() {
    let folder = folder_with(SMALL);
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("results/spec"), "says where the results are: {}", stderr(&output));
    let results = folder.path().join("results/spec");
    for file in [
        "report.md",
        "report.html",
        "manifest.json",
        "tables/rates.csv",
        "tables/rates.parquet",
        "tables/prompts.csv",
        "rows/accuracy.parquet",
        "rows/accuracy.prompts.parquet",
        "figures/bars.svg",
        "figures/bars.png",
    ] {
        let length = fs::metadata(results.join(file)).map(|meta| meta.len()).unwrap_or_default();
        assert!(length > 20, "{file}: {length} bytes");
    }
    let rates = fs::read_to_string(results.join("tables/rates.csv")).expect("a table");
    assert!(rates.starts_with("operator,n,rate\n+,72,"), "{rates}");
    let prompts = fs::read_to_string(results.join("tables/prompts.csv")).expect("a table");
    assert!(prompts.lines().count() == 1 + 2 * 72 && prompts.contains("11*6=,66"), "{prompts}");
    let report = fs::read_to_string(results.join("report.md")).expect("a report");
    assert!(report.contains("figures/bars.") && report.contains("ablate run spec.toml"), "{report}");
}

#[test]
fn quiet_prints_nothing() {
    let folder = folder_with(SMALL);
    let output = ablate(folder.path()).args(["run", "spec.toml", "--quiet"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!((output.stdout.len(), output.stderr.len()), (0, 0), "{}", stderr(&output));
}

#[test]
fn the_same_spec_gives_the_same_files() {
    let folder = folder_with(SMALL);
    let read = |dir: &str, batch: &str| {
        let sets = [format!("output.dir={dir}"), format!("run.batch={batch}")];
        let args = ["run", "spec.toml", "--set", &sets[0], "--set", &sets[1]];
        let output = ablate(folder.path()).args(args).output().expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let files = ["rows/accuracy.parquet", "rows/accuracy.prompts.parquet", "figures/bars.svg", "figures/bars.png"];
        files.map(|file| fs::read(folder.path().join(dir).join(file)).expect("a result"))
    };
    let first = read("one", "1000");
    assert!(first == read("two", "1000"), "two runs differ");
    assert!(first == read("three", "7"), "the batch size changes a result");
}

#[test]
fn columns_are_checked_before_any_work() {
    let spec = SMALL.replace("\"operator\", \"n\", \"rate\"", "\"operator\", \"ratte\"");
    let folder = folder_with(&spec);
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("ratte") && text.contains("'rate'") && text.contains("spec.toml:"), "{text}");
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
}

#[test]
fn a_missing_model_is_refused_with_its_place() {
    let folder = folder_with(&SMALL.replace("builtin:arith", "no/such/folder"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no/such/folder"), "{}", stderr(&output));
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let folder = folder_with(SMALL);
    let args = ["run", "spec.toml", "--set", "model.device=cuda:7"];
    let output = ablate(folder.path()).args(args).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("cuda:7"), "{}", stderr(&output));
}

#[test]
fn prompts_that_can_not_be_are_refused() {
    let folder = folder_with(&SMALL.replace("0..12", "200..300"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("no legal prompt"), "{}", stderr(&output));
}

/// A spec with one text in place of another is refused before any work; what it says.
fn refused(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old} is not in the spec");
    let folder = folder_with(&SMALL.replacen(old, new, 1));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(!folder.path().join("results").exists(), "no work before the refusal");
    stderr(&output)
}

#[test]
fn the_value_of_a_heat_map_is_checked_before_any_work() {
    let heat_map = "[[figure]]\nname = \"map\"\nkind = \"heatmap\"\nfrom = \"accuracy.prompts\"\nx = \"b\"\ny = \"a\"\n\
        value = \"log1p(corect)\"\n\n[[table]]";
    let text = refused("[[table]]", heat_map);
    assert!(text.contains("no column 'corect'; write 'correct'"), "{text}");
    assert!(text.contains("[spec.toml:22:9]") && text.contains("value = \"log1p(corect)\""), "{text}");
}

#[test]
fn every_wrong_column_is_shown_at_once() {
    let text = refused("x = \"operator\"\ny = \"rate\"", "x = \"oprator\"\ny = \"raet\"");
    assert!(text.contains("no column 'oprator'") && text.contains("no column 'raet'"), "{text}");
    assert!(text.contains("x = \"oprator\"") && text.contains("y = \"raet\"") && text.contains("2 errors"), "{text}");
    let text = refused("\"n\", \"rate\"]", "\"m\", \"ratio\"]\nwhere = { tempalte = \"x\" }");
    for column in ["'m'", "'ratio'", "'tempalte'"] {
        assert!(text.contains(&format!("no column {column}")), "{text}");
    }
    assert!(text.contains("3 errors"), "{text}");
}

#[test]
fn a_transformed_height_is_drawn() {
    let folder = folder_with(&SMALL.replace("y = \"rate\"\n", "y = \"log1p(rate)\"\n"));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let drawn = fs::read_to_string(folder.path().join("results/spec/figures/bars.svg")).expect("a figure");
    assert!(drawn.contains("log(1 + rate)"), "its axis says so");
}

#[test]
fn errors_after_the_work_name_the_table_or_figure_once() {
    let pivot = "[[table]]\nname = \"wide\"\nfrom = \"accuracy.prompts\"\n\
        pivot = { index = [\"operator\"], on = \"a\", values = \"given\" }\n\n[[figure]]";
    let folder = folder_with(&SMALL.replace("[[figure]]", pivot));
    let output = ablate(folder.path()).args(["run", "spec.toml", "--quiet"]).output().expect("the binary runs");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("6 rows have operator = +") && text.contains("[spec.toml:"), "{text}");
}

/// A figure of a condition, and what the run ends with, says, and leaves as its report.
fn conditioned(condition: &str) -> (Option<i32>, String, String) {
    let spec = SMALL.replace("y = \"rate\"\n", &format!("y = \"rate\"\nwhere = {{ {condition} }}\n"));
    let folder = folder_with(&spec);
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    let report = fs::read_to_string(folder.path().join("results/spec/report.md")).unwrap_or_default();
    let drawn = folder.path().join("results/spec/figures/bars.svg").is_file();
    assert_eq!(drawn, !report.is_empty(), "{}", stderr(&output));
    (output.status.code(), stderr(&output), report)
}

#[test]
fn a_figure_without_rows_is_a_result_and_says_so() {
    for condition in ["operator = \"/\"", "rate = \"> 2\"", "operator = \"+\", n = \"< 1\""] {
        let (code, text, report) = conditioned(condition);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("note: bars: no rows: ") && report.contains("*no rows: "), "{text}\n{report}");
    }
}

#[test]
fn a_misspelt_value_of_a_condition_is_refused() {
    // Texts of the program's own, before any work.
    let (code, text, report) = conditioned("decode = \"first_token\"");
    assert_eq!((code, report.as_str()), (Some(2), ""), "{text}");
    assert!(text.contains("'decode' is never 'first_token'") && text.contains("write \"first-token\""), "{text}");
    let (code, text, report) = conditioned("operator = [\"+\", \"plus\"]");
    assert_eq!((code, report.as_str()), (Some(2), ""), "{text}");
    assert!(text.contains("'operator' is never 'plus'") && text.contains("there are +, -, *, /, words"), "{text}");
    // Others once there are rows, and everything is written.
    let (code, text, report) = conditioned("template = \"other\"");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("'template' is never other here; it is "), "{text}");
    assert!(text.contains("spec.toml:") && report.contains("*no rows: 'template' is never other"), "{text}\n{report}");
}

/// Tables pass the texts of a step's columns on, and a table without rows stays one.
#[test]
fn conditions_of_tables_and_expectations_are_spelt_out_too() {
    let wrong = "[[table]]\nname = \"few\"\nfrom = \"rates\"\nwhere = { operator = \"plus\" }\n\
        [[expect]]\nname = \"one\"\nfrom = \"few\"\nwhere = { operator = \"minus\" }\nvalue = \"rate\"\nat_least = 0\n";
    let text = refused("[[figure]]", &format!("{wrong}\n[[figure]]"));
    assert!(text.contains("'operator' is never 'plus'") && text.contains("'operator' is never 'minus'"), "{text}");
    let empty = "[[table]]\nname = \"few\"\nfrom = \"rates\"\nwhere = { operator = \"/\" }\n\
        [[table]]\nname = \"none\"\nfrom = \"accuracy.prompts\"\nwhere = { a = 99 }\n";
    let folder = folder_with(&SMALL.replace("[[figure]]", &format!("{empty}\n[[figure]]")));
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert!(text.contains("note: table none: 'a' is never 99 here") && !text.contains("never /"), "{text}");
}

#[test]
fn notes_on_the_prompts_of_a_training_are_told() {
    let training = "title = \"t\"\n[prompts]\noperands = { a = \"0..5\", b = \"0..5\" }\noperators = [\"+\", \"*\"]\nsample = 100\n\
        [[step]]\nname = \"train\"\nkind = \"train\"\nnumbers = 20\nlayers = 1\nd_model = 8\nheads = 2\nd_mlp = 8\nsteps = 2\n\
        batch = 4\noptimizer = { lr = 0.001 }\n";
    let folder = folder_with(training);
    let output = ablate(folder.path()).args(["run", "spec.toml"]).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let report = fs::read_to_string(folder.path().join("results/spec/report.md")).expect("a report");
    for text in [stderr(&output), report] {
        assert!(text.contains("25 prompts, fewer than sample = 100"), "{text}");
    }
}
