//! The model that a spec's places are resolved for, and the layers that steps of kind `probe` have found in it.

use super::ModelRun;
use crate::context::Context;
use crate::counted::counted;
use crate::model::ModelName;
use crate::model::facts::Facts;
use crate::spec::Numbers;
use crate::spec::{Layers, Loaded, Prompts, SpecErrors, Step};
use polars::prelude::*;

/// A model, and the template of the prompts at hand.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The model's facts.
    pub facts: &'a Facts,
    /// Which model and template; `None` before any step has run.
    run: Option<(&'a ModelName, &'a str)>,
}

impl<'a> Scope<'a> {
    /// A model before any step has run: what probes will find stands for all layers.
    pub fn planned(facts: &'a Facts) -> Self {
        Self { facts, run: None }
    }

    /// A model with prompts of a template.
    pub fn of(subject: &'a ModelRun, template: &'a str) -> Self {
        Self { facts: subject.model.facts(), run: Some((&subject.name, template)) }
    }

    /// The layers that `text` says.
    ///
    /// # Errors
    /// Layers that the model does not have, or that no probe has found.
    pub fn layers(self, layers: &Layers, text: &str, context: &Context) -> Result<Vec<usize>, String> {
        let all = self.facts.n_layers;
        match (layers, self.run) {
            (Layers::Written(written), _) => numbers(written, all, "layer", text),
            (Layers::Probed(_), None) => Ok((0..all).collect()),
            (Layers::Probed(step), Some((model, template))) => found(step, model, template, context)
                .map_err(|problem| format!("'{text}': {problem}"))?
                .below(all)
                .map_err(|layer| {
                    format!("'{text}': step '{step}' found layer {layer}, and this model has {}", counted(all, "layer"))
                }),
        }
    }
}

/// The answer-writing layers that a step has found in a model, at its last checkpoint where it has several: those of the
/// template, or of the one template that the step has prompts of.
fn found(step: &str, model: &ModelName, template: &str, context: &Context) -> Result<crate::spec::Numbers, String> {
    let rows = context.frames.get(&format!("{step}.layers"))?;
    let last = context.models.settings(model).and_then(|spec| spec.checkpoints.last()).map_or("", String::as_str);
    let read = |error: PolarsError| error.to_string();
    let text = |column: &str| rows.column(column).and_then(Column::str).map_err(read);
    let (models, checkpoints, templates) = (text("model")?, text("checkpoint")?, text("template")?);
    let of_model: Vec<usize> = (0..rows.height())
        .filter(|&row| models.get(row) == Some(&model.name) && checkpoints.get(row) == Some(last))
        .collect();
    let of_template = of_model.iter().copied().find(|&row| templates.get(row) == Some(template));
    let row = match (of_template, of_model.as_slice()) {
        (Some(row), _) | (None, &[row]) => row,
        (None, []) => return Err(format!("step '{step}' has found no layers of model '{}'", model.name)),
        (None, _) => return Err(format!("step '{step}' has no prompts of template '{template}'")),
    };
    let number = |column: &str| {
        let numbers = rows.column(column).and_then(Column::i64).map_err(read);
        numbers.map(|numbers| numbers.get(row).and_then(|number| usize::try_from(number).ok()))
    };
    match (number("first_layer")?, number("last_layer")?) {
        (Some(first), Some(last)) => Ok(crate::spec::Numbers::Ranges(vec![(first, last)])),
        _ => Err(format!(
            "step '{step}' found no answer-writing layers in model '{model}' (its rows {step}.layers say more); write a smaller \
             share there, or layers here"
        )),
    }
}

/// Refuses a step that takes layers from probes which do not run on all of its models, or not on its templates.
///
/// # Errors
/// Those, at their place in the spec.
pub fn check(step: &Step, loaded: &Loaded) -> Result<(), SpecErrors> {
    for name in step.probes() {
        let Some(probe) = loaded.spec.steps.iter().find(|other| other.name() == name) else { continue };
        let probed = models(probe, loaded);
        if let Some(missing) = models(step, loaded).into_iter().find(|model| !probed.contains(model)) {
            let problem = format!(
                "'{{{name}}}' stands for the layers that step '{name}' finds, and that step does not run model '{missing}'"
            );
            let advice = format!("add \"{missing}\" to the models of '{name}', or write models = {probed:?} here");
            return Err(loaded.refuse(&["step", step.name(), "models"], problem, Some(advice)));
        }
        let (Some(own), Some(probed)) = (prompts(step, loaded), prompts(probe, loaded)) else { continue };
        let (own, probed) = (&own.template.0, &probed.template.0);
        let missing = own.keys().find(|template| probed.len() > 1 && !probed.contains_key(*template));
        if let Some(missing) = missing {
            let problem = format!(
                "'{{{name}}}' stands for the layers that step '{name}' finds, and that step has no prompts of template '{missing}'"
            );
            let advice = format!("let '{name}' run on the same prompts, or on one template");
            return Err(loaded.refuse(&["step", step.name(), "prompts"], problem, Some(advice)));
        }
    }
    Ok(())
}

/// Names of a step's models.
pub(super) fn models<'l>(step: &Step, loaded: &'l Loaded) -> Vec<&'l str> {
    let own = loaded.spec.model.as_ref().map(|_| "model");
    let all = own.into_iter().chain(loaded.spec.models.keys().map(String::as_str));
    let selected = step.models().unwrap_or_default();
    all.filter(|name| selected.is_empty() || selected.iter().any(|wanted| wanted == name)).collect()
}

fn prompts<'l>(step: &Step, loaded: &'l Loaded) -> Option<&'l Prompts> {
    match step.common().prompts() {
        None => loaded.spec.prompts.as_ref(),
        Some(name) => loaded.spec.prompt_sets.get(name),
    }
}

/// The numbers of a set that are there.
///
/// # Errors
/// "there is no layer 33, because there are 32 layers", with what to write.
pub fn numbers(set: &Numbers, count: usize, what: &str, text: &str) -> Result<Vec<usize>, String> {
    set.below(count).map_err(|number| match count {
        0 => format!("'{text}': this model has no {what}s"),
        1 => format!("'{text}': there is no {what} {number}, because there is only one; write 0"),
        _ => format!(
            "'{text}': there is no {what} {number}, because there are {count} {what}s; write 0 to {}",
            count - 1
        ),
    })
}
