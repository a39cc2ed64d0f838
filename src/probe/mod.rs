//! Linear probes: what of the answer a linear classifier can read from an activation (paper §2.2).
//!
//! A [`Classifier`] is one fully connected layer and a softmax. [`fit()`] trains it on the rows of [`Features`] that a [`RowSplit`]
//! gives it; [`answer_writing`] says from which layer on the answer is there.

mod classifier;
mod features;
mod fit;
mod split;
mod writing;

pub use classifier::{Classifier, Judged};
pub use features::{Features, Standard};
pub use fit::{FitSettings, fit};
pub use split::{EpochOrder, RowSplit};
pub use writing::{Writing, answer_writing};
