//! `kind = "generate"`.

use super::fields::step;
use super::intervention::{NamedIntervention, makes_interventions};
use super::mean::MeanOver;
use super::{EditTokens, Placebos};
use crate::measure::TextMeasure;
use crate::spec::defaults::defaults;

step! {
    /// Texts that the model writes after each prompt, as it is and under edits, and what is measured of them.
    ///
    /// Formula: each token is the one with the largest logit; of equal ones, the lowest id. With `temperature` t it is
    /// drawn from the softmax of logits / t, over the `top_k` likeliest tokens and of these the fewest that together
    /// have the probability `top_p`. Edits are made at the prompt's tokens (`tokens = "prompt"`), at each token that
    /// the model has written (`"new"`), or at both (`"all"`). The first new token follows from the prompt's last
    /// position.
    ///
    /// Source: greedy decoding equals `generate` of transformers (docs/generation.md); Holtzman et al. 2020 (arXiv 1904.09751) for `top_p`.
    ///
    /// Limits: each token depends on all before it. Once two texts differ, later differences need not be the edit's own
    /// doing. The other prompt of a pair has no new tokens, so its values can be written only at the prompt; means can
    /// be written at new tokens only if they are pooled.
    ///
    /// ```toml
    /// [[step]]
    /// name = "written"
    /// kind = "generate"
    /// max_new_tokens = 8
    /// contains = ["1"]
    /// interventions = [{ name = "pushed", edits = [{ site = "2.resid_post", value = 0.5, add = true, tokens = "new" }] }]
    /// ```
    Generate {
        /// Tokens that a text has at most.
        #[serde(default = "new_tokens")]
        #[schemars(range(min = 1, max = 100000))]
        max_new_tokens: usize,
        /// The interventions, by name. Texts of the model as it is are always written, too, and are called `clean`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        interventions: Vec<NamedIntervention>,
        /// Whether a text ends with a token that the model's files name as an end (`generation_config.json`, `config.json`, the
        /// tokenizer or the GGUF file).
        #[serde(default = "yes")]
        stop_at_end: bool,
        /// Texts that end what is written: it is kept up to where the first of them begins.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("uniqueItems" = true))]
        stop: Vec<String>,
        /// What logits are divided by before a token is drawn; 0: nothing is drawn, each token is the likeliest.
        #[serde(default)]
        #[schemars(range(min = 0.0))]
        temperature: f64,
        /// How many of the likeliest tokens may be drawn. Left out: all.
        #[schemars(range(min = 1))]
        top_k: Option<usize>,
        /// The fewest of the likeliest tokens that have this probability together may be drawn. Left out: all.
        #[schemars(range(min = 0.0, max = 1.0))]
        top_p: Option<f64>,
        /// How many texts are written for each prompt and intervention. Texts with the same number are drawn with the
        /// same random numbers, whatever is edited.
        #[serde(default = "one_text")]
        #[schemars(range(min = 1, max = 10000))]
        samples: usize,
        /// Seed of the draws.
        #[serde(default)]
        seed: u64,
        /// Placebos beside interventions that write a direction or a subspace: random ones of the same length or size, `NAME (placebo 1)`.
        /// Left out: 3 draws; `{ draws = 0 }` for none.
        control: Option<Placebos>,
        counterfactual,
        /// What means are taken over, for edits with `value = "mean"`.
        #[serde(default)]
        mean: MeanOver,
        measures(TextMeasure, "default_measures"),
        /// The measure `contains` is 1 if one of these texts occurs in what was written.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("uniqueItems" = true))]
        contains: Vec<String>,
        /// A regular expression (the syntax of Rust's `regex`): the measure `matches` is 1 where what was written has a match.
        matches: Option<String>,
        per_prompt,
        bootstrap,
    }
}

defaults! {
    new_tokens: usize = 32;
    yes: bool = true;
    one_text: usize = 1;
    default_measures: Vec<TextMeasure> =
        vec![TextMeasure::LogProbability, TextMeasure::CleanLogProbability, TextMeasure::Changed];
}

makes_interventions!(Generate);

impl EditTokens {
    /// Whether it is of the prompt.
    pub(crate) fn of_prompt(self) -> bool {
        self != EditTokens::New
    }

    /// Whether it is of new tokens.
    pub(crate) fn of_new(self) -> bool {
        self != EditTokens::Prompt
    }
}
