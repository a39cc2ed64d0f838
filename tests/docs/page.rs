//! A page of the documentation, read as Markdown.

use crate::support::{files_below, repository};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::fs;
use std::path::{Path, PathBuf};

pub struct Page {
    /// Below the root of the repository.
    pub path: PathBuf,
    pub text: String,
}

/// A block of code, fenced or indented.
pub struct Block {
    /// What stands behind the opening fence; empty where the block is indented.
    pub info: String,
    pub text: String,
    /// Of its first line, from 1.
    pub line: usize,
}

impl Page {
    pub fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = fs::read_to_string(repository("").join(&path));
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    /// Every page that people read: those at the root, `docs/`, and the pages of experiments and of results.
    pub fn all() -> Vec<Self> {
        let root = repository("");
        let mut found = vec![Self::read("README.md"), Self::read("CONTRIBUTING.md"), Self::read("CHANGELOG.md")];
        for folder in ["docs", "experiments", "results"] {
            let is_page = |path: &Path| match folder {
                "docs" => path.extension().is_some_and(|ending| ending == "md"),
                // Reports are written by runs.
                _ => path.file_name().is_some_and(|name| name == "README.md"),
            };
            let files = files_below(&root.join(folder)).into_iter().filter(|path| is_page(path));
            found.extend(files.map(|path| Self::read(path.strip_prefix(&root).expect("below the root"))));
        }
        found
    }

    fn events(&self) -> impl Iterator<Item = (Event<'_>, std::ops::Range<usize>)> {
        Parser::new_ext(&self.text, Options::ENABLE_TABLES).into_offset_iter()
    }

    /// Where its links and pictures lead.
    pub fn links(&self) -> Vec<String> {
        let link = |event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
            _ => None,
        };
        self.events().filter_map(|(event, _)| link(event)).collect()
    }

    /// The anchors of its headings, as GitHub makes them and mdBook does.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors = Vec::new();
        let mut heading: Option<String> = None;
        for (event, _) in self.events() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        anchors
    }

    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut inside = false;
        for (event, place) in self.events() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let line = self.text[..place.start].matches('\n').count() + 1;
                    let (info, line) = match kind {
                        CodeBlockKind::Fenced(info) => (info.into_string(), line + 1),
                        CodeBlockKind::Indented => (String::new(), line),
                    };
                    blocks.push(Block { info, text: String::new(), line });
                    inside = true;
                }
                Event::End(TagEnd::CodeBlock) => inside = false,
                Event::Text(text) if inside => {
                    if let Some(block) = blocks.last_mut() {
                        block.text.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        blocks
    }
}

fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.collect::<String>().replace(' ', "-").to_lowercase()
}
