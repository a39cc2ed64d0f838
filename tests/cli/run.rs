use super::SMALL;
use crate::support::{Sandbox, says};

#[test]
fn a_run_leaves_tables_figures_report_and_manifest() {
    let sandbox = Sandbox::with(SMALL);
    says(sandbox.ran().err, ["results/spec"]);
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
        let length = sandbox.bytes(format!("results/spec/{file}")).len();
        assert!(length > 20, "{file}: {length} bytes");
    }
    let rates = sandbox.table("rates");
    assert!(rates.starts_with("operator,n,rate\n+,72,"), "{rates}");
    let prompts = sandbox.table("prompts");
    assert!(prompts.lines().count() == 1 + 2 * 72 && prompts.contains("11*6=,66"), "{prompts}");
    let report = sandbox.report();
    says(&report, ["figures/bars.", "ablate run spec.toml"]);
}

#[test]
fn quiet_prints_nothing() {
    assert_eq!(Sandbox::with(SMALL).run(&["run", "spec.toml", "--quiet"]).ok().text, "");
}

#[test]
fn the_same_spec_gives_the_same_files() {
    let sandbox = Sandbox::with(SMALL);
    let read = |dir: &str, batch: &str| {
        sandbox.run_into(dir, &["--set", &format!("run.batch={batch}")]);
        let files = ["rows/accuracy.parquet", "rows/accuracy.prompts.parquet", "figures/bars.svg", "figures/bars.png"];
        files.map(|file| sandbox.bytes(format!("{dir}/{file}")))
    };
    let first = read("one", "1000");
    assert!(first == read("two", "1000"), "two runs differ");
    assert!(first == read("three", "7"), "the batch size changes a result");
}

#[test]
fn columns_are_checked_before_any_work() {
    let spec = SMALL.replace("\"operator\", \"n\", \"rate\"", "\"operator\", \"ratte\"");
    says(Sandbox::with(&spec).refused(), ["ratte", "'rate'", "spec.toml:"]);
}

#[test]
fn a_missing_model_is_refused_with_its_place() {
    let sandbox = Sandbox::with(&SMALL.replace("builtin:arith", "no/such/folder"));
    says(sandbox.run(&["run", "spec.toml"]).refused(), ["no/such/folder"]);
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    let sandbox = Sandbox::with(SMALL);
    for device in ["cuda:7", "gpu:7"] {
        let args = ["run", "spec.toml", "--set", &format!("model.device={device}")];
        says(sandbox.run(&args).refused(), [device, "device"]);
    }
    let mixed = sandbox.run(&["run", "spec.toml", "--set", "model.device=[\"cpu\", \"cuda:0\"]"]);
    says(mixed.refused(), ["'cuda:0'"]);
}

#[test]
fn several_devices_of_a_kind_run_a_model() {
    let sandbox = Sandbox::with(SMALL);
    sandbox.run(&["run", "spec.toml", "--set", "model.device=[\"cpu\", \"cpu\"]"]).ok();
    let manifest = sandbox.json("results/spec/manifest.json");
    assert_eq!(manifest["models"][0]["device"], "cpu, cpu");
}

#[test]
fn prompts_that_can_not_be_are_refused() {
    let sandbox = Sandbox::with(&SMALL.replace("0..12", "200..300"));
    says(sandbox.run(&["run", "spec.toml"]).refused(), ["is legal: all 600 are dropped"]);
}

/// A spec with one text in place of another is refused before any work; what it says.
fn refused(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old} is not in the spec");
    Sandbox::with(&SMALL.replacen(old, new, 1)).refused()
}

#[test]
fn the_value_of_a_heat_map_is_checked_before_any_work() {
    let heat_map = "[[figure]]\nname = \"map\"\nkind = \"heatmap\"\nfrom = \"accuracy.prompts\"\nx = \"b\"\ny = \"a\"\n\
        value = \"log1p(corect)\"\n\n[[table]]";
    let text = refused("[[table]]", heat_map);
    says(&text, ["no column 'corect'; write 'correct'", "[spec.toml:22:9]", "value = \"log1p(corect)\""]);
}

#[test]
fn every_wrong_column_is_shown_at_once() {
    let text = refused("x = \"operator\"\ny = \"rate\"", "x = \"oprator\"\ny = \"raet\"");
    says(&text, ["no column 'oprator'", "no column 'raet'", "x = \"oprator\"", "y = \"raet\"", "2 errors"]);
    let text = refused("\"n\", \"rate\"]", "\"m\", \"ratio\"]\nwhere = { tempalte = \"x\" }");
    for column in ["'m'", "'ratio'", "'tempalte'"] {
        assert!(text.contains(&format!("no column {column}")), "{text}");
    }
    assert!(text.contains("3 errors"), "{text}");
}

#[test]
fn a_transformed_height_is_drawn() {
    let sandbox = Sandbox::with(&SMALL.replace("y = \"rate\"\n", "y = \"log1p(rate)\"\n"));
    sandbox.ran();
    let drawn = sandbox.read("results/spec/figures/bars.svg");
    assert!(drawn.contains("log(1 + rate)"), "its axis says so");
}

#[test]
fn errors_after_the_work_name_the_table_or_figure_once() {
    let pivot = "[[table]]\nname = \"wide\"\nfrom = \"accuracy.prompts\"\n\
        pivot = { index = [\"operator\"], on = \"a\", values = \"given\" }\n\n[[figure]]";
    let sandbox = Sandbox::with(&SMALL.replace("[[figure]]", pivot));
    says(sandbox.run(&["run", "spec.toml", "--quiet"]).failed(), ["6 rows have operator = +", "[spec.toml:"]);
}

/// A figure of a condition, and what the run ends with, says, and leaves as its report.
fn conditioned(condition: &str) -> (Option<i32>, String, String) {
    let spec = SMALL.replace("y = \"rate\"\n", &format!("y = \"rate\"\nwhere = {{ {condition} }}\n"));
    let sandbox = Sandbox::with(&spec);
    let ran = sandbox.run(&["run", "spec.toml"]);
    let report = if sandbox.has("results") { sandbox.report() } else { String::new() };
    let drawn = sandbox.at("results/spec/figures/bars.svg").is_file();
    assert_eq!(drawn, !report.is_empty(), "{}", ran.err);
    (ran.code, ran.err, report)
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
    says(&text, ["'decode' is never 'first_token'", "write \"first-token\""]);
    let (code, text, report) = conditioned("operator = [\"+\", \"plus\"]");
    assert_eq!((code, report.as_str()), (Some(2), ""), "{text}");
    says(&text, ["'operator' is never 'plus'", "write one of +, -, *, /, words"]);
    // Others once there are rows, and everything is written.
    let (code, text, report) = conditioned("template = \"other\"");
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("'template' is never other here; its values are "), "{text}");
    assert!(text.contains("spec.toml:") && report.contains("*no rows: 'template' is never other"), "{text}\n{report}");
}

/// Tables pass the texts of a step's columns on, and a table without rows stays one.
#[test]
fn conditions_of_tables_and_expectations_are_spelt_out_too() {
    let wrong = "[[table]]\nname = \"few\"\nfrom = \"rates\"\nwhere = { operator = \"plus\" }\n\
        [[expect]]\nname = \"one\"\nfrom = \"few\"\nwhere = { operator = \"minus\" }\nvalue = \"rate\"\nat_least = 0\n";
    let text = refused("[[figure]]", &format!("{wrong}\n[[figure]]"));
    says(&text, ["'operator' is never 'plus'", "'operator' is never 'minus'"]);
    let empty = "[[table]]\nname = \"few\"\nfrom = \"rates\"\nwhere = { operator = \"/\" }\n\
        [[table]]\nname = \"none\"\nfrom = \"accuracy.prompts\"\nwhere = { a = 99 }\n";
    let sandbox = Sandbox::with(&SMALL.replace("[[figure]]", &format!("{empty}\n[[figure]]")));
    let text = sandbox.run(&["run", "spec.toml"]).refused();
    assert!(text.contains("note: table none: 'a' is never 99 here") && !text.contains("never /"), "{text}");
}

#[test]
fn notes_on_the_prompts_of_a_training_are_told() {
    let training = "title = \"t\"\n[prompts]\noperands = { a = \"0..5\", b = \"0..5\" }\noperators = [\"+\", \"*\"]\nsample = 100\n\
        [[step]]\nname = \"train\"\nkind = \"train\"\nnumbers = 20\nlayers = 1\nd_model = 8\nheads = 2\nd_mlp = 8\nsteps = 2\n\
        batch = 4\noptimizer = { lr = 0.001 }\n";
    let sandbox = Sandbox::with(training);
    let ran = sandbox.ran();
    let report = sandbox.report();
    for text in [ran.err, report] {
        assert!(text.contains("25 prompts, fewer than sample = 100"), "{text}");
    }
}
