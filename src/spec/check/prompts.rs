//! What fills the slots of a prompt set, operands or words, and the keys that belong to one of these alone.

use super::format::{self, FormatFault};
use super::mend::Faults;
use super::place::{SpecPlace, wrong_key, wrong_part, wrong_value};
use crate::spec::node::Node;
use crate::spec::rows::RowsFiles;
use crate::spec::words::RowsFile;

/// Keys that mean nothing to prompts that are given one by one, with what to write there.
const OF_OTHERS: [(&str, &str); 15] = [
    ("modulus", "leave it out"),
    ("random_tokens", "leave out 'random_tokens', or 'pairs'"),
    ("tokens", "write ids into 'clean_tokens' of each prompt, or leave out 'pairs'"),
    ("operands", "leave out 'operands', or 'pairs'"),
    ("slots", "leave out 'slots', or 'pairs'"),
    ("rows", "leave out 'rows', or 'pairs'"),
    ("computed", "write the words into the prompts, as they are to be read"),
    ("template", "each prompt is as 'clean' has it; leave it out"),
    ("contrast", "write the wrong answers into 'wrong' of each prompt"),
    ("right", "write the right answers into 'answers' of each prompt"),
    ("wrong", "write the wrong answers into 'wrong' of each prompt"),
    ("different", "leave it out"),
    ("operators", "write a column 'group' for prompts that are told apart in rows"),
    ("answers", "write the answers into 'answers' of each prompt"),
    ("shots", "write worked examples into the prompts, as they are to be read"),
];

/// Keys that mean nothing to prompts from words, with what to write there.
const OF_OPERANDS: [(&str, &str); 4] = [
    ("operators", "write the words into the template, or operands = { a = \"0..100\", b = \"0..100\" } for arithmetic"),
    ("answers", "leave out the words that are not to be answers"),
    ("modulus", "leave it out: words have no remainder"),
    ("shots", "write worked examples into the template, as they are to be read"),
];

/// Keys that mean nothing to prompts of tokens.
const OF_TEXTS: [&str; 12] = [
    "template",
    "completion",
    "contrast",
    "right",
    "wrong",
    "different",
    "computed",
    "operators",
    "answers",
    "modulus",
    "shots",
    "chat",
];

/// Keys that say in tokens what prompts are.
const IN_TOKENS: [&str; 2] = ["random_tokens", "tokens"];

/// Keys that mean nothing to prompts of operands.
const OF_WORDS: [&str; 5] = ["contrast", "right", "wrong", "different", "computed"];

/// Checks `[prompts]` and each of `[prompt_sets]`.
pub(super) fn check(spec: &Node, files: &RowsFiles, faults: &mut Faults) {
    let sets = spec.get("prompt_sets").and_then(Node::table);
    let main = spec.get("prompts").map(|node| ("", PromptsTable { place: SpecPlace::of(["prompts"]), node }));
    let named = sets.into_iter().flatten();
    let named =
        named.map(|(name, node)| (name.as_str(), PromptsTable { place: SpecPlace::of(["prompt_sets", name]), node }));
    for (name, set) in main.into_iter().chain(named).filter(|(_, set)| set.node.table().is_some()) {
        let (table, node) = (set.place.table(), set.node);
        let (operands, words) = (node.get("operands"), node.get("slots").or(node.get("rows")));
        if let Some(pairs) = node.get("pairs") {
            set.of_pairs(pairs, faults);
            continue;
        }
        let tokens = IN_TOKENS.into_iter().filter_map(|key| Some((key, node.get(key)?))).collect::<Vec<_>>();
        if let [(key, first), rest @ ..] = &tokens[..] {
            let others = ["operands", "slots", "rows"].into_iter().find(|key| node.get(key).is_some());
            match others.or(rest.first().map(|(other, _)| *other)) {
                Some(other) => {
                    let message =
                        format!("{table} has both '{key}' and '{other}', and each alone says what the prompts are");
                    let error = wrong_key(first, message).advise(format!("leave out '{key}' or '{other}'"));
                    faults.value(set.place, error);
                }
                None => set.of_tokens(key, faults),
            }
            continue;
        }
        match (operands, words) {
            (Some(_), Some(words)) => {
                let message = format!("{table} has both operands and words for its slots");
                let advice = "leave out 'operands', or 'slots' and 'rows'";
                faults.value(set.place, wrong_key(words, message).advise(advice));
            }
            (None, None) if !name.is_empty() && spec.get("prompts").is_some_and(fills_nothing) => {
                faults.value_like_another(set.place);
            }
            (None, None) => {
                let advice = "write operands = { a = \"0..100\", b = \"0..100\" } for arithmetic, or words for the slots of the \
                              template: slots = { name = [\"Mary\", \"John\"] }";
                let error = wrong_value(node, format!("{table} has no 'operands' and no 'slots'")).advise(advice);
                faults.value(set.place, error);
            }
            (Some(_), None) => set.of_operands(faults),
            (None, Some(_)) => set.of_words(files.get(name), faults),
        }
    }
}

/// Whether prompts have neither operands nor words.
fn fills_nothing(prompts: &Node) -> bool {
    let kinds = ["operands", "slots", "rows", "pairs"].into_iter().chain(IN_TOKENS);
    prompts.table().is_some_and(|keys| kinds.into_iter().all(|key| !keys.contains_key(key)))
}

/// A set and where it stands.
struct PromptsTable<'n> {
    place: SpecPlace,
    node: &'n Node,
}

impl PromptsTable<'_> {
    fn of_tokens(&self, kind: &str, faults: &mut Faults) {
        let (table, prompts) = (self.place.table(), self.node);
        for (key, node) in OF_TEXTS.iter().filter_map(|key| Some((key, prompts.get(key)?))) {
            let message = format!("'{key}' does not apply to the prompts of {table}, which are '{kind}'");
            faults.key(self.place.child(key), None, wrong_key(node, message).advise("leave it out"));
        }
    }

    fn of_operands(&self, faults: &mut Faults) {
        let (table, prompts) = (self.place.table(), self.node);
        for (key, node) in OF_WORDS.iter().filter_map(|key| Some((key, prompts.get(key)?))) {
            let message = format!("'{key}' does not apply to the prompts of {table}, which are made of operands");
            let error = wrong_key(node, message).advise("leave it out, or write 'slots' in place of 'operands'");
            faults.key(self.place.child(key), None, error);
        }
        let mut text = |place: SpecPlace, node: &Node, check: fn(&str) -> Result<(), FormatFault>| {
            if let Some(Err(fault)) = node.text().map(check) {
                faults.value(place, wrong_part(node, &fault.part, fault.message).advise_option(fault.advice));
            }
        };
        let template = self.place.child("template");
        if let Some(node) = prompts.get("template") {
            text(template.clone(), node, format::template);
            for (name, node) in node.table().into_iter().flatten() {
                text(template.child(name), node, format::template);
            }
        }
        if let Some(node) = prompts.get("completion") {
            text(self.place.child("completion"), node, format::completion);
        }
    }

    /// Prompts that are given one by one: what stands in them is checked where they are read.
    fn of_pairs(&self, pairs: &Node, faults: &mut Faults) {
        let (table, prompts) = (self.place.table(), self.node);
        for (key, advice) in OF_OTHERS {
            if let Some(node) = prompts.get(key) {
                let message =
                    format!("'{key}' does not apply to the prompts of {table}, which are given one by one in 'pairs'");
                faults.key(self.place.child(key), None, wrong_key(node, message).advise(advice));
            }
        }
        // A file that could not be read is refused by itself.
        if pairs.is_unknown() {
            return;
        }
        if let Some(node) = prompts.get("completion")
            && let Some(Err(fault)) = node.text().map(format::completion)
        {
            let error = wrong_part(node, &fault.part, fault.message).advise_option(fault.advice);
            faults.value(self.place.child("completion"), error);
        }
    }

    fn of_words(&self, file: Option<&Option<RowsFile>>, faults: &mut Faults) {
        let (table, prompts) = (self.place.table(), self.node);
        for (key, advice) in OF_OPERANDS {
            if let Some(node) = prompts.get(key) {
                let message = format!("'{key}' does not apply to the prompts of {table}, which are made of words");
                faults.key(self.place.child(key), None, wrong_key(node, message).advise(advice));
            }
        }
        let rows = prompts.entries("rows").first();
        let unknown = [prompts.get("slots"), prompts.get("rows"), rows].into_iter().flatten().any(Node::is_unknown);
        let of_file = match file {
            // It could not be read, or is wrong: which slots there are is not known.
            Some(None) => return,
            _ if unknown => return,
            Some(Some(file)) => file.columns.keys().map(String::as_str).collect(),
            None => Vec::new(),
        };
        let lists = ["slots", "computed"].into_iter().filter_map(|key| prompts.get(key)?.table());
        let columns = rows.and_then(Node::table);
        let written = lists.chain(columns).flat_map(|table| table.keys().map(String::as_str));
        let known: Vec<&str> = written.chain(of_file).collect();
        let template = prompts.get("template").map(|node| (self.place.child("template"), node));
        let named = prompts.get("template").and_then(Node::table).into_iter().flatten();
        let named = named.map(|(name, node)| (self.place.child("template").child(name), node));
        let single = ["completion", "contrast"].into_iter();
        let single = single.filter_map(|key| Some((self.place.child(key), prompts.get(key)?)));
        let listed = ["right", "wrong"].into_iter().flat_map(|key| {
            let place = self.place.child(key);
            let entries = prompts.entries(key).iter().enumerate();
            entries.map(move |(number, node)| (place.child(&number.to_string()), node))
        });
        for (place, node) in template.into_iter().chain(named).chain(single).chain(listed) {
            if let Some(Err(fault)) = node.text().map(|text| format::words(text, &known)) {
                faults.value(place, wrong_part(node, &fault.part, fault.message).advise_option(fault.advice));
            }
        }
    }
}
