//! Step `direction`: directions and subspaces of activations, how well they separate prompts, and the file that later steps take them from.

mod classes;
mod exchange;
mod find;
mod fitted;
mod labelled;
mod reads;
mod rows;
mod vectors;

use super::foreseen_pairs::{self, TakenPairs};
use super::model_run::{self, ModelRun};
use super::pairing::{self, Other};
use super::{Outcome, RowsInfo, Scope, places, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::counted::counted;
use crate::direction::{Directions, Subspace};
use crate::manifest::SelfCheck;
use crate::model::hook::Site;
use crate::spec::step::{DirectionMethod, FindDirection};
use crate::spec::{HookPattern, Loaded, PositionName, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::table::{Frames, Holds};
use classes::DirectionPrompts;
use exchange::{ExchangeTask, LearnedExchange};
use find::{DirectionSearch, FoundDirection};
use indexmap::IndexSet;
use rayon::prelude::*;
use reads::DirectionPlace;
use rows::{FrequencyColumns, HelixColumns, SeparationColumns};
use std::path::PathBuf;
use vectors::Vectors;

impl Kind for FindDirection {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let vectors = self.file.as_ref().map(|file| Vectors::read(self, file, context)).transpose()?;
        model_run::each(self, context, |subject, outcome| {
            let others = classes::other_sets(self, subject, context)?;
            let cells = subject.cells(self, context)?;
            let templates: IndexSet<&str> = cells.iter().map(|cell| cell.template.as_str()).collect();
            for template in &templates {
                let prompts = DirectionPrompts::of(self, subject, &others, template, context)?;
                let at = (*template, templates.len() > 1);
                if self.method == DirectionMethod::Das {
                    learn(self, &prompts, at, subject, context, outcome)?;
                    continue;
                }
                let search = DirectionSearch { step: self, samples: &prompts.samples, vectors: vectors.as_ref() };
                find(&search, &prompts, at, subject, context, outcome)?;
            }
            Ok(())
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let mut own = RowsInfo::of::<SeparationColumns>("");
        own.measured = match self.method {
            DirectionMethod::DifferenceOfMeans => vec![rows::AUC, rows::ACCURACY, rows::SHARE],
            DirectionMethod::Probe if self.by.is_none() => vec![rows::AUC, rows::ACCURACY, rows::SHARE],
            DirectionMethod::File if self.of.is_some() || self.minus.is_some() => {
                vec![rows::AUC, rows::ACCURACY, rows::SHARE]
            }
            // How many classes there are is not known before the prompts.
            DirectionMethod::Mean | DirectionMethod::Probe if self.by.is_some() => Vec::new(),
            DirectionMethod::Fourier => vec![rows::R2, rows::SHARE],
            DirectionMethod::Das => vec![rows::INTERCHANGE, rows::PATCHED, rows::SHARE],
            DirectionMethod::Mean | DirectionMethod::Probe | DirectionMethod::Pca | DirectionMethod::File => {
                vec![rows::SHARE]
            }
        };
        let over_numbers = [RowsInfo::of::<HelixColumns>("points"), RowsInfo::of::<FrequencyColumns>("spectrum")];
        let numbers = self.method == DirectionMethod::Fourier;
        let pairs = (self.method == DirectionMethod::Das).then(pairing::rows);
        std::iter::once(own).chain(over_numbers.into_iter().filter(|_| numbers)).chain(pairs).collect()
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        let refuse = |keys: &[&str], problem: &str, advice: &str| {
            let path = [&["step", self.name.as_str()], keys].concat();
            Err(loaded.refuse(&path, problem, Some(advice.to_string())))
        };
        for (index, text) in self.sites.iter().enumerate() {
            if let HookPattern::Layers(_, Site::AttnScores | Site::Pattern) = &text.says().hooks {
                let problem = format!("'{text}': directions cannot be found in attention scores and patterns");
                let advice = "write 'resid_post', or another hook of a position: 'attn_out', 'z[head]', 'mlp_post'";
                return refuse(&["sites", &index.to_string()], &problem, advice);
            }
        }
        if let Some(index) = self.positions.iter().position(|name| *name == PositionName::all()) {
            let problem = "a direction is found at one position, and 'all' means all together";
            return refuse(&["positions", &index.to_string()], problem, "write 'each' for every position on its own");
        }
        let classes = self.of.is_some() || self.minus.is_some();
        match self.method {
            DirectionMethod::DifferenceOfMeans if !classes => {
                let advice = "write of = { where = { operator = \"+\" } }, or of = { prompts = \"…\" }";
                refuse(&["method"], "method 'difference-of-means' needs 'of' or 'minus'", advice)
            }
            DirectionMethod::Probe if !classes && self.by.is_none() => {
                let advice = "write of = { where = { … } }, or by = \"operator\"";
                refuse(&["method"], "method 'probe' needs classes", advice)
            }
            DirectionMethod::Mean | DirectionMethod::Probe if classes && self.by.is_some() => refuse(
                &["by"],
                "'by' and 'of' or 'minus' exclude each other: each says which classes there are",
                "leave out 'by', or 'of' and 'minus'",
            ),
            DirectionMethod::Fourier if self.number.is_none() => {
                refuse(&["method"], "method 'fourier' needs the column with the numbers", "write number = \"a\"")
            }
            DirectionMethod::Fourier if self.periods.is_empty() && self.degree == 0 => refuse(
                &["periods"],
                "nothing would be fitted, because there are no periods and degree = 0",
                "write periods = [10], or degree = 1",
            ),
            DirectionMethod::File if self.file.is_none() => {
                let advice = "write file = { path = \"….safetensors\", sha256 = \"…\", tensor = \"…\" }";
                refuse(&["method"], "method 'file' needs a file", advice)
            }
            _ => Ok(()),
        }
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        if self.method == DirectionMethod::Das {
            let taken = TakenPairs::Always(Other::Run);
            foreseen_pairs::foresee(&self.counterfactual, taken, self, survey, context)?;
        }
        let mut whole = Workload::default();
        let others = [&self.of, &self.minus].into_iter().flatten().filter_map(|class| class.prompts.as_deref());
        let mut surveys = Vec::new();
        for set in others.collect::<IndexSet<_>>() {
            let prompts = context.prompts(Some(set), &self.name)?;
            surveys.push(Survey::make((Some(set), prompts), true, &survey.name, context)?);
        }
        let mut places = 0;
        for (survey, own) in std::iter::once((survey, true)).chain(surveys.iter().map(|survey| (survey, false))) {
            for cell in &survey.cells {
                if own {
                    let written = (self.sites.as_slice(), self.positions.as_slice());
                    let (sites, at) = places::resolve(&self.name, written, Scope::planned(facts), cell.at(), context)?;
                    places = sites.len() * at.len();
                }
                whole =
                    whole.and(Workload::forwards(cell.prompts * passes(self, places), cell.positions.length, facts));
            }
        }
        Ok(Some(whole))
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let advice = "leave it out, or write a method that reads it";
        let of_methods = self.keys_of_methods().into_iter();
        let mut keys: Vec<DependentKey> =
            of_methods.map(|(key, set, works)| DependentKey::new(key, set, works, advice)).collect();
        keys.push(DependentKey::counterfactual(&self.counterfactual, self.method == DirectionMethod::Das, advice));
        keys
    }
}

/// Forward passes of each prompt, about: of a subspace that is learned three for each epoch of the share that it is learned from, at every
/// place, and those of its controls.
fn passes(step: &FindDirection, places: usize) -> usize {
    if step.method != DirectionMethod::Das {
        return 1;
    }
    let learned = 3.0 * step.train * step.epochs as f64;
    let tested = (1.0 - step.train) * (step.controls + 2) as f64;
    places * (2 + (learned + tested).ceil() as usize)
}

/// Finds the directions of one model's prompts of one template, and keeps them.
fn find(
    search: &DirectionSearch,
    prompts: &DirectionPrompts,
    (template, several): (&str, bool),
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let step = search.step;
    let facts = subject.model.facts();
    let label = subject.task_label(&step.name, template);
    let places = reads::resolve(step, prompts, context)?;
    let mut found: Vec<FoundDirection> = Vec::with_capacity(places.len());
    // Half of the memory for activations; what is found of them is small.
    for block in reads::blocks(&places, facts, prompts.samples.count(), replays::memory(context) / 2) {
        let places = &places[block];
        let values = reads::capture(places, prompts, &label, context)?;
        let one = |(place, values): (&DirectionPlace, &Vec<f32>)| search.found(place, values, facts);
        found.extend(places.par_iter().zip(&values).map(one).collect::<Result<Vec<_>, Error>>()?);
    }
    keep(step, &places, &found, (template, several), subject, context, outcome)
}

/// Learns the subspaces of one model's pairs of prompts of one template, place by place, and keeps them.
fn learn(
    step: &FindDirection,
    prompts: &DirectionPrompts,
    (template, several): (&str, bool),
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let facts = subject.model.facts();
    let label = subject.task_label(&step.name, template);
    let places = reads::resolve(step, prompts, context)?;
    let task = ExchangeTask::new(step, subject, prompts, context, outcome)?;
    let mut found: Vec<FoundDirection> = Vec::with_capacity(places.len());
    let progress = context.progress.begin(&label, task.epochs() * places.len() as u64, "epochs");
    let mut learning = 0;
    let each = (0..places.len()).map(|place| place..place + 1).collect();
    let learn_one = |part: std::ops::Range<usize>, _: &mut Vec<SelfCheck>| {
        let place = &places[part.start];
        let values = task.values(std::slice::from_ref(place), &format!("{label}, place {}", part.start))?;
        let values = values.into_iter().next().ok_or_else(|| Error::failed(&label)("no values of a place"))?;
        task.learned(place, &values, place.width(facts), &progress)
    };
    let divided = subject.divided(&step.name, template, each, context);
    let skipped = |_: std::ops::Range<usize>| progress.advance(task.epochs());
    divided.each(outcome, skipped, learn_one, |part, learned: LearnedExchange| {
        learning += usize::from(learned.is_still_learning());
        found.push(task.found(&places[part.start], learned));
    })?;
    if learning > 0 {
        outcome.notes.push(format!(
            "{}: template '{template}': at {learning} of {} the loss fell by less than a tenth from the first epoch to the last: \
             more epochs or another lr might find a better subspace, if there is one",
            subject.name,
            counted(places.len(), "place")
        ));
    }
    keep(step, &places, &found, (template, several), subject, context, outcome)
}

/// Adds rows and file to the outcome.
fn keep(
    step: &FindDirection,
    places: &[DirectionPlace],
    found: &[FoundDirection],
    (template, several): (&str, bool),
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let facts = subject.model.facts();
    let labels = subject.labels();
    let each = || places.iter().zip(found).map(|(place, one)| (one.facts(place, facts, step.method), one));
    let rows = SeparationColumns::frame(each().flat_map(|(of, one)| one.rows.iter().map(move |row| (of, row))))?;
    outcome.add_labelled(&step.name, labels, template, rows)?;
    if step.method == DirectionMethod::Fourier {
        let points = each().flat_map(|(of, one)| one.points.iter().map(move |point| (of, point)));
        outcome.add_labelled(&format!("{}.points", step.name), labels, template, HelixColumns::frame(points)?)?;
        let powers = each().flat_map(|(of, one)| one.spectrum.iter().map(move |power| (of, power)));
        outcome.add_labelled(&format!("{}.spectrum", step.name), labels, template, FrequencyColumns::frame(powers)?)?;
    }
    let subspaces: Vec<Subspace> = found.iter().map(|one| one.subspace.clone()).collect();
    let directions = Directions {
        step: step.name.clone(),
        method: step.method.name().to_string(),
        model: labels.model.to_string(),
        checkpoint: labels.checkpoint.to_string(),
        template: template.to_string(),
        subspaces,
    };
    let path: PathBuf =
        context.dir.join("directions").join(file_name(&directions, context.models.names(&step.models).len(), several));
    let about = || format!("step '{}'", step.name);
    if outcome.files.contains(&path) {
        return Err(Error::failed(about())(format!("two of its files would be {}", path.display())));
    }
    directions.write(&path).map_err(Error::failed(about()))?;
    outcome.files.push(path);
    Ok(())
}

/// `STEP.safetensors`; with the model's name and checkpoint where the step runs several, and the template's where the prompts have
/// several.
fn file_name(directions: &Directions, models: usize, several_templates: bool) -> String {
    let mut parts = vec![directions.step.as_str()];
    if models > 1 {
        parts.push(&directions.model);
        parts.extend((!directions.checkpoint.is_empty()).then_some(directions.checkpoint.as_str()));
    }
    if several_templates {
        parts.push(&directions.template);
    }
    parts.push("safetensors");
    // Checkpoints are folders or revisions, whose names may have slashes.
    let plain = |letter: char| if letter.is_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    parts.join(".").chars().map(plain).collect()
}
