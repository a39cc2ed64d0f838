//! Values per key and prompt as rows: averaged over the prompts of each group, and one by one.

use super::inference::{ControlColumns, CorrectedColumn, Inference, TestColumn};
use super::labels::{RunColumns, RunLabels};
use super::shapes::ShapeValues;
use super::{Outcome, RowsInfo};
use crate::counted::{agreeing, counted};
use crate::measure::{ChanceSpread, Resamples, SignFlips, least_p};
use crate::prompt::{Prompt, PromptColumns};
use crate::table::{ColumnSet, Holds, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use rayon::prelude::*;

/// Resamples are drawn with this seed, so that intervals are the same in every run.
pub const BOOTSTRAP_SEED: u64 = 0;

/// Most rows of what is kept value by value: more than fit into a computer's memory with what names them.
pub const MOST_ROWS: usize = 20_000_000;

/// Values of a measure, or of several, on some prompts.
pub struct MeasuredValues<'v> {
    /// One row per key: what a value is of.
    pub keys: &'v DataFrame,
    /// Names of the measures.
    pub measures: &'v [&'static str],
    /// The prompts.
    pub prompts: &'v [&'v Prompt],
    /// `[key, prompt, measure]`; what is not a number is left out of means.
    pub data: &'v [f64],
    /// `[prompt, measure]`: each measure of the run that nothing was done to, where there is such a run.
    pub baseline: Option<&'v [f64]>,
}

impl MeasuredValues<'_> {
    /// One row per key, group and measure.
    pub fn means(&self, inference: Inference) -> PolarsResult<DataFrame> {
        let groups = self.by_group();
        let samples: Vec<GroupDraws> = groups.values().map(|members| self.samples(members, &inference)).collect();
        let cells: Vec<(u32, usize, usize)> = (0..self.keys.height() as u32)
            .flat_map(|key| {
                (0..groups.len()).flat_map(move |group| (0..self.measures.len()).map(move |m| (key, group, m)))
            })
            .collect();
        let rows: Vec<SummaryRow> = cells
            .par_iter()
            .map(|&(key, group, measure)| {
                let label = groups.get_index(group).map_or("", |(label, _)| label);
                self.row(key, (label, &groups[group]), measure, &samples[group], &inference)
            })
            .collect();
        let keys = gather(self.keys, cells.iter().map(|(key, ..)| *key))?;
        let baseline = self.baseline.map(|_| BaselineColumn::columns("", rows.iter().map(|row| row.baseline)));
        keys.hstack(&MeanColumns::columns("", rows.iter()))?
            .hstack(&baseline.unwrap_or_default())?
            .hstack(&SpreadColumns::columns("", rows.iter()))?
            .hstack(&inferred(&inference, &cells, &rows))
    }

    /// One row per key, prompt and measure.
    pub fn each(&self) -> PolarsResult<DataFrame> {
        let (prompts_of_key, measures) = (self.prompts.len(), self.measures.len());
        let count = self.keys.height() * prompts_of_key * measures;
        let keys = gather(self.keys, (0..count).map(|index| (index / (prompts_of_key * measures).max(1)) as u32))?;
        let prompts = (0..count).map(|index| self.prompts[index / measures % prompts_of_key]);
        let values = self.data.iter().take(count).enumerate();
        let values = values.map(|(index, value)| (self.measures[index % measures], *value));
        let unpatched = |baseline: &[f64]| {
            let of = |index: usize| baseline[index % (prompts_of_key * measures).max(1)];
            BaselineColumn::columns("", (0..count).map(of))
        };
        keys.hstack(&PromptColumns::columns("", prompts))?
            .hstack(&ValueColumns::columns("", values))?
            .hstack(&self.baseline.map(unpatched).unwrap_or_default())
    }

    /// The rows of [`Outcome::add_values`] for keys of these columns; `there` is what they measure, `all` what they might; `baseline`:
    /// whether its values have one.
    pub fn declared<K: ColumnSet>(
        (there, all): (Vec<&'static str>, &[&'static str]),
        baseline: bool,
        per_prompt: bool,
    ) -> Vec<RowsInfo> {
        let means = RowsInfo::of::<(K, (MeanColumns, (BaselineColumn, SpreadColumns)))>("");
        let each = RowsInfo::of::<(K, (PromptColumns, (ValueColumns, BaselineColumn)))>("prompts");
        let kept = [Some(means), per_prompt.then_some(each)].into_iter().flatten();
        let complete = |rows: RowsInfo| {
            let mut rows = if baseline { rows } else { rows.without("baseline") };
            rows.columns.iter_mut().filter(|one| one.name == "measure").for_each(|one| one.words = all.to_vec());
            RowsInfo { measured: there.clone(), ..rows }
        };
        kept.map(complete).collect()
    }

    fn by_group(&self) -> IndexMap<&str, Vec<usize>> {
        let mut groups: IndexMap<&str, Vec<usize>> = IndexMap::new();
        for (index, prompt) in self.prompts.iter().enumerate() {
            groups.entry(prompt.group.label()).or_default().push(index);
        }
        groups
    }

    /// What is drawn of some prompts, once for all that is averaged over them.
    fn samples(&self, members: &[usize], inference: &Inference) -> GroupDraws {
        let things = self.distinct(members).0;
        GroupDraws { resamples: resamples(&things, inference), flips: inference.flips(&things) }
    }

    /// Which prompt each is, numbered from 0, and how many there are: several draws may have prompts in common.
    fn distinct(&self, members: &[usize]) -> (Vec<usize>, usize) {
        let mut numbers: IndexSet<u64> = IndexSet::new();
        let things = members.iter().map(|&member| numbers.insert_full(self.prompts[member].id).0).collect();
        (things, numbers.len())
    }

    /// What a reader of the means should know: values that are left out, and prompts that are there more than once.
    pub(super) fn notes(&self, model: &str, inference: &Inference) -> Vec<String> {
        let mut notes = Vec::new();
        let (measures, values) = (self.measures.len().max(1), self.data.len() / self.measures.len().max(1));
        for (index, measure) in self.measures.iter().enumerate() {
            let no_numbers = self.data.iter().skip(index).step_by(measures).filter(|value| !value.is_finite()).count();
            if no_numbers > 0 {
                notes.push(format!(
                    "{model}: {no_numbers} of {} of {measure} {} (logits that are not finite, or a division by 0); {} left out of the \
                     means and of n",
                    counted(values, "value"),
                    agreeing(no_numbers, "is not a number", "are not numbers"),
                    agreeing(no_numbers, "it is", "they are")
                ));
            }
        }
        let all: Vec<usize> = (0..self.prompts.len()).collect();
        let (_, distinct) = self.distinct(&all);
        if inference.bootstrap > 0 && distinct < all.len() {
            notes.push(format!(
                "{model}: the draws have prompts in common: n counts {} of {}, and intervals are over the prompts",
                counted(all.len(), "value"),
                counted(distinct, "prompt")
            ));
        }
        let cells = self.keys.height();
        let fewest = self.by_group().values().map(|members| self.distinct(members).1).min().unwrap_or(0);
        if let (Some(test), Some(_)) = (inference.test, inference.correction())
            && least_p(fewest, test.resamples) * cells as f64 > 0.05
        {
            let resamples = (20 * cells).next_multiple_of(1000);
            let advice = match least_p(fewest, resamples) * cells as f64 > 0.05 {
                true => "take more prompts, or fewer cells".to_string(),
                false => format!("write test = {{ resamples = {resamples} }}"),
            };
            notes.push(format!(
                "{model}: of {} of a group p is {:.2e} at least, so that p_holm of {} is above 0.05 for a lone effect, however \
                 large; {advice}",
                counted(fewest, "prompt"),
                least_p(fewest, test.resamples),
                counted(cells, "cell")
            ));
        }
        notes
    }

    fn row<'r>(
        &self,
        key: u32,
        (label, members): (&'r str, &[usize]),
        measure: usize,
        samples: &GroupDraws,
        inference: &Inference,
    ) -> SummaryRow<'r> {
        let place = |run: usize, member: usize| (run * self.prompts.len() + member) * self.measures.len() + measure;
        let all: Vec<f64> = members.iter().map(|&member| self.data[place(key as usize, member)]).collect();
        let of_finite = members.iter().zip(&all).filter(|(_, value)| value.is_finite());
        let (of_finite, finite): (Vec<usize>, Vec<f64>) = of_finite.unzip();
        let mean = match finite.len() == all.len() {
            true => samples.resamples.mean(&all),
            false => resamples(&self.distinct(&of_finite).0, inference).mean(&finite),
        };
        let unpatched = self.baseline.map_or(f64::NAN, |baseline| {
            let total: f64 = of_finite.iter().map(|&member| baseline[member * self.measures.len() + measure]).sum();
            total / of_finite.len() as f64
        });
        let mut seeds: IndexMap<Option<u64>, (f64, usize)> = IndexMap::new();
        for (member, value) in members.iter().zip(&all).filter(|(_, value)| value.is_finite()) {
            let (sum, n) = seeds.entry(self.prompts[*member].seed).or_default();
            *sum += value;
            *n += 1;
        }
        let means: Vec<f64> = seeds.values().map(|(sum, n)| sum / *n as f64).collect();
        let against = |member: usize| self.baseline.map_or(0.0, |baseline| baseline[place(0, member)]);
        let p = samples.flips.as_ref().map_or(f64::NAN, |flips| {
            let differences: Vec<f64> =
                members.iter().zip(&all).map(|(&member, value)| value - against(member)).collect();
            flips.p(&differences)
        });
        let control = inference.controls.and_then(|controls| {
            let of_draw = |draw: usize| {
                let values =
                    of_finite.iter().map(|&member| controls.data[place(key as usize, member) * controls.draws + draw]);
                values.sum::<f64>() / of_finite.len() as f64
            };
            let drawn: Vec<f64> = (0..controls.draws).map(of_draw).collect();
            ChanceSpread::of(mean.mean, unpatched, &drawn, controls.stronger)
        });
        SummaryRow {
            label,
            measure: self.measures[measure],
            n: finite.len() as u64,
            mean: mean.mean,
            baseline: unpatched,
            std: mean.std,
            low: mean.low,
            high: mean.high,
            seeds: means.len() as u32,
            seed_std: Resamples::new(means.len(), 0, 0).mean(&means).std,
            p,
            control,
        }
    }
}

/// What is drawn of the prompts of a group.
struct GroupDraws {
    resamples: Resamples,
    flips: Option<SignFlips>,
}

/// Resamples of things that values are of.
fn resamples(things: &[usize], inference: &Inference) -> Resamples {
    Resamples::of(things, inference.bootstrap, BOOTSTRAP_SEED)
}

/// The columns of p-values and controls, as far as they are asked for.
fn inferred(inference: &Inference, cells: &[(u32, usize, usize)], rows: &[SummaryRow]) -> Vec<Column> {
    let p: Vec<f64> = rows.iter().map(|row| row.p).collect();
    let mut columns = Vec::new();
    if inference.test.is_some() {
        columns.extend(TestColumn::columns("", p.iter().copied()));
    }
    // The cells of a map: those of one group and measure.
    if let Some(corrected) = inference.corrected(&p, |row| (cells[row].1, cells[row].2)) {
        columns.extend(CorrectedColumn::columns("", corrected.into_iter()));
    }
    if inference.controls.is_some() {
        columns.extend(ControlColumns::columns("", rows.iter().map(|row| row.control)));
    }
    columns
}

struct SummaryRow<'r> {
    label: &'r str,
    measure: &'static str,
    n: u64,
    mean: f64,
    baseline: f64,
    std: f64,
    low: f64,
    high: f64,
    seeds: u32,
    seed_std: f64,
    p: f64,
    control: Option<ChanceSpread>,
}

rows! {
    /// What is measured, on how many prompts, and the mean over them.
    MeanColumns<'r>(row: &'r SummaryRow<'r>) {
        operator: String = row.label;
        measure: String = row.measure, "What `mean` or `value` measures.";
        n: i64 = row.n, "How many prompts the row is of.";
        mean: Option<f64> = number(row.mean), "Mean over prompts.";
    }

    /// The mean over the same prompts, or the value, of runs that nothing was done to; where there are such.
    BaselineColumn(value: f64) {
        baseline: Option<f64> = number(*value), "The same measure of the run without the edit, of the same prompts: 0 or 1 by \
            definition where it compares with that run.";
    }

    /// How far the prompts and their draws lie apart; a prompt of several draws counts once.
    SpreadColumns<'r>(row: &'r SummaryRow<'r>) {
        std: Option<f64> = number(row.std), "Standard deviation over prompts.";
        ci_low: Option<f64> = number(row.low), "Lower end of the 95 % interval: of the mean by bootstrap over prompts, of a share by Wilson.";
        ci_high: Option<f64> = number(row.high), "Upper end of the 95 % interval.";
        seeds: i64 = row.seeds, "How many seeds.";
        seed_std: Option<f64> = number(row.seed_std), "Standard deviation of the seeds' means; null for one seed.";
    }

    /// One value.
    pub ValueColumns((measure, value): (&'static str, f64)) {
        measure: String = measure;
        value: Option<f64> = number(*value), "The measure on one prompt; the activation (of `capture`); the attention weight (of \
            `attention-patterns`).";
    }
}

/// What is not a number is none in rows.
pub(super) fn number(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn gather(keys: &DataFrame, indices: impl Iterator<Item = u32>) -> PolarsResult<DataFrame> {
    keys.take(&UInt32Chunked::from_vec("".into(), indices.collect()))
}

impl Outcome {
    /// Adds values as rows: means under `name`, each value under `NAME.prompts` where wanted; with the columns `model`,
    /// `checkpoint`, `step` (the number the checkpoint's name ends in) and `template` before them. `inference` is what stands beside the
    /// means: the number of resamples, or more. Of prompts of several shapes the means are taken when the values of all of them are there.
    pub fn add_values<'v>(
        &mut self,
        name: &str,
        labels: RunLabels,
        template: &str,
        values: &MeasuredValues,
        inference: impl Into<Inference<'v>>,
        per_prompt: bool,
    ) -> PolarsResult<()> {
        let inference = inference.into();
        match &mut self.template {
            Some(_) if values.prompts.is_empty() => {}
            Some(open) => {
                open.values.entry(name.to_string()).or_default().push(ShapeValues {
                    keys: values.keys.clone(),
                    measures: values.measures.to_vec(),
                    prompts: values.prompts.iter().map(|&prompt| prompt.clone()).collect(),
                    data: values.data.to_vec(),
                    baseline: values.baseline.map(<[f64]>::to_vec),
                    inference: inference.without_controls(),
                    controls: inference.controls.cloned(),
                });
            }
            None => {
                self.notes.extend(values.notes(labels.model, &inference));
                self.add_labelled(name, labels, template, values.means(inference)?)?;
            }
        }
        if per_prompt && !values.prompts.is_empty() {
            self.add_labelled(&format!("{name}.prompts"), labels, template, values.each()?)?;
        }
        Ok(())
    }

    /// Adds rows to the frame `name` with the columns `model`, `checkpoint`, `step` and `template` before them.
    pub fn add_labelled(&mut self, name: &str, labels: RunLabels, template: &str, rows: DataFrame) -> PolarsResult<()> {
        let of = std::iter::repeat_n((labels, template), rows.height());
        self.add(name, RunColumns::frame(of)?.hstack(rows.columns())?)
    }
}
