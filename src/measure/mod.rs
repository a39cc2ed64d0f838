//! What is measured: the model's own answers, and how often they are right.

mod accuracy;
mod greedy;
mod next_token;
mod wilson;

pub use accuracy::Accuracy;
pub use greedy::{Decoded, Extent, Pace, Task, decode, first_token};
pub use next_token::{DecodeError, Failure, NextToken, arg_max};
pub use wilson::{Interval, Z95, wilson};
