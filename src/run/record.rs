//! The manifest of a run, written down while it runs.

use super::store::rfc3339_now;
use super::{ModelName, Options, Prepared, Recall, Recalled};
use crate::Error;
use crate::expectation::Compared;
use crate::manifest::{self, Checksum, FromStore, Machine, Manifest, ModelRecord, Program, SpecRecord, StepRecord};
use crate::model::Card;
use crate::spec::{Device, Step};
use crate::step::{Outcome, SelfCheck};
use std::path::Path;
use std::time::Instant;

/// What is known of a run so far.
pub struct Record {
    manifest: Manifest,
    started: Instant,
}

impl Record {
    /// Before the first step: the spec, its models and what they are to run on, as they are then.
    ///
    /// # Errors
    /// Files of a model that can not be read.
    pub fn begin(prepared: &Prepared, recall: &Recall, options: &Options, folder: &Path) -> Result<Self, Error> {
        let (started, began) = (Instant::now(), rfc3339_now());
        let models = prepared.cards.iter().map(|(name, card)| model(name, card, prepared, recall, options));
        let models = models.collect::<Result<Vec<_>, _>>()?;
        let repeats = prepared.repeats.as_ref();
        let on_gpu = models.iter().any(|model| model.device != Device::Cpu.to_string());
        let manifest = Manifest {
            format: manifest::FORMAT,
            title: prepared.loaded.spec.title.clone(),
            command: options.command.clone(),
            folder: repeats.map_or_else(|| folder.display().to_string(), |repeated| repeated.folder.clone()),
            rerun_of: repeats.map(|repeated| repeated.then.started.clone()),
            started: began,
            ended: String::new(),
            seconds: 0.0,
            ablate: Program { version: env!("CARGO_PKG_VERSION").into(), executable: recall.build().into() },
            dependencies: manifest::dependencies(),
            machine: Machine::here(prepared.threads, on_gpu),
            spec: match repeats {
                Some(repeated) => repeated.then.spec.clone(),
                None => SpecRecord::of(prepared.loaded),
            },
            models,
            prompts: Vec::new(),
            steps: Vec::new(),
            self_checks: Vec::new(),
            expectations: Vec::new(),
            notes: Vec::new(),
            files: Vec::new(),
        };
        Ok(Self { manifest, started })
    }

    /// What is known of the run so far.
    pub fn so_far(&self) -> &Manifest {
        &self.manifest
    }

    /// A step that is done.
    pub fn step(&mut self, step: &Step, key: &str, seconds: f64, outcome: &Outcome, recalled: Option<&Recalled>) {
        let from_store = recalled.map(|recalled| FromStore {
            computed: recalled.computed.clone(),
            processor: recalled.processor.clone(),
            seconds: in_milliseconds(recalled.seconds),
        });
        for prompts in &outcome.prompts {
            prompts.clone().join(step.name(), &mut self.manifest.prompts);
        }
        self.manifest.steps.push(StepRecord {
            name: step.name().to_string(),
            kind: step.kind().to_string(),
            key: key.to_string(),
            seconds: in_milliseconds(seconds),
            from_store,
            failed: None,
        });
    }

    /// Once everything is written but the reports, which are made of this.
    pub fn end(
        self,
        checks: &[SelfCheck],
        expectations: &[Compared],
        notes: &[String],
        files: Vec<Checksum>,
    ) -> Manifest {
        Manifest {
            ended: rfc3339_now(),
            seconds: in_milliseconds(self.started.elapsed().as_secs_f64()),
            self_checks: checks.to_vec(),
            expectations: expectations.to_vec(),
            notes: notes.to_vec(),
            files,
            ..self.manifest
        }
    }
}

/// Seconds to the millisecond: more says nothing.
fn in_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn model(
    name: &ModelName,
    card: &Card,
    prepared: &Prepared,
    recall: &Recall,
    options: &Options,
) -> Result<ModelRecord, Error> {
    let settings = prepared.models.settings(name).cloned();
    let settings = settings.ok_or_else(|| Error::refused(format!("model '{name}'"))("no such model"))?;
    Ok(ModelRecord {
        name: name.name.clone(),
        source: settings.source,
        checkpoint: name.checkpoint.clone(),
        revision: prepared.models.revision(name),
        fingerprint: recall.fingerprint(&prepared.models, name, options.progress)?,
        known_as: prepared.known.get(&name.name).cloned().flatten(),
        family: card.facts.family.to_string(),
        parameters: card.parameters,
        stored_dtype: card.stored_dtype.clone(),
        dtype: card.dtype.clone(),
        device: settings.device.to_string(),
        processing: settings.processing,
    })
}
