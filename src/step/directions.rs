//! The directions that a step of kind `direction` has found, for the steps that read them.

use super::ModelRun;
use crate::Error;
use crate::context::Context;
use crate::direction::Directions;

/// What the step `from` has found in this model, for prompts of this template: that of the template of the same name, or of the one
/// template that it has prompts of.
///
/// # Errors
/// A step that found none in this model, as text; files that cannot be read.
pub fn found(from: &str, subject: &ModelRun, template: &str, context: &Context) -> Result<Directions, Error> {
    let about = || format!("step '{from}'");
    let mut of_model = Vec::new();
    for path in context.frames.files(from) {
        let directions = Directions::read(path).map_err(Error::failed(about()))?;
        let labels = subject.labels();
        if directions.model == labels.model && directions.checkpoint == labels.checkpoint {
            of_model.push(directions);
        }
    }
    let count = of_model.len();
    match of_model.iter().position(|one| one.template == template) {
        Some(index) => Ok(of_model.swap_remove(index)),
        None => match (of_model.pop(), count) {
            (Some(only), 1) => Ok(only),
            (_, 0) => Err(Error::failed(about())(format!("it found no direction in model '{}'", subject.name))),
            (_, _) => Err(Error::failed(about())(format!(
                "it has directions of {count} templates, and none of '{template}', in model '{}'",
                subject.name
            ))),
        },
    }
}
