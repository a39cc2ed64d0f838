//! What a text must be beyond text: the `format`s of the schema.

use crate::spec::arithmetic::parse_arithmetic;
use crate::spec::expression::{ExpressionError, parse_aggregate, parse_condition, parse_value};
use crate::spec::nearest;
use crate::spec::node::{NAME_LETTERS, Node, shortened};
use crate::spec::{
    ComponentPattern, Device, FigureWidth, Layers, Operator, Range, ReceiverPattern, SitePattern, probe_in,
};

/// What is wrong with a text.
pub(super) struct FormatFault {
    pub message: String,
    pub advice: Option<String>,
    /// The bytes of the text it is about; none for the whole.
    pub part: std::ops::Range<usize>,
}

impl From<String> for FormatFault {
    fn from(message: String) -> Self {
        Self { message, advice: None, part: 0..0 }
    }
}

impl From<ExpressionError> for FormatFault {
    fn from(error: ExpressionError) -> Self {
        Self { message: error.message, advice: None, part: error.span }
    }
}

/// The formats checked here. Others (`uint64`, `double`) are JSON Schema's names of number types.
pub(super) fn check(format: &str, text: &str) -> Result<(), FormatFault> {
    match format {
        "name" => name(text),
        "range" => Range::parse(text).map(drop).map_err(FormatFault::from),
        "device" => text.parse::<Device>().map(drop).map_err(FormatFault::from),
        "operator" => operator(text),
        // Which slots there are is said by the prompts: `super::prompts`.
        "template" | "completion" => Ok(()),
        "aggregate" => parse_aggregate(text).map(drop).map_err(FormatFault::from),
        "arithmetic" => parse_arithmetic(text).map(drop).map_err(FormatFault::from),
        "edit-value" => edit_value(text),
        "site" => SitePattern::parse(text).map(drop).map_err(FormatFault::from),
        "component" => ComponentPattern::parse(text).map(drop).map_err(FormatFault::from),
        "receiver" => ReceiverPattern::parse(text).map(drop).map_err(FormatFault::from),
        "layers" => Layers::parse(text).map(drop).map_err(FormatFault::from),
        "value" => parse_value(text).map(drop).map_err(FormatFault::from),
        "figure-width" => FigureWidth::parse(text).map(drop).map_err(FormatFault::from),
        "condition" => parse_condition(&toml::Value::String(text.into())).map(drop).map_err(FormatFault::from),
        _ => Ok(()),
    }
}

/// Where a text of this format names a step that it needs: the layers that a step of probes finds.
pub(super) fn named_probe(format: &str, text: &str) -> Option<std::ops::Range<usize>> {
    matches!(format, "site" | "component" | "receiver" | "layers").then(|| probe_in(text)).flatten()
}

/// The same for a value that is no text.
pub(super) fn check_value(format: &str, node: &Node) -> Result<(), FormatFault> {
    match format {
        "condition" => parse_condition(&node.to_toml()).map(drop).map_err(FormatFault::from),
        _ => Ok(()),
    }
}

fn edit_value(text: &str) -> Result<(), FormatFault> {
    const WORDS: [&str; 2] = ["counterfactual", "mean"];
    if WORDS.contains(&text) {
        return Ok(());
    }
    let advice = match nearest(text, WORDS) {
        Some(near) => format!("write \"{near}\""),
        None => "write \"counterfactual\", \"mean\" or a number".to_string(),
    };
    Err(FormatFault {
        message: format!("an edit cannot write \"{}\"", shortened(text)),
        advice: Some(advice),
        part: 0..0,
    })
}

/// Names become files and parts of `--set step.NAME.key`.
fn name(text: &str) -> Result<(), FormatFault> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    if !text.is_empty() && text.len() <= 100 && text.chars().all(fits) {
        return Ok(());
    }
    let advice = format!("a name is 1 to 100 of the {NAME_LETTERS}");
    Err(FormatFault { message: format!("\"{}\" cannot be a name", shortened(text)), advice: Some(advice), part: 0..0 })
}

fn operator(text: &str) -> Result<(), FormatFault> {
    let Err(meant) = Operator::find(text) else { return Ok(()) };
    let advice = match meant {
        Some(operator) => format!("write \"{}\"", operator.symbol()),
        None => format!("operators: {}", Operator::ALL.map(Operator::symbol).join(" ")),
    };
    Err(FormatFault { message: format!("no operator \"{}\"", shortened(text)), advice: Some(advice), part: 0..0 })
}

/// The template of prompts of operands. Whether an operator is needed is for the prompts to say: a template of one operator may
/// have it in words.
pub(super) fn template(text: &str) -> Result<(), FormatFault> {
    slots(text, &["a", "op", "b"], &["a", "b"])
}

/// The completion of prompts of operands.
pub(super) fn completion(text: &str) -> Result<(), FormatFault> {
    slots(text, &["answer"], &["answer"])
}

/// A template, completion or contrast of prompts from words: their slots, as often as it likes.
pub(super) fn words(text: &str, known: &[&str]) -> Result<(), FormatFault> {
    found(text, known).map(drop)
}

/// Each slot is there, once, and no other; a doubled brace is a brace.
fn slots(text: &str, known: &[&str], needed: &[&str]) -> Result<(), FormatFault> {
    let found = found(text, known)?;
    for slot in known {
        match found.iter().filter(|name| *name == slot).count() {
            1 => {}
            0 if !needed.contains(slot) => {}
            0 => return Err(format!("the slot {{{slot}}} is missing; write {{{slot}}} where its value belongs").into()),
            count => return Err(format!("the slot {{{slot}}} occurs {count} times; write it once").into()),
        }
    }
    Ok(())
}

/// The slots of a template, all of which are known.
fn found<'t>(text: &'t str, known: &[&str]) -> Result<Vec<&'t str>, FormatFault> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(open) = text.get(rest..).and_then(|text| text.find('{')).map(|at| rest + at) {
        if text.get(open + 1..).is_some_and(|rest| rest.starts_with('{')) {
            rest = open + 2;
            continue;
        }
        let Some(close) = text.get(open..).and_then(|text| text.find('}')).map(|at| open + at) else {
            let message = "a slot is not closed; write '}' after its name".to_string();
            return Err(FormatFault { message, advice: None, part: open..text.len() });
        };
        let slot = text.get(open + 1..close).unwrap_or_default();
        if !known.contains(&slot) {
            let advice = match nearest(slot, known.iter().copied()) {
                Some(near) => format!("write {{{near}}}"),
                None => format!("write one of the slots {}", written(known)),
            };
            let message = format!("no slot {{{}}}", shortened(slot));
            return Err(FormatFault { message, advice: Some(advice), part: open..close + 1 });
        }
        found.push(slot);
        rest = close + 1;
    }
    Ok(found)
}

fn written(slots: &[&str]) -> String {
    slots.iter().map(|slot| format!("{{{slot}}}")).collect::<Vec<_>>().join(" ")
}
