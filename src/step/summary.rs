//! Values per key and prompt as rows: averaged over the prompts of each operator, and one by one.

use super::Outcome;
use super::accuracy::number_in;
use super::labels::Labels;
use crate::measure::Resamples;
use crate::prompt::{Prompt, content};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use rayon::prelude::*;

/// Resamples are drawn with this seed, so that intervals are the same in every run.
pub const BOOTSTRAP_SEED: u64 = 0;

/// Most rows of what is kept value by value: more than fit into a computer's memory with what names them.
pub const MOST_ROWS: usize = 20_000_000;

/// Values of a measure, or of several, on some prompts.
pub struct Values<'v> {
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

impl Values<'_> {
    /// One row per key, operator and measure: the keys, `operator`, `measure`, `n` (prompts), `mean`, `baseline` (the mean over the same
    /// prompts of runs that nothing was done to; where there are such), `std` (over prompts), `ci_low`, `ci_high` (95 % bootstrap interval over prompts, a prompt of several draws counted once), `seeds` (draws), `seed_std` (of the
    /// draws' means).
    ///
    /// # Errors
    /// None of its own.
    pub fn means(&self, bootstrap: usize) -> PolarsResult<DataFrame> {
        let groups = self.by_operator();
        let resamples: Vec<Resamples> = groups.values().map(|members| self.resamples(members, bootstrap)).collect();
        let cells: Vec<(u32, usize, usize)> = (0..self.keys.height() as u32)
            .flat_map(|key| {
                (0..groups.len()).flat_map(move |group| (0..self.measures.len()).map(move |m| (key, group, m)))
            })
            .collect();
        let rows: Vec<Row> = cells
            .par_iter()
            .map(|&(key, group, measure)| self.row(key, &groups[group], measure, &resamples[group], bootstrap))
            .collect();
        let keys = gather(self.keys, cells.iter().map(|(key, ..)| *key))?;
        let operators: Vec<&str> =
            cells.iter().map(|&(_, group, _)| *groups.get_index(group).map_or(&"", |(operator, _)| operator)).collect();
        let number = |value: fn(&Row) -> f64| -> Vec<Option<f64>> {
            rows.iter().map(value).map(|value| value.is_finite().then_some(value)).collect()
        };
        let mean = df!(
            "operator" => operators,
            "measure" => cells.iter().map(|&(.., measure)| self.measures[measure]).collect::<Vec<_>>(),
            "n" => rows.iter().map(|row| row.n).collect::<Vec<_>>(),
            "mean" => number(|row| row.mean),
        )?;
        let baseline = self.baseline.map(|_| Column::new("baseline".into(), number(|row| row.baseline)));
        let spread = df!(
            "std" => number(|row| row.std),
            "ci_low" => number(|row| row.low),
            "ci_high" => number(|row| row.high),
            "seeds" => rows.iter().map(|row| row.seeds).collect::<Vec<_>>(),
            "seed_std" => number(|row| row.seed_std),
        )?;
        keys.hstack(mean.columns())?.hstack(baseline.as_slice())?.hstack(spread.columns())
    }

    /// One row per key, prompt and measure: the keys, `operator`, `seed`, `id`, `a`, `b`, `answer`, `text`, `measure`,
    /// `value`, `baseline` (where there are runs that nothing was done to).
    ///
    /// # Errors
    /// None of its own.
    pub fn each(&self) -> PolarsResult<DataFrame> {
        let (prompts_of_key, measures) = (self.prompts.len(), self.measures.len());
        let count = self.keys.height() * prompts_of_key * measures;
        let keys = gather(self.keys, (0..count).map(|index| (index / (prompts_of_key * measures).max(1)) as u32))?;
        let of = |index: usize| self.prompts[index / measures % prompts_of_key];
        let values = self.data.iter().take(count).map(|value| value.is_finite().then_some(*value));
        let prompts = prompt_columns(&(0..count).map(of).collect::<Vec<_>>())?;
        let values = df!(
            "measure" => (0..count).map(|index| self.measures[index % measures]).collect::<Vec<_>>(),
            "value" => values.collect::<Vec<_>>(),
        )?;
        let unpatched = |baseline: &[f64], index: usize| {
            let value = baseline[index % (prompts_of_key * measures).max(1)];
            value.is_finite().then_some(value)
        };
        let baseline = self.baseline.map(|baseline| {
            Column::new("baseline".into(), (0..count).map(|index| unpatched(baseline, index)).collect::<Vec<_>>())
        });
        keys.hstack(prompts.columns())?.hstack(values.columns())?.hstack(baseline.as_slice())
    }

    fn by_operator(&self) -> IndexMap<&'static str, Vec<usize>> {
        let mut groups: IndexMap<&'static str, Vec<usize>> = IndexMap::new();
        for (index, prompt) in self.prompts.iter().enumerate() {
            groups.entry(prompt.operator.symbol).or_default().push(index);
        }
        groups
    }

    /// Resamples of prompts, of the values of some.
    fn resamples(&self, members: &[usize], bootstrap: usize) -> Resamples {
        Resamples::of(&self.distinct(members).0, bootstrap, BOOTSTRAP_SEED)
    }

    /// Which prompt each is, numbered from 0, and how many there are: several draws may have prompts in common.
    fn distinct(&self, members: &[usize]) -> (Vec<usize>, usize) {
        let mut numbers: IndexSet<u64> = IndexSet::new();
        let things = members.iter().map(|&member| numbers.insert_full(self.prompts[member].id).0).collect();
        (things, numbers.len())
    }

    /// What a reader of the means should know: values that are left out, and prompts that are there more than once.
    fn notes(&self, model: &str, bootstrap: usize) -> Vec<String> {
        let mut notes = Vec::new();
        let (measures, values) = (self.measures.len().max(1), self.data.len() / self.measures.len().max(1));
        for (index, measure) in self.measures.iter().enumerate() {
            let no_numbers = self.data.iter().skip(index).step_by(measures).filter(|value| !value.is_finite()).count();
            if no_numbers > 0 {
                notes.push(format!(
                    "{model}: {no_numbers} of {values} values of {measure} are not numbers (logits that are not finite, or a \
                     division by 0); they are left out of the means and of n"
                ));
            }
        }
        let all: Vec<usize> = (0..self.prompts.len()).collect();
        let (_, distinct) = self.distinct(&all);
        if bootstrap > 0 && distinct < all.len() {
            notes.push(format!(
                "{model}: the draws have prompts in common: n counts {} values of {distinct} prompts, and intervals are over the \
                 prompts",
                all.len()
            ));
        }
        notes
    }

    fn row(&self, key: u32, members: &[usize], measure: usize, resamples: &Resamples, bootstrap: usize) -> Row {
        let value =
            |&member: &usize| self.data[(key as usize * self.prompts.len() + member) * self.measures.len() + measure];
        let all: Vec<f64> = members.iter().map(value).collect();
        let of_finite = members.iter().zip(&all).filter(|(_, value)| value.is_finite());
        let (of_finite, finite): (Vec<usize>, Vec<f64>) = of_finite.unzip();
        let mean = match finite.len() == all.len() {
            true => resamples.mean(&all),
            false => self.resamples(&of_finite, bootstrap).mean(&finite),
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
        Row {
            n: finite.len() as u64,
            mean: mean.mean,
            baseline: unpatched,
            std: mean.std,
            low: mean.low,
            high: mean.high,
            seeds: means.len() as u32,
            seed_std: Resamples::new(means.len(), 0, 0).mean(&means).std,
        }
    }
}

struct Row {
    n: u64,
    mean: f64,
    baseline: f64,
    std: f64,
    low: f64,
    high: f64,
    seeds: u32,
    seed_std: f64,
}

/// What names a prompt in rows: `operator`, `seed`, `id`; `a`, `b` and `answer`, or each slot's word, `answer` and `contrast`; `text`.
///
/// # Errors
/// None of its own.
pub fn prompt_columns(prompts: &[&Prompt]) -> PolarsResult<DataFrame> {
    let first = df!(
        "operator" => prompts.iter().map(|prompt| prompt.operator.symbol).collect::<Vec<_>>(),
        "seed" => prompts.iter().map(|prompt| prompt.seed).collect::<Vec<_>>(),
        "id" => prompts.iter().map(|prompt| prompt.id).collect::<Vec<_>>(),
    )?;
    let text = Column::new("text".into(), prompts.iter().map(|prompt| prompt.text.as_str()).collect::<Vec<_>>());
    first.hstack(content(prompts)?.columns())?.hstack(&[text])
}

fn gather(keys: &DataFrame, indices: impl Iterator<Item = u32>) -> PolarsResult<DataFrame> {
    keys.take(&UInt32Chunked::from_vec("".into(), indices.collect()))
}

impl Outcome {
    /// Adds values as rows: means under `name`, each value under `NAME.prompts` where wanted; with the columns `model`,
    /// `checkpoint`, `step` (the number the checkpoint's name ends in) and `template` before them.
    ///
    /// # Errors
    /// None of its own.
    pub fn add_values(
        &mut self,
        name: &str,
        labels: Labels,
        template: &str,
        values: &Values,
        bootstrap: usize,
        per_prompt: bool,
    ) -> PolarsResult<()> {
        self.notes.extend(values.notes(labels.model, bootstrap));
        self.add_labelled(name, labels, template, values.means(bootstrap)?)?;
        if per_prompt {
            self.add_labelled(&format!("{name}.prompts"), labels, template, values.each()?)?;
        }
        Ok(())
    }

    /// Adds rows to the frame `name` with the columns `model`, `checkpoint`, `step` and `template` before them.
    ///
    /// # Errors
    /// None of its own.
    pub fn add_labelled(&mut self, name: &str, labels: Labels, template: &str, rows: DataFrame) -> PolarsResult<()> {
        let height = rows.height();
        let labelled = df!("step" => vec![number_in(labels.checkpoint); height], "template" => vec![template; height])?
            .hstack(rows.columns());
        self.add_rows(name, labels, labelled)
    }

    /// The frames of [`Outcome::add_values`] without rows, for keys of these columns; `baseline`: whether its values have one.
    ///
    /// # Errors
    /// None of its own.
    pub fn empty_values(
        name: &str,
        keys: &DataFrame,
        baseline: bool,
        per_prompt: bool,
    ) -> PolarsResult<Vec<(String, DataFrame)>> {
        let mut outcome = Self::default();
        let baseline = baseline.then_some(&[][..]);
        let values = Values { keys: &keys.head(Some(0)), measures: &[], prompts: &[], data: &[], baseline };
        outcome.add_values(name, Labels { model: "", checkpoint: "" }, "", &values, 0, per_prompt)?;
        Ok(outcome.frames)
    }
}
