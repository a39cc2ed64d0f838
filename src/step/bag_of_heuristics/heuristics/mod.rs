//! Step `heuristics`: which rules on operands and results neurons implement (paper §3.2, algorithm 1).

mod activations;
mod examples;
mod found;
mod frames;
mod neurons;
mod prompts;
mod values;

use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, Workload};
use crate::heuristic::{Match, Matcher, MatcherOptions};
use crate::manifest::SelfCheck;
use crate::spec::step::{Heuristics, ScoreCap, ZeroResults};
use crate::spec::{Loaded, Prompts, SpecErrors};
use crate::step::divided::Divided;
use crate::step::divided::parts;
use crate::step::dry_ranking::{self, RankingReader};
use crate::step::kind::Kind;
use crate::step::model_run::{self, ModelRun};
use crate::step::ranking::Ranking;
use crate::step::summary::MOST_ROWS;
use crate::step::{Outcome, RowsInfo, replays};
use crate::table::Frames;
use examples::{Example, Examples};
use found::NeuronMatches;
use prompts::GroupPrompts;
use std::cell::RefCell;
use std::ops::Range;
use values::AnswerIntegers;

/// Neurons of a block that are matched together.
const MATCHED_AT_ONCE: usize = 64;

/// What a neuron matches, and how much it would by chance: on results, on operands.
type Matched = (Vec<Match>, [usize; 2]);

impl Kind for Heuristics {
    fn run(&self, context: &Context) -> Result<Outcome, Error> {
        let mut outcome = model_run::each_on(self, context, surveyed, |subject, outcome| {
            for template in 0..subject.set.templates.len() {
                for group in &subject.set.groups {
                    let set = prompts::of_group(self, template, group, subject, outcome);
                    if !set.prompts.is_empty() {
                        classify(self, &set, subject, context, outcome)?;
                    }
                }
            }
            Ok(())
        })?;
        // Of every kind of rows there are some, if only none.
        outcome.complete(&self.name, &frames::declared())?;
        Ok(outcome)
    }

    fn rows(&self, _frames: &Frames) -> Vec<RowsInfo> {
        frames::declared()
    }

    fn check(&self, loaded: &Loaded, frames: &Frames) -> Result<(), SpecErrors> {
        dry_ranking::check(&Ranking::from(&self.ranked), &["step", &self.name, "ranked"], true, (loaded, frames))
    }

    fn workload(&self, survey: &Survey, context: &Context) -> Result<Option<Workload>, Error> {
        let facts = &survey.sketch.card.facts;
        let groups = &model_run::groups(self, context)?;
        let count = groups.len().max(1);
        for cell in &survey.cells {
            let reader = RankingReader { name: &survey.name, facts, template: &cell.template, groups };
            neurons::foresee(self, reader, context)?;
        }
        let layers = dry_ranking::expected_layers(&self.ranked.from, facts, context);
        let neurons = self.ranked.k.min(facts.d_mlp) * layers.len();
        let mut whole = Workload::default();
        for cell in &survey.cells {
            let each = cell.prompts.div_ceil(count);
            let at_once = at_once(context, each).min(neurons.max(1));
            let forwards = Workload::forwards(cell.prompts * neurons.div_ceil(at_once), cell.positions.length, facts);
            // As they are, and as a control once more.
            let matching = forwards.matching(2 * neurons * count, each);
            whole = whole.and(matching.keeping((4 * at_once * each) as u64));
        }
        Ok(Some(whole))
    }

    fn prompts_run(&self, prompts: &Prompts) -> Prompts {
        surveyed(prompts)
    }

    fn rankings(&self) -> Vec<Ranking<'_>> {
        vec![Ranking::from(&self.ranked)]
    }
}

/// The prompts that the step runs on, of those that a spec says: every legal one.
fn surveyed(prompts: &Prompts) -> Prompts {
    Prompts { keep: crate::spec::Keep::All, sample: None, skip: 0, ..prompts.clone() }
}

/// How many neurons' activations on `prompts` prompts are in memory at once: half of `run.memory_mib`. More neurons than that take
/// a further run of the prompts.
fn at_once(context: &Context, prompts: usize) -> usize {
    (replays::memory(context) / 2 / (size_of::<f32>() * prompts.max(1))).max(1)
}

/// What is looked for in a model.
fn options(step: &Heuristics, gated: bool) -> MatcherOptions {
    MatcherOptions {
        variant: step.variant,
        types: step.types.clone(),
        threshold: step.threshold,
        cap: step.cap.unwrap_or(ScoreCap::of(step.variant)),
        zero_results: step.zero_results.unwrap_or(ZeroResults::of(step.variant)),
        min_associated: step.min_associated,
        max_chance: step.max_chance,
        low_tail: step.low_tail.unwrap_or(gated),
    }
}

/// The neurons of one group's prompts: reads their activations and what they write, matches them, and adds the rows.
fn classify(
    step: &Heuristics,
    set: &GroupPrompts,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let facts = subject.model.facts();
    let neurons = neurons::ranked(step, &set.group, &set.template, subject, context)?;
    let problems = set.problems();
    let Some(operator) = set.calculations().next().map(|one| one.operator) else { return Ok(()) };
    let sign = operator.sign();
    let matcher = Matcher::new(&problems, operator, options(step, facts.gated));
    let values = AnswerIntegers::of(set, subject, context, step)?;
    let matched = values.indices(matcher.results());
    let shuffled = values::shuffled(&matched, step.seed);
    check_examples(step, set, context, outcome)?;

    let label = subject.task_label(&format!("{} {sign}", step.name), &set.template);
    let mut found: Vec<NeuronMatches> = Vec::with_capacity(neurons.len());
    let mut examples = Examples::new(step.examples);
    for part in neurons.chunks(at_once(context, problems.len())) {
        let activations = activations::read((&step.name, &label), part, &set.prompts, subject, (context, outcome))?;
        let task = context.progress.begin(&label, part.len() as u64, "neurons");
        let divided = Divided {
            step: &step.name,
            what: format!("matches of {sign} {}, template '{}'", subject.name, set.template),
            context,
            parts: parts(part.len(), MATCHED_AT_ONCE),
        };
        let activations_of = |part: &Range<usize>| &activations[part.start * problems.len()..part.end * problems.len()];
        let logits_of = |range: &Range<usize>| values.logits(&part[range.clone()], subject);
        // What neurons write is no part of a block: it is made in a moment, and would take more room than all else.
        let made = RefCell::new(None);
        let work = |range: Range<usize>, _: &mut Vec<SelfCheck>| -> Result<Vec<Matched>, Error> {
            let logits = logits_of(&range);
            let at = |indices: &[usize]| -> Vec<f32> {
                logits.iter().flat_map(|logits| indices.iter().map(|&index| logits.results[index])).collect()
            };
            let matches = matcher.classify(activations_of(&range), &at(&matched));
            let control = matcher.classify_direct(activations_of(&range), &at(&shuffled));
            let disordered = values::disordered(activations_of(&range), &part[range.clone()], step.seed);
            let disordered = matcher.classify_indirect(&disordered);
            task.advance(range.len() as u64);
            made.replace(Some(logits));
            let controls =
                control.iter().zip(&disordered).map(|(control, disordered)| [control.len(), disordered.len()]);
            Ok(matches.into_iter().zip(controls).collect())
        };
        let skipped = |range: Range<usize>| task.advance(range.len() as u64);
        divided.each(outcome, skipped, work, |range, matches| {
            let neurons = part[range.clone()].iter().zip(matches);
            let logits = made.take().unwrap_or_else(|| logits_of(&range));
            let values = logits.into_iter().zip(activations_of(&range).chunks(problems.len()));
            for ((neuron, (matches, [control, control_operands])), (logits, activations)) in neurons.zip(values) {
                let (neuron, top) = (neuron.clone(), logits.top);
                let one = NeuronMatches { neuron, matches, control, control_operands, top };
                examples.offer(&one, activations, &logits.results);
                found.push(one);
            }
        })?;
    }
    outcome.notes.push(note(&matcher, &found, set, subject));
    let examples: Vec<Example> = examples.all();
    let drawn = examples::first(&examples, step.patterns);
    let prompts = values.of_prompts(set);
    let named = frames::all(set.group.label(), &found, matcher.entries(), &examples, &drawn, &prompts)?;
    for (rows, frame) in frames::declared().into_iter().zip(named) {
        outcome.add_labelled(&rows.name(&step.name), subject.labels(), &set.template, frame)?;
    }
    Ok(())
}

/// Refuses more rows of pictures than are kept.
fn check_examples(step: &Heuristics, set: &GroupPrompts, context: &Context, outcome: &Outcome) -> Result<(), Error> {
    let name = format!("{}.{}", step.name, frames::PATTERNS);
    let before = outcome.frames.iter().find(|(other, _)| *other == name).map_or(0, |(_, frame)| frame.height());
    let most = before + step.patterns.min(step.examples) * (step.types.len() + 1) * set.prompts.len();
    if most <= MOST_ROWS {
        return Ok(());
    }
    let problem =
        format!("examples would make up to {most} rows, and at most {MOST_ROWS} are kept; write a smaller number");
    Err(context.loaded.refuse(&["step", &step.name, "patterns"], problem, None).into())
}

/// How many neurons are classified, and what chance makes of that.
fn note(matcher: &Matcher, found: &[NeuronMatches], set: &GroupPrompts, subject: &ModelRun) -> String {
    let count = |of: &dyn Fn(&NeuronMatches) -> bool| found.iter().filter(|one| of(one)).count();
    let classified = count(&|one| !one.matches.is_empty());
    let (direct, control) = (count(&|one| one.direct() > 0), count(&|one| one.control > 0));
    let (indirect, disordered) = (count(&|one| one.indirect() > 0), count(&|one| one.control_operands > 0));
    let chance: f64 = matcher.entries().iter().map(|entry| entry.chance).sum();
    format!(
        "{}: template '{}', {}: {classified} of {} neurons match one of {} heuristics on {} prompts; activations in \
         random order match {chance:.3} on average; {direct} neurons match a heuristic on the result, {control} would with their \
         value vectors' logits shuffled; {indirect} match one on operands, {disordered} would with their activations shuffled",
        subject.name,
        set.template,
        set.group,
        found.len(),
        matcher.entries().len(),
        matcher.prompts(),
    )
}
