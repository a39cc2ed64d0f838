//! Step `attention-patterns` with `toward`: how much each head attends to keys that are something to the query, as one number (Olsson et al.
//! 2022, arXiv 2209.11895).

use super::attention_heads::{MEASURE, batch, heads};
use super::model_run::{self, CellRun};
use super::places::Component;
use super::summary::MeasuredValues;
use super::{RowsInfo, Scope, replays};
use crate::Error;
use crate::intervene::{Activations, HookPositions, Positions};
use crate::model::facts::Facts;
use crate::spec::step::{self, KeyRelation};
use crate::table::{Holds, rows};

/// Resamples of the prompts for the interval of each mean.
const RESAMPLES: usize = 1000;

/// The queries of a prompt that have keys of a relation, each with these keys.
type RelatedKeys = Vec<(usize, Vec<usize>)>;

/// The rows that it makes.
pub(super) fn rows(step: &step::AttentionPatterns) -> Vec<RowsInfo> {
    MeasuredValues::declared::<TowardColumns>((MEASURE.to_vec(), &MEASURE), false, step.per_prompt)
}

/// The attention of the prompts of one template and shape.
pub(super) fn look(step: &step::AttentionPatterns, run: CellRun) -> Result<(), Error> {
    let CellRun { cell, subject, context, outcome } = run;
    let facts = subject.model.facts();
    let heads = heads(step, Scope::of(subject, &cell.template), context)?;
    let places: Vec<(Component, KeyRelation)> =
        heads.iter().flat_map(|&head| step.toward.iter().map(move |&relation| (head, relation))).collect();
    let wanted: HookPositions = heads.iter().map(|head| (head.hook, Positions::All)).collect();
    let tokens = model_run::tokens(&cell.prompts)?;
    let length = cell.positions.length;
    let prompts = cell.prompts.len();
    // `[head, relation, prompt]`
    let mut data = vec![f64::NAN; places.len() * prompts];
    let label = subject.task_label(&step.name, &cell.template);
    let task = context.progress.begin(&label, prompts as u64, "prompts");
    let at_once = batch(facts, &wanted, length, context).min(context.batch(&subject.model));
    replays::captured(subject, (&label, &tokens), &wanted, at_once, (context, &task), |part, activations| {
        for (row, prompt) in part.enumerate() {
            let text = &cell.prompts[prompt].tokens;
            let related: Vec<RelatedKeys> = step.toward.iter().map(|&relation| keys(relation, text)).collect();
            let numbered = places.iter().enumerate();
            for (place, (head, _)) in numbered {
                data[place * prompts + prompt] =
                    attention(&activations, row, *head, &related[place % step.toward.len()]);
            }
        }
        Ok(())
    })?;
    let keys = TowardColumns::frame(places.iter().map(|&(head, relation)| (head, relation, facts)))?;
    let values =
        MeasuredValues { keys: &keys, measures: &MEASURE, prompts: &cell.prompts, data: &data, baseline: None };
    outcome.add_values(&step.name, subject.labels(), &cell.template, &values, RESAMPLES, step.per_prompt)?;
    Ok(())
}

/// The queries that have keys of a relation.
fn keys(relation: KeyRelation, tokens: &[u32]) -> RelatedKeys {
    let of = |query: usize| (0..query).filter(|&key| relation.holds(tokens, query, key)).collect();
    (0..tokens.len()).map(|query| (query, of(query))).filter(|(_, keys): &(_, Vec<usize>)| !keys.is_empty()).collect()
}

/// Mean over queries of the sum of a head's weights on their keys; no number where there is no such query.
fn attention(activations: &Activations, row: usize, head: Component, related: &RelatedKeys) -> f64 {
    let pattern = activations.get(&head.hook);
    let of_query = |(query, keys): &(usize, Vec<usize>)| {
        let weights = pattern.zip(head.unit).and_then(|(pattern, unit)| pattern.unit(row, *query, unit));
        let weight =
            |&key: &usize| weights.and_then(|weights| weights.get(key)).map_or(f64::NAN, |&one| f64::from(one));
        keys.iter().map(weight).sum::<f64>()
    };
    related.iter().map(of_query).sum::<f64>() / related.len() as f64
}

rows! {
    /// What names a head and the keys that its attention is added up over.
    TowardColumns<'r>((head, relation, facts): (Component, KeyRelation, &'r Facts)) {
        layer: Option<i64> = head.layer();
        head: Option<i64> = head.unit;
        component: String = head.component(facts);
        toward: String = relation.name(), "Which keys: what their tokens are to the query's.", in KeyRelation::NAMES;
    }
}
