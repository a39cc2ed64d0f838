//! A spec's steps through its store: what was computed before is taken from there, what is computed is put into it.

use super::key::{Key, Keys, environment, parameters};
use super::session::with_all_it_reads;
use super::store::{About, Entry, Store, Taken, utc};
use super::{ModelName, Prepared, Session, machine};
use crate::Error;
use crate::model::files::Part;
use crate::spec::Step;
use crate::step::{self, Context, Outcome, SelfCheck};
use serde::Serialize;
use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Instant;

/// Bytes that take longer to read than a user waits without a word.
const LARGE: u64 = 2_000_000_000;

/// A step whose results were in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recalled {
    /// Name of the step.
    pub step: String,
    /// Its key.
    pub key: String,
    /// When it was computed.
    pub computed: String,
    /// On which processor.
    pub processor: String,
}

impl std::fmt::Display for Recalled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { step, computed, processor, .. } = self;
        write!(f, "step '{step}': from the store, computed {computed} on {processor}")
    }
}

/// Runs the steps of one spec.
pub struct Recall<'a> {
    session: &'a Session,
    kept: Option<Kept<'a>>,
}

/// A store and what it takes to use it.
struct Kept<'a> {
    store: Rc<Store>,
    keys: Keys<'a>,
    to_compare: Keys<'a>,
    build: String,
    processor: String,
    forced: HashSet<String>,
    complained: Cell<bool>,
}

impl<'a> Recall<'a> {
    /// For the steps of this spec.
    ///
    /// # Errors
    /// A program that can not read itself.
    pub fn new(prepared: &'a Prepared, session: &'a Session, store: Option<&'a Rc<Store>>) -> Result<Self, Error> {
        let Some(store) = store else { return Ok(Self { session, kept: None }) };
        let digests = store.digests();
        let kept = Kept {
            keys: Keys::new(prepared.loaded, &prepared.models, digests)?,
            to_compare: Keys::to_compare(prepared.loaded, &prepared.models),
            build: environment::build(digests).map_err(Error::failed("the running program"))?,
            processor: machine::processor(),
            forced: session.forced(prepared.loaded),
            complained: Cell::new(false),
            store: store.clone(),
        };
        Ok(Self { session, kept: Some(kept) })
    }

    /// The outcome of a step, and whether it is from the store. The step sees the rows that its key counts, and no others.
    ///
    /// # Errors
    /// What the step returns.
    pub fn step(&self, step: &Step, context: &Context) -> Result<(Outcome, Option<Recalled>), Error> {
        let frames = context.frames.only(&parameters::reads(step));
        let context = Context { frames: &frames, ..*context };
        let Some(kept) = &self.kept else { return Ok((step::run(step, &context)?, None)) };
        if kept.store.is_temporary() && !self.session.is_shared(&kept.to_compare.of(step)?.digest) {
            return Ok((step::run(step, &context)?, None));
        }
        kept.announce(step, &context)?;
        let key = kept.keys.of(step)?;
        let forced = kept.forced.contains(step.name()) && !self.session.has_computed(&key.digest);
        if let Some(found) = kept.take(&key, step, &context, forced, true)? {
            return Ok(found);
        }
        let wait = |owner: &str| {
            context.progress.say(&format!("step '{}': waiting for {owner}, which computes it", step.name()));
        };
        let _lock = kept.store.lock(&key.digest, step.name(), wait)?;
        // Another process may have put it there meanwhile.
        if let Some(found) = kept.take(&key, step, &context, forced, false)? {
            return Ok(found);
        }
        let outcome = kept.compute(&key, step, &context)?;
        self.session.note_computed(&key.digest);
        Ok((outcome, None))
    }

    /// What the store has of a step.
    ///
    /// # Errors
    /// Files of a model that can not be read.
    pub fn peek(&self, step: &Step) -> Result<Option<Entry>, Error> {
        let Some(kept) = &self.kept else { return Ok(None) };
        let key = kept.keys.of(step)?;
        Ok(if kept.forced.contains(step.name()) { None } else { kept.store.peek(&key, &names(step)).ok().flatten() })
    }
}

impl Kept<'_> {
    /// Says that large files are to be read, before that takes its time.
    fn announce(&self, step: &Step, context: &Context) -> Result<(), Error> {
        for name in step.models().map(|selected| context.models.names(selected)).unwrap_or_default() {
            let unread = |part: Part| match part {
                Part::File { path, .. } => self.store.digests().unread(&path),
                Part::Bytes { .. } | Part::Seed(_) => 0,
            };
            let bytes: u64 = context.models.parts(&name)?.into_iter().map(unread).sum();
            if bytes >= LARGE {
                let gigabytes = bytes as f64 / 1e9;
                context.progress.say(&format!("model '{name}': checksums of {gigabytes:.1} GB, made once"));
            }
        }
        Ok(())
    }

    fn take(
        &self,
        key: &Key,
        step: &Step,
        context: &Context,
        forced: bool,
        tell: bool,
    ) -> Result<Option<(Outcome, Option<Recalled>)>, Error> {
        if forced {
            return Ok(None);
        }
        match self.store.take(key, step.name(), &names(step), context.dir)? {
            Taken::Nothing => Ok(None),
            Taken::Damaged(damage) => {
                if tell {
                    context.progress.say(&format!(
                        "note: step '{}': its entry {} in the store {} is damaged ({damage}); it is computed again",
                        step.name(),
                        &key.digest[..12],
                        self.store.root().display()
                    ));
                }
                Ok(None)
            }
            Taken::Found(found) => {
                let (outcome, entry) = *found;
                let recalled = Recalled {
                    step: step.name().to_string(),
                    key: entry.key,
                    computed: utc(entry.computed),
                    processor: entry.processor,
                };
                context.progress.say(&recalled.to_string());
                Ok(Some((outcome, Some(recalled))))
            }
        }
    }

    fn compute(&self, key: &Key, step: &Step, context: &Context) -> Result<Outcome, Error> {
        let started = Instant::now();
        context.models.asked().forget();
        let outcome = step::run(step, context)?;
        // What fails its own check is to be seen in every run.
        if !outcome.checks.iter().all(SelfCheck::passed) {
            return Ok(outcome);
        }
        if let Some(beyond) = beyond_its_key(step, context) {
            context.progress.say(&format!(
                "warning: step '{}' asked for {beyond}, which its key does not have: a fault of the program; its results \
                 are not kept in the store",
                step.name()
            ));
            return Ok(outcome);
        }
        if self.keys.now(step).ok().as_ref() != Some(key) {
            context.progress.say(&format!(
                "note: step '{}': files of its model changed while it ran; its results are not kept in the store",
                step.name()
            ));
            return Ok(outcome);
        }
        let about = About {
            step: step.name(),
            kind: step.kind(),
            spec: context.loaded.sources.first().map_or("", |source| source.name()),
            seconds: started.elapsed().as_secs_f64(),
            processor: &self.processor,
            build: &self.build,
            names: &names(step),
            dir: context.dir,
        };
        if let Err(error) = self.store.put(key, &outcome, &about)
            && !self.complained.replace(true)
        {
            context.progress.say(&format!(
                "warning: step '{}': its results are not kept in the store {}: {error}; the run goes on",
                step.name(),
                self.store.root().display()
            ));
        }
        Ok(outcome)
    }
}

/// What a step has asked for that is neither in its key nor in those of the steps whose rows it reads.
fn beyond_its_key(step: &Step, context: &Context) -> Option<String> {
    let steps = with_all_it_reads(context.loaded, step);
    let models: Vec<ModelName> =
        steps.iter().filter_map(|step| step.models()).flat_map(|selected| context.models.names(selected)).collect();
    let prompts: Vec<Option<String>> = steps.iter().flat_map(|step| parameters::prompt_sets(step)).collect();
    context.models.asked().beyond(&models, &prompts)
}

/// Names that an outcome may have in it: the step's, and those of what it reads.
fn names(step: &Step) -> Vec<String> {
    std::iter::once(step.name().to_string()).chain(parameters::reads(step)).collect()
}
