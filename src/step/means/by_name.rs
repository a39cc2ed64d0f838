//! Sums over prompts of several shapes: of a position those that stand under its name, whatever their indices.

use crate::Error;
use crate::intervene::{Activation, HookPositions, Layout, Positions, Sums};
use crate::model::facts::Facts;
use crate::model::hook::Hook;
use crate::model::transformer::Tokens;
use crate::prompt::{PlainPrompt, SlotTokens, TemplatePositions};
use crate::step::TemplateBatch;
use indexmap::IndexMap;

/// A number of tokens, and where the slots are.
pub type PromptForm<'p> = (usize, &'p [Option<SlotTokens>]);

/// Sums of one group of prompts at a hook, position by position, and over how many prompts each is.
struct NamedSums {
    layout: Layout,
    values: Vec<f64>,
    counts: Vec<usize>,
}

/// Adds up what is wanted at the positions of a cell, for each group: as many times as there are prompts in the group the mean over those
/// that have a position of that name. `there` are the positions of prompts of some forms; `run` runs prompts of one form, and adds up.
///
/// # Errors
/// Hooks whose values depend on the number of tokens, a position that no prompt has, and what `there` and `run` return.
pub fn sums(
    (step, cell): (&str, &TemplateBatch),
    wanted: &HookPositions,
    (asked, groups): (&[PlainPrompt], &[usize]),
    facts: &Facts,
    there: impl Fn(&[PromptForm]) -> Result<Vec<TemplatePositions>, Error>,
    mut run: impl FnMut(&HookPositions, &Tokens, &[usize]) -> Result<Vec<Sums>, Error>,
) -> Result<Vec<Sums>, Error> {
    let failed = |problem: String| Error::refused(format!("step '{step}'"))(problem);
    let length = cell.positions.length;
    let layout = |hook: Hook| Layout::of(hook, facts, length);
    if let Some(hook) = wanted.keys().find(|hook| matches!(layout(**hook), Some(Layout::Attention { .. }))) {
        let problem = format!(
            "{hook}: attention patterns of prompts of different lengths have no mean (template '{}'); write prompts of one length, or another site",
            cell.template
        );
        return Err(failed(problem));
    }
    let mut shapes: IndexMap<PromptForm, Vec<usize>> = IndexMap::new();
    for (number, prompt) in asked.iter().enumerate() {
        shapes.entry((prompt.tokens.len(), prompt.slots.as_slice())).or_default().push(number);
    }
    let forms: Vec<PromptForm> = shapes.keys().copied().collect();
    let positions = there(&forms)?;
    let names = cell.positions.labels();
    let count = groups.iter().max().map_or(0, |group| group + 1);
    let mut all: Vec<IndexMap<Hook, NamedSums>> = (0..count).map(|_| IndexMap::new()).collect();
    for (members, positions) in shapes.values().zip(positions) {
        let others = positions.labels();
        // Where the positions of the cell are in these prompts.
        let there: Vec<Option<usize>> =
            names.iter().map(|name| others.iter().position(|other| other == name)).collect();
        let in_these = |(&hook, at): (&Hook, &Positions)| {
            let mut at: Vec<usize> = at.iter(length).filter_map(|index| there[index]).collect();
            at.sort_unstable();
            (!at.is_empty()).then_some((hook, Positions::At(at)))
        };
        let own: HookPositions = wanted.iter().filter_map(in_these).collect();
        let rows: Vec<&[u32]> = members.iter().map(|&member| asked[member].tokens.as_slice()).collect();
        let own_groups: Vec<usize> = members.iter().map(|&member| groups[member]).collect();
        let Some(tokens) = Tokens::from_rows(&rows).filter(|_| !own.is_empty()) else { continue };
        let found = run(&own, &tokens, &own_groups)?;
        for (group, sums) in found.into_iter().enumerate() {
            let prompts = own_groups.iter().filter(|&&other| other == group).count();
            for (hook, (activation, values)) in sums {
                let Some(at) = wanted.get(&hook) else { continue };
                let width = activation.layout.position_width();
                let slots: Vec<usize> = at.iter(length).collect();
                let named = all[group].entry(hook).or_insert_with(|| NamedSums {
                    layout: activation.layout,
                    values: vec![0.0; slots.len() * width],
                    counts: vec![0; slots.len()],
                });
                for (number, index) in slots.into_iter().enumerate() {
                    let slot = there[index].and_then(|index| activation.positions.binary_search(&index).ok());
                    let Some(slot) = slot else { continue };
                    named.counts[number] += prompts;
                    let sum = named.values[number * width..].iter_mut();
                    sum.zip(&values[slot * width..][..width]).for_each(|(sum, value)| *sum += value);
                }
            }
        }
    }
    let mut made = Vec::with_capacity(count);
    for (group, mut sums) in all.into_iter().enumerate() {
        let prompts = groups.iter().filter(|&&other| other == group).count();
        let mut of_group = Sums::new();
        for (&hook, at) in wanted {
            let slots: Vec<usize> = at.iter(length).collect();
            let missing = |number: usize| {
                let name = slots.get(number).map_or("", |&index| &names[index]);
                failed(format!(
                    "template '{}': no prompt that means are taken over has the position '{name}' of {:?}; write positions that all \
                     prompts have, or more prompts",
                    cell.template,
                    cell.prompts.first().map_or("", |prompt| &prompt.text)
                ))
            };
            let Some(NamedSums { layout, mut values, counts }) = sums.swap_remove(&hook) else {
                return Err(missing(0));
            };
            let width = layout.position_width();
            for (number, count) in counts.into_iter().enumerate() {
                if count == 0 {
                    return Err(missing(number));
                }
                let share = prompts as f64 / count as f64;
                values[number * width..][..width].iter_mut().for_each(|value| *value *= share);
            }
            let activation = Activation { layout, rows: 1, positions: slots, data: Vec::new() };
            of_group.insert(hook, (activation, values));
        }
        made.push(of_group);
    }
    Ok(made)
}
