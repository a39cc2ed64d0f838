//! A walk over the values and their JSON schema side by side: keys, types, choices, ranges, lengths, formats.

use super::format;
use super::mend::Faults;
use super::place::{SpecPlace, wrong_key, wrong_part, wrong_value};
use super::types::{choices, has_type, lower_sentence, quoted, table_advice, type_name};
use crate::counted::counted;
use crate::spec::merge::INHERITING;
use crate::spec::node::{Node, NodeContent, shortened};
use crate::spec::value_schema::ValueSchema;
use crate::spec::{nearest, overrides};
use indexmap::IndexMap;
use std::collections::HashSet;

/// Past so many errors nobody reads the advice, and a large file would spend its time on it.
const ADVISED: usize = 100;

/// A name that must exist.
pub(super) struct Reference {
    /// What it names: `step`, `step-rows`, `rows`, `model`, `prompts`, `known`, or `probe`, a step of that kind.
    pub to: &'static str,
    pub name: String,
    /// The bytes of the value's text that are the name; none where it is the whole text.
    pub part: std::ops::Range<usize>,
    pub node: Node,
    pub place: SpecPlace,
}

/// A key that was left out and then means the spec's own `[model]` or `[prompts]`.
pub(super) struct ImpliedKey {
    pub to: &'static str,
    pub entry: Node,
    pub place: SpecPlace,
}

/// The walk and what it has found.
#[derive(Default)]
pub(super) struct Walk {
    pub faults: Faults,
    pub references: Vec<Reference>,
    pub absent: Vec<ImpliedKey>,
    /// Tables whose entries take over what they leave out, and what they take it from.
    parents: Vec<(&'static str, Node)>,
}

impl Walk {
    /// Checks a whole spec.
    pub fn check(&mut self, spec: &Node) {
        let parent = |(from, entries): (&str, &'static str)| Some((entries, spec.get(from)?.clone()));
        self.parents = INHERITING.into_iter().filter_map(parent).collect();
        self.value(spec, ValueSchema::spec(), &SpecPlace::default());
    }

    /// Checks a table of the top level.
    pub fn check_at(&mut self, node: &Node, schema: ValueSchema, key: &str) {
        self.value(node, schema, &SpecPlace::default().child(key));
    }

    fn value(&mut self, node: &Node, schema: ValueSchema, place: &SpecPlace) {
        if node.is_unknown() {
            return;
        }
        if schema.get("anyOf").is_some() {
            return self.any_of(node, schema, place);
        }
        if schema.get("oneOf").is_some() {
            return match schema.kinds() {
                Some((tag, kinds)) => self.tagged(node, &kinds, tag, place),
                None => {
                    let known: Vec<&str> = schema.words().into_iter().map(|(word, _)| word).collect();
                    let wrong = |text| format!("'{}' cannot be \"{text}\"", place.key());
                    self.word(node, &known, wrong, place.clone());
                }
            };
        }
        if !has_type(node, schema) {
            let message = format!("'{}' must be {}, not {}", place.key(), type_name(schema), node.describe());
            let advice = one_item(node, schema, place).or_else(|| table_advice(node, schema, place));
            let error = wrong_value(node, message).advise_option(advice);
            return match stands_alone(node, schema) {
                true => self.faults.alone(place.clone(), error),
                false => self.faults.value(place.clone(), error),
            };
        }
        match &node.content {
            NodeContent::Text(text) => self.text(node, text, schema, place),
            NodeContent::Integer(number) => self.number(node, *number as f64, schema, place),
            NodeContent::Float(number) => self.number(node, *number, schema, place),
            NodeContent::List(items) => self.list(node, items, schema, place),
            NodeContent::Table(table) => self.table(node, table, schema, place),
            NodeContent::Boolean(_) | NodeContent::Datetime(_) | NodeContent::Unknown => {}
        }
    }

    /// The branch that takes this type of value, or what the schema says it takes.
    fn any_of(&mut self, node: &Node, schema: ValueSchema, place: &SpecPlace) {
        match schema.any_of().into_iter().find(|branch| has_type(node, *branch)) {
            Some(branch) => {
                let errors = self.faults.len();
                self.value(node, branch, place);
                if self.faults.len() == errors {
                    self.format(node, schema, place);
                }
            }
            None => {
                let takes = schema.text("description").map(lower_sentence).unwrap_or_default();
                let message = format!("'{}' must be {takes}; it is {}", place.key(), node.describe());
                let advice = node.text().and_then(|text| overrides::with_quotes(&node.origin, text));
                self.faults.value(place.clone(), wrong_value(node, message).advise_option(advice));
            }
        }
    }

    /// One of some words; `wrong` says that it is another.
    fn word(&mut self, node: &Node, known: &[&str], wrong: impl Fn(String) -> String, place: SpecPlace) {
        match node.text() {
            Some(text) if known.contains(&text) => {}
            Some(text) => {
                let advice = self.advice(|| choices(text, known));
                let error = wrong_value(node, wrong(shortened(text))).advise_option(advice);
                self.faults.word(place, nearest(text, known.iter().copied()), error);
            }
            None => {
                let message = format!("'{}' must be text, not {}", place.key(), node.describe());
                self.faults.value(place, wrong_value(node, message).advise(choices("", known)));
            }
        }
    }

    /// A table whose `kind` says which schema it has.
    fn tagged(&mut self, node: &Node, kinds: &[(&'static str, ValueSchema)], tag: &'static str, place: &SpecPlace) {
        let Some(table) = node.table() else {
            let message = format!("'{}' must be a table, not {}", place.key(), node.describe());
            return self.faults.value(place.clone(), wrong_value(node, message));
        };
        let known: Vec<&str> = kinds.iter().map(|(kind, _)| *kind).collect();
        match table.get(tag) {
            None => {
                let message = format!("{} has no '{tag}'", place.table());
                let error = wrong_value(node, message).advise(format!("write {tag} = {}", quoted(&known)));
                self.faults.lacks(place, tag, error);
            }
            // Which keys it has is not known.
            Some(value) if value.is_unknown() => {}
            Some(value) => match kinds.iter().find(|(kind, _)| value.text() == Some(kind)) {
                Some((_, kind)) => self.value(node, *kind, place),
                None => self.word(value, &known, |text| format!("no {tag} \"{text}\""), place.child(tag)),
            },
        }
    }

    fn text(&mut self, node: &Node, text: &str, schema: ValueSchema, place: &SpecPlace) {
        if schema.number("minLength").is_some_and(|least| (text.chars().count() as f64) < least) {
            let error = wrong_value(node, format!("'{}' is an empty text", place.key())).advise("write a text");
            return self.faults.value(place.clone(), error);
        }
        self.format(node, schema, place);
        self.refer(node, schema, place);
        self.refer_to_probe(node, text, schema, place);
    }

    fn number(&mut self, node: &Node, value: f64, schema: ValueSchema, place: &SpecPlace) {
        let (least, most) = (schema.number("minimum"), schema.number("maximum"));
        let above = schema.number("exclusiveMinimum");
        let fits = value.is_finite()
            && least.is_none_or(|least| value >= least)
            && above.is_none_or(|above| value > above)
            && most.is_none_or(|most| value <= most);
        if fits {
            return;
        }
        let allowed = match (least, above, most) {
            (Some(least), _, Some(most)) => format!("write a number from {least} to {most}"),
            (Some(least), _, None) => format!("write {least} or more"),
            (_, Some(above), Some(most)) => format!("write a number above {above} and at most {most}"),
            (_, Some(above), None) => format!("write a number above {above}"),
            (_, _, Some(most)) => format!("write {most} or less"),
            (None, None, None) => "write a finite number".into(),
        };
        let error = wrong_value(node, format!("'{}' = {value} is out of range", place.key())).advise(allowed);
        self.faults.value(place.clone(), error);
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: ValueSchema, place: &SpecPlace) {
        let (least, most) = (schema.number("minItems"), schema.number("maxItems"));
        let length = items.len() as f64;
        if least.is_some_and(|least| length < least) || most.is_some_and(|most| length > most) {
            let wanted = match (least, most) {
                (Some(least), Some(most)) if least == most => counted(least, "value"),
                (Some(1.0), None) => "at least one value".into(),
                (least, most) => format!("{} to {} values", least.unwrap_or(0.0), most.unwrap_or(f64::INFINITY)),
            };
            let message = format!("'{}' must have {wanted}, not {}", place.key(), items.len());
            return self.faults.value(place.clone(), wrong_value(node, message));
        }
        let errors = self.faults.len();
        let mut taken = HashSet::new();
        for (index, item) in items.iter().enumerate() {
            // The second of a name goes by its index.
            let name = item.name().filter(|name| taken.insert(*name));
            let place = place.child(&name.map_or_else(|| index.to_string(), String::from));
            if let Some(items) = schema.items() {
                self.value(item, items, &place);
            }
            self.refer(item, schema, &place);
        }
        if schema.get("uniqueItems").is_some() {
            let (mut texts, mut numbers) = (HashSet::new(), HashSet::new());
            let mut new = |item: &Node| match &item.content {
                NodeContent::Text(text) => texts.insert(text.clone()),
                NodeContent::Integer(number) => numbers.insert(*number),
                _ => true,
            };
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !new(item)) {
                let message = format!("{} is in '{}' twice", item.describe(), place.key());
                let error = wrong_value(item, message).advise("write it once");
                self.faults.value(place.child(&index.to_string()), error);
            }
        }
        if self.faults.len() == errors && schema.get("x-increasing").is_some() {
            let values: Vec<f64> = items.iter().filter_map(Node::number).collect();
            if !values.is_sorted_by(|low, high| low < high) {
                let message = format!("the numbers in '{}' must rise", place.key());
                let error = wrong_value(node, message).advise("write the smaller number first");
                self.faults.value(place.clone(), error);
            }
        }
    }

    fn table(&mut self, node: &Node, table: &IndexMap<String, Node>, schema: ValueSchema, place: &SpecPlace) {
        let (keys, others) = (schema.keys(), schema.values());
        let is_closed = schema.get("additionalProperties").is_some_and(|others| *others == false);
        if schema.number("minProperties").is_some_and(|least| (table.len() as f64) < least) {
            let error =
                wrong_value(node, format!("'{}' is empty", place.key())).advise("write at least one entry into it");
            self.faults.value(place.clone(), error);
        }
        // Keys that others were probably meant to be.
        let mut meant: Vec<&str> = Vec::new();
        for (key, value) in table {
            let below = place.child(key);
            match (schema.key(key), others) {
                (Some(schema), _) => self.value(value, schema, &below),
                (None, Some(others)) => {
                    let names = schema.get("propertyNames").filter(|_| !value.is_unknown());
                    let format = names.and_then(|names| names.get("format")?.as_str());
                    if let Some(fault) = format.and_then(|format| format::check(format, key).err()) {
                        self.faults.value(below.clone(), wrong_key(value, fault.message).advise_option(fault.advice));
                    }
                    self.value(value, others, &below);
                }
                // Of one that is marked as unknown it has been said.
                (None, None) if is_closed && !value.is_unknown() => {
                    meant.extend(self.unknown_key(value, key, &keys, place));
                }
                _ => {}
            }
        }
        for key in schema.required() {
            if !table.contains_key(key) && !meant.contains(&key) {
                if self.lacks_too(place, key) {
                    self.faults.lacks_like_another(place, key);
                    continue;
                }
                let message = format!("{} has no '{key}'", place.table());
                let advice = schema.key(key).and_then(|schema| what_to_write(key, schema));
                self.faults.lacks(place, key, wrong_value(node, message).advise_option(advice));
            }
        }
        for (key, schema) in keys {
            self.relations(node, table, key, schema, place);
        }
    }

    /// What one key says about another of the same table.
    fn relations(
        &mut self,
        node: &Node,
        table: &IndexMap<String, Node>,
        key: &str,
        schema: ValueSchema,
        place: &SpecPlace,
    ) {
        let other = |relation: &str| {
            let name = schema.text(relation)?;
            table.get(name)?.integer().map(|value| (name, value))
        };
        match (table.get(key), schema.text("x-refers-to")) {
            (None, Some(to)) => self.absent.push(ImpliedKey { to, entry: node.clone(), place: place.clone() }),
            (None, None) => {}
            (Some(value), _) => {
                if let (Some(part), Some((name, whole))) = (value.integer(), other("x-divides"))
                    && part > 0
                    && whole % part != 0
                {
                    let message = format!("'{key}' = {part} does not divide '{name}' = {whole}");
                    let error = wrong_value(value, message).advise(format!("write a number that divides {whole}"));
                    self.faults.value(place.child(key), error);
                }
                if let Some((name, most)) = other("x-at-most") {
                    for (index, item) in value.list().unwrap_or(std::slice::from_ref(value)).iter().enumerate() {
                        if item.integer().is_some_and(|number| number > most) {
                            let message = format!("{} in '{key}' is larger than '{name}' = {most}", item.describe());
                            let whole = place.child(key);
                            let place = if value.list().is_some() { whole.child(&index.to_string()) } else { whole };
                            let error = wrong_value(item, message).advise(format!("write {most} or less"));
                            self.faults.value(place, error);
                        }
                    }
                }
            }
        }
    }

    /// Says that a key is none; the key that it was probably meant to be.
    fn unknown_key(
        &mut self,
        value: &Node,
        key: &str,
        keys: &[(&'static str, ValueSchema)],
        place: &SpecPlace,
    ) -> Option<&'static str> {
        let known: Vec<&'static str> = keys.iter().map(|(key, _)| *key).collect();
        let near = (self.faults.len() < ADVISED).then(|| nearest(key, known.iter().copied())).flatten();
        if self.takes_over(value, key, place) {
            self.faults.said_elsewhere(place.child(key), near);
            return near;
        }
        let advice = self.advice(|| match (near, elsewhere(key, place)) {
            (Some(near), _) => format!("write '{near}'"),
            (None, Some(table)) => format!("'{key}' belongs in {table}"),
            (None, None) => format!("keys here: {}", known.join(", ")),
        });
        let message = format!("unknown key '{}' in {}", shortened(key), place.table());
        self.faults.key(place.child(key), near, wrong_key(value, message).advise_option(advice));
        near
    }

    /// Whether what an entry would take a key from lacks it, too, of which it is said there.
    fn lacks_too(&self, place: &SpecPlace, key: &str) -> bool {
        let [entries, _] = place.0.as_slice() else { return false };
        let parent = self.parents.iter().find(|(of, _)| of == entries);
        parent.is_some_and(|(_, parent)| parent.table().is_some_and(|parent| !parent.contains_key(key)))
    }

    /// Whether a key of an entry is that of `[model]` or `[prompts]`, of which it is said there.
    fn takes_over(&self, value: &Node, key: &str, place: &SpecPlace) -> bool {
        let [entries, _, within @ ..] = place.0.as_slice() else { return false };
        let Some((_, parent)) = self.parents.iter().find(|(of, _)| of == entries) else { return false };
        let there = within.iter().try_fold(parent, |node, part| node.get(part)).and_then(|node| node.get(key));
        there.is_some_and(|there| there.origin.is(&value.origin))
    }

    fn format(&mut self, node: &Node, schema: ValueSchema, place: &SpecPlace) {
        let Some(name) = schema.text("format") else { return };
        let fault = match node.text() {
            Some(text) => format::check(name, text),
            None => format::check_value(name, node),
        };
        if let Err(fault) = fault {
            let error = wrong_part(node, &fault.part, fault.message).advise_option(fault.advice);
            self.faults.value(place.clone(), error);
        }
    }

    fn refer(&mut self, node: &Node, schema: ValueSchema, place: &SpecPlace) {
        if let (Some(to), Some(name)) = (schema.text("x-refers-to"), node.text()) {
            let (name, node, place) = (name.to_string(), node.clone(), place.clone());
            self.references.push(Reference { to, name, part: 0..0, node, place });
        }
    }

    /// Layers that a step of probes finds: `{probes}` in a text of layers, sites or components.
    fn refer_to_probe(&mut self, node: &Node, value: &str, schema: ValueSchema, place: &SpecPlace) {
        let Some(part) = schema.text("format").and_then(|format| format::named_probe(format, value)) else { return };
        let name = value.get(part.clone()).unwrap_or_default().to_string();
        self.references.push(Reference { to: "probe", name, part, node: node.clone(), place: place.clone() });
    }

    fn advice(&self, advice: impl FnOnce() -> String) -> Option<String> {
        (self.faults.len() < ADVISED).then(advice)
    }
}

/// Whether a value could be an item of the list in whose place it stands.
fn stands_alone(node: &Node, schema: ValueSchema) -> bool {
    let is_list = |text: &str| overrides::with_quotes(&node.origin, text).is_some();
    let items = schema.items().filter(|_| schema.types() == ["array"] && !node.text().is_some_and(is_list));
    items.is_some_and(|items| match (items.get("anyOf"), items.get("oneOf")) {
        (Some(_), _) => items.any_of().into_iter().any(|branch| has_type(node, branch)),
        (None, Some(_)) => items.kinds().is_none() && node.text().is_some(),
        (None, None) => has_type(node, items),
    })
}

/// How a list of one is written, where its item stands alone.
fn one_item(node: &Node, schema: ValueSchema, place: &SpecPlace) -> Option<String> {
    let items = schema.items().filter(|_| schema.types() == ["array"])?;
    let item = match &node.content {
        NodeContent::Integer(number) => number.to_string(),
        NodeContent::Float(number) => number.to_string(),
        NodeContent::Boolean(truth) => truth.to_string(),
        NodeContent::Text(text) if overrides::with_quotes(&node.origin, text).is_none() => {
            return numbers(text, items, place);
        }
        _ => return None,
    };
    match (has_type(node, items), items.types().contains(&"string")) {
        (true, _) => Some(format!("write {} = [{item}]", place.key())),
        (false, true) => Some(format!("write {} = [\"{item}\"]", place.key())),
        (false, false) => None,
    }
}

/// How a list of numbers is written, where a text stands.
fn numbers(text: &str, items: ValueSchema, place: &SpecPlace) -> Option<String> {
    let is_number = match items.types().as_slice() {
        ["integer"] => text.trim().parse::<i64>().is_ok(),
        ["number"] => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        _ => return None,
    };
    let number = if is_number { text.trim() } else { "2" };
    Some(format!("write numbers without quotes: {} = [{number}]", place.key()))
}

/// What a key that is not there would say: one of its words, or what it is about.
fn what_to_write(key: &str, schema: ValueSchema) -> Option<String> {
    let words: Vec<&str> = schema.words().into_iter().map(|(word, _)| word).collect();
    match words.is_empty() {
        true => about(schema).map(|about| format!("add '{key}'. {about}")),
        false => Some(format!("write {key} = {}", quoted(&words))),
    }
}

/// The first sentence of what the schema says about a missing key.
fn about(schema: ValueSchema) -> Option<String> {
    let description = schema.description()?;
    Some(description.split_inclusive(". ").next().unwrap_or(description).trim().replace('\n', " "))
}

/// A table of the spec that has this key, for a key that slipped into the wrong one.
fn elsewhere(key: &str, place: &SpecPlace) -> Option<String> {
    let others =
        ValueSchema::spec().keys().into_iter().filter(|(name, _)| place.0.first().is_none_or(|first| first != name));
    others.into_iter().find(|(_, table)| table.key(key).is_some()).map(|(name, _)| format!("[{name}]"))
}
