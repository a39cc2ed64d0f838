//! `kind = "loss"`.

use super::fields::step;
use super::intervention::{NamedIntervention, Placebos, makes_interventions};
use super::mean::MeanOver;
use crate::measure::TokenMeasure;
use crate::spec::defaults::defaults;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

step! {
    /// How surprised the model is by each token of the prompts, or of their answers, with and without edits.
    ///
    /// Each token is predicted from the tokens before it in the text, whatever the model itself would have written. If
    /// the tokenizer writes numbers digit by digit, each token of an answer is a digit.
    ///
    /// Formula: −ln P(tᵢ | t₁ … tᵢ₋₁), in nats; `token` 1 is the first after the beginning, or the answer's first; `all` is the mean over them.
    ///
    /// Source: the loss that models are trained with; Olsson et al. 2022 (arXiv 2209.11895) show it token by token.
    ///
    /// Limits: a few tokens that nothing announces decide the mean over tokens. Every run is a whole forward pass;
    /// nothing of the run without edits is used again.
    ///
    /// ```toml
    /// [[step]]
    /// name = "surprise"
    /// kind = "loss"
    /// interventions = [{ name = "no_first_mlp", edits = [{ site = "0.mlp_out", value = 0.0 }] }]
    /// ```
    Loss {
        /// Whose tokens.
        #[serde(default)]
        of: LossOf,
        /// Interventions, by name, as in `intervention`. The run without any is always made, too, and is called `none`.
        /// With `of = "answer"`, edits are at positions of the prompt.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        interventions: Vec<NamedIntervention>,
        /// Placebos beside interventions that write a direction or a subspace, as in `intervention`.
        control: Option<Placebos>,
        counterfactual,
        /// What means are taken over, for edits with `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        measures(TokenMeasure, "default_measures"),
        per_prompt,
        bootstrap,
    }
}

/// Whose tokens a loss is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossOf {
    /// The prompt's own.
    #[default]
    Text,
    /// Those of the first right answer, after the prompt.
    Answer,
}

defaults! {
    default_measures: Vec<TokenMeasure> = vec![TokenMeasure::Loss];
}

makes_interventions!(Loss);
