//! Counterfactual prompts that are made of the clean ones: words swapped, redrawn, or written in their place.

use super::answer_rule::AnswerRule;
use super::answers::AcceptedAnswers;
use super::error::PromptError;
use super::fields::Fields;
use super::random::Random;
use super::resolved::ResolvedPrompts;
use super::set::Prompt;
use super::stock::Stock;
use super::swapped_rows::{SwappedRows, UnknownRow};
use super::template::{Fill, Slot, Template};
use super::words::Lexicon;
use crate::model::tokenizer::Tokenizer;
use crate::spec::{Word, nearest};
use indexmap::IndexMap;
use std::sync::Arc;

/// Draws of words that may not fit before a prompt is given up.
const TRIES: usize = 256;

/// What is changed in each prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotChange {
    /// Two slots have each other's words.
    Swap(usize, usize),
    /// New words.
    Redraw(Vec<SlotPlace>),
    /// These words.
    Write(Vec<(SlotPlace, Arc<str>)>),
}

/// A slot, or one of its places in the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPlace {
    /// The slot.
    pub slot: usize,
    /// Which of its places, from 0; `None` for all, and for what the completion has of it.
    pub occurrence: Option<usize>,
}

/// What is wrong with a change: the key (`swap`, `redraw` or `write`), which entry of it, the problem and the advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeFault {
    /// `swap`, `redraw` or `write`.
    pub key: &'static str,
    /// Which entry; `None` for all.
    pub index: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What to write.
    pub advice: String,
}

/// Reads what a step says of its counterfactual prompts; `None` where that is nothing.
///
/// # Errors
/// Changes of prompts that are not of words, slots that are not there, and changes that leave the answer as it is where nothing
/// else is compared with.
pub fn change(
    resolved: &ResolvedPrompts,
    swap: &[String],
    redraw: &[String],
) -> Result<Option<SlotChange>, ChangeFault> {
    let key = if swap.is_empty() { "redraw" } else { "swap" };
    let fault = |index: Option<usize>, problem: String, advice: &str| {
        Err(ChangeFault { key, index, problem, advice: advice.to_string() })
    };
    if swap.is_empty() && redraw.is_empty() {
        return Ok(None);
    }
    let Some(words) = resolved.words() else {
        let what = if resolved.pairs().is_some() { "given one by one" } else { "made of operands" };
        let problem = format!("'{key}' changes words, and these prompts are {what}");
        return fault(None, problem, "leave it out; then another prompt of the set is drawn");
    };
    if !swap.is_empty() && !redraw.is_empty() {
        return fault(None, "'swap' and 'redraw' exclude each other".into(), "write one of them");
    }
    let mut places = Vec::new();
    for (index, name) in swap.iter().chain(redraw).enumerate() {
        match place(name, words, resolved) {
            Ok(place) if key == "swap" && place.occurrence.is_some() => {
                let problem = format!("'{name}' is one place of a slot, and 'swap' exchanges whole slots");
                return fault(Some(index), problem, "write the slot's name alone, or use 'redraw'");
            }
            Ok(place) if places.contains(&place) => {
                return fault(Some(index), format!("'{name}' is written twice"), "write it once");
            }
            Ok(place) => match words.follows(place.slot) {
                Some(how) => return fault(Some(index), follows(name, how), OF_OTHERS),
                None => places.push(place),
            },
            Err((problem, advice)) => return fault(Some(index), problem, &advice),
        }
    }
    let change = match (key, places.as_slice()) {
        ("swap", [one, other]) => SlotChange::Swap(one.slot, other.slot),
        ("swap", _) => {
            return fault(
                None,
                format!("'swap' needs two slots, not {}", places.len()),
                "write swap = [\"io\", \"s\"]",
            );
        }
        _ => SlotChange::Redraw(places),
    };
    if let SlotChange::Redraw(places) = &change
        && let Some(index) = places.iter().position(|place| words.list(place.slot).len() < 2)
    {
        let slot = &words.names[places[index].slot];
        return fault(
            Some(index),
            format!("slot '{slot}' has only one word, so that no other can be drawn"),
            "write more words for it",
        );
    }
    compared(change, key, words, resolved).map(Some)
}

/// Reads the words that a step writes into its counterfactual prompts, by slot or place; `None` where there are none.
///
/// # Errors
/// As [`change`].
pub fn written(resolved: &ResolvedPrompts, write: &IndexMap<String, Word>) -> Result<Option<SlotChange>, ChangeFault> {
    let fault = |problem: String, advice: &str| {
        Err(ChangeFault { key: "write", index: None, problem, advice: advice.to_string() })
    };
    if write.is_empty() {
        return Ok(None);
    }
    let Some(words) = resolved.words() else {
        let problem = "'write' changes words, and these prompts have no slots of words".to_string();
        return fault(problem, "leave it out; then another prompt of the set is drawn");
    };
    let mut places = Vec::new();
    for (name, Word(word)) in write {
        let place = match place(name, words, resolved) {
            Ok(place) => place,
            Err((problem, advice)) => return fault(problem, &advice),
        };
        let slot = place.slot;
        if let Some(how) = words.follows(slot) {
            return fault(follows(name, how), OF_OTHERS);
        }
        if words.together(slot).count() > 1
            && place.occurrence.is_none()
            && !words.list(slot).iter().any(|one| **one == **word)
        {
            let problem = format!("'{name}' is a column of rows, and no row has \"{word}\" there");
            return fault(problem, "write a word of that column; the other words of its row come with it");
        }
        if words.columns.whole[slot] && word.parse::<i64>().is_err() {
            let problem = format!("the words of '{name}' are whole numbers, and \"{word}\" is not");
            return fault(problem, "write a whole number");
        }
        places.push((place, Arc::from(word.as_str())));
    }
    compared(SlotChange::Write(places), "write", words, resolved).map(Some)
}

/// Why a word that follows from others cannot be changed by itself.
fn follows(name: &str, how: &str) -> String {
    format!("'{name}' cannot be changed by itself: it is {how}")
}

/// What to write in its place.
const OF_OTHERS: &str = "write a slot that it depends on";

/// The change, where it leaves something to compare.
fn compared(
    change: SlotChange,
    key: &'static str,
    words: &Lexicon,
    resolved: &ResolvedPrompts,
) -> Result<SlotChange, ChangeFault> {
    let mut answer: Vec<usize> = resolved.completion.slots().filter_map(Slot::word).collect();
    // The word of the answers' slot follows from those that it is compared with.
    answer.extend(words.answer_slot().and(words.right.as_ref()).into_iter().flat_map(AnswerRule::compared));
    let whole = |place: &SlotPlace| place.occurrence.is_none().then_some(place.slot);
    let own: Vec<usize> = match &change {
        &SlotChange::Swap(one, other) => {
            let rows = SwappedRows::new(words, resolved, [one, other]);
            if !words.has_wrong() && !rows.may_be_known(words, [one, other]) {
                let names = [&words.names[one], &words.names[other]];
                let problem =
                    format!("{}, so that no answer of a swapped prompt is known", no_row(names, rows.follow(), words));
                return Err(ChangeFault { key, index: None, problem, advice: KNOWN_ANSWER.into() });
            }
            [one, other].into_iter().chain(rows.follow().iter().copied()).collect()
        }
        SlotChange::Redraw(places) => places.iter().filter_map(whole).flat_map(|slot| words.together(slot)).collect(),
        SlotChange::Write(places) => {
            places.iter().filter_map(|(place, _)| whole(place)).flat_map(|slot| words.together(slot)).collect()
        }
    };
    let changed = words.with_computed(own.into_iter());
    if !words.has_wrong() && !answer.iter().any(|slot| changed.contains(slot)) {
        let problem = "the changed prompts have the same answers as the clean ones, so that no wrong answer is left to compare with";
        let advice = "write contrast = \"…\" in the prompts, or change a slot of the completion".to_string();
        return Err(ChangeFault { key, index: None, problem: problem.into(), advice });
    }
    Ok(change)
}

/// That no row says what the answers of swapped prompts are.
fn no_row([one, other]: [&String; 2], follow: &[usize], words: &Lexicon) -> String {
    let read: Vec<&str> = follow.iter().map(|&slot| words.names[slot].as_str()).collect();
    format!(
        "the answers read {} of 'rows', and no row has the words of '{one}' and '{other}' swapped",
        read.join(" and ")
    )
}

/// What to write where the answer of a swapped prompt is not in the rows.
const KNOWN_ANSWER: &str = "let the two slots have each other's words, write contrast = \"…\" in the prompts, which is then the answer of the swapped \
                            prompt, or write 'pairs' with 'corrupted' and 'corrupted_answers'";

/// The place of a name: a slot, or `s.2`.
fn place(name: &str, words: &Lexicon, resolved: &ResolvedPrompts) -> Result<SlotPlace, (String, String)> {
    let (slot, number) = match name.split_once('.') {
        Some((slot, number)) => (slot, Some(number)),
        None => (name, None),
    };
    let Some(index) = words.slot(slot) else {
        let near = nearest(slot, words.names.iter().map(String::as_str));
        let advice =
            near.map_or(format!("write one of {}", words.names.join(", ")), |near| format!("write \"{near}\""));
        return Err((format!("no slot '{slot}'"), advice));
    };
    let Some(number) = number else { return Ok(SlotPlace { slot: index, occurrence: None }) };
    let places = |template: &Template| template.slots().filter(|slot| slot.word() == Some(index)).count();
    let fewest = resolved.templates.iter().min_by_key(|template| places(&template.template));
    let most = fewest.map_or(0, |template| places(&template.template));
    match number.parse::<usize>() {
        Ok(number) if (1..=most).contains(&number) => Ok(SlotPlace { slot: index, occurrence: Some(number - 1) }),
        _ => {
            let template = fewest.map_or("", |template| &template.name);
            let problem = format!("'{name}': template '{template}' has '{slot}' {most} times");
            let advice = match most {
                0 => format!("write \"{slot}\""),
                most => format!("write \"{slot}\" for all, or \"{slot}.1\" to \"{slot}.{most}\""),
            };
            Err((problem, advice))
        }
    }
}

/// Makes of each clean prompt another, with the same number of tokens and its slots at the same tokens; its id is that of the
/// prompt it is made of. What is drawn depends on the seed and the clean prompt alone. An error for a clean prompt that no words make
/// such another of.
///
/// New words differ from the old ones and, of slots that must differ, from the old words of all of these.
///
/// # Errors
/// `bos = true` on a tokenizer without one.
pub fn changed(
    resolved: &ResolvedPrompts,
    tokenizer: &Tokenizer,
    bos: Option<bool>,
    change: &SlotChange,
    clean: &[&Prompt],
    seed: u64,
) -> Result<Vec<Result<Prompt, PromptError>>, PromptError> {
    let resolved = &*resolved.in_model(tokenizer, bos)?;
    let bos = resolved.bos_before(tokenizer, bos)?;
    let none = |prompt: &Prompt, why: String| PromptError::NoCounterfactual { text: prompt.text.clone(), why };
    let rows = match (change, resolved.words()) {
        (&SlotChange::Swap(one, other), Some(words)) => SwappedRows::new(words, resolved, [one, other]),
        _ => SwappedRows::default(),
    };
    let make = |prompt: &&Prompt| {
        let (Some(words), Fields::Words { words: own, .. }) = (resolved.words(), &prompt.fields) else {
            return Err(none(prompt, "it is not made of words".into()));
        };
        let stock = Stock::new(resolved, tokenizer, bos, prompt.template, 0);
        let mut random = Random::new(seed, &["change", prompt.text.as_str()]);
        let tries = if matches!(change, SlotChange::Redraw(_)) { TRIES } else { 1 };
        for _ in 0..tries {
            let Some(changed) = apply(change, &rows, words, own, &mut random) else { continue };
            let Ok(made) = stock.tokenise_filled(prompt.id, &changed.fields, &changed) else { continue };
            let fits = made.tokens.len() == prompt.tokens.len() && made.slots == prompt.slots;
            if fits && made.tokens != prompt.tokens {
                let made = Prompt { seed: prompt.seed, number: prompt.number, ..made };
                let (Some(unknown), SlotChange::Swap(one, other)) = (changed.unknown, change) else { return Ok(made) };
                // As of prompts that are given in pairs: what the clean prompt is compared with, and nothing else is known of it.
                let Some((wrong, others)) = prompt.wrong.split_first() else {
                    let names = [&words.names[*one], &words.names[*other]];
                    let problem = match unknown {
                        UnknownRow::None => no_row(names, rows.follow(), words),
                        UnknownRow::Several => {
                            "several rows have the swapped words, and differ in their answers".into()
                        }
                    };
                    return Err(none(prompt, format!("{problem}; {KNOWN_ANSWER}")));
                };
                return Ok(Prompt { answers: AcceptedAnswers::new(wrong.clone(), others.to_vec()), ..made });
            }
        }
        let why = match change {
            SlotChange::Swap(one, other) => format!(
                "with '{}' and '{}' swapped, the prompt stays the same, has its words at other tokens, or is not legal; write words that fit \
                 both slots",
                words.names[*one], words.names[*other]
            ),
            SlotChange::Redraw(_) => {
                format!("{tries} draws of other words gave no legal prompt with its words at the same tokens; write more words")
            }
            SlotChange::Write(_) => {
                "with the words of 'write', the prompt stays the same, has its words at other tokens, or is not legal; write words that \
                 fit"
                    .into()
            }
        };
        Err(none(prompt, why))
    };
    Ok(clean.iter().map(make).collect())
}

/// Changed words: of slots, and at single places of the template.
struct Changed {
    fields: Fields,
    at: Vec<(Slot, Arc<str>)>,
    /// Why the answer beside swapped words is not known, where it is not: those of the fields are then the old ones.
    unknown: Option<UnknownRow>,
}

impl Fill for Changed {
    fn fill(&self, slot: Slot, text: &mut String) {
        match self.at.iter().find(|(place, _)| *place == slot) {
            Some((_, word)) => text.push_str(word),
            None => self.fields.fill(slot, text),
        }
    }
}

/// Changed words; `None` where what was drawn does not do.
fn apply(
    change: &SlotChange,
    rows: &SwappedRows,
    words: &Lexicon,
    old: &[Arc<str>],
    random: &mut Random,
) -> Option<Changed> {
    let (mut own, mut at, mut unknown) = (old.to_vec(), Vec::new(), None);
    match change {
        SlotChange::Swap(one, other) => {
            own.swap(*one, *other);
            unknown = rows.write(words, &mut own).err();
        }
        SlotChange::Write(places) => {
            for (SlotPlace { slot, occurrence }, word) in places {
                let row = words.list(*slot).iter().position(|one| one == word);
                match (occurrence, row.filter(|_| words.together(*slot).count() > 1)) {
                    (Some(_), _) => at.push((Slot::Word { slot: *slot, occurrence: *occurrence }, word.clone())),
                    (None, Some(row)) => {
                        words.together(*slot).for_each(|other| own[other] = words.list(other)[row].clone());
                    }
                    (None, None) => own[*slot] = word.clone(),
                }
            }
        }
        SlotChange::Redraw(places) => {
            let mut drawn: Vec<Arc<str>> = Vec::new();
            for &SlotPlace { slot, occurrence } in places {
                let list = words.list(slot);
                let index = random.below(list.len());
                let new = &list[index];
                let apart = words.different.contains(&slot);
                let taken = apart && (drawn.contains(new) || words.different.iter().any(|&other| old[other] == *new));
                if *new == old[slot] || taken {
                    return None;
                }
                if apart {
                    drawn.push(new.clone());
                }
                match occurrence {
                    Some(_) => at.push((Slot::Word { slot, occurrence }, new.clone())),
                    None => words.together(slot).for_each(|other| own[other] = words.list(other)[index].clone()),
                }
            }
        }
    }
    let fits = words.complete(&mut own).is_ok();
    fits.then(|| Changed { fields: Fields::Words { columns: words.columns.clone(), words: own }, at, unknown })
}
