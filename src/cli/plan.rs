//! `ablate plan`: what specs would do.

use super::arguments::SpecsArguments;
use crate::Error;
use crate::check::Prepared;
use crate::context::{Context, Models};
use crate::experiment::{self, Earlier, Forecast, Why};
use crate::model::facts::Facts;
use crate::model::{ModelName, device};
use crate::plan::{self, Made, Planned, Speed, beside};
use crate::resume::Blocks;
use crate::run::{Recall, Session};
use crate::spec::{Dtype, Step};
use crate::system::progress::Progress;
use crate::table::Frames;
use burn::tensor::DType;
use clap::Args;
use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

/// Changes of a step that are shown.
const SHOWN: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate plan experiments/interventions.toml
  ablate plan experiments/paper/ --set model.source=models/SmolLM2-135M-Instruct.Q4_1.gguf")]
pub(super) struct Arguments {
    #[command(flatten)]
    specs: SpecsArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(false)?;
    specs.passed_over().for_each(|sentence| Progress::new(false).say(&sentence));
    show(&specs.prepare(false)?, &Session::default())
}

/// Prints what a run of these specs would do.
pub(super) fn show(prepared: &[Prepared], session: &Session) -> Result<(), Error> {
    session.check(prepared.iter().map(Prepared::loaded))?;
    let mut texts = Vec::with_capacity(prepared.len());
    let (mut earlier, mut made, mut speeds) = (Earlier::default(), Made::default(), Speeds::default());
    for spec in prepared {
        let source = spec.loaded().sources.first().filter(|_| prepared.len() > 1);
        for (number, variant) in spec.variants().iter().enumerate() {
            let (loaded, models) = (variant.loaded(), variant.models());
            let (progress, frames, blocks) = (Progress::quiet(), Frames::default(), Blocks::off());
            let context =
                Context { loaded, models, progress: &progress, dir: Path::new(""), frames: &frames, blocks: &blocks };
            let heading: Vec<&str> = source.map(|source| source.name()).into_iter().chain(variant.name()).collect();
            let heading = if heading.is_empty() { String::new() } else { format!("{}\n", heading.join(": ")) };
            let store = session.store(loaded);
            let recall = store.as_ref().map(|store| Recall::new(variant, session, Some(store))).transpose()?;
            let mut steps = experiment::forecast(variant, recall.as_ref(), &mut earlier)?;
            // What a variant before it has computed.
            steps.retain(|(step, _)| spec.computes(step.name(), number));
            let is_kept = |outlook: &Forecast| !matches!(outlook, Forecast::Computed { .. });
            let kept: HashSet<&str> =
                steps.iter().filter(|(_, outlook)| is_kept(outlook)).map(|(step, _)| step.name()).collect();
            let each = steps.iter().map(|(step, outlook)| (*step, is_kept(outlook)));
            let planned = plan::plan(each, &context, &mut made)?;
            // They are made of the rows of all variants.
            let results = (number == 0).then(|| plan::results(&loaded.spec));
            let recognised = loaded.recognised().map(|recognised| format!("{recognised}\n\n")).unwrap_or_default();
            texts.push(
                heading
                    + &recognised
                    + &outlook(&steps)
                    + "\n"
                    + &table(&planned, models, &kept, results, &mut speeds)?,
            );
        }
    }
    super::print::print(&texts.join("\n"))
}

/// The steps in order: from the store, or why not.
fn outlook(steps: &[(&Step, Forecast)]) -> String {
    let digits = steps.len().to_string().len();
    let name = |(number, (step, _)): (usize, &(&Step, Forecast))| {
        format!("{:>digits$}  {} ({})", number + 1, step.name(), step.kind())
    };
    let names: Vec<String> = steps.iter().enumerate().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for ((_, outlook), name) in steps.iter().zip(&names) {
        let lines = match outlook {
            Forecast::Stored { computed } => vec![format!("in the store, computed {computed}")],
            Forecast::Shared { spec } => vec![format!("with {spec}, which computes it before")],
            Forecast::Computed { why, left } => {
                let mut lines = reasons(why);
                if *left > 0 {
                    lines.push(format!("goes on from {left} finished blocks of a run that was interrupted"));
                }
                lines
            }
        };
        for (number, line) in lines.iter().enumerate() {
            // Writing to a string does not fail.
            let _ = match number {
                0 => writeln!(text, "{name:<width$}  {line}"),
                _ => writeln!(text, "{:<width$}              {line}", ""),
            };
        }
    }
    text
}

/// Why a step is computed, a line each.
fn reasons(why: &Why) -> Vec<String> {
    let (unlike, reasons) = match why {
        Why::NoStore => return vec!["to compute".into()],
        Why::Forced => (None, vec!["--force".into()]),
        Why::Damaged(damage) => (None, vec![format!("its entry in the store is damaged ({damage})")]),
        Why::New => (None, vec!["new".into()]),
        Why::Changed { changes, unlike } => {
            let more = changes.len().checked_sub(SHOWN).filter(|more| *more > 0);
            let shown = changes.iter().take(SHOWN).cloned();
            (unlike.as_ref(), shown.chain(more.map(|more| format!("and {more} more"))).collect())
        }
    };
    let unlike = unlike.map(|unlike| format!("new; compared with {unlike}: ")).unwrap_or_default();
    let mut reasons = reasons.into_iter();
    let first = reasons.next().map(|first| format!("to compute: {unlike}{first}"));
    first.into_iter().chain(reasons).collect()
}

/// How fast this machine runs models, timed once for each shape and precision.
#[derive(Default)]
struct Speeds(Vec<((Facts, String, Dtype), Speed)>);

impl Speeds {
    fn of(&mut self, name: &ModelName, models: &Models) -> Result<Speed, Error> {
        let sketch = models.sketch(name)?;
        let wanted = models.settings(name).map(|spec| spec.device).unwrap_or_default();
        let device = device::open(wanted).map_err(Error::refused(format!("model '{name}'")))?;
        let key = (sketch.card.facts.clone(), wanted.to_string(), models.dtype(name));
        if let Some((_, speed)) = self.0.iter().find(|(other, _)| *other == key) {
            return Ok(*speed);
        }
        let speed = Speed::of(&key.0, &device, DType::from(key.2));
        self.0.push((key, speed));
        Ok(speed)
    }
}

/// One row per step and model; `kept` are the steps that the store has, `results` the seconds of what is made of the rows.
fn table(
    planned: &[Planned],
    models: &Models,
    kept: &HashSet<&str>,
    results: Option<f64>,
    speeds: &mut Speeds,
) -> Result<String, Error> {
    let heading = ["step", "model", "rows", "forwards", "computed", "operations", "seconds", "memory"];
    let mut rows: Vec<[String; 8]> = vec![heading.map(str::to_string)];
    let (mut seconds, mut stored, mut unknown) = (0.0, 0.0, false);
    for planned in planned {
        let Planned { step, kind, model, workload, .. } = planned;
        let is_kept = kept.contains(step.as_str());
        let label = format!("{step} ({kind}{})", if is_kept { ", in the store" } else { "" });
        let mut row = [const { String::new() }; 8].map(|_: String| "-".to_string());
        row[0] = label;
        row[1] = model.as_ref().map(ToString::to_string).unwrap_or_else(|| "-".into());
        let predicted = match (model, workload) {
            (Some(name), Some(_)) => planned.seconds(&speeds.of(name, models)?),
            (None, Some(work)) => Some(beside(work)),
            (_, None) => None,
        };
        match predicted {
            Some(predicted) => {
                row[6] = format!("{predicted:.2}");
                *(if is_kept { &mut stored } else { &mut seconds }) += predicted;
            }
            None => unknown |= !is_kept,
        }
        if let (Some(name), Some(work)) = (model, workload) {
            let weights = mib(models.sketch(name)?.card.weight_bytes as u64);
            row[2] = work.rows.to_string();
            row[3] = work.naive.to_string();
            row[4] = format!("{:.1}", work.forward_equivalents());
            row[5] = operations(work.operations);
            row[7] = format!("{:.0} MiB + {weights:.0} of weights", mib(work.memory));
        }
        rows.push(row);
    }
    if let Some(results) = results {
        seconds += results;
        let mut row = [const { String::new() }; 8].map(|_: String| "-".to_string());
        (row[0], row[6]) = ("tables, figures and report".into(), format!("{results:.2}"));
        rows.push(row);
    }
    let widths: Vec<usize> =
        (0..8).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if column > 0 { "  " } else { "" };
            // Writing to a string does not fail.
            let _ = if column < 2 { write!(text, "{gap}{cell:<width$}") } else { write!(text, "{gap}{cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let more = if unknown { ", and what is marked '-'" } else { "" };
    let stored = if kept.is_empty() { String::new() } else { format!(" beside {stored:.1} that the store has") };
    let _ = write!(
        text,
        "\nforwards: whole passes that each row on its own, and the prompts, would take; computed: what a replay computes, in \
         the same unit,\nat most. seconds: from a short calibration of this machine; {seconds:.1} in all{more}{stored}.\n"
    );
    Ok(text)
}

fn operations(count: u64) -> String {
    match count as f64 {
        count if count >= 1e12 => format!("{:.2} TFLOP", count / 1e12),
        count => format!("{:.2} GFLOP", count / 1e9),
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1048576.0
}
