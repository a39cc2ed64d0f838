//! Step `attention-patterns`: how much each position attends to each, per head (paper figure 14).

use super::attention_heads::{MEASURE, batch, heads, pattern_bytes};
use super::attention_toward;
use super::model_run::{self, ModelRun, TemplateBatch, TemplateRun};
use super::moments::RunningMoments;
use super::places::{self, Component};
use super::summary::{MOST_ROWS, MeasuredValues, ValueColumns, number};
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{ReadCost, Survey, Workload};
use crate::intervene::{Activations, HookPositions, Positions};
use crate::model::facts::Facts;
use crate::prompt::PromptColumns;
use crate::spec::step;
use crate::step::kind::Kind;
use crate::table::{Frames, Holds, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

impl Kind for step::AttentionPatterns {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        match self.toward.is_empty() {
            true => model_run::each_template(self, context, |run| look(self, run)),
            false => model_run::each_cell(self, context, |run| attention_toward::look(self, run)),
        }
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        if !self.toward.is_empty() {
            return attention_toward::rows(self);
        }
        let each = RowsInfo::of::<(EdgeColumns, (PromptColumns, ValueColumns))>("prompts").without("measure");
        let means = RowsInfo::of::<(EdgeColumns, MomentColumns)>("");
        [Some(means), self.per_prompt.then_some(each)].into_iter().flatten().collect()
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let heads = heads(self, Scope::planned(facts), context)?;
        let layers = heads.iter().map(|head| head.hook).collect::<IndexSet<_>>().len();
        survey
            .reading(|cell| {
                let length = cell.positions.length;
                let numbers = match (self.toward.len(), self.per_prompt) {
                    (0, false) => 0,
                    (0, true) => heads.len() * length * (length + 1) / 2,
                    (relations, _) => heads.len() * relations,
                };
                let kept = numbers * size_of::<f64>();
                Ok(ReadCost { logits: 0, bytes: kept, passing: pattern_bytes(facts, layers, length) })
            })
            .map(Some)
    }
}

/// From a query to a key: their positions.
type Edge = (usize, usize);

/// The weights of each head's edges, by group: of prompts of several shapes those of edges between positions of the same names.
#[derive(Default)]
struct EdgeMoments {
    /// Head and names of the positions, with their indices; no index where it differs between shapes.
    edges: IndexMap<(Component, [String; 2]), [Option<usize>; 2]>,
    /// `[edge, group]`
    moments: Vec<RunningMoments>,
    groups: usize,
}

impl EdgeMoments {
    /// The number of an edge of a head.
    fn number(&mut self, head: Component, edge: [(usize, &str); 2]) -> usize {
        let (names, indices) = (edge.map(|(_, name)| name.to_string()), edge.map(|(index, _)| Some(index)));
        let entry = self.edges.entry((head, names));
        let number = entry.index();
        let known = entry.or_insert(indices);
        known.iter_mut().zip(indices).filter(|(known, index)| **known != *index).for_each(|(known, _)| *known = None);
        self.moments.resize(self.edges.len() * self.groups, RunningMoments::default());
        number
    }
}

/// The patterns of one template's prompts.
fn look(step: &step::AttentionPatterns, run: TemplateRun) -> Result<(), Error> {
    let TemplateRun { shapes, subject, context, outcome } = run;
    let Some(template) = shapes.first().map(|cell| cell.template.as_str()) else { return Ok(()) };
    let facts = subject.model.facts();
    let heads = heads(step, Scope::of(subject, template), context)?;
    let pairs = |cell: &TemplateBatch| cell.positions.length * (cell.positions.length + 1) / 2;
    let rows: usize = shapes.iter().map(|cell| heads.len() * pairs(cell) * cell.prompts.len()).sum();
    if step.per_prompt && rows > MOST_ROWS {
        let problem = format!(
            "per_prompt = true would make {rows} rows ({} heads, {} pairs of positions, {} prompts), and at most {MOST_ROWS} are kept; \
             write fewer heads, fewer prompts, or per_prompt = false",
            heads.len(),
            shapes.iter().map(pairs).max().unwrap_or_default(),
            shapes.iter().map(|cell| cell.prompts.len()).sum::<usize>()
        );
        return Err(context.loaded.refuse(&["step", &step.name, "per_prompt"], problem, None).into());
    }
    let all = shapes.iter().flat_map(|cell| &cell.prompts);
    let groups: IndexSet<&str> = all.map(|prompt| prompt.group.label()).collect();
    let mut seen = EdgeMoments { groups: groups.len(), ..EdgeMoments::default() };
    for cell in shapes {
        let rows = look_at(step, (&heads, &groups), &mut seen, cell, subject, context)?;
        if let Some(rows) = rows {
            outcome.add_labelled(&format!("{}.prompts", step.name), subject.labels(), template, rows)?;
        }
    }
    let EdgeMoments { edges, moments, .. } = seen;
    // An edge that later shapes have alone stands with those of its head.
    let of_head = |(head, _): &(Component, [String; 2])| heads.iter().position(|other| other == head);
    let mut order: Vec<usize> = (0..edges.len()).collect();
    order.sort_by_key(|&number| edges.get_index(number).and_then(|(edge, _)| of_head(edge)));
    let edge = |&number: &usize| {
        let ((head, [query, key]), [query_index, key_index]) = edges.get_index(number)?;
        Some((*head, [(*query_index, query.as_str()), (*key_index, key.as_str())], facts))
    };
    let keys = EdgeColumns::frame(order.iter().filter_map(edge))?;
    let of_key: Vec<u32> = (0..moments.len()).map(|row| (row / groups.len().max(1)) as u32).collect();
    let of_edges = order.iter().flat_map(|number| &moments[number * groups.len()..][..groups.len()]);
    let means = groups.iter().copied().cycle().zip(of_edges);
    let rows = keys.take(&UInt32Chunked::from_vec("".into(), of_key))?.hstack(&MomentColumns::columns("", means))?;
    outcome.add_labelled(&step.name, subject.labels(), template, rows)?;
    Ok(())
}

/// Adds the patterns of the prompts of one shape; the rows of each prompt where they are wanted.
fn look_at(
    step: &step::AttentionPatterns,
    (heads, groups): (&[Component], &IndexSet<&str>),
    seen: &mut EdgeMoments,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
) -> Result<Option<DataFrame>, Error> {
    let (facts, length, prompts) = (subject.model.facts(), cell.positions.length, cell.prompts.len());
    let edges: Vec<Edge> = (0..length).flat_map(|query| (0..=query).map(move |key| (query, key))).collect();
    let names: Vec<String> = (0..length).map(|index| places::label(&cell.positions, index)).collect();
    let name = |&(query, key): &Edge| [(query, names[query].as_str()), (key, names[key].as_str())];
    let named: Vec<[(usize, &str); 2]> = edges.iter().map(name).collect();
    let each = || heads.iter().flat_map(|&head| named.iter().map(move |edge| (head, *edge)));
    let numbers: Vec<usize> = each().map(|(head, edge)| seen.number(head, edge)).collect();
    let mut data = vec![f64::NAN; if step.per_prompt { numbers.len() * prompts } else { 0 }];
    let wanted: HookPositions = heads.iter().map(|head| (head.hook, Positions::All)).collect();
    let tokens = model_run::tokens(&cell.prompts)?;
    let label = subject.task_label(&step.name, &cell.template);
    let task = context.progress.begin(&label, prompts as u64, "prompts");
    let at_once = batch(facts, &wanted, length, context).min(context.batch(&subject.model));
    replays::captured(subject, (&label, &tokens), &wanted, at_once, (context, &task), |part, activations| {
        for (row, prompt) in part.enumerate() {
            let group = groups.get_index_of(cell.prompts[prompt].group.label()).unwrap_or_default();
            for (key, value) in weights(&activations, row, heads, &edges).enumerate() {
                seen.moments[numbers[key] * groups.len() + group].add(value);
                if step.per_prompt {
                    data[key * prompts + prompt] = value;
                }
            }
        }
        Ok(())
    })?;
    if !step.per_prompt {
        return Ok(None);
    }
    let keys = each().map(|(head, edge)| (head, edge.map(|(index, name)| (Some(index), name)), facts));
    let keys = EdgeColumns::frame(keys)?;
    let values =
        MeasuredValues { keys: &keys, measures: &MEASURE, prompts: &cell.prompts, data: &data, baseline: None };
    Ok(Some(values.each()?.drop("measure")?))
}

/// What a row's heads give to each edge, `[head, edge]`.
fn weights<'a>(
    activations: &'a Activations,
    row: usize,
    heads: &'a [Component],
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

rows! {
    /// What names an edge of a head: the positions of its query and key, each with its name.
    EdgeColumns<'r>((head, [(query, query_name), (key, key_name)], facts): (Component, [(Option<usize>, &'r str); 2], &'r Facts)) {
        layer: Option<i64> = head.layer();
        head: Option<i64> = head.unit;
        component: String = head.component(facts);
        query_index: Option<i64> = *query, "Its index; null where it differs between prompts.";
        query: String = query_name, "Name of the position that attends.";
        key_index: Option<i64> = *key, "Its index; null where it differs between prompts.";
        key: String = key_name, "Name of the position that is attended to.";
    }

    /// The weights of a group's prompts.
    MomentColumns<'r>((group, moments): (&'r str, &'r RunningMoments)) {
        operator: String = group;
        n: i64 = moments.n;
        mean: Option<f64> = number(moments.mean);
        std: Option<f64> = moments.std().and_then(number);
    }
}
