//! What was run where, and what the run found of itself.

use super::{Html, table};
use crate::manifest::{Failed, Manifest, ModelRecord, PromptsRecord, SelfCheck, StepRecord};

/// Letters of a checksum that tell it from others.
const SHORT: usize = 12;

/// Interventions that were recomputed from scratch.
pub fn checks(body: &mut Html, checks: &[SelfCheck]) {
    body.open("ul");
    for check in checks {
        let (class, said) = if check.passed() { ("good", "passed") } else { ("bad", "failed") };
        body.raw("<li><span class=\"badge ").raw(class).raw("\">").raw(said).raw("</span> ");
        body.text(&check.to_string()).raw("</li>\n");
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
    body.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>\n");
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
    let cores = machine.cores.map(|cores| format!(", {cores} cores")).unwrap_or_default();
    let computes = format!("{}{cores}, {} threads, {}", machine.processor, machine.threads, machine.instructions);
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

fn models(body: &mut Html, models: &[ModelRecord]) {
    if models.is_empty() {
        return;
    }
    body.element("h3", "Models");
    let columns = ["model", "source", "family", "parameters", "stored as", "run in", "on", "fingerprint"];
    let numbers = [false, false, false, true, false, false, false, false];
    table::head(body, columns.into_iter().zip(numbers));
    body.open("tbody");
    for model in models {
        let name = [Some(&model.name), model.checkpoint.as_ref()].into_iter().flatten().cloned().collect::<Vec<_>>();
        let source = match &model.revision {
            Some(revision) => format!("{} at {revision}", model.source),
            None => model.source.clone(),
        };
        body.raw("<tr>");
        [with(&name.join("@"), &model.variants), source, model.family.clone()].iter().for_each(|text| cell(body, text));
        number(body, &model.parameters.to_string());
        [&model.stored_dtype, &model.dtype, &model.device].into_iter().for_each(|text| cell(body, text));
        checksum(body, &model.fingerprint);
        body.raw("</tr>\n");
    }
    body.raw("</tbody></table></div>\n");
}

/// A name with the variants that it is of.
fn with(name: &str, variants: &str) -> String {
    if variants.is_empty() { name.to_string() } else { format!("{name} ({variants})") }
}

fn prompts(body: &mut Html, prompts: &[PromptsRecord]) {
    if prompts.is_empty() {
        return;
    }
    body.element("h3", "Prompts");
    let columns = ["set", "model", "templates", "prompts", "seeds", "steps", "SHA-256"];
    table::head(body, columns.into_iter().zip([false, false, true, true, false, false, false]));
    body.open("tbody");
    for record in prompts {
        let seeds: Vec<String> = record.seeds.iter().map(u64::to_string).collect();
        body.raw("<tr>");
        [&record.set, &record.model].into_iter().for_each(|text| cell(body, text));
        number(body, &record.templates.to_string());
        number(body, &record.prompts.to_string());
        [seeds.join(", "), record.steps.join(", ")].iter().for_each(|text| cell(body, text));
        checksum(body, &record.sha256);
        body.raw("</tr>\n");
    }
    body.raw("</tbody></table></div>\n");
}

fn steps(body: &mut Html, steps: &[StepRecord]) {
    if steps.is_empty() {
        return;
    }
    body.element("h3", "Steps");
    let columns = ["step", "kind", "seconds", "where its rows come from", "key"];
    table::head(body, columns.into_iter().zip([false, false, true, false, false]));
    body.open("tbody");
    for step in steps {
        let from = match (&step.failed, &step.from_store) {
            (Some(why), _) => format!("failed: {why}"),
            (None, Some(from)) => {
                format!("the store: computed {} on {} in {:.1} s", from.computed, from.processor, from.seconds)
            }
            (None, None) => "computed in this run".to_string(),
        };
        body.raw("<tr>");
        [&with(&step.name, &step.variants), &step.kind].into_iter().for_each(|text| cell(body, text));
        number(body, &format!("{:.2}", step.seconds));
        cell(body, &from);
        checksum(body, &step.key);
        body.raw("</tr>\n");
    }
    body.raw("</tbody></table></div>\n");
}

fn files(body: &mut Html, manifest: &Manifest) {
    if manifest.files.is_empty() {
        return;
    }
    body.raw("<details><summary>").text(&format!("Checksums of {} files", manifest.files.len())).raw("</summary>\n");
    table::head(body, [("file", false), ("SHA-256", false)].into_iter());
    body.open("tbody");
    for file in &manifest.files {
        body.raw("<tr>");
        cell(body, &file.path);
        body.raw("<td><code class=\"key-of\">").text(&file.sha256).raw("</code></td></tr>\n");
    }
    body.raw("</tbody></table></div></details>\n");
}

fn cell(body: &mut Html, text: &str) {
    body.raw("<td>").text(text).raw("</td>");
}

fn number(body: &mut Html, value: &str) {
    body.raw("<td class=\"number\" data-value=\"").text(value).raw("\">").text(value).raw("</td>");
}

/// The beginning of a checksum; all of it where the pointer rests.
fn checksum(body: &mut Html, whole: &str) {
    body.raw("<td><code title=\"").text(whole).raw("\">").text(short(whole)).raw("</code></td>");
}

fn short(checksum: &str) -> &str {
    checksum.get(..SHORT).unwrap_or(checksum)
}

/// A part that failed, why, and what was not made because of it.
pub fn failed(body: &mut Html, failed: &Failed) {
    let Failed { what, why, skipped } = failed;
    body.element("h3", what);
    body.raw("<pre><code>").text(why).raw("</code></pre>\n");
    if !skipped.is_empty() {
        body.element("p", &format!("Not made because of it: {}.", skipped.join(", ")));
    }
}
