//! Step `ablation`: components, or all but a circuit, replaced by their means, by zero or by another prompt's values, and
//! what is left of the answer (paper §2.1, eq. 2; appendix A).

mod cell;
mod circuits;
mod controls;
mod planned;
mod runs;
mod sets;

use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::TemplateRun;
use super::pairing::{self, Other};
use super::ranking::Ranking;
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, dry_ranking, means, model_run, places};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::Edit;
use crate::measure::{AblationMeasure, Property};
use crate::spec::step::{Ablation, AblationMode, AblationValue, Control, Listed};
use crate::spec::{Loaded, SpecErrors};
use crate::step::dependent_key::DependentKey;
use crate::step::kind::Kind;
use crate::step::labels::ModelColumns;
use crate::table::Frames;
use circuits::{CircuitColumns, MemberColumns};

impl Kind for Ablation {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_template(self, context, |TemplateRun { shapes, subject, context, outcome }| {
            let shapes = &cell::without_zero_answers(self, shapes, subject, outcome)?;
            TemplateRun { shapes, subject, context, outcome }.each_shape(|run| cell::ablate(self, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let measures = self.measures.iter().map(|measure| measure.name()).collect();
        let values =
            MeasuredValues::declared::<CircuitColumns>((measures, AblationMeasure::NAMES), true, self.per_prompt);
        let values = Inference::from((self.bootstrap, self.test, self.correction))
            .declare(values, self.control != Control::None);
        let members = RowsInfo::alone::<(ModelColumns, MemberColumns)>("components");
        let pairs = (self.value == AblationValue::Resample).then(pairing::rows);
        values.into_iter().chain([members]).chain(pairs).collect()
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        let nothing = self.components.is_empty() && self.listed.is_empty() && self.ranked.is_none();
        if self.mode == AblationMode::Ablate && nothing {
            let advice = "write components = [\"L3H1\"], a table 'ranked' or 'listed', or mode = \"keep\"".to_string();
            return Err(loaded.refuse(
                &["step", &self.name, "components"],
                "nothing says which components to ablate",
                Some(advice),
            ));
        }
        for (number, listed) in self.listed.iter().enumerate() {
            let path = ["step", &self.name, "listed", &number.to_string()];
            if listed.top.is_some() && listed.share.is_some() {
                let path = [&path[..], &["share"]].concat();
                return Err(loaded.refuse(
                    &path,
                    "'top' and 'share' exclude each other",
                    Some("write one of them".to_string()),
                ));
            }
            dry_ranking::check(&listed.into(), &path, false, (loaded, frames))?;
        }
        let path = ["step", &self.name, "ranked"];
        self.ranked.iter().try_for_each(|one| dry_ranking::check(&one.into(), &path, false, (loaded, frames)))
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let (name, facts) = (&self.name, &survey.sketch.card.facts);
        let ablated = planned::ablated(self, facts, context)?;
        let further = match self.value {
            AblationValue::Mean => means::Over { step: name, prompts: self.prompts.as_deref(), mean: &self.mean }
                .foresee(survey, context)?,
            AblationValue::Resample => {
                let compares = self.measures.iter().any(|measure| measure.has(Property::OtherAnswer));
                let taken = TakenPairs::Always(Other::of(true, compares));
                foreseen_pairs::foresee(&self.counterfactual, taken, self, survey, context)?;
                survey.cells.iter().map(|cell| cell.prompts).collect()
            }
            AblationValue::Zero => vec![0; survey.cells.len()],
        };
        for cell in &survey.cells {
            planned::check(self, &survey.name, facts, &cell.template, context)?;
        }
        let mut whole = Workload::default();
        for (cell, further) in survey.cells.iter().zip(further) {
            let length = cell.positions.length;
            let at = places::positions(name, &self.positions, &cell.positions, &cell.template, context)?;
            let positions = places::together(&at);
            let edit = |(hook, units)| Edit::zero(hook, positions.clone(), units);
            let edits: Vec<Vec<Edit>> = ablated.iter().map(|set| set.units().map(edit).collect()).collect();
            let edits = edits.iter().map(Vec::as_slice);
            let replay = Workload::replay(edits, cell.prompts, length, facts, survey.memory);
            let forwards = Workload::forwards(cell.prompts + further, length, facts);
            let replays = cell.replays(self.measures.iter().any(|measure| measure.has(Property::Sequence)));
            let replay = replay.times(replays).measured(self.measures.len(), self.bootstrap);
            whole = whole.and(replay.and(forwards.times(replays)));
        }
        Ok(Some(whole))
    }

    fn rankings(&self) -> Vec<Ranking<'_>> {
        self.ranked.iter().map(Ranking::from).chain(self.listed.iter().map(Ranking::from)).collect()
    }

    fn dependent_keys(&self, words: bool) -> Vec<DependentKey> {
        let among =
            self.mode == AblationMode::Keep || self.measures.iter().any(|measure| measure.has(Property::EmptyRun));
        let is_mean = self.value == AblationValue::Mean;
        let mut keys = vec![
            DependentKey::correction(self.correction, self.test),
            DependentKey::mean(&self.mean, is_mean, "leave it out, or write value = \"mean\""),
            DependentKey::counterfactual(
                &self.counterfactual,
                self.value == AblationValue::Resample,
                "leave it out, or write value = \"resample\"",
            ),
            DependentKey::new(
                "among",
                self.among != Ablation::default_among(),
                among,
                "leave it out, or write mode = \"keep\" or the measure \"faithfulness\"",
            ),
            DependentKey::new(
                "skip_zero_answers",
                self.skip_zero_answers,
                !words,
                "leave it out: the answers of these prompts are words",
            ),
        ];
        for (number, Listed { top, share, by, per_layer, .. }) in self.listed.iter().enumerate() {
            let some = top.is_some() || share.is_some();
            let advice = "leave it out, or choose rows with top = 10 or share = 0.01";
            let by = DependentKey::new("by", by != "mean", some, advice);
            let ordered = [by, DependentKey::new("per_layer", *per_layer, some, advice)];
            keys.extend(ordered.map(|key| key.below(&["listed", &number.to_string()])));
        }
        keys
    }
}
