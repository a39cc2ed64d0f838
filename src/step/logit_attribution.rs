//! Step `logit-attribution`: what each component adds to the answer's logit (Elhage et al. 2021).

use super::convention::{self, WithConventions};
use super::foreseen_pairs::{self, TakenPairs};
use super::inference::Inference;
use super::model_run::{self, CellRun};
use super::pairing::{self, Other, PromptPairs};
use super::places::{self, Component, PlaceColumns, PlaceKey, PositionGroup};
use super::summary::MeasuredValues;
use super::{Outcome, RowsInfo, Scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{ReadCost, Survey, Workload};
use crate::intervene::{AnswerTokens, Positions, Targets, Term, direct_attribution};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::model::transformer::Tokens;
use crate::prompt::Prompt;
use crate::spec::CapSide;
use crate::spec::step::{self, AttributionTarget};
use crate::step::dependent_key::DependentKey;
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::system::interrupt;
use crate::table::{Frames, Holds};
use burn::tensor::Tensor;
use std::collections::HashSet;

impl Kind for step::LogitAttribution {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_cell(self, context, |run| attribute(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        let values =
            MeasuredValues::declared::<WithConventions<PlaceColumns>>((Vec::new(), &[]), false, self.per_prompt);
        let values = convention::named(values, self.norm, self.soft_cap);
        let values = Inference::from((self.bootstrap, self.test, self.correction)).declare(values, false);
        let pairs = (self.target == AttributionTarget::Difference).then(pairing::rows);
        values.into_iter().chain(pairs).collect()
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let components =
            places::components(&self.name, "components", &self.components, Scope::planned(facts), context)?;
        if self.target == AttributionTarget::Difference {
            foreseen_pairs::foresee(&self.counterfactual, TakenPairs::IfRead(Other::Answer), self, survey, context)?;
        }
        // As many for the embeddings and biases as there may be.
        let terms = components.len() + facts.n_layers + 3;
        survey
            .reading(|_| Ok(ReadCost { logits: 0, bytes: terms * (size_of::<f32>() + size_of::<f64>()), passing: 0 }))
            .map(Some)
    }

    fn dependent_keys(&self, _words: bool) -> Vec<DependentKey> {
        let advice = "leave it out, or write target = \"difference\"";
        let works = self.target == AttributionTarget::Difference;
        vec![
            DependentKey::counterfactual(&self.counterfactual, works, advice),
            DependentKey::correction(self.correction, self.test),
        ]
    }
}

/// Takes the logits of one cell's prompts apart.
fn attribute(step: &step::LogitAttribution, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let transformer = subject.model.transformer();
    let facts = subject.model.facts();
    let target = Scope::of(subject, &cell.template);
    let components = places::components(&step.name, "components", &step.components, target, context)?;
    let mut terms = Term::embeddings(transformer);
    terms.extend(places::distinct(components).into_iter().filter_map(term));
    terms.extend(Term::biases(transformer));

    let pairs = match step.target {
        AttributionTarget::Answer => None,
        AttributionTarget::Difference => {
            let pairs = PromptPairs::draw_if_read(Other::Answer, (cell, subject), &step.counterfactual, step, context)?;
            pairs.record(&step.name, cell, subject, outcome)?;
            Some(pairs)
        }
    };
    let prompts: Vec<&Prompt> = match &pairs {
        None => cell.prompts.clone(),
        Some(pairs) => pairs.clean.iter().map(|&index| cell.prompts[index]).collect(),
    };
    let answers: Vec<u32> = prompts.iter().map(|prompt| prompt.answer_token()).collect();
    let of_pairs = |pairs: &PromptPairs| (0..prompts.len()).map(|pair| pairs.answers(pair, cell)).collect();
    let sets: Option<Vec<AnswerTokens>> = pairs.as_ref().map(of_pairs);
    if sets.iter().flatten().any(AnswerTokens::several)
        || prompts.iter().any(|prompt| prompt.answers.iter().count() > 1)
    {
        let note = "where a prompt has several right or wrong answers, the logit of the first one is attributed";
        outcome.notes.push(format!("{}: template '{}': {note}", subject.name, cell.template));
    }
    let first_wrong = |one: &AnswerTokens| one.wrong().first().copied().unwrap_or_default();
    let others: Option<Vec<u32>> = sets.as_ref().map(|sets| sets.iter().map(first_wrong).collect());
    let (norm, cap) = (step.norm.unwrap_or_default(), step.soft_cap.unwrap_or(CapSide::Before));
    let tokens = model_run::tokens(&prompts)?;
    let label = subject.task_label(&step.name, &cell.template);
    let task = context.progress.begin(&label, prompts.len() as u64, "prompts");
    let batch = context.batch(&subject.model);
    let divided = subject.divided(&step.name, &cell.template, parts(prompts.len(), batch), context);
    // `[term, prompt]`, and what they add up to as one more.
    let mut data = divided.values(1, (&task, 1), outcome, |part, _| {
        let targets = Targets {
            answers: &answers[part.clone()],
            others: others.as_ref().map(|others| &others[part.clone()]),
            norm,
            cap,
        };
        let pause = |_| interrupt::check().map_err(Error::from);
        let seen = |tokens: &Tokens, logits: &Tensor<2>| subject.sample.see(tokens, logits);
        let found = direct_attribution(transformer, &tokens.part(part.clone()), targets, &terms, batch, seen, pause)?;
        task.advance(part.len() as u64);
        Ok(found.values.iter().chain(&found.total).map(|&value| f64::from(value)).collect())
    })?;
    let total = data.split_off(terms.len() * prompts.len());
    data.extend(rest(&total, &data, &terms));
    data.extend(total);
    let last = PositionGroup {
        label: "last".into(),
        index: Some(tokens.pos - 1),
        positions: Positions::At(vec![tokens.pos - 1]),
    };
    let both = ["rest", "total"].map(|name| named(name, name, &last));
    let keys = PlaceColumns::frame(terms.iter().map(|&term| key(term, &last, facts)).chain(both))?;
    let keys = convention::beside(keys, step.norm, step.soft_cap)?;
    let measure = match step.target {
        AttributionTarget::Answer => "logit",
        AttributionTarget::Difference => "logit-difference",
    };
    let values = MeasuredValues { keys: &keys, measures: &[measure], prompts: &prompts, data: &data, baseline: None };
    let inference = (step.bootstrap, step.test, step.correction);
    outcome.add_values(&step.name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
    Ok(())
}

/// What a component is as a term.
fn term(place: Component) -> Option<Term> {
    match (place.hook, place.unit) {
        (Hook::Block(layer, Site::Z), Some(head)) => Some(Term::Head { layer, head }),
        (Hook::Block(layer, Site::MlpPost), Some(neuron)) => Some(Term::Neuron { layer, neuron }),
        (Hook::Block(layer, Site::MlpPost | Site::MlpOut), None) => Some(Term::Mlp(layer)),
        _ => None,
    }
}

/// What the terms leave of each prompt's logit; a neuron whose MLP is a term itself is part of that. `values` is
/// `[term, prompt]`.
fn rest(total: &[f64], values: &[f64], terms: &[Term]) -> Vec<f64> {
    let whole: HashSet<Term> = terms.iter().copied().collect();
    let counts = |term: &Term| !matches!(term, Term::Neuron { layer, .. } if whole.contains(&Term::Mlp(*layer)));
    let mut rest = total.to_vec();
    for (_, values) in terms.iter().zip(values.chunks_exact(total.len().max(1))).filter(|(term, _)| counts(term)) {
        rest.iter_mut().zip(values).for_each(|(rest, value)| *rest -= value);
    }
    rest
}

/// What names a term in rows.
fn key<'r>(term: Term, last: &'r PositionGroup, facts: &Facts) -> PlaceKey<'r> {
    let place = |layer, site, unit| Component { hook: Hook::Block(layer, site), unit }.key(last, facts);
    match term {
        Term::Embed => named(&Hook::Embed.to_string(), "embed", last),
        Term::PosEmbed => named(&Hook::PosEmbed.to_string(), "pos_embed", last),
        Term::Head { layer, head } => place(layer, Site::Result, Some(head)),
        Term::Mlp(layer) => place(layer, Site::MlpOut, None),
        Term::Neuron { layer, neuron } => place(layer, Site::MlpPost, Some(neuron)),
        Term::AttnBias(layer) => {
            PlaceKey { layer: Some(layer), ..named("attn_bias", &format!("L{layer}.attn_bias"), last) }
        }
        Term::Bias => named("bias", "bias", last),
    }
}

/// What has a name of its own.
fn named<'r>(site: &str, component: &str, at: &'r PositionGroup) -> PlaceKey<'r> {
    let (site, component) = (site.to_string(), component.to_string());
    PlaceKey { site, layer: None, head: None, neuron: None, component, at }
}
