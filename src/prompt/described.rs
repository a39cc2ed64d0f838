//! What positions need to know of the prompts of a template.

use super::explain;
use super::fields::Fields;
use super::set::{LiteralToken, Prompt, SetTemplate, SlotTokens};
use super::stock::Stock;

/// What positions need to know of a template: the fixed tokens of its first prompt, and the first slot that is not one token.
pub(super) fn describe(stock: &Stock, prompts: &[Prompt]) -> SetTemplate {
    let Stock { resolved, tokenizer, template, .. } = *stock;
    let mut literals = Vec::new();
    if let Some(prompt) = prompts.first()
        // Prompts that are given one by one have no text in common.
        && !matches!(prompt.fields, Fields::Tokens(_) | Fields::Pair { .. })
        && let Ok(encoding) = tokenizer.encode(&prompt.text)
    {
        let offset = prompt.tokens.len() - encoding.ids.len();
        let in_slot = |index: usize| {
            prompt.slots.iter().flatten().any(|slot| (slot.first..slot.first + slot.count).contains(&index))
        };
        for (index, &(start, end)) in encoding.offsets.iter().enumerate() {
            let text = prompt.text.get(start..end).unwrap_or("").trim();
            if start >= template.prefix.len() && !in_slot(index + offset) && !text.is_empty() {
                literals.push(LiteralToken::new(text.to_string(), index + offset, &prompt.slots));
            }
        }
    }
    let single = |slot: &Option<SlotTokens>| slot.is_none_or(|tokens| tokens.count == 1 && tokens.own);
    let unplaced = (!resolved.single_words && resolved.pairs().is_none())
        .then(|| prompts.iter().find_map(|p| Some((p.slots.iter().position(|slot| !single(slot))?, p))))
        .flatten()
        .map(|(place, prompt)| {
            let slot = template.places[place].0;
            (place, explain::slot(tokenizer, template, slot, &prompt.fields))
        });
    let places = template.places.iter().map(|(_, name)| name.clone()).collect();
    SetTemplate { name: template.name.clone(), literals, places, unplaced }
}
