//! Prompts: templates, the sources that fill their slots (arithmetic, words), groups, legality, sampling, counterfactual pairs.
//!
//! [`ResolvedPrompts`] is what a spec says, checked without any model. [`build`] makes it into a [`PromptSet`] in one model's
//! tokens: every legal prompt, then those the model answers as `keep` asks, then the seeded draw.

mod answer_rule;
mod answer_sets;
mod answers;
mod begins;
mod calculation;
mod census;
mod change;
mod computed;
mod described;
mod dropped;
mod error;
mod every;
mod explain;
mod fields;
mod frame;
mod given_tokens;
mod group;
mod in_model;
mod integers;
mod layout;
mod legal;
mod limits;
mod noted;
mod order;
mod pair_list;
mod paired;
mod pairs;
mod positions;
mod random;
mod resolved;
mod respond;
mod select;
mod set;
mod source;
mod stock;
mod swapped_rows;
mod taker;
mod tally;
mod template;
mod tokens;
mod words;

pub use answer_rule::{AnswerRule, BoundNumber};
pub use answers::{Accepted, AcceptedAnswers};
pub use begins::Begins;
pub use calculation::Calculation;
pub use census::{Census, Censuses};
pub use change::{ChangeFault, SlotChange, SlotPlace, change, changed, written};
pub use computed::ComputedSlot;
pub use dropped::{Dropped, Reason};
pub use error::{PromptError, SpecProblem};
pub use every::{PlainPrompt, Wanted, every};
pub use fields::{FieldValue, Fields, SlotColumns, SlotNames};
pub(crate) use frame::{AnswerColumn, AskedColumns, DroppedColumns, PromptColumns, SetColumns, joined, of_words};
pub use group::PromptGroup;
pub use integers::integers;
pub use limits::MOST_LOOKED_AT;
pub use limits::MOST_PROMPTS;
pub use pair_list::{GivenAnswers, GivenPrompt, PairList, PairedTexts};
pub use pairs::{From, alike, pairs};
pub use positions::{BOS, CountedFrom, LAST, PromptShape, SlotSpan, TemplatePositions};
pub(crate) use random::Random;
pub use resolved::{NamedTemplate, ResolvedPrompts};
pub use respond::{Respondent, Response, respond};
pub use set::{Note, Prompt, PromptSet, SetTemplate, SlotTokens};
pub use source::{OperandGrid, PromptSource};
pub use tally::{Bounds, Tallied, Tally};
pub use template::{Fill, Slot, Template, TemplateFault};
pub use tokens::{RandomBlocks, TokenSource};
pub use words::{Lexicon, MOST_COMBINATIONS};

use crate::model::tokenizer::Tokenizer;
use crate::spec::Prompts;

/// The prompts of a spec in one model's tokens. `bos` overrides whether a beginning-of-text token is put first; the
/// respondent is needed where the spec's `keep` asks for the model's own answers.
///
/// # Errors
/// Faults of the spec, a group without a legal prompt, nothing kept, a prompt that the model cannot run, and what the
/// model reports.
pub fn build(
    spec: &Prompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    respondent: Option<Respondent>,
) -> Result<PromptSet, PromptError> {
    let resolved = ResolvedPrompts::new(spec).map_err(PromptError::Spec)?;
    let legal = legal::legal(&resolved, tokenizer, bos)?;
    if let Some(Respondent { network, .. }) = respondent {
        legal.fits(network.n_vocab(), network.position_limit())?;
    }
    let mut set = select::select(&resolved, legal, tokenizer, respondent)?;
    noted::note(&mut set, &resolved);
    Ok(set)
}

/// Every legal prompt of a spec, whatever is drawn of them, counted.
///
/// # Errors
/// Faults of the spec, and a group without a legal prompt.
pub fn tally(spec: &Prompts, tokenizer: &Tokenizer, bos: Option<bool>, bounds: Bounds) -> Result<Tally, PromptError> {
    tally::tally(&ResolvedPrompts::new(spec).map_err(PromptError::Spec)?, tokenizer, bos, bounds)
}
