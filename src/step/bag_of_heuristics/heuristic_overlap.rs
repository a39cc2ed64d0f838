//! Step `heuristic-overlap`: how many of the last checkpoint's pairs of a heuristic and a neuron are there at each checkpoint (paper
//! §5, figure 10a).

use crate::Error;
use crate::context::Context;
use crate::measure::wilson;
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::HeuristicOverlap;
use crate::step::kind::Kind;
use crate::step::labels::{RunLabels, number_in};
use crate::step::{Outcome, RowsInfo};
use crate::table::{Frames, Holds, read, rows};
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// A neuron: layer and number in it.
type LayerNeuron = (usize, usize);

/// The neurons of one checkpoint and group, each with the heuristics it matches; those without any too.
type NeuronHeuristics = IndexMap<LayerNeuron, IndexSet<String>>;

/// What the step of heuristics found: by model, template and group; then by checkpoint, in the order of the rows.
type GroupHeuristics = IndexMap<[String; 3], IndexMap<String, NeuronHeuristics>>;

impl Kind for HeuristicOverlap {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let refuse = |problem: String| Error::from(context.loaded.refuse(&["step", &self.name, "from"], problem, None));
        let frame = |name: &str| context.frames.get(name).map_err(refuse);
        let all = found(frame(&format!("{}.neurons", self.from))?, frame(&self.from)?)?;
        let mut outcome = Outcome::default();
        for ([model, template, group], checkpoints) in &all {
            let Some(last) = last(checkpoints) else { continue };
            for (checkpoint, found) in checkpoints {
                let labels = RunLabels { model, checkpoint };
                let (pairs, neurons) = compare(group, found, last)?;
                outcome.add_labelled(&self.name, labels, template, pairs)?;
                outcome.add_labelled(&format!("{}.neurons", self.name), labels, template, neurons)?;
            }
            if checkpoints.len() == 1 {
                let note = format!("{model}: there is one checkpoint, which is compared with itself");
                outcome.notes.extend(Some(note).filter(|note| !outcome.notes.contains(note)));
            }
        }
        if outcome.frames.is_empty() {
            return Err(refuse(format!("'{}' has no rows", self.from)));
        }
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        vec![RowsInfo::of::<PairCountColumns>(""), RowsInfo::of::<KeptColumns>("neurons")]
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::knockout::check(&self.name, &self.from, loaded, frames)
    }
}

/// The checkpoint with the highest number, or the last of the rows where not all have one.
fn last(checkpoints: &IndexMap<String, NeuronHeuristics>) -> Option<&NeuronHeuristics> {
    let numbers: Option<Vec<u64>> = checkpoints.keys().map(|checkpoint| number_in(checkpoint)).collect();
    let highest = numbers.and_then(|numbers| (0..numbers.len()).max_by_key(|&index| numbers[index]));
    let (_, found) = checkpoints.get_index(highest.unwrap_or(checkpoints.len().checked_sub(1)?))?;
    Some(found)
}

/// The rows of one checkpoint and group: of pairs, and of its neurons with a heuristic.
fn compare(group: &str, found: &NeuronHeuristics, last: &NeuronHeuristics) -> PolarsResult<(DataFrame, DataFrame)> {
    let nothing = IndexSet::new();
    let of_last = |neuron: &LayerNeuron| last.get(neuron).unwrap_or(&nothing);
    let common = |(neuron, own): (&LayerNeuron, &IndexSet<String>)| own.intersection(of_last(neuron)).count();
    let count = |found: &NeuronHeuristics| found.values().map(IndexSet::len).sum::<usize>() as u64;
    let shared = found.iter().map(common).sum::<usize>() as u64;
    let neurons = found.iter().filter(|(_, own)| !own.is_empty()).map(|(&(layer, neuron), own)| KeptNeuron {
        group,
        layer,
        neuron,
        heuristics: own.len(),
        shared: common((&(layer, neuron), own)) > 0,
        in_last: !of_last(&(layer, neuron)).is_empty(),
    });
    let neurons: Vec<KeptNeuron> = neurons.collect();
    Ok((PairCountColumns::frame([(group, count(found), shared, count(last))])?, KeptColumns::frame(&neurons)?))
}

/// A neuron with a heuristic, and what of it the last checkpoint has.
struct KeptNeuron<'r> {
    group: &'r str,
    layer: usize,
    neuron: usize,
    heuristics: usize,
    shared: bool,
    in_last: bool,
}

rows! {
    /// The pairs of a heuristic and a neuron.
    PairCountColumns<'r>((group, pairs, shared, n): (&'r str, u64, u64, u64)) {
        operator: String = group;
        pairs: i64 = *pairs, "How many pairs of a heuristic and a neuron that matches it.";
        shared: i64 = *shared, "How many pairs are in both.";
        n: i64 = *n, "How many pairs of the last checkpoint.";
        share: Option<f64> = (*n > 0).then(|| *shared as f64 / *n as f64), "shared / n.";
        ci_low: Option<f64> = (*n > 0).then(|| wilson(*shared, *n).low);
        ci_high: Option<f64> = (*n > 0).then(|| wilson(*shared, *n).high);
    }

    /// A neuron with a heuristic.
    KeptColumns<'r>(row: &'r KeptNeuron<'r>) {
        operator: String = row.group;
        layer: i64 = row.layer;
        neuron: i64 = row.neuron;
        component: String = format!("L{}N{}", row.layer, row.neuron);
        heuristics: i64 = row.heuristics;
        shared: bool = row.shared, "Whether the neuron shares a pair with the last checkpoint.";
        in_last: bool = row.in_last, "Whether the neuron has a heuristic at the last checkpoint.";
    }
}

/// The rows of a step of heuristics.
fn found(neurons: &DataFrame, matches: &DataFrame) -> PolarsResult<GroupHeuristics> {
    let mut all = GroupHeuristics::new();
    let mut each = |rows: &DataFrame, heuristics: Option<&StringChunked>| -> PolarsResult<()> {
        let [model, template, group, checkpoint] =
            ["model", "template", "operator", "checkpoint"].map(|name| read::text(rows, name));
        let (model, template, group, checkpoint) = (model?, template?, group?, checkpoint?);
        let (layer, neuron) = (read::indices(rows, "layer")?, read::indices(rows, "neuron")?);
        for row in 0..rows.height() {
            let (Some(layer), Some(neuron)) = (layer[row], neuron[row]) else { continue };
            let key = [&model, &template, &group].map(|column| column.get(row).unwrap_or_default().to_string());
            let checkpoint = checkpoint.get(row).unwrap_or_default().to_string();
            let found = all.entry(key).or_default().entry(checkpoint).or_default();
            let own = found.entry((layer, neuron)).or_default();
            own.extend(heuristics.and_then(|heuristics| heuristics.get(row)).map(str::to_string));
        }
        Ok(())
    };
    each(neurons, None)?;
    each(matches, Some(&read::text(matches, "heuristic")?))?;
    Ok(all)
}
