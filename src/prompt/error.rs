//! What can be wrong with prompts: first with what the spec says, then with what a model's tokenizer makes of it.

use super::group::PromptGroup;
use super::template::TemplateFault;
use std::borrow::Cow;
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
        key: Cow<'static, str>,
    },
    /// A value given twice.
    #[error("{key} has {value} twice; write it once")]
    Twice {
        /// Key under `[prompts]`.
        key: Cow<'static, str>,
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
    /// Nothing fills the slots.
    #[error(
        "no operands and no slots; write operands = {{ a = \"0..100\", b = \"0..100\" }} for arithmetic, or words: slots = {{ name = \
         [\"Mary\", \"John\"] }}"
    )]
    NoOperands,
    /// A slot that cannot be called that.
    #[error("no slot can be called '{slot}': {why}")]
    SlotName {
        /// The name.
        slot: String,
        /// Whether it is a column of `rows`.
        in_rows: bool,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A slot with the words of one that has no list.
    #[error("slot '{slot}' takes the words of '{of}', which has no list; write {}", match .near {
        Some(near) => format!("\"{near}\""),
        None => "a list of words, or the name of a slot with one".into(),
    })]
    NoList {
        /// The slot.
        slot: String,
        /// Whose words it takes.
        of: String,
        /// The slot that was probably meant.
        near: Option<String>,
    },
    /// A slot of lists and of rows.
    #[error("slot '{slot}' is a column of rows too; write it in one of them")]
    SlotTwice {
        /// The slot.
        slot: String,
    },
    /// A slot that stands nowhere.
    #[error(
        "slot '{slot}' is in no template, completion or contrast; write {{{slot}}} where its words belong, or leave it out"
    )]
    UnusedSlot {
        /// The slot.
        slot: String,
    },
    /// A row with other columns than the first.
    #[error("row {} {} '{slot}'; every row has the columns of the first", .row + 1, if *.missing { "has no" } else { "alone has" })]
    RowColumns {
        /// Number of the row, from 0.
        row: usize,
        /// The column.
        slot: String,
        /// Whether the row lacks it.
        missing: bool,
    },
    /// A slot that is not there.
    #[error("no slot '{slot}'; {}", match .near {
        Some(near) => format!("write \"{near}\""),
        None => format!("slots: {}", .known.join(", ")),
    })]
    UnknownSlot {
        /// Key under `[prompts]`.
        key: &'static str,
        /// Which entry of it.
        index: usize,
        /// What the spec says.
        slot: String,
        /// The slot that was probably meant.
        near: Option<String>,
        /// The slots.
        known: Vec<String>,
    },
    /// A slot that must differ from no other.
    #[error("different has '{slot}' alone; write the slots that it must differ from")]
    DifferentAlone {
        /// The slot.
        slot: String,
    },
    /// Slots that cannot differ.
    #[error("{} must differ, and there are {words} words for them; write more words", .slots.join(" and "))]
    TooFewDifferent {
        /// The slots.
        slots: Vec<String>,
        /// How many words they have between them.
        words: usize,
    },
    /// A contrast that cannot be read.
    #[error("{0}")]
    ContrastText(TemplateFault),
    /// A contrast that is the answer.
    #[error("contrast \"{text}\" is the completion; write a wrong answer")]
    ContrastIsAnswer {
        /// Both.
        text: String,
    },
    /// More combinations than can be counted.
    #[error("the words make more than {limit} combinations; write shorter lists{}", if *.drawn { "" } else { ", or a sample" })]
    TooManyWords {
        /// Largest number.
        limit: u128,
        /// Whether a sample of them is drawn.
        drawn: bool,
    },
    /// A sample that is more than is looked at.
    #[error(
        "a sample of words is drawn from {most} combinations, fewer than sample = {sample} and skip = {skip} take; write less"
    )]
    SampleOfTooMany {
        /// The sample.
        sample: usize,
        /// How many are passed over.
        skip: usize,
        /// How many are looked at.
        most: usize,
    },
    /// Worked examples of words.
    #[error("shots are of operands; write worked examples into the template, as they are to be read")]
    ShotsOfWords,
    /// Prompts of words that nothing follows.
    #[error("no completion: what the model should write; write completion = \" {}\"", .slots.split(' ').next().unwrap_or("{name}"))]
    NoCompletion {
        /// The slots, each in braces.
        slots: String,
    },
    /// A completion without a slot.
    #[error("completion '{text}' has no slot, and every prompt the same answer; write a slot into it: {slots}")]
    CompletionOfNoSlot {
        /// The completion.
        text: String,
        /// The slots, each in braces.
        slots: String,
    },
    /// No template for the words.
    #[error("no template; write template = \"…\" with the slots {slots}")]
    NoTemplateOfWords {
        /// The slots, each in braces.
        slots: String,
    },
}

impl SpecProblem {
    /// The keys under `[prompts]` that lead to what is at fault.
    pub fn path(&self) -> Vec<Cow<'_, str>> {
        let keys = |keys: &[&'static str]| keys.iter().map(|&key| Cow::Borrowed(key)).collect();
        match self {
            SpecProblem::Template { name, .. } | SpecProblem::MissingSlot { name, .. } => {
                ["template"].into_iter().chain(name.as_deref()).map(Cow::Borrowed).collect()
            }
            SpecProblem::NoTemplate | SpecProblem::NoTemplateOfWords { .. } => keys(&["template"]),
            SpecProblem::Completion { .. }
            | SpecProblem::CompletionText(_)
            | SpecProblem::NoCompletion { .. }
            | SpecProblem::CompletionOfNoSlot { .. } => keys(&["completion"]),
            SpecProblem::UnknownOperator { in_shot: false, .. } => keys(&["operators"]),
            SpecProblem::Empty { key } | SpecProblem::Twice { key, .. } => key.split('.').map(Cow::Borrowed).collect(),
            SpecProblem::Range { key, .. } => keys(&[key]),
            SpecProblem::TooMany { .. } => keys(&["operands"]),
            SpecProblem::UnknownOperator { in_shot: true, .. }
            | SpecProblem::Shot { .. }
            | SpecProblem::ShotsOfWords => keys(&["shots"]),
            SpecProblem::SampleOfNone | SpecProblem::SampleOfTooMany { .. } => keys(&["sample"]),
            SpecProblem::SkipOfAll => keys(&["skip"]),
            SpecProblem::NoOperands => Vec::new(),
            SpecProblem::SlotName { in_rows: true, .. } => keys(&["rows"]),
            SpecProblem::SlotName { slot, .. }
            | SpecProblem::NoList { slot, .. }
            | SpecProblem::SlotTwice { slot }
            | SpecProblem::UnusedSlot { slot } => vec!["slots".into(), slot.into()],
            SpecProblem::RowColumns { row, .. } => vec!["rows".into(), row.to_string().into()],
            SpecProblem::UnknownSlot { key, index, .. } => vec![(*key).into(), index.to_string().into()],
            SpecProblem::DifferentAlone { .. } | SpecProblem::TooFewDifferent { .. } => keys(&["different"]),
            SpecProblem::ContrastText(_) | SpecProblem::ContrastIsAnswer { .. } => keys(&["contrast"]),
            SpecProblem::TooManyWords { .. } => keys(&["slots"]),
        }
    }
}

fn known_operators() -> String {
    let symbols: Vec<String> =
        crate::spec::Operator::ALL.iter().map(|operator| format!("\"{}\"", operator.symbol())).collect();
    symbols.join(", ")
}

/// A fault of prompts on a given model.
#[derive(Debug, Error)]
pub enum PromptError {
    /// Faults of the spec, all of them.
    #[error("{}", join(.0))]
    Spec(Vec<SpecProblem>),
    /// A group has no legal prompt in a template.
    #[error("no legal prompt {} in template '{template}': {why}", group.wanted())]
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
        "no prompt {} in template '{template}' has the slots of {like:?} at its tokens; write operands, or words, that are one \
         token each",
        group.wanted()
    )]
    NoneAlike {
        /// The group.
        group: PromptGroup,
        /// Name of the template.
        template: String,
        /// A prompt of the step.
        like: String,
    },
    /// A group has no legal prompt to take a mean over.
    #[error(
        "no prompt {} in template '{template}' is legal ({example:?} is not), and the mean is over legal ones; write legality = \
         \"any\" for the mean, or prompts with legal answers",
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
        slot: String,
        /// Name of the template.
        template: String,
        /// Shows the tokens, and what to write.
        why: String,
    },
    /// A template name that the set does not have.
    #[error("no template '{0}' in this prompt set")]
    NoTemplate(String),
    /// Longer than the model's context.
    #[error(
        "prompt {text:?}{} {tokens} tokens, the model has {n_ctx} positions; write shorter prompts, or fewer shots",
        if *.answer { " and its answer are" } else { " is" }
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
