//! Step `probe`: linear classifiers from activations to the answer (paper §2.2, figure 3), and the layers that write it.

mod reads;
mod rows;
mod train;

use super::model_run::{self, TemplateBatch, TemplateRun};
use super::places::{self, PositionGroup};
use super::{Outcome, RowsInfo, Scope, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::counted::{agreeing, counted};
use crate::intervene::Layout;
use crate::manifest::SelfCheck;
use crate::model::hook::{Hook, Site};
use crate::prompt::Prompt;
use crate::spec::step::{self};
use crate::spec::{HookPattern, Loaded, PositionName, SpecErrors};
use crate::step::kind::Kind;
use crate::table::{Frames, Holds};
use reads::{Reads, ShapePrompts};
use rows::{LayersColumns, ScoreColumns};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use train::{Judgement, ProbeTask};

impl Kind for step::Probe {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        model_run::each_template(self, context, |run| probe(self, run))
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        vec![RowsInfo::of::<ScoreColumns>(""), RowsInfo::of::<LayersColumns>("layers")]
    }

    fn check(&self, loaded: &Loaded, _frames: &Frames) -> Result<(), SpecErrors> {
        for (index, text) in self.sites.iter().enumerate() {
            let HookPattern::Layers(_, site) = &text.says().hooks else { continue };
            if matches!(site, Site::AttnScores | Site::Pattern) {
                let problem = format!("'{text}': attention scores and patterns cannot be probed");
                let advice =
                    Some("write 'resid_post', or another hook of a position: 'attn_out', 'z[head]', 'mlp_post'".into());
                return Err(loaded.refuse(&["step", &self.name, "sites", &index.to_string()], problem, advice));
            }
        }
        match self.positions.iter().position(PositionName::is_several) {
            Some(index) => {
                let problem = "a classifier reads one position; write 'each' for every position on its own";
                Err(loaded.refuse(&["step", &self.name, "positions", &index.to_string()], problem, None))
            }
            None => Ok(()),
        }
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let length = cell.positions.length;
            let target = Scope::planned(facts);
            let (places, at) = places::resolve(&self.name, (&self.sites, &self.positions), target, cell.at(), context)?;
            let reads = Reads::of(&places, &[&at]);
            if !rows::has_layers(&reads, &[length]) && is_referred_to(self, context.loaded) {
                let problem = "other steps take their layers from this one, which needs 'resid_post' at the last position to find them";
                let advice = "write sites = [\"resid_post\"] and positions = [\"each\"] or [\"last\"]".to_string();
                return Err(context.loaded.refuse(&["step", &self.name], problem, Some(advice)).into());
            }
            let blocks = reads.blocks(facts, length, cell.prompts, memory(context, facts.d_model, cell.answers));
            let forwards = Workload::forwards(cell.prompts * blocks.len(), length, facts);
            // Forward and gradient, at each epoch and once more to be judged.
            let passes = (2 * self.epochs + 1) as f64 * self.train + (1.0 - self.train);
            let width: usize = reads.all.iter().map(|read| read.width(facts, length)).sum();
            let products = 2 * width * cell.answers * cell.prompts;
            let kept = blocks.iter().map(|block| reads.bytes(block, facts, length, cell.prompts)).max().unwrap_or(0);
            whole = whole.and(forwards.operating((products as f64 * passes) as u64).keeping(kept as u64));
        }
        Ok(Some(whole))
    }
}

/// Whether another step takes its layers from this one.
fn is_referred_to(step: &step::Probe, loaded: &Loaded) -> bool {
    loaded.spec.steps.iter().any(|other| other.probes().any(|name| name == step.name))
}

/// Bytes that activations may take: what the classifiers in training leave.
fn memory(context: &Context, inputs: usize, classes: usize) -> usize {
    let whole = replays::memory(context);
    // Weights, gradient and both moments of one classifier per thread.
    let training = 4 * size_of::<f32>() * inputs * classes * rayon::current_num_threads();
    whole.saturating_sub(training).max(whole / 8)
}

/// The positions of each shape's prompts: those whose names all have, which are told apart from the others.
fn shared(of_shapes: Vec<Vec<PositionGroup>>) -> (Vec<Vec<PositionGroup>>, Vec<String>) {
    let everywhere = |at: &PositionGroup| of_shapes.iter().all(|other| other.iter().any(|one| one.label == at.label));
    let Some(first) = of_shapes.first() else { return (Vec::new(), Vec::new()) };
    let names: Vec<&str> = first.iter().filter(|at| everywhere(at)).map(|at| at.label.as_str()).collect();
    let mut others: Vec<String> = Vec::new();
    for at in of_shapes.iter().flatten().filter(|at| !names.contains(&at.label.as_str())) {
        if !others.contains(&at.label) {
            others.push(at.label.clone());
        }
    }
    let of = |at: &Vec<PositionGroup>| -> Vec<PositionGroup> {
        names.iter().filter_map(|name| at.iter().find(|one| one.label == *name).cloned()).collect()
    };
    (of_shapes.iter().map(of).collect(), others)
}

/// Every classifier on the prompts of one template.
fn probe(step: &step::Probe, run: TemplateRun) -> Result<(), Error> {
    let TemplateRun { shapes, subject, context, outcome } = run;
    let Some(cell) = shapes.first() else { return Ok(()) };
    let facts = subject.model.facts();
    let length = cell.positions.length;
    let target = Scope::of(subject, &cell.template);
    let mut places = Vec::new();
    let mut of_shapes = Vec::with_capacity(shapes.len());
    for shape in shapes {
        let (here, at) = places::resolve(&step.name, (&step.sites, &step.positions), target, shape.at(), context)?;
        places = here;
        of_shapes.push(at);
    }
    let of_shapes = match shapes {
        [_] => of_shapes,
        _ => {
            let (shared, others) = shared(of_shapes);
            if !others.is_empty() {
                outcome.notes.push(format!(
                    "{}: template '{}': the positions {} are not probed, because not all prompts have them",
                    subject.name,
                    cell.template,
                    others.join(", ")
                ));
            }
            shared
        }
    };
    let mut prompts: Vec<&Prompt> = shapes.iter().flat_map(|shape| shape.prompts.iter().copied()).collect();
    if shapes.len() > 1 {
        let order: HashMap<(Option<u64>, u64), usize> =
            subject.set.prompts.iter().enumerate().map(|(place, prompt)| ((prompt.seed, prompt.id), place)).collect();
        prompts.sort_by_key(|prompt| order.get(&(prompt.seed, prompt.id)).copied());
    }
    let task = ProbeTask::new(step, &prompts);
    if let Some(problem) = task.problem(step) {
        let problem = format!("model '{}', template '{}': {problem}", subject.name, cell.template);
        return Err(context.loaded.refuse(&["step", &step.name, "train"], problem, None).into());
    }
    outcome.notes.extend(task.note().map(|note| format!("{}: template '{}': {note}", subject.name, cell.template)));
    let at: Vec<&[PositionGroup]> = of_shapes.iter().map(Vec::as_slice).collect();
    let reads = Reads::of(&places, &at);
    let of_shape = |cell: &TemplateBatch| {
        let ids: HashSet<u64> = cell.prompts.iter().map(|prompt| prompt.id).collect();
        let own = task.prompts.iter().enumerate().filter(|(_, prompt)| ids.contains(&prompt.id));
        let (numbers, prompts) = own.map(|(number, &prompt)| (number, prompt)).unzip();
        ShapePrompts { length: cell.positions.length, numbers, prompts }
    };
    let of_task: Vec<ShapePrompts> = shapes.iter().map(of_shape).collect();
    let lengths: Vec<usize> = of_task.iter().map(|shape| shape.length).collect();
    let same = |name: usize, index: Option<usize>| index.filter(|_| of_shapes.iter().all(|at| at[name].index == index));
    let named: Vec<PositionGroup> = of_shapes
        .first()
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(name, at)| PositionGroup { index: same(name, at.index), ..at.clone() })
        .collect();
    let blocks = reads.blocks(facts, length, task.prompts.len(), memory(context, facts.d_model, task.classes.len()));
    let label = subject.task_label(&step.name, &cell.template);
    let mut results: Vec<Vec<Judgement>> = Vec::with_capacity(reads.all.len());
    let layout = |hook: Hook| Layout::of(hook, facts, length);
    let divided = subject.divided(&step.name, &cell.template, blocks, context);
    let work = |block: Range<usize>, _: &mut Vec<SelfCheck>| {
        let activations = reads.capture(&block, (&of_task, task.prompts.len()), subject, &label, context)?;
        let epochs = (block.len() * task.lessons.len() * step.epochs) as u64;
        let progress = context.progress.begin(&label, epochs, "epochs");
        let mut results: Vec<Vec<Judgement>> = Vec::with_capacity(block.len());
        let parts = train::parts(step, &task, &reads.all[block.clone()], facts, length);
        let series = context.blocks.series("classifiers of one block", &parts);
        for (number, part) in parts.iter().enumerate() {
            let some = &reads.all[block.start..][part.clone()];
            let skipped = (part.len() * task.lessons.len() * step.epochs) as u64;
            results.extend(series.get_or(
                number,
                |_| progress.advance(skipped),
                || train::train(step, &task, (&reads, some), &activations, layout, &progress),
            )?);
        }
        Ok(results)
    };
    divided.each(outcome, |_| (), work, |_, block: Vec<Vec<Judgement>>| results.extend(block))?;
    let all = || results.iter().flatten();
    let learning = all().filter(|judgement| judgement.still_learning).count();
    if learning > 0 {
        outcome.notes.push(format!(
            "{}: template '{}': {learning} of {} {} loss fell by more than 1 %; more epochs, a larger lr or standardize = true \
             would make {} better",
            subject.name,
            cell.template,
            counted(all().count(), "classifier"),
            agreeing(
                learning,
                "was still learning: in the last epoch its",
                "were still learning: in the last epoch their"
            ),
            agreeing(learning, "it", "them")
        ));
    }
    let rows = rows::ProbeResults { task: &task, reads: &reads, places: &places, at: &named, results: &results };
    let (labels, template) = (subject.labels(), &cell.template);
    outcome.add_labelled(
        &step.name,
        labels,
        template,
        ScoreColumns::frame(rows.scores().iter().map(|one| (one, facts)))?,
    )?;
    let found = rows.answer_writing(&lengths, facts.n_layers, step.share);
    outcome.add_labelled(&format!("{}.layers", step.name), labels, template, LayersColumns::frame(&found)?)?;
    Ok(())
}
