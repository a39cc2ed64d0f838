//! What can be wrong with prompts: first with what the spec says, then with what a model's tokenizer makes of it.

use super::group::PromptGroup;
use std::fmt::Display;
use thiserror::Error;

/// A fault of `[prompts]` that shows without any model.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text}")]
pub struct SpecProblem {
    /// The keys under `[prompts]` that lead to what is at fault.
    pub path: Vec<String>,
    /// What is wrong, and what to write.
    pub text: String,
}

impl SpecProblem {
    /// A fault of what these keys lead to.
    pub(super) fn at(path: &[&str], text: impl ToString) -> Self {
        Self { path: path.iter().map(ToString::to_string).collect(), text: text.to_string() }
    }

    /// A list without anything in it, by its keys with dots between them.
    pub(super) fn empty(keys: &str) -> Self {
        Self::at(&keys.split('.').collect::<Vec<_>>(), format!("{keys} is empty; write at least one"))
    }

    /// A list that has something twice.
    pub(super) fn twice(keys: &str, value: impl Display) -> Self {
        Self::at(&keys.split('.').collect::<Vec<_>>(), format!("{keys} has {value} twice; write it once"))
    }
}

/// A fault of prompts on a given model.
#[derive(Debug, Error)]
pub enum PromptError {
    /// Faults of the spec, all of them.
    #[error("{}", join(.0))]
    Spec(Vec<SpecProblem>),
    /// A group has no legal prompt in a template.
    #[error("no prompt {} in template '{template}' is legal: {why}", group.wanted())]
    NoneLegal {
        /// The group.
        group: PromptGroup,
        /// Name of the template.
        template: String,
        /// How many were dropped for which reason, with an example, and what to write.
        why: String,
    },
    /// A group has no prompt that looks like those of the step.
    #[error(
        "no prompt {} in template '{template}' {}; write operands or words that are one token each",
        group.wanted(),
        lacking(like.as_deref())
    )]
    NoneAlike {
        /// The group.
        group: PromptGroup,
        /// Name of the template.
        template: String,
        /// A prompt of the step; none where its prompts differ in their tokens.
        like: Option<String>,
    },
    /// A group has no legal prompt to take a mean over.
    #[error(
        "the mean is taken over legal prompts, and no prompt {} in template '{template}' is legal ({example:?} is not); write \
         legality = \"any\" for the mean, or prompts with legal answers",
        group.wanted()
    )]
    NoneLegalForMean {
        /// The group.
        group: PromptGroup,
        /// Name of the template.
        template: String,
        /// A prompt that is not.
        example: String,
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
    #[error("skip = {skip} passes over every prompt that can be drawn; write a smaller number")]
    AllSkipped {
        /// How many of each draw are passed over.
        skip: usize,
    },
    /// Prompts that cannot be messages of a chat.
    #[error(transparent)]
    Chat(#[from] crate::model::chat_template::ChatError),
    /// `bos = true` without such a token.
    #[error("this model's tokenizer has no beginning-of-text token; write bos = false, or leave bos out")]
    NoBos,
    /// An id without a token.
    #[error("no token has the id {id} ({tokenizer}); write ids of this model's tokens")]
    NoToken {
        /// The id.
        id: u32,
        /// Of which tokenizer.
        tokenizer: String,
    },
    /// Fewer tokens to draw from than a block has.
    #[error(
        "random_tokens draws blocks of {length} different tokens, and the chosen vocabulary has only {there} in this model; write a \
         smaller length, or vocabulary = \"all\""
    )]
    FewTokens {
        /// How many there are.
        there: usize,
        /// How many a block has.
        length: usize,
    },
    /// A template name that the set does not have.
    #[error("this prompt set has no template '{0}'")]
    NoTemplate(String),
    /// Longer than the model's context.
    #[error(
        "prompt {text:?}{} {tokens} tokens, and the model has only {n_ctx} positions; write shorter prompts, or fewer shots",
        if *.answer { " with its answer has" } else { " has" }
    )]
    TooLong {
        /// The prompt.
        text: String,
        /// How many tokens.
        tokens: usize,
        /// Whether the answer's are counted, which is decoded with the prompt.
        answer: bool,
        /// Positions of the model.
        n_ctx: usize,
    },
    /// A token the model does not have.
    #[error(
        "token {id} of prompt {text:?} is outside the model's vocabulary of {n_vocab} tokens, so that the tokenizer cannot be this \
         model's; check the files in the model's folder"
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
    #[error("keep = \"correct\" and keep = \"incorrect\" need a model that answers the prompts; write keep = \"all\"")]
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

/// What no prompt has.
fn lacking(like: Option<&str>) -> String {
    match like {
        Some(like) => format!("has its slots at the same tokens as {like:?}"),
        None => "can be written in this model's tokens".into(),
    }
}

fn join(problems: &[SpecProblem]) -> String {
    problems
        .iter()
        .map(|problem| format!("prompts.{}: {problem}", problem.path.join(".")))
        .collect::<Vec<_>>()
        .join("\n")
}
