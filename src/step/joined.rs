//! A template's prompts of several shapes: each shape is run as a batch of its own, and what was measured of all of them is joined along
//! the prompts before means and intervals are taken, so that rows are of the template.

use super::Outcome;
use super::inference::{ControlValues, Inference};
use super::labels::RunLabels;
use super::shapes::{OpenTemplate, ShapeValues};
use super::summary::MeasuredValues;
use crate::prompt::{DroppedColumns, Prompt, PromptSet};
use crate::table::Holds;
use indexmap::IndexMap;
use polars::prelude::*;
use std::collections::HashMap;

/// Columns that may differ between the prompts of one key.
const OF_A_SHAPE: [&str; 1] = ["position_index"];

/// A key of the joined rows: its row in the keys of each shape that has it.
struct JoinedKey {
    rows: Vec<Option<usize>>,
}

/// Adds the rows of all shapes of a template together.
///
/// # Errors
/// None of its own.
pub(super) fn close(
    mut open: OpenTemplate,
    outcome: &mut Outcome,
    set: &PromptSet,
    (model, labels, template): (&str, RunLabels, &str),
) -> PolarsResult<()> {
    outcome.notes.extend(open.unpaired.note(model, template));
    for (name, dropped) in open.take_dropped() {
        outcome.add_rows(&name, labels, DroppedColumns::frame(&dropped)?)?;
    }
    let order: HashMap<(Option<u64>, u64), usize> =
        set.prompts.iter().enumerate().map(|(place, prompt)| ((prompt.seed, prompt.id), place)).collect();
    for (name, shapes) in open.values {
        let rows = means(&shapes, &order, labels.model, outcome)?;
        outcome.add_labelled(&name, labels, template, rows)?;
    }
    Ok(())
}

/// The means of each key over the prompts of the shapes that have it.
fn means(
    shapes: &[ShapeValues],
    order: &HashMap<(Option<u64>, u64), usize>,
    model: &str,
    outcome: &mut Outcome,
) -> PolarsResult<DataFrame> {
    let joined = joined(shapes)?;
    let keys = key_columns(shapes, &joined)?;
    // Keys that the same shapes have are of the same prompts, and are averaged together.
    let mut alike: IndexMap<Vec<bool>, Vec<usize>> = IndexMap::new();
    for (number, key) in joined.iter().enumerate() {
        alike.entry(key.rows.iter().map(Option::is_some).collect()).or_default().push(number);
    }
    let mut all: Option<DataFrame> = None;
    let mut order_of_rows: Vec<usize> = Vec::new();
    for (there, members) in &alike {
        let part = OfShapes::new(shapes, there, &joined, members, order);
        let indices: Vec<u32> = members.iter().map(|&number| number as u32).collect();
        let own_keys = keys.take(&UInt32Chunked::from_vec("".into(), indices))?;
        let prompts: Vec<&Prompt> = part.prompts.iter().map(|(_, _, prompt)| *prompt).collect();
        let values = MeasuredValues {
            keys: &own_keys,
            measures: part.measures,
            prompts: &prompts,
            data: &part.data,
            baseline: part.baseline.as_deref(),
        };
        let inference = Inference { controls: part.controls.as_ref(), ..part.inference };
        for note in values.notes(model, &inference) {
            if !outcome.notes.contains(&note) {
                outcome.notes.push(note);
            }
        }
        let rows = values.means(inference)?;
        let of_a_key = rows.height() / members.len().max(1);
        order_of_rows.extend(members.iter().flat_map(|&number| std::iter::repeat_n(number, of_a_key)));
        match &mut all {
            Some(all) => {
                all.vstack_mut(&rows)?;
            }
            None => all = Some(rows),
        }
    }
    let mut all = all.unwrap_or_default();
    if let Some(shape) = shapes.first().filter(|_| alike.len() > 1) {
        shape.inference.correct(&mut all)?;
    }
    let mut sorted: Vec<u32> = (0..order_of_rows.len() as u32).collect();
    sorted.sort_by_key(|&row| order_of_rows[row as usize]);
    all.take(&UInt32Chunked::from_vec("".into(), sorted))
}

/// The values of some keys on the prompts of the shapes that have them, the prompts in the order of their set.
struct OfShapes<'s> {
    measures: &'s [&'static str],
    /// Each with its shape and its number there.
    prompts: Vec<(usize, usize, &'s Prompt)>,
    data: Vec<f64>,
    baseline: Option<Vec<f64>>,
    inference: Inference<'static>,
    controls: Option<ControlValues>,
}

impl<'s> OfShapes<'s> {
    fn new(
        shapes: &'s [ShapeValues],
        there: &[bool],
        joined: &[JoinedKey],
        members: &[usize],
        order: &HashMap<(Option<u64>, u64), usize>,
    ) -> Self {
        let of_shape = |(number, shape): (usize, &'s ShapeValues)| {
            shape.prompts.iter().enumerate().map(move |(place, prompt)| (number, place, prompt))
        };
        let with = shapes.iter().enumerate().filter(|(number, _)| there[*number]);
        let mut prompts: Vec<(usize, usize, &Prompt)> = with.flat_map(of_shape).collect();
        prompts.sort_by_key(|(.., prompt)| order.get(&(prompt.seed, prompt.id)).copied().unwrap_or(usize::MAX));
        let first = there.iter().position(|there| *there).unwrap_or_default();
        let measures = shapes.get(first).map_or(&[][..], |shape| &shape.measures);
        let width = measures.len();
        // `[key, prompt, …]`, of as many numbers for each prompt.
        let of_prompts = |width: usize, data: &dyn Fn(&'s ShapeValues) -> &'s [f64]| {
            let mut joint = Vec::with_capacity(members.len() * prompts.len() * width);
            for &member in members {
                for &(shape, place, _) in &prompts {
                    let row = joined[member].rows[shape].unwrap_or_default();
                    let start = (row * shapes[shape].prompts.len() + place) * width;
                    joint.extend_from_slice(&data(&shapes[shape])[start..start + width]);
                }
            }
            joint
        };
        let data = of_prompts(width, &|shape| &shape.data);
        let controls = shapes.get(first).and_then(|shape| shape.controls.as_ref()).map(|controls| ControlValues {
            data: of_prompts(width * controls.draws, &|shape| {
                shape.controls.as_ref().map_or(&[][..], |controls| &controls.data)
            }),
            ..*controls
        });
        let of_prompt = |&(shape, place, _): &(usize, usize, &Prompt)| {
            let baseline = shapes[shape].baseline.as_deref()?;
            baseline.get(place * width..(place + 1) * width).map(<[f64]>::to_vec)
        };
        let baseline: Option<Vec<Vec<f64>>> = prompts.iter().map(of_prompt).collect();
        let inference = shapes.get(first).map(|shape| shape.inference).unwrap_or_default();
        Self { measures, prompts, data, baseline: baseline.map(|each| each.concat()), inference, controls }
    }
}

/// The keys of all shapes, each once. A key that only some have comes after the one that it follows there.
fn joined(shapes: &[ShapeValues]) -> PolarsResult<Vec<JoinedKey>> {
    let mut numbers: HashMap<(String, usize), usize> = HashMap::new();
    let mut all: Vec<JoinedKey> = Vec::new();
    // Which key follows which: the first slot is for the one that follows none.
    let mut next: Vec<Option<usize>> = vec![None];
    for (shape, values) in shapes.iter().enumerate() {
        let mut before = 0;
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (row, name) in names(&values.keys)?.into_iter().enumerate() {
            let times = seen.entry(name.clone()).or_default();
            *times += 1;
            let number = *numbers.entry((name, *times)).or_insert_with(|| {
                all.push(JoinedKey { rows: vec![None; shapes.len()] });
                let number = all.len() - 1;
                next.push(next[before]);
                next[before] = Some(number);
                number
            });
            all[number].rows[shape] = Some(row);
            before = number + 1;
        }
    }
    let mut keys: Vec<Option<JoinedKey>> = all.into_iter().map(Some).collect();
    let mut in_order = Vec::with_capacity(keys.len());
    let mut at = next[0];
    while let Some(number) = at {
        in_order.extend(keys[number].take());
        at = next[number + 1];
    }
    Ok(in_order)
}

/// What tells the keys apart, as texts.
fn names(keys: &DataFrame) -> PolarsResult<Vec<String>> {
    let told = keys.columns().iter().filter(|column| !OF_A_SHAPE.contains(&column.name().as_str()));
    let mut names = vec![String::new(); keys.height()];
    for column in told {
        let texts = column.cast(&DataType::String)?;
        for (name, text) in names.iter_mut().zip(texts.str()?.iter()) {
            name.push_str(text.unwrap_or("\u{0}"));
            name.push('\u{1f}');
        }
    }
    Ok(names)
}

/// The columns of the joined keys; an index that differs between shapes is none.
fn key_columns(shapes: &[ShapeValues], joined: &[JoinedKey]) -> PolarsResult<DataFrame> {
    let mut starts = Vec::with_capacity(shapes.len());
    let mut stacked: Option<DataFrame> = None;
    for shape in shapes {
        starts.push(stacked.as_ref().map_or(0, DataFrame::height));
        match &mut stacked {
            Some(stacked) => {
                stacked.vstack_mut(&shape.keys)?;
            }
            None => stacked = Some(shape.keys.clone()),
        }
    }
    let stacked = stacked.unwrap_or_default();
    let rows = |key: &JoinedKey| -> Vec<usize> {
        let of = |(shape, row): (usize, &Option<usize>)| Some(starts[shape] + (*row)?);
        key.rows.iter().enumerate().filter_map(of).collect()
    };
    let firsts: Vec<u32> = joined.iter().filter_map(|key| rows(key).first().map(|&row| row as u32)).collect();
    let mut keys = stacked.take(&UInt32Chunked::from_vec("".into(), firsts))?;
    for name in OF_A_SHAPE.into_iter().filter(|name| stacked.column(name).is_ok()) {
        let indices = stacked.column(name)?.i64()?.clone();
        let same = |key: &JoinedKey| {
            let mut indices = rows(key).into_iter().map(|row| indices.get(row));
            let first = indices.next().flatten();
            first.filter(|_| indices.all(|other| other == first))
        };
        keys.with_column(Column::new(name.into(), joined.iter().map(same).collect::<Vec<Option<i64>>>()))?;
    }
    Ok(keys)
}
