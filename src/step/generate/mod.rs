//! Step `generate`: texts that a model writes after prompts, as it is and under edits.

mod edits;
mod rows;
mod texts;
mod work;

use super::foreseen_pairs::{self, TakenPairs};
use super::intervention::edits::{Written, resolve};
use super::intervention::variations::{InterventionColumns, columns_left_out, variations};
use super::intervention::{self, over, placeholder, reach};
use super::kind::Kind;
use super::model_run;
use super::pairing::{self, Other};
use super::summary::MeasuredValues;
use super::{RowsInfo, Scope};
use crate::Error;
use crate::context::{Context, row_bytes};
use crate::cost::{Survey, Workload};
use crate::spec::step::Generate;
use crate::spec::{Loaded, SpecErrors};
use crate::step::Outcome;
use crate::step::dependent_key::DependentKey;
use crate::table::Frames;

impl Kind for Generate {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            reach::check_prompts(&self.as_intervention(), subject, context)?;
            subject.each_template(self, context, outcome, |run| work::write(self, run))
        })
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let measures = rows::measures(self);
        let all = rows::all_measures();
        let mut declared = MeasuredValues::declared::<InterventionColumns>((measures, &all), true, self.per_prompt);
        declared.push(RowsInfo::of::<rows::TextColumns>("texts"));
        let like = self.as_intervention();
        let without = |rows: RowsInfo| columns_left_out(&like).into_iter().fold(rows, RowsInfo::without);
        let mut declared: Vec<RowsInfo> = declared.into_iter().map(without).collect();
        if edits::writes_others(self) {
            declared.push(pairing::rows());
        }
        declared
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        if self.interventions.iter().any(|one| one.name == rows::CLEAN) {
            let problem = "'clean' is already the name of texts without edits";
            let path = ["step", &self.name, "interventions", rows::CLEAN, "name"];
            return Err(loaded.refuse(&path, problem, Some("write another name".to_string())));
        }
        self.as_intervention().check(loaded, frames)?;
        edits::check(self, loaded)?;
        rows::pattern(self, loaded).map(drop)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let like = self.as_intervention();
        let facts = &survey.sketch.card.facts;
        let means =
            if like.writes_means() { over(&like).foresee(survey, context)? } else { vec![0; survey.cells.len()] };
        if edits::writes_others(self) {
            foreseen_pairs::foresee(&self.counterfactual, TakenPairs::Always(Other::Run), self, survey, context)?;
        }
        let mut whole = Workload::default();
        for (cell, means) in survey.cells.iter().zip(means) {
            let target = Scope::planned(facts);
            let variations = variations(&like, target, context)?;
            let written = Written { values: &placeholder, given: None, prompt: None, other: None };
            let resolved = resolve(&like, &variations, target, cell.at(), context, written)?;
            edits::split(self, &variations, resolved, context)?;
            let length = cell.positions.length + self.max_new_tokens;
            let edited = cell.prompts * self.samples * variations.len();
            let texts = edited + cell.prompts * self.samples;
            // Each text is written once, and those of edits are read once more by the model as it is.
            // Every new token of a batch reads all layers.
            let tokens = texts.div_ceil(survey.batch.max(1)) * self.max_new_tokens;
            let runs = Workload::forwards(texts + edited, length, facts).passing(tokens);
            let logits = (texts + edited) * self.max_new_tokens.saturating_sub(1);
            let kept = 8 * facts.n_layers * facts.n_kv_heads * facts.d_head * length;
            let memory = survey.batch.min(texts) * (row_bytes(facts) + kept);
            let of_means = Workload::forwards(means, cell.positions.length, facts);
            whole = whole.and(runs.unembedding(logits, facts).keeping(memory as u64).and(of_means));
        }
        Ok(Some(whole))
    }

    fn reads_positions(&self) -> bool {
        self.interventions.iter().flat_map(|one| &one.edits).any(edits::reads_places)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let drawn = self.temperature > 0.0;
        let advice = "leave it out, or write temperature = 1.0; with temperature = 0 nothing is drawn";
        let mut keys = vec![
            DependentKey::new("top_k", self.top_k.is_some(), drawn, advice),
            DependentKey::new("top_p", self.top_p.is_some(), drawn, advice),
            DependentKey::new("samples", self.samples != 1, drawn, advice),
            DependentKey::new("seed", self.seed != 0, drawn, advice),
            DependentKey::counterfactual(
                &self.counterfactual,
                edits::writes_others(self),
                "leave it out, or write an edit with value = \"counterfactual\"",
            ),
        ];
        keys.extend(intervention::edit_keys(&self.as_intervention()));
        for (one, edit, number) in self.numbered_edits() {
            let path = ["interventions", one, "edits", &number.to_string()];
            keys.extend(edits::dependent_keys(edit).into_iter().map(|key| key.below(&path)));
        }
        keys
    }
}

impl Generate {
    /// The name of the intervention, the edit and its number, of each edit.
    fn numbered_edits(&self) -> impl Iterator<Item = (&str, &crate::spec::step::EditSpec, usize)> {
        self.interventions
            .iter()
            .flat_map(|one| one.edits.iter().enumerate().map(|(number, edit)| (one.name.as_str(), edit, number)))
    }
}
