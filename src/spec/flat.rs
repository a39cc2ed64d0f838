//! A spec as one file that stands alone: what its files, its profile and flags say, with the comments that stand there.

use super::loaded::Loaded;
use super::merge::NAMED_LISTS;
use super::node::{Node, NodeContent, Origin};
use super::source::Source;
use super::write::{inline, name};
use indexmap::IndexMap;
use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;

/// Lines with a comment behind their value are at most so long.
const WIDTH: usize = 120;

/// What is said about a key that has no comment of its own: by the table, or the kind of step, and its name.
pub type Explain<'e> = &'e dyn Fn(&str, &str) -> Option<String>;

/// Makes of a path that a file wrote one that starts from where the new file is.
pub type Moved<'m> = &'m dyn Fn(&Origin, &str) -> String;

impl Loaded {
    /// The spec in one file: `extends` and `known` are gone, and what is expected of a known model with them. Defaults are not
    /// written out.
    pub(crate) fn to_one_file(&self, explain: Explain, moved: Moved) -> String {
        let mut writer =
            FlatWriter { out: String::new(), explain, moved, explained: HashSet::new(), begun: Vec::new() };
        if let Some(first) = self.sources.first() {
            writer.comment(head(first));
            writer.begun.push(first.clone());
            writer.out.push('\n');
        }
        if let Some(spec) = self.nodes().table() {
            writer.spec(spec);
        }
        writer.out.trim_start().to_string()
    }
}

struct FlatWriter<'w> {
    out: String,
    explain: Explain<'w>,
    moved: Moved<'w>,
    /// Keys that were explained: once is enough.
    explained: HashSet<(String, String)>,
    /// Files whose comment at the head is written.
    begun: Vec<Arc<Source>>,
}

impl FlatWriter<'_> {
    fn spec(&mut self, spec: &IndexMap<String, Node>) {
        let written = |(key, _): &(&String, &Node)| key.as_str() != "known";
        for (key, node) in spec.iter().filter(written).filter(|(_, node)| !is_below_header(node)) {
            self.key("spec", key, node);
        }
        for (key, node) in spec.iter().filter(written) {
            let parent = match key.as_str() {
                "models" => spec.get("model"),
                "prompt_sets" => spec.get("prompts"),
                _ => None,
            };
            match &node.content {
                NodeContent::Table(entries) if key == "models" || key == "prompt_sets" => {
                    for (own, entry) in entries {
                        let owner = if key == "models" { "model" } else { "prompts" };
                        self.table(&format!("[{key}.{}]", name(own)), owner, entry, parent);
                    }
                }
                NodeContent::Table(_) => self.table(&format!("[{}]", name(key)), key, node, None),
                NodeContent::List(entries) if NAMED_LISTS.contains(&key.as_str()) => {
                    let kept = |entry: &&Node| key != "expect" || entry.get("model").is_none();
                    for entry in entries.iter().filter(kept) {
                        let owner = entry.get("kind").and_then(Node::text).filter(|_| key == "step").unwrap_or(key);
                        self.table(&format!("[[{key}]]"), owner, entry, None);
                    }
                }
                _ => {}
            }
        }
    }

    fn table(&mut self, header: &str, owner: &str, node: &Node, parent: Option<&Node>) {
        self.out.push('\n');
        if let Origin::File { source, value, .. } = &node.origin {
            let own = above(source, value);
            // What stands at the head of a file is about the first of its tables.
            let begun = self.begun.iter().any(|begun| Arc::ptr_eq(begun, source));
            if !begun {
                self.begun.push(source.clone());
                self.comment(head(source));
            }
            self.comment(own);
        }
        let _ = writeln!(self.out, "{header}");
        for (key, value) in node.table().into_iter().flatten() {
            let inherited =
                parent.and_then(|parent| parent.get(key)).is_some_and(|above| above.origin.is(&value.origin));
            if !inherited {
                self.key(owner, key, value);
            }
        }
    }

    fn key(&mut self, owner: &str, key: &str, node: &Node) {
        let text = format!("{} = {}", name(key), self.value(owner, key, node));
        let (own, behind) = match &node.origin {
            Origin::File { source, key: Some(at), value } => (above(source, at), behind(source, value)),
            _ => (Vec::new(), None),
        };
        let explained = key != "name" && self.explained.insert((owner.to_string(), key.to_string()));
        let about = if own.is_empty() && behind.is_none() && explained { (self.explain)(owner, key) } else { None };
        self.comment(own);
        let about = about.map(|about| format!("# {about}")).or(behind);
        let _ = match about {
            None => writeln!(self.out, "{text}"),
            Some(about) if !text.contains('\n') && text.chars().count() + about.chars().count() + 2 <= WIDTH => {
                writeln!(self.out, "{text}  {about}")
            }
            Some(about) => writeln!(self.out, "{}\n{text}", lines(&about)),
        };
    }

    /// A value as its file writes it, where it is that of one file.
    fn value(&self, owner: &str, key: &str, node: &Node) -> String {
        let plain = inline(&node.to_toml());
        match (&node.content, &node.origin) {
            (NodeContent::Text(text), origin) if (owner, key) == ("model", "source") => {
                inline(&toml::Value::String((self.moved)(origin, text)))
            }
            (_, Origin::File { source, value, .. }) => {
                let raw = source.text().get(value.clone()).unwrap_or_default();
                let read = format!("x = {raw}").parse::<toml::Table>();
                match read.ok().and_then(|mut read| read.remove("x")) == Some(node.to_toml()) {
                    true => raw.to_string(),
                    false => plain,
                }
            }
            _ => plain,
        }
    }

    fn comment(&mut self, lines: Vec<String>) {
        for line in lines {
            let _ = writeln!(self.out, "{line}");
        }
    }
}

/// Whether a value of the top level has a header of its own.
fn is_below_header(node: &Node) -> bool {
    match &node.content {
        NodeContent::Table(_) => true,
        NodeContent::List(entries) => entries.iter().any(|entry| entry.table().is_some()),
        _ => false,
    }
}

/// The lines of comment right above a place.
fn above(source: &Source, place: &Range<usize>) -> Vec<String> {
    let before = source.text().get(..place.start).unwrap_or_default();
    let before = before.rfind('\n').map_or("", |end| before.get(..end).unwrap_or_default());
    let mut lines: Vec<String> =
        before.lines().rev().map(str::trim).take_while(|line| line.starts_with('#')).map(String::from).collect();
    lines.reverse();
    let lines = without_schema(lines);
    // One that begins the file is its head.
    if lines == head(source) { Vec::new() } else { lines }
}

/// The comment behind a value, on its last line.
fn behind(source: &Source, value: &Range<usize>) -> Option<String> {
    let after = source.text().get(value.end..)?.lines().next()?.trim();
    after.starts_with('#').then(|| after.to_string())
}

/// The lines of comment that a file begins with.
fn head(source: &Source) -> Vec<String> {
    let lines = source.text().lines().map(str::trim);
    let lines = lines.skip_while(|line| line.is_empty() || line.starts_with("#:"));
    without_schema(lines.take_while(|line| line.starts_with('#')).map(String::from).collect())
}

/// Comments that are meant for editors hold where the file was.
fn without_schema(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().filter(|line| !line.starts_with("#:")).collect()
}

/// A comment on as many lines as it needs.
fn lines(comment: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in comment.trim_start_matches('#').split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n")
}
