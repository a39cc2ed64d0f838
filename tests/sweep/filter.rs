//! `--filter`.

use crate::support::{Sandbox, says};

const SPEC: &str = "title = \"TITLE\"\nmodel.source = \"builtin:arith\"\n\
    prompts = { operands = { a = \"0..5\", b = \"1..5\" }, operators = [\"+\"] }\n[[step]]\nname = \"accuracy\"\nkind = \"accuracy\"\n";
const EFFECTS: &str =
    "[[step]]\nname = \"effects\"\nkind = \"activation-patching\"\nsites = [\"mlp_post\"]\npositions = [\"last\"]\n";

fn sandbox() -> Sandbox {
    let spec = |title: &str| SPEC.replace("TITLE", title);
    let effects = format!("{}{EFFECTS}", spec("which heads matter"));
    Sandbox::of(&[
        ("e/fig01.toml", &spec("how well")),
        ("e/fig02.toml", &effects),
        ("e/table1.toml", &spec("how well (again)")),
        ("wrong/fig09.toml", "title = "),
    ])
}

/// The specs that a plan of several has.
fn planned(sandbox: &Sandbox, filter: &str) -> Vec<String> {
    let ended = sandbox.run(&["plan", "e", "--filter", filter]).ok();
    let headings = ended.out.lines().filter_map(|line| line.strip_prefix("e/")?.strip_suffix(".toml"));
    headings.map(String::from).collect()
}

#[test]
fn conditions_say_which_specs_are_meant() {
    let sandbox = sandbox();
    for (filter, expected) in [
        ("name ~ fig0", vec!["fig01", "fig02"]),
        ("not name ~ ^fig and name !~ x or title = \"which heads matter\"", vec!["fig02", "table1"]),
        ("kind = accuracy and (title ~ 'again|well$')", vec!["fig01", "table1"]),
        ("model = builtin:arith and name !~ 'fig02|09'", vec!["fig01", "table1"]),
        ("kind != activation-patching and title !~ ^which", vec!["fig01", "table1"]),
    ] {
        assert_eq!(planned(&sandbox, filter), expected, "{filter}");
    }
}

#[test]
fn one_spec_is_run_and_others_are_not_read() {
    let sandbox = sandbox();
    assert_eq!(sandbox.run(&["run", "e", "wrong", "--filter", "name = fig02", "--quiet"]).ok().text, "");
    assert!(sandbox.has("results/fig02/report.md") && !sandbox.has("results/fig01"));
    // What a spec that cannot be read is about is not known.
    sandbox.run(&["run", "e", "wrong", "--filter", "title ~ which", "--quiet"]).refused();
}

#[test]
fn what_means_nothing_is_refused() {
    let sandbox = sandbox();
    for (filter, said) in [
        ("name ~ fig3", "it fits none of the specs: e/fig01.toml, e/fig02.toml, e/table1.toml"),
        ("nmae ~ fig", "specs have no 'nmae'; write 'name'\n    nmae ~ fig\n    ^^^^"),
        ("name fig", "'fig' cannot stand after 'name'; write =, !=, ~ or !~"),
        ("name ~", "nothing stands after '~'; write a text"),
        ("name ~ fig and", "nothing stands after 'and'; write a condition"),
        ("name ~ fig and or kind = x", "nothing stands before 'or'; write a condition"),
        (
            "name ~ fig title = x",
            "'title' follows a condition; write 'and' or 'or' before it\n    name ~ fig title = x\n               ^^^^^",
        ),
        ("(name ~ fig", "this parenthesis is not closed"),
        ("name ~ [", "not a regular expression"),
        ("name = \"x", "the quote is not closed"),
        ("& name", "'&' has no meaning here"),
        ("", "the text is empty; write 'name ~ fig0'"),
    ] {
        says(sandbox.run(&["plan", "e", "--filter", filter]).refused(), [said]);
    }
}
