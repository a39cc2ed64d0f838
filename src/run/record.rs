//! The manifest of a run, written down while it runs.

use super::RunOptions;
use crate::Error;
use crate::expectation::Compared;
use crate::manifest::{
    self, Checksum, ClusterJob, Failed, FromStore, Machine, Manifest, ModelRecord, Program, Recalled, SelfCheck,
    SpecRecord, StepRecord,
};
use crate::model::{ModelName, ModelSummary, device};
use crate::plan::{Plan, PlannedVariant, Recall};
use crate::spec::{Device, Step};
use crate::step::Outcome;
use crate::system::time::rfc3339_now;
use std::path::Path;
use std::time::Instant;

/// What is known of a run so far.
pub struct RunRecord {
    manifest: Manifest,
    started: Instant,
}

impl RunRecord {
    /// Before the first step: the spec, its models and what they are to run on, as they are then.
    ///
    /// # Errors
    /// Files of a model that cannot be read.
    pub fn begin(plan: &Plan, recalls: &[Recall], options: &RunOptions, folder: &Path) -> Result<Self, Error> {
        let (started, began) = (Instant::now(), rfc3339_now());
        let models = models(plan, recalls, options)?;
        let repeats = plan.repeats.as_ref();
        let on_gpu = models.iter().any(|model| !model.device.starts_with(Device::Cpu.kind()));
        let variants = plan.loaded.sweep().map(|sweep| sweep.variants.as_slice()).unwrap_or_default();
        let manifest = Manifest {
            format: manifest::FORMAT,
            title: plan.loaded.spec.title.clone(),
            command: options.command.clone(),
            folder: repeats.map_or_else(|| folder.display().to_string(), |repeated| repeated.folder.clone()),
            rerun_of: repeats.map(|repeated| repeated.then.started.clone()),
            started: began,
            ended: String::new(),
            seconds: 0.0,
            ablate: Program {
                version: env!("CARGO_PKG_VERSION").into(),
                executable: recalls.first().map(Recall::executable).transpose()?.unwrap_or_default(),
            },
            dependencies: manifest::dependencies(),
            machine: machine(plan, on_gpu),
            job: ClusterJob::here(),
            spec: match repeats {
                Some(repeated) => repeated.then.spec.clone(),
                None => SpecRecord::of(plan.loaded),
            },
            variants: variants.iter().map(|variant| variant.name.clone()).collect(),
            models,
            prompts: Vec::new(),
            steps: Vec::new(),
            self_checks: Vec::new(),
            expectations: Vec::new(),
            notes: Vec::new(),
            failed: Vec::new(),
            files: Vec::new(),
            left: Vec::new(),
        };
        Ok(Self { manifest, started })
    }

    /// What is known of the run so far.
    pub fn so_far(&self) -> &Manifest {
        &self.manifest
    }

    /// A step that is done, for the variants of this name.
    pub fn step(&mut self, of: (&Step, &str), key: &str, seconds: f64, outcome: &Outcome, recalled: Option<&Recalled>) {
        let from_store = recalled.map(|recalled| FromStore {
            computed: recalled.computed.clone(),
            processor: recalled.processor.clone(),
            seconds: in_milliseconds(recalled.seconds),
            job: recalled.job.clone(),
        });
        let step = match of {
            (step, "") => step.name().to_string(),
            (step, variants) => format!("{} ({variants})", step.name()),
        };
        for prompts in &outcome.prompts {
            prompts.clone().join(&step, &mut self.manifest.prompts);
        }
        self.manifest.steps.push(StepRecord {
            key: key.to_string(),
            bytes_read: outcome.bytes_read,
            from_store,
            ..begun(of, seconds)
        });
    }

    /// A step that failed, for the variants of this name.
    pub fn failed(&mut self, of: (&Step, &str), seconds: f64, error: &Error) {
        let failed = Some(error.render(false).trim_end().to_string());
        self.manifest.steps.push(StepRecord { failed, ..begun(of, seconds) });
    }

    /// Once everything is written but the reports, which are made of this.
    pub fn end(
        self,
        checks: &[SelfCheck],
        expectations: &[Compared],
        notes: &[String],
        failed: &[Failed],
        (files, left): (Vec<Checksum>, Vec<Checksum>),
    ) -> Manifest {
        Manifest {
            ended: rfc3339_now(),
            seconds: in_milliseconds(self.started.elapsed().as_secs_f64()),
            self_checks: checks.to_vec(),
            expectations: expectations.to_vec(),
            notes: notes.to_vec(),
            failed: failed.to_vec(),
            files,
            left,
            ..self.manifest
        }
    }
}

/// Seconds to the millisecond: more says nothing.
fn in_milliseconds(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn begun((step, variants): (&Step, &str), seconds: f64) -> StepRecord {
    StepRecord {
        name: step.name().to_string(),
        kind: step.kind().to_string(),
        variants: variants.to_string(),
        key: String::new(),
        bytes_read: None,
        seconds: in_milliseconds(seconds),
        from_store: None,
        failed: None,
    }
}

/// The models of all variants, each once.
fn models(plan: &Plan, recalls: &[Recall], options: &RunOptions) -> Result<Vec<ModelRecord>, Error> {
    let mut models: Vec<ModelRecord> = Vec::new();
    for (number, (variant, recall)) in plan.variants.iter().zip(recalls).enumerate() {
        let variants = plan.of_models(number);
        for (name, summary) in &variant.summaries {
            let same = |known: &ModelRecord| {
                (&known.variants, &known.name, &known.checkpoint) == (&variants, &name.name, &name.checkpoint)
            };
            if !models.iter().any(same) {
                models.push(ModelRecord {
                    variants: variants.clone(),
                    ..model(name, summary, variant, recall, options)?
                });
            }
        }
    }
    Ok(models)
}

fn model(
    name: &ModelName,
    summary: &ModelSummary,
    variant: &PlannedVariant,
    recall: &Recall,
    options: &RunOptions,
) -> Result<ModelRecord, Error> {
    let settings = variant.models.settings(name).cloned();
    let settings = settings.ok_or_else(|| Error::refused(format!("model '{name}'"))("no such model"))?;
    let processing = settings.processed();
    Ok(ModelRecord {
        name: name.name.clone(),
        variants: String::new(),
        source: settings.source,
        checkpoint: name.checkpoint.clone(),
        revision: variant.models.revision(name),
        fingerprint: recall.fingerprint(&variant.models, name, options.progress)?,
        known_as: variant.known.get(&name.name).cloned().flatten(),
        family: summary.dimensions.family.clone(),
        parameters: summary.parameters,
        stored_dtype: summary.stored_dtype.clone(),
        dtype: summary.dtype.clone(),
        device: settings.device.to_string(),
        processing,
    })
}

/// What the run computes on: processors, and the cards that its models name.
fn machine(plan: &Plan, on_gpu: bool) -> Machine {
    let mut machine = Machine::here(plan.threads, on_gpu);
    let spec = &plan.loaded.spec;
    for device in spec.model.iter().chain(spec.models.values()).flat_map(|model| model.device.all()) {
        // NVIDIA's are named by their driver already.
        if let (Device::Gpu(_), Some(name)) = (device, device::card(device))
            && !machine.gpus.contains(&name)
        {
            machine.gpus.push(name);
        }
    }
    machine
}
