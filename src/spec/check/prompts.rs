//! What fills the slots of a prompt set, operands or words, and the keys that belong to one of these alone.

use super::format::{self, Fault};
use super::{wrong_key, wrong_part, wrong_value};
use crate::spec::error::SpecError;
use crate::spec::node::Node;
use crate::spec::rows::Files;
use crate::spec::words::RowsFile;

/// Keys that mean nothing to prompts from words, with what to write there.
const OF_OPERANDS: [(&str, &str); 3] = [
    ("operators", "write the words into the template, or operands = { a = \"0..100\", b = \"0..100\" } for arithmetic"),
    ("answers", "leave out the words that are not to be answers"),
    ("shots", "write worked examples into the template, as they are to be read"),
];

/// Keys that mean nothing to prompts of operands.
const OF_WORDS: [&str; 2] = ["contrast", "different"];

/// Checks `[prompts]` and each of `[prompt_sets]`.
pub(super) fn check(spec: &Node, files: &Files, errors: &mut Vec<SpecError>) {
    let main = spec.get("prompts").map(|node| ("", "[prompts]".to_string(), node));
    let sets = spec.get("prompt_sets").and_then(Node::table);
    let named = sets.into_iter().flatten().map(|(name, node)| (name.as_str(), format!("[prompt_sets.{name}]"), node));
    for (set, table, node) in main.into_iter().chain(named).filter(|(.., node)| node.table().is_some()) {
        let (operands, words) = (node.get("operands"), node.get("slots").or(node.get("rows")));
        match (operands, words) {
            (Some(_), Some(words)) => {
                let message = format!("{table} has operands and words for its slots");
                let advice = "leave out 'operands', or 'slots' and 'rows'";
                errors.push(wrong_key(words, message).advise(advice));
            }
            (None, None) => {
                let advice = "write operands = { a = \"0..100\", b = \"0..100\" } for arithmetic, or words for the slots of the \
                              template: slots = { name = [\"Mary\", \"John\"] }";
                errors.push(wrong_value(node, format!("{table} has no 'operands' and no 'slots'")).advise(advice));
            }
            (Some(_), None) => of_operands(&table, node, errors),
            (None, Some(_)) => of_words(&table, node, files.get(set), errors),
        }
    }
}

fn of_operands(table: &str, prompts: &Node, errors: &mut Vec<SpecError>) {
    for (key, node) in OF_WORDS.iter().filter_map(|key| Some((key, prompts.get(key)?))) {
        let message = format!("{table} is of operands, to which '{key}' means nothing");
        errors.push(wrong_key(node, message).advise("leave it out, or write 'slots' in place of 'operands'"));
    }
    let mut text = |node: &Node, check: fn(&str) -> Result<(), Fault>| {
        if let Some(Err(fault)) = node.text().map(check) {
            errors.push(wrong_part(node, &fault.part, fault.message).advise_option(fault.advice));
        }
    };
    if let Some(node) = prompts.get("template") {
        text(node, format::template);
        node.table().into_iter().flatten().for_each(|(_, node)| text(node, format::template));
    }
    if let Some(node) = prompts.get("completion") {
        text(node, format::completion);
    }
}

fn of_words(table: &str, prompts: &Node, file: Option<&Option<RowsFile>>, errors: &mut Vec<SpecError>) {
    for (key, advice) in OF_OPERANDS {
        if let Some(node) = prompts.get(key) {
            let message = format!("{table} is of words, to which '{key}' means nothing");
            errors.push(wrong_key(node, message).advise(advice));
        }
    }
    let of_file = match file {
        // It could not be read: which slots there are is not known.
        Some(None) => return,
        Some(Some(file)) => file.columns.keys().map(String::as_str).collect(),
        None => Vec::new(),
    };
    let lists = prompts.get("slots").and_then(Node::table);
    let columns = prompts.entries("rows").first().and_then(Node::table);
    let written = lists.into_iter().chain(columns).flat_map(|table| table.keys().map(String::as_str));
    let known: Vec<&str> = written.chain(of_file).collect();
    let templates = prompts.get("template");
    let named = templates.and_then(Node::table).into_iter().flatten().map(|(_, node)| node);
    let single = ["completion", "contrast"].into_iter().filter_map(|key| prompts.get(key));
    for node in templates.into_iter().chain(named).chain(single) {
        if let Some(Err(fault)) = node.text().map(|text| format::words(text, &known)) {
            errors.push(wrong_part(node, &fault.part, fault.message).advise_option(fault.advice));
        }
    }
}
