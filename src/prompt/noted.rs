//! What is said of prompts that are legal and may yet not be what was meant.

use super::resolved::ResolvedPrompts;
use super::set::{Note, Prompt, PromptSet};
use super::words::is_joined;
use std::collections::HashSet;

/// Notes answers of words without the space that they need, and prompts of words that are there more than once.
pub(super) fn note(set: &mut PromptSet, resolved: &ResolvedPrompts) {
    if resolved.words().is_none() {
        return;
    }
    if resolved.chat.is_none() {
        let answer = |prompt: &Prompt| {
            let mut answer = String::new();
            resolved.completion.write(&prompt.fields, &mut answer);
            answer
        };
        let prompts = set.prompts.iter().filter(|prompt| is_joined(&prompt.text, &answer(prompt))).count();
        set.notes.extend((prompts > 0).then_some(Note::AnswersJoined { prompts }));
    }
    let repeated = set.prompts.len() - set.prompts.iter().map(asked).collect::<HashSet<_>>().len();
    set.notes.extend((repeated > 0).then_some(Note::Repeated { repeated, prompts: set.prompts.len() }));
}

/// What a model is asked in a draw. Prompts of other templates or groups are averaged apart.
fn asked(prompt: &Prompt) -> impl Eq + std::hash::Hash + '_ {
    let answer = prompt.answers.first().tokens.as_slice();
    (prompt.seed, prompt.template, prompt.group.clone(), prompt.tokens.as_slice(), answer)
}
