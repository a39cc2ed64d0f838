//! The executor: reading [`run`] is reading the program.

mod asked;
pub mod atomic;
pub mod blocks;
mod check;
mod expectations;
mod folder;
mod frames;
pub mod interrupt;
pub mod key;
mod known;
pub mod lock;
mod many;
mod models;
mod order;
mod outlook;
mod prepared;
pub mod progress;
mod recall;
mod record;
pub mod rerun;
mod results;
mod session;
mod shelf;
pub mod store;

pub use frames::Frames;
pub use known::{settle, with_profile};
pub use many::{Specs, all};
pub use models::{ModelName, Models};
pub use outlook::{Earlier, Outlook, Why, outlook};
pub use prepared::{Prepared, Repeated};
pub use recall::{Recall, Recalled, State};
pub use session::{Force, Session};

use crate::manifest::{self, Machine, Manifest};
use crate::model::Card;
use crate::report::{self, Report};
use crate::spec::{Loaded, Spec};
use crate::step::SelfCheck;
use crate::{Error, figure, step, table};
use blocks::Blocks;
use progress::Progress;
use record::Record;
use results::Results;
use std::rc::Rc;
use std::time::Instant;

/// How to run a spec; nothing here changes a result.
pub struct Options<'a> {
    /// Where progress is shown.
    pub progress: &'a Progress,
    /// The command that runs the spec, for the report.
    pub command: String,
}

/// Runs a spec, without a store: its steps, then its tables, then its figures, then the report. Each file is written as soon
/// as it is there. Where its model is a known one, that one's profile is laid over the spec first.
///
/// # Errors
/// [`Error::Refused`] before any work when a step, table or figure asks for what can not be had; [`Error::Differ`] after all
/// of it when the model at hand is not as expected.
pub fn run(loaded: &Loaded, options: &Options) -> Result<(), Error> {
    let session = Session::new(Force::Nothing, true);
    let quiet = options.progress.is_quiet();
    let loaded = checked(loaded, quiet)?;
    execute(&Prepared::new(&loaded, quiet, Rc::default())?, &session, options)
}

/// Runs one spec that has been prepared, in a session that it may share with others.
///
/// # Errors
/// As [`run`].
pub fn execute(prepared: &Prepared, session: &Session, options: &Options) -> Result<(), Error> {
    let started = Instant::now();
    let Prepared { loaded, models, cards, known, .. } = prepared;
    let spec = &loaded.spec;
    let known_facts = known::facts(loaded, known);
    known_facts.iter().for_each(|(about, name)| options.progress.say(&format!("{about} {name}")));
    let name = loaded.sources.first().map_or("", |source| source.name());
    let mut results = Results::create(prepared.folder(), name)?;
    let mut frames = Frames::default();
    let mut notes = Vec::new();
    let mut checks: Vec<SelfCheck> = Vec::new();
    let mut recalled = Vec::new();
    let store = session.store(loaded);
    let recall = Recall::new(prepared, session, store.as_ref())?;
    let mut record = Record::begin(prepared, &recall, options, results.dir())?;

    for step in order::steps(&spec.steps) {
        interrupt::check()?;
        let (progress, dir, blocks) = (options.progress, results.dir(), &Blocks::off());
        let context = step::Context { loaded, models, progress, dir, frames: &frames, blocks };
        let (key, began) = (recall.key(step)?, Instant::now());
        let (outcome, from_store) = recall.step(step, &context)?;
        record.step(step, &key.digest, began.elapsed().as_secs_f64(), &outcome, from_store.as_ref());
        recalled.extend(from_store);
        for (name, frame) in outcome.frames {
            results.rows(&name, &frame)?;
            frames.insert(name, frame);
        }
        results.wrote(outcome.files);
        checks.extend(outcome.checks);
        notes.extend(outcome.notes.into_iter().map(|note| format!("{}: {note}", step.name())));
    }
    let tables = make_tables(loaded, &mut frames, &mut results)?;
    let figures = make_figures(spec, &frames, &mut results)?;
    notes.extend(figures.iter().flat_map(|figure| figure.notes.iter().map(|note| format!("{}: {note}", figure.name))));
    notes.extend(checks.iter().filter(|check| !check.passed()).map(|check| format!("self-check failed: {check}")));
    notes.iter().for_each(|note| options.progress.say(&format!("note: {note}")));
    let compares = expectations::compare(loaded, &frames, known);
    let manifest = record.end(&checks, &compares.all, &notes, results.checksums()?);

    let report = Report {
        title: spec.title.clone(),
        description: spec.description.clone(),
        command: options.command.clone(),
        tables,
        figures,
        spec_toml: loaded.to_toml(),
        spec_origins: match &prepared.repeats {
            Some(repeated) => loaded.to_toml_with(&|key| repeated.then.spec.origin(key).to_string()),
            None => loaded.to_toml_with_origins(),
        },
        facts: facts(&manifest).into_iter().chain(cards.iter().map(model_fact)).chain(known_facts).collect(),
        notes,
        checks,
        expectations: compares.all.clone(),
        recalled,
    };
    results.text("report.md", &report::markdown(&report, results.dir()))?;
    results.text("report.html", &report::html(&report, &manifest, results.dir()))?;
    results.text(manifest::FILE, &manifest.text())?;
    let seconds = started.elapsed().as_secs_f64();
    compares.say(options.progress);
    if prepared.into.is_none() {
        options.progress.say(&format!("results in {} ({seconds:.1} s)", results.dir().join("report.md").display()));
    }
    match report.checks.into_iter().find(|check| !check.passed()) {
        Some(check) => Err(Error::SelfCheck(check)),
        None => compares.judge(),
    }
}

/// The spec for the model at hand, checked as far as that needs no model, before and after a profile is laid over it.
///
/// # Errors
/// As [`check`] and [`settle`].
pub fn checked(loaded: &Loaded, quiet: bool) -> Result<Loaded, Error> {
    if let threads @ Some(_) = loaded.spec.run.threads {
        // Before anything computes: to select rows of a table that has none starts the pool already.
        set_threads(threads);
    }
    check(loaded)?;
    let settled = settle(loaded, quiet)?;
    if settled.recognised().is_some_and(|recognised| recognised.profile.is_some()) {
        check(&settled)?;
    }
    Ok(settled)
}

/// Refuses what can be refused without looking at any model.
///
/// # Errors
/// Prompts, tables, figures, expectations, and rows that a step reads of another, that can not be.
pub fn check(loaded: &Loaded) -> Result<(), Error> {
    check::prompts(loaded)?;
    check::rows(loaded)
}

fn make_tables(loaded: &Loaded, frames: &mut Frames, results: &mut Results) -> Result<Vec<report::Table>, Error> {
    let tables = &loaded.spec.tables;
    let mut made = Vec::with_capacity(tables.len());
    for table in order::tables(tables) {
        let (rows, with) = frames.read(table).map_err(|missing| check::refused_rows(loaded, table, missing))?;
        let frame = table::build(table, rows, with).map_err(|error| check::refused_table(loaded, error))?;
        let table::Files { csv, parquet } = results.table(&table.name, &frame)?;
        frames.insert(table.name.clone(), frame.clone());
        made.push(report::Table {
            name: table.name.clone(),
            title: table.title.clone(),
            frame,
            decimals: table.decimals,
            files: vec![csv, parquet],
        });
    }
    made.sort_by_key(|made| tables.iter().position(|table| table.name == made.name));
    Ok(made)
}

fn make_figures(spec: &Spec, frames: &Frames, results: &mut Results) -> Result<Vec<report::Figure>, Error> {
    let mut made = Vec::with_capacity(spec.figures.len());
    for figure in &spec.figures {
        interrupt::check()?;
        let rows = frames.get(&figure.from).map_err(Error::refused(format!("figure '{}'", figure.name)))?;
        let drawn = figure::draw(figure, rows, &results.dir().join("figures"), &spec.output.images)?;
        let figure::Drawn { files, notes } = drawn;
        results.wrote(files.iter().cloned());
        made.push(report::Figure { name: figure.name.clone(), title: figure.title.clone(), files, notes });
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

/// A model in the report's facts.
fn model_fact((name, card): &(ModelName, Card)) -> (String, String) {
    let Card { facts, parameters, stored_dtype, dtype, .. } = card;
    (
        format!("model '{name}'"),
        format!("{}, {parameters} parameters, stored as {stored_dtype}, run in {dtype}", facts.family),
    )
}

/// Sets the number of threads of the CPU backend; returns what it is.
fn set_threads(wanted: Option<usize>) -> usize {
    if let Some(threads) = wanted {
        // Fails only where a pool is already running, as in a test that runs two specs: then that pool stays.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
    rayon::current_num_threads()
}
