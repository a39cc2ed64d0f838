//! One test per kind of error: the whole text that a user sees.

use crate::support::says;
use ablate::spec::{ErrorStyle, parse};

/// A spec without a fault, for one to be put in.
pub const RIGHT: &str = r#"title = "Accuracy"

[model]
source = "builtin:arith"

[prompts]
operands = { a = "0..100", b = "0..100" }

[[step]]
name = "accuracy"
kind = "accuracy"

[[table]]
name = "rates"
from = "accuracy"
group_by = ["operator"]
aggregate = { rate = "mean(rate)" }

[[figure]]
name = "rates"
kind = "bars"
from = "rates"
x = "operator"
y = "rate"
"#;

/// The errors of the right spec with one text in place of another.
fn refused(old: &str, new: &str) -> String {
    assert!(RIGHT.contains(old), "{old} is not in the spec");
    text_of(&RIGHT.replacen(old, new, 1))
}

/// The errors of a spec, as they are shown.
pub fn text_of(spec: &str) -> String {
    match parse("spec.toml", spec) {
        Ok(_) => panic!("accepted:\n{spec}"),
        Err(errors) => errors.render(ErrorStyle::Plain),
    }
}

#[test]
fn the_right_spec_is_right() {
    if let Err(errors) = parse("spec.toml", RIGHT) {
        panic!("{errors}");
    }
}

#[test]
fn an_error_is_drawn_with_its_line_and_a_caret_without_colour() {
    let expected = "  x unknown key 'opernads' in [prompts]
   ,-[spec.toml:7:1]
 6 | [prompts]
 7 | opernads = { a = \"0..100\", b = \"0..100\" }
   : ^^^^^^^^
   `----
  help: write 'operands'
";
    let text = refused("operands", "opernads");
    assert!(text.contains(expected), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_terminal_gets_colour_where_it_wants_it() {
    let errors = parse("spec.toml", "title = 1").unwrap_err();
    assert!(errors.render(ErrorStyle::Terminal).contains('\u{1b}'));
}

/// The errors of the right spec with one text in place of another, of each pair.
fn each<const N: usize>(pairs: [(&str, &str); N]) -> String {
    pairs.map(|(old, new)| refused(old, new)).join("\n")
}

#[test]
fn syntax_errors_are_all_shown() {
    insta::assert_snapshot!(text_of("title = \n[model\nsource = 'x"));
}

#[test]
fn unknown_keys() {
    insta::assert_snapshot!(each([
        // It is there, misspelt: that it is missing is not said.
        ("title", "tilte"),
        ("x = \"op", "hue = \"op"),
        ("[prompts]", "[prompts]\ndtype = \"f32\""),
    ]));
}

#[test]
fn wrong_types() {
    insta::assert_snapshot!(each([
        ("\"builtin:arith\"", "3"),
        ("\"accuracy\"\n\n", "\"accuracy\"\nper_prompt = \"true\"\n\n"),
        ("[prompts]", "[prompts]\nsample = \"5\""),
        ("[prompts]", "[prompts]\noperators = [\"+\", 1]"),
        ("\"0..100\"", "7"),
        ("\"0..100\"", "[1, 2.5]"),
        ("[[step]]", "[step]"),
        ("\"Accuracy\"", "2026-11-23"),
        ("[model]", "[[model]]"),
    ]));
}

#[test]
fn missing_keys_are_pointed_at_by_their_table() {
    insta::assert_snapshot!(each([
        ("source = \"builtin:arith\"", ""),
        ("kind = \"accuracy\"", ""),
        ("name = \"accuracy\"", ""),
    ]));
}

#[test]
fn numbers_out_of_range() {
    insta::assert_snapshot!(each([
        ("[model]", "[run]\nthreads = 0\nmemory_mib = 0\n[model]"),
        ("[prompts]", "[prompts]\nsample = 99999999999999999999"),
        ("[prompts]", "[prompts]\nsample = -1"),
        ("y = \"rate\"", "y = \"rate\"\ny_range = [1, 0.5]"),
        ("y = \"rate\"", "y = \"rate\"\ny_range = [1]"),
        ("y = \"rate\"", "y = \"rate\"\ny_range = [0.0, inf]"),
    ]));
}

#[test]
fn choices_that_are_none() {
    insta::assert_snapshot!(each([
        ("\"bars\"", "\"bar\""),
        ("\"bars\"", "\"pie\""),
        ("kind = \"accuracy\"", "kind = \"acuracy\""),
        ("[model]", "[model]\ndevice = \"tpu\""),
    ]));
}

#[test]
fn references_to_nothing() {
    insta::assert_snapshot!(each([
        ("from = \"rates\"", "from = \"rate\""),
        ("kind = \"accuracy\"", "kind = \"accuracy\"\nneeds = [\"train\"]\nmodels = [\"modle\"]\nprompts = \"hard\""),
    ]));
}

#[test]
fn rows_of_a_step_besides_its_own_may_be_named() {
    let text = RIGHT.replacen("from = \"accuracy\"", "from = \"accuracy.prompts\"", 1);
    assert!(parse("spec.toml", &text).is_ok());
    insta::assert_snapshot!(each([("from = \"accuracy\"", "from = \"accuracy.prompt\"")]));
}

#[test]
fn a_step_without_model_or_prompts() {
    insta::assert_snapshot!(each([
        ("[prompts]\noperands", "[prompt_sets.x]\noperands"),
        ("[model]\nsource = \"builtin:arith\"", ""),
    ]));
}

#[test]
fn circles_are_shown_as_a_chain_once() {
    insta::assert_snapshot!(each([
        (
            "y = \"rate\"\n",
            "y = \"rate\"\n[[step]]\nname = \"a\"\nkind = \"accuracy\"\nneeds = [\"b\"]\n[[step]]\nname = \"b\"\nkind = \"accuracy\"\nneeds = [\"c\"]\n\
             [[step]]\nname = \"c\"\nkind = \"accuracy\"\nneeds = [\"a\"]\n[[step]]\nname = \"d\"\nkind = \"accuracy\"\nneeds = [\"a\"]\n",
        ),
        ("from = \"accuracy\"", "from = \"rates\""),
    ]));
}

#[test]
fn duplicate_names_point_at_both() {
    insta::assert_snapshot!(each([
        ("[[figure]]", "[[table]]\nname = \"rates\"\nfrom = \"accuracy\"\n[[figure]]"),
        ("name = \"rates\"", "name = \"accuracy\""),
        ("[model]", "[models.model]\nsource = \"x\"\n[model]"),
        ("title = \"Accuracy\"", "title = \"a\"\ntitle = \"b\""),
    ]));
}

#[test]
fn names_are_file_names() {
    insta::assert_snapshot!(each([
        ("name = \"rates\"", "name = \"../rates\""),
        ("[model]", "[größe]\n[model]"),
        ("[model]", "[models.\"a b\"]\nsource = \"x\"\n[model]"),
    ]));
}

#[test]
fn ranges_templates_and_operators() {
    let words = "[prompts]\noperators = [\"+\"]\ntemplate = \"{{sum}} of {a} and {b} is \"";
    assert!(parse("spec.toml", &RIGHT.replace("[prompts]", words)).is_ok());
    insta::assert_snapshot!(each([
        ("\"0..100\"", "\"10..2\""),
        ("\"0..100\"", "\"0-100\""),
        ("[prompts]", "[prompts]\ntemplate = \"{a}{ob}{b}=\""),
        ("[prompts]", "[prompts]\ntemplate = \"{a}{op}=\""),
        ("[prompts]", "[prompts]\ntemplate = \"{a}{op}{b\""),
        ("[prompts]", "[prompts]\ntemplate = \"{a}{op}{b}{a}\""),
        ("[prompts]", "[prompts]\ntemplate = { plain = \"{a}{op}\" }"),
        ("[prompts]", "[prompts]\ncompletion = \" answer\""),
        ("[prompts]", "[prompts]\noperators = [\"×\"]"),
        ("[prompts]", "[prompts]\noperators = [\"+\", \"+\"]"),
        ("[prompts]", "[prompts]\noperators = []"),
    ]));
}

#[test]
fn expressions_are_pointed_into() {
    insta::assert_snapshot!(each([
        ("mean(rate)", "maen(rate)"),
        ("from = \"accuracy\"", "from = \"accuracy\"\nwhere = { rate = \">= half\", operator = [] }"),
        ("kind = \"bars\"", "kind = \"heatmap\"\nvalue = \"log2(rate)\""),
    ]));
}

#[test]
fn figures_need_what_their_kind_draws() {
    insta::assert_snapshot!(each([
        ("\"bars\"", "\"heatmap-grid\""),
        ("y = \"rate\"", "y = \"rate\"\ndash = \"template\""),
        ("y = \"rate\"", "y = \"rate\"\ndiagonal = true"),
    ]));
}

/// What has no name may be what others name, and what is misspelt is there: one error of each.
#[test]
fn nothing_is_said_that_only_follows() {
    let text = each([
        ("name = \"accuracy\"", ""),
        ("name = \"accuracy\"", "nmae = \"accuracy\""),
        ("kind = \"accuracy\"", ""),
        ("kind = \"accuracy\"", "kind = \"nothing like it\""),
        ("name = \"rates\"", "name = \"my rates\""),
        ("[[step]]", "[step]"),
        ("[[step]]", "[step.accuracy]"),
        ("from = \"accuracy\"", "form = \"accuracy\""),
        ("[model]", "[modle]"),
        ("[prompts]", "[promts]"),
        // What others take over is said once.
        ("[model]\nsource", "[models.other]\ndtype = \"f16\"\n[prompt_sets.few]\nsample = 3\n[model]\nsurce"),
        (
            "[model]\nsource = \"builtin:arith\"",
            "[models.other]\ndtype = \"f16\"\n[prompt_sets.few]\nsample = 3\n[model]",
        ),
        (
            "operands = { a = \"0..100\", b = \"0..100\" }",
            "[models.other]\ndtype = \"f16\"\n[prompt_sets.few]\nsample = 3\n",
        ),
    ]);
    assert_eq!(text.matches("  x ").count(), 13, "{text}");
    insta::assert_snapshot!(text);
}

/// Behind what is taken as it was meant there may be more.
#[test]
fn errors_behind_errors_are_told_too() {
    insta::assert_snapshot!(each([
        ("kind = \"accuracy\"", "kind = \"acuracy\"\nper_promt = \"yes\"\nprompts = \"none\""),
        ("group_by = [\"operator\"]", "group_by = \"operator\"\nsort = 3\njoin = { with = \"no\", on = \"id\" }",),
        ("[prompts]", "[prompts]\noperators = \"×\""),
        ("[[table]]\nname = \"rates\"", "[table]\nnaem = \"rates\"\nhead = \"3\""),
    ]));
}

/// The right spec with a known model and an expectation, one text replaced.
fn expecting(old: &str, new: &str) -> String {
    let spec = format!(
        "{RIGHT}\n[known.small]\nfamily = \"ablate\"\nlayers = 4\n\n[[expect]]\nname = \"addition\"\nfrom = \"rates\"\n\
        where = {{ operator = \"+\" }}\nvalue = \"rate\"\nis = 0.97\ntolerance = 0.02\nmodel = \"small\"\nsource = \"table 3\"\n"
    );
    assert!(spec.contains(old), "{old} is not in the spec");
    if let Err(errors) = parse("spec.toml", &spec) {
        panic!("{errors}");
    }
    text_of(&spec.replacen(old, new, 1))
}

#[test]
fn expectations_expect_one_thing() {
    let cases = [
        ("is = 0.97\ntolerance = 0.02", ""),
        ("tolerance = 0.02\n", ""),
        ("tolerance = 0.02", "tolerance = -0.02"),
        ("tolerance = 0.02", "tolerance = 0.02\nat_least = 0.9"),
        ("is = 0.97\ntolerance = 0.02", "tolerance = 0.02\nat_most = 0.9"),
        ("is = 0.97\ntolerance = 0.02", "at_least = 0.9\nat_most = 0.8"),
        ("is = 0.97", "is = \"0.97\""),
        ("from = \"rates\"\nwhere", "from = \"rate\"\nwhere"),
        ("model = \"small\"", "model = \"smal\""),
        ("value = \"rate\"", "valeu = \"rate\""),
        ("[[expect]]", "[expect]"),
        ("[[expect]]", "[[expect]]\nname = \"addition\"\nfrom = \"rates\"\nvalue = \"rate\"\nat_least = 0\n[[expect]]"),
    ];
    insta::assert_snapshot!(cases.map(|(old, new)| expecting(old, new)).join("\n"));
}

#[test]
fn known_models_are_told_by_facts() {
    let cases = [
        ("family = \"ablate\"\nlayers = 4\n", "profile = \"small.toml\"\n"),
        ("layers = 4", "layers = 0"),
        ("layers = 4", "layer = 4"),
        ("layers = 4", "d_model = \"64\""),
        ("[known.small]", "[known.\"small one\"]"),
        ("[known.small]\nfamily = \"ablate\"\nlayers = 4\n", ""),
    ];
    insta::assert_snapshot!(cases.map(|(old, new)| expecting(old, new)).join("\n"));
}

#[test]
fn joins_and_derived_columns() {
    let table = |keys: &str| refused("group_by = [\"operator\"]", &format!("group_by = [\"operator\"]\n{keys}"));
    let cases = [
        "join = { with = \"rates\", on = [\"operator\"] }",
        "join = { with = \"accuracy.promts\", on = [\"operator\"] }",
        "join = { with = \"accuracy\", on = [] }",
        "join = { with = \"accuracy\", on = \"operator\", how = \"outer\" }",
        "join = { on = [\"operator\"] }",
        "derive = { drop = \"before - (after\", share = \"correct % n\", half = \"rate / \", n = \"mean(x)\" }",
    ];
    insta::assert_snapshot!(cases.map(table).join("\n"));
}

#[test]
fn the_shape_of_a_model_to_train() {
    insta::assert_snapshot!(each([(
        "y = \"rate\"\n",
        "y = \"rate\"\n[[step]]\nname = \"t\"\nkind = \"train\"\nnumbers = 100\nlayers = 2\nd_model = 64\nheads = 5\nd_mlp = 256\nsteps = 10\n\
         batch = 4\ncheckpoints = [5, 20]\noptimizer = { lr = 0 }\n",
    )]));
}

#[test]
fn all_errors_come_at_once_and_twenty_are_shown() {
    let figures = |count: usize| {
        (0..count)
            .map(|i| format!("[[figure]]\nname = \"f{i}\"\nkind = \"bars\"\nfrom = \"no\"\nx = \"a\"\ny = \"b\"\n"))
            .collect::<String>()
    };
    says(text_of(&format!("{RIGHT}{}", figures(3))), ["3 errors"]);
    let text = text_of(&format!("{RIGHT}{}", figures(50)));
    says(&text, ["50 errors; the first 20 are shown, and 30 more"]);
    assert_eq!(text.matches("no step or table 'no'").count(), 20);
}

/// A number in quotes is advised as a number, in a list of numbers too.
#[test]
fn numbers_in_quotes_are_to_be_without() {
    let ranked = |k: &str| {
        refused(
            "[[table]]",
            &format!(
                "[[step]]\nname = \"a\"\nkind = \"ablation\"\nranked = {{ from = \"accuracy\", k = {k} }}\n\n[[table]]"
            ),
        )
    };
    assert!(ranked("\"2\"").contains("help: write numbers without quotes: k = [2]"), "{}", ranked("\"2\""));
    assert!(ranked("\"few\"").contains("help: write numbers without quotes: k = [2]"), "{}", ranked("\"few\""));
    assert!(ranked("3").contains("help: write k = [3]"), "{}", ranked("3"));
}
