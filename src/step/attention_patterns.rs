//! Step `attention-patterns`: how much each position attends to each, per head (paper figure 14).

use super::labels::Labels;
use super::model_run::{self, ModelRun, TemplateBatch};
use super::places::{self, Place};
use super::summary::{MOST_ROWS, Values};
use super::{Outcome, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Read, Survey, Workload};
use crate::intervene::{Activations, HookPositions, Positions};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::spec::{ComponentKind, ComponentPattern, step};
use crate::step::kind::Kind;
use crate::table::Frames;
use indexmap::IndexSet;
use polars::prelude::*;

impl Kind for step::AttentionPatterns {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            let refuse = |error| context.refuse_prompts(self.prompts.as_deref(), &subject.name, error);
            subject.cells().map_err(refuse)?.iter().try_for_each(|cell| look(self, cell, subject, context, outcome))
        })
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let mut outcome = Outcome::default();
        let labels = Labels { model: "", checkpoint: "" };
        let keys = keys(&[], &[], &[], None)?;
        outcome.add_labelled(&self.name, labels, "", mean_rows(&keys, &IndexSet::new(), &[])?)?;
        if self.per_prompt {
            let values = Values { keys: &keys, measures: &MEASURE, prompts: &[], data: &[], baseline: None };
            outcome.add_labelled(&format!("{}.prompts", self.name), labels, "", prompt_rows(&values)?)?;
        }
        Ok(outcome.frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let heads = heads(self, Scope::planned(facts), context)?;
        let layers = heads.iter().map(|head| head.hook).collect::<IndexSet<_>>().len();
        survey
            .reading(|cell| {
                let length = cell.positions.length;
                let kept = if self.per_prompt { heads.len() * length * (length + 1) / 2 * size_of::<f64>() } else { 0 };
                Ok(Read { logits: 0, bytes: kept, passing: pattern_bytes(facts, layers, length) })
            })
            .map(Some)
    }
}

/// From a query to a key: their positions.
type Edge = (usize, usize);

const MEASURE: [&str; 1] = ["attention"];

/// Mean and spread of some values, one at a time (Welford 1962): no sum of squares, whose rounding is larger than the spread.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    n: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.n += 1;
        let before = value - self.mean;
        self.mean += before / self.n as f64;
        self.squares += before * (value - self.mean);
    }

    /// Sample standard deviation (n − 1).
    fn std(&self) -> Option<f64> {
        (self.n > 1).then(|| (self.squares / (self.n - 1) as f64).sqrt())
    }
}

/// The patterns of one cell's prompts.
fn look(
    step: &step::AttentionPatterns,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let facts = subject.model.facts();
    let heads = heads(step, Scope::of(subject, &cell.template), context)?;
    let length = cell.positions.length;
    let edges: Vec<Edge> = (0..length).flat_map(|query| (0..=query).map(move |key| (query, key))).collect();
    let count = heads.len() * edges.len();
    let prompts = cell.prompts.len();
    if step.per_prompt && count * prompts > MOST_ROWS {
        let problem = format!(
            "{} rows: {} heads, {} pairs of positions, {prompts} prompts; at most {MOST_ROWS} are kept; write fewer heads, \
             fewer prompts, or per_prompt = false",
            count * prompts,
            heads.len(),
            edges.len()
        );
        return Err(context.loaded.refuse(&["step", &step.name, "per_prompt"], problem, None).into());
    }

    let operators: IndexSet<&'static str> = cell.prompts.iter().map(|prompt| prompt.operator.symbol).collect();
    let mut moments = vec![Moments::default(); count * operators.len()];
    let mut data = vec![f64::NAN; if step.per_prompt { count * prompts } else { 0 }];
    let wanted: HookPositions = heads.iter().map(|head| (head.hook, Positions::All)).collect();
    let tokens = model_run::tokens(&cell.prompts)?;
    let label = format!("{}: {}", step.name, subject.name);
    let task = context.progress.begin(&label, prompts as u64, "prompts");
    let at_once = batch(facts, &wanted, length, context).min(context.batch(&subject.model));
    replays::captured(subject, (&label, &tokens), &wanted, at_once, (context, &task), |part, activations| {
        for (row, prompt) in part.enumerate() {
            let operator = operators.get_index_of(cell.prompts[prompt].operator.symbol).unwrap_or_default();
            for (key, value) in weights(&activations, row, &heads, &edges).enumerate() {
                moments[key * operators.len() + operator].add(value);
                if step.per_prompt {
                    data[key * prompts + prompt] = value;
                }
            }
        }
        Ok(())
    })?;

    let names: Vec<String> = (0..length).map(|index| places::label(&cell.positions, index)).collect();
    let keys = keys(&heads, &edges, &names, Some(facts))?;
    let rows = mean_rows(&keys, &operators, &moments)?;
    outcome.add_labelled(&step.name, subject.labels(), &cell.template, rows)?;
    if step.per_prompt {
        let values = Values { keys: &keys, measures: &MEASURE, prompts: &cell.prompts, data: &data, baseline: None };
        let name = format!("{}.prompts", step.name);
        outcome.add_labelled(&name, subject.labels(), &cell.template, prompt_rows(&values)?)?;
    }
    Ok(())
}

/// The heads, at their patterns; other components are refused.
fn heads(step: &step::AttentionPatterns, target: Scope, context: &Context) -> Result<Vec<Place>, Error> {
    for (index, text) in step.heads.iter().enumerate() {
        let refuse = |problem: String| {
            Error::from(context.loaded.refuse(&["step", &step.name, "heads", &index.to_string()], problem, None))
        };
        let ComponentPattern { kind, .. } = ComponentPattern::parse(text).map_err(refuse)?;
        if !matches!(kind, ComponentKind::Heads(_)) {
            return Err(refuse(format!("'{text}' has no attention pattern; write heads: 'L2H2', 'L*H*'")));
        }
    }
    let heads = places::components(&step.name, "heads", &step.heads, target, context)?;
    let pattern = |place: Place| match place.hook {
        Hook::Block(layer, _) => Place { hook: Hook::Block(layer, Site::Pattern), unit: place.unit },
        _ => place,
    };
    Ok(places::distinct(heads.into_iter().map(pattern).collect()))
}

/// Prompts whose patterns are in memory together.
fn batch(facts: &Facts, wanted: &HookPositions, length: usize, context: &Context) -> usize {
    (replays::memory(context) / pattern_bytes(facts, wanted.len(), length).max(1)).max(1)
}

/// Bytes of one prompt's patterns in some layers.
fn pattern_bytes(facts: &Facts, layers: usize, length: usize) -> usize {
    layers * facts.n_heads * length * length * size_of::<f32>()
}

/// What a row's heads give to each edge, `[head, edge]`.
fn weights<'a>(
    activations: &'a Activations,
    row: usize,
    heads: &'a [Place],
    edges: &'a [Edge],
) -> impl Iterator<Item = f64> + 'a {
    heads.iter().flat_map(move |head| {
        let pattern = activations.get(&head.hook);
        edges.iter().map(move |&(query, key)| {
            let keys = pattern.and_then(|pattern| pattern.unit(row, query, head.unit?));
            keys.and_then(|keys| keys.get(key)).map_or(f64::NAN, |&weight| f64::from(weight))
        })
    })
}

/// The key columns, `[head, edge]`: `layer`, `head`, `component`, `query_index`, `query`, `key_index`, `key`.
fn keys(heads: &[Place], edges: &[Edge], names: &[String], facts: Option<&Facts>) -> PolarsResult<DataFrame> {
    let all: Vec<(Place, Edge)> = heads.iter().flat_map(|&head| edges.iter().map(move |&edge| (head, edge))).collect();
    let number = |of: fn(&(Place, Edge)) -> Option<usize>| -> Vec<Option<u32>> {
        all.iter().map(|key| of(key).map(|number| number as u32)).collect()
    };
    df!(
        "layer" => number(|(head, _)| head.layer()),
        "head" => number(|(head, _)| head.unit),
        "component" => all.iter().map(|(head, _)| facts.map(|facts| head.component(facts))).collect::<Vec<_>>(),
        "query_index" => number(|(_, (query, _))| Some(*query)),
        "query" => all.iter().map(|(_, (query, _))| names[*query].as_str()).collect::<Vec<_>>(),
        "key_index" => number(|(_, (_, key))| Some(*key)),
        "key" => all.iter().map(|(_, (_, key))| names[*key].as_str()).collect::<Vec<_>>(),
    )
}

/// One row per key and operator: the keys, `operator`, `n`, `mean`, `std`. `moments` is `[key, operator]`.
fn mean_rows(keys: &DataFrame, operators: &IndexSet<&str>, moments: &[Moments]) -> PolarsResult<DataFrame> {
    let of_key = |row: usize| (row / operators.len().max(1)) as u32;
    let indices: Vec<u32> = (0..moments.len()).map(of_key).collect();
    let operator = |row: usize| operators[row % operators.len()];
    let columns = df!(
        "operator" => (0..moments.len()).map(operator).collect::<Vec<_>>(),
        "n" => moments.iter().map(|moments| moments.n).collect::<Vec<_>>(),
        "mean" => moments.iter().map(|moments| moments.mean.is_finite().then_some(moments.mean)).collect::<Vec<_>>(),
        "std" => moments.iter().map(|moments| moments.std().filter(|std| std.is_finite())).collect::<Vec<_>>(),
    )?;
    keys.take(&UInt32Chunked::from_vec("".into(), indices))?.hstack(columns.columns())
}

/// One row per key and prompt: the keys, what names the prompt, `value`.
fn prompt_rows(values: &Values) -> PolarsResult<DataFrame> {
    values.each()?.drop("measure")
}
