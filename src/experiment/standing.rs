//! Results that stand: a run whose steps are all in the store, of a spec whose results are as this program made them of the same outcomes,
//! makes nothing again. It has checked all that a run checks: every entry and every file of the results by its content.

use crate::Error;
use crate::manifest::{self, Checksum, Manifest, SelfCheck};
use crate::plan::recall::State;
use crate::plan::{Plan, PlannedStep, Recall, Session};
use crate::results::ClaimedFolder;
use crate::run::record::RunRecord;
use crate::run::{RunOptions, StepRun};
use crate::store::{Entry, MadeResults, Store};
use crate::system::digests::{of_bytes, of_reader};
use std::fs::File;
use std::path::Path;

/// Files of results that their manifest does not list.
const ABOUT: [&str; 3] = [manifest::FILE, "report.md", "report.html"];

/// Results that are there and are those of the run.
pub struct StandingResults {
    /// What they say of themselves.
    pub manifest: Manifest,
    /// How many steps there are, each in the store.
    pub steps: usize,
}

/// The results of a plan, where they stand. Says of each step where it is from, as a run does that takes it from there.
///
/// # Errors
/// Files of models that cannot be read.
pub fn results(
    plan: &Plan,
    session: &Session,
    recalls: &[Recall],
    folder: &ClaimedFolder,
    options: &RunOptions,
) -> Result<Option<StandingResults>, Error> {
    let Some(earlier) = folder.earlier().filter(|earlier| is_lasting(plan, session) && is_whole(earlier)) else {
        return Ok(None);
    };
    let Some(entries) = entries(plan, recalls)? else { return Ok(None) };
    let checksums = entries.iter().map(|(.., entry)| entry.checksum.as_str());
    let Some((store, key)) = key(plan, recalls, folder.place(), checksums)? else { return Ok(None) };
    let Some(made) = store.made(&key) else { return Ok(None) };
    let is_as_made = |file: &Checksum| {
        let found = File::open(folder.place().join(&file.path)).and_then(of_reader);
        found.is_ok_and(|found| found == file.sha256)
    };
    if !made.files.iter().chain(&earlier.files).all(is_as_made)
        || !entries.iter().all(|(.., entry)| store.is_as_put(entry))
    {
        return Ok(None);
    }
    let mut record = RunRecord::begin(plan, recalls, options, folder.place())?;
    for (number, planned, entry) in &entries {
        let of = (planned.step, planned.group.name.as_str());
        let key = recalls[*number].key(planned.step)?;
        let StepRun { outcome, from_store, .. } = StepRun::told(planned.step, entry);
        record.step(of, &key.digest, 0.0, &outcome, from_store.as_ref());
    }
    let Manifest { self_checks, expectations, notes, files, .. } = earlier.clone();
    // What is made of outcomes is as it was; what the manifest has of the run, the spec and the models need not be.
    let now = record.end(&self_checks, &expectations, &notes, &[], (files, Vec::new()));
    if !earlier.has_results_of(&now) {
        return Ok(None);
    }
    say(plan, recalls, &entries, options);
    Ok(Some(StandingResults { manifest: earlier.clone(), steps: entries.len() }))
}

/// Notes what a run has made, for the next one. `entries` are the checksums of its steps' entries.
///
/// # Errors
/// A program that cannot read itself.
pub fn remember(
    plan: &Plan,
    recalls: &[Recall],
    place: &Path,
    manifest: &Manifest,
    entries: &[Option<String>],
) -> Result<(), Error> {
    let all: Option<Vec<&str>> = entries.iter().map(Option::as_deref).collect();
    let Some(entries) = all.filter(|_| plan.into.is_none() && plan.repeats.is_none() && is_whole(manifest)) else {
        return Ok(());
    };
    let Some((store, key)) = key(plan, recalls, place, entries.into_iter())? else { return Ok(()) };
    let checksum = |name: &str| {
        let sha256 = File::open(place.join(name)).and_then(of_reader).ok()?;
        Some(Checksum { path: name.to_string(), sha256 })
    };
    if let Some(files) = ABOUT.into_iter().map(checksum).collect() {
        let build = recalls.first().map_or("", Recall::build).to_string();
        store.remember_made(&key, &MadeResults { build, files });
    }
    Ok(())
}

/// Whether results of the run may be taken as they are: nothing is to be made anew, elsewhere, or as another run's.
fn is_lasting(plan: &Plan, session: &Session) -> bool {
    !session.forces() && plan.into.is_none() && plan.repeats.is_none()
}

/// Whether a run made everything, and nothing is to be seen in every run.
fn is_whole(manifest: &Manifest) -> bool {
    manifest.failed.is_empty() && manifest.left.is_empty() && manifest.self_checks.iter().all(SelfCheck::passed)
}

type PlannedEntry<'p> = (usize, &'p PlannedStep<'p>, Entry);

/// The entry of each step, with the number of its variant; nothing where the store has not all.
fn entries<'p>(plan: &'p Plan, recalls: &[Recall]) -> Result<Option<Vec<PlannedEntry<'p>>>, Error> {
    let mut entries = Vec::new();
    for (number, (variant, recall)) in plan.variants.iter().zip(recalls).enumerate() {
        for planned in &variant.steps {
            match recall.state(planned.step)? {
                State::Stored(entry) => entries.push((number, planned, *entry)),
                _ => return Ok(None),
            }
        }
    }
    Ok(Some(entries))
}

/// The store of all variants, and the key of what is made of their steps: the program, the spec, the folder, and the entries.
fn key<'r>(
    plan: &Plan,
    recalls: &'r [Recall],
    place: &Path,
    entries: impl Iterator<Item = impl Into<String>>,
) -> Result<Option<(&'r Store, String)>, Error> {
    let Some(first) = recalls.first() else { return Ok(None) };
    let Some(store) = first.store().filter(|store| !store.is_temporary()) else { return Ok(None) };
    if recalls.iter().any(|recall| recall.store().is_none_or(|other| other.root() != store.root())) {
        return Ok(None);
    }
    let Ok(place) = std::path::absolute(place) else { return Ok(None) };
    let parts = [first.executable()?, of_bytes(plan.loaded.to_toml().as_bytes()), format!("{place:?}")];
    let parts: Vec<String> = parts.into_iter().chain(entries.map(Into::into)).collect();
    Ok(Some((store, of_bytes(format!("results 1\n{}", parts.join("\n")).as_bytes()))))
}

/// What a run says of its steps that takes them from the store, and what it does with their entries.
fn say(plan: &Plan, recalls: &[Recall], entries: &[PlannedEntry], options: &RunOptions) {
    let count = plan.variants.len();
    for (number, (variant, recall)) in plan.variants.iter().zip(recalls).enumerate() {
        if let (Some(name), false) = (variant.name, variant.steps.is_empty()) {
            options.progress.say(&format!("variant {} of {count}: {name}", number + 1));
        }
        for (_, planned, entry) in entries.iter().filter(|(of, ..)| *of == number) {
            if let Some(recalled) = StepRun::told(planned.step, entry).from_store {
                options.progress.say(&recalled.to_string());
            }
            if let (Some(store), Ok(key)) = (recall.store(), recall.key(planned.step)) {
                store.used(entry);
                store.remove_leftover(&key.digest);
            }
        }
    }
}
