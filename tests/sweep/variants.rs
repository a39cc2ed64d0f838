//! What `[matrix]` makes of a spec, and what it refuses.

use crate::support::{Sandbox, says};
use ablate::spec::{Dtype, ErrorStyle, Loaded, parse};

const HEAD: &str = r#"title = "sweep"
model.source = "builtin:arith"

[prompts]
operands = { a = "0..12", b = "1..7" }
operators = ["+", "*"]

[prompt_sets.other]
sample = 3

[[step]]
name = "accuracy"
kind = "accuracy"

[[step]]
name = "effects"
kind = "activation-patching"
sites = ["mlp_post"]
positions = ["last"]

[matrix]
"#;

fn loaded(matrix: &str) -> Loaded {
    parse("spec.toml", &format!("{HEAD}{matrix}")).unwrap_or_else(|errors| panic!("{errors}"))
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.sweep().unwrap().variants.iter().map(|variant| variant.name.as_str()).collect()
}

#[track_caller]
fn refused(matrix: &str) -> String {
    parse("spec.toml", &format!("{HEAD}{matrix}")).expect_err("accepted").render(ErrorStyle::Plain)
}

const TWO: &str = "dtype = { key = \"model.dtype\", values = [\"f32\", \"bf16\"] }\n\
    sample = { key = \"prompts.sample\", values = [5, 10] }\n";

#[test]
fn each_combination_is_a_variant_with_its_values() {
    let spec = loaded(TWO);
    assert_eq!(
        names(&spec),
        ["dtype=f32,sample=5", "dtype=f32,sample=10", "dtype=bf16,sample=5", "dtype=bf16,sample=10"]
    );
    let of = |spec: &Loaded| {
        let prompts = spec.spec.prompts.as_ref().unwrap();
        (spec.spec.model.as_ref().unwrap().dtype, prompts.sample, spec.spec.prompt_sets["other"].sample)
    };
    let all: Vec<_> = spec.variants().into_iter().map(of).collect();
    let expected = [(Dtype::F32, 5), (Dtype::F32, 10), (Dtype::Bf16, 5), (Dtype::Bf16, 10)];
    assert_eq!(all, expected.map(|(dtype, sample)| (dtype, Some(sample), Some(3))), "a set keeps its own sample");
    assert_eq!(of(&spec), all[0], "the spec has the values of the first");
    assert!(spec.variants().iter().all(|variant| variant.spec.matrix.is_none()));
    assert_eq!(spec.origin(&["model", "dtype"]).to_string(), "spec.toml:22:42");
    let again = parse("again.toml", &spec.to_toml()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(again.spec, spec.spec);
    assert_eq!(names(&again), names(&spec));
}

#[test]
fn variants_are_left_out_added_and_changed() {
    let spec = loaded(&format!(
        "{TWO}[[matrix.exclude]]\ndtype = \"bf16\"\nsample = 10\n\
         [[matrix.include]]\ndtype = \"f16\"\nsample = 7\n\
         [[matrix.include]]\nsample = 5\nset = {{ step.effects.positions = [\"b\"], prompts.seeds = [1] }}\n"
    ));
    assert_eq!(
        names(&spec),
        ["dtype=f32,sample=5", "dtype=f32,sample=10", "dtype=bf16,sample=5", "dtype=f16,sample=7"]
    );
    let seeds: Vec<_> = spec.variants().iter().map(|one| one.spec.prompts.as_ref().unwrap().seeds.clone()).collect();
    assert_eq!(seeds, [vec![1], vec![42], vec![1], vec![42]]);
    let added = spec.variants()[3];
    assert_eq!(added.spec.model.as_ref().unwrap().dtype, Dtype::F16);
    assert_eq!(added.spec.prompts.as_ref().unwrap().sample, Some(7));
    let whole = loaded(&format!("{TWO}[[matrix.exclude]]\nsample = 5\n"));
    assert_eq!(names(&whole), ["dtype=f32,sample=10", "dtype=bf16,sample=10"]);
}

#[test]
fn values_may_have_names_and_be_parts_of_a_spec() {
    let spec = loaded(
        "range = { key = \"prompts.operands\", values = { small = { a = \"0..5\", b = \"0..5\" }, other = { a = \"0..7\" } } }\n\
         what.values.plain = { model.processing.fold_norm = false, prompts.seeds = [1, 2] }\n\
         what.values.heads = { step.effects.sites = [\"z[head]\"] }\n\
         draw = { key = \"prompts.skip\", values = [0] }\n",
    );
    assert_eq!(
        names(&spec),
        [
            "range=small,what=plain,draw=0",
            "range=small,what=heads,draw=0",
            "range=other,what=plain,draw=0",
            "range=other,what=heads,draw=0"
        ]
    );
    let second = spec.variants()[1].to_toml();
    says(&second, ["sites = [\"z[head]\"]", "seeds = [42]"]);
    let third = spec.variants()[2].to_toml();
    says(&third, ["a = \"0..7\"", "b = \"1..7\"", "seeds = [1, 2]"]);
}

#[test]
fn what_is_wrong_is_refused_at_its_place() {
    let cases = [
        "dtype = { key = \"model.dtpye\", values = [\"f32\"] }",
        "dtype = { key = \"model.dtype\", values = [\"f32\", \"f33\"] }",
        "n = { key = \"prompts.sample\", values = [5, \"6\"] }",
        "n = { key = \"step.efects.positions\", values = [[\"b\"]] }",
        "n = { key = \"modle.dtype\", values = [\"f32\"] }",
        "n = { key = \"output.dir\", values = [\"a\"] }",
        "n = { key = \"step.effects.kind\", values = [\"accuracy\"] }",
        "n = { key = \"model dtype\", values = [\"f32\"] }",
        "n = { keey = \"model.dtype\", values = [\"f32\"] }",
        "n = { key = \"model.dtype\" }",
        "n = { key = \"model.dtype\", values = [] }",
        "n = { key = \"prompts.seeds\", values = [[1, 2], [3]] }",
        "n = { key = \"prompts.sample\", values = [5, 5] }",
        "n = { values = [5] }",
        "n = { values = { a = { title = \"x\" } } }",
        "set = { key = \"model.dtype\", values = [\"f32\"] }",
        "\"a b\" = { key = \"model.dtype\", values = [\"f32\"] }",
        "exclude = [{ x = 1 }]",
    ];
    insta::assert_snapshot!(cases.map(|matrix| refused(&format!("{matrix}\n"))).join("\n"));
    let numbers = (0..200).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
    let with = [
        "[[matrix.exclude]]\ndtpye = \"f32\"",
        "[[matrix.exclude]]\ndtype = \"bf61\"",
        "[[matrix.exclude]]\nsample = 6",
        "[[matrix.exclude]]\nsample = 5\n[[matrix.exclude]]\nsample = 5",
        "[[matrix.exclude]]\nsample = 5\n[[matrix.exclude]]\nsample = 10",
        "[[matrix.include]]\nsample = 5\ndtype = \"f32\"",
        "[[matrix.include]]\nsample = 7",
        "[[matrix.include]]\nsample = 7\ndtype = \"f33\"",
        "[[matrix.include]]\nsample = 5\nset = { model.dtype = \"f16\" }",
        "[matrix.again]\nkey = \"model.dtype\"\nvalues = [\"f32\"]",
        "[matrix.many]\nkey = \"prompts.skip\"\nvalues = [NUMBERS]",
    ];
    let with = with.map(|matrix| refused(&format!("{TWO}{}\n", matrix.replace("NUMBERS", &numbers))));
    insta::assert_snapshot!(with.join("\n"));
}

#[test]
fn what_is_wrong_in_every_variant_is_said_once() {
    let text = refused(&TWO.replace("5, 10", "5, -1"));
    assert_eq!(text.matches("is out of range").count(), 1, "{text}");
    let spec = format!("{HEAD}{TWO}").replace("sites =", "stes =");
    let text = parse("spec.toml", &spec).expect_err("accepted").render(ErrorStyle::Plain);
    assert_eq!(text.matches("unknown key 'stes'").count(), 1, "{text}");
}

#[test]
fn a_key_of_the_matrix_is_set_through_its_axis() {
    let sandbox = Sandbox::of(&[("spec.toml", &format!("{HEAD}{TWO}"))]);
    for set in ["model.dtype=f16", "model={ source = \"builtin:arith\", dtype = \"f16\" }"] {
        let ended = sandbox.run(&["config", "spec.toml", "--set", set]).ends(2);
        let said = format!("--set {set}: the matrix already varies model.dtype");
        says(ended.err, [said.as_str(), "matrix.dtype.values"]);
    }
    let ended =
        sandbox.run(&["config", "spec.toml", "--set", "matrix.dtype.values=[\"f16\"]", "--set", "model.bos=false"]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.out.starts_with("# 2 variants;") && ended.out.contains("#   dtype=f16,sample=10\n"), "{}", ended.out);
    let one = sandbox.run(&["config", "spec.toml", "--variant", "dtype=bf16,sample=10"]);
    assert!(one.out.contains("dtype = \"bf16\"") && !one.out.contains("[matrix"), "{} {}", one.out, one.err);
    says(
        sandbox.run(&["config", "spec.toml", "--variant", "dtype=bf61,sample=10"]).refused(),
        ["write 'dtype=bf16,sample=10'"],
    );
}

#[test]
fn axes_must_not_have_the_name_of_a_column() {
    let spec = format!("{HEAD}operator = {{ key = \"prompts.sample\", values = [5, 10] }}\n");
    let sandbox = Sandbox::of(&[("spec.toml", &spec)]);
    let said = "the rows of step 'accuracy' have a column 'operator' of their own";
    says(sandbox.refused(), [said, "[spec.toml:22:"]);
}
