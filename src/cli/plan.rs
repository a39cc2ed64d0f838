//! `ablate plan`: what specs would do.

use super::arguments::SpecsArguments;
use crate::Error;
use crate::counted::{agreeing, counted};
use crate::model::{ModelName, Residence};
use crate::plan::{
    self, Forecast, ForecastMemory, OnModel, Plan, PlannedPrompts, PlannedReading, PlannedStep, PlannedVariant, Recall,
    Session, Speeds, Why, beside,
};
use crate::system::progress::Progress;
use clap::Args;
use std::fmt::Write;

/// Changes of a step that are shown.
const SHOWN: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ablate plan experiments/interventions.toml
  ablate plan experiments/paper/ --set model.source=models/SmolLM2-135M-Instruct.Q4_1.gguf

Seconds come from a short calibration of this machine. `ablate run --dry` prints the same for a run
with its flags, such as --force.")]
pub(super) struct PlanArguments {
    #[command(flatten)]
    specs: SpecsArguments,
}

pub(super) fn run(arguments: PlanArguments) -> Result<(), Error> {
    let mut specs = arguments.specs.read(false)?;
    specs.passed_over().for_each(|sentence| Progress::new(false).say(&sentence));
    show(&specs.plan(false)?, &Session::default())
}

/// Prints what a run of these specs would do.
pub(super) fn show(plans: &[Plan], session: &Session) -> Result<(), Error> {
    session.check(plans.iter().map(Plan::loaded))?;
    let mut texts = Vec::with_capacity(plans.len());
    let (mut earlier, mut made, mut speeds) = (ForecastMemory::default(), Vec::new(), Speeds::default());
    for plan in plans {
        let source = plan.loaded().sources.first().filter(|_| plans.len() > 1);
        for (number, variant) in plan.variants().iter().enumerate() {
            let loaded = variant.loaded();
            let heading: Vec<&str> = source.map(|source| source.name()).into_iter().chain(variant.name()).collect();
            let heading = if heading.is_empty() { String::new() } else { format!("{}\n", heading.join(": ")) };
            let store = session.store(loaded);
            let recall = store
                .as_ref()
                .map(|store| Recall::new(variant.loaded(), variant.models(), session, Some(store)))
                .transpose()?;
            let steps = plan::forecast(variant, recall.as_ref(), &mut earlier)?;
            // They are made of the rows of all variants.
            let results = (number == 0).then(|| plan::results(&loaded.spec));
            let recognised = loaded.recognised().map(|recognised| format!("{recognised}\n\n")).unwrap_or_default();
            let table = table(&steps, variant, &mut made, results, &mut speeds)?;
            let notes: String = variant.short_ranges().iter().map(|note| format!("\nnote: {note}\n")).collect();
            texts.push(heading + &recognised + &outlook(&steps) + "\n" + &table + &notes);
        }
    }
    super::print::print(&texts.join("\n"))
}

/// The steps in order: from the store, or why not.
fn outlook(steps: &[(&PlannedStep, Forecast)]) -> String {
    let digits = steps.len().to_string().len();
    let name = |(number, (PlannedStep { step, .. }, _)): (usize, &(&PlannedStep, Forecast))| {
        format!("{:>digits$}  {} ({})", number + 1, step.name(), step.kind())
    };
    let names: Vec<String> = steps.iter().enumerate().map(name).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for ((_, outlook), name) in steps.iter().zip(&names) {
        let lines = match outlook {
            Forecast::Stored { computed } => vec![format!("in the store, computed {computed}")],
            Forecast::Shared { spec } => vec![format!("computed once, with {spec}, which comes before")],
            Forecast::Computed { why, left } => {
                let mut lines = reasons(why);
                if *left > 0 {
                    lines.push(format!("continues after {left} finished blocks of an interrupted run"));
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

impl PlannedReading {
    /// For lines below the table; `arithmetic` are the seconds of the rest.
    fn told(&self, step: &str, model: &ModelName, arithmetic: f64) -> String {
        let spread = self.residence.note().map(|note| format!("{step}, model '{model}': {note}\n")).unwrap_or_default();
        if self.residence.held == self.residence.layers {
            return spread;
        }
        let Self { residence: Residence { held, layers, read_bytes, .. }, passes, bytes, seconds } = self;
        let bound = match *seconds > arithmetic {
            true => {
                "; reading takes longer than the arithmetic: run more prompts at once (run.memory_mib), or keep more layers in memory (model.memory_mib)"
            }
            false => "",
        };
        let often = if *passes == 1 { "once".to_string() } else { format!("about {passes} times") };
        format!(
            "{spread}{step}, model '{model}': {} of {} {} read {often}, {} each time: {} in {seconds:.1} s, beside {arithmetic:.1} s of \
             arithmetic{bound}\n",
            layers - held,
            counted(*layers, "layer"),
            agreeing(layers - held, "is", "are"),
            size(*read_bytes),
            size(*bytes),
        )
    }
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes => format!("{:.1} MB", bytes / 1e6),
    }
}

/// One row per step and model; `made` are the prompts of the steps before, each with whether the store has the step, `results` the
/// seconds of what is made of the rows.
fn table<'p>(
    steps: &[(&'p PlannedStep, Forecast)],
    variant: &PlannedVariant,
    made: &mut Vec<(&'p PlannedPrompts, bool)>,
    results: Option<f64>,
    speeds: &mut Speeds,
) -> Result<String, Error> {
    let heading = ["step", "model", "rows", "forwards", "computed", "operations", "seconds", "memory"];
    let mut rows: Vec<[String; 8]> = vec![heading.map(str::to_string)];
    let (mut seconds, mut stored, mut any_stored, mut unknown) = (0.0, 0.0, false, false);
    let mut read = String::new();
    for (PlannedStep { step, models, .. }, outlook) in steps {
        let is_stored = !matches!(outlook, Forecast::Computed { .. });
        any_stored |= is_stored;
        let label = format!("{} ({}{})", step.name(), step.kind(), if is_stored { ", in the store" } else { "" });
        let mut add = |row: [String; 8], predicted: Option<f64>| {
            match predicted {
                Some(predicted) => *(if is_stored { &mut stored } else { &mut seconds }) += predicted,
                None => unknown |= !is_stored,
            }
            rows.push(row);
        };
        let row = |model: String, predicted: Option<f64>| {
            let mut row = [const { String::new() }; 8].map(|_: String| "-".to_string());
            (row[0], row[1]) = (label.clone(), model);
            row[6] = predicted.map_or_else(|| "-".into(), |predicted| format!("{predicted:.2}"));
            row
        };
        if step.models().is_none() {
            let work = if is_stored { None } else { variant.workload_alone(step)? };
            let predicted = work.as_ref().map(beside);
            add(row("-".into(), predicted), predicted);
        }
        for OnModel { name, workload, prompts } in models {
            let is_first = !made.iter().any(|(other, stored)| *stored == is_stored && other.is_made_with(prompts));
            let work = workload.map(|work| if is_first { work.and(prompts.asking) } else { work });
            let making = if is_first { prompts.took.as_secs_f64() } else { 0.0 };
            made.extend(is_first.then_some((prompts, is_stored)));
            let models = variant.models();
            let speed = work.is_some().then(|| speeds.of(name, models)).transpose()?;
            let predicted = work.zip(speed).map(|(work, speed)| speed.seconds(&work) + making);
            let reading = work.map(|work| speeds.reading(&work, name, models)).transpose()?.flatten();
            if let (Some(reading), Some(arithmetic)) = (&reading, predicted) {
                read += &reading.told(step.name(), name, arithmetic);
            }
            // The next layer is read while one computes.
            let predicted = predicted.map(|seconds| reading.map_or(seconds, |reading| seconds.max(reading.seconds)));
            let mut row = row(name.to_string(), predicted);
            if let Some(work) = work {
                let weights = mib(models.sketch(name)?.card.most_bytes as u64);
                row[2] = work.rows.to_string();
                row[3] = work.naive.to_string();
                row[4] = format!("{:.1}", work.forward_equivalents());
                row[5] = operations(work.operations);
                row[7] = format!("{:.0} MiB + {weights:.0} of weights", mib(work.memory));
            }
            add(row, predicted);
        }
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
    if !read.is_empty() {
        let _ = write!(text, "\n{read}");
    }
    let more = if unknown { ", and more for what is marked '-'" } else { "" };
    let stored = if !any_stored { String::new() } else { format!("; results in the store save {stored:.1}") };
    let _ = write!(
        text,
        "\nforwards: forward passes if each row ran on its own. computed: the most that will really be computed, in forward passes.\n\
         seconds: predicted from a short calibration of this machine, {seconds:.1} in all{more}{stored}.\n"
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
