//! Divides the steps of a command among processes that share only a store, so that any scheduler can start them.

mod cost;
mod joined;
mod number;
mod schedule;
mod work;

pub use cost::{CellCost, CellTiming, nominal};
pub use joined::{JoinedPlan, PlanCell};
pub use number::ShardNumber;
pub use schedule::split;
pub use work::{ShardDone, check_stores, compute};
