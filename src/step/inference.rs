//! What stands beside means: intervals, p-values and controls, as a step's spec asks for them.

use super::RowsInfo;
use crate::measure::{ChanceSpread, SignFlips, Stronger, holm_within};
use crate::spec::step::{Correction, SignificanceTest};
use crate::table::{ColumnSet, Holds, rows};
use polars::prelude::{DataFrame, PolarsResult};

/// What is said of means beside the means themselves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Inference<'c> {
    /// Resamples of the prompts for each interval.
    pub bootstrap: usize,
    /// The test of each mean.
    pub test: Option<SignificanceTest>,
    /// How p-values are corrected for being many.
    pub correction: Option<Correction>,
    /// The random sets of units beside those that keys are of, for a step that has them.
    pub controls: Option<&'c ControlValues>,
}

/// Values of random sets of units, drawn beside the sets that keys name.
#[derive(Debug, Clone)]
pub struct ControlValues {
    /// How many sets are drawn for each key.
    pub draws: usize,
    /// `[key, prompt, measure, draw]`; no numbers where a key has none.
    pub data: Vec<f64>,
    /// Which sets are the stronger.
    pub stronger: Stronger,
}

impl ControlValues {
    /// Of values `[key · draws + draw, prompt, measure]`, `each` of one set; `has` says which keys have any.
    pub fn of_sets(draws: usize, sets: &[f64], each: usize, has: impl Fn(usize) -> bool, stronger: Stronger) -> Self {
        let keys = sets.len() / (draws * each).max(1);
        let of = |(key, place): (usize, usize)| {
            let has = has(key);
            (0..draws).map(move |draw| if has { sets[(key * draws + draw) * each + place] } else { f64::NAN })
        };
        let places = (0..keys).flat_map(|key| (0..each).map(move |place| (key, place)));
        Self { draws, data: places.flat_map(of).collect(), stronger }
    }
}

impl From<usize> for Inference<'_> {
    fn from(bootstrap: usize) -> Self {
        Self { bootstrap, ..Self::default() }
    }
}

impl From<(usize, Option<SignificanceTest>, Option<Correction>)> for Inference<'_> {
    fn from((bootstrap, test, correction): (usize, Option<SignificanceTest>, Option<Correction>)) -> Self {
        Self { bootstrap, test, correction, controls: None }
    }
}

impl Inference<'_> {
    /// Adds its columns to those of a step's means, the first of `rows`; `controls`: whether the step has them.
    pub fn declare(&self, mut rows: Vec<RowsInfo>, controls: bool) -> Vec<RowsInfo> {
        if let Some(means) = rows.first_mut() {
            let further = [
                self.test.map(|_| TestColumn::declared("", "")),
                self.correction().map(|_| CorrectedColumn::declared("", "")),
                controls.then(|| ControlColumns::declared("", "")),
            ];
            means.columns.extend(further.into_iter().flatten().flatten());
        }
        rows
    }

    /// The same without controls.
    pub fn without_controls(&self) -> Inference<'static> {
        Inference { bootstrap: self.bootstrap, test: self.test, correction: self.correction, controls: None }
    }

    /// Corrects the p-values of rows once more, where they come of several maps that are one.
    ///
    /// # Errors
    /// None of its own.
    pub(super) fn correct(&self, rows: &mut DataFrame) -> PolarsResult<()> {
        if self.correction().is_none() || rows.height() == 0 {
            return Ok(());
        }
        let p: Vec<f64> = rows.column("p")?.f64()?.iter().map(|p| p.unwrap_or(f64::NAN)).collect();
        let (groups, measures) = (rows.column("operator")?.str()?, rows.column("measure")?.str()?);
        let corrected = self.corrected(&p, |row| (groups.get(row), measures.get(row))).unwrap_or_default();
        for column in CorrectedColumn::columns("", corrected.into_iter()) {
            rows.with_column(column)?;
        }
        Ok(())
    }

    /// The correction, of p-values that there are.
    pub(super) fn correction(&self) -> Option<Correction> {
        self.correction.filter(|_| self.test.is_some())
    }

    /// Combinations of signs for values of some things, where means are tested.
    pub(super) fn flips(&self, things: &[usize]) -> Option<SignFlips> {
        self.test.map(|test| SignFlips::of(things, test.resamples, test.seed))
    }

    /// The p-values corrected within each family; `None` where they are not.
    pub(super) fn corrected<F: Ord>(&self, p: &[f64], family: impl Fn(usize) -> F) -> Option<Vec<f64>> {
        self.correction().map(|Correction::Holm| holm_within(p, family))
    }
}

/// A p-value where there is one.
fn of_number(p: f64) -> Option<f64> {
    (!p.is_nan()).then_some(p)
}

rows! {
    /// Whether a mean may be chance.
    pub(super) TestColumn(p: f64) {
        p: Option<f64> = of_number(*p), "Two-sided p-value of the mean against 0 or, where there is one, against `baseline`, by flipping \
            signs over prompts; a prompt of several draws counts once.";
    }

    /// The same of all cells.
    pub(super) CorrectedColumn(p: f64) {
        p_holm: Option<f64> = of_number(*p), "`p` after Holm's correction over the cells of one model, template, group and measure.";
    }

    /// What random sets of units do.
    pub(super) ControlColumns(control: Option<ChanceSpread>) {
        control_mean: Option<f64> = control.map(|one| one.mean), "The mean with as many random units of the same kind in each layer \
            instead, over the draws; null where there are no others to draw.";
        control_low: Option<f64> = control.map(|one| one.low), "2.5th percentile of the draws' means.";
        control_high: Option<f64> = control.map(|one| one.high), "97.5th percentile of the draws' means.";
        control_draws: Option<i64> = control.map(|one| one.draws), "How many random sets were drawn.";
        control_p: Option<f64> = control.map(|one| one.p), "The chance that a random set is at least as strong: (1 + those that \
            are) / (1 + draws). Stronger is farther from `baseline`; of a circuit that is kept, nearer to it.";
    }
}
