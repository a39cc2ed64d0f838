//! One test per kind of error: the whole text that a user sees.

use ablate::spec::{Style, parse};

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
        Err(errors) => errors.render(Style::Plain),
    }
}

#[test]
fn the_right_spec_is_right() {
    if let Err(errors) = parse("spec.toml", RIGHT) {
        panic!("{errors}");
    }
}

/// Each line of `expected` is in the text, in that order.
#[track_caller]
pub fn says(text: &str, expected: &[&str]) {
    let mut rest = text;
    for line in expected {
        match rest.find(line) {
            Some(at) => rest = &rest[at + line.len()..],
            None => panic!("no '{line}' (or not in this order) in:\n{text}"),
        }
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
    assert!(errors.render(Style::Terminal).contains('\u{1b}'));
}

#[test]
fn syntax_errors_are_all_shown() {
    let text = text_of("title = \n[model\nsource = 'x");
    says(&text, &["not TOML", "[spec.toml:1:9]", "[spec.toml:2:7]", "errors"]);
}

#[test]
fn unknown_keys() {
    let text = refused("title", "tilte");
    says(&text, &["unknown key 'tilte' in the spec", "write 'title'"]);
    assert!(!text.contains("no 'title'"), "it is there, misspelt: {text}");
    says(
        &refused("x = \"op", "hue = \"op"),
        &["unknown key 'hue' in [[figure]] 'rates'", ":23:1]", "keys here: name, kind,"],
    );
    let text = refused("[prompts]", "[prompts]\ndtype = \"f32\"");
    says(&text, &["unknown key 'dtype' in [prompts]", "'dtype' belongs in [model]"]);
}

#[test]
fn wrong_types() {
    says(&refused("\"builtin:arith\"", "3"), &["'source' must be text, not the integer 3", "[spec.toml:4:10]"]);
    let text = refused("\"accuracy\"\n\n", "\"accuracy\"\nper_prompt = \"true\"\n\n");
    says(&text, &["'per_prompt' must be true or false, not the text \"true\"", "write true or false without quotes"]);
    let text = refused("[prompts]", "[prompts]\nsample = \"5\"");
    says(&text, &["'sample' must be an integer, not the text \"5\"", "write 5 without quotes"]);
    let text = refused("[prompts]", "[prompts]\noperators = [\"+\", 1]");
    says(&text, &["'operators[1]' must be text, not the integer 1", "[spec.toml:7:19]"]);
    let text = refused("\"0..100\"", "7");
    says(&text, &["'a' must be a range \"0..300\" (end excluded), or a list of integers; it is the integer 7"]);
    let text = refused("\"0..100\"", "[1, 2.5]");
    says(&text, &["'a[1]' must be an integer, not the number 2.5", "[spec.toml:7:22]"]);
    says(&refused("[[step]]", "[step]"), &["'step' must be a list of tables, not a table", "write [[step]]"]);
    says(&refused("\"Accuracy\"", "2026-11-23"), &["'title' must be text, not a date"]);
    says(&refused("[model]", "[[model]]"), &["'model' must be a table, not a list", "write [model]"]);
}

#[test]
fn missing_keys_are_pointed_at_by_their_table() {
    let text = refused("source = \"builtin:arith\"", "");
    says(
        &text,
        &["[model] has no 'source'", "[spec.toml:3:1]", "^^^^^^^", "help: source: `builtin:arith`, a Hugging Face"],
    );
    says(
        &refused("kind = \"accuracy\"", ""),
        &["[[step]] 'accuracy' has no 'kind'", "write kind = \"accuracy\" or \"train\""],
    );
    says(&refused("name = \"accuracy\"", ""), &["[[step]] has no 'name'", "[spec.toml:9:1]"]);
}

#[test]
fn numbers_out_of_range() {
    let text = refused("[model]", "[run]\nthreads = 0\nmemory_mib = 0\n[model]");
    says(&text, &["'threads' is out of range: 0", "[spec.toml:4:11]", "write a number from 1 to 1024"]);
    says(&text, &["'memory_mib' is out of range: 0", "the smallest is 1", "2 errors"]);
    says(
        &refused("[prompts]", "[prompts]\nsample = 99999999999999999999"),
        &["99999999999999999999 does not fit 64 bits"],
    );
    says(&refused("[prompts]", "[prompts]\nsample = -1"), &["'sample' is out of range: -1"]);
    says(&refused("y = \"rate\"", "y = \"rate\"\ny_range = [1, 0.5]"), &["'y_range' must go from low to high"]);
    says(&refused("y = \"rate\"", "y = \"rate\"\ny_range = [1]"), &["'y_range' must have 2 values, not 1"]);
    says(&refused("y = \"rate\"", "y = \"rate\"\ny_range = [0.0, inf]"), &["inf is not a finite number"]);
}

#[test]
fn choices_that_are_none() {
    says(&refused("\"bars\"", "\"bar\""), &["'kind' cannot be \"bar\"", "write \"bars\""]);
    says(
        &refused("\"bars\"", "\"pie\""),
        &["write \"heatmap\" or \"heatmap-grid\" or \"lines\" or \"bars\" or \"scatter\""],
    );
    says(&refused("kind = \"accuracy\"", "kind = \"acuracy\""), &["no kind \"acuracy\"", "write \"accuracy\""]);
    says(&refused("[model]", "[model]\ndevice = \"gpu\""), &["no device 'gpu'; write \"cpu\" or \"cuda:0\""]);
}

#[test]
fn references_to_nothing() {
    says(&refused("from = \"rates\"", "from = \"rate\""), &["no step or table 'rate'", "write \"rates\""]);
    let text = refused(
        "kind = \"accuracy\"",
        "kind = \"accuracy\"\nneeds = [\"train\"]\nmodels = [\"modle\"]\nprompts = \"hard\"",
    );
    says(&text, &["no step 'train'", "the spec has no step that could come before"]);
    says(&text, &["no model 'modle'", "write \"model\"", "no prompt set 'hard'", "add [prompt_sets.hard]"]);
}

#[test]
fn rows_of_a_step_besides_its_own_may_be_named() {
    let text = RIGHT.replacen("from = \"accuracy\"", "from = \"accuracy.prompts\"", 1);
    assert!(parse("spec.toml", &text).is_ok());
    says(&refused("from = \"accuracy\"", "from = \"accuracy.prompt\""), &["write \"accuracy.prompts\""]);
}

#[test]
fn a_step_without_model_or_prompts() {
    says(
        &refused("[prompts]\noperands", "[prompt_sets.x]\noperands"),
        &["[[step]] 'accuracy' has no prompts to run", "add [prompts]"],
    );
    says(
        &refused("[model]\nsource = \"builtin:arith\"", ""),
        &["[[step]] 'accuracy' has no model to run", "add [model]"],
    );
}

#[test]
fn circles_are_shown_as_a_chain_once() {
    let steps = ["a:b", "b:c", "c:a", "d:a"].map(|pair| {
        let (name, needs) = pair.split_once(':').unwrap();
        format!("[[step]]\nname = \"{name}\"\nkind = \"accuracy\"\nneeds = [\"{needs}\"]\n")
    });
    let text = text_of(&format!("{RIGHT}{}", steps.concat()));
    says(&text, &["these wait for each other: a -> b -> c -> a", "[spec.toml:28:10]"]);
    assert_eq!(text.matches("wait for each other").count(), 1, "{text}");
    says(&refused("from = \"accuracy\"", "from = \"rates\""), &["these wait for each other: rates -> rates"]);
}

#[test]
fn duplicate_names_point_at_both() {
    let text = refused("[[figure]]", "[[table]]\nname = \"rates\"\nfrom = \"accuracy\"\n[[figure]]");
    says(&text, &["two tables have the name 'rates'", ":14:8]", "the first", ":20:8]", "the second"]);
    let text = refused("name = \"rates\"", "name = \"accuracy\"");
    says(&text, &["a step and a table have the name 'accuracy'"]);
    says(&refused("[model]", "[models.model]\nsource = \"x\"\n[model]"), &["[models.model] and [model] have one name"]);
    says(&text_of("title = \"a\"\ntitle = \"b\""), &["not TOML: duplicate key", "[spec.toml:2:1]"]);
}

#[test]
fn names_are_file_names() {
    says(
        &refused("name = \"rates\"", "name = \"../rates\""),
        &["no name: \"../rates\"", "letters a to z and A to Z, digits, '-' and '_'"],
    );
    says(
        &refused("[model]", "[größe]\n[model]"),
        &["not TOML: invalid unquoted key", "letters a to z and A to Z, digits"],
    );
    says(&refused("[model]", "[models.\"a b\"]\nsource = \"x\"\n[model]"), &["no name: \"a b\"", "letters a to z"]);
}

#[test]
fn ranges_templates_and_operators() {
    says(&refused("\"0..100\"", "\"10..2\""), &["range '10..2' is empty; its end is excluded", "[spec.toml:7:18]"]);
    says(&refused("\"0..100\"", "\"0-100\""), &["'0-100' is no range; write \"0..300\""]);
    let template = |text: &str| refused("[prompts]", &format!("[prompts]\n{text}"));
    says(&template("template = \"{a}{ob}{b}=\""), &["no slot {ob}", "[spec.toml:7:16]", "^^^^", "write {op}"]);
    says(&template("template = \"{a}{op}=\""), &["the slot {b} is missing; write all of {a} {op} {b}"]);
    says(&template("template = \"{a}{op}{b\""), &["a slot is not closed"]);
    says(&template("template = \"{a}{op}{b}{a}\""), &["the slot {a} is there 2 times"]);
    let words = "[prompts]\noperators = [\"+\"]\ntemplate = \"{{sum}} of {a} and {b} is \"";
    assert!(parse("spec.toml", &RIGHT.replace("[prompts]", words)).is_ok());
    says(&template("template = { plain = \"{a}{op}\" }"), &["the slot {b} is missing", "[spec.toml:7:22]"]);
    says(&template("completion = \" answer\""), &["the slot {answer} is missing"]);
    says(&template("operators = [\"×\"]"), &["no operator \"×\"", "write \"*\""]);
    says(&template("operators = [\"+\", \"+\"]"), &["the text \"+\" is in 'operators' twice"]);
    says(&template("operators = []"), &["'operators' must have at least one value, not 0"]);
}

#[test]
fn expressions_are_pointed_into() {
    says(&refused("mean(rate)", "maen(rate)"), &["no function 'maen'; write 'mean'", "[spec.toml:17:23]", "^^^^"]);
    let text = refused("from = \"accuracy\"", "from = \"accuracy\"\nwhere = { rate = \">= half\", operator = [] }");
    says(&text, &["'half' is no number", "[spec.toml:16:22]", "'operator' must have at least one value"]);
    let text = refused("kind = \"bars\"", "kind = \"heatmap\"\nvalue = \"log2(rate)\"");
    says(&text, &["no function 'log2'; write 'log1p'"]);
}

#[test]
fn figures_need_what_their_kind_draws() {
    says(
        &refused("\"bars\"", "\"heatmap-grid\""),
        &["'rates' is a heatmap-grid and has no 'value'", "and has no 'facet'"],
    );
    let text = refused("y = \"rate\"", "y = \"rate\"\ndash = \"template\"");
    says(&text, &["a bars has no lines to dash", "write kind = \"lines\", or leave it out"]);
    let text = refused("y = \"rate\"", "y = \"rate\"\ndiagonal = true");
    says(&text, &["a bars has no line of equal x and y", "write kind = \"scatter\", or leave it out"]);
}

/// What has no name may be what others name, and what is misspelt is there.
#[test]
fn nothing_is_said_that_only_follows() {
    let one = |old: &str, new: &str, said: &str| {
        let text = refused(old, new);
        assert!(text.contains(said), "no {said}:\n{text}");
        assert_eq!(text.matches("  x ").count(), 1, "{text}");
    };
    one("name = \"accuracy\"", "", "[[step]] has no 'name'");
    one("name = \"accuracy\"", "nmae = \"accuracy\"", "unknown key 'nmae'");
    one("kind = \"accuracy\"", "", "[[step]] 'accuracy' has no 'kind'");
    one("kind = \"accuracy\"", "kind = \"nothing like it\"", "no kind \"nothing like it\"");
    one("name = \"rates\"", "name = \"my rates\"", "no name: \"my rates\"");
    one("[[step]]", "[step]", "'step' must be a list of tables");
    one("[[step]]", "[step.accuracy]", "'step' must be a list of tables");
    one("from = \"accuracy\"", "form = \"accuracy\"", "unknown key 'form'");
    one("[model]", "[modle]", "unknown key 'modle'");
    one("[prompts]", "[promts]", "unknown key 'promts'");
    // What others take over is said once.
    let others = "[models.other]\ndtype = \"f16\"\n[prompt_sets.few]\nsample = 3\n";
    one("[model]\nsource", &format!("{others}[model]\nsurce"), "unknown key 'surce'");
    one("[model]\nsource = \"builtin:arith\"", &format!("{others}[model]"), "[model] has no 'source'");
    one("operands = { a = \"0..100\", b = \"0..100\" }", others, "[prompts] has no 'operands' and no 'slots'");
}

/// Behind what is taken as it was meant there may be more.
#[test]
fn errors_behind_errors_are_told_too() {
    let text = refused("kind = \"accuracy\"", "kind = \"acuracy\"\nper_promt = \"yes\"\nprompts = \"none\"");
    says(&text, &["no kind \"acuracy\"", "unknown key 'per_promt'", "'per_prompt' must be true or false"]);
    says(&text, &["no prompt set 'none'", "4 errors"]);
    let text = refused(
        "group_by = [\"operator\"]",
        "group_by = \"operator\"\nsort = 3\njoin = { with = \"no\", on = \"id\" }",
    );
    says(
        &text,
        &["write group_by = [\"operator\"]", "'sort' must be a list", "no step or table 'no'", "write on = [\"id\"]"],
    );
    let text = refused("[prompts]", "[prompts]\noperators = \"×\"");
    says(&text, &["'operators' must be a list", "no operator \"×\"", "write \"*\"", "2 errors"]);
    let text = refused("[[table]]\nname = \"rates\"", "[table]\nnaem = \"rates\"\nhead = \"3\"");
    says(&text, &["'table' must be a list of tables", "unknown key 'naem'", "'head' must be an integer", "3 errors"]);
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
    let train = "[[step]]\nname = \"t\"\nkind = \"train\"\nnumbers = 100\nlayers = 2\nd_model = 64\nheads = 5\nd_mlp = 256\nsteps = 10\nbatch = 4\n\
        checkpoints = [5, 20]\noptimizer = { lr = 0 }\n";
    let text = text_of(&format!("{RIGHT}{train}"));
    says(
        &text,
        &["'heads' = 5 does not divide 'd_model' = 64", "the integer 20 in 'checkpoints' is past 'steps' = 10"],
    );
    says(&text, &["'lr' is out of range: 0", "write a number above 0"]);
}

#[test]
fn all_errors_come_at_once_and_twenty_are_shown() {
    let figures = |count: usize| {
        (0..count)
            .map(|i| format!("[[figure]]\nname = \"f{i}\"\nkind = \"bars\"\nfrom = \"no\"\nx = \"a\"\ny = \"b\"\n"))
            .collect::<String>()
    };
    says(&text_of(&format!("{RIGHT}{}", figures(3))), &["3 errors"]);
    let text = text_of(&format!("{RIGHT}{}", figures(50)));
    says(&text, &["50 errors; the first 20 are shown, and 30 more"]);
    assert_eq!(text.matches("no step or table 'no'").count(), 20);
}
