//! The work of `generate`: texts of the prompts of one template, in parts, and their rows.

use super::edits::{self, SplitEdits, writes_others};
use super::rows::{CLEAN, JudgedText, TextColumns, TextRow, measures, pattern};
use super::texts::{TextReader, WrittenText};
use crate::Error;
use crate::context::Context;
use crate::counted::{agreeing, counted};
use crate::intervene::{
    Activations, Change, Choice, Decoder, HookPositions, Opening, Positions, ReplayCheck, Sampling, TextEnd,
    TokenEdits, WrittenTokens,
};
use crate::manifest::{Recomputed, SelfCheck};
use crate::model::NotFinite;
use crate::model::transformer::Tokens;
use crate::prompt::{Prompt, PromptGroup};
use crate::spec::step::{Generate, Intervention, MeanOperators};
use crate::step::divided::{Divided, parts};
use crate::step::intervention::edits::{Written, resolve};
use crate::step::intervention::variations::{
    InterventionColumns, Variation, VariationKey, columns_left_out, over_seeds, variations,
};
use crate::step::intervention::{GivenValues, MeanValues, over, placeholder, reach};
use crate::step::model_run::TemplateRun;
use crate::step::pairing::{Other, PromptPairs};
use crate::step::summary::MeasuredValues;
use crate::step::{ModelRun, Outcome, Scope, TemplateBatch, replays};
use crate::system::interrupt;
use crate::system::progress::ProgressTask;
use crate::table::Holds;
use indexmap::IndexSet;
use std::collections::HashMap;
use std::ops::Range;

/// Prompts that are continued together, with the edits of each.
struct Group<'s> {
    prompts: Vec<&'s Prompt>,
    /// `[prompt][variation]`
    edits: Vec<Vec<TokenEdits>>,
    /// The run whose values edits of each prompt write.
    source: Vec<Option<usize>>,
    sources: Activations,
}

/// Writes the texts of a model's prompts of one template and adds their rows.
///
/// # Errors
/// Edits that the model cannot have, logits that are not finite, and Ctrl-C.
pub fn write(step: &Generate, run: TemplateRun) -> Result<(), Error> {
    let TemplateRun { shapes, subject, context, outcome } = run;
    let like = step.as_intervention();
    let Some(template) = shapes.first().map(|shape| shape.template.as_str()) else { return Ok(()) };
    let variations = variations(&like, Scope::of(subject, template), context)?;
    let mut groups: Vec<Group> = Vec::new();
    let (mut refused, mut left_out) = (None, 0);
    for shape in shapes {
        let group = match group(step, (&like, &variations), shape, (subject, context), outcome) {
            Ok(group) => group,
            // No prompt of the shape has another that it could take values from.
            Err(Error::NonePaired { refused: error, .. }) => {
                left_out += shape.prompts.len();
                refused.get_or_insert(*error);
                continue;
            }
            Err(error) => return Err(error),
        };
        match groups.last_mut() {
            // Prompts of several shapes are continued together unless each shape has runs of its own to take values from.
            Some(last) if group.sources.is_empty() => {
                last.prompts.extend(group.prompts);
                last.edits.extend(group.edits);
                last.source.extend(group.source);
            }
            _ => groups.push(group),
        }
    }
    match refused {
        Some(error) if groups.is_empty() => return Err(error),
        Some(_) => outcome.notes.push(format!(
            "{}: {}, of shapes of which none has a counterfactual, {} left out",
            subject.name,
            counted(left_out, "prompt"),
            agreeing(left_out, "is", "are")
        )),
        None => {}
    }
    let arms = 1 + variations.len();
    let texts_of_prompt = arms * step.samples;
    let total: usize = groups.iter().map(|group| group.prompts.len()).sum();
    let label = subject.task_label(&step.name, template);
    let task = context.progress.begin(&label, (total * texts_of_prompt * step.max_new_tokens) as u64, "tokens at most");
    let mut written: Vec<WrittenText> = Vec::with_capacity(total * texts_of_prompt);
    for group in &groups {
        // As many rows as a batch: a run that is interrupted loses those.
        let most = (context.batch(&subject.model) / texts_of_prompt).max(1);
        let parts = parts(group.prompts.len(), most);
        let lengths: Vec<usize> = group.prompts.iter().map(|prompt| prompt.tokens.len()).collect();
        let (shortest, longest) = (lengths.iter().min().unwrap_or(&0), lengths.iter().max().unwrap_or(&0));
        let what = format!("texts of {}, template '{template}', {shortest} to {longest} tokens", subject.name);
        let divided = Divided { step: &step.name, what, context, parts };
        let skipped = |part: Range<usize>| task.advance((part.len() * texts_of_prompt * step.max_new_tokens) as u64);
        let run = |part: Range<usize>, checks: &mut Vec<SelfCheck>| -> Result<Vec<WrittenText>, Error> {
            continued(step, group, part, (subject, context, &task), checks)
        };
        divided.each(outcome, skipped, run, |_, texts| written.extend(texts))?;
    }
    task.complete();
    // In the set's order, whatever their shapes.
    let place: HashMap<(Option<u64>, u64), usize> =
        subject.set.prompts.iter().enumerate().map(|(place, prompt)| ((prompt.seed, prompt.id), place)).collect();
    let mut all: Vec<(&Prompt, Vec<WrittenText>)> = Vec::with_capacity(total);
    let mut written = written.into_iter();
    for &prompt in groups.iter().flat_map(|group| &group.prompts) {
        all.push((prompt, written.by_ref().take(texts_of_prompt).collect()));
    }
    all.sort_by_key(|(prompt, _)| place.get(&(prompt.seed, prompt.id)).copied());
    let prompts: Vec<&Prompt> = all.iter().map(|(prompt, _)| *prompt).collect();
    let written: Vec<WrittenText> = all.into_iter().flat_map(|(_, texts)| texts).collect();
    add_rows((step, &variations), template, &prompts, &written, (subject, context), outcome)
}

/// The prompts of one shape with their edits.
fn group<'s>(
    step: &Generate,
    (like, variations): (&Intervention, &[Variation]),
    shape: &TemplateBatch<'s>,
    (subject, context): (&ModelRun, &Context),
    outcome: &mut Outcome,
) -> Result<Group<'s>, Error> {
    let (target, at) = (Scope::of(subject, &shape.template), shape.at());
    let means = MeanValues::take((like, variations), (target, at), shape, subject, context, outcome)?;
    let apart = !means.is_empty() && step.mean.operators == MeanOperators::Same;
    let mut own: IndexSet<&PromptGroup> = shape.prompts.iter().map(|prompt| &prompt.group).collect();
    own.truncate(if apart { own.len() } else { 1 });
    let given = GivenValues::take(like, &shape.template, subject, context)?;
    // Each prompt has noise of its own.
    let edits_of_spec = step.interventions.iter().flat_map(|one| &one.edits);
    let noisy = edits_of_spec.filter_map(|edit| edit.value.given()).any(|given| given.noise.is_some());
    let each: Vec<(&PromptGroup, Option<&Prompt>)> = match noisy {
        true => shape.prompts.iter().map(|&prompt| (&prompt.group, Some(prompt))).collect(),
        false => own.iter().map(|&group| (group, None)).collect(),
    };
    let split: Vec<Vec<SplitEdits>> = each
        .into_iter()
        .map(|(group, prompt)| {
            let values = means.of(group, over(like), context);
            let written = Written { values: &values, given: Some(&given), prompt, other: None };
            edits::split(step, variations, resolve(like, variations, target, at, context, written)?, context)
        })
        .collect::<Result<_, Error>>()?;
    let (numbers, source, sources) = match writes_others(step) {
        false => ((0..shape.prompts.len()).collect(), vec![None; shape.prompts.len()], Activations::new()),
        true => {
            let pairs = PromptPairs::draw_if_read(Other::Run, (shape, subject), &step.counterfactual, step, context)?;
            pairs.record(&step.name, shape, subject, outcome)?;
            let written = Written { values: &placeholder, given: None, prompt: None, other: None };
            let planned = resolve(like, variations, target, at, context, written)?;
            let changed = planned.iter().flatten().filter(|(_, edit)| !matches!(edit.change, Change::Cut { .. }));
            let edited: HookPositions = changed.map(|(_, edit)| (edit.hook, Positions::All)).collect();
            let (sources, _) = replays::capture(subject, &pairs.tokens()?, &edited, context)?;
            let source: Vec<Option<usize>> = pairs.other.iter().copied().map(Some).collect();
            (pairs.clean, source, sources)
        }
    };
    let numbers: Vec<usize> = numbers;
    let prompts: Vec<&Prompt> = numbers.iter().map(|&number| shape.prompts[number]).collect();
    let arm = |prompt: usize| match noisy {
        true => numbers[prompt],
        false => own.get_index_of(&prompts[prompt].group).unwrap_or(0),
    };
    let reach = reach::PromptReach::of(like, &prompts, context)?;
    let of_prompt = reach.edits(variations, prompts.len(), |number, prompt| &split[arm(prompt)][number].prompt);
    let of_new = reach.edits(variations, prompts.len(), |number, prompt| &split[arm(prompt)][number].new);
    let of = |number: usize, prompt: usize| -> Result<TokenEdits, Error> {
        let edits = TokenEdits { prompt: of_prompt[number][prompt].clone(), new: of_new[number][prompt].clone() };
        let facts = subject.model.facts();
        edits.validate(facts, shape.positions.length).map_err(Error::failed(format!("step '{}'", step.name)))?;
        Ok(edits)
    };
    let edits = (0..prompts.len())
        .map(|prompt| (0..variations.len()).map(|number| of(number, prompt)).collect::<Result<Vec<_>, Error>>())
        .collect::<Result<Vec<_>, Error>>()?;
    Ok(Group { prompts, edits, source, sources })
}

/// The texts of some prompts of a group, `[prompt][clean and interventions][sample]`.
fn continued(
    step: &Generate,
    group: &Group,
    part: Range<usize>,
    (subject, context, task): (&ModelRun, &Context, &ProgressTask),
    checks: &mut Vec<SelfCheck>,
) -> Result<Vec<WrittenText>, Error> {
    let model = &subject.model;
    let none = TokenEdits::default();
    let arms = 1 + group.edits.first().map_or(0, Vec::len);
    let sampling = Sampling { temperature: step.temperature, top_k: step.top_k, top_p: step.top_p };
    let mut openings: Vec<Opening> = Vec::with_capacity(part.len() * arms * step.samples);
    for prompt in part {
        let tokens = group.prompts[prompt].tokens.as_slice();
        for edits in std::iter::once(&none).chain(&group.edits[prompt]) {
            for sample in 0..step.samples {
                let choice = match step.temperature > 0.0 {
                    true => Choice::drawn(sampling, step.seed, tokens, sample as u64),
                    false => Choice::Greedy,
                };
                openings.push(Opening { prompt: tokens, edits, source: group.source[prompt], choice });
            }
        }
    }
    let decoder = Decoder { transformer: model.transformer(), sources: &group.sources, batch: context.batch(model) };
    let reader = TextReader { tokenizer: model.tokenizer(), step };
    let stops = |number: usize, tokens: &[u32]| reader.stops(openings[number].prompt, tokens);
    let mut pause = |tokens: usize| -> Result<(), Error> {
        task.advance(tokens as u64);
        interrupt::check().map_err(Error::from)
    };
    let written = decoder.write(&openings, step.max_new_tokens, &stops, &mut pause)?;
    let is_clean = |number: usize| (number / step.samples).is_multiple_of(arms);
    let clean_of = |number: usize| number / (arms * step.samples) * arms * step.samples + number % step.samples;
    let unfit = |number: &usize| is_clean(*number) && written[*number].end == TextEnd::NotANumber;
    if let Some(number) = (0..written.len()).find(unfit) {
        let text = [openings[number].prompt, &written[number].tokens].concat();
        let tokens = Tokens { batch: 1, pos: text.len(), ids: text };
        NotFinite::check(model.transformer(), &tokens, &model.transformer().last_logits(&tokens))?;
    }
    // What the model as it is makes of the texts of edits; of a text that it would write itself, that is known.
    let asked: Vec<usize> = (0..written.len())
        .filter(|&number| !is_clean(number) && written[number].tokens != written[clean_of(number)].tokens)
        .collect();
    let unedited: Vec<Opening> =
        asked.iter().map(|&number| Opening { edits: &none, source: None, ..openings[number].clone() }).collect();
    let texts: Vec<&[u32]> = asked.iter().map(|&number| written[number].tokens.as_slice()).collect();
    let mut pause = || interrupt::check().map_err(Error::from);
    let found = decoder.log_probabilities(&unedited, &texts, &mut pause)?;
    let mut clean: Vec<f64> =
        (0..written.len()).map(|number| mean(&written[clean_of(number)].log_probabilities)).collect();
    asked.iter().zip(&found).for_each(|(&number, found)| clean[number] = mean(found));
    // Where there are edits, texts under them are checked: it is those that could have been edited at the wrong tokens.
    let checkable = |number: &usize| (arms == 1 || !is_clean(*number)) && !written[*number].tokens.is_empty();
    let checkable: Vec<usize> = (0..written.len()).filter(checkable).collect();
    if let Some(check) = checked(&decoder, (&openings, &written), &checkable, &mut pause)? {
        let dtype = context.models.dtype(&subject.name);
        checks.push(SelfCheck::new(Recomputed::Texts, &step.name, &subject.name, check, dtype));
    }
    let text = |(written, clean): (WrittenTokens, f64)| {
        let own = mean(&written.log_probabilities);
        WrittenText { tokens: written.tokens, end: written.end, own, clean }
    };
    Ok(written.into_iter().zip(clean).map(text).collect())
}

fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len() as f64
}

/// Reads the shortest and the longest text of those whose numbers are given once more from scratch, under the edits that they were written
/// under, each alone: they were written beside each other.
fn checked(
    decoder: &Decoder,
    (openings, written): (&[Opening], &[WrittenTokens]),
    numbers: &[usize],
    pause: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Option<ReplayCheck>, Error> {
    let length = |number: &usize| openings[*number].prompt.len() + written[*number].tokens.len();
    let shortest = numbers.iter().copied().min_by_key(length);
    let longest = numbers.iter().copied().max_by_key(length).filter(|longest| Some(*longest) != shortest);
    let mut check = ReplayCheck::default();
    for number in shortest.into_iter().chain(longest) {
        let WrittenTokens { tokens, log_probabilities, largest_logit, .. } = &written[number];
        let found = decoder.log_probabilities(&openings[number..=number], &[tokens.as_slice()], pause)?;
        found.iter().for_each(|found| check.add(log_probabilities, found, *largest_logit));
    }
    Ok((check.rows > 0).then_some(check))
}

/// Adds what was measured, and the texts.
fn add_rows(
    (step, variations): (&Generate, &[Variation]),
    template: &str,
    prompts: &[&Prompt],
    written: &[WrittenText],
    (subject, context): (&ModelRun, &Context),
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let (samples, arms) = (step.samples, 1 + variations.len());
    let like = step.as_intervention();
    let reader = TextReader { tokenizer: subject.model.tokenizer(), step };
    let pattern = pattern(step, context.loaded)?;
    let place = |prompt: usize, arm: usize, sample: usize| (prompt * arms + arm) * samples + sample;
    let of_prompt = |number: usize| prompts[number / (arms * samples)];
    let texts: Vec<String> = written
        .iter()
        .enumerate()
        .map(|(number, written)| reader.text(&of_prompt(number).tokens, &written.tokens))
        .collect();
    let measures = measures(step);
    let mut data = Vec::with_capacity(arms * prompts.len() * measures.len());
    for arm in 0..arms {
        for (number, &prompt) in prompts.iter().enumerate() {
            let mut sums = vec![0.0; measures.len()];
            for sample in 0..samples {
                let (this, clean) = (place(number, arm, sample), place(number, 0, sample));
                let (text, written, clean) = (texts[this].as_str(), &written[this], texts[clean].as_str());
                let values = JudgedText { prompt, text, written, clean }.values(step, pattern.as_ref());
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
            data.extend(sums.into_iter().map(|sum| sum / samples as f64));
        }
    }
    let unended = written.iter().filter(|text| text.end == TextEnd::NotANumber).count();
    if unended > 0 {
        let (model, all) = (&subject.name, written.len());
        outcome.notes.push(format!(
            "{model}: template '{template}': {unended} of {} {} where edits made logits that are not numbers",
            counted(all, "text"),
            agreeing(unended, "ends", "end")
        ));
    }
    let baseline = &data[..prompts.len() * measures.len()];
    let means = over_seeds(&data, variations, prompts.len() * measures.len());
    let left_out = columns_left_out(&like);
    let key = |arm: usize| match arm.checked_sub(1) {
        Some(number) => variations[number].key(&like),
        None => VariationKey::unedited(CLEAN),
    };
    let keys: Vec<VariationKey> = (0..arms).map(key).collect();
    let first_seeds = keys.iter().enumerate().filter(|(arm, _)| *arm == 0 || variations[arm - 1].seed == 0);
    let named = InterventionColumns::frame(first_seeds.map(|(_, key)| key))?.drop_many(left_out.clone());
    let values = MeasuredValues { keys: &named, measures: &measures, prompts, data: &means, baseline: Some(baseline) };
    outcome.add_values(&step.name, subject.labels(), template, &values, step.bootstrap, step.per_prompt)?;
    let row = |number: usize| {
        let arm = number / samples % arms;
        let seed = arm.checked_sub(1).map_or(0, |number| variations[number].seed);
        let draw = seed * samples + number % samples;
        TextRow { key: &keys[arm], prompt: of_prompt(number), draw, text: &texts[number], written: &written[number] }
    };
    let rows: Vec<TextRow> = (0..written.len()).map(row).collect();
    let rows = TextColumns::frame(&rows)?.drop_many(left_out);
    outcome.add_labelled(&format!("{}.texts", step.name), subject.labels(), template, rows)?;
    Ok(())
}
