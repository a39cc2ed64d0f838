//! What a spec can say: read from the schema that is made from the types, and shown by `ablate explain`, `ablate list` and
//! docs/spec.md. A doc comment in `src/spec`, or of a measure in `src/measure`, is the one place where a thing is explained.

mod about;
mod columns;
mod example;
mod find;
mod key;
mod markdown;
mod synonyms;
mod terminal;
mod topic;
mod topics;

pub use about::DocComment;
pub use example::{StepRows, example, rows};
pub use find::{Referent, Unknown, find, names};
pub use key::{KeyChoice, SpecKey};
pub use markdown::markdown;
pub use synonyms::{SYNONYMS, Synonym, synonym};
pub use terminal::{page, sentence};
pub use topic::{Topic, TopicKind};
pub use topics::{named, topics};
