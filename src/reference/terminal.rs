//! One page for the terminal.

use super::about::DocComment;
use super::find::Referent;
use super::key::{KeyChoice, SpecKey};
use super::topic::{Topic, TopicKind};
use super::topics::{header, is_common, of};
use super::{StepRows, rows};
use polars::prelude::DataType;
use std::fmt::Write;

/// Lines are at most so long.
const WIDTH: usize = 100;

/// A page about what was found.
pub fn page(found: &Referent) -> String {
    let mut page = Page::default();
    match found {
        Referent::Topic(topic) => page.topic(topic),
        Referent::Key { paths, key } => {
            page.title(&key.name, if paths.len() == 1 { "a key" } else { "a key of several tables" });
            page.labelled("of", &paths.join(", "));
            page.key(key, "");
            if let Some(written) = key.written {
                page.labelled("written", written);
            }
            if let Some(table) = key.table {
                page.head("keys");
                super::key::keys(table).iter().for_each(|key| page.key(key, "  "));
            }
        }
        Referent::Choice { paths, choice } => {
            page.title(&choice.name, "a word");
            page.labelled("of", &paths.join(", "));
            page.about(&choice.about);
        }
        Referent::Synonym(synonym) => {
            page.title(synonym.names().next().unwrap_or_default(), "a word of the field");
            page.wrapped(synonym.about, 0, 0);
            page.line("");
            page.labelled("also", &synonym.names().skip(1).collect::<Vec<_>>().join(", "));
            let see: Vec<String> = synonym.see().map(|name| format!("ablate explain {name}")).collect();
            page.labelled("see", &see.join(", "));
        }
    }
    page.text
}

/// What a key means, in a sentence: by the table or kind that it belongs to and its name.
pub fn sentence(owner: &str, key: &str) -> Option<String> {
    let topic = super::topics().iter().find(|topic| topic.name == owner && topic.group <= TopicKind::Step)?;
    if topic.group == TopicKind::Step && key == "kind" {
        return Some(topic.about.line().to_string());
    }
    let key = topic.keys.iter().find(|other| other.name == key)?;
    Some(key.about.line().to_string())
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn topic(&mut self, topic: &Topic) {
        let name = match topic.group {
            TopicKind::Table => header(&topic.name),
            _ => topic.name.clone(),
        };
        self.title(&name, topic.group.name());
        self.about(&topic.about);
        let facts = topic.facts.iter().map(|(label, fact)| (*label, fact.as_str()));
        facts.for_each(|(label, fact)| self.labelled(label, fact));
        let keys: &[SpecKey] = match (topic.group, of(TopicKind::Table).find(|table| table.name == "figure")) {
            // Kinds of figure have the keys of any.
            (TopicKind::Figure, Some(figure)) => &figure.keys,
            _ => &topic.keys,
        };
        let (common, own): (Vec<&SpecKey>, Vec<&SpecKey>) =
            keys.iter().partition(|key| topic.group == TopicKind::Step && is_common(key));
        if !own.is_empty() {
            self.head("keys");
            own.into_iter().for_each(|key| self.nested(key, ""));
        }
        if !common.is_empty() {
            let names: Vec<&str> = common.iter().map(|key| key.name.as_str()).collect();
            self.wrapped(&format!("and as every step: {}", names.join(", ")), 2, 2);
        }
        if topic.group == TopicKind::Step {
            self.rows(&rows(topic));
        }
        if let Some(example) = &topic.about.example {
            self.head("example");
            example.lines().for_each(|line| self.line(&format!("  {line}")));
        }
    }

    /// A key, and below it those of the table that it is.
    fn nested(&mut self, key: &SpecKey, before: &str) {
        let name = format!("{before}{}", key.name);
        self.key(&SpecKey { name: name.clone(), ..key.clone() }, "  ");
        let inner = key.table.map(super::key::keys).unwrap_or_default();
        inner.iter().for_each(|key| self.nested(key, &format!("{name}.")));
    }

    fn key(&mut self, key: &SpecKey, indent: &str) {
        let depth = indent.len();
        let default = match (&key.default, key.required) {
            (Some(default), _) => format!(" = {default}"),
            (None, true) => ", required".into(),
            (None, false) => String::new(),
        };
        self.wrapped(&format!("{}  {}{default}", key.name, key.kind), depth, depth + 4);
        for text in std::iter::once(&key.about.summary).chain(&key.about.text).filter(|text| !text.is_empty()) {
            self.wrapped(text, depth + 4, depth + 4);
        }
        for KeyChoice { name, about } in &key.choices {
            self.wrapped(&format!("{name}: {}", about.summary), depth + 4, depth + 6);
        }
    }

    fn rows(&mut self, rows: &[StepRows]) {
        if rows.is_empty() {
            return;
        }
        self.head("rows");
        for StepRows { name, columns, .. } in rows {
            let columns = columns.iter().map(|column| format!("{} ({})", column.name, in_words(&column.dtype)));
            let columns: Vec<String> = columns.collect();
            self.wrapped(&format!("{name}: {}", columns.join(", ")), 2, 6);
        }
        self.wrapped("`ablate explain COLUMN` says what a column means", 2, 2);
    }

    fn about(&mut self, about: &DocComment) {
        for text in std::iter::once(&about.summary).chain(&about.text).filter(|text| !text.is_empty()) {
            self.wrapped(text, 0, 0);
            self.line("");
        }
        let parts = [("formula", &about.formula), ("source", &about.source), ("limits", &about.limits)];
        for (label, text) in parts.into_iter().filter_map(|(label, text)| Some((label, text.as_ref()?))) {
            self.labelled(label, text);
        }
    }

    fn title(&mut self, name: &str, kind: &str) {
        self.line(&format!("{name}  ({kind})"));
        self.line("");
    }

    fn head(&mut self, name: &str) {
        self.line("");
        self.line(name);
    }

    fn labelled(&mut self, label: &str, text: &str) {
        self.wrapped(&format!("{label:<9} {text}"), 0, 10);
    }

    fn line(&mut self, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{}", line.trim_end());
    }

    /// A text broken into lines, the first behind `first` spaces, the others behind `next`. Words that stand far apart, as
    /// behind a label, stay so.
    fn wrapped(&mut self, text: &str, first: usize, next: usize) {
        let mut line = " ".repeat(first);
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
                self.line(&line);
                line = " ".repeat(next);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }
}

/// What a column holds, in words.
fn in_words(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "true or false",
        DataType::String => "text",
        kind if kind.is_integer() => "integer",
        kind if kind.is_float() => "number",
        _ => "value",
    }
}
