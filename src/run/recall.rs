//! A spec's steps through its store: what was computed before is taken from there, what is computed is put into it.

use super::Session;
use crate::check::Ready;
use crate::context::{Context, Models};
pub use crate::manifest::Recalled;
use crate::manifest::{self, SelfCheck};
use crate::model::ModelName;
use crate::model::files::Part;
use crate::resume::{Blocks, Terms};
use crate::spec::{Loaded, Step};
use crate::step::{self, Outcome};
use crate::store::key::{Key, Keys, fingerprint, parameters};
use crate::store::{About, Entry, Store, Taken};
use crate::system::progress::Progress;
use crate::system::time::{now, utc};
use crate::system::{Digests, environment};
use crate::variants::reads::with_all_it_reads;
use crate::{Error, resume as blocks};
use std::cell::Cell;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Bytes that take longer to read than a user waits without a word.
const LARGE: u64 = 2_000_000_000;

/// What the store has of a step.
#[derive(Debug)]
pub enum State {
    /// There is no store.
    NoStore,
    /// The step is computed whatever there is.
    Forced,
    /// Its entry is damaged.
    Damaged(String),
    /// Its results.
    Stored(Box<Entry>),
    /// Nothing.
    Nothing,
}

/// Runs the steps of one spec.
pub struct Recall<'a> {
    session: &'a Session,
    digests: &'a Digests,
    keys: Keys<'a>,
    build: String,
    kept: Option<Kept<'a>>,
}

/// A store and what it takes to use it.
struct Kept<'a> {
    store: Arc<Store>,
    to_compare: Keys<'a>,
    processor: String,
    forced: HashSet<String>,
    complained: Cell<bool>,
    complained_of_blocks: Cell<bool>,
}

impl<'a> Recall<'a> {
    /// For the steps of this variant of a spec.
    ///
    /// # Errors
    /// A program that cannot read itself.
    pub fn new(prepared: &'a Ready, session: &'a Session, store: Option<&'a Arc<Store>>) -> Result<Self, Error> {
        let digests = store.map_or_else(|| session.digests(), |store| store.digests());
        let kept = store.map(|store| Kept {
            to_compare: Keys::to_compare(prepared.loaded, &prepared.models),
            processor: manifest::processor(),
            forced: session.forced(prepared.loaded),
            complained: Cell::new(false),
            complained_of_blocks: Cell::new(false),
            store: store.clone(),
        });
        Ok(Self {
            session,
            digests,
            keys: Keys::new(prepared.loaded, &prepared.models, digests)?,
            build: environment::build(digests).map_err(Error::failed("the running program"))?,
            kept,
        })
    }

    /// A step's key.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn key(&self, step: &Step) -> Result<Rc<Key>, Error> {
        self.keys.of(step)
    }

    /// SHA-256 of the running program.
    pub fn build(&self) -> &str {
        &self.build
    }

    /// SHA-256 over everything that a model is read from. Says that large files are to be read, before that takes its time.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn fingerprint(&self, models: &Models, name: &ModelName, progress: &Progress) -> Result<String, Error> {
        let unread = |part: Part| match part {
            Part::File { path, .. } => self.digests.unread(&path),
            Part::Bytes { .. } | Part::Seed(_) => 0,
        };
        let bytes: u64 = models.parts(name)?.into_iter().map(unread).sum();
        if bytes >= LARGE {
            let once = if self.kept.is_some() { ", made once" } else { "" };
            progress.say(&format!("model '{name}': checksums of {:.1} GB{once}", bytes as f64 / 1e9));
        }
        fingerprint(models, name, self.digests)
    }

    /// The outcome of a step, and whether it is from the store. The step sees the rows that its key counts, and no others.
    ///
    /// # Errors
    /// What the step returns.
    pub fn step(&self, step: &Step, context: &Context) -> Result<(Outcome, Option<Recalled>), Error> {
        let frames = context.frames.only(&parameters::reads(step));
        let context = Context { frames: &frames, ..*context };
        let key = self.keys.of(step)?;
        let Some(kept) = &self.kept else { return Ok((run(step, &context)?, None)) };
        if kept.store.is_temporary() && !self.session.is_shared(&kept.to_compare.of(step)?.digest) {
            return Ok((run(step, &context)?, None));
        }
        let forced = || kept.forced.contains(step.name()) && !self.session.has_computed(&key.digest);
        if let Some(found) = kept.take(&key, step, &context, forced(), true)? {
            return Ok(found);
        }
        let wait = |owner: &str| {
            context.progress.say(&format!("step '{}': waiting for {owner}, which computes it", step.name()));
        };
        let _lock = kept.store.lock(&key.digest, step.name(), wait)?;
        // Another process, or another spec of this one, may have put it there meanwhile.
        if let Some(found) = kept.take(&key, step, &context, forced(), false)? {
            return Ok(found);
        }
        let started = Instant::now();
        let blocks = kept.blocks(&key, self, step, &context);
        if forced() {
            blocks.forget();
        }
        let outcome = run(step, &Context { blocks: &blocks, ..context });
        if outcome.is_err() && blocks.held() > 0 {
            context.progress.say(&format!(
                "step '{}': {} finished blocks are kept in the store; the next run goes on from there",
                step.name(),
                blocks.held()
            ));
        }
        let outcome = outcome?;
        kept.keep(&outcome, started.elapsed().as_secs_f64(), &key, self, step, &context);
        blocks.discard();
        self.session.note_computed(&key.digest);
        Ok((outcome, None))
    }

    /// What the store has of a step, its files not read.
    ///
    /// # Errors
    /// Files of a model that cannot be read.
    pub fn state(&self, step: &Step) -> Result<State, Error> {
        let key = self.keys.of(step)?;
        let Some(kept) = self.kept.as_ref().filter(|kept| !kept.store.is_temporary()) else {
            return Ok(State::NoStore);
        };
        if kept.forced.contains(step.name()) {
            return Ok(State::Forced);
        }
        Ok(match kept.store.peek(&key, &names(step)) {
            Ok(Some(entry)) => State::Stored(Box::new(entry)),
            Ok(None) => State::Nothing,
            Err(damage) => State::Damaged(damage),
        })
    }

    /// How many finished blocks a run that was interrupted has left for the next.
    ///
    /// # Errors
    /// As [`Recall::state`].
    pub fn left(&self, step: &Step, loaded: &Loaded) -> Result<usize, Error> {
        let Some(kept) = &self.kept else { return Ok(0) };
        Ok(blocks::left(&kept.store.blocks_of(&self.keys.of(step)?.digest), &terms(loaded, &kept.processor)))
    }

    /// The store, where there is one.
    pub fn store(&self) -> Option<&Store> {
        self.kept.as_ref().map(|kept| kept.store.as_ref())
    }

    /// Every entry of the store that is whole.
    ///
    /// # Errors
    /// A store that cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        let Some(kept) = &self.kept else { return Ok(Vec::new()) };
        let about = format!("store {}", kept.store.root().display());
        let listed = kept.store.list().map_err(Error::failed(about))?;
        Ok(listed.into_iter().filter_map(|listed| listed.entry.ok()).collect())
    }

    /// The step or table whose rows a key has under this checksum.
    ///
    /// # Errors
    /// As [`Keys::of`].
    pub fn called(&self, digest: &str) -> Result<Option<String>, Error> {
        self.keys.called(digest)
    }
}

impl Kept<'_> {
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
                self.store.remove_leftover(&key.digest);
                let (outcome, entry) = *found;
                let recalled = Recalled {
                    step: step.name().to_string(),
                    key: entry.key,
                    computed: utc(entry.computed),
                    processor: entry.processor,
                    seconds: entry.seconds,
                    variants: String::new(),
                };
                context.progress.say(&recalled.to_string());
                Ok(Some((outcome, Some(recalled))))
            }
        }
    }

    /// What keeps the finished blocks of a step. A store that is gone with the command keeps none.
    fn blocks<'b>(&'b self, key: &'b Key, recall: &'b Recall, step: &'b Step, context: &Context<'b>) -> Blocks<'b> {
        if self.store.is_temporary() {
            return Blocks::off();
        }
        let terms = terms(context.loaded, &self.processor);
        let about = blocks::About::new(step.name(), step.kind(), spec_name(context), &recall.build, terms, now());
        let progress = context.progress;
        let refused = move |error: &std::io::Error| {
            if !self.complained_of_blocks.replace(true) {
                progress.say(&format!(
                    "note: step '{}': its finished blocks are not kept in the store {}: {error}; the run goes on, but were it \
                     interrupted, this step would begin anew",
                    step.name(),
                    self.store.root().display()
                ));
            }
        };
        let unchanged = move || recall.keys.now(step).ok().as_ref() == Some(key);
        Blocks::at(self.store.blocks_of(&key.digest), about, progress, unchanged, refused)
    }

    /// Puts an outcome into the store, or says why not.
    fn keep(&self, outcome: &Outcome, seconds: f64, key: &Key, recall: &Recall, step: &Step, context: &Context) {
        // What fails its own check is to be seen in every run.
        if !outcome.checks.iter().all(SelfCheck::passed) {
            return;
        }
        if let Some(beyond) = beyond_its_key(step, context) {
            return context.progress.say(&format!(
                "warning: step '{}' asked for {beyond}, which its key does not have: a fault of the program; its results \
                 are not kept in the store",
                step.name()
            ));
        }
        if recall.keys.now(step).ok().as_ref() != Some(key) {
            return context.progress.say(&format!(
                "note: step '{}': files of its model changed while it ran; its results are not kept in the store",
                step.name()
            ));
        }
        let about = About {
            step: step.name(),
            kind: step.kind(),
            spec: spec_name(context),
            seconds,
            processor: &self.processor,
            build: &recall.build,
            names: &names(step),
            dir: context.dir,
        };
        if let Err(error) = self.store.put(key, outcome, &about)
            && !self.complained.replace(true)
        {
            context.progress.say(&format!(
                "warning: step '{}': its results are not kept in the store {}: {error}; the run goes on",
                step.name(),
                self.store.root().display()
            ));
        }
    }
}

/// What the ends of a step's blocks depend on besides its key.
fn terms(loaded: &Loaded, processor: &str) -> Terms {
    let run = &loaded.spec.run;
    let models = loaded.spec.model.iter().chain(loaded.spec.models.values());
    let devices: BTreeSet<String> = models.map(|model| model.device.to_string()).collect();
    Terms {
        memory_mib: run.memory_mib,
        batch: run.batch,
        threads: rayon::current_num_threads(),
        processor: processor.to_string(),
        devices: devices.into_iter().collect(),
    }
}

/// The spec that a step is of.
fn spec_name<'a>(context: &Context<'a>) -> &'a str {
    context.loaded.sources.first().map_or("", |source| source.name())
}

/// Runs a step; its outcome has the prompts that it ran on.
fn run(step: &Step, context: &Context) -> Result<Outcome, Error> {
    let asked = context.models.asked();
    asked.forget();
    let outcome = step::run(step, context)?;
    Ok(Outcome { prompts: asked.take_built(), ..outcome })
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
pub(crate) fn names(step: &Step) -> Vec<String> {
    std::iter::once(step.name().to_string()).chain(parameters::reads(step)).collect()
}
