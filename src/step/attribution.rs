//! Step `attribution-patching`: what patching would do, to first order, from gradients; and how far that agrees with exact
//! patching.
//!
//! With δ the change of a quantity by the patch and P* = P + δP, the indirect effect (paper eq. 1) is
//! ½ · [δP(r') / P(r') − δP(r) / P*(r)]. To first order P*(r) is P(r) in the denominator, and δP/P = δ ln P =
//! δ logit − δ ln Σ exp(logit), of which the second term is the same for r and r' and cancels:
//!
//! IE ≈ ½ · (δ logit(r') − δ logit(r)) = −½ · δ(logit(r) − logit(r')).

use super::agreement::{self, AgreementColumns, Exact};
use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::{self, CellRun};
use super::pairing::{self, Other, PromptPairs};
use super::places::{self, Component, PlaceColumns, PositionGroup};
use super::replays::{self, Stopped};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{AnswerTokens, AttributedUnit, EditError, Together, TokenPairs, attribute, recorded_bytes};
use crate::measure::{AttributionMeasure, EffectMeasure};
use crate::model::hook::{Hook, Site};
use crate::prompt::Prompt;
use crate::spec::step::AttributionPatching;
use crate::spec::{Dtype, HookPattern, Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::step::patched_places::PatchedPlaces;
use crate::table::Frames;
use std::borrow::Cow;

impl Kind for AttributionPatching {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let exact = Exact::of(self, context)?;
        let mut outcome = model_run::each(self, context, |subject, outcome| {
            if context.models.dtype(&subject.name) != Dtype::F32 {
                let note = "gradients are in the model's half precision; write dtype = \"f32\" where it fits";
                outcome.notes.push(format!("{}: {note}", subject.name));
            }
            subject.each_cell(self, context, outcome, |run| attribute_cell(self, exact.as_ref(), run))
        })?;
        if let Some(exact) = exact {
            outcome.notes.extend(exact.note.clone());
            let rows = outcome.frames.iter().find(|(name, _)| *name == self.name).map(|(_, rows)| rows);
            let agreement = exact.agreement(rows, self)?;
            outcome.frames.push((format!("{}.agreement", self.name), agreement));
        }
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let measured = (vec![self.measure.exact().name()], EffectMeasure::NAMES);
        let values = MeasuredValues::declared::<PlaceColumns>(measured, false, self.per_prompt);
        let values = Inference::from((self.bootstrap, self.test, self.correction)).declare(values, false);
        let agreement = self.compare.as_ref().map(|_| RowsInfo::alone::<AgreementColumns>("agreement"));
        values.into_iter().chain([pairing::rows()]).chain(agreement).collect()
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        for (index, text) in self.sites.iter().enumerate() {
            let (HookPattern::One(Hook::Block(_, site)) | HookPattern::Layers(_, site)) = &text.says().hooks else {
                continue;
            };
            if matches!(site, Site::AttnScores | Site::Pattern) {
                let problem = format!("'{text}': attribution is not available for attention scores and patterns");
                let advice = "write attn.hook_q, attn.hook_k or attn.hook_z, or patch them exactly".to_string();
                return Err(loaded.refuse(&["step", &self.name, "sites", &index.to_string()], problem, Some(advice)));
            }
        }
        agreement::check(self, loaded)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        foreseen_pairs::foresee(&self.counterfactual, TakenPairs::Always(Other::RunAndAnswer), self, survey, context)?;
        if survey.sketch.card.residence.is_some() {
            let of_model = context.models.settings(&survey.name);
            let key = if of_model.is_some_and(|model| model.memory_mib.is_none()) { "device" } else { "memory_mib" };
            let path = match survey.name.name.as_str() {
                "model" => vec!["model", key],
                name => vec!["models", name, key],
            };
            let (problem, advice) = (EditError::NoGradients.to_string(), format!("step '{}' needs it", self.name));
            return Err(context.loaded.refuse(&path, problem, Some(advice)).into());
        }
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let length = cell.positions.length;
            let written = (self.sites.as_slice(), self.positions.as_slice());
            let (sites, at) = places::resolve(&self.name, written, Scope::planned(facts), cell.at(), context)?;
            agreement::foresee(self, (&sites, &at), (survey, cell), context)?;
            let passes = match self.integrated_points {
                0 => 1 + 3,
                points => 2 + 3 * points,
            };
            let rows = (sites.len() * at.len() * cell.prompts) as u64;
            let runs = Workload::forwards(passes * cell.prompts, length, facts);
            let memory = (cell.prompts * recorded_bytes(facts, length, 4)).min(survey.memory) as u64;
            let runs = Workload { rows, naive: rows + 2 * cell.prompts as u64, memory, ..runs };
            whole = whole.and(runs.measured(1, self.bootstrap));
        }
        Ok(Some(whole))
    }

    fn patched_places(&self) -> Option<PatchedPlaces<'_>> {
        let (sites, positions) = (Cow::from(&self.sites), self.positions.as_slice());
        let measures = vec![self.measure.exact().name()];
        Some(PatchedPlaces { sites, layers: None, positions, measures, exact: None })
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let advice = "leave it out, or write compare = \"…\" with a step of exact patching";
        let compared = self.compare.is_some();
        vec![
            DependentKey::correction(self.correction, self.test),
            DependentKey::new("compare_measure", self.compare_measure.is_some(), compared, advice),
            DependentKey::new("top", self.top != AttributionPatching::default_top(), compared, advice),
        ]
    }
}

/// Every place at every position, on the pairs of one cell.
fn attribute_cell(
    step: &AttributionPatching,
    exact: Option<&Exact>,
    CellRun { cell, subject, context, outcome }: CellRun,
) -> Result<(), Error> {
    let name = step.name.as_str();
    let facts = subject.model.facts();
    let target = Scope::of(subject, &cell.template);
    let (sites, at) = places::resolve(name, (&step.sites, &step.positions), target, cell.at(), context)?;
    let interventions: Vec<(Component, &PositionGroup)> =
        sites.iter().flat_map(|&place| at.iter().map(move |at| (place, at))).collect();
    if let Some(exact) = exact {
        exact.covers(&interventions, subject.labels(), &cell.template, step, context)?;
    }
    let pairs = PromptPairs::draw(Other::RunAndAnswer, (cell, subject), &step.counterfactual, step, context)?;
    pairs.record(name, cell, subject, outcome)?;
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let others: Vec<&Prompt> = pairs.other.iter().map(|&index| &pairs.others[index]).collect();
    let answers: Vec<AnswerTokens> = (0..prompts.len()).map(|pair| pairs.answers(pair, cell)).collect();
    let together = match step.measure {
        // P of several answers is their sum: ln P is that of Σ exp(logit), but for what all tokens share.
        AttributionMeasure::IndirectEffect => Together::LogSum,
        AttributionMeasure::LogitDifference => Together::Mean,
    };

    let parts: Vec<AttributedUnit> = interventions
        .iter()
        .map(|(place, at)| AttributedUnit { hook: place.hook, unit: place.unit, positions: at.positions.clone() })
        .collect();
    let length = cell.positions.length;
    let element = if context.models.dtype(&subject.name) == Dtype::F32 { 4 } else { 2 };
    let per_prompt = recorded_bytes(facts, length, element).max(1);
    let batch = (replays::memory(context) / per_prompt).clamp(1, context.batch(&subject.model));
    let points = step.integrated_points;
    let passes = points.max(1);
    let task =
        context.progress.begin(&subject.task_label(name, &cell.template), (prompts.len() * passes) as u64, "gradients");
    let divided = subject.divided(name, &cell.template, super::divided::parts(prompts.len(), batch), context);
    let mut data = divided.values(1, (&task, passes), outcome, |part, _| {
        let (clean, source) = (model_run::tokens(&prompts[part.clone()])?, model_run::tokens(&others[part.clone()])?);
        let pairs = TokenPairs { clean: &clean, source: &source, answers: &answers[part], together };
        attribute::<Stopped>(subject.model.transformer(), pairs, &parts, points, batch, |done| {
            replays::pause(&task, done)
        })
        .map_err(|stopped| stopped.error(name))
    })?;
    data.iter_mut().for_each(|change| *change *= step.measure.factor());
    let keys = places::keys(&interventions, facts)?;
    let measures = [step.measure.exact().name()];
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data: &data, baseline: None };
    let inference = (step.bootstrap, step.test, step.correction);
    outcome.add_values(name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
    Ok(())
}
