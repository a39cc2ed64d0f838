//! Runs a step through its store: what was computed before is taken from there, what is computed is put into it.

use super::device_failure;
use crate::context::Context;
use crate::counted::{agreeing, counted};
use crate::manifest::{Recalled, SelfCheck};
use crate::model::ModelName;
use crate::plan::Recall;
use crate::plan::recall::{StoreHandle, names, terms};
use crate::resume::Blocks;
use crate::spec::{Device, Step};
use crate::step::{self, Outcome};
use crate::store::key::{Key, parameters};
use crate::store::{Entry, Provenance, Taken};
use crate::system::interrupt;
use crate::system::time::{now, utc};
use crate::variants::reads::with_all_it_reads;
use crate::{Error, resume as blocks};
use std::time::Instant;

/// A step that was run, or taken from the store.
#[derive(Default)]
pub struct StepRun {
    /// What it has made.
    pub outcome: Outcome,
    /// When and where that was computed, if it is from the store.
    pub from_store: Option<Recalled>,
    /// The checksum of its entry in the store; none where it has none.
    pub entry: Option<String>,
}

impl StepRun {
    fn without_store(outcome: Outcome) -> Self {
        Self { outcome, ..Self::default() }
    }

    /// What is said of a step that is in the store, whose rows and files nobody asks for.
    pub(crate) fn told(step: &Step, entry: &Entry) -> Self {
        Self {
            outcome: Outcome { prompts: entry.prompts.clone(), ..Outcome::default() },
            from_store: Some(recalled(step, entry)),
            entry: Some(entry.checksum.clone()),
        }
    }
}

impl Recall<'_> {
    /// The outcome of a step, run or from the store. The step sees the rows that its key counts, and no others.
    ///
    /// # Errors
    /// What the step returns.
    pub fn step(&self, step: &Step, context: &Context) -> Result<StepRun, Error> {
        let frames = context.frames.only(&parameters::reads(step));
        let context = Context { frames: &frames, ..*context };
        let key = self.keys.of(step)?;
        let Some(handle) = &self.handle else { return Ok(StepRun::without_store(run(step, &context)?)) };
        if handle.store.is_temporary() && !self.session.is_shared(&handle.to_compare.of(step)?.digest) {
            return Ok(StepRun::without_store(run(step, &context)?));
        }
        let forced = || handle.forced.contains(step.name()) && !self.session.has_computed(&key.digest);
        if let Some(found) = handle.take(&key, step, &context, forced(), true)? {
            return Ok(found);
        }
        if self.session.gathers() {
            return Err(handle.missing(&key, step));
        }
        let wait = |owner: &str| {
            context.progress.say(&format!("step '{}': waiting for {owner}, which is computing it", step.name()));
        };
        let _claim = handle.store.claim(&key.digest, step.name(), wait)?;
        // Another process, or another spec of this one, may have put it there meanwhile.
        if let Some(found) = handle.take(&key, step, &context, forced(), false)? {
            return Ok(found);
        }
        let started = Instant::now();
        let blocks = handle.blocks(&key, self, step, &context);
        if forced() {
            blocks.forget();
        }
        let outcome = run(step, &Context { blocks: &blocks, ..context });
        if outcome.is_err() && blocks.held() > 0 {
            context.progress.say(&format!(
                "step '{}': {} {} kept in the store; the next run continues after {}",
                step.name(),
                counted(blocks.held(), "finished block"),
                agreeing(blocks.held(), "is", "are"),
                agreeing(blocks.held(), "it", "them")
            ));
        }
        let outcome = outcome?;
        handle.store.forget_failure(&key.digest);
        let entry = handle.keep(&outcome, started.elapsed().as_secs_f64(), &key, self, step, &context);
        if entry.is_some() {
            interrupt::stored_a_step();
        }
        blocks.discard();
        self.session.note_computed(&key.digest);
        Ok(StepRun { outcome, from_store: None, entry })
    }
}

impl StoreHandle<'_> {
    /// Why a step cannot be taken from the store.
    fn missing(&self, key: &Key, step: &Step) -> Error {
        let why = match self.store.failure(&key.digest) {
            Some(failure) => failure.to_string(),
            None => "no part of the run has computed it yet; run the missing parts, or leave out --gather to compute it here".to_string(),
        };
        Error::failed(format!("step '{}' is not in the store", step.name()))(why)
    }

    fn take(
        &self,
        key: &Key,
        step: &Step,
        context: &Context,
        forced: bool,
        tell: bool,
    ) -> Result<Option<StepRun>, Error> {
        if forced {
            return Ok(None);
        }
        match self.store.take(key, step.name(), &names(step), context.dir)? {
            Taken::Nothing => Ok(None),
            Taken::Damaged(damage) => {
                if tell {
                    context.progress.say(&format!(
                        "note: step '{}': its entry {} in the store {} is damaged ({damage}), so it is computed again",
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
                let recalled = recalled(step, &entry);
                context.progress.say(&recalled.to_string());
                Ok(Some(StepRun { outcome, from_store: Some(recalled), entry: Some(entry.checksum) }))
            }
        }
    }

    /// What keeps the finished blocks of a step. A store that is gone with the command keeps none.
    fn blocks<'b>(&'b self, key: &'b Key, recall: &'b Recall, step: &'b Step, context: &Context<'b>) -> Blocks<'b> {
        if self.store.is_temporary() {
            return Blocks::off();
        }
        let terms = terms(context.loaded, &self.processor);
        let about = blocks::About::new(step.name(), step.kind(), spec_name(context), recall.build(), terms, now());
        let progress = context.progress;
        let refused = move |error: &std::io::Error| {
            if !self.complained_of_blocks.replace(true) {
                progress.say(&format!(
                    "note: step '{}': its finished blocks cannot be kept in the store {}: {error}; the run continues, but if it is \
                     interrupted, this step starts from the beginning",
                    step.name(),
                    self.store.root().display()
                ));
            }
        };
        let unchanged = move || recall.keys.now(step).ok().as_ref() == Some(key);
        Blocks::at(self.store.blocks_of(&key.digest), about, progress, unchanged, refused)
    }

    /// Puts an outcome into the store, or says why not; the checksum of its entry, where there is one.
    fn keep(
        &self,
        outcome: &Outcome,
        seconds: f64,
        key: &Key,
        recall: &Recall,
        step: &Step,
        context: &Context,
    ) -> Option<String> {
        // What fails its own check is to be seen in every run.
        if !outcome.checks.iter().all(SelfCheck::passed) {
            return None;
        }
        if let Some(beyond) = beyond_its_key(step, context) {
            context.progress.say(&format!(
                "warning: step '{}' used {beyond}, which is not part of its key; its results are not kept in the store (this is a \
                 fault of ablate: please report it)",
                step.name()
            ));
            return None;
        }
        if recall.keys.now(step).ok().as_ref() != Some(key) {
            context.progress.say(&format!(
                "note: step '{}': files of its model changed while it ran, so its results are not kept in the store",
                step.name()
            ));
            return None;
        }
        let about = Provenance {
            step: step.name(),
            kind: step.kind(),
            spec: spec_name(context),
            seconds,
            processor: &self.processor,
            build: recall.build(),
            names: &names(step),
            dir: context.dir,
        };
        match self.store.put(key, outcome, &about) {
            Ok(checksum) => return Some(checksum),
            Err(_) if self.complained.replace(true) => {}
            Err(error) => context.progress.say(&format!(
                "warning: step '{}': its results cannot be kept in the store {}: {error}; the run continues",
                step.name(),
                self.store.root().display()
            )),
        }
        None
    }
}

/// What is said of a step whose entry was in the store.
fn recalled(step: &Step, entry: &Entry) -> Recalled {
    Recalled {
        step: step.name().to_string(),
        key: entry.key.clone(),
        computed: utc(entry.computed),
        processor: entry.processor.clone(),
        seconds: entry.seconds,
        job: entry.job.clone(),
        variants: String::new(),
    }
}

/// The spec that a step is of.
fn spec_name<'a>(context: &Context<'a>) -> &'a str {
    context.loaded.sources.first().map_or("", |source| source.name())
}

/// Runs a step; its outcome has the prompts that it ran on.
fn run(step: &Step, context: &Context) -> Result<Outcome, Error> {
    let usage = context.models.usage();
    usage.forget();
    let models = step.models().map(|selected| context.models.names(selected)).unwrap_or_default();
    let settings = models.iter().filter_map(|name| context.models.settings(name));
    let devices: Vec<Device> = settings.flat_map(|model| model.device.all()).collect();
    let outcome = device_failure::caught(step.name(), &devices, || step::run(step, context))?;
    if let Some((model, unread)) = usage.unread() {
        return Err(Error::failed(format!("model '{model}'"))(unread));
    }
    Ok(Outcome { prompts: usage.take_built(), bytes_read: usage.bytes_read(), ..outcome })
}

/// What a step has asked for that is neither in its key nor in those of the steps whose rows it reads.
fn beyond_its_key(step: &Step, context: &Context) -> Option<String> {
    let steps = with_all_it_reads(context.loaded, step);
    let models: Vec<ModelName> =
        steps.iter().filter_map(|step| step.models()).flat_map(|selected| context.models.names(selected)).collect();
    let prompts: Vec<Option<String>> = steps.iter().flat_map(|step| parameters::prompt_sets(step)).collect();
    context.models.usage().beyond(&models, &prompts)
}
