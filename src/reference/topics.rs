//! Everything that has a name of its own.

use super::about::DocComment;
use super::columns::columns;
use super::key::{self, KeyChoice, SpecKey, choices, keys};
use super::topic::{Topic, TopicKind};
use crate::bundled;
use crate::model::{builtin, family};
use crate::spec::{self, Operator, ValueSchema, hook};
use indexmap::IndexMap;
use std::sync::LazyLock;

/// Every topic, by group, in the order of the types.
pub fn topics() -> &'static [Topic] {
    static TOPICS: LazyLock<Vec<Topic>> = LazyLock::new(|| {
        let steps = steps();
        let tables = tables();
        let inner = inner(tables.iter().chain(&steps));
        let measures = measures(&steps);
        let columns = columns(&steps).into_iter();
        let columns = columns.map(|(name, about)| Topic::new(TopicKind::Column, name, DocComment::read(&about)));
        let all = tables.into_iter().chain(inner).chain(steps).chain(measures).chain(figures());
        all.chain(hooks()).chain(operators()).chain(models()).chain(specs()).chain(columns).collect()
    });
    &TOPICS
}

/// The keys of the top level, each a table of its own; the plain ones make the first topic.
fn tables() -> Vec<Topic> {
    let root = ValueSchema::spec();
    let (tables, plain): (Vec<SpecKey>, Vec<SpecKey>) =
        keys(root).into_iter().partition(|key| is_table(root, &key.name));
    let mut first = Topic::of(TopicKind::Table, "spec", root);
    first.keys = plain;
    let table = |key: SpecKey| {
        let mut topic = Topic::new(TopicKind::Table, key.name.clone(), key.about.clone());
        let inner = key.table.and_then(|table| table.text("description")).map(DocComment::read);
        topic.about.text.extend(inner.map(|inner| inner.summary).filter(|text| *text != key.about.summary));
        topic.keys = key.table.map(keys).unwrap_or_default();
        topic
    };
    std::iter::once(first).chain(tables.into_iter().map(table)).collect()
}

/// Whether a key of the top level is written below a header of its own.
fn is_table(root: ValueSchema, key: &str) -> bool {
    let inner = root.key(key).map(key::innermost);
    inner.is_some_and(|inner| inner.get("properties").is_some() || inner.kinds().is_some())
}

/// How a file writes the header of a table of the top level.
pub(super) fn header(name: &str) -> String {
    match name {
        "spec" => "top level".into(),
        "models" | "known" | "prompt_sets" | "matrix" => format!("[{name}.NAME]"),
        _ if spec::is_named_list(name) => format!("[[{name}]]"),
        _ => format!("[{name}]"),
    }
}

/// Tables that keys of these topics have, and keys of theirs. One that a single topic has goes by both their names, one that
/// several have by the key's alone.
fn inner<'t>(topics: impl Iterator<Item = &'t Topic>) -> Vec<Topic> {
    let mut found: Vec<(&'static str, Topic, Vec<String>)> = Vec::new();
    let mut open: Vec<(String, Vec<SpecKey>)> = topics.map(|topic| (topic.name.clone(), topic.keys.clone())).collect();
    open.reverse();
    while let Some((owner, keys_of_owner)) = open.pop() {
        for key in keys_of_owner {
            let Some((table, name)) = key.table.and_then(|table| Some((table, table.name()?))) else { continue };
            let path = format!("{owner}.{}", key.name);
            match found.iter_mut().find(|(other, ..)| *other == name) {
                Some((.., paths)) => paths.push(path),
                None => {
                    let topic = Topic::of(TopicKind::Inner, &key.name, table);
                    open.push((path.clone(), topic.keys.clone()));
                    found.push((name, topic, vec![path]));
                }
            }
        }
    }
    let finished = |(_, mut topic, paths): (&str, Topic, Vec<String>)| {
        match paths.as_slice() {
            [only] => topic.name = only.clone(),
            several => {
                topic.also = several.to_vec();
                topic.facts.push(("of", several.join(", ")));
            }
        }
        topic
    };
    found.into_iter().map(finished).collect()
}

fn steps() -> Vec<Topic> {
    let kinds = ValueSchema::named("Step").and_then(ValueSchema::kinds).map(|(_, kinds)| kinds).unwrap_or_default();
    kinds.into_iter().map(|(name, kind)| Topic::of(TopicKind::Step, name, kind)).collect()
}

/// The words of the keys `measure` and `measures`; what several kinds of step measure alike is there once.
fn measures(steps: &[Topic]) -> Vec<Topic> {
    let mut found: Vec<(Topic, Vec<&str>)> = Vec::new();
    for step in steps {
        let measures = step.keys.iter().filter(|key| key.name == "measure" || key.name == "measures");
        for KeyChoice { name, about } in measures.flat_map(|key| &key.choices) {
            match found.iter_mut().find(|(topic, _)| topic.name == *name && topic.about == *about) {
                Some((_, kinds)) => kinds.push(&step.name),
                None => found.push((Topic::new(TopicKind::Measure, name.clone(), about.clone()), vec![&step.name])),
            }
        }
    }
    let finished = |(mut topic, kinds): (Topic, Vec<&str>)| {
        topic.facts.push(("of", kinds.join(", ")));
        topic
    };
    found.into_iter().map(finished).collect()
}

fn figures() -> Vec<Topic> {
    let kinds = ValueSchema::named("FigureKind").map(choices).unwrap_or_default();
    kinds.into_iter().map(|KeyChoice { name, about }| Topic::new(TopicKind::Figure, name, about)).collect()
}

fn hooks() -> impl Iterator<Item = Topic> {
    hook::hooks().map(|hook| {
        let name = if hook.in_blocks { format!("blocks.N.{}", hook.name) } else { hook.name.to_string() };
        let mut topic = Topic::new(TopicKind::Hook, name, DocComment::read(hook.about));
        let last = hook.name.rsplit('.').next().unwrap_or(hook.name);
        topic.also = [hook.name, hook.short, last].map(String::from).to_vec();
        topic.facts = vec![("shape", hook.shape.to_string()), ("shorthand", hook.short.to_string())];
        if hook.in_blocks {
            let short = hook.short;
            let some = format!("`{short}` (all layers), `3.{short}`, `24..30.{short}` (24 to 29: the end of a range is excluded), `{{0,3,8..12}}.{short}`");
            topic.facts.push(("as a site", some));
        }
        topic
    })
}

fn operators() -> impl Iterator<Item = Topic> {
    Operator::ALL.into_iter().map(|operator| {
        let about = format!("{}: {}.", operator.name(), operator.formula());
        let mut topic = Topic::new(TopicKind::Operator, operator.symbol(), DocComment::read(&about));
        topic.also = vec![operator.sign().into(), operator.name().into()];
        topic
    })
}

fn models() -> impl Iterator<Item = Topic> {
    let families = family::described().map(|(name, about)| {
        let mut topic = Topic::new(TopicKind::Model, name, DocComment::read(about));
        topic
            .facts
            .push(("is", "a family: `model.source` is a folder, an hf: name or a GGUF file of such a model".into()));
        topic
    });
    builtin::described()
        .map(|(name, about)| Topic::new(TopicKind::Model, name, DocComment::read(about)))
        .chain(families)
}

fn specs() -> impl Iterator<Item = Topic> {
    bundled::specs().map(|(name, title)| {
        let mut topic = Topic::new(TopicKind::Spec, name, DocComment::read(&title));
        topic.facts.push(("copy", format!("ablate new NAME --from {name}")));
        topic
    })
}

/// The topics of a group.
pub(super) fn of(group: TopicKind) -> impl Iterator<Item = &'static Topic> {
    topics().iter().filter(move |topic| topic.group == group)
}

/// The topics of a group by their names, in the order of the first of each: measures of several kinds of step may have one name.
pub fn named(group: TopicKind) -> IndexMap<&'static str, Vec<&'static Topic>> {
    let mut named: IndexMap<&str, Vec<&Topic>> = IndexMap::new();
    of(group).for_each(|topic| named.entry(topic.name.as_str()).or_default().push(topic));
    named
}

/// The keys that every kind of step which runs models has.
pub(super) fn common_keys() -> Vec<SpecKey> {
    let common = ["name", "models", "prompts", "needs"];
    let step = of(TopicKind::Step).next();
    step.into_iter().flat_map(|step| &step.keys).filter(|key| common.contains(&key.name.as_str())).cloned().collect()
}

/// Whether a key of a step is one that every kind has.
pub(super) fn is_common(key: &key::SpecKey) -> bool {
    common_keys().contains(key)
}
