//! Step `logit-attribution`: what each component adds to the answer's logit (Elhage et al. 2021).

use super::labels::Labels;
use super::model_run::{self, ModelRun, TemplateBatch};
use super::pairing::{self, Other, Pairs, pair_rows};
use super::places::{self, Place, PositionGroup};
use super::summary::Values;
use super::{Outcome, Scope};
use crate::Error;
use crate::context::Context;
use crate::cost::{Read, Survey, Workload};
use crate::intervene::{Positions, Targets, Term, direct_attribution};
use crate::model::facts::Facts;
use crate::model::hook::{Hook, Site};
use crate::prompt::Prompt;
use crate::spec::step::{self, AttributionTarget};
use crate::step::divided::parts;
use crate::step::kind::Kind;
use crate::system::interrupt;
use crate::table::Frames;
use polars::prelude::*;
use std::collections::HashSet;

impl Kind for step::LogitAttribution {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each(self, context, |subject, outcome| {
            let refuse = |error| context.refuse_prompts(self.prompts.as_deref(), &subject.name, error);
            subject
                .cells()
                .map_err(refuse)?
                .iter()
                .try_for_each(|cell| attribute(self, cell, subject, context, outcome))
        })
    }

    fn empty_frames(&self, _frames: &Frames) -> PolarsResult<Vec<(String, DataFrame)>> {
        let mut frames = Outcome::empty_values(&self.name, &places::keys(&[], None)?, false, self.per_prompt)?;
        if self.target == AttributionTarget::Difference {
            let mut pairs = Outcome::default();
            let labels = Labels { model: "", checkpoint: "" };
            pairs.add_rows(&format!("{}.pairs", self.name), labels, pair_rows("", &[], &[]))?;
            frames.extend(pairs.frames);
        }
        Ok(frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let components =
            places::components(&self.name, "components", &self.components, Scope::planned(facts), context)?;
        if self.target == AttributionTarget::Difference {
            pairing::foresee(&self.counterfactual, self, survey, context)?;
        }
        // As many for the embeddings and biases as there may be.
        let terms = components.len() + facts.n_layers + 3;
        survey
            .reading(|_| Ok(Read { logits: 0, bytes: terms * (size_of::<f32>() + size_of::<f64>()), passing: 0 }))
            .map(Some)
    }
}

/// Takes the logits of one cell's prompts apart.
fn attribute(
    step: &step::LogitAttribution,
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
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
            let pairs = Pairs::draw_if_read(Other::Answer, (cell, subject), &step.counterfactual, step, context)?;
            pairs.record(&step.name, cell, subject, outcome)?;
            Some(pairs)
        }
    };
    let prompts: Vec<&Prompt> = match &pairs {
        None => cell.prompts.clone(),
        Some(pairs) => pairs.clean.iter().map(|&index| cell.prompts[index]).collect(),
    };
    let answers: Vec<u32> = prompts.iter().map(|prompt| prompt.answer_tokens[0]).collect();
    let others: Option<Vec<u32>> =
        pairs.as_ref().map(|pairs| (0..prompts.len()).map(|pair| pairs.other_answer(pair, cell)).collect());
    let tokens = model_run::tokens(&prompts)?;
    let label = format!("{}: {}", step.name, subject.name);
    let task = context.progress.begin(&label, prompts.len() as u64, "prompts");
    let batch = context.batch(&subject.model);
    let divided = subject.divided(&step.name, &cell.template, parts(prompts.len(), batch), context);
    // `[term, prompt]`, and what they add up to as one more.
    let mut data = divided.values(1, (&task, 1), outcome, |part, _| {
        let targets =
            Targets { answers: &answers[part.clone()], others: others.as_ref().map(|others| &others[part.clone()]) };
        let pause = |_| interrupt::check().map_err(Error::from);
        let found = direct_attribution(transformer, &tokens.part(part.clone()), targets, &terms, batch, pause)?;
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
    let keys = keys(&terms, &last, facts)?;
    let measure = match step.target {
        AttributionTarget::Answer => "logit",
        AttributionTarget::Difference => "logit-difference",
    };
    let values = Values { keys: &keys, measures: &[measure], prompts: &prompts, data: &data, baseline: None };
    outcome.add_values(&step.name, subject.labels(), &cell.template, &values, step.bootstrap, step.per_prompt)?;
    Ok(())
}

/// What a component is as a term.
fn term(place: Place) -> Option<Term> {
    match (place.hook, place.unit) {
        (Hook::Block(layer, Site::Z), Some(head)) => Some(Term::Head { layer, head }),
        (Hook::Block(layer, Site::MlpPost), Some(neuron)) => Some(Term::Neuron { layer, neuron }),
        (Hook::Block(layer, Site::MlpPost), None) => Some(Term::Mlp(layer)),
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

/// One row of keys per term, then `rest` and `total`. The columns of [`places::keys`].
fn keys(terms: &[Term], last: &PositionGroup, facts: &Facts) -> PolarsResult<DataFrame> {
    let names: Vec<[String; 2]> = terms
        .iter()
        .map(|&term| {
            let place = |layer, site, unit| {
                let place = Place { hook: Hook::Block(layer, site), unit };
                [place.site(), place.component(facts)]
            };
            match term {
                Term::Embed => [Hook::Embed.to_string(), "embed".into()],
                Term::PosEmbed => [Hook::PosEmbed.to_string(), "pos_embed".into()],
                Term::Head { layer, head } => place(layer, Site::Result, Some(head)),
                Term::Mlp(layer) => place(layer, Site::MlpOut, None),
                Term::Neuron { layer, neuron } => place(layer, Site::MlpPost, Some(neuron)),
                Term::AttnBias(layer) => ["attn_bias".into(), format!("L{layer}.attn_bias")],
                Term::Bias => ["bias".into(), "bias".into()],
            }
        })
        .chain(["rest", "total"].map(|name| [name.to_string(), name.to_string()]))
        .collect();
    let number = |of: fn(Term) -> Option<usize>| -> Vec<Option<u32>> {
        terms.iter().map(|&term| of(term).map(|number| number as u32)).chain([None, None]).collect()
    };
    df!(
        "site" => names.iter().map(|[site, _]| site.as_str()).collect::<Vec<_>>(),
        "layer" => number(|term| match term {
            Term::Head { layer, .. } | Term::Mlp(layer) | Term::Neuron { layer, .. } | Term::AttnBias(layer) => Some(layer),
            Term::Embed | Term::PosEmbed | Term::Bias => None,
        }),
        "head" => number(|term| match term {
            Term::Head { head, .. } => Some(head),
            _ => None,
        }),
        "neuron" => number(|term| match term {
            Term::Neuron { neuron, .. } => Some(neuron),
            _ => None,
        }),
        "component" => names.iter().map(|[_, component]| component.as_str()).collect::<Vec<_>>(),
        "position" => vec![last.label.as_str(); names.len()],
        "position_index" => vec![last.index.map(|index| index as u32); names.len()],
    )
}
