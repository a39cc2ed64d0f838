//! Step `heuristic-overlap`: how many of the last checkpoint's pairs of a heuristic and a neuron are there at each checkpoint (paper
//! §5, figure 10a).

use super::Outcome;
use super::accuracy::number_in;
use super::labels::Labels;
use crate::Error;
use crate::context::Context;
use crate::measure::wilson;
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::HeuristicOverlap;
use crate::step::kind::Kind;
use crate::table::Frames;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;

/// A neuron: layer and number in it.
type Neuron = (u32, u32);

/// The neurons of one checkpoint and operator, each with the heuristics it matches; those without any too.
type Found = IndexMap<Neuron, IndexSet<String>>;

/// What the step of heuristics found: by model, template and operator; then by checkpoint, in the order of the rows.
type All = IndexMap<[String; 3], IndexMap<String, Found>>;

impl Kind for HeuristicOverlap {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let refuse = |problem: String| Error::from(context.loaded.refuse(&["step", &self.name, "from"], problem, None));
        let frame = |name: &str| context.frames.get(name).map_err(refuse);
        let all = read(frame(&format!("{}.neurons", self.from))?, frame(&self.from)?)?;
        let mut outcome = Outcome::default();
        for ([model, template, operator], checkpoints) in &all {
            let Some(last) = last(checkpoints) else { continue };
            for (checkpoint, found) in checkpoints {
                let labels = Labels { model, checkpoint };
                let (pairs, neurons) = compare(operator, found, last)?;
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

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let mut outcome = Outcome::default();
        let labels = Labels { model: "", checkpoint: "" };
        let (pairs, neurons) = compare("", &Found::new(), &Found::new())?;
        outcome.add_labelled(&self.name, labels, "", pairs.clear())?;
        outcome.add_labelled(&format!("{}.neurons", self.name), labels, "", neurons)?;
        Ok(outcome.frames)
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::knockout::check(&self.name, &self.from, loaded, frames)
    }
}

/// The checkpoint with the highest number, or the last of the rows where not all have one.
fn last(checkpoints: &IndexMap<String, Found>) -> Option<&Found> {
    let numbers: Option<Vec<u64>> = checkpoints.keys().map(|checkpoint| number_in(checkpoint)).collect();
    let highest = numbers.and_then(|numbers| (0..numbers.len()).max_by_key(|&index| numbers[index]));
    let (_, found) = checkpoints.get_index(highest.unwrap_or(checkpoints.len().checked_sub(1)?))?;
    Some(found)
}

/// The rows of one checkpoint and operator. Of pairs: `operator`, `pairs` (of this checkpoint), `shared` (those that the last one has
/// too), `n` (pairs of the last), `share` (shared / n), `ci_low`, `ci_high` (95 % Wilson). Of its neurons with a heuristic: `operator`,
/// `layer`, `neuron`, `component`, `heuristics` (how many), `shared` (whether the last checkpoint has it with one of the same
/// heuristics), `in_last` (whether it has it with any).
fn compare(operator: &str, found: &Found, last: &Found) -> PolarsResult<(DataFrame, DataFrame)> {
    let nothing = IndexSet::new();
    let of_last = |neuron: &Neuron| last.get(neuron).unwrap_or(&nothing);
    let common = |(neuron, own): (&Neuron, &IndexSet<String>)| own.intersection(of_last(neuron)).count();
    let count = |found: &Found| found.values().map(IndexSet::len).sum::<usize>() as u64;
    let (n, shared) = (count(last), found.iter().map(common).sum::<usize>() as u64);
    let interval = wilson(shared, n);
    let known = |value: f64| (n > 0).then_some(value);
    let pairs = df!(
        "operator" => [operator],
        "pairs" => [count(found)],
        "shared" => [shared],
        "n" => [n],
        "share" => [known(shared as f64 / n.max(1) as f64)],
        "ci_low" => [known(interval.low)],
        "ci_high" => [known(interval.high)],
    )?;
    let some: Vec<(&Neuron, &IndexSet<String>)> = found.iter().filter(|(_, own)| !own.is_empty()).collect();
    let neurons = df!(
        "operator" => vec![operator; some.len()],
        "layer" => some.iter().map(|(neuron, _)| neuron.0).collect::<Vec<_>>(),
        "neuron" => some.iter().map(|(neuron, _)| neuron.1).collect::<Vec<_>>(),
        "component" => some.iter().map(|((layer, neuron), _)| format!("L{layer}N{neuron}")).collect::<Vec<_>>(),
        "heuristics" => some.iter().map(|(_, own)| own.len() as u32).collect::<Vec<_>>(),
        "shared" => some.iter().map(|&one| common(one) > 0).collect::<Vec<_>>(),
        "in_last" => some.iter().map(|(neuron, _)| !of_last(neuron).is_empty()).collect::<Vec<_>>(),
    )?;
    Ok((pairs, neurons))
}

/// The rows of a step of heuristics.
fn read(neurons: &DataFrame, matches: &DataFrame) -> PolarsResult<All> {
    let mut all = All::new();
    let mut each = |rows: &DataFrame, heuristics: Option<&StringChunked>| -> PolarsResult<()> {
        let text = |name: &str| -> PolarsResult<StringChunked> {
            Ok(rows.column(name)?.cast(&DataType::String)?.str()?.clone())
        };
        let number = |name: &str| -> PolarsResult<UInt32Chunked> {
            Ok(rows.column(name)?.cast(&DataType::UInt32)?.u32()?.clone())
        };
        let [model, template, operator] = [text("model")?, text("template")?, text("operator")?];
        let (checkpoint, layer, neuron) = (text("checkpoint")?, number("layer")?, number("neuron")?);
        for row in 0..rows.height() {
            let (Some(layer), Some(neuron)) = (layer.get(row), neuron.get(row)) else { continue };
            let key = [&model, &template, &operator].map(|column| column.get(row).unwrap_or_default().to_string());
            let checkpoint = checkpoint.get(row).unwrap_or_default().to_string();
            let found = all.entry(key).or_default().entry(checkpoint).or_default();
            let own = found.entry((layer, neuron)).or_default();
            own.extend(heuristics.and_then(|heuristics| heuristics.get(row)).map(str::to_string));
        }
        Ok(())
    };
    each(neurons, None)?;
    each(matches, Some(matches.column("heuristic")?.cast(&DataType::String)?.str()?))?;
    Ok(all)
}
