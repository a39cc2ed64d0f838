//! Step `logit-lens`: what the stream within the model would predict, were it the last (nostalgebraist 2020).

use super::answer_reads::AnswerReads;
use super::convention::{self, WithConventions};
use super::foreseen_pairs::{self, TakenPairs};
use super::model_run::{self, CellRun, ModelRun, TemplateBatch};
use super::pairing::{self, Other, PromptPairs};
use super::places::{self, Component, PlaceColumns, PositionGroup};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope};
use crate::context::Context;
use crate::cost::{ReadCost, Survey, Workload};
use crate::intervene::{AnswerTokens, HookPositions, Lens, LogitReads, logit_lens};
use crate::measure::{LensMeasure, Property};
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Tokens;
use crate::prompt::Prompt;
use crate::spec::{CapSide, HookPattern, PositionName, SitePattern, UnitPattern, step};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::system::interrupt;
use crate::table::Frames;
use crate::{Error, prompt};
use burn::tensor::Tensor;

impl Kind for step::LogitLens {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_cell(self, context, |run| look(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let measured = (names(self), LensMeasure::NAMES);
        let rows = MeasuredValues::declared::<WithConventions<PlaceColumns>>(measured, false, self.per_prompt);
        let pairs = compares(self).then(pairing::rows);
        convention::named(rows, None, self.soft_cap).into_iter().chain(pairs).collect()
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        if compares(self) {
            foreseen_pairs::foresee(&self.counterfactual, TakenPairs::IfRead(Other::Answer), self, survey, context)?;
        }
        survey
            .reading(|cell| {
                let target = Scope::planned(&survey.sketch.card.facts);
                let (streams, at) = places(self, target, &cell.positions, &cell.template, context)?;
                let readings = streams.len() * at.len();
                Ok(ReadCost { logits: readings, bytes: readings * self.measures.len() * size_of::<f64>(), passing: 0 })
            })
            .map(Some)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let advice = "leave it out, or write the measure \"logit-difference\"";
        vec![DependentKey::counterfactual(&self.counterfactual, compares(self), advice)]
    }
}

/// Names of what is measured.
fn names(step: &step::LogitLens) -> Vec<&'static str> {
    step.measures.iter().map(|measure| measure.name()).collect()
}

/// Whether a measure compares with another answer.
fn compares(step: &step::LogitLens) -> bool {
    step.measures.iter().any(|measure| measure.has(Property::OtherAnswer))
}

/// The streams and positions in one model's prompts of one template.
fn places(
    step: &step::LogitLens,
    target: Scope,
    positions: &prompt::TemplatePositions,
    template: &str,
    context: &Context,
) -> Result<(Vec<Component>, Vec<PositionGroup>), Error> {
    check_sites(step, context)?;
    check_positions(step, context)?;
    let written = (step.sites.as_slice(), step.positions.as_slice());
    places::resolve(&step.name, written, target, (positions, template), context)
}

/// Every stream at every position, on the prompts of one cell.
fn look(step: &step::LogitLens, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let facts = subject.model.facts();
    let target = Scope::of(subject, &cell.template);
    let (streams, at) = places(step, target, &cell.positions, &cell.template, context)?;
    let read: Vec<(Component, &PositionGroup)> =
        streams.iter().flat_map(|&place| at.iter().map(move |at| (place, at))).collect();

    let (prompts, answers) = asked(step, cell, subject, context, outcome)?;
    let tokens = model_run::tokens(&prompts)?;
    let n_measures = step.measures.len();
    let wanted: HookPositions = streams.iter().map(|place| (place.hook, places::together(&at))).collect();
    let rows = read.len() * answers.len();
    let task = context.progress.begin(&subject.task_label(&step.name, &cell.template), rows as u64, "readings");
    let batch = context.batch(&subject.model);
    let divided = subject.divided(&step.name, &cell.template, parts(answers.len(), batch), context);
    let cap = step.soft_cap.unwrap_or(CapSide::After);
    let data = divided.values(n_measures, (&task, read.len()), outcome, |part, _| {
        let tokens = tokens.part(part.clone());
        let mut data = vec![f64::NAN; read.len() * part.len() * n_measures];
        let seen = |tokens: &Tokens, logits: &Tensor<2>| subject.sample.see(tokens, logits);
        logit_lens(subject.model.transformer(), &tokens, &wanted, cap, batch, seen, |lens| {
            interrupt::check()?;
            let (hook, position, first) = (lens.hook, lens.position, lens.first);
            let n_prompts = lens.logits.dims()[0];
            let measured = measure(&step.measures, lens, &answers, part.start + first);
            // Several names may be of one position: `last` and -1.
            let same = |(place, at): &(Component, &PositionGroup)| place.hook == hook && at.index == Some(position);
            for key in (0..read.len()).filter(|&key| same(&read[key])) {
                let start = (key * part.len() + first) * n_measures;
                data[start..start + measured.len()].copy_from_slice(&measured);
                task.advance(n_prompts as u64);
            }
            Ok::<(), Error>(())
        })?;
        Ok(data)
    })?;
    let keys = convention::beside(places::keys(&read, facts)?, None, step.soft_cap)?;
    let values = MeasuredValues { keys: &keys, measures: &names(step), prompts: &prompts, data: &data, baseline: None };
    outcome.add_values(&step.name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}

/// The prompts that are read, with their answers; those of wrong answers, too, where a measure compares with one: then a prompt without one,
/// and without a counterfactual that has one, is left out.
fn asked<'c>(
    step: &step::LogitLens,
    cell: &TemplateBatch<'c>,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(Vec<&'c Prompt>, AnswerReads), Error> {
    if !compares(step) {
        let right = |prompt: &&Prompt| {
            AnswerTokens::new(prompt.answers.iter().filter_map(|answer| answer.tokens.first().copied()), [])
        };
        return Ok((cell.prompts.clone(), AnswerReads::new(cell.prompts.iter().map(right).collect())));
    }
    let pairs = PromptPairs::draw_if_read(Other::Answer, (cell, subject), &step.counterfactual, step, context)?;
    pairs.record(&step.name, cell, subject, outcome)?;
    let prompts: Vec<&Prompt> = pairs.clean.iter().map(|&index| cell.prompts[index]).collect();
    let answers = (0..prompts.len()).map(|pair| pairs.answers(pair, cell)).collect();
    Ok((prompts, AnswerReads::new(answers)))
}

/// The measures of each prompt that a reading is of, from the prompt `first` on, prompt by prompt: of several right answers the sum of
/// their probabilities, the mean of their logits, the best of their ranks.
fn measure(measures: &[LensMeasure], lens: Lens, answers: &AnswerReads, first: usize) -> Vec<f64> {
    let rows: Vec<usize> = (0..lens.logits.dims()[0]).collect();
    let wanted = answers.wanted(true, false, true);
    let read = LogitReads::of(&lens.logits, &rows, &|row| answers.picks(first + row), wanted);
    let of = |row: usize| {
        let reading = answers.reading(&read, row, first + row);
        // Logits that are not numbers have no order.
        let is_finite = reading.answer.mean.is_finite() && reading.log_total.is_finite();
        measures.iter().map(move |measure| if is_finite { measure.value(&reading) } else { f64::NAN })
    };
    rows.into_iter().flat_map(of).collect()
}

/// Refuses what is not in the stream, nor added to it.
fn check_sites(step: &step::LogitLens, context: &Context) -> Result<(), Error> {
    for (index, text) in step.sites.iter().enumerate() {
        let refuse = |problem: String| {
            Error::from(context.loaded.refuse(&["step", &step.name, "sites", &index.to_string()], problem, None))
        };
        let SitePattern { hooks, units } = text.says();
        let stream = match hooks {
            HookPattern::One(hook) => matches!(hook, Hook::Embed | Hook::PosEmbed),
            HookPattern::Layers(_, site) => {
                use Site::{AttnOut, MlpOut, ResidMid, ResidPost, ResidPre};
                matches!(site, ResidPre | ResidMid | ResidPost | AttnOut | MlpOut)
            }
        };
        if !stream {
            return Err(refuse(format!(
                "'{text}' is not in the residual stream; write 'resid_pre', 'resid_mid' or 'resid_post', or one of its terms: \
                 'attn_out', 'mlp_out', 'embed', 'pos_embed'"
            )));
        }
        if *units != UnitPattern::Whole {
            let whole = text.text().split('[').next().unwrap_or_default();
            return Err(refuse(format!("'{text}': the final norm needs the whole stream; write '{whole}'")));
        }
    }
    Ok(())
}

/// Refuses several positions as one.
fn check_positions(step: &step::LogitLens, context: &Context) -> Result<(), Error> {
    match step.positions.iter().position(PositionName::is_several) {
        Some(index) => {
            let path = ["step", &step.name, "positions", &index.to_string()];
            let problem = "the logit lens reads one position at a time; write 'each' for every position";
            Err(context.loaded.refuse(&path, problem, None).into())
        }
        None => Ok(()),
    }
}
