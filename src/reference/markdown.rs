//! The whole reference: docs/spec.md.

use super::about::DocComment;
use super::key::{KeyChoice, SpecKey};
use super::topic::{Topic, TopicKind};
use super::topics::{common_keys, header, is_common, named, of};
use super::{StepRows, rows};
use std::fmt::Write;

const PREFACE: &str = "\
# Reference

This page has every table, key, kind of step, measure, figure and hook of a spec. `ablate explain NAME` prints one entry.
[The language](language.md) says how files are put together, and explains known models, expectations and small languages.
\"The paper\" is Nikankin et al. 2024, *Arithmetic without algorithms* (arXiv 2410.21272).

(`ablate explain --all > docs/spec.md` makes this page from the program's types; a test checks that it is current.)
";

/// All of it.
pub fn markdown() -> String {
    let mut book = Book { text: PREFACE.to_string() };
    book.contents();
    book.text.push_str("\n## Tables\n");
    of(TopicKind::Table).for_each(|topic| book.table(topic));
    book.steps();
    book.text.push_str("\n## Tables within others\n");
    of(TopicKind::Inner).for_each(|topic| book.table(topic));
    book.measures();
    book.text.push_str("\n## Figures\n\nKinds of [`[[figure]]`](#figure), which all have its keys.\n");
    of(TopicKind::Figure).for_each(|topic| book.topic(topic));
    book.hooks();
    book.list("Operators", TopicKind::Operator);
    book.list("Models", TopicKind::Model);
    book.columns();
    book.text
}

struct Book {
    text: String,
}

impl Book {
    fn contents(&mut self) {
        let link = |text: &str, topic: &Topic| format!("[{text}](#{})", anchor(&title(topic)));
        let links = |group: TopicKind| {
            let of_name = |(name, topics): (&str, Vec<&Topic>)| {
                let further = topics.iter().skip(1).map(|topic| link(&format!("of {}", kinds(topic)), topic));
                let further: Vec<String> = further.collect();
                let first = topics.first().map(|topic| link(&format!("`{name}`"), topic)).unwrap_or_default();
                if further.is_empty() { first } else { format!("{first} ({})", further.join(", ")) }
            };
            named(group).into_iter().map(of_name).collect::<Vec<_>>().join(" ")
        };
        let parts = [
            ("Tables", TopicKind::Table),
            ("Steps", TopicKind::Step),
            ("Measures", TopicKind::Measure),
            ("Figures", TopicKind::Figure),
        ];
        self.text.push_str("\n| | |\n|---|---|\n");
        for (name, group) in parts {
            self.line(&format!("| {name} | {} |", links(group)));
        }
        self.line("| | [Tables within others](#tables-within-others) [Hooks](#hooks) [Operators](#operators) [Models](#models) [Columns](#columns) |");
    }

    fn table(&mut self, topic: &Topic) {
        self.heading(topic);
        self.about(&topic.about);
        self.facts(topic);
        match topic.name.as_str() {
            "step" => self.text.push_str("\nSee [steps](#steps).\n"),
            "models" => self.text.push_str("\nThe keys are those of [`[model]`](#model).\n"),
            "prompt_sets" => self.text.push_str("\nThe keys are those of [`[prompts]`](#prompts).\n"),
            _ => self.keys(&topic.keys),
        }
    }

    fn steps(&mut self) {
        self.text.push_str("\n## Steps\n\n| `kind` | |\n|---|---|\n");
        for topic in of(TopicKind::Step) {
            self.line(&format!("| [`{}`](#{}) | {} |", topic.name, anchor(&title(topic)), cell(topic.about.line())));
        }
        self.text.push_str("\nEvery kind has `name` and `needs`; those that run models also `models` and `prompts`:\n");
        self.keys(&common_keys());
        for topic in of(TopicKind::Step) {
            self.heading(topic);
            self.about(&topic.about);
            let own: Vec<SpecKey> = topic.keys.iter().filter(|key| !is_common(key)).cloned().collect();
            self.keys(&own);
            self.rows(&rows(topic));
            self.example(&topic.about);
        }
    }

    fn measures(&mut self) {
        self.text.push_str(
            "\n## Measures\n\nr is the right answer of the run that is edited, and r' the wrong answer it is compared with: the prompt's `contrast` or `wrong` answers, \
             else the answer of the run the values come from. Both are read by their first token. P and L are probability and logit before the edit, \
             P* and L* after it. [Methods](methods.md) says which measure to take.\n",
        );
        of(TopicKind::Measure).for_each(|topic| self.topic(topic));
    }

    fn topic(&mut self, topic: &Topic) {
        self.heading(topic);
        self.about(&topic.about);
        self.facts(topic);
        self.example(&topic.about);
    }

    fn hooks(&mut self) {
        self.text.push_str("\n## Hooks\n\n| hook | shorthand | shape | |\n|---|---|---|---|\n");
        for topic in of(TopicKind::Hook) {
            let fact = |label: &str| topic.facts.iter().find(|(name, _)| *name == label).map_or("", |(_, fact)| fact);
            let (shape, short) = (fact("shape"), fact("shorthand"));
            self.line(&format!("| `{}` | `{short}` | `{shape}` | {} |", topic.name, cell(&topic.about.summary)));
        }
    }

    fn list(&mut self, name: &str, group: TopicKind) {
        self.line(&format!("\n## {name}\n\n| | |\n|---|---|"));
        for topic in of(group) {
            self.line(&format!("| `{}` | {} |", topic.name, cell(&topic.about.summary)));
        }
    }

    fn columns(&mut self) {
        self.text.push_str(
            "\n## Columns\n\nWhat the columns of rows mean, wherever they occur.\n\n| column | |\n|---|---|\n",
        );
        for topic in of(TopicKind::Column) {
            self.line(&format!("| `{}` | {} |", topic.name, cell(&topic.about.summary)));
        }
    }

    fn heading(&mut self, topic: &Topic) {
        self.line(&format!("\n### {}", title(topic)));
    }

    fn about(&mut self, about: &DocComment) {
        for text in std::iter::once(&about.summary).chain(&about.text).filter(|text| !text.is_empty()) {
            self.line(&format!("\n{text}"));
        }
        let parts = [("Formula", &about.formula), ("Source", &about.source), ("Limits", &about.limits)];
        for (label, text) in parts.into_iter().filter_map(|(label, text)| Some((label, text.as_ref()?))) {
            self.line(&format!("\n{label}: {}", math(text)));
        }
    }

    fn facts(&mut self, topic: &Topic) {
        for (label, fact) in &topic.facts {
            self.line(&format!("\n{}: {fact}.", capital(label)));
        }
    }

    fn keys(&mut self, keys: &[SpecKey]) {
        if keys.is_empty() {
            return;
        }
        self.text.push_str("\n| key | type | default | |\n|---|---|---|---|\n");
        for key in keys {
            let default = match (&key.default, key.required) {
                (Some(default), _) => format!("`{}`", default.replace('|', "\\|")),
                (None, true) => "required".into(),
                (None, false) => String::new(),
            };
            let texts = std::iter::once(&key.about.summary).chain(&key.about.text).map(String::as_str);
            let mut about = texts.collect::<Vec<_>>().join(" ");
            let measures =
                of(TopicKind::Measure).any(|topic| key.choices.iter().any(|choice| choice.name == topic.name));
            for KeyChoice { name, about: meaning } in &key.choices {
                let meaning = if measures { meaning.line() } else { &meaning.summary };
                let _ = write!(about, "<br>`{name}`: {meaning}");
            }
            if let Some(table) = key.table.and_then(|table| inner(table.name()?, key)) {
                let _ = write!(about, " See [`{}`](#{}).", table.name, anchor(&title(table)));
            }
            self.line(&format!("| `{}` | {} | {default} | {} |", key.name, cell(&key.kind), cell(&about)));
        }
    }

    fn rows(&mut self, rows: &[StepRows]) {
        for StepRows { name, columns, .. } in rows {
            let columns: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
            self.line(&format!("\nRows `{name}`: {}.", columns.join(", ")));
        }
    }

    fn example(&mut self, about: &DocComment) {
        if let Some(example) = &about.example {
            self.line(&format!("\n```toml\n{}```", example));
        }
    }

    fn line(&mut self, line: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// The topic of a table that a key is.
fn inner(name: &str, key: &SpecKey) -> Option<&'static Topic> {
    let same = |topic: &&Topic| {
        let keys = key.table.map(super::key::keys).unwrap_or_default();
        !name.is_empty() && topic.keys == keys
    };
    of(TopicKind::Inner).find(same)
}

/// A heading; measures and hooks may have the name of a step.
fn title(topic: &Topic) -> String {
    match topic.group {
        TopicKind::Table if topic.name == "spec" => "Top level".into(),
        TopicKind::Table => format!("`{}`", header(&topic.name)),
        // The first of a name has it alone, so that links to it hold.
        TopicKind::Measure if is_second(topic) => {
            format!("`{}` of {}", topic.name, kinds(topic))
        }
        TopicKind::Measure => format!("Measure `{}`", topic.name),
        _ => format!("`{}`", topic.name),
    }
}

/// Whether another measure before it has its name.
fn is_second(topic: &Topic) -> bool {
    of(TopicKind::Measure).find(|other| other.name == topic.name).is_some_and(|first| first != topic)
}

/// The kinds of step that have a measure.
fn kinds(topic: &Topic) -> &str {
    topic.facts.first().map_or("", |(_, kinds)| kinds)
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A formula's stars are no emphasis.
fn math(text: &str) -> String {
    let mut code = false;
    let escaped = text.chars().map(|letter| {
        code ^= letter == '`';
        match letter {
            '*' | '_' | '<' if !code => format!("\\{letter}"),
            letter => letter.to_string(),
        }
    });
    escaped.collect()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
