use super::{Context, Outcome};
use crate::Error;
use crate::spec::step;
use polars::prelude::*;

/// Runs the step on each of its models.
pub(super) fn run(step: &step::AttributionPatching, _: &Context) -> Result<Outcome, Error> {
    Err(Error::refused(format!("step '{}'", step.name))("this kind of step is not there yet"))
}

/// Its frames without rows.
pub(super) fn empty_frames(_: &step::AttributionPatching) -> PolarsResult<Vec<(String, DataFrame)>> {
    Ok(Vec::new())
}
