//! What a step computed a second time, in another way, and how far the two were apart.

use crate::counted::counted;
use crate::intervene::ReplayCheck;
use crate::model::ModelName;
use crate::spec::Dtype;
use serde::{Deserialize, Serialize};

/// What was computed a second time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recomputed {
    /// Interventions, from scratch: every layer and position of them.
    #[default]
    Interventions,
    /// The prompts as they are, each alone, which the step ran in batches.
    Prompts,
    /// Texts, each alone and of its own length, which the step read or wrote beside others of other lengths.
    Texts,
}

impl Recomputed {
    /// What manifests do not say.
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// So many of it, and how they were computed.
    fn counted(self, rows: usize) -> String {
        match self {
            Recomputed::Interventions => format!("{} recomputed from scratch", counted(rows, "intervention")),
            Recomputed::Prompts => format!("{} run alone and in batches", counted(rows, "prompt")),
            Recomputed::Texts => format!("{} run alone and beside others", counted(rows, "text")),
        }
    }
}

/// A sample of what a step computed, computed a second time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Name of the step.
    pub step: String,
    /// Name of the model.
    pub model: String,
    /// Name of the template, where the prompts have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// What was computed a second time; interventions where it is left out.
    #[serde(default, skip_serializing_if = "Recomputed::is_default")]
    pub of: Recomputed,
    /// How many of it.
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

/// Largest difference of a logit that is computed in two ways, relative to the largest logit: some hundred roundings of the storage
/// type.
fn relative_tolerance(dtype: Dtype) -> f32 {
    match dtype {
        Dtype::F32 => 1e-4,
        Dtype::F16 => 1e-2,
        Dtype::Bf16 => 8e-2,
    }
}

/// JSON has null for what is not a number.
fn nan_for_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
    Ok(Option::<f32>::deserialize(deserializer)?.unwrap_or(f32::NAN))
}

impl SelfCheck {
    /// Of a check, in a model of this precision.
    pub(crate) fn new(of: Recomputed, step: &str, model: &ModelName, check: ReplayCheck, dtype: Dtype) -> Self {
        Self {
            step: step.to_string(),
            model: model.to_string(),
            template: None,
            of,
            rows: check.rows,
            largest_difference: check.largest_difference,
            tolerance: relative_tolerance(dtype) * check.largest_logit.max(1.0),
            from_store: None,
        }
    }

    /// Whether the two agree.
    pub fn passed(&self) -> bool {
        // A difference that is not a number is no agreement.
        self.largest_difference <= self.tolerance
    }
}

impl std::fmt::Display for SelfCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, model, template, of, rows, largest_difference, tolerance, from_store } = self;
        let template = template.as_ref().map(|template| format!(", template '{template}'")).unwrap_or_default();
        write!(
            f,
            "step '{step}', model '{model}'{template}: {}, largest difference of a logit {largest_difference:.1e} (tolerance \
             {tolerance:.1e})",
            of.counted(*rows)
        )?;
        match from_store {
            Some(when) => write!(f, "; from the store, computed {when}"),
            None => Ok(()),
        }
    }
}
