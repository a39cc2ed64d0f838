//! What is measured: what an intervention does to the answer, the answers of the model itself, and how often they are right.

mod ablation;
mod accuracy;
mod attribution;
mod bootstrap;
mod effect;
mod greedy;
mod next_token;
mod reading;
mod smallest;
mod table;
mod wilson;

pub use ablation::AblationMeasure;
pub use accuracy::Accuracy;
pub use attribution::AttributionMeasure;
pub use bootstrap::{Mean, Resamples};
pub use effect::EffectMeasure;
pub use greedy::{Decoded, Extent, Pace, Task, decode, first_token};
pub use next_token::{DecodeError, Failure, NextToken, arg_max};
pub use reading::Reading;
pub use smallest::{Enough, enough};
pub use table::Property;
pub use wilson::{Interval, Z95, wilson, wilson_mean};
