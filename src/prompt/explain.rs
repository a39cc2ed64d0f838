//! Explanations of what a tokenizer does to a prompt, with the tokens shown.

use super::calculation::Calculation;
use super::dropped::{Dropped, Fault, Reason};
use super::error::PromptError;
use super::fields::Fields;
use super::resolved::NamedTemplate;
use super::stock::{Stock, render};
use super::template::{Fill, Slot};
use crate::counted::counted;
use crate::model::tokenizer::Tokenizer;

/// Why none of a group's prompts is legal, and what to write instead.
pub(super) fn none_legal(stock: &Stock, dropped: &[Dropped]) -> PromptError {
    let total: usize = dropped.iter().map(|d| d.count).sum();
    let mut by_count: Vec<&Dropped> = dropped.iter().collect();
    by_count.sort_by_key(|d| std::cmp::Reverse(d.count));
    const SHOWN: usize = 8;
    let mut counts: Vec<String> = by_count.iter().take(SHOWN).map(|d| format!("{} ({})", d.why(), d.count)).collect();
    if by_count.len() > SHOWN {
        counts.push(format!("{} more", by_count.len() - SHOWN));
    }
    let (example, fix) = by_count.first().map_or((String::new(), String::new()), |d| {
        let example = if d.example.is_empty() { String::new() } else { format!("; for example, {}", d.example) };
        (example, fix(stock, d.reason))
    });
    if by_count.is_empty() {
        let template = stock.template.name.clone();
        let why = "words that must differ are the same in every combination; write more words".to_string();
        return PromptError::NoneLegal { group: stock.group.clone(), template, why };
    }
    PromptError::NoneLegal {
        group: stock.group.clone(),
        template: stock.template.name.clone(),
        why: format!("all {total} are dropped, because {}{example}; {fix}", counts.join(", ")),
    }
}

fn fix(stock: &Stock, reason: Reason) -> String {
    if let Some(fix) = fix_fixed(stock, reason) {
        return fix;
    }
    if stock.resolved.pairs().is_some() {
        return fix_pairs(reason);
    }
    if let Some(words) = stock.resolved.words() {
        let answer = stock.resolved.completion.slots().find_map(|slot| match slot {
            Slot::Word { slot, .. } => words.names.get(slot),
            _ => None,
        });
        return fix_words(reason, answer.map_or("slot", String::as_str));
    }
    match reason {
        Reason::DivisionByZero => "write operands.b from 1".into(),
        Reason::Overflow => "write smaller operands".into(),
        Reason::Negative => "write operands with a ≥ b, or a range of answers such as answers = \"-300..300\"".into(),
        Reason::OutsideAnswers => "write a wider range of answers, or other operands".into(),
        Reason::UnknownText | Reason::UnknownAnswer | Reason::Long(Slot::A | Slot::B) => {
            let below = stock.tokenizer.largest_single_token_integer();
            let below = below.map(|largest| format!("operands below {}", u64::from(largest) + 1));
            let several = matches!(reason, Reason::Long(_))
                .then(|| "words = \"multi-token\", which allows operands of several tokens".to_string());
            let write = below.into_iter().chain(several).collect::<Vec<_>>().join(", or ");
            let another = "take a model whose tokenizer has larger integers as one token";
            if write.is_empty() { another.into() } else { format!("write {write}, or {another}") }
        }
        Reason::Long(Slot::Op) | Reason::Shared(Slot::A | Slot::Op | Slot::B) => {
            "write a template with other text or spaces around the slot".into()
        }
        Reason::Merges => {
            "write the template without a space at its end, and completion = \" {answer}\" for one before the answer"
                .into()
        }
        Reason::CompletionApart => {
            "write completion = \"{answer}\", and the text before it at the end of the template".into()
        }
        Reason::AnswerLong => "write smaller operands, or answer = \"multi-token\"".into(),
        Reason::Long(_)
        | Reason::Shared(_)
        | Reason::Contrast
        | Reason::ContrastAlike
        | Reason::NoPair
        | Reason::PairLength
        | Reason::PairAnswer
        | Reason::NoRight
        | Reason::NoWrong
        | Reason::Trimmed
        | Reason::BeyondList
        | Reason::Alike => "write other words".into(),
    }
}

/// What to write where no filling helps, as fixed text is not in the vocabulary, or the operator.
fn fix_fixed(stock: &Stock, reason: Reason) -> Option<String> {
    let (key, template) = match reason {
        Reason::UnknownText => ("template", &stock.template.template),
        Reason::UnknownAnswer => ("completion", &stock.resolved.completion),
        _ => return None,
    };
    let unknown = |text: &str| stock.tokenizer.encode(text).is_err();
    if let Some(text) = template.texts().find(|text| unknown(text)) {
        let letter = text.chars().find(|letter| unknown(&letter.to_string()));
        let what = letter.map_or_else(|| format!("{text:?}"), |letter| format!("{:?}", letter.to_string()));
        return Some(format!("write a {key} without {what}, which the model's vocabulary cannot spell"));
    }
    let symbol = stock.group.label();
    (stock.resolved.words().is_none() && template.has(Slot::Op) && unknown(symbol))
        .then(|| format!("leave out the operator '{symbol}', which the model's vocabulary cannot spell"))
}

fn fix_pairs(reason: Reason) -> String {
    match reason {
        Reason::Merges => "write prompts without a space at their end, and answers with a space before them (\" Paris\"), or completion = \" \
                           {answer}\""
            .into(),
        Reason::AnswerLong => "write answers of one token, or answer = \"multi-token\"; if a space belongs before the answers, write \
                               completion = \" {answer}\""
            .into(),
        Reason::Contrast => "write wrong answers of one token".into(),
        Reason::ContrastAlike => "write wrong answers that differ from the right ones in their first token".into(),
        _ => "write other prompts".into(),
    }
}

fn fix_words(reason: Reason, slot: &str) -> String {
    match reason {
        Reason::Long(_) => {
            "write words of one token, or words = \"multi-token\", which allows words of several tokens".into()
        }
        Reason::Shared(_) => "write a template with spaces or other text around the slot".into(),
        Reason::Merges => {
            format!(
                "write the template without a space at its end, and completion = \" {{{slot}}}\" for one before the answer"
            )
        }
        Reason::CompletionApart => "write the completion's text before the slot at the end of the template".into(),
        Reason::AnswerLong => "write answers of one token, or answer = \"multi-token\"".into(),
        Reason::ContrastAlike => {
            "write a contrast that differs from the answer in its first token, or let slots differ: different = [\"…\", \"…\"]".into()
        }
        Reason::Contrast => "write contrasts of one token".into(),
        Reason::NoRight => "write words into the slot of 'right' that meet its comparison".into(),
        Reason::NoWrong => "write words into the slot of 'wrong' that meet its comparison".into(),
        Reason::Trimmed => "write a template that begins and ends without spaces".into(),
        Reason::BeyondList => "write smaller steps, or cycle = true".into(),
        _ => "write other words".into(),
    }
}

/// A dropped prompt, with its tokens where they are the reason.
pub(super) fn example(stock: &Stock, fault: &Fault, fields: &Fields) -> String {
    let reason = fault.reason;
    let (text, whole) = match (fields, stock.resolved.pairs()) {
        (Fields::Pair { row, .. }, Some(pairs)) => {
            let about = fault.word.as_ref().map(|(_, answer)| answer.as_str());
            pairs.shown(*row, about, &stock.resolved.completion)
        }
        _ => filled(stock, reason, fields),
    };
    let tokenizer = stock.tokenizer;
    match (reason, fields) {
        (Reason::DivisionByZero | Reason::Overflow, Fields::Calculation(Calculation { operator, a, b, .. })) => {
            format!("{a} {} {b} has no value", operator.symbol())
        }
        (Reason::Negative | Reason::OutsideAnswers, Fields::Calculation(Calculation { operator, a, b, result })) => {
            format!("{a} {} {b} = {result}", operator.symbol())
        }
        (Reason::UnknownText, _) => tokenizer.encode(&text).err().map_or(String::new(), |error| error.to_string()),
        (Reason::UnknownAnswer, _) => tokenizer.encode(&whole).err().map_or(String::new(), |error| error.to_string()),
        (Reason::Merges, _) => format!("{} but {}", shown(tokenizer, &text), shown(tokenizer, &whole)),
        (Reason::CompletionApart | Reason::AnswerLong | Reason::Contrast | Reason::ContrastAlike, _) => {
            let tokens = last_tokens(tokenizer, &text, &whole);
            format!("after {text:?}, {:?} is {}", whole.get(text.len()..).unwrap_or(""), list(&tokens))
        }
        (Reason::Long(about) | Reason::Shared(about), _) => slot(tokenizer, stock.template, about, fields),
        (Reason::BeyondList | Reason::Trimmed, _) => format!("{text:?}"),
        _ => String::new(),
    }
}

/// A prompt's text, and the same with what follows it that a reason is about.
fn filled(stock: &Stock, reason: Reason, fields: &Fields) -> (String, String) {
    let (text, _) = render(stock.template, fields);
    let mut whole = text.clone();
    let contrast = stock.resolved.words().and_then(|words| words.contrast.as_ref());
    let completion = match (reason, contrast) {
        (Reason::Contrast | Reason::ContrastAlike, Some(contrast)) => contrast,
        _ => &stock.resolved.completion,
    };
    completion.render(fields, &mut whole);
    (text, whole)
}

/// A slot's text and the tokens it falls into: `in "12+3=", "12" is 2 tokens: "1" "2"`.
pub(super) fn slot(tokenizer: &Tokenizer, template: &NamedTemplate, slot: Slot, with: impl Fill) -> String {
    let (text, spans) = render(template, with);
    let Some((_, span)) = spans.iter().find(|(other, _)| *other == slot) else {
        return format!("template '{}' has no {{{}}}", template.name, slot.name());
    };
    let Ok(encoding) = tokenizer.encode(&text) else { return format!("{text:?} is not in the vocabulary") };
    let inside = encoding.offsets.iter().filter(|&&(start, end)| start < span.end && end > span.start);
    let tokens: Vec<&str> = inside.map(|&(start, end)| text.get(start..end).unwrap_or("")).collect();
    let asked = text.get(span.clone()).unwrap_or("");
    let prompt = text.get(template.prefix.len()..).unwrap_or(&text);
    match tokens.as_slice() {
        [token] => format!("in {prompt:?}, {asked:?} is in the token {token:?}"),
        _ => format!("in {prompt:?}, {asked:?} is {}", list(&tokens)),
    }
}

fn shown(tokenizer: &Tokenizer, text: &str) -> String {
    let Ok(encoding) = tokenizer.encode(text) else { return format!("{text:?} is not in the vocabulary") };
    let tokens: Vec<&str> = encoding.offsets.iter().map(|&(start, end)| text.get(start..end).unwrap_or("")).collect();
    format!("{text:?} is {}", list(&tokens))
}

fn last_tokens<'a>(tokenizer: &Tokenizer, text: &str, whole: &'a str) -> Vec<&'a str> {
    let Ok(encoding) = tokenizer.encode(whole) else { return Vec::new() };
    let after = encoding.offsets.iter().filter(|&&(_, end)| end > text.len());
    after.map(|&(start, end)| whole.get(start..end).unwrap_or("")).collect()
}

fn list(tokens: &[&str]) -> String {
    let quoted: Vec<String> = tokens.iter().map(|token| format!("{token:?}")).collect();
    format!("{}: {}", counted(tokens.len(), "token"), quoted.join(" "))
}
