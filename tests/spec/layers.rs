//! Defaults < `extends` < the file < the environment < `--set`.

use super::errors::RIGHT;
use crate::support::Sandbox;
use ablate::spec::{Dtype, ErrorStyle, FigureWidth, Loaded, SpecErrors, load};
use std::path::Path;

pub fn layered(folder: &Sandbox, name: &str, sets: &[&str], env: &[(&str, &str)]) -> Result<Loaded, SpecErrors> {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    load(&folder.at(name), &sets, env.iter().map(|(name, value)| (name.to_string(), value.to_string())))
}

/// What is said against it, with paths from the folder.
#[track_caller]
pub fn refused(folder: &Sandbox, name: &str, sets: &[&str], env: &[(&str, &str)]) -> String {
    let errors = layered(folder, name, sets, env).expect_err("accepted");
    errors.render(ErrorStyle::Plain).replace(&format!("{}/", folder.path().display()), "")
}

#[track_caller]
pub fn loaded(result: Result<Loaded, SpecErrors>) -> Loaded {
    result.unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn each_layer_goes_over_the_one_below() {
    let base = format!("{RIGHT}[run]\nmemory_mib = 100\nthreads = 1\n");
    let folder = Sandbox::of(&[
        ("base/base.toml", &base),
        ("paper/spec.toml", "extends = \"../base/base.toml\"\ntitle = \"Mine\"\n[run]\nthreads = 2\nbatch = 2\n"),
    ]);
    let env = [("ABLATE_RUN__BATCH", "3"), ("ABLATE_MODEL__DTYPE", "bf16"), ("HOME", "/")];
    let read = loaded(layered(&folder, "paper/spec.toml", &["model.dtype=f16"], &env));
    let run = &read.spec.run;
    assert_eq!((run.memory_mib, run.threads, run.batch), (100, Some(2), Some(3)));
    assert_eq!(read.spec.title, "Mine");
    assert_eq!(read.spec.model.as_ref().unwrap().dtype, Dtype::F16);
    assert!(read.spec.extends.is_none());
    let origin = |path: &[&str]| read.origin(path).to_string().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(origin(&["title"]), "paper/spec.toml:2:9");
    assert_eq!(origin(&["run", "memory_mib"]), "base/base.toml:26:14");
    assert_eq!(origin(&["run", "threads"]), "paper/spec.toml:4:11");
    assert_eq!(origin(&["run", "batch"]), "ABLATE_RUN__BATCH=3");
    assert_eq!(origin(&["model", "dtype"]), "--set model.dtype=f16");
    assert_eq!(origin(&["model", "device"]), "default");
    assert_eq!(read.directory(&["model", "source"]), folder.at("base"));
    assert_eq!(read.directory(&["model", "dtype"]), Path::new(""));
    assert_eq!(read.sources.len(), 2);
}

#[test]
fn named_lists_merge_by_name_and_other_lists_are_replaced() {
    let base = format!("{RIGHT}[prompt_sets.s]\noperators = [\"+\", \"-\"]\nseeds = [1, 2, 3]\n");
    let more = "extends = [\"base.toml\"]\n[[step]]\nname = \"accuracy\"\nper_prompt = true\n\
        [[step]]\nname = \"again\"\nkind = \"accuracy\"\n[[figure]]\nname = \"rates\"\ntitle = \"Rates\"\n[prompt_sets.s]\nseeds = [9]\n";
    let folder = Sandbox::of(&[("base.toml", &base), ("spec.toml", more)]);
    let read = loaded(layered(
        &folder,
        "spec.toml",
        &["figure.rates.width=300", "step.again.per_prompt=true", "table.0.head=2"],
        &[],
    ));
    let names: Vec<&str> = read.spec.steps.iter().map(|step| step.name()).collect();
    assert_eq!(names, ["accuracy", "again"]);
    assert_eq!(read.spec.figures.len(), 1);
    assert_eq!(
        (read.spec.figures[0].title.as_deref(), read.spec.figures[0].width),
        (Some("Rates"), FigureWidth::Pixels(300))
    );
    assert_eq!(read.spec.tables[0].head, Some(2));
    assert_eq!(read.spec.prompt_sets["s"].seeds, [9]);
    assert_eq!(read.spec.prompt_sets["s"].operators, ["+", "-"]);
}

#[test]
fn models_and_prompt_sets_take_what_they_leave_out_from_their_parent() {
    let text = format!(
        "{RIGHT}[models.other]\nsource = \"hf:a/b\"\n[models.half]\ndtype = \"f16\"\nprocessing = {{ fold_norm = false }}\n\
        [prompt_sets.small]\noperands = {{ a = [1, 2] }}\n"
    );
    let folder = Sandbox::of(&[("spec.toml", &text)]);
    let read = loaded(layered(&folder, "spec.toml", &["model.processing.center_unembed=false"], &[]));
    let half = &read.spec.models["half"];
    assert_eq!((half.source.as_str(), half.dtype), ("builtin:arith", Dtype::F16));
    assert!(!half.processing.fold_norm && !half.processing.center_unembed && half.processing.center_writing);
    assert_eq!(read.spec.models["other"].source, "hf:a/b");
    let names: Vec<&String> = read.spec.models.keys().collect();
    assert_eq!(names, ["other", "half"], "in the order they are written");
    let operands = &read.spec.prompt_sets["small"].operands.as_ref().unwrap();
    assert_eq!((operands.a.values().len(), operands.b.values().len()), (2, 100));
    assert!(read.origin(&["models", "half", "source"]).to_string().ends_with("spec.toml:4:10"));
}

#[test]
fn elements_of_lists_are_set_by_index() {
    let folder = Sandbox::of(&[("spec.toml", &RIGHT.replace("[prompts]", "[prompts]\nseeds = [1, 2, 3]"))]);
    let read = loaded(layered(&folder, "spec.toml", &["prompts.seeds.1=7", "prompts.seeds.2=8"], &[]));
    assert_eq!(read.spec.prompts.as_ref().unwrap().seeds, [1, 7, 8]);
    assert_eq!(read.origin(&["prompts", "seeds", "1"]).to_string(), "--set prompts.seeds.1=7");
    assert!(read.origin(&["prompts", "seeds", "0"]).to_string().ends_with("spec.toml:7:10"));
    let text = refused(&folder, "spec.toml", &["prompts.seeds.3=7"], &[]);
    assert!(text.contains("--set prompts.seeds.3=7: this list has no entry '3'"), "{text}");
}

#[test]
fn set_values_are_toml_or_else_text() {
    let folder = Sandbox::of(&[("spec.toml", RIGHT)]);
    let sets = [
        "model.source=hf:owner/name@main",
        "prompts.operators=[\"+\"]",
        "output.dir=a = b",
        "prompts.operands={ a = [3], b = [4] }",
    ];
    let read = loaded(layered(&folder, "spec.toml", &sets, &[]));
    assert_eq!(read.spec.model.as_ref().unwrap().source, "hf:owner/name@main");
    assert_eq!(read.spec.prompts.as_ref().unwrap().operators, ["+"]);
    assert_eq!(read.spec.output.dir.as_deref(), Some("a = b"));
    assert_eq!(read.spec.prompts.as_ref().unwrap().operands.as_ref().unwrap().a.values(), [3]);
}

#[test]
fn wrong_values_from_outside_name_the_flag_or_variable() {
    let folder = Sandbox::of(&[("spec.toml", RIGHT)]);
    let refused = |sets: &[&str], env: &[(&str, &str)]| refused(&folder, "spec.toml", sets, env);
    let flags = [
        "model.dtype=f31",
        "model.dtyp=f32",
        "run.threads=0",
        "step.acuracy.per_prompt=true",
        "figure.rates.from=x",
        "dtype",
        "a..b=1",
    ];
    let flags = flags.map(|set| refused(&[set], &[]));
    let variables = [("ABLATE_MODEL__DTYPE", "f31"), ("ABLATE_MODLE__DTYPE", "f32"), ("ABLATE_EXTENDS", "x")];
    let variables = variables.map(|variable| refused(&[], &[variable]));
    let text = [&flags[..], &variables].concat().join("\n");
    assert!(!text.contains("spec.toml"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn steps_tables_and_figures_are_reached_by_name() {
    let text =
        RIGHT.replace("name = \"accuracy\"\nkind", "name = \"7\"\nkind").replace("from = \"accuracy\"", "from = \"7\"");
    let text = text.replace("name = \"rates\"\nkind", "name = \"the-rates\"\nkind");
    let text = format!("{text}\n[[step]]\nname = \"a__b-c\"\nkind = \"accuracy\"\n");
    let folder = Sandbox::of(&[("spec.toml", &text)]);
    let sets =
        ["step.7.per_prompt=true", "figure.the-rates.title=\"R\"", "table.rates.head=3", "step.a__b-c.needs=[\"7\"]"];
    let read = loaded(layered(&folder, "spec.toml", &sets, &[]));
    let per_prompt = |read: &Loaded, step: usize| match &read.spec.steps[step] {
        ablate::spec::Step::Accuracy(step) => step.per_prompt,
        _ => panic!("another kind"),
    };
    assert!(per_prompt(&read, 0) && !per_prompt(&read, 1));
    assert_eq!((read.spec.figures[0].title.as_deref(), read.spec.tables[0].head), (Some("R"), Some(3)));
    let env = [
        ("ABLATE_STEP__7__PER_PROMPT", "true"),
        ("ABLATE_STEP__A__B_C__PER_PROMPT", "true"),
        ("ABLATE_FIGURE__THE_RATES__X_TITLE", "x"),
    ];
    let read = loaded(layered(&folder, "spec.toml", &[], &env));
    assert!(per_prompt(&read, 0) && per_prompt(&read, 1));
    assert_eq!(read.spec.figures[0].x_title.as_deref(), Some("x"));
    let text = refused(&folder, "spec.toml", &[], &[("ABLATE_STEP__A__B_D__PER_PROMPT", "true")]);
    assert!(text.contains("no step 'a'"), "{text}");
}

#[test]
fn entries_of_lists_within_steps_go_by_name_too() {
    let step = "[[step]]\nname = \"steer\"\nkind = \"intervention\"\ninterventions = [{ name = \"push\", edits = [{ site = \"0.z\", value = 1 }] }]\n";
    let folder = Sandbox::of(&[("spec.toml", &format!("{RIGHT}{step}"))]);
    let read = loaded(layered(&folder, "spec.toml", &["step.steer.interventions.push.edits.0.value=2.5"], &[]));
    assert!(read.to_toml().contains("value = 2.5"), "{}", read.to_toml());
    let text = refused(&folder, "spec.toml", &["step.steer.interventions.pusch.edits=[]"], &[]);
    assert!(text.contains("write 'push'"), "{text}");
}

#[test]
fn what_a_shell_makes_of_a_flag_is_told() {
    let folder = Sandbox::of(&[("spec.toml", RIGHT)]);
    let flags = [
        "step[0].per_prompt=true",
        "step[accuracy].per_prompt=true",
        "figure[4].x=y",
        "prompts.operators=[+]",
        "prompts.operators=[+, *]",
        "prompts.operands={ a = 0..10, b = 0..10 }",
        "prompts.seeds=42",
        "models.größe.source=x",
        "prompts.operators=+",
    ];
    let flags = flags.map(|set| refused(&folder, "spec.toml", &[set], &[])).join("\n");
    let variable = refused(&folder, "spec.toml", &[], &[("ABLATE_PROMPTS__OPERATORS", "[+]")]);
    insta::assert_snapshot!(format!("{flags}\n{variable}"));
    // A text that begins so is a text where one may stand.
    let read = loaded(layered(&folder, "spec.toml", &["title=[draft]", "prompts.template={a}{op}{b}="], &[]));
    assert_eq!(read.spec.title, "[draft]");
}

#[test]
fn variables_find_keys_in_any_case() {
    let folder = Sandbox::of(&[("spec.toml", &RIGHT.replace("rates", "Rates"))]);
    let read = loaded(layered(&folder, "spec.toml", &[], &[("ABLATE_FIGURE__RATES__X_TITLE", "Operator")]));
    assert_eq!(read.spec.figures[0].x_title.as_deref(), Some("Operator"));
}

#[test]
fn a_loop_of_extends_is_shown_as_a_chain() {
    let folder = Sandbox::of(&[
        ("a.toml", "title = \"a\"\nextends = \"b.toml\""),
        ("b.toml", "extends = [\"c.toml\"]"),
        ("c.toml", "extends = \"./a.toml\""),
        ("self.toml", "extends = \"self.toml\""),
    ]);
    let text = refused(&folder, "a.toml", &[], &[]);
    assert!(text.contains("`extends` goes in a circle: a.toml -> b.toml -> c.toml -> a.toml"), "{text}");
    assert!(text.contains("[c.toml:1:11]"), "{text}");
    assert!(refused(&folder, "self.toml", &[], &[]).contains("circle: self.toml -> self.toml"));
}

#[test]
fn a_missing_file_is_pointed_at_where_it_is_named() {
    let folder = Sandbox::of(&[("spec.toml", "extends = [\"bsae.toml\", 3]\n"), ("base.toml", RIGHT)]);
    let text = refused(&folder, "spec.toml", &[], &[]);
    for expected in [
        "cannot read bsae.toml: no such file",
        "[spec.toml:1:12]",
        "write 'base.toml', which is there",
        "not the integer 3",
    ] {
        assert!(text.contains(expected), "{expected} not in {text}");
    }
    assert!(refused(&folder, "sepc.toml", &[], &[]).contains("write 'spec.toml', which is there"));
    assert!(refused(&folder, "", &[], &[]).contains("is a folder"));
}

#[test]
fn a_file_reached_twice_does_not_undo_what_another_made_of_it() {
    let folder = Sandbox::of(&[
        ("base.toml", RIGHT),
        ("b.toml", "extends = \"base.toml\"\n[model]\ndtype = \"f16\"\n"),
        ("c.toml", "extends = \"base.toml\"\n[run]\nthreads = 3\n"),
        ("spec.toml", "extends = [\"b.toml\", \"c.toml\"]\ntitle = \"both\"\n"),
    ]);
    let read = loaded(layered(&folder, "spec.toml", &["model.bos=true"], &[]));
    assert_eq!(read.spec.model.as_ref().unwrap().dtype, Dtype::F16);
    assert_eq!(read.spec.run.threads, Some(3));
}

#[test]
fn config_shows_every_value_with_its_origin() {
    let folder = Sandbox::of(&[("spec.toml", RIGHT)]);
    let read = loaded(layered(&folder, "spec.toml", &["run.threads=2"], &[("ABLATE_MODEL__DTYPE", "bf16")]));
    let text = read.to_toml_with_origins().replace(&format!("{}/", folder.path().display()), "");
    insta::assert_snapshot!(text);
    for line in text.lines().filter(|line| line.contains(" = ")) {
        assert!(line.contains("  # "), "no origin: {line}");
    }
}

#[test]
fn what_a_model_finds_later_is_pointed_at_too() {
    let folder = Sandbox::of(&[("spec.toml", RIGHT)]);
    let read = loaded(layered(&folder, "spec.toml", &["run.threads=2"], &[]));
    let text = read.refuse(&["step", "accuracy", "kind"], "layer 33 of 32", None).to_string();
    assert!(text.contains("layer 33 of 32") && text.contains("spec.toml:11:8]"), "{text}");
    let text = read.refuse(&["prompts", "keep"], "no prompt is right", Some("write keep = \"all\"".into())).to_string();
    assert!(text.contains("spec.toml:6:1]") && text.contains("write keep"), "{text}");
    let text = read.refuse(&["run", "threads"], "too many", None).to_string();
    assert!(text.contains("--set run.threads=2: too many"), "{text}");
}

/// What the schema has no words for is refused by the type that reads it.
#[test]
fn what_only_a_type_refuses_is_refused_at_its_value() {
    let folder = Sandbox::of(&[
        ("spec.toml", RIGHT),
        ("two.toml", "extends = \"spec.toml\"\n[model]\ndevice = [\"cpu\", \"gpu:0\"]\n"),
        (
            "many.toml",
            "extends = \"spec.toml\"\n[matrix]\non = { key = \"model.device\", values = { one = \"cpu\", two = [\"cpu\", \"gpu:0\"] } }\n",
        ),
    ]);
    let said = "devices 'cpu' and 'gpu:0' are of two kinds; write devices of one kind";
    for (file, set, variable, place) in [
        ("spec.toml", Some("model.device=[\"cpu\", \"gpu:0\"]"), None, "--set model.device=[\"cpu\", \"gpu:0\"]: "),
        (
            "spec.toml",
            None,
            Some(("ABLATE_MODEL__DEVICE", "[\"cpu\", \"gpu:0\"]")),
            "ABLATE_MODEL__DEVICE=[\"cpu\", \"gpu:0\"]: ",
        ),
        ("two.toml", None, None, ""),
        ("many.toml", None, None, ""),
    ] {
        let text = refused(&folder, file, &Vec::from_iter(set), &Vec::from_iter(variable));
        assert!(text.contains(&format!("{place}{said}")), "{file}: {text}");
        let line = file != "spec.toml";
        assert_eq!((text.contains(&format!("{file}:3:")), text.contains("spec.toml:1:1")), (line, false), "{text}");
    }
}
