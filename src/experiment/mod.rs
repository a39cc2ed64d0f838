//! The executor: reading `work` is reading the program. From Rust it is an `Experiment`.

mod expectations;
mod facts;
mod folders;
mod library;
mod many;
pub(crate) mod rerun;
mod standing;
mod summary;

pub use library::{Experiment, Finished};
#[doc(hidden)]
pub use many::Specs;
pub(crate) use many::{all, replaceable};

use crate::check;
use crate::manifest::{self, Machine, Manifest};
use crate::plan::{Plan, Recall, Session};
use crate::report::{self, Report};
use crate::results::{ClaimedFolder, Results};
use crate::run::failures::{Failures, RowsState, SpecItem};
use crate::run::record::RunRecord;
use crate::run::{RunOptions, steps};
use crate::spec::{Figure, Loaded, Origin, SpecErrors, Table};
use crate::store::Store;
use crate::system::interrupt;
use crate::system::progress::Progress;
use crate::table::Frames;
use crate::variants::order;
use crate::{Error, figure, table};
use expectations::Compares;
use standing::StandingResults;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use summary::Ended;

/// Runs one plan, in a session that it may share with others.
///
/// # Errors
/// As [`Experiment::run`].
#[doc(hidden)]
pub fn execute(plan: &Plan, session: &Session, options: &RunOptions) -> Result<(), Error> {
    work(plan, session, options)?.error.map_or(Ok(()), Err)
}

/// Errors are those that leave no report; all others are in how it ended.
fn work(plan: &Plan, session: &Session, options: &RunOptions) -> Result<Ended, Error> {
    let started = Instant::now();
    let loaded = plan.loaded;
    let spec = &loaded.spec;
    let models = facts::of(plan);
    models.known.iter().for_each(|(about, name)| options.progress.say(&format!("{about} {name}")));
    let stores = stores(plan, session);
    let kept = stores.iter().flatten().any(|store| !store.is_temporary());
    interrupt::stage(if kept { interrupt::InterruptStage::Kept } else { interrupt::InterruptStage::Lost });
    let spec_file = loaded.sources.first().map_or("", |source| source.name());
    let folder = ClaimedFolder::take(plan.folder(), spec_file, options.progress)?;
    let recalls = recalls(plan, session, &stores)?;
    if let Some(standing) = standing::results(plan, session, &recalls, &folder, options)? {
        return Ok(stand(plan, &standing, folder.place(), options, started));
    }
    let mut results = folder.begin(&options.command)?;
    let mut record = RunRecord::begin(plan, &recalls, options, results.place())?;
    let mut failures = Failures::new(plan.variants.len());
    let made = steps::make(plan, &recalls, options, &mut results, &mut record, &mut failures)?;
    let mut notes = facts::notes(plan);
    notes.extend(made.notes(&plan.groups));
    let steps::StepResults { mut frames, checks, recalled, computed, entries, .. } = made;
    let from_store = recalled.len();
    let any_rows = !frames.is_empty();
    let mut tables = make_tables(loaded, &mut frames, &mut results, &mut failures, &mut notes, options.progress)?;
    for step in &spec.steps {
        let name = format!("{}.texts", step.name());
        let texts = frames.get(&name).ok().map(|rows| report::beside(&name, rows)).transpose();
        tables.extend(texts.map_err(Error::failed("texts"))?.flatten());
    }
    let figures = make_figures(loaded, &frames, &mut results, &mut failures, &mut notes, options.progress)?;
    notes.extend(figures.iter().flat_map(|figure| figure.notes.iter().map(|note| format!("{}: {note}", figure.name))));
    notes.extend(checks.iter().filter(|check| !check.passed()).map(|check| format!("self-check failed: {check}")));
    // Of rows that are not there because a step failed nothing is said twice.
    let missing = if failures.count() == (0, 0) { check::values::missing(loaded, &frames) } else { Vec::new() };
    notes.extend(missing.iter().filter_map(|missing| missing.note.clone()));
    notes.iter().for_each(|note| options.progress.say(&format!("note: {note}")));
    let compares = expectations::compare(plan, &frames, &mut failures, options.progress);
    let failed = failures.told();
    let files = results.checksums()?;
    // What could not be made this time may be wanted from the time before: only a run that made everything takes it away.
    let (superseded, left) = match results.left_over(&files) {
        all if failures.count() == (0, 0) => (all, Vec::new()),
        all => (Vec::new(), all),
    };
    let manifest = record.end(&checks, &compares.all, &notes, &failed, (files, left));
    let again = results.earlier().filter(|earlier| !session.forces() && earlier.has_results_of(&manifest)).cloned();
    let same = again.is_some();
    let manifest = again.unwrap_or(manifest);

    let report = Report {
        title: spec.title.clone(),
        description: spec.description.clone(),
        command: options.command.clone(),
        tables,
        figures,
        rows: in_folder(&manifest, &["rows"]).map(|path| results.dir().join(path)).collect(),
        spec_toml: loaded.to_toml(),
        spec_origins: match &plan.repeats {
            Some(repeated) => loaded.to_toml_with(&|key| repeated.then.spec.origin(key).to_string()),
            None => loaded.to_toml_with_origins(),
        },
        facts: facts(&manifest).into_iter().chain(models.models).chain(models.known).collect(),
        notes,
        checks: manifest.self_checks.clone(),
        activations: in_folder(&manifest, &["activations", "directions"])
            .map(|path| results.dir().join(path))
            .collect(),
        expectations: compares.all.clone(),
        recalled: manifest.recalled(),
        failed,
    };
    results.text("report.md", &report::markdown(&report, results.dir()))?;
    results.text("report.html", &report::html(&report, &manifest, results.dir()))?;
    results.text(manifest::FILE, &manifest.text())?;
    let replaced = results.publish(&superseded)?;
    options.progress.say_replaced(&replaced.removed, &replaced.changed);
    if missing.is_empty() && compares.refused.is_empty() {
        standing::remember(plan, &recalls, results.place(), &manifest, &entries)?;
    }
    let seconds = (plan.preparing + started.elapsed()).as_secs_f64();
    let expected = Ended::judged(&compares.all);
    compares.say(options.progress);
    if plan.into.is_none() {
        say_where(results.place(), seconds, same.then_some(&manifest), options);
    }
    let differs = match checks.iter().find(|check| !check.passed()) {
        Some(check) => Some(Error::SelfCheck(check.clone())),
        None if missing.is_empty() => compares.judge().err(),
        None => Some(SpecErrors::join(missing.into_iter().map(|missing| missing.error)).into()),
    };
    let (failed, skipped) = failures.count();
    let error = failures.into_error(differs, any_rows);
    Ok(Ended { computed, from_store, failed, skipped, expected, seconds, error })
}

/// How a run ends whose results are there.
fn stand(plan: &Plan, standing: &StandingResults, place: &Path, options: &RunOptions, started: Instant) -> Ended {
    let StandingResults { manifest, steps } = standing;
    manifest.notes.iter().for_each(|note| options.progress.say(&format!("note: {note}")));
    let compares = Compares { all: manifest.expectations.clone(), refused: Vec::new() };
    compares.say(options.progress);
    let seconds = (plan.preparing + started.elapsed()).as_secs_f64();
    say_where(place, seconds, Some(manifest), options);
    let expected = Ended::judged(&compares.all);
    Ended { from_store: *steps, expected, seconds, error: compares.judge().err(), ..Ended::default() }
}

/// Says where results are, and of which run where they are `those` of one before.
fn say_where(place: &Path, seconds: f64, those: Option<&Manifest>, options: &RunOptions) {
    options.progress.say(&format!("results in {} ({seconds:.1} s)", place.join("report.md").display()));
    if let Some(manifest) = those {
        options.progress.say(&format!(
            "the results are identical to those of the run of {}, whose report and manifest stay (--force writes them again)",
            manifest.started
        ));
    }
}

/// The store of each variant.
fn stores(plan: &Plan, session: &Session) -> Vec<Option<Arc<Store>>> {
    plan.variants.iter().map(|variant| session.store(variant.loaded)).collect()
}

fn recalls<'a>(
    plan: &'a Plan,
    session: &'a Session,
    stores: &'a [Option<Arc<Store>>],
) -> Result<Vec<Recall<'a>>, Error> {
    let each = plan.variants.iter().zip(stores);
    each.map(|(variant, store)| Recall::new(variant.loaded(), variant.models(), session, store.as_ref())).collect()
}

fn make_tables(
    loaded: &Loaded,
    frames: &mut Frames,
    results: &mut Results,
    failures: &mut Failures,
    notes: &mut Vec<String>,
    progress: &Progress,
) -> Result<Vec<report::ReportTable>, Error> {
    let tables = &loaded.spec.tables;
    let mut made = Vec::with_capacity(tables.len());
    for table in order::tables(tables) {
        let reads = [Some(table.from.as_str()), table.join.as_ref().map(|join| join.with.as_str())];
        match failures.rows(reads.into_iter().flatten()) {
            RowsState::Whole => {}
            RowsState::Lacking(cause, without) => {
                notes.extend(without.iter().map(|without| format!("table '{}': {without}", table.name)));
                failures.lacks(&table.name, cause, without);
            }
            RowsState::Absent(cause) => {
                failures.skip(SpecItem::table(&table.name), cause, progress);
                continue;
            }
        }
        match make_table(loaded, table, frames, results, notes) {
            Ok(one) => {
                frames.insert(table.name.clone(), one.frame.clone());
                made.push(one);
            }
            Err(error) => failures.fail(SpecItem::table(&table.name), error, progress)?,
        }
    }
    made.sort_by_key(|made| tables.iter().position(|table| table.name == made.name));
    Ok(made)
}

fn make_table(
    loaded: &Loaded,
    table: &Table,
    frames: &Frames,
    results: &mut Results,
    notes: &mut Vec<String>,
) -> Result<report::ReportTable, Error> {
    let (rows, with) = frames.read(table).map_err(|missing| check::rows::refused_rows(loaded, table, missing))?;
    let built = table::build(table, rows, with).map_err(|error| check::rows::refused_table(loaded, error))?;
    let table::Built { frame, notes: said, why_empty } = built;
    notes.extend(said.into_iter().map(|note| format!("table {}: {note}", table.name)));
    let table::TableFiles { csv, parquet } = results.table(&table.name, &frame)?;
    Ok(report::ReportTable {
        name: table.name.clone(),
        title: table.title.clone(),
        frame,
        why_empty,
        decimals: table.decimals,
        files: vec![csv, parquet],
        place: place(loaded, "table", &table.name),
    })
}

fn make_figures(
    loaded: &Loaded,
    frames: &Frames,
    results: &mut Results,
    failures: &mut Failures,
    notes: &mut Vec<String>,
    progress: &Progress,
) -> Result<Vec<report::ReportFigure>, Error> {
    let figures = &loaded.spec.figures;
    let mut made = Vec::with_capacity(figures.len());
    for figure in figures {
        interrupt::check()?;
        match failures.rows([figure.from.as_str()]) {
            RowsState::Whole => {}
            RowsState::Lacking(_, without) => {
                notes.extend(without.iter().map(|without| format!("figure '{}': {without}", figure.name)));
            }
            RowsState::Absent(cause) => {
                failures.skip(SpecItem::figure(&figure.name), cause, progress);
                continue;
            }
        }
        match make_figure(loaded, figure, frames, results) {
            Ok(one) => made.push(one),
            Err(error) => failures.fail(SpecItem::figure(&figure.name), error, progress)?,
        }
    }
    Ok(made)
}

/// The program and the machine in the report's facts.
fn facts(manifest: &Manifest) -> Vec<(String, String)> {
    let Machine { system, processor, cores, threads, .. } = &manifest.machine;
    let cores = cores.map_or_else(|| "unknown".into(), |cores| cores.to_string());
    let facts = [
        ("ablate", manifest.ablate.version.clone()),
        ("system", system.clone()),
        ("processor", processor.clone()),
        ("cores", cores),
        ("threads", threads.to_string()),
    ];
    facts.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Where a table or a figure stands in the spec's own file, in bytes; those of files that it extends are before them.
fn place(loaded: &Loaded, list: &str, name: &str) -> usize {
    let own = loaded.sources.first().map(|source| source.name());
    match loaded.origin(&[list, name]) {
        Origin::File { source, value, .. } if Some(source.name()) == own => value.start,
        _ => 0,
    }
}

/// Files of the run that are in one of these folders of its results.
fn in_folder<'m>(manifest: &'m Manifest, folders: &'m [&'m str]) -> impl Iterator<Item = &'m str> {
    let kept = |path: &&str| folders.iter().any(|folder| Path::new(path).starts_with(folder));
    manifest.files.iter().map(|file| file.path.as_str()).filter(kept)
}

fn make_figure(
    loaded: &Loaded,
    figure: &Figure,
    frames: &Frames,
    results: &mut Results,
) -> Result<report::ReportFigure, Error> {
    let rows = frames.get(&figure.from).map_err(Error::refused(format!("figure '{}'", figure.name)))?;
    let about = || format!("figure '{}'", figure.name);
    let images = &loaded.spec.output.images;
    for image in images {
        results.free(&format!("figures/{}.{}", figure.name, image.extension())).map_err(Error::failed(about()))?;
    }
    let drawn = figure::draw(figure, rows, &results.dir().join("figures"), images)?;
    let figure::Drawn { files, notes } = drawn;
    results.wrote(files.iter().cloned());
    Ok(report::ReportFigure {
        name: figure.name.clone(),
        title: figure.title.clone(),
        files,
        notes,
        place: place(loaded, "figure", &figure.name),
    })
}
