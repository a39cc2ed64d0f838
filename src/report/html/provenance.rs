//! What was run where, and what the run found of itself.

use super::{Html, table};
use crate::counted::counted;
use crate::manifest::{Failed, Manifest, ModelRecord, PromptsRecord, SelfCheck, StepRecord};

/// Letters of a checksum that tell it from others.
const SHORT: usize = 12;

/// What steps computed a second time.
pub fn checks(body: &mut Html, checks: &[SelfCheck]) {
    body.open("ul");
    for check in checks {
        let (class, said) = if check.passed() { ("good", "passed") } else { ("bad", "failed") };
        body.raw("<li>").badge(class, said).raw(" ").text(&check.to_string()).raw("</li>\n");
    }
    body.close("ul");
}

/// All that a manifest says beside the results themselves.
pub fn facts(body: &mut Html, manifest: &Manifest) {
    body.open("dl");
    program(body, manifest);
    machine(body, manifest);
    spec(body, manifest);
    body.close("dl");
    models(body, &manifest.models);
    prompts(body, &manifest.prompts);
    steps(body, &manifest.steps);
    files(body, manifest);
}

fn fact(body: &mut Html, name: &str, value: &str) {
    body.inline("dt", name).element("dd", value);
}

fn program(body: &mut Html, manifest: &Manifest) {
    let Manifest { ablate, started, ended, seconds, rerun_of, .. } = manifest;
    fact(body, "run", &format!("{started} to {ended}, {seconds:.1} s"));
    if let Some(first) = rerun_of {
        fact(body, "repeats the run of", first);
    }
    fact(body, "ablate", &format!("{}, executable {}", ablate.version, short(&ablate.executable)));
    let versions = manifest.dependencies.iter().map(|one| format!("{} {}", one.name, one.version));
    fact(body, "with", &versions.collect::<Vec<_>>().join(", "));
}

fn machine(body: &mut Html, manifest: &Manifest) {
    let machine = &manifest.machine;
    let cores = machine.cores.map(|cores| format!(", {}", counted(cores, "core"))).unwrap_or_default();
    let computes =
        format!("{}{cores}, {}, {}", machine.processor, counted(machine.threads, "thread"), machine.instructions);
    fact(body, "processor", &computes);
    machine.gpus.iter().for_each(|gpu| fact(body, "GPU", gpu));
    fact(body, "system", &machine.system);
}

fn spec(body: &mut Html, manifest: &Manifest) {
    let spec = &manifest.spec;
    fact(body, "spec", &format!("SHA-256 of the resolved spec {}", short(&spec.sha256)));
    for file in &spec.files {
        fact(body, &file.role, &format!("{} ({})", file.path, short(&file.sha256)));
    }
    if let Some(git) = &spec.git {
        let state = if git.dirty { ", with changes that are not committed" } else { "" };
        fact(body, "commit", &format!("{}{state}", git.commit));
    }
    spec.sets.iter().for_each(|set| fact(body, "--set", set));
    spec.environment.iter().for_each(|(name, value)| fact(body, name, value));
}

/// Records below a heading, `numbers` the columns of numbers; nothing where there are none.
fn records<R>(
    body: &mut Html,
    (heading, columns, numbers): (&str, &[&str], &[&str]),
    all: &[R],
    cells: impl Fn(&mut Html, &R),
) {
    if !all.is_empty() {
        body.element("h3", heading);
        table::sortable(body, columns.iter().map(|column| (*column, numbers.contains(column))), all, cells).raw("\n");
    }
}

fn models(body: &mut Html, models: &[ModelRecord]) {
    let columns = ["model", "source", "family", "parameters", "stored as", "run in", "on", "fingerprint"];
    records(body, ("Models", &columns, &["parameters"]), models, |body, model| {
        let name = [Some(&model.name), model.checkpoint.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
        let source = match &model.revision {
            Some(revision) => format!("{} at {revision}", model.source),
            None => model.source.clone(),
        };
        [with(&name.join("@"), &model.variants), source, model.family.clone()].iter().for_each(|text| cell(body, text));
        number(body, &model.parameters.to_string());
        [&model.stored_dtype, &model.dtype, &model.device].into_iter().for_each(|text| cell(body, text));
        checksum(body, &model.fingerprint);
    });
}

/// A name with the variants that it is of.
fn with(name: &str, variants: &str) -> String {
    if variants.is_empty() { name.to_string() } else { format!("{name} ({variants})") }
}

fn prompts(body: &mut Html, prompts: &[PromptsRecord]) {
    let columns = ["set", "model", "templates", "prompts", "seeds", "steps", "SHA-256"];
    records(body, ("Prompts", &columns, &["templates", "prompts"]), prompts, |body, record| {
        let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
        [&record.set, &record.model].into_iter().for_each(|text| cell(body, text));
        number(body, &record.templates.to_string());
        number(body, &record.prompts.to_string());
        [seeds.join(", "), record.steps.join(", ")].iter().for_each(|text| cell(body, text));
        checksum(body, &record.sha256);
    });
}

fn steps(body: &mut Html, steps: &[StepRecord]) {
    let columns = ["step", "kind", "seconds", "where its rows come from", "key"];
    records(body, ("Steps", &columns, &["seconds"]), steps, |body, step| {
        let from = match (&step.failed, &step.from_store) {
            (Some(why), _) => format!("failed: {why}"),
            (None, Some(from)) => {
                format!("the store: computed {} on {} in {:.1} s", from.computed, from.processor, from.seconds)
            }
            (None, None) => "computed in this run".to_string(),
        };
        [&with(&step.name, &step.variants), &step.kind].into_iter().for_each(|text| cell(body, text));
        number(body, &format!("{:.2}", step.seconds));
        cell(body, &from);
        checksum(body, &step.key);
    });
}

fn files(body: &mut Html, manifest: &Manifest) {
    if manifest.files.is_empty() {
        return;
    }
    body.raw("<details>").element("summary", &format!("Checksums of {}", counted(manifest.files.len(), "file")));
    table::sortable(body, [("file", false), ("SHA-256", false)], &manifest.files, |body, file| {
        cell(body, &file.path);
        body.raw("<td>").inline("code class=\"key-of\"", &file.sha256).raw("</td>");
    })
    .raw("</details>\n");
}

fn cell(body: &mut Html, text: &str) {
    body.inline("td", text);
}

fn number(body: &mut Html, value: &str) {
    table::number(body, value, value);
}

/// The beginning of a checksum; all of it where the pointer rests.
fn checksum(body: &mut Html, whole: &str) {
    body.raw("<td>").with("code", "title", whole, short(whole)).raw("</td>");
}

fn short(checksum: &str) -> &str {
    checksum.get(..SHORT).unwrap_or(checksum)
}

/// A part that failed, why, and what was not made because of it.
pub fn failed(body: &mut Html, failed: &Failed) {
    let Failed { what, why, skipped } = failed;
    body.element("h3", what);
    body.raw("<pre>").inline("code", why).raw("</pre>\n");
    if !skipped.is_empty() {
        body.element("p", &format!("Skipped because of this: {}.", skipped.join(", ")));
    }
}
