//! What a step would compute, counted before it is run.

mod survey;
mod workload;

pub use survey::{ReadCost, Survey, SurveyedCell};
pub use workload::{ModelWork, Workload};
