//! One template's prompts: the circuits as edits, the prompts they are run on, and the rows of what is left.

use super::circuits::{self, Circuits};
use super::controls;
use super::runs::{self, AblationCase, Arm};
use crate::Error;
use crate::counted::{agreeing, counted};
use crate::intervene::{Edit, HookPositions, Positions, Units};
use crate::measure::Property;
use crate::model::hook::Hook;
use crate::prompt::{FieldValue, Prompt, PromptGroup};
use crate::spec::step::{Ablation, AblationValue, Control, MeanOperators};
use crate::step::inference::Inference;
use crate::step::means::{self, Means};
use crate::step::pairing::{Other, PromptPairs};
use crate::step::summary::MeasuredValues;
use crate::step::{CellRun, ModelRun, Outcome, TemplateBatch, places};

/// What activations become.
enum Given {
    Means(Means),
    Zero,
    /// Those of the pair's other prompt.
    Other,
}

/// Every circuit on the prompts of one cell.
///
/// # Errors
/// Components, positions, rankings and prompts that cannot be had, at their place in the spec, and Ctrl-C.
pub fn ablate(step: &Ablation, CellRun { cell, subject, context, outcome }: CellRun) -> Result<(), Error> {
    let compares = step.measures.iter().position(|measure| measure.has(Property::OtherAnswer));
    let has_wrong = cell.prompts.iter().all(|prompt| !prompt.wrong.is_empty());
    if let Some(index) = compares.filter(|_| step.value != AblationValue::Resample && !has_wrong) {
        let problem = "this measure compares with a wrong answer, and the prompts have none";
        let advice = "write wrong = [\"…\"] in the prompts, or value = \"resample\", which compares with the other prompt's answer";
        let path = ["step", step.name.as_str(), "measures", &index.to_string()];
        return Err(context.loaded.refuse(&path, problem, Some(advice.to_string())).into());
    }
    let (name, facts) = (&step.name, subject.model.facts());
    let at = places::positions(name, &step.positions, &cell.positions, &cell.template, context)?;
    let positions = places::together(&at);
    let groups: Vec<PromptGroup> = subject.set.groups.iter().filter(|one| has(cell, subject, one)).cloned().collect();
    let all = circuits::circuits(step, &groups, cell, subject, context)?;
    let members = circuits::member_rows(&cell.template, &all, facts)?;
    if cell.is_first() {
        outcome.add_rows(&format!("{name}.components"), subject.labels(), members)?;
    }
    let against_empty = step.measures.iter().any(|measure| measure.has(Property::EmptyRun));

    let over = means::Over { step: name, prompts: step.prompts.as_deref(), mean: &step.mean };
    let given = match step.value {
        AblationValue::Mean => {
            let wanted = wanted(&all, against_empty, &positions);
            Given::Means(Means::take(over, wanted, cell, subject, context, outcome)?)
        }
        AblationValue::Zero => Given::Zero,
        AblationValue::Resample => Given::Other,
    };
    let arm = |circuits: &Circuits, group: &PromptGroup| -> Result<Arm, Error> {
        Arm::new(circuits, against_empty, |hook: Hook, units: Units| {
            let positions = positions.clone();
            match &given {
                Given::Means(means) => Ok(Edit::set(hook, positions, units, means.at(hook, group, over, context)?)),
                Given::Zero => Ok(Edit::zero(hook, positions, units)),
                Given::Other => Ok(Edit::patch(hook, positions, units)),
            }
        })
    };
    // The prompts of all groups are one arm unless something differs between them.
    let own_circuits = all.iter().any(|circuits| circuits.group.is_some());
    let own_means = matches!(given, Given::Means(_)) && step.mean.operators == MeanOperators::Same;
    let apart = own_circuits || own_means;
    let count = if apart { groups.len() } else { 1 };
    let pairs = groups.iter().take(count).enumerate();
    let arms: Vec<Arm> = pairs
        .filter_map(|(index, group)| Some((all.get(if own_circuits { index } else { 0 })?, group)))
        .map(|(circuits, group)| arm(circuits, group))
        .collect::<Result<_, Error>>()?;
    let arm_of =
        |prompt: &Prompt| groups.iter().position(|group| *group == prompt.group).filter(|_| apart).unwrap_or(0);

    let pairs = match step.value {
        AblationValue::Resample => {
            let pairs = PromptPairs::draw(
                Other::of(true, compares.is_some()),
                (cell, subject),
                &step.counterfactual,
                step,
                context,
            )?;
            pairs.record(name, cell, subject, outcome)?;
            Some(pairs)
        }
        AblationValue::Mean | AblationValue::Zero => None,
    };
    let cases: Vec<AblationCase> = match &pairs {
        Some(pairs) => pairs
            .clean
            .iter()
            .zip(&pairs.other)
            .map(|(&clean, &other)| (cell.prompts[clean], Some(&pairs.others[other])))
            .map(|(prompt, other)| AblationCase { prompt, other, arm: arm_of(prompt) })
            .collect(),
        None => cell.prompts.iter().map(|&prompt| AblationCase { prompt, other: None, arm: arm_of(prompt) }).collect(),
    };
    let total: usize = cases.iter().map(|case| arms[case.arm].runs()).sum();
    let task = context.progress.begin(&subject.task_label(name, &cell.template), total as u64, "rows");
    let data = runs::measure(step, &arms, &cases, (&cell.template, &positions), subject, (context, &task), outcome)?;

    let keys = circuits::keys(&all)?;
    let measures: Vec<&'static str> = step.measures.iter().map(|measure| measure.name()).collect();
    let prompts: Vec<&Prompt> = cases.iter().map(|case| case.prompt).collect();
    let each = prompts.len() * measures.len();
    let (baseline, data) = data.split_at(each);
    let (data, drawn) = data.split_at(keys.height() * each);
    let controls = (step.control != Control::None).then(|| controls::values(step, &all, drawn, each));
    let values = MeasuredValues { keys: &keys, measures: &measures, prompts: &prompts, data, baseline: Some(baseline) };
    let note = controls::note(step, &all, cell, subject).filter(|note| !outcome.notes.contains(note));
    outcome.notes.extend(note);
    let inference = Inference::from((step.bootstrap, step.test, step.correction));
    let inference = Inference { controls: controls.as_ref(), ..inference };
    outcome.add_values(name, subject.labels(), &cell.template, &values, inference, step.per_prompt)?;
    Ok(())
}

/// Whether a cell has prompts of a group, or, where its template has other shapes, one of these.
fn has(cell: &TemplateBatch, subject: &ModelRun, group: &PromptGroup) -> bool {
    let template = cell.prompts.first().map(|prompt| prompt.template);
    let of_template = |prompt: &Prompt| Some(prompt.template) == template && prompt.group == *group;
    match cell.is_one_of_several() {
        true => subject.set.prompts.iter().any(of_template),
        false => cell.prompts.iter().any(|prompt| prompt.group == *group),
    }
}

/// What is ablated by any circuit.
fn wanted(all: &[Circuits], against_empty: bool, positions: &Positions) -> HookPositions {
    let sets = all
        .iter()
        .flat_map(|one| one.circuits.iter().map(|circuit| &circuit.ablated).chain(against_empty.then_some(&one.empty)));
    sets.flat_map(|set| set.units()).map(|(hook, _)| (hook, positions.clone())).collect()
}

/// The shapes of a template with the prompts that are ablated.
///
/// # Errors
/// A template all of whose answers are 0.
pub fn without_zero_answers<'s>(
    step: &Ablation,
    shapes: &[TemplateBatch<'s>],
    subject: &ModelRun,
    outcome: &mut Outcome,
) -> Result<Vec<TemplateBatch<'s>>, Error> {
    let mut kept = shapes.to_vec();
    let count = |shapes: &[TemplateBatch]| shapes.iter().map(|cell| cell.prompts.len()).sum::<usize>();
    let is_number = |prompt: &&Prompt| matches!(prompt.answer().value, FieldValue::Integer(_));
    if step.skip_zero_answers && shapes.iter().all(|cell| cell.prompts.iter().all(is_number)) {
        let is_zero = |prompt: &Prompt| prompt.answer().value == FieldValue::Integer(0);
        kept.iter_mut().for_each(|cell| cell.prompts.retain(|prompt| !is_zero(prompt)));
        kept.retain(|cell| !cell.prompts.is_empty());
        let template = shapes.first().map_or("", |cell| &cell.template);
        let (name, all, left) = (&subject.name, count(shapes), count(&kept));
        if left == 0 {
            let problem = format!(
                "model '{name}', template '{template}': every prompt has the answer 0, and skip_zero_answers leaves these out; write other \
                 operands, or skip_zero_answers = false"
            );
            return Err(Error::refused(format!("step '{}'", step.name))(problem));
        }
        outcome.notes.push(format!(
            "{name}: template '{template}': {} of {} {} left out",
            all - left,
            counted(all, "prompt"),
            agreeing(all - left, "has the answer 0 and is", "have the answer 0 and are")
        ));
        let shapes = kept.len();
        kept.iter_mut().enumerate().for_each(|(number, cell)| cell.shape = (number, shapes));
    }
    Ok(kept)
}
