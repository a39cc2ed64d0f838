//! Runs a spec's steps, through the store where there is one.

pub mod failures;
mod options;
pub mod recall;
pub mod record;
mod session;
pub mod steps;

pub use options::Options;
pub use recall::{Recall, State};
pub use session::{Force, Session};
