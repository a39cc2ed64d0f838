//! What is measured: what an intervention does to the answer, the answers of the model itself, and how often they are right.

mod ablation;
mod accuracy;
mod answer;
mod attribution;
mod bootstrap;
mod chance;
mod effect;
mod greedy;
mod lens;
mod next_token;
mod reading;
mod sign_flip;
mod smallest;
mod table;
mod text;
mod token;
mod wilson;

pub use ablation::AblationMeasure;
pub use accuracy::RightAnswers;
pub use attribution::AttributionMeasure;
pub use bootstrap::{BootstrapMean, Resamples};
pub use chance::{ChanceSpread, Stronger};
pub use effect::EffectMeasure;
pub use lens::LensMeasure;
pub use reading::{Reading, SetLogits};
pub use sign_flip::{SignFlips, holm, holm_within, least_p};
pub use smallest::{Enough, enough};
pub use table::Property;
pub use text::TextMeasure;
pub use token::TokenMeasure;
pub use wilson::{Interval, Z95, wilson, wilson_mean};

#[doc(hidden)]
pub use greedy::{Decoded, Extent, GreedyTask, Pace, decode, first_token};
#[doc(hidden)]
pub use next_token::{BoxError, DecodeError, NextToken, arg_max};
