//! Interventions that a step computed a second time, from scratch, and how far the two were apart.

use crate::counted::counted;
use crate::intervene::ReplayCheck;
use crate::model::ModelName;
use serde::{Deserialize, Serialize};

/// A sample of interventions recomputed from scratch, every layer and position of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Name of the step.
    pub step: String,
    /// Name of the model.
    pub model: String,
    /// Name of the template, where the prompts have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// How many interventions.
    pub rows: usize,
    /// Largest absolute difference of a logit.
    #[serde(deserialize_with = "nan_for_null")]
    pub largest_difference: f32,
    /// What it may be: relative to the largest logit, so many roundings of the model's precision.
    #[serde(deserialize_with = "nan_for_null")]
    pub tolerance: f32,
    /// When it was made, of a check whose step was in the store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_store: Option<String>,
}

/// JSON has null for what is not a number.
fn nan_for_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

impl SelfCheck {
    /// Of a check, and the share of the largest logit that a difference may be.
    pub(crate) fn new(step: &str, model: &ModelName, check: ReplayCheck, relative: f32) -> Self {
        Self {
            step: step.to_string(),
            model: model.to_string(),
            template: None,
            rows: check.rows,
            largest_difference: check.largest_difference,
            tolerance: relative * check.largest_logit.max(1.0),
            from_store: None,
        }
    }

    /// Whether the replay agrees with the run from scratch.
    pub fn passed(&self) -> bool {
        // A difference that is not a number is no agreement.
        self.largest_difference <= self.tolerance
    }
}

impl std::fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, model, template, rows, largest_difference, tolerance, from_store } = self;
        let template = template.as_ref().map(|template| format!(", template '{template}'")).unwrap_or_default();
        write!(
            f,
            "step '{step}', model '{model}'{template}: {} recomputed from scratch, largest difference of a logit \
             {largest_difference:.1e} (tolerance {tolerance:.1e})",
            counted(*rows, "intervention")
        )?;
        match from_store {
            Some(when) => write!(f, "; from the store, computed {when}"),
            None => Ok(()),
        }
    }
}
