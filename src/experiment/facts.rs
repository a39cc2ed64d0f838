//! What a report says of a spec's models.

use crate::model::{ModelName, ModelSummary};
use crate::plan::{Plan, PlannedVariant};
use crate::spec::Loaded;
use indexmap::{IndexMap, IndexSet};

/// Names and what they are.
pub struct ModelDescriptions {
    /// The models.
    pub models: Vec<(String, String)>,
    /// What they are known as.
    pub known: Vec<(String, String)>,
}

/// Of a spec's models.
pub fn of(plan: &Plan) -> ModelDescriptions {
    let models = |variant: &PlannedVariant| variant.summaries.iter().map(model).collect::<Vec<_>>();
    let known_as = |variant: &PlannedVariant| known(variant.loaded, &variant.known);
    let mut models = each(plan, models);
    if let Some(sweep) = plan.loaded.sweep() {
        let names: Vec<&str> = sweep.variants.iter().map(|variant| variant.name.as_str()).collect();
        models.insert(0, ("variants".to_string(), format!("{}: {}", names.len(), names.join("; "))));
    }
    ModelDescriptions { models, known: each(plan, known_as) }
}

/// Facts of every variant, each once: with the values of the axes that models depend on.
fn each(plan: &Plan, facts: impl Fn(&PlannedVariant) -> Vec<(String, String)>) -> Vec<(String, String)> {
    let mut told: Vec<(String, String)> = Vec::new();
    for (number, variant) in plan.variants.iter().enumerate() {
        let of = plan.of_models(number);
        for (name, value) in facts(variant) {
            let fact = (if of.is_empty() { name } else { format!("{name} ({of})") }, value);
            if !told.contains(&fact) {
                told.push(fact);
            }
        }
    }
    told
}

fn model((name, summary): &(ModelName, ModelSummary)) -> (String, String) {
    let ModelSummary { dimensions, parameters, stored_dtype, dtype, .. } = summary;
    (
        format!("model '{name}'"),
        format!("{}, {parameters} parameters, stored as {stored_dtype}, run in {dtype}", dimensions.family),
    )
}

/// What the models of a spec are known as, each with the profile that came of it.
fn known(loaded: &Loaded, names: &IndexMap<String, Option<String>>) -> Vec<(String, String)> {
    let profile = loaded.recognised().and_then(|recognised| recognised.profile.as_ref());
    let fact = |(model, known): (&String, &Option<String>)| {
        let profile = profile.filter(|_| model == "model").map(|profile| format!(": profile {}", profile.name()));
        Some((format!("model '{model}' is known as"), format!("{}{}", known.as_ref()?, profile.unwrap_or_default())))
    };
    names.iter().filter_map(fact).collect()
}

/// What is to be said of results on the models of a spec, each once.
pub fn notes(plan: &Plan) -> Vec<String> {
    let mut notes: IndexSet<String> = IndexSet::new();
    for variant in &plan.variants {
        notes.extend(variant.short_ranges());
        for (name, summary) in &variant.summaries {
            notes.extend(summary.notes.iter().map(|note| format!("model '{name}': {note}")));
        }
        for name in variant.known.values().flatten() {
            let note = variant.loaded.spec.known.get(name).and_then(|known| known.note.as_ref());
            notes.extend(note.map(|note| format!("{name}: {note}")));
        }
    }
    notes.into_iter().collect()
}
