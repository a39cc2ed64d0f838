//! Components that the rows of an earlier step name, in the order of an effect.

use super::places::{Component, whole_mlp};
pub use super::ranked::Ranking;
use crate::counted::{agreeing, counted};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, SITES, Site};
use crate::spec::{Loaded, SpecErrors, has_heads, has_neurons, nearest};
use crate::table::{self, read};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use std::collections::HashMap;

/// A component and its effect; `None` where no row has a number.
pub type Effect = (Component, Option<f64>);

/// What is wrong, under the keys that it is about: `["by"]`, `["where", "layer"]`.
pub type RankingFault = (Vec<String>, String);

/// Whose rows are read.
#[derive(Debug, Clone, Copy)]
pub struct Of<'s> {
    /// The model's name.
    pub model: &'s str,
    /// The checkpoint, empty where the model has none; `None` for all of them.
    pub checkpoint: Option<&'s str>,
    /// Name of the template.
    pub template: &'s str,
    /// Label of the group; `None` for all of them together.
    pub group: Option<&'s str>,
}

/// The best of the components in their order: each with its rank, from 1, over all or within its layer, as long as `most` (of how
/// many there are in all, or in that layer) has not been reached.
pub fn top(effects: &[Effect], per_layer: bool, most: impl Fn(usize) -> usize) -> Vec<(usize, Effect)> {
    let group = |place: Component| place.layer().filter(|_| per_layer);
    let mut sizes: HashMap<Option<usize>, usize> = HashMap::new();
    effects.iter().for_each(|(place, _)| *sizes.entry(group(*place)).or_default() += 1);
    let mut ranks: HashMap<Option<usize>, usize> = HashMap::new();
    let mut best = Vec::new();
    for &(place, effect) in effects {
        let rank = ranks.entry(group(place)).or_default();
        *rank += 1;
        if *rank <= most(sizes[&group(place)]) {
            best.push((*rank, (place, effect)));
        }
    }
    best
}

/// A fault under one key.
pub fn fault(key: &str, problem: impl Into<String>) -> RankingFault {
    (vec![key.to_string()], problem.into())
}

/// Refuses a fault at its place in the spec: below `path`, where the ranking is written.
pub fn refused(path: &[&str], (keys, problem): RankingFault, loaded: &Loaded) -> SpecErrors {
    let path: Vec<&str> = path.iter().copied().chain(keys.iter().map(String::as_str)).collect();
    loaded.refuse(&path, problem, None)
}

/// Whether the rows have the columns that a ranking reads; shows without any rows.
///
/// # Errors
/// The first column that is missing, `by` where it is no number, and conditions that no row can meet.
pub fn check_columns(ranking: &Ranking, rows: &DataFrame) -> Result<(), RankingFault> {
    let from = ranking.from;
    let has = |name: &str| rows.column(name).is_ok();
    if !has("layer") || !has("head") && !has("neuron") {
        let problem = format!(
            "rows of '{from}' have no columns 'layer' and 'head' or 'neuron'; write the name of a step of patching"
        );
        return Err(fault("from", problem));
    }
    if let Some(missing) = ["model", "checkpoint"].into_iter().find(|name| !has(name)) {
        let problem = format!("rows of '{from}' have no column '{missing}'; write the name of a step that runs models");
        return Err(fault("from", problem));
    }
    if let Some(by) = ranking.by {
        check_order(by, from, rows)?;
    }
    if ranking.per_group && !has("operator") {
        let problem = format!("rows of '{from}' have no column 'operator'; write per_operator = false");
        return Err(fault("from", problem));
    }
    if let Some(measure) = ranking.measure.filter(|_| !has("measure")) {
        let problem = format!("rows of '{from}' have no column 'measure'; leave out measure = \"{measure}\"");
        return Err(fault("measure", problem));
    }
    filtered(ranking, &rows.clear()).map(drop)
}

fn check_order(by: &str, from: &str, rows: &DataFrame) -> Result<(), RankingFault> {
    match rows.column(by) {
        Ok(column) if column.dtype().is_primitive_numeric() => Ok(()),
        Ok(_) => Err(fault("by", format!("column '{by}' of '{from}' does not hold numbers; write 'mean'"))),
        Err(_) if by.contains(['+', '-', '*', '/', '(']) => {
            table::reckon(rows, by).map(drop).map_err(|problem| fault("by", problem.to_string()))
        }
        Err(_) => {
            let numbers = rows.columns().iter().filter(|column| column.dtype().is_primitive_numeric());
            let names: Vec<&str> = numbers.map(|column| column.name().as_str()).collect();
            let advice = match nearest(by, names.iter().copied()) {
                Some(near) => format!("write '{near}'"),
                None => format!("write one of {}", quoted(&names)),
            };
            Err(fault("by", format!("rows of '{from}' have no column '{by}'; {advice}")))
        }
    }
}

/// The rows with what they are ordered by as a column, where that is arithmetic of columns.
fn with_order(ranking: &Ranking, mut rows: DataFrame) -> Result<DataFrame, RankingFault> {
    let Some(by) = ranking.by.filter(|by| rows.column(by).is_err()) else { return Ok(rows) };
    let values = table::reckon(&rows, by).map_err(|problem| fault("by", problem.to_string()))?;
    rows.with_column(Column::new(by.into(), values)).map_err(|error| fault("by", error.to_string()))?;
    Ok(rows)
}

/// The rows that meet every condition.
fn filtered(ranking: &Ranking, rows: &DataFrame) -> Result<DataFrame, RankingFault> {
    ranking.filter.iter().try_fold(rows.clone(), |rows, (column, condition)| {
        let wrong = |problem: table::TableProblem| (vec!["where".to_string(), column.clone()], problem.to_string());
        table::meeting(&rows, column, condition).map_err(wrong)
    })
}

/// The components that the rows of a model, checkpoint, template and group name, the largest effect first (ties: by layer,
/// heads before MLPs, then unit; those without a number last). An effect is the mean of `by` over a component's rows; of a NaN
/// it is no number. With `facts`, components are the model's. Empty where there are rows but none meets the conditions, and where nothing was found.
///
/// # Errors
/// Rows that are not there, and rows of several measures or sites, whose mean would mean nothing.
pub fn rank(ranking: &Ranking, all: &DataFrame, of: Of, facts: Option<&Facts>) -> Result<Vec<Effect>, RankingFault> {
    check_columns(ranking, all)?;
    let own = of.rows(all).map_err(|error| fault("from", error.to_string()))?;
    let looked = |of: Of| of.rows(all).is_ok_and(|rows| rows.height() > 0);
    if own.height() == 0 && ranking.found && looked(Of { checkpoint: None, group: None, ..of }) {
        return Ok(Vec::new());
    }
    if own.height() == 0 {
        let group = of.group.map_or(String::new(), |group| format!(", operator '{group}'"));
        let at = of.checkpoint.filter(|checkpoint| !checkpoint.is_empty());
        let at = at.map_or(String::new(), |checkpoint| format!(" at {checkpoint}"));
        let problem = format!(
            "'{}' has no rows of model '{}{at}', template '{}'{group}; let that step run on the same model and prompts",
            ranking.from, of.model, of.template
        );
        return Err(fault("from", problem));
    }
    let kept = filtered(ranking, &own)?;
    if kept.height() == 0 {
        return Ok(Vec::new());
    }
    let kept = with_order(ranking, kept)?;
    let rows = RankingRows::read(&kept, ranking.by).map_err(|error| fault("from", error.to_string()))?;
    let mut sums: IndexMap<Component, (f64, usize)> = IndexMap::new();
    let mut sites: IndexMap<bool, Site> = IndexMap::new();
    for row in rows.of_one_measure(ranking)? {
        let Some((place, site)) = rows.place(row, facts)? else { continue };
        let heads = matches!(place.hook, Hook::Block(_, Site::Z));
        if let Some(site) = site
            && let Some(first) = sites.insert(heads, site).filter(|first| *first != site && ranking.by.is_some())
        {
            let problem = format!(
                "rows of '{}' have the same components at two sites, {} and {}; rank by a step with one of them",
                ranking.from,
                first.name(),
                site.name()
            );
            return Err(fault("from", problem));
        }
        let (sum, n) = sums.entry(place).or_default();
        if let Some(effect) = rows.effect(row) {
            *sum += effect;
            *n += 1;
        }
    }
    if sums.is_empty() && !ranking.found {
        return Err(no_components(ranking.from, &rows));
    }
    let mean = |(place, (sum, n)): (Component, (f64, usize))| {
        (place, (n > 0).then(|| sum / n as f64).filter(|mean| !mean.is_nan()))
    };
    let mut effects: Vec<Effect> = sums.into_iter().map(mean).collect();
    effects.sort_by(|(place, effect), (other, other_effect)| {
        let larger_first = match (effect, other_effect) {
            (Some(one), Some(other)) => other.total_cmp(one),
            (one, other) => other.is_some().cmp(&one.is_some()),
        };
        larger_first.then_with(|| order(*place).cmp(&order(*other)))
    });
    Ok(effects)
}

/// What a reader of a ranking should know: what an effect is a mean over, and where there is none.
pub fn notes(ranking: &Ranking, all: &DataFrame) -> PolarsResult<Vec<String>> {
    const TOLD: [&str; 8] = ["model", "checkpoint", "template", "operator", "site", "layer", "head", "neuron"];
    // What is wrong with them has been refused.
    let kept = filtered(ranking, all).and_then(|rows| with_order(ranking, rows));
    let (Ok(mut rows), Some(by)) = (kept, ranking.by) else { return Ok(Vec::new()) };
    if let (Some(measure), Ok(measures)) = (ranking.measure, rows.column("measure")) {
        rows = rows.filter(&measures.str()?.equal(measure))?;
    }
    let told = TOLD.into_iter().filter(|name| rows.column(name).is_ok());
    let apart: Vec<&str> = told.filter(|name| *name != "operator" || ranking.per_group).collect();
    let mut notes = Vec::new();
    if let Some(over) = table::identity::averaged_over(&rows, &TOLD, &table::identity::places(&rows, &apart, by)?)? {
        notes.push(format!("'{by}' of components in '{}' is a mean over {over}", ranking.from));
    }
    let undefined = read::numbers(&rows, by)?.into_iter().flatten().filter(|value| value.is_nan()).count();
    if undefined > 0 {
        notes.push(format!(
            "'{by}' is NaN in {} of '{}': {} last",
            counted(undefined, "row"),
            ranking.from,
            agreeing(undefined, "its component comes", "their components come")
        ));
    }
    Ok(notes)
}

/// Rows that no component is to be had of.
fn no_components(from: &str, rows: &RankingRows) -> RankingFault {
    let sites: IndexSet<&str> = (0..rows.height).filter_map(|row| rows.text("site", row)).collect();
    let sites: Vec<&str> = sites.into_iter().collect();
    let of = if sites.is_empty() { String::new() } else { format!(" of {}", quoted(&sites)) };
    let problem = format!(
        "rows of '{from}'{of} are not about heads, MLPs or neurons; rank by a step with 'z[head]', 'mlp_post' or 'mlp_post[neuron]'"
    );
    fault("from", problem)
}

/// Layer, heads before MLPs, unit.
fn order(place: Component) -> (Hook, Option<usize>) {
    (place.hook, place.unit)
}

impl Of<'_> {
    /// Its rows; a column that is not there, and a null, say nothing against a row.
    pub fn rows(&self, rows: &DataFrame) -> PolarsResult<DataFrame> {
        let wanted = [
            ("model", Some(self.model)),
            ("checkpoint", self.checkpoint),
            ("template", Some(self.template)),
            ("operator", self.group),
        ];
        let mut mask = BooleanChunked::full("".into(), true, rows.height());
        for (column, value) in wanted {
            let (Ok(column), Some(value)) = (rows.column(column), value) else { continue };
            let column = column.cast(&DataType::String)?;
            let is = column.str()?.iter().map(|text| text.is_none_or(|text| text == value));
            mask = mask & BooleanChunked::from_iter_values("".into(), is);
        }
        rows.filter(&mask)
    }
}

/// The columns of a step's rows that a ranking reads.
struct RankingRows {
    height: usize,
    texts: IndexMap<&'static str, StringChunked>,
    numbers: IndexMap<&'static str, Vec<Option<usize>>>,
    effect: Vec<Option<f64>>,
}

impl RankingRows {
    fn read(rows: &DataFrame, by: Option<&str>) -> PolarsResult<Self> {
        let there = |name: &&str| rows.column(name).is_ok();
        let texts = ["measure", "site", "component"].into_iter().filter(there);
        let texts = texts.map(|name| Ok((name, read::text(rows, name)?))).collect::<PolarsResult<_>>()?;
        let numbers = ["layer", "head", "neuron"].into_iter().filter(there);
        let numbers = numbers.map(|name| Ok((name, read::indices(rows, name)?))).collect::<PolarsResult<_>>()?;
        let effect = by.map(|by| read::numbers(rows, by)).transpose()?.unwrap_or_default();
        Ok(Self { height: rows.height(), texts, numbers, effect })
    }

    /// `None` where there is no such column, or nothing in it.
    fn text(&self, column: &str, row: usize) -> Option<&str> {
        self.texts.get(column)?.get(row)
    }

    fn number(&self, column: &str, row: usize) -> Option<usize> {
        *self.numbers.get(column)?.get(row)?
    }

    fn effect(&self, row: usize) -> Option<f64> {
        self.effect.get(row).copied().flatten()
    }

    /// The rows of the wanted measure, which what is averaged must have.
    fn of_one_measure(&self, ranking: &Ranking) -> Result<Vec<usize>, RankingFault> {
        let rows = 0..self.height;
        let measures: IndexSet<&str> = rows.clone().filter_map(|row| self.text("measure", row)).collect();
        let measures: Vec<&str> = measures.into_iter().collect();
        Ok(match one_measure(ranking, &measures)? {
            Some(measure) => rows.filter(|&row| self.text("measure", row) == Some(measure)).collect(),
            None => rows.collect(),
        })
    }

    /// The component that a row is of, and the site its effect was taken at, where the rows say; `None` for what is neither
    /// a head, a neuron nor a whole MLP.
    fn place(&self, row: usize, facts: Option<&Facts>) -> Result<Option<(Component, Option<Site>)>, RankingFault> {
        let within = |number: usize, count: fn(&Facts) -> usize| facts.is_none_or(|facts| number < count(facts));
        let layer = self.number("layer", row).filter(|&layer| within(layer, |facts| facts.n_layers));
        let Some(layer) = layer else { return Ok(None) };
        let site = match self.text("site", row) {
            Some(text) => match SITES.iter().find(|(site, ..)| site.name() == text) {
                Some((site, ..)) => Some(*site),
                None => return Ok(None),
            },
            None => None,
        };
        let (head, neuron) = (self.number("head", row), self.number("neuron", row));
        let at = |site: Site, unit: Option<usize>| Component { hook: Hook::Block(layer, site), unit };
        let has_neurons_there = facts.is_none_or(|facts| facts.experts_of(layer).is_none());
        let place = match (head, neuron) {
            (Some(head), _) if site.is_none_or(has_heads) && within(head, |facts| facts.n_heads) => {
                at(Site::Z, Some(head))
            }
            (None, Some(neuron))
                if has_neurons_there && site.is_none_or(has_neurons) && within(neuron, |facts| facts.d_mlp) =>
            {
                at(Site::MlpPost, Some(neuron))
            }
            (None, None) => {
                let whole = match site {
                    Some(site) => matches!(site, Site::MlpPost | Site::MlpOut),
                    None => self.text("component", row).is_some_and(|name| name.ends_with("MLP")),
                };
                if !whole {
                    return Ok(None);
                }
                facts.map_or(at(Site::MlpPost, None), |facts| Component { hook: whole_mlp(layer, facts), unit: None })
            }
            _ => return Ok(None),
        };
        if let Some(site) = site.filter(|site| matches!(site, Site::K | Site::V | Site::RotK))
            && facts.is_some_and(|facts| facts.n_kv_heads < facts.n_heads)
        {
            let problem = format!(
                "heads at {} are key/value heads, each shared by several heads; rank by a step with attn.hook_z[head]",
                site.name()
            );
            return Err(fault("from", problem));
        }
        Ok(Some((place, site)))
    }
}

/// The measure whose rows count, of those that there are; none where all do.
///
/// # Errors
/// One that there is not, and several whose mean would mean nothing.
pub fn one_measure<'r>(ranking: &Ranking<'r>, measures: &[&str]) -> Result<Option<&'r str>, RankingFault> {
    let from = ranking.from;
    match (ranking.measure, measures) {
        (Some(measure), _) if !measures.contains(&measure) => {
            let problem = format!("'{from}' has no rows of measure '{measure}'; write one of {}", quoted(measures));
            Err(fault("measure", problem))
        }
        (None, [first, _, ..]) if ranking.by.is_some() => {
            let problem = format!(
                "'{from}' has rows of several measures, {}; write measure = \"{first}\" beside 'from'",
                quoted(measures)
            );
            Err(fault("from", problem))
        }
        (measure, _) => Ok(measure),
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
