//! What is in it.

use super::{BASE, SPEC, manifest, run, sandbox};
use crate::support::{ABLATE, Ran, repository};
use ablate::manifest::{FORMAT, Manifest, Recomputed};
use ablate::spec;
use sha2::{Digest, Sha256};
use std::fs;

fn sha256(bytes: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// Where a value comes from.
fn origin<'m>(manifest: &'m Manifest, key: &str) -> &'m str {
    let value = manifest.spec.values.iter().find(|value| value.key == key);
    &value.unwrap_or_else(|| panic!("no value {key}")).origin
}

#[test]
fn the_spec_is_there_with_the_origin_of_each_value() {
    let sandbox = sandbox();
    let mut command = sandbox.command(&["run", "experiments/spec.toml", "--set", "prompt_sets.few.sample=2"]);
    Ran::of(command.env("ABLATE_RUN__MEMORY_MIB", "64")).ok();
    let manifest = manifest(&sandbox);
    for (key, from) in [
        ("title", "experiments/spec.toml:2:9"),
        ("model.source", "experiments/base/common.toml:4:10"),
        ("prompts.operands.b", "experiments/base/common.toml:7:31"),
        ("step.accuracy.per_prompt", "experiments/spec.toml:11:14"),
        ("prompt_sets.few.sample", "--set prompt_sets.few.sample=2"),
        // What a set leaves out, `[prompts]` says.
        ("prompt_sets.few.operators", "experiments/base/common.toml:8:13"),
        ("run.memory_mib", "ABLATE_RUN__MEMORY_MIB=64"),
        ("model.processing.fold_norm", "default"),
        ("step.effects.bootstrap", "default"),
        ("expect.sums.where.n", "experiments/spec.toml:41:31"),
    ] {
        let line: usize = from.rsplit(':').nth(1).and_then(|line| line.parse().ok()).unwrap_or(0);
        let text = if from.contains("base/") { BASE } else { SPEC };
        let last = key.rsplit('.').next().expect("a key");
        assert!(line == 0 || text.lines().nth(line - 1).is_some_and(|line| line.contains(last)), "{key}: {from}");
        assert_eq!(origin(&manifest, key), from, "{key}");
    }
    let files: Vec<_> = manifest.spec.files.iter().map(|file| (&*file.path, &*file.role, &*file.sha256)).collect();
    let (own, base) = (sha256(SPEC), sha256(BASE));
    let wanted = [("experiments/spec.toml", "spec", &*own), ("experiments/base/common.toml", "extends", &*base)];
    assert_eq!(files, wanted);
    assert_eq!(manifest.spec.sets, ["prompt_sets.few.sample=2"]);
    assert_eq!(
        manifest.spec.environment.iter().collect::<Vec<_>>(),
        [(&"ABLATE_RUN__MEMORY_MIB".into(), &"64".into())]
    );
    assert_eq!(manifest.command, "ablate run experiments/spec.toml --set prompt_sets.few.sample=2");
    assert_eq!(manifest.folder, "results/spec");

    assert_eq!(manifest.spec.sha256, sha256(&manifest.spec.toml));
    let again = spec::parse("resolved.toml", &manifest.spec.toml).expect("it can be read");
    assert_eq!(again.to_toml(), manifest.spec.toml);
    let sampled = again.spec.prompt_sets["few"].sample;
    assert_eq!((sampled, again.spec.run.memory_mib), (Some(2), 64));
    for value in &manifest.spec.values {
        assert!(!value.value.is_empty() && !value.origin.is_empty(), "{value:?}");
    }
}

#[test]
fn checksums_are_those_of_all_results() {
    let sandbox = sandbox();
    let manifest = run(&sandbox, &[]);
    let results = sandbox.at("results/spec");
    for file in &manifest.files {
        assert_eq!(sha256(fs::read(results.join(&file.path)).expect("the file")), file.sha256, "{}", file.path);
    }
    for part in ["tables", "figures", "rows"] {
        for entry in fs::read_dir(results.join(part)).expect("a folder").flatten() {
            let path = format!("{part}/{}", entry.file_name().to_string_lossy());
            assert!(manifest.checksum(&path).is_some(), "{path} has no checksum");
        }
    }
    assert!(manifest.checksum("tables/rates.csv").is_some() && manifest.checksum("figures/bars.svg").is_some());
}

#[test]
fn prompts_are_told_apart_by_their_texts_and_answers() {
    let sandbox = sandbox();
    let first = run(&sandbox, &[]);
    let [all, few] = first.prompts.as_slice() else { panic!("two sets: {:?}", first.prompts) };
    assert_eq!((&*all.set, &*all.model, all.templates, all.seeds.len()), ("prompts", "model", 1, 0));
    assert_eq!((&*few.set, few.prompts, few.seeds.as_slice()), ("few", 12, [7, 8].as_slice()));
    assert_eq!(
        (all.steps.as_slice(), few.steps.as_slice()),
        (["accuracy".into()].as_slice(), ["effects".into()].as_slice())
    );
    // As docs/provenance.md says: each text as a JSON string, a tab, its answer, a line feed.
    let csv = sandbox.table("prompts");
    let lines: Vec<String> = csv.lines().skip(1).map(|line| line.replacen(',', "\"\t", 1)).collect();
    assert_eq!(all.prompts, lines.len());
    assert_eq!(all.sha256, sha256(lines.iter().map(|line| format!("\"{line}\n")).collect::<String>()));

    let other = run(&sandbox, &["--set", "prompt_sets.few.seeds=[7, 9]"]);
    assert_eq!(other.prompts[0], first.prompts[0]);
    assert_ne!(other.prompts[1].sha256, few.sha256);
}

#[test]
fn models_are_told_by_content() {
    let sandbox = sandbox();
    let builtin = run(&sandbox, &[]).models;
    sandbox.arith("experiments/copied", "");
    let text = BASE.replace("builtin:arith", "../copied");
    sandbox.write("experiments/base/common.toml", &text);
    let copied = run(&sandbox, &["--set", "model.dtype=bf16"]).models;
    let [one] = copied.as_slice() else { panic!("one model: {copied:?}") };
    assert_eq!((&*one.name, &*one.source, &*one.dtype, &*one.device), ("model", "../copied", "bf16", "cpu"));
    assert_eq!((&*one.family, &*one.stored_dtype), ("ablate", "f32"));
    assert_eq!((one.fingerprint.as_str(), one.parameters), (builtin[0].fingerprint.as_str(), builtin[0].parameters));
    let part = |name: &str| format!("{name:?} {}\n", sha256(sandbox.bytes(format!("experiments/copied/{name}"))));
    let parts: String = ["config.json", "tokenizer.json", "model.safetensors"].map(part).concat();
    assert_eq!(one.fingerprint, sha256(parts));

    sandbox.arith("experiments/copied", "step00200");
    let changed = run(&sandbox, &[]).models;
    assert_ne!(changed[0].fingerprint, one.fingerprint);
}

#[test]
fn the_program_the_machine_and_the_time_are_there() {
    let sandbox = sandbox();
    let manifest = run(&sandbox, &["--set", "run.threads=1"]);
    assert_eq!((manifest.format, &*manifest.title), (FORMAT, "provenance"));
    assert_eq!(manifest.ablate.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(manifest.ablate.executable, sha256(fs::read(ABLATE).expect("the binary")));
    assert_eq!(manifest.machine.threads, 1);
    assert!(manifest.machine.system.contains(std::env::consts::ARCH), "{:?}", manifest.machine);
    assert!(manifest.machine.gpus.is_empty(), "no GPU computed");

    let lock = fs::read_to_string(repository("Cargo.lock")).expect("the lock file");
    for name in ["burn", "burn-flex", "gemm", "polars", "safetensors", "tokenizers"] {
        assert!(manifest.dependencies.iter().any(|dependency| dependency.name == name), "{name}");
    }
    for dependency in &manifest.dependencies {
        let package = format!("\nname = \"{}\"\nversion = \"{}\"\n", dependency.name, dependency.version);
        assert!(lock.contains(&package), "{package}");
    }
    let manual = fs::read_to_string(repository("Cargo.toml")).expect("Cargo.toml");
    let safetensors = manifest.dependencies.iter().find(|dependency| dependency.name == "safetensors");
    let own = safetensors.map(|own| own.version.rsplit_once('.').expect("a version").0.to_string());
    assert!(manual.contains(&format!("\nsafetensors = \"{}\"\n", own.expect("safetensors"))), "of two, its own");

    let date = |text: &str| text.len() == "2026-11-24T06:33:07Z".len() && text.starts_with("20") && text.ends_with('Z');
    assert!(date(&manifest.started) && date(&manifest.ended) && manifest.started <= manifest.ended, "{manifest:?}");
    assert!(
        manifest.seconds > 0.0
            && manifest.steps.iter().map(|step| step.seconds).sum::<f64>() <= manifest.seconds + 0.01
    );
    let steps: Vec<_> = manifest.steps.iter().map(|step| (&*step.name, &*step.kind, step.key.len())).collect();
    assert_eq!(steps, [("accuracy", "accuracy", 64), ("effects", "activation-patching", 64)]);
    assert!(manifest.steps.iter().all(|step| step.from_store.is_none() && step.failed.is_none()));
    let checks: Vec<_> = manifest.self_checks.iter().map(|check| (&*check.step, check.of, check.passed())).collect();
    let [interventions, prompts] = [Recomputed::Interventions, Recomputed::Prompts];
    assert_eq!(checks, [("accuracy", prompts, true), ("effects", interventions, true), ("effects", prompts, true)]);
    let [sums] = manifest.expectations.as_slice() else { panic!("one expectation") };
    assert!(sums.expected.name == "sums" && sums.ours.is_some_and(|ours| sums.expected.holds(ours)), "{sums:?}");
}

#[test]
fn it_comes_back_as_it_was_and_names_no_folder_of_the_user() {
    let sandbox = sandbox();
    let read = run(&sandbox, &[]);
    let path = sandbox.at("results/spec/manifest.json");
    let text = fs::read_to_string(&path).expect("a manifest");
    assert_eq!(read.text(), text);
    assert_eq!(Manifest::read(&path).expect("by its file"), read);
    let home = sandbox.path().display().to_string();
    assert!(!text.contains(&home), "{home}");
    assert!(text.lines().filter(|line| !line.contains("\"toml\"")).all(|line| line.chars().count() <= 200), "{text}");
}

#[test]
fn a_rerun_from_the_store_has_the_same_keys_and_prompts() {
    let sandbox = sandbox();
    // In a folder of its own: the same results would keep the manifest that is there.
    let stored = |name: &str| {
        let place = format!("output.dir=results/{name}");
        let mut command = sandbox.command(&["run", "experiments/spec.toml", "--set", &place]);
        Ran::of(command.env("ABLATE_CACHE", sandbox.store())).ok();
        Manifest::read(&sandbox.at("results").join(name)).expect("a manifest")
    };
    let (first, second) = (stored("first"), stored("second"));
    let without = run(&sandbox, &[]);
    assert_eq!(first.prompts, second.prompts);
    assert_eq!(first.prompts, without.prompts);
    let keys = |manifest: &Manifest| manifest.steps.iter().map(|step| step.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&first), keys(&second));
    assert_eq!(keys(&first), keys(&without), "without a store too");
    assert!(first.steps.iter().all(|step| step.from_store.is_none()));
    let from_store = second.steps.iter().map(|step| step.from_store.as_ref().expect("from the store"));
    assert!(
        from_store
            .into_iter()
            .all(|from| from.computed.starts_with("20") && from.processor == second.machine.processor)
    );
    assert_eq!(first.files, second.files);
}

#[test]
fn what_is_no_manifest_is_refused() {
    let sandbox = sandbox();
    let refused = |text: Option<&str>| {
        match text {
            Some(text) => sandbox.write("manifest.json", text),
            None => sandbox.remove("manifest.json"),
        }
        Manifest::read(sandbox.path()).expect_err("it is refused").to_string()
    };
    assert!(refused(Some("{")).contains("manifest.json is not a manifest: "));
    assert!(refused(Some("[1]")).contains("manifest.json is not a manifest: "));
    let old = refused(Some(r#"{ "title": "t", "command": "ablate run a.toml", "files": [] }"#));
    assert!(
        old.ends_with("has format 1, and this ablate reads format 2; make it again with: ablate run a.toml"),
        "{old}"
    );
    assert!(refused(Some(r#"{ "format": 2, "command": "ablate run a.toml" }"#)).contains("missing field `title`"));
    assert!(refused(None).contains("holds no results"));
}
