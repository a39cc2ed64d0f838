//! The profile of a known model: over the files, under the environment and `--set`.

use super::errors::RIGHT;
use super::layers::{layered, loaded};
use crate::support::Sandbox;
use ablate::spec::{Dtype, ErrorStyle, Loaded, SpecErrors};

/// The right spec, which knows two models.
fn spec() -> String {
    format!(
        "{RIGHT}[known.big]\nfamily = \"llama\"\nlayers = 32\nprofile = \"models/big.toml\"\n\
        [known.plain]\nlayers = 2\n[prompt_sets.few]\nsample = 3\n[models.other]\nsource = \"hf:a/b\"\n"
    )
}

const PROFILE: &str = r#"[model]
source = "weights/big"
dtype = "bf16"
bos = true

[prompts]
operands = { a = "0..300" }
sample = 100

[prompt_sets.few]
sample = 50

[prompt_sets.many]
sample = 500

[models.third]
source = "hf:c/d"

[[step]]
name = "accuracy"
per_prompt = true

[[step]]
name = "patching"
kind = "activation-patching"
sites = ["z"]

[[figure]]
name = "rates"
title = "Of the big model"

[[expect]]
name = "nothing"
at_least = 3

[run]
threads = 7
batch = 8
"#;

fn folder(profile: &str) -> Sandbox {
    Sandbox::of(&[("spec.toml", &spec()), ("models/big.toml", profile)])
}

fn known(folder: &Sandbox, sets: &[&str], env: &[(&str, &str)]) -> Result<Loaded, SpecErrors> {
    loaded(layered(folder, "spec.toml", sets, env)).with_profile("big")
}

#[test]
fn a_profile_goes_over_the_file_and_under_what_is_set() {
    let folder = folder(PROFILE);
    let plain = loaded(layered(&folder, "spec.toml", &[], &[]));
    assert!(plain.recognised().is_none());
    assert_eq!(plain.spec.model.as_ref().unwrap().dtype, Dtype::F32);
    let env = [("ABLATE_RUN__THREADS", "3"), ("ABLATE_PROMPT_SETS__FEW__SAMPLE", "9")];
    let read = loaded(known(&folder, &["model.source=here", "prompts.operands.a=\"0..7\""], &env));
    let model = read.spec.model.as_ref().unwrap();
    assert_eq!((model.source.as_str(), model.dtype, model.bos), ("here", Dtype::Bf16, Some(true)));
    let prompts = read.spec.prompts.as_ref().unwrap();
    let operands = prompts.operands.as_ref().unwrap();
    assert_eq!((operands.a.values().len(), operands.b.values().len()), (7, 100));
    assert_eq!(prompts.sample, Some(100));
    assert_eq!((read.spec.run.threads, read.spec.run.batch), (Some(3), Some(8)));
    assert_eq!(read.spec.prompt_sets["few"].sample, Some(9));
    assert_eq!(read.spec.figures[0].title.as_deref(), Some("Of the big model"));
    let origin = |path: &[&str]| read.origin(path).to_string().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(origin(&["model", "dtype"]), "models/big.toml:3:9");
    assert_eq!(origin(&["model", "source"]), "--set model.source=here");
    assert_eq!(origin(&["step", "accuracy", "per_prompt"]), "models/big.toml:21:14");
    assert_eq!(origin(&["step", "accuracy", "kind"]), "spec.toml:11:8");
    assert_eq!(origin(&["run", "threads"]), "ABLATE_RUN__THREADS=3");
    let shown = read.to_toml_with_origins();
    assert!(
        shown.lines().any(|line| line.contains("dtype = \"bf16\"") && line.contains("models/big.toml:3:9")),
        "{shown}"
    );
}

#[test]
fn it_adds_no_entries() {
    let read = loaded(known(&folder(PROFILE), &[], &[]));
    let steps: Vec<&str> = read.spec.steps.iter().map(|step| step.name()).collect();
    assert_eq!(steps, ["accuracy"]);
    assert_eq!(read.spec.prompt_sets.keys().collect::<Vec<_>>(), ["few"]);
    assert_eq!(read.spec.models.keys().collect::<Vec<_>>(), ["other"]);
    assert!(read.spec.expectations.is_empty());
    assert_eq!(read.spec.models["other"].dtype, Dtype::Bf16, "taken from [model] after the profile");
    assert_eq!(read.spec.prompt_sets["few"].sample, Some(50));
}

#[test]
fn its_paths_start_from_its_own_folder_and_it_may_extend_another() {
    let base =
        "[model]\nsource = \"weights/base\"\ndtype = \"f16\"\n[[step]]\nname = \"nothing\"\nkind = \"accuracy\"\n";
    let profile = "extends = [\"../shared/base.toml\", \"../spec.toml\"]\n[model]\ndtype = \"bf16\"\n";
    let folder = Sandbox::of(&[("spec.toml", &spec()), ("models/big.toml", profile), ("shared/base.toml", base)]);
    let read = loaded(known(&folder, &[], &[]));
    let model = read.spec.model.as_ref().unwrap();
    assert_eq!(
        (model.source.as_str(), model.dtype),
        ("weights/base", Dtype::Bf16),
        "the spec itself is not laid again"
    );
    assert_eq!(read.directory(&["model", "source"]), folder.at("shared"));
    let names: Vec<String> =
        read.sources.iter().map(|source| source.name().replace(&format!("{}/", folder.path().display()), "")).collect();
    assert_eq!(names, ["spec.toml", "models/big.toml", "shared/base.toml"]);
    assert!(read.recognised().unwrap().profile.as_ref().unwrap().name().ends_with("models/big.toml"));
    assert_eq!(read.spec.steps.len(), 1);
}

#[test]
fn a_model_without_a_profile_is_known_all_the_same() {
    let read = loaded(loaded(layered(&folder(PROFILE), "spec.toml", &[], &[])).with_profile("plain"));
    let recognised = read.recognised().unwrap();
    assert_eq!((recognised.name.as_str(), recognised.profile.is_none()), ("plain", true));
    assert_eq!(read.spec.model.as_ref().unwrap().dtype, Dtype::F32);
}

/// What the report keeps can be run where the profiles are not.
#[test]
fn written_out_it_needs_no_profile_any_more() {
    let read = loaded(known(&folder(PROFILE), &[], &[]));
    let again = ablate::spec::parse("written.toml", &read.to_toml()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(again.spec, read.spec);
    assert!(loaded(again.with_profile("big")).recognised().unwrap().profile.is_none());
}

#[test]
fn what_is_wrong_with_a_profile_is_shown_where_it_stands() {
    let cases = [
        "[model]\ndtpye = \"bf16\"\n",
        "[run]\nthreads = 0\n[[step]]\nname = \"accuracy\"\nper_promt = true\n[[step]]\nname = \"patching\"\nper_promt = true\n",
        "[prompts]\noperands = \n",
        "[[step]]\nper_prompt = true\n",
        "[[step]]\nname = \"accuracy\"\n[[step]]\nname = \"accuracy\"\nper_prompt = true\n",
        "[step]\nname = \"accuracy\"\n",
        "[known.other]\nlayers = 3\n[model]\ndtpye = \"bf16\"\n",
        "extends = \"nothing.toml\"\n",
        "[[figure]]\nname = \"rates\"\nfrom = \"rate\"\n",
        "",
    ];
    let texts = cases.map(|profile| {
        let folder = folder(profile);
        let errors = known(&folder, &[], &[]).expect_err("accepted");
        errors.render(ErrorStyle::Plain).replace(&format!("{}/", folder.path().display()), "")
    });
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn a_profile_that_is_not_there_is_pointed_at_where_it_is_named() {
    let folder = Sandbox::of(&[("spec.toml", &spec()), ("models/bigg.toml", PROFILE)]);
    let text = known(&folder, &[], &[]).expect_err("accepted").render(ErrorStyle::Plain);
    for expected in ["models/big.toml: no such file", "spec.toml:28:11]", "write 'bigg.toml', which is there"] {
        assert!(text.contains(expected), "{expected} not in {text}");
    }
    let text = known(&folder, &["known.big.profile=far/away.toml"], &[]).expect_err("accepted").to_string();
    assert!(text.contains("cannot read far/away.toml: no such file"), "{text}");
}
