//! Components in the order of an effect, from the rows of an earlier step.

use crate::model::facts::Facts;
use crate::model::hook::{Hook, SITES, Site};
use crate::prompt::Operator;
use crate::spec::step::Ranked;
use crate::spec::{SpecErrors, has_heads, has_neurons, nearest};
use crate::step::places::Place;
use crate::step::{Cell, Context, Subject};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// A component and its effect; `None` where no row has a number.
pub type Effect = (Place, Option<f64>);

/// A key under `ranked` and what is wrong with it.
pub type Fault = (&'static str, String);

/// Refuses a fault at its place in the spec.
pub fn refused(step: &str, (key, problem): Fault, loaded: &crate::spec::Loaded) -> SpecErrors {
    loaded.refuse(&["step", step, "ranked", key], problem, None)
}

/// Whether the rows have the columns that a ranking reads; shows without any rows.
///
/// # Errors
/// The first column that is missing, or `by` where it is no number.
pub fn check_columns(ranked: &Ranked, rows: &DataFrame) -> Result<(), Fault> {
    let from = &ranked.from;
    let has = |name: &str| rows.column(name).is_ok();
    if !has("layer") || !has("head") && !has("neuron") {
        let problem =
            format!("rows of '{from}' have no columns 'layer' and 'head' or 'neuron'; write a step of patching");
        return Err(("from", problem));
    }
    if let Some(missing) = ["model", "checkpoint"].into_iter().find(|name| !has(name)) {
        return Err(("from", format!("rows of '{from}' have no column '{missing}'; write a step that runs models")));
    }
    match rows.column(&ranked.by) {
        Ok(column) if column.dtype().is_primitive_numeric() => {}
        Ok(_) => return Err(("by", format!("column '{}' of '{from}' holds no numbers; write 'mean'", ranked.by))),
        Err(_) => {
            let numbers = rows.columns().iter().filter(|column| column.dtype().is_primitive_numeric());
            let names: Vec<&str> = numbers.map(|column| column.name().as_str()).collect();
            let advice = match nearest(&ranked.by, names.iter().copied()) {
                Some(near) => format!("write '{near}'"),
                None => format!("there are {}", quoted(&names)),
            };
            return Err(("by", format!("rows of '{from}' have no column '{}'; {advice}", ranked.by)));
        }
    }
    if ranked.per_operator && !has("operator") {
        return Err(("from", format!("rows of '{from}' have no column 'operator'; write per_operator = false")));
    }
    if let Some(measure) = ranked.measure.as_ref().filter(|_| !has("measure")) {
        return Err((
            "measure",
            format!("rows of '{from}' have no column 'measure'; leave out measure = \"{measure}\""),
        ));
    }
    Ok(())
}

/// The components of a step's rows, the largest effect first (ties: by layer, heads before MLPs, then unit; those without a
/// number last): the mean of `by` over the rows of this model, checkpoint and template and, where given, operator.
///
/// # Errors
/// Rows that are not there, and rows of several measures or sites, whose mean would mean nothing.
pub fn rank(
    ranked: &Ranked,
    operator: Option<&'static Operator>,
    cell: &Cell,
    subject: &Subject,
    context: &Context,
) -> Result<Vec<Effect>, Fault> {
    let rows = context.frames.get(&ranked.from).map_err(|problem| ("from", problem))?;
    check_columns(ranked, rows)?;
    let rows = Rows::read(rows, &ranked.by).map_err(|error| ("from", error.to_string()))?;
    let labels = subject.labels();
    let mut wanted = vec![("model", labels.model), ("checkpoint", labels.checkpoint), ("template", &cell.template)];
    wanted.extend(operator.map(|operator| ("operator", operator.symbol)));
    let chosen: Vec<usize> = (0..rows.effect.len())
        .filter(|&row| wanted.iter().all(|(column, value)| rows.text(column, row).is_none_or(|text| text == *value)))
        .collect();
    if chosen.is_empty() {
        let of = operator.map_or(String::new(), |operator| format!(", operator '{}'", operator.symbol));
        let problem = format!(
            "'{}' has no rows of model '{}', template '{}'{of}; let that step run on the same",
            ranked.from, subject.name, cell.template
        );
        return Err(("from", problem));
    }
    let chosen = rows.of_one_measure(ranked, chosen)?;
    let mut sums: IndexMap<Place, (f64, usize)> = IndexMap::new();
    let mut sites: IndexMap<bool, Site> = IndexMap::new();
    for row in chosen {
        let Some((place, site)) = rows.place(row, subject.model.facts())? else { continue };
        let heads = matches!(place.hook, Hook::Block(_, Site::Z));
        if let Some(site) = site
            && let Some(first) = sites.insert(heads, site).filter(|first| *first != site)
        {
            let problem = format!(
                "rows of '{}' are of the same components at {} and {}; rank by a step with one of these sites",
                ranked.from,
                first.name(),
                site.name()
            );
            return Err(("from", problem));
        }
        let (sum, n) = sums.entry(place).or_default();
        if let Some(effect) = rows.effect[row].filter(|effect| effect.is_finite()) {
            *sum += effect;
            *n += 1;
        }
    }
    let mean = |(place, (sum, n)): (Place, (f64, usize))| (place, (n > 0).then(|| sum / n as f64));
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

/// Layer, heads before MLPs, unit.
fn order(place: Place) -> (Hook, Option<usize>) {
    (place.hook, place.unit)
}

/// The columns of a step's rows that a ranking reads.
struct Rows {
    texts: IndexMap<&'static str, StringChunked>,
    numbers: IndexMap<&'static str, Vec<Option<usize>>>,
    effect: Vec<Option<f64>>,
}

impl Rows {
    fn read(rows: &DataFrame, by: &str) -> PolarsResult<Self> {
        let mut texts = IndexMap::new();
        for name in ["model", "checkpoint", "template", "operator", "measure", "site", "component"] {
            if let Ok(column) = rows.column(name) {
                texts.insert(name, column.cast(&DataType::String)?.str()?.clone());
            }
        }
        let mut numbers = IndexMap::new();
        for name in ["layer", "head", "neuron"] {
            if let Ok(column) = rows.column(name) {
                let column = column.cast(&DataType::UInt32)?;
                numbers.insert(name, column.u32()?.iter().map(|number| number.map(|n| n as usize)).collect());
            }
        }
        let effect = rows.column(by)?.cast(&DataType::Float64)?.f64()?.iter().collect();
        Ok(Self { texts, numbers, effect })
    }

    /// `None` where there is no such column, or nothing in it.
    fn text(&self, column: &str, row: usize) -> Option<&str> {
        self.texts.get(column)?.get(row)
    }

    fn number(&self, column: &str, row: usize) -> Option<usize> {
        *self.numbers.get(column)?.get(row)?
    }

    fn of_one_measure(&self, ranked: &Ranked, mut rows: Vec<usize>) -> Result<Vec<usize>, Fault> {
        let measures: IndexSet<String> =
            rows.iter().filter_map(|&row| self.text("measure", row).map(str::to_string)).collect();
        let names: Vec<&str> = measures.iter().map(String::as_str).collect();
        match &ranked.measure {
            Some(measure) if !measures.contains(measure) => Err((
                "measure",
                format!("'{}' has no rows of measure '{measure}'; there are {}", ranked.from, quoted(&names)),
            )),
            Some(measure) => {
                rows.retain(|&row| self.text("measure", row) == Some(measure));
                Ok(rows)
            }
            None => match names.as_slice() {
                [] | [_] => Ok(rows),
                [first, ..] => {
                    let problem = format!(
                        "'{}' has rows of {}; write measure = \"{first}\" in ranked",
                        ranked.from,
                        quoted(&names)
                    );
                    Err(("from", problem))
                }
            },
        }
    }

    /// The component that a row is of, and the site its effect was taken at, where the rows say; `None` for what is neither
    /// a head, a neuron nor a whole MLP.
    fn place(&self, row: usize, facts: &Facts) -> Result<Option<(Place, Option<Site>)>, Fault> {
        let Some(layer) = self.number("layer", row).filter(|&layer| layer < facts.n_layers) else { return Ok(None) };
        let site = match self.text("site", row) {
            Some(text) => match SITES.iter().find(|(site, ..)| site.name() == text) {
                Some((site, ..)) => Some(*site),
                None => return Ok(None),
            },
            None => None,
        };
        let (head, neuron) = (self.number("head", row), self.number("neuron", row));
        let at = |site: Site, unit: Option<usize>| Place { hook: Hook::Block(layer, site), unit };
        let place = match (head, neuron) {
            (Some(head), _) if site.is_none_or(has_heads) && head < facts.n_heads => at(Site::Z, Some(head)),
            (None, Some(neuron)) if site.is_none_or(has_neurons) && neuron < facts.d_mlp => {
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
                at(Site::MlpPost, None)
            }
            _ => return Ok(None),
        };
        if let Some(site) = site.filter(|site| matches!(site, Site::K | Site::V | Site::RotK))
            && facts.n_kv_heads < facts.n_heads
        {
            let problem = format!(
                "heads at {} are key/value heads, each of several heads; rank by a step with attn.hook_z[head]",
                site.name()
            );
            return Err(("from", problem));
        }
        Ok(Some((place, site)))
    }
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ")
}
