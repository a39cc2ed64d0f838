//! Several specs in one run: all are checked before any is run, and one that fails does not stop the others.

use super::summary::{self, Ended};
use super::{folders, work};
use crate::check::{before_models, folder, rows as check, settle};
use crate::context::ModelCache;
use crate::plan::{Plan, Session};
use crate::run::RunOptions;
use crate::shard;
use crate::spec::{self, Filter, Loaded, SpecError, SpecErrors};
use crate::system::progress::Progress;
use crate::{Error, check::checked, report};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Specs as they were read: those that are refused with their errors, all of them.
pub struct Specs {
    /// Each with how long reading it took.
    loaded: Vec<(Loaded, Duration)>,
    refused: Vec<Error>,
    /// Those that are not about the model at hand, by the path of their file.
    unsuited: Vec<(String, SpecErrors)>,
}

impl Specs {
    /// Reads the specs that paths name, all of them (see [`Specs::filtered`]).
    ///
    /// # Errors
    /// Folders without specs.
    pub fn read(paths: &[PathBuf], sets: &[String], quiet: bool) -> Result<Self, Error> {
        Self::filtered(paths, sets, None, quiet)
    }

    /// Reads the specs that paths name (see [`spec::files`]) and that a filter means, `sets` laid over each, and settles them (see
    /// [`check::checked`]).
    ///
    /// # Errors
    /// Folders without specs, and a filter that means none. What is wrong with a spec is kept for [`Specs::plan`], which finds the rest.
    pub fn filtered(paths: &[PathBuf], sets: &[String], filter: Option<&Filter>, quiet: bool) -> Result<Self, Error> {
        let mut specs = Self { loaded: Vec::new(), refused: Vec::new(), unsuited: Vec::new() };
        let mut passed = Vec::new();
        for file in spec::files(paths)? {
            let started = Instant::now();
            let loaded = spec::load(&file, sets, std::env::vars());
            let name = file.display().to_string();
            if filter.is_some_and(|filter| filter.holds(&name, loaded.as_ref().ok()) == Some(false)) {
                passed.push(name);
                continue;
            }
            let checked = match &loaded {
                Ok(loaded) => match checked(loaded, quiet) {
                    Err(Error::Spec(errors)) => with_further(errors, Some(loaded), quiet),
                    checked => checked,
                },
                Err(errors) => with_further(errors.clone(), errors.meant(), quiet),
            };
            match checked {
                Ok(loaded) => specs.loaded.push((loaded, started.elapsed())),
                Err(Error::Interrupted(interrupted)) => return Err(interrupted.into()),
                Err(Error::Unsuited(errors)) => specs.unsuited.push((file.display().to_string(), errors)),
                Err(error) => specs.refused.push(error),
            }
        }
        if specs.loaded.is_empty() {
            // Nothing would be left to run.
            specs.refused.extend(specs.unsuited.drain(..).map(|(_, errors)| Error::Unsuited(errors)));
        }
        match filter {
            Some(filter) if specs.loaded.is_empty() && specs.refused.is_empty() => {
                let problem = format!("it fits none of the specs: {}", passed.join(", "));
                Err(Error::refused(format!("--filter '{filter}'"))(problem))
            }
            _ => Ok(specs),
        }
    }

    /// With a filter that cannot be read: what is wrong with the spec, too, where one is named. Of several nobody knows which are
    /// meant.
    pub fn beside(filter: Error, paths: &[PathBuf], sets: &[String]) -> Error {
        if !matches!(spec::files(paths).as_deref(), Ok([_])) {
            return filter;
        }
        match Self::read(paths, sets, true).and_then(|mut specs| specs.plan(true).map(drop)) {
            Ok(()) => filter,
            Err(Error::Interrupted(interrupted)) => interrupted.into(),
            Err(Error::Refusals(mut refused)) => {
                refused.push(filter);
                Error::Refusals(refused)
            }
            Err(other) => Error::Refusals(vec![other, filter]),
        }
    }

    /// The specs that are passed over, as the model has not what they need; a sentence for each.
    pub fn passed_over(&self) -> impl Iterator<Item = String> {
        self.unsuited.iter().map(|(file, errors)| {
            let said: Vec<String> = errors.iter().map(SpecError::in_a_line).collect();
            format!("{file} is skipped: {}", said.join("; "))
        })
    }

    /// Checks all of them.
    ///
    /// # Errors
    /// Everything that is wrong with any: then none is to be run.
    pub fn plan(&mut self, quiet: bool) -> Result<Vec<Plan<'_>>, Error> {
        self.each(|loaded, cache| Plan::new(loaded, quiet, cache))
    }

    /// Checks all of them as far as the session's stores have not their steps.
    ///
    /// # Errors
    /// As [`Specs::plan`].
    pub fn plan_to_run(&mut self, quiet: bool, session: &Session) -> Result<Vec<Plan<'_>>, Error> {
        self.each(|loaded, cache| Plan::to_run(loaded, quiet, cache, session))
    }

    /// The plans of specs that another process has checked: their steps are not resolved again.
    ///
    /// # Errors
    /// Everything that is wrong with any, as far as it is looked at.
    pub fn plan_again(&mut self, quiet: bool, session: &Session) -> Result<Vec<Plan<'_>>, Error> {
        self.each(|loaded, cache| Plan::in_another_thread(loaded, quiet, cache, session))
    }

    fn each<'s>(
        &'s mut self,
        plan: impl Fn(&'s Loaded, Rc<ModelCache>) -> Result<Plan<'s>, Error>,
    ) -> Result<Vec<Plan<'s>>, Error> {
        let mut refused = std::mem::take(&mut self.refused);
        let mut plans = Vec::with_capacity(self.loaded.len());
        let cache: Rc<ModelCache> = Rc::default();
        for (loaded, reading) in &self.loaded {
            let started = Instant::now();
            match plan(loaded, cache.clone()) {
                Ok(spec) => plans.push(Plan { preparing: *reading + started.elapsed(), ..spec }),
                Err(Error::Interrupted(interrupted)) => return Err(interrupted.into()),
                Err(Error::Spec(errors)) => {
                    let way = folders::in_the_way(loaded, &folder::of(loaded));
                    refused.push(SpecErrors::join(std::iter::once(errors).chain(way)).into());
                }
                Err(error) => refused.push(error),
            }
        }
        refused.extend(folders::each_its_own(&plans));
        refused.extend(folders::no_files(&plans));
        match refused.pop() {
            None => Ok(plans),
            Some(only) if refused.is_empty() => Err(only),
            Some(last) => {
                refused.push(last);
                Err(Error::Refusals(refused))
            }
        }
    }
}

/// What is wrong with a spec, and what else is that no check has come to; `loaded` is the spec as far as it can be read.
fn with_further(errors: SpecErrors, loaded: Option<&Loaded>, quiet: bool) -> Result<Loaded, Error> {
    let mut all = vec![errors];
    if let Some(loaded) = loaded {
        all.extend(further(loaded, quiet)?);
        all.extend(folders::in_the_way(loaded, &folder::of(loaded)));
    }
    Err(SpecErrors::join(all).into())
}

/// Runs specs, `jobs` at a time, what they have in common once; `command` is the command that runs one of them alone, for its
/// report.
///
/// # Errors
/// Of a single spec its own error; of several, those that failed once all have been run.
pub fn all(
    specs: &[Plan],
    session: &Session,
    progress: &Progress,
    jobs: usize,
    command: impl Fn(&Loaded) -> String + Sync,
) -> Result<(), Error> {
    session.check(specs.iter().map(|spec| spec.loaded))?;
    replaceable(specs, session)?;
    if session.gathers() {
        shard::check_stores(specs, session)?;
    }
    let run = ManyRun { count: specs.len(), session, progress, command: &command };
    let done = match jobs.min(specs.len()) {
        0 | 1 => {
            specs.iter().enumerate().map(|(number, spec)| run.one(number, spec, progress)).collect::<Result<_, _>>()?
        }
        jobs => side_by_side(specs, jobs, &run)?,
    };
    index_pages(specs, progress);
    if let [_, _, ..] = specs {
        progress.say(&format!("\n{}", summary::table(&done)));
    }
    let failed = done.into_iter().filter_map(|(name, ended)| Some((name, ended.error?)));
    let mut failed: Vec<(String, Error)> = failed.collect();
    match failed.pop() {
        None => Ok(()),
        Some((_, only)) if specs.len() == 1 => Err(only),
        Some(last) => {
            failed.push(last);
            Err(Error::Failures { failed, of: specs.len() })
        }
    }
}

/// Refuses results folders that have results of other specs, unless they are to be replaced.
///
/// # Errors
/// All of them.
pub fn replaceable(specs: &[Plan], session: &Session) -> Result<(), Error> {
    let forced = session.forces();
    let refused = specs.iter().filter(|_| !forced).filter_map(|spec| folders::not_of_another(spec).err());
    let mut refused: Vec<Error> = refused.collect();
    match refused.pop() {
        None => Ok(()),
        Some(only) if refused.is_empty() => Err(only),
        Some(last) => {
            refused.push(last);
            Err(Error::Refusals(refused))
        }
    }
}

/// A page for each folder that has the results of several of the specs. Without one nothing is lost, so the run goes on.
fn index_pages(specs: &[Plan], progress: &Progress) {
    let folders: Vec<PathBuf> =
        specs.iter().filter_map(|spec| folder::of(spec.loaded).parent().map(PathBuf::from)).collect();
    let several: BTreeSet<&PathBuf> =
        folders.iter().filter(|one| folders.iter().filter(|other| other == one).count() > 1).collect();
    for folder in several {
        match report::write_index(folder) {
            Ok(Some(page)) => progress.say(&format!("all of them in {}", page.display())),
            Ok(None) => {}
            Err(error) => progress.say(&format!("note: {error}")),
        }
    }
}

/// What running one of the specs takes besides itself.
struct ManyRun<'r> {
    count: usize,
    session: &'r Session,
    progress: &'r Progress,
    command: &'r (dyn Fn(&Loaded) -> String + Sync),
}

type EndedSpec = (String, Ended);

impl ManyRun<'_> {
    fn one(&self, number: usize, spec: &Plan, progress: &Progress) -> Result<EndedSpec, Error> {
        let name = name(spec.loaded);
        if self.count > 1 {
            progress.say(&format!("spec {} of {}: {name}", number + 1, self.count));
        }
        let started = Instant::now();
        let ended = match work(spec, self.session, &RunOptions { progress, command: (self.command)(spec.loaded) }) {
            Ok(ended) => ended,
            Err(Error::Interrupted(interrupted)) => return Err(interrupted.into()),
            Err(error) => Ended::early(error, started.elapsed().as_secs_f64()),
        };
        if self.count > 1 && ended.error.is_some() {
            progress.say(&format!("{name} failed; the error is shown at the end"));
        }
        Ok((name.to_string(), ended))
    }
}

fn name(loaded: &Loaded) -> &str {
    loaded.sources.first().map_or("", |source| source.name())
}

/// Each of `jobs` workers takes the next spec that none has taken. It has models of its own, and its share of the threads.
fn side_by_side(specs: &[Plan], jobs: usize, run: &ManyRun) -> Result<Vec<EndedSpec>, Error> {
    let threads = (specs.iter().map(|spec| spec.threads).max().unwrap_or(1) / jobs).max(1);
    let loaded: Vec<&Loaded> = specs.iter().map(|spec| spec.loaded).collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, EndedSpec)>, Error> {
        let cache: Rc<ModelCache> = Rc::default();
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(loaded) = loaded.get(number) else { return Ok(done) };
            let progress = run.progress.named(&short(loaded));
            let started = Instant::now();
            let one = match Plan::in_another_thread(loaded, true, cache.clone(), run.session) {
                Ok(spec) => run.one(number, &spec, &progress)?,
                Err(error) => (name(loaded).to_string(), Ended::early(error, started.elapsed().as_secs_f64())),
            };
            done.push((number, one));
        }
    };
    let pools = (0..jobs).map(|_| rayon::ThreadPoolBuilder::new().num_threads(threads).build());
    let pools = pools.collect::<Result<Vec<_>, _>>().map_err(Error::failed("threads"))?;
    let workers: Vec<Result<Vec<(usize, EndedSpec)>, Error>> = std::thread::scope(|scope| {
        let started: Vec<_> = pools.iter().map(|pool| scope.spawn(move || pool.install(work))).collect();
        started
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut done = Vec::with_capacity(loaded.len());
    for worker in workers {
        done.extend(worker?);
    }
    done.sort_by_key(|(number, _)| *number);
    Ok(done.into_iter().map(|(_, one)| one).collect())
}

/// What its lines begin with.
fn short(loaded: &Loaded) -> String {
    Path::new(name(loaded)).file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// What else is wrong with a spec that is refused, as far as its models are here: what no check has come to.
///
/// # Errors
/// Ctrl-C.
fn further(loaded: &Loaded, quiet: bool) -> Result<Vec<SpecErrors>, Error> {
    let mut errors = Vec::new();
    let mut take = |result: Result<(), Error>| match result {
        Err(Error::Spec(more)) => {
            errors.push(more.of_what_is_known());
            Ok(())
        }
        Err(Error::Interrupted(interrupted)) => Err(Error::from(interrupted)),
        _ => Ok(()),
    };
    take(before_models(loaded))?;
    let is_here = |loaded: &Loaded| {
        let models = loaded.spec.model.iter().chain(loaded.spec.models.values());
        models.into_iter().all(|model| !model.source.starts_with("hf:"))
    };
    if check::prompts(loaded).is_ok() && loaded.variants().into_iter().all(is_here) {
        match settle(loaded, quiet) {
            Ok(settled) => take(Plan::new(&settled, quiet, Rc::default()).map(drop))?,
            Err(Error::Spec(more)) => {
                let meant = more.meant().cloned();
                take(Err(more.into()))?;
                // The same spec once more, with a profile over it.
                if let Some(settled) = meant {
                    take(Plan::new(&settled, quiet, Rc::default()).map(drop))?;
                }
            }
            Err(error) => take(Err(error))?,
        }
    }
    Ok(errors)
}
