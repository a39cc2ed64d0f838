//! What can be wrong with prompts: first with what the spec says, then with what a model's tokenizer makes of it.

use super::template::TemplateFault;
use thiserror::Error;

/// A fault of `[prompts]` that shows without any model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpecProblem {
    /// A template that cannot be read.
    #[error("{fault}")]
    Template {
        /// Its name, where it is one of a table of templates.
        name: Option<String>,
        /// What is wrong in it.
        fault: TemplateFault,
    },
    /// A completion that cannot be read.
    #[error("{0}")]
    CompletionText(TemplateFault),
    /// A template that lacks an operand, or the operator where there are several.
    #[error("template '{text}' has no slot {{{slot}}}; write it in, as in \"{{a}}{{op}}{{b}}=\"")]
    MissingSlot {
        /// Its name, where it is one of a table of templates.
        name: Option<String>,
        /// The template.
        text: String,
        /// Name of the slot.
        slot: &'static str,
    },
    /// No template at all.
    #[error("no template; write template = \"{{a}}{{op}}{{b}}=\"")]
    NoTemplate,
    /// A completion whose last thing is not the answer.
    #[error(
        "completion '{text}' does not end in {{answer}}; write \"{{answer}}\" or \" {{answer}}\" \
         (text between shots goes into shot_separator)"
    )]
    Completion {
        /// The completion.
        text: String,
    },
    /// An operator that is not in the registry.
    #[error("no operator '{symbol}'; write {}", match .suggestion {
        Some(symbol) => format!("\"{symbol}\""),
        None => known_operators(),
    })]
    UnknownOperator {
        /// What the spec says.
        symbol: String,
        /// Whether a shot has it.
        in_shot: bool,
        /// The operator that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// An empty list.
    #[error("{key} is empty; write at least one")]
    Empty {
        /// Key under `[prompts]`.
        key: &'static str,
    },
    /// A value given twice.
    #[error("{key} has {value} twice; write it once")]
    Twice {
        /// Key under `[prompts]`.
        key: &'static str,
        /// The value.
        value: String,
    },
    /// More prompts than can be enumerated.
    #[error("{count} prompts are more than the limit of {limit}; write narrower operands")]
    TooMany {
        /// Number of prompts.
        count: u128,
        /// Largest number.
        limit: u128,
    },
    /// A range that cannot be read.
    #[error("{key}: {problem}")]
    Range {
        /// Key under `[prompts]`.
        key: &'static str,
        /// What is wrong and what to write.
        problem: String,
    },
    /// A worked example without an answer.
    #[error("shot {a} {op} {b} has no answer: {why}; write another example")]
    Shot {
        /// First operand.
        a: i64,
        /// Operator.
        op: String,
        /// Second operand.
        b: i64,
        /// Division by zero, or overflow.
        why: &'static str,
    },
    /// A sample of nothing.
    #[error("sample = 0 draws no prompt; write 1 or more, or leave it out for all prompts")]
    SampleOfNone,
    /// Prompts passed over where none are drawn.
    #[error(
        "skip passes over the first prompts of a draw, and without sample there is no draw; write sample = 100, or leave skip out"
    )]
    SkipOfAll,
}

impl SpecProblem {
    /// The keys under `[prompts]` that lead to what is at fault.
    pub fn path(&self) -> Vec<&str> {
        match self {
            SpecProblem::Template { name, .. } | SpecProblem::MissingSlot { name, .. } => {
                ["template"].into_iter().chain(name.as_deref()).collect()
            }
            SpecProblem::NoTemplate => vec!["template"],
            SpecProblem::Completion { .. } | SpecProblem::CompletionText(_) => vec!["completion"],
            SpecProblem::UnknownOperator { in_shot: false, .. } => vec!["operators"],
            SpecProblem::Empty { key } | SpecProblem::Twice { key, .. } | SpecProblem::Range { key, .. } => {
                key.split('.').collect()
            }
            SpecProblem::TooMany { .. } => vec!["operands"],
            SpecProblem::UnknownOperator { in_shot: true, .. } | SpecProblem::Shot { .. } => vec!["shots"],
            SpecProblem::SampleOfNone => vec!["sample"],
            SpecProblem::SkipOfAll => vec!["skip"],
        }
    }
}

fn known_operators() -> String {
    let symbols: Vec<String> = super::operator::OPERATORS.iter().map(|o| format!("\"{}\"", o.symbol)).collect();
    symbols.join(", ")
}

/// A fault of prompts on a given model.
#[derive(Debug, Error)]
pub enum PromptError {
    /// Faults of the spec, all of them.
    #[error("{}", join(.0))]
    Spec(Vec<SpecProblem>),
    /// An operator has no legal prompt in a template.
    #[error("no legal prompt for '{operator}' in template '{template}': {why}")]
    NoneLegal {
        /// Operator symbol.
        operator: &'static str,
        /// Name of the template.
        template: String,
        /// How many were dropped for which reason, with an example, and what to write.
        why: String,
    },
    /// An operator has no prompt that looks like those of the step.
    #[error(
        "no prompt for '{operator}' in template '{template}' has the operands of {like:?} at its tokens; \
         write operands that are one token each"
    )]
    NoneAlike {
        /// Operator symbol.
        operator: &'static str,
        /// Name of the template.
        template: String,
        /// A prompt of the step.
        like: String,
    },
    /// Nothing left after `keep`.
    #[error(
        "the model answers none of the {evaluated} legal prompts {wanted}ly; write keep = \"all\", \
         or a template or shots that suit the model"
    )]
    NoneKept {
        /// Prompts the model was run on.
        evaluated: usize,
        /// `correct` or `incorrect`.
        wanted: &'static str,
    },
    /// Every prompt passed over.
    #[error("skip = {skip} passes over every prompt that could be drawn; write a smaller number")]
    AllSkipped {
        /// How many of each draw are passed over.
        skip: usize,
    },
    /// `bos = true` without such a token.
    #[error("this model's tokenizer has no beginning-of-text token; write bos = false, or leave bos out")]
    NoBos,
    /// A slot that is not one token at one place.
    #[error("no position for {{{slot}}} in template '{template}': {why}")]
    NoPosition {
        /// Name of the slot.
        slot: &'static str,
        /// Name of the template.
        template: String,
        /// Shows the tokens, and what to write.
        why: String,
    },
    /// A template name that the set does not have.
    #[error("no template '{0}' in this prompt set")]
    NoTemplate(String),
    /// Longer than the model's context.
    #[error("prompt {text:?} and its answer are {tokens} tokens, the model has {n_ctx} positions; write fewer shots")]
    TooLong {
        /// The prompt.
        text: String,
        /// Tokens of prompt and answer.
        tokens: usize,
        /// Positions of the model.
        n_ctx: usize,
    },
    /// A token the model does not have.
    #[error(
        "token {id} of prompt {text:?} is outside the model's vocabulary of {n_vocab}; \
         the tokenizer is not this model's: check the files of its directory"
    )]
    OutsideVocabulary {
        /// The prompt.
        text: String,
        /// The token.
        id: u32,
        /// Rows of the model's embedding.
        n_vocab: usize,
    },
    /// A clean prompt without a counterfactual.
    #[error("no counterfactual for {text:?}: {why}")]
    NoCounterfactual {
        /// The clean prompt.
        text: String,
        /// What the pool lacks, and what to write.
        why: String,
    },
    /// `keep` without a model.
    #[error("keep = \"correct\" and \"incorrect\" need a model to answer the prompts; write keep = \"all\"")]
    NoModel,
    /// The model failed.
    #[error(transparent)]
    Decode(#[from] crate::measure::DecodeError),
    /// The tokenizer failed.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// The table could not be made.
    #[error(transparent)]
    Table(#[from] polars::error::PolarsError),
}

fn join(problems: &[SpecProblem]) -> String {
    problems
        .iter()
        .map(|problem| format!("prompts.{}: {problem}", problem.path().join(".")))
        .collect::<Vec<_>>()
        .join("\n")
}
