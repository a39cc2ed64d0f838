//! What a TOML spec says: plain data, one concept per file, nothing resolved.
//!
//! Keys are `snake_case`, values that name a choice are `kebab-case`. The types here are the single source of the
//! language: serde reads them, schemars makes the JSON schema (`ablate schema`), and the checker walks that schema.

mod answer_set;
#[doc(hidden)]
pub mod arithmetic;
mod chat;
mod check;
mod component;
mod computed;
mod condition;
mod convention;
mod defaults;
mod device;
mod error;
mod expectation;
#[doc(hidden)]
pub mod expression;
mod extends;
mod figure;
mod figure_width;
mod files;
mod filter;
mod flat;
pub(crate) mod hook;
mod infix;
mod known;
mod layers;
mod load;
mod loaded;
pub mod matrix;
mod meant;
mod merge;
mod model;
mod nearest;
mod need;
mod node;
mod numbers;
mod operator;
mod output;
mod overrides;
pub(crate) mod pairs;
mod parse;
mod parsed;
mod position;
mod profile;
mod prompts;
mod range;
mod read;
pub(crate) mod references;
mod rows;
mod schema;
mod site;
mod slurm;
mod source;
pub mod step;
mod table;
mod text_or;
mod token_prompts;
mod value_schema;
mod words;
mod write;

pub use answer_set::{AnswerSet, AnswerWords, NumberBound};
pub use chat::{Chat, ChatSettings, ChatValue};
pub use component::{ComponentKind, ComponentPattern, HeadInput, ReceiverPattern};
pub use computed::{ComputedWord, Steps, number_of, word_list, word_lists};
pub use condition::Condition;
pub use convention::{CapSide, NormScale};
pub use device::{Device, Devices};
pub use error::{ErrorStyle, SpecError, SpecErrors};
pub use expectation::Expectation;
pub use extends::Extends;
pub(crate) use extends::normal;
pub(crate) use figure::figure_kinds;
pub use figure::{Figure, FigureFacts, FigureKind, Scale};
pub use figure_width::FigureWidth;
#[doc(hidden)]
pub use files::files;
pub use filter::{Filter, FilterError};
pub use known::Known;
pub use layers::Layers;
pub(crate) use layers::probe_in;
pub(crate) use load::recorded;
pub use load::{load, parse};
pub use loaded::{Loaded, Recognised};
pub use loaded::{SpecVariants, Variant};
pub use matrix::Matrix;
pub use model::{Dtype, Model, Processing, Storage};
pub(crate) use nearest::{advise, nearest, one_of};
pub use need::Need;
pub use node::Origin;
pub use numbers::Numbers;
pub use operator::Operator;
pub use output::{ImageFormat, Output, Run};
pub use pairs::{PairCell, PairItem, PairPart, PairRow, Pairs};
pub(crate) use parsed::layers_of;
pub use parsed::{Notation, Parsed};
pub use position::PositionName;
pub(crate) use prompts::DEFAULT_COMPLETION;
pub use prompts::{Answer, Keep, Operands, Prompts, Shot, Templates, WordTokens};
pub use range::Range;
pub use schema::schema;
pub use site::{HookPattern, SitePattern, UnitPattern};
pub(crate) use site::{has_heads, has_neurons};
pub use slurm::Slurm;
pub use source::Source;
pub use step::Step;
pub use table::{Join, JoinHow, Pivot, Table};
pub use token_prompts::{DrawnVocabulary, RandomTokens};
pub use value_schema::ValueSchema;
pub(crate) use words::no_slot;
pub use words::{Cells, Rows, RowsFile, SlotWords, Word};
pub use write::SpecValue;
pub(crate) use write::{flatten, inline, name as key};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One experiment: a model, its prompts, the steps to run on them, and the tables and figures to make of the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// A spec file that this one builds on, or several; later ones override earlier ones. The resolved spec no longer has the
    /// key.
    #[serde(default, skip_serializing)]
    pub extends: Option<Extends>,
    /// A line that says what the experiment shows; the title of the report.
    #[schemars(length(min = 1))]
    pub title: String,
    /// A few sentences for the report, in Markdown.
    pub description: Option<String>,
    /// What a model must have for the experiment to make sense. With a model that lacks it the spec is refused before any work;
    /// among several specs of one command it is skipped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("uniqueItems" = true))]
    pub needs: Vec<Need>,
    /// The model that every step uses unless it names another.
    pub model: Option<Model>,
    /// Further models by name. Keys that one leaves out are those of `[model]`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = { "format": "name", "pattern": "^[A-Za-z0-9_-]+$" }))]
    pub models: IndexMap<String, Model>,
    /// Models that are recognised by their architecture, by name, with settings for each.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = { "format": "name", "pattern": "^[A-Za-z0-9_-]+$" }))]
    pub known: IndexMap<String, Known>,
    /// The prompt set that every step uses unless it names another.
    pub prompts: Option<Prompts>,
    /// Further prompt sets by name. Keys that one leaves out are those of `[prompts]`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    #[schemars(extend("propertyNames" = { "format": "name", "pattern": "^[A-Za-z0-9_-]+$" }))]
    pub prompt_sets: IndexMap<String, Prompts>,
    /// Variants of the spec that differ in a few keys. Each entry is an axis: a key that varies, and a column of the rows.
    /// `[[matrix.exclude]]` leaves variants out, `[[matrix.include]]` adds some (docs/sweeps.md).
    pub matrix: Option<Matrix>,
    /// What to compute, in any order. A step that needs another's results names it.
    #[serde(default, rename = "step", skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Tables made from the steps' results.
    #[serde(default, rename = "table", skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<Table>,
    /// Figures made from the steps' results or from tables.
    #[serde(default, rename = "figure", skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// Numbers that are expected, such as a paper's: the report shows them beside those of this run.
    #[serde(default, rename = "expect", skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expectation>,
    /// Where results go and in which formats.
    #[serde(default)]
    pub output: Output,
    /// Resources: threads, memory, batch size. Nothing here changes a result.
    #[serde(default)]
    pub run: Run,
    /// What a cluster is asked for, where steps run on one (docs/cluster.md). Nothing here changes a result.
    pub slurm: Option<Slurm>,
}

/// Whether a key of the top level is a list of named tables: `[[step]]`.
pub(crate) fn is_named_list(key: &str) -> bool {
    merge::NAMED_LISTS.contains(&key)
}

impl Spec {
    /// The first key that is not of models, prompts or steps and is another in the other spec.
    fn differs_outside_of_steps(&self, other: &Spec) -> Option<&'static str> {
        let same = [
            ("table", self.tables == other.tables),
            ("figure", self.figures == other.figures),
            ("expect", self.expectations == other.expectations),
            ("output", self.output == other.output),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(key, _)| key)
    }
}
