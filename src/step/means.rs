//! Mean activations that edits put in the place of others (paper §2.1, appendix A).

mod by_name;

use super::divided::Divided;
use super::{ModelRun, Outcome, TemplateBatch, model_run, replays};
use crate::Error;
use crate::context::Context;
use crate::cost::{Survey, SurveyedCell};
use crate::intervene::{
    Activation, Activations, HookPositions, Layout, Positions, Sums, add_sums, capture_sums, means_of,
};
use crate::manifest::SelfCheck;
use crate::model::hook::Hook;
use crate::model::transformer::Tokens;
use crate::prompt::{self, PlainPrompt, Prompt, PromptError, PromptGroup, ResolvedPrompts};
use crate::spec::step::{Legality, MeanOperators, MeanOver, MeanPositions};
use crate::spec::{Loaded, SpecErrors, Step};
use crate::step::divided::parts;
use crate::system::interrupt;
use by_name::PromptForm;
use indexmap::IndexMap;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// A sum over prompts, as [`Sums`] has it.
type HookSum = (Activation, Vec<f64>);

/// Means by hook: of one row.
pub type HookMeans = IndexMap<Hook, Arc<Activation>>;

/// What a step says of its means.
#[derive(Debug, Clone, Copy)]
pub struct Over<'s> {
    /// Name of the step.
    pub step: &'s str,
    /// The step's own prompt set.
    pub prompts: Option<&'s str>,
    /// Its key `mean`.
    pub mean: &'s MeanOver,
}

/// The means of a cell's prompts.
pub struct Means {
    /// The groups of the prompts that the means are over.
    groups: Vec<PromptGroup>,
    /// Whether each of them has its own.
    same: bool,
    /// One for each of them, or one for all.
    means: Vec<HookMeans>,
}

impl<'s> Over<'s> {
    /// The prompt set whose templates, and what fills them, are taken.
    pub fn set(&self) -> Option<&'s str> {
        self.mean.prompts.as_deref().or(self.prompts)
    }

    /// Which prompts are drawn of a template, `sample` of each group.
    fn draw<'w>(&self, template: &'w str, like: Option<&'w Prompt>, sample: usize) -> prompt::Wanted<'w> {
        let MeanOver { legality, operators, seed, .. } = *self.mean;
        let legal = legality == Legality::Legal;
        prompt::Wanted { template, like, legal, sample, seed, balanced: operators == MeanOperators::All }
    }

    /// Prompts that are run for them, of each of a survey's templates, for the plan; of a probe, some.
    ///
    /// # Errors
    /// A prompt set that is not there, and one that has no prompt to take a mean over, at its place in the spec.
    pub fn foresee(&self, survey: &Survey, context: &Context) -> Result<Vec<usize>, Error> {
        let spec = context.prompts(self.set(), self.step)?;
        let refuse = |error: PromptError| context.refuse_prompts(self.set(), &survey.name, error);
        let sample = self.mean.sample;
        let is_alone =
            |cell: &SurveyedCell| survey.cells.iter().filter(|one| one.template == cell.template).count() == 1;
        let of = |cell: &SurveyedCell| {
            let draw = self.draw(&cell.template, Some(&cell.first).filter(|_| is_alone(cell)), sample);
            context.models.drawn(spec, &survey.sketch, &draw).map_err(refuse)
        };
        survey.cells.iter().map(of).collect()
    }
}

/// Refuses means over a set that has not all of the templates of a step's prompts or, where each group has its own, of the groups.
///
/// # Errors
/// That, at its place in the spec.
pub fn check(step: &Step, loaded: &Loaded) -> Result<(), SpecErrors> {
    let Some((mean, own)) = step.mean().zip(model_run::spec(step, loaded)) else { return Ok(()) };
    let Some(set) = &mean.prompts else { return Ok(()) };
    let Some(others) = loaded.spec.prompt_sets.get(set) else { return Ok(()) };
    let refuse = |key: &str, problem: String, advice: String| {
        Err(loaded.refuse(&["step", step.name(), "mean", key], problem, Some(advice)))
    };
    if let Some(missing) = own.template.0.keys().find(|template| !others.template.0.contains_key(*template)) {
        let advice = format!("write that template into [prompt_sets.{set}] too, or leave out 'prompts'");
        return refuse(
            "prompts",
            format!("means are taken over prompt set '{set}', which has no template '{missing}'"),
            advice,
        );
    }
    match model_run::lacking(step, others, loaded).filter(|_| mean.operators == MeanOperators::Same) {
        Some(group) => {
            let (problem, advice) = no_prompts(&group);
            refuse("operators", problem, advice)
        }
        None => Ok(()),
    }
}

/// What is wrong where a group has no mean, and what to write.
fn no_prompts(group: &PromptGroup) -> (String, String) {
    let advice = "write operators = \"all\", or prompts with that operator".to_string();
    (format!("there are no prompts with {group} over which its mean could be taken"), advice)
}

impl Means {
    /// Runs the prompts that means are taken over; `wanted` is what is edited. Says over how many.
    ///
    /// # Errors
    /// Prompts that cannot be had, at their place in the spec, and Ctrl-C.
    pub fn take(
        over: Over,
        wanted: HookPositions,
        cell: &TemplateBatch,
        subject: &ModelRun,
        context: &Context,
        outcome: &mut Outcome,
    ) -> Result<Self, Error> {
        let taken = Self::take_each(over, &[wanted], cell, subject, context, outcome)?.pop();
        taken.ok_or_else(|| Error::failed(over.step)("no mean was taken"))
    }

    /// The same of several edits: for each its means, of one run of the prompts.
    ///
    /// # Errors
    /// As [`Means::take`].
    pub fn take_each(
        over: Over,
        wanted: &[HookPositions],
        cell: &TemplateBatch,
        subject: &ModelRun,
        context: &Context,
        outcome: &mut Outcome,
    ) -> Result<Vec<Self>, Error> {
        let Over { step, mean, .. } = over;
        let set = over.set();
        let refuse = |error: PromptError| context.refuse_prompts(set, &subject.name, error);
        let resolved = ResolvedPrompts::new(context.prompts(set, step)?).map_err(PromptError::Spec).map_err(refuse)?;
        let like = *cell.prompts.first().ok_or_else(|| Error::failed(step)("no prompts to edit"))?;
        let model = &subject.model;
        // Of prompts of several shapes a position has the mean of those that stand under its name, in prompts of all shapes.
        let draw = over.draw(&cell.template, Some(like).filter(|_| !cell.is_one_of_several()), mean.sample);
        let drawn = prompt::every(&resolved, model.tokenizer(), model.bos_override(), &draw).map_err(refuse)?;
        let counts: Vec<usize> = drawn.iter().map(Vec::len).collect();
        let note = note(mean, cell, subject, &resolved.groups, &counts);
        if !outcome.notes.contains(&note) {
            outcome.notes.push(note);
        }
        let asked: Vec<PlainPrompt> = drawn.into_iter().flatten().collect();
        check_vocabulary(&asked, model.facts().n_vocab).map_err(refuse)?;

        let same = mean.operators == MeanOperators::Same;
        let group = |(index, &count): (usize, &usize)| std::iter::repeat_n(if same { index } else { 0 }, count);
        let groups: Vec<usize> = counts.iter().enumerate().flat_map(group).collect();
        let length = cell.positions.length;
        let all = union(wanted, length);
        let sums = match all.is_empty() {
            true => vec![Sums::new(); groups.last().map_or(0, |group| group + 1)],
            false if cell.is_one_of_several() => {
                let run = |wanted: &HookPositions, tokens: &Tokens, groups: &[usize]| {
                    sums(over, wanted, (tokens, groups), cell, subject, context, outcome)
                };
                let there =
                    |forms: &[PromptForm]| subject.set.positions(&cell.template, forms.iter().copied()).map_err(refuse);
                by_name::sums((step, cell), &all, (&asked, &groups), model.facts(), there, run)?
            }
            false => {
                let rows: Vec<&[u32]> = asked.iter().map(|asked| asked.tokens.as_slice()).collect();
                let tokens = Tokens::from_rows(&rows).ok_or_else(|| Error::failed(step)("no prompts of one length"))?;
                sums(over, &all, (&tokens, &groups), cell, subject, context, outcome)?
            }
        };
        let pooled = mean.positions == MeanPositions::Pooled;
        let of = |wanted: &HookPositions| {
            let part = |sums: &Sums| {
                let one = |(&hook, at): (&Hook, &Positions)| Some((hook, part(sums.get(&hook)?, at, length)));
                wanted.iter().filter_map(one).collect::<Sums>()
            };
            let means = means_of(sums.iter().map(part).collect(), &groups, pooled);
            let shared = |mean: Activations| mean.into_iter().map(|(hook, mean)| (hook, Arc::new(mean))).collect();
            Self { groups: resolved.groups.clone(), same, means: means.into_iter().map(shared).collect() }
        };
        Ok(wanted.iter().map(of).collect())
    }

    /// The mean of a hook that goes into the prompts of a group.
    ///
    /// # Errors
    /// A group that has none of its own, at its place in the spec.
    pub fn at(&self, hook: Hook, group: &PromptGroup, over: Over, context: &Context) -> Result<Arc<Activation>, Error> {
        let missing = || Error::failed(format!("step '{}'", over.step))(format!("{hook}: no mean was taken"));
        self.of(group, over, context)?.get(&hook).cloned().ok_or_else(missing)
    }

    /// The means that go into the prompts of a group.
    ///
    /// # Errors
    /// A group that has none of its own, at its place in the spec.
    fn of(&self, group: &PromptGroup, over: Over, context: &Context) -> Result<&HookMeans, Error> {
        let index = if self.same { self.groups.iter().position(|other| other == group) } else { Some(0) };
        index.and_then(|index| self.means.get(index)).ok_or_else(|| {
            let (problem, advice) = no_prompts(group);
            context.loaded.refuse(&["step", over.step, "mean", "operators"], problem, Some(advice)).into()
        })
    }
}

/// Everything that any of several edits wants.
fn union(wanted: &[HookPositions], length: usize) -> HookPositions {
    let mut all = HookPositions::new();
    for (&hook, positions) in wanted.iter().flatten() {
        let both = match all.get(&hook) {
            Some(before) if before != positions => {
                let both: BTreeSet<usize> = before.iter(length).chain(positions.iter(length)).collect();
                Positions::At(both.into_iter().collect())
            }
            _ => positions.clone(),
        };
        all.insert(hook, both);
    }
    all
}

/// Runs the prompts and adds up what is wanted, for each group.
fn sums(
    over: Over,
    wanted: &HookPositions,
    (tokens, groups): (&Tokens, &[usize]),
    cell: &TemplateBatch,
    subject: &ModelRun,
    context: &Context,
    outcome: &mut Outcome,
) -> Result<Vec<Sums>, Error> {
    let (step, model) = (over.step, &subject.model);
    let task = context.progress.begin(
        &subject.task_label(&format!("{step} means"), &cell.template),
        tokens.batch as u64,
        "prompts",
    );
    // What is read of a batch stays until it is added up.
    let bytes = replays::activation_bytes(wanted, model.facts(), tokens.pos);
    let batch = context.batch(model).min((replays::memory(context) / bytes.max(1)).max(1));
    let parts = parts(tokens.batch, replays::forwards_at_once(model, tokens.pos));
    let what = format!("means of {}, template '{}'", subject.name, cell.template);
    let divided = Divided { step, what, context, parts };
    let work = |part: Range<usize>, _: &mut Vec<SelfCheck>| -> Result<Vec<Vec<(usize, HookSum)>>, Error> {
        // Called before each batch: those before it are done by then.
        let (begun, done) = (Cell::new(0), Cell::new(0));
        let pause = || {
            task.advance((begun.get() - done.replace(begun.get())) as u64);
            begun.set((begun.get() + batch).min(part.len()));
            interrupt::check().map_err(Error::from)
        };
        let (tokens, groups) = (tokens.part(part.clone()), &groups[part.clone()]);
        let sums = capture_sums(model.transformer(), &tokens, groups, wanted, batch, pause)?;
        task.advance((part.len() - done.get()) as u64);
        let indexed = |(hook, sum)| Some((wanted.get_index_of(&hook)?, sum));
        Ok(sums.into_iter().map(|sums| sums.into_iter().filter_map(indexed).collect()).collect())
    };
    let mut all: Vec<Sums> = Vec::new();
    divided.each(
        outcome,
        |part| task.advance(part.len() as u64),
        work,
        |_, sums| {
            let named = |(index, sum)| Some((*wanted.get_index(index)?.0, sum));
            add_sums(&mut all, sums.into_iter().map(|sums| sums.into_iter().filter_map(named).collect()).collect());
        },
    )?;
    Ok(all)
}

/// Of a sum at some positions, that at fewer of them.
fn part((activation, sum): &HookSum, positions: &Positions, length: usize) -> HookSum {
    let slots = activation.positions.len();
    let kept: Vec<usize> =
        (0..slots).filter(|&slot| positions.iter(length).any(|at| at == activation.positions[slot])).collect();
    if kept.len() == slots {
        return (activation.clone(), sum.clone());
    }
    // Queries lie within heads, other positions outermost.
    let width = match activation.layout {
        Layout::Attention { keys, .. } => keys,
        layout => layout.position_width(),
    };
    let rows = sum.chunks_exact((slots * width).max(1));
    let values =
        rows.flat_map(|row| kept.iter().flat_map(move |slot| &row[slot * width..][..width])).copied().collect();
    let positions = kept.iter().map(|&slot| activation.positions[slot]).collect();
    (Activation { positions, ..activation.clone() }, values)
}

/// Says what means are over; `counts` are the prompts of each group.
fn note(over: &MeanOver, cell: &TemplateBatch, subject: &ModelRun, groups: &[PromptGroup], counts: &[usize]) -> String {
    let labels: Vec<&str> = groups.iter().map(PromptGroup::label).collect();
    let is_one = matches!(groups, [only] if only.is_only());
    let each_of = match counts {
        _ if is_one => String::new(),
        [first, rest @ ..] if rest.iter().all(|other| other == first) => {
            format!(" {first} of each of {}", labels.join(" "))
        }
        counts => {
            let each = counts.iter().zip(&labels).map(|(count, label)| format!("{count} of {label}"));
            format!(" {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    let what = match over.legality {
        Legality::Any if is_one => "prompts, legal or not".to_string(),
        Legality::Any => format!("prompts, legal or not,{each_of}"),
        Legality::Legal => match each_of.is_empty() {
            true => "legal prompts".to_string(),
            false => format!("legal prompts,{each_of}"),
        },
    };
    let same = over.operators == MeanOperators::Same;
    let apart = if same { "; each operator has its own" } else { "" };
    let fewer = match counts.iter().any(|&count| count < over.sample) {
        true if is_one => format!("; fewer than sample = {}: there are no more", over.sample),
        true if same => format!("; where those are fewer than sample = {} there are no more", over.sample),
        true => format!("; fewer than sample = {}: the operator with the fewest has no more", over.sample),
        false => String::new(),
    };
    format!(
        "{}: template '{}': means are over {} {what}{apart}{fewer}",
        subject.name,
        cell.template,
        counts.iter().sum::<usize>()
    )
}

fn check_vocabulary(asked: &[PlainPrompt], n_vocab: usize) -> Result<(), PromptError> {
    for prompt in asked {
        if let Some(&id) = prompt.tokens.iter().find(|&&id| id as usize >= n_vocab) {
            return Err(PromptError::OutsideVocabulary { text: prompt.text.clone(), id, n_vocab });
        }
    }
    Ok(())
}
