//! What positions need to know of the prompts of a template.

use super::explain;
use super::group::{Asks, Group};
use super::set::{Prompt, SetTemplate, SlotTokens};
use super::template::Problem;
use super::words::Filling;
use crate::spec::Answer;

/// What positions need to know of a template: the fixed tokens of its first prompt, and the first slot that is not one token.
pub(super) fn describe(group: &Group, prompts: &[Prompt]) -> SetTemplate {
    let Group { resolved, tokenizer, template, .. } = *group;
    let mut literals = Vec::new();
    if let Some(prompt) = prompts.first()
        && let Ok(encoding) = tokenizer.encode(&prompt.text)
    {
        let offset = prompt.tokens.len() - encoding.ids.len();
        let in_slot = |index: usize| {
            prompt.slots.iter().flatten().any(|slot| (slot.first..slot.first + slot.count).contains(&index))
        };
        for (index, &(start, end)) in encoding.offsets.iter().enumerate() {
            let text = prompt.text.get(start..end).unwrap_or("").trim();
            if start >= template.prefix.len() && !in_slot(index + offset) && !text.is_empty() {
                literals.push((index + offset, text.to_string()));
            }
        }
    }
    let single = |slot: &Option<SlotTokens>| slot.is_none_or(|tokens| tokens.count == 1 && tokens.own);
    let unplaced = (resolved.answer == Answer::MultiToken)
        .then(|| prompts.iter().find_map(|p| Some((p.slots.iter().position(|slot| !single(slot))?, p))))
        .flatten()
        .map(|(place, prompt)| {
            let asks = match &prompt.words {
                Some(words) => Asks::Words(Filling { words: words.words.clone(), at: Vec::new() }),
                None => {
                    let Prompt { a, b, answer, operator, .. } = *prompt;
                    Asks::Numbers(Problem { a, op: operator.symbol, b, answer })
                }
            };
            (place, explain::slot(tokenizer, template, template.places[place].0, &asks))
        });
    let places = template.places.iter().map(|(_, name)| name.clone()).collect();
    SetTemplate { name: template.name.clone(), literals, places, unplaced }
}
