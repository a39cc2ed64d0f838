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
    /// Formula: each token is the one with the largest logit, the lowest id of equal ones; with `temperature` t it is drawn from the
    /// softmax of logits / t, of the `top_k` likeliest tokens and of the fewest that together have the probability `top_p`. Edits are
    /// made where the prompt is read (`tokens = "prompt"`), where each token is read that the model has written (`"new"`), or at both
    /// (`"all"`); the first new token is read off the prompt's last position.
    ///
    /// Source: greedy decoding equals `generate` of transformers (docs/generation.md); Holtzman et al. 2020 (arXiv 1904.09751) for `top_p`.
    ///
    /// Limits: a text follows from all tokens before it: where two have parted, positions are no longer those of one text, and what
    /// differs later need not be the edit's own doing. The other prompt of a pair has no new tokens: its values can be written at the
    /// prompt alone, means at new tokens only where they are pooled.
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
        /// The interventions, by name; texts of the model as it is are always written too, and are called `clean`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        interventions: Vec<NamedIntervention>,
        /// Whether a text ends with a token that the model's files name as an end (`generation_config.json`, `config.json`, the
        /// tokenizer or the GGUF file).
        #[serde(default = "yes")]
        stop_at_end: bool,
        /// Texts that end a text: it is kept up to where the first of them begins.
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
        /// Texts of each prompt and intervention. Those of one number are drawn with the same random numbers whatever is edited.
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
        /// Texts that are looked for: the measure `contains` is 1 where one of them stands in what was written.
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
