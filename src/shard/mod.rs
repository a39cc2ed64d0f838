//! The steps of a command shared out among processes that have nothing in common but a store: any scheduler can start these.

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
