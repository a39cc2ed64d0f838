//! Step `heuristic-support`: how many neurons have a heuristic that holds for a prompt, and how much they write for its answer, of
//! prompts answered correctly and incorrectly (paper §4.3, figure 9).

use super::bag::{self, Bag};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::intervene::{HookPositions, Positions, value_logits};
use crate::prompt::{Prompt, PromptError};
use crate::spec::Loaded;
use crate::spec::SpecErrors;
use crate::spec::step::HeuristicSupport;
use crate::spec::{Keep, Prompts};
use crate::step::kind::Kind;
use crate::step::prompt_sample::PromptSample;
use crate::step::summary::MeasuredValues;
use crate::step::{CellRun, ModelRun, Outcome, RowsInfo, model_run, replays};
use crate::table::{Frames, Holds, rows};
use std::collections::BTreeMap;

/// The groups of prompts, and which each keeps.
const GROUPS: [(&str, Keep); 2] = [("correct", Keep::Correct), ("incorrect", Keep::Incorrect)];

/// What is measured of each prompt: the number of its neurons, and the sum over them of activation × logit of the answer.
const MEASURES: [&str; 2] = ["neurons", "logit"];

impl Kind for HeuristicSupport {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        let spec = context.prompts(self.prompts.as_deref(), &self.name)?;
        for name in context.models.names(&self.models) {
            let model = context.models.open(&name)?;
            for (group, keep) in GROUPS {
                let (sample, seeds) = (Some(self.sample), self.seeds.clone());
                let spec = Prompts { keep, sample, seeds, skip: 0, ..spec.clone() };
                let refuse = |error| context.refuse_prompts(self.prompts.as_deref(), &name, error);
                let set = match model_run::built(&spec, context, &name, &model) {
                    Ok(set) => set,
                    Err(PromptError::NoneKept { evaluated, .. }) => {
                        outcome
                            .notes
                            .push(format!("{name}: none of {evaluated} prompts is answered {group}ly; no rows of it"));
                        continue;
                    }
                    Err(error) => return Err(refuse(error)),
                };
                context.ran_on(self.prompts.as_deref(), &name, &set);
                outcome.notes.extend(set.notes.iter().map(|note| format!("{name}, {group} answers: {note}")));
                let subject =
                    ModelRun { name: name.clone(), model: model.clone(), set, sample: PromptSample::default() };
                subject.each_cell(self, context, &mut outcome, |run| support(self, group, run))?;
            }
        }
        // A model that answers every prompt one way has half of the rows, and none may have any.
        outcome.complete(&self.name, &self.rows(context.frames))?;
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        MeasuredValues::declared::<GroupColumn>((MEASURES.to_vec(), &MEASURES), false, true)
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        super::check(&self.name, &self.from, loaded, frames)
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let groups = context.prompts(self.prompts.as_deref(), &self.name)?.groups();
        let facts = &survey.sketch.card.facts;
        let read = GROUPS.len() * self.sample * self.seeds.len() * groups;
        let of =
            |cell: &crate::cost::SurveyedCell| Workload::forwards(cell.prompts + read, cell.positions.length, facts);
        Ok(Some(survey.cells.iter().map(of).fold(Workload::default(), |whole, cell| whole.and(cell))))
    }

    /// Which of them are answered how is what it asks.
    fn prompts_run(&self, prompts: &Prompts) -> Prompts {
        Prompts { keep: Keep::All, ..prompts.clone() }
    }
}

rows! {
    /// The group of prompts.
    GroupColumn<'r>(group: &'r str) {
        group: String = group, "Which prompts: answered correctly, or incorrectly.", in GROUPS.map(|(group, _)| group);
    }
}

/// Both measures of each prompt of a cell.
fn support(
    step: &HeuristicSupport,
    group: &str,
    CellRun { cell, subject, context, outcome }: CellRun,
) -> Result<(), Error> {
    let prompts = super::distinct(&cell.prompts);
    let bags = bag::bags(&step.name, &step.from, super::groups_of(&prompts), cell, subject, context)?;
    let last = Positions::At(vec![cell.positions.length - 1]);
    let layers = super::layers(&bags);
    let wanted: HookPositions = layers.iter().map(|&layer| (super::hook(layer), last.clone())).collect();
    let label = format!("{}, {group}", subject.task_label(&step.name, &cell.template));
    let task = context.progress.begin(&label, prompts.len() as u64, "prompts");
    // What is read of a batch stays until it is added up.
    let bytes = replays::activation_bytes(&wanted, subject.model.facts(), cell.positions.length);
    let batch = context.batch(&subject.model).min((replays::memory(context) / bytes.max(1)).max(1));
    let mut data: Vec<f64> = Vec::with_capacity(prompts.len() * MEASURES.len());
    let tokens = model_run::tokens(&prompts)?;
    replays::captured(subject, (&label, &tokens), &wanted, batch, (context, &task), |part, activations| {
        let part = &prompts[part];
        let own: Vec<Own> = part.iter().map(|prompt| Own::of(prompt, &bags[&prompt.group])).collect();
        let mut sums = vec![0.0; part.len()];
        for (&layer, (_, activation)) in layers.iter().zip(&activations) {
            let answers: Vec<u32> = part.iter().map(|prompt| prompt.answer_token()).collect();
            let neurons = union(&own, layer);
            let logits = value_logits(subject.model.transformer(), layer, &neurons, &answers);
            for (number, own) in own.iter().enumerate() {
                let Some(values) = activation.position(number, cell.positions.length - 1) else { continue };
                for neuron in own.layers.get(&layer).into_iter().flatten() {
                    let Ok(row) = neurons.binary_search(neuron) else { continue };
                    let logit = logits[row * answers.len() + number];
                    sums[number] += f64::from(values[*neuron]) * f64::from(logit);
                }
            }
        }
        data.extend(own.iter().zip(sums).flat_map(|(own, sum)| [own.count as f64, sum]));
        Ok(())
    })?;
    let values = MeasuredValues {
        keys: &GroupColumn::frame([group])?,
        measures: &MEASURES,
        prompts: &prompts,
        data: &data,
        baseline: None,
    };
    outcome.add_values(&step.name, subject.labels(), &cell.template, &values, step.bootstrap, true)?;
    Ok(())
}

/// A prompt's neurons: those with a heuristic that holds for it, each once.
struct Own {
    count: usize,
    /// By layer.
    layers: BTreeMap<usize, Vec<usize>>,
}

impl Own {
    fn of(prompt: &Prompt, bag: &Bag) -> Self {
        let associated = bag.associated(prompt);
        let layers = bag.by_layer(associated.iter().map(|one| one.neuron));
        Self { count: associated.len(), layers }
    }
}

/// The neurons of a layer that any of the prompts has, ascending.
fn union(own: &[Own], layer: usize) -> Vec<usize> {
    let mut neurons: Vec<usize> = own.iter().filter_map(|own| own.layers.get(&layer)).flatten().copied().collect();
    neurons.sort_unstable();
    neurons.dedup();
    neurons
}
