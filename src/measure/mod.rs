//! What is measured: the model's own answers, and how often they are right.

mod accuracy;
mod bootstrap;
mod greedy;
mod next_token;
mod reading;
mod smallest;
mod wilson;

pub use accuracy::Accuracy;
pub use bootstrap::{Mean, Resamples};
pub use greedy::{Decoded, Extent, Pace, Task, decode, first_token};
pub use next_token::{DecodeError, Failure, NextToken, arg_max};
pub use reading::{Reading, effect, left};
pub use smallest::{Enough, enough};
pub use wilson::{Interval, Z95, wilson, wilson_mean};
