//! Interventions: which activation of which row is changed to what, and the engine that computes only what a change reaches.
//!
//! An [`Edit`] is data: a hook, positions, units and the change. A [`EditedPrompt`] is a prompt with its edits. [`CleanRun`] is the run of
//! the prompts without any edit; [`Replay`] runs rows from it: each joins at the first layer and position that its edits
//! change, many rows in one batch. [`attribute`] approximates what rows would do, from gradients;
//! [`Paths`] makes what a receiver reads when one sender alone has changed.

mod activation;
mod addition;
mod alone;
mod answer_tokens;
mod apply;
mod attribution;
mod base;
mod basis;
mod before_norm;
mod capture;
mod direct;
mod direct_attribution;
mod edit;
mod entry;
mod error;
mod every_token;
mod generation;
mod known_change;
mod lane;
mod lens;
mod library;
mod operations;
mod origin;
mod parallel;
mod paths;
mod plan;
mod post_norm;
mod readout;
mod replay;
mod segment;
mod shared_prefix;
mod sharing;
mod side_by_side;
mod skipped_units;
mod sweep;
mod tensors;
mod value_logits;
mod vocabulary;
mod work;
mod workers;

pub use activation::{Activation, Activations, Layout};
pub use answer_tokens::AnswerTokens;
pub use attribution::{AttributedUnit, Together, TokenPairs, attribute};
pub use basis::{Basis, BasisFault};
pub use capture::{HookPositions, capture, capture_means};
pub use direct_attribution::{DirectAttribution, Targets, Term, direct_attribution};
pub use edit::{Change, Edit, EditedPrompt, Positions, Units, Value};
pub use error::EditError;
pub use every_token::read_tokens;
pub use generation::{Choice, Decoder, Opening, Sampling, TextEnd, TokenEdits, WrittenTokens};
pub use lens::{Lens, logit_lens};
pub use library::{InterventionError, activations_at, logits_with};

#[doc(hidden)]
pub use alone::BatchedPrompt;
#[doc(hidden)]
pub use apply::run_edited;
#[doc(hidden)]
pub use base::CleanRun;
#[doc(hidden)]
pub use operations::layer_operations;
#[doc(hidden)]
pub use paths::{Paths, Receiver, Sender};
#[doc(hidden)]
pub use readout::{LogitRead, LogitReads};
#[doc(hidden)]
pub use replay::{Cost, Replay, ReplayCheck};
#[doc(hidden)]
pub use value_logits::value_logits;
#[doc(hidden)]
pub use work::Work;

pub(crate) use addition::{AddedPlace, AddedRun, run_added};
pub(crate) use attribution::recorded_bytes;
pub(crate) use capture::{Sums, add_sums, capture_blocks, capture_sums, embeddings, means_of};
pub(crate) use operations::unembedding_operations;
pub(crate) use parallel::runs_side_by_side;
