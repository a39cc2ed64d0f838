//! Rows of texts: each text with its prompt, and what is measured of the texts of each intervention.

use super::texts::{ENDS, WrittenText, end_name};
use crate::measure::TextMeasure;
use crate::prompt::{Prompt, PromptColumns};
use crate::spec::step::Generate;
use crate::spec::{Loaded, SpecErrors};
use crate::step::intervention::variations::{InterventionColumns, VariationKey};
use crate::step::summary::number;
use crate::table::rows;
use regex::Regex;

/// What texts of the model as it is are called among those of interventions.
pub const CLEAN: &str = "clean";

/// What is measured where the step says what to look for.
pub const CONTAINS: &str = "contains";
/// The same of a regular expression.
pub const MATCHES: &str = "matches";

/// Everything that texts may be measured by.
pub fn all_measures() -> Vec<&'static str> {
    TextMeasure::NAMES.iter().copied().chain([CONTAINS, MATCHES]).collect()
}

/// What a step measures, in its rows' order.
pub fn measures(step: &Generate) -> Vec<&'static str> {
    let contains = (!step.contains.is_empty()).then_some(CONTAINS);
    let matches = step.matches.is_some().then_some(MATCHES);
    step.measures.iter().map(|measure| measure.name()).chain(contains).chain(matches).collect()
}

/// The expression that is looked for in texts.
///
/// # Errors
/// One that is none, at its place in the spec.
pub fn pattern(step: &Generate, loaded: &Loaded) -> Result<Option<Regex>, SpecErrors> {
    let Some(written) = &step.matches else { return Ok(None) };
    Regex::new(written).map(Some).map_err(|error| {
        let problem = format!("not a regular expression: {}", error.to_string().replace('\n', " "));
        loaded.refuse(&["step", &step.name, "matches"], problem, None)
    })
}

/// A text with what it is compared to.
pub struct JudgedText<'t> {
    /// The prompt.
    pub prompt: &'t Prompt,
    /// The text.
    pub text: &'t str,
    /// Its tokens and their probabilities.
    pub written: &'t WrittenText,
    /// The text of the same number without edits.
    pub clean: &'t str,
}

impl JudgedText<'_> {
    /// Its values, one for each of [`measures`].
    pub fn values(&self, step: &Generate, pattern: Option<&Regex>) -> Vec<f64> {
        let share = |holds: bool| f64::from(u8::from(holds));
        let of = |measure: &TextMeasure| match measure {
            TextMeasure::LogProbability => self.written.own,
            TextMeasure::CleanLogProbability => self.written.clean,
            TextMeasure::Changed => share(self.text != self.clean),
            TextMeasure::ExactAnswer => {
                let said = self.text.trim();
                share(self.prompt.answers.iter().any(|answer| answer.value.borrowed().to_string() == said))
            }
            TextMeasure::Tokens => self.written.tokens.len() as f64,
        };
        let contains = || share(step.contains.iter().any(|wanted| self.text.contains(wanted.as_str())));
        let contains = (!step.contains.is_empty()).then(contains);
        let matches = pattern.map(|pattern| share(pattern.is_match(self.text)));
        step.measures.iter().map(of).chain(contains).chain(matches).collect()
    }
}

/// A row of texts.
pub struct TextRow<'r> {
    /// Names the intervention, [`CLEAN`] where nothing is edited.
    pub key: &'r VariationKey,
    /// The prompt.
    pub prompt: &'r Prompt,
    /// Number of the text.
    pub draw: usize,
    /// What it says.
    pub text: &'r str,
    /// Its tokens and their probabilities.
    pub written: &'r WrittenText,
}

rows! {
    /// Texts that a model wrote.
    pub TextColumns<'r>(row: &'r TextRow<'r>) {
        key: InterventionColumns = row.key;
        prompt: PromptColumns = row.prompt;
        draw: i64 = row.draw, "Number of the text among those of its prompt and intervention, from 0; those of further seeds of noise after the others.";
        written: String = row.text, "What the model wrote after the prompt.";
        written_tokens: i64 = row.written.tokens.len(), "How many tokens it wrote, the one that ends the text included.";
        end: String = end_name(row.written.end), "Why the text ends: `stop` (a token or a text that ends it), `length` (as many tokens \
            as were asked for), `positions` (the model has no more), `not-a-number` (logits after edits).", in ENDS;
        log_probability: Option<f64> = number(row.written.own), "Mean of ln P of its tokens under the run that wrote it.";
        clean_log_probability: Option<f64> = number(row.written.clean), "The same for the model as it is.";
    }
}
