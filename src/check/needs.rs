//! What a spec needs of its model (`needs`), and what to write where the model has it not.

use crate::spec::{Loaded, Model, Need, SpecErrors};

/// Says what the models of a spec have not that it needs.
///
/// # Errors
/// Each need, at its place in the spec.
pub(crate) fn met(loaded: &Loaded) -> Result<(), SpecErrors> {
    let spec = &loaded.spec;
    let named = spec.models.iter().map(|(name, model)| (name.as_str(), model));
    let models: Vec<(&str, &Model)> = spec.model.iter().map(|model| ("model", model)).chain(named).collect();
    let mut errors = Vec::new();
    for need in &spec.needs {
        let Need::Checkpoints = need;
        for (name, model) in models.iter().filter(|(_, model)| model.checkpoints.len() < 2) {
            let has = if model.checkpoints.is_empty() { "none" } else { "one" };
            let problem = format!(
                "this spec needs several checkpoints of a model, and model '{name}' ({}) has {has}",
                model.source
            );
            let advice = "write them into model.checkpoints, in the order of training: subfolders of the model's folder, or revisions \
                          of an hf: model";
            errors.push(loaded.refuse(&["needs"], problem, Some(advice.to_string())));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(SpecErrors::join(errors)) }
}
